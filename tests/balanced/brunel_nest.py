"""The network of `test_network.py` in NEST, in a process of its own; prints rate, CV, synchrony."""

from __future__ import annotations

import json
import sys

import nest
import numpy as np

from synsim.activity import Activity

job = json.loads(sys.argv[1])
N, C, J, duration = job["neurons"], job["inputs"], job["J"], job["duration"]
E, g, eta, settle, dt = 4 * N // 5, 5.0, 2.0, 200.0, 0.1
nest.set_verbosity("M_ERROR")
found = []
for seed in range(1, job["seeds"] + 1):
    nest.ResetKernel()
    nest.resolution, nest.rng_seed = dt, seed
    cells = nest.Create(
        "iaf_psc_delta",
        N,
        params={"tau_m": 20.0, "C_m": 200.0, "V_th": 20.0, "V_reset": 10.0, "E_L": 0.0,
                "t_ref": 2.0},
    )  # fmt: skip
    cells.V_m = np.random.default_rng(seed).uniform(10, 20, N).tolist()
    outside = nest.Create("poisson_generator", params={"rate": eta * 20.0 / (20e-3 * J)})
    nest.Connect(outside, cells, syn_spec={"weight": J, "delay": dt})
    for sources, inputs, weight in ((cells[:E], C, J), (cells[E:], C // 4, -g * J)):
        rule = {"rule": "fixed_indegree", "indegree": inputs, "allow_multapses": False,
                "allow_autapses": False}  # fmt: skip
        nest.Connect(sources, cells, rule, {"weight": weight, "delay": 1.5})
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    nest.Simulate(settle + duration)
    steps = np.rint((recorder.events["times"] - settle) / dt).astype(np.int32) - 1
    neurons = (recorder.events["senders"] - 1).astype(np.int32)
    order = np.lexsort((neurons, steps))
    order = order[steps[order] >= 0]
    told = Activity(N, E, round(duration / dt), 50, 0)
    told(steps[order], neurons[order])
    rate = told.count[:E].mean() / (duration * 1e-3)
    found.append([rate, float(np.nanmean(told.cv()[:E])), told.synchrony()[0]])
print(json.dumps(found))
