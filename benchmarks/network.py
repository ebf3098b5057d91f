"""A balanced network in synsim and in NEST, in one run: time, memory, and whether they agree.

    .venv/bin/python benchmarks/network.py --neurons 5000,20000

Reliable synapses (NEST's static_synapse), a tenth of the excitatory neurons as inputs, 1000 at
most; 1 s after 0.2 s. Each program runs in a process of its own, with one thread. Time is that of
connecting, running and reading the spikes, without imports; synsim's program is compiled before,
in another process. Memory is the most that the process or its program held.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

RATE_TOLERANCE = 0.05


def synsim_job(neurons: int) -> dict[str, float]:
    """As `synsim run balanced-network` runs it."""
    from synsim.protocols import balanced_network

    settings = balanced_network.Settings(
        neurons=neurons, p=1.0, q="0.2mV", release="mean-field", costs="none"
    )
    begun = time.perf_counter()
    found = balanced_network.run(settings).results
    return {"seconds": time.perf_counter() - begun, "rate": found["rate_excitatory_Hz"]}


def nest_job(neurons: int) -> dict[str, float]:
    """The same network."""
    import nest
    import numpy as np

    J, g, eta, E = 0.2, 5.0, 2.0, 4 * neurons // 5
    C = min(1000, E // 10)
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.resolution = 0.1
    begun = time.perf_counter()
    cells = nest.Create(
        "iaf_psc_delta",
        neurons,
        params={"tau_m": 20.0, "C_m": 200.0, "V_th": 20.0, "V_reset": 10.0, "E_L": 0.0,
                "t_ref": 2.0},
    )  # fmt: skip
    cells.V_m = np.random.default_rng(1).uniform(10, 20, neurons).tolist()
    outside = nest.Create("poisson_generator", params={"rate": eta * 20.0 / (20e-3 * J)})
    nest.Connect(outside, cells, syn_spec={"weight": J, "delay": 0.1})
    for sources, inputs, weight in ((cells[:E], C, J), (cells[E:], C // 4, -g * J)):
        rule = {"rule": "fixed_indegree", "indegree": inputs, "allow_multapses": False}
        nest.Connect(sources, cells, rule, {"weight": weight, "delay": 1.5})
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    nest.Simulate(1200.0)
    events = recorder.events
    kept = (events["times"] > 200.0) & (events["senders"] <= E)
    return {"seconds": time.perf_counter() - begun, "rate": float(kept.sum() / E)}


def work(program: str, neurons: int) -> dict[str, float]:
    """Run in this process, and say what it held."""
    found = {"synsim": synsim_job, "nest": nest_job}[program](neurons)
    held = max(resource.getrusage(who).ru_maxrss
               for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))  # fmt: skip
    return found | {"GB": held * 1024 / 1e9}


def main() -> None:
    """Run both, compare, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--neurons", default="5000,20000")
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        print(json.dumps(work(given.job[0], int(given.job[1]))))
        return
    print("| neurons | synsim, s | NEST, s | NEST / synsim | synsim, GB | NEST, GB | rates, Hz |")
    print("|---|---|---|---|---|---|---|")
    for neurons in (int(n) for n in given.neurons.split(",")):
        found = {}
        for program in ("synsim", "synsim", "nest"):  # the first one compiles
            call = [sys.executable, __file__, "--job", program, str(neurons)]
            done = subprocess.run(call, capture_output=True, text=True, check=True)
            found[program] = json.loads(done.stdout.splitlines()[-1])
        ours, nest = found["synsim"], found["nest"]
        print(
            f"| {neurons} | {ours['seconds']:.2f} | {nest['seconds']:.2f} | "
            f"{nest['seconds'] / ours['seconds']:.1f} | {ours['GB']:.2f} | {nest['GB']:.2f} | "
            f"{ours['rate']:.1f}, {nest['rate']:.1f} |",
            flush=True,
        )
        if abs(ours["rate"] - nest["rate"]) > RATE_TOLERANCE * nest["rate"]:
            raise SystemExit(f"{neurons} neurons: the rates differ by more than {RATE_TOLERANCE:g}")


if __name__ == "__main__":
    main()
