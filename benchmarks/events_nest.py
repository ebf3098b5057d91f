"""The job of `events.py` in NEST. Imports NEST when it is asked to run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from events_job import (
    A_MINUS,
    A_PLUS,
    DELAY,
    DT,
    N_SITES,
    NEST_MODELS,
    T_REF,
    TAU_FACIL,
    TAU_M,
    TAU_MINUS,
    TAU_PLUS,
    TAU_REC,
    V_RESET,
    V_TH,
    W0,
    Job,
    U,
    summary,
)


def run(job: Job, ready: Callable[[], None]) -> dict:
    """Seconds of the simulation and of setting it up, and what it is compared by."""
    import nest

    ready()
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.resolution = DT
    nest.local_num_threads = job.threads
    nest.rng_seed = job.seed
    start = time.perf_counter()
    generator = nest.Create("poisson_generator", params={"rate": job.rate})
    sources = nest.Create("parrot_neuron", job.sources)
    neurons = nest.Create(
        "iaf_psc_delta",
        job.neurons,
        params={
            "tau_m": TAU_M,
            "C_m": 250.0,
            "V_th": V_TH if job.fires else 1e9,
            "V_reset": V_RESET,
            "t_ref": T_REF,
            "tau_minus": TAU_MINUS,
        },
    )
    neurons.E_L = job.leak_potentials().tolist()
    neurons.V_m = job.leak_potentials().tolist()
    nest.Connect(generator, sources, syn_spec={"delay": DELAY})
    if job.kind != "none":
        nest.Connect(sources, neurons, syn_spec=_synapse(job))
    counters = nest.Create("spike_recorder", 2)
    counters.record_to = "memory"
    nest.Connect(neurons, counters[0])
    nest.Connect(sources, counters[1])
    meter = None
    if not job.fires:
        meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": 10.0})
        nest.Connect(meter, neurons)
    nest.Prepare()
    connected, processor = time.perf_counter(), time.process_time()
    nest.Run(job.seconds * 1e3)
    done, processor = time.perf_counter(), time.process_time() - processor
    nest.Cleanup()
    status = Path("/proc/self/status").read_text()  # before results are copied
    v = np.empty(0)
    if meter is not None:
        events = meter.events
        order = np.lexsort((events["senders"], events["times"]))
        v = events["V_m"][order].reshape(-1, job.neurons)[20:] - job.leak_potentials()
    w = np.empty(0)
    if job.kind == "stdp":
        w = np.array(nest.GetConnections(sources, neurons).get("weight")) / job.quantum()
    fired, arrived = counters.get("n_events")
    return {
        "run": done - connected,
        "cpu": processor,
        "build": 0.0,
        "setup": connected - start,
        "status": status,
        **summary(job, fired, arrived, v, w),
    }


def _synapse(job: Job) -> dict:
    q = job.quantum()
    short_term = {"U": U, "u": U, "tau_rec": TAU_REC, "tau_fac": TAU_FACIL}
    particular = {
        "static": {"weight": q},
        # the weight of tsodyks2 is that of n quanta, of quantal_stp of one
        "tm": {"weight": N_SITES * q, "x": 1.0, **short_term},
        "sites": {"weight": q, "n": N_SITES, "a": N_SITES, **short_term},
        "stdp": {
            "weight": W0 * q,
            "Wmax": q,
            "lambda": A_PLUS,
            "alpha": A_MINUS / A_PLUS,
            "mu_plus": 0.0,
            "mu_minus": 0.0,
            "tau_plus": TAU_PLUS,
        },
    }[job.kind]
    return {"synapse_model": NEST_MODELS[job.kind], "delay": DELAY, **particular}
