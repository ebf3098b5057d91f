"""The job of `events.py` in Brian2's C++ standalone mode: as one writes it, and with synsim.

Neurons and monitors are the same objects; sources and synapses are each side's own.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from events_job import (
    A_MINUS,
    A_PLUS,
    DELAY,
    DENDRITIC_DELAY,
    DT,
    N_SITES,
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

# Brian2 itself says what time the processor took.
_BEFORE = "timespec _begun; clock_gettime(CLOCK_MONOTONIC, &_begun);"
_AFTER = """
timespec _ended; clock_gettime(CLOCK_MONOTONIC, &_ended);
{
    std::ifstream from("/proc/self/status");
    std::ofstream to(brian::results_dir + "status");
    to << from.rdbuf() << "seconds: "
       << _ended.tv_sec - _begun.tv_sec + 1e-9 * (_ended.tv_nsec - _begun.tv_nsec) << "\\n";
}
"""


def run(job: Job, ready: Callable[[], None]) -> dict:
    """Seconds of the simulation, building and setting up, and what it is compared by.

    `ready` is called between building and running.
    """
    import brian2 as b2

    place = Path(tempfile.mkdtemp(prefix="synsim-events-"))
    start = time.perf_counter()
    parts = build(job, place)
    built = time.perf_counter()
    ready()
    started = time.perf_counter()
    b2.device.run(str(place), with_output=False, run_args=[])
    done = time.perf_counter()
    took = seconds(place)
    arrived = int(np.sum(parts["arrived"].count[:]))
    v = np.empty(0)
    if parts["meter"] is not None:
        v = np.asarray(parts["meter"].v / b2.mV).T[20:] - job.leak_potentials()
    w = np.empty(0)
    if job.kind in ("stdp", "all"):
        w = np.asarray(parts["synapses"].w[:])
    found = {
        "run": took,
        "cpu": b2.device._last_run_time,
        "build": built - start,
        "setup": done - started - took,
        "status": (place / "results" / "status").read_text(),
        **summary(job, int(np.sum(parts["fired"].count[:])), arrived, v, w),
    }
    shutil.rmtree(place)
    return found


def build(job: Job, place: Path) -> dict[str, Any]:
    """Leave the compiled program ``main`` in a folder; returns the objects of the network."""
    import brian2 as b2

    b2.prefs.devices.cpp_standalone.openmp_threads = job.threads if job.threads > 1 else 0
    if job.float32:
        b2.prefs.core.default_float_dtype = np.float32
    b2.set_device("cpp_standalone", directory=str(place), build_on_run=False)
    b2.defaultclock.dt = DT * b2.ms
    b2.seed(job.seed)
    parts = _network(job)
    network = b2.Network(*(part for part in parts.values() if part is not None))
    b2.device.insert_code("before_network_run", _BEFORE)
    b2.device.insert_code("after_network_run", _AFTER)
    network.run(job.seconds * b2.second)
    b2.device.build(directory=str(place), run=False)
    return parts


def seconds(place: Path) -> float:
    """What the simulation itself took in the last run of a program."""
    return float((place / "results" / "status").read_text().split()[-1])


def _network(job: Job) -> dict[str, Any]:
    import brian2 as b2

    sources = _sources(job)
    neurons = b2.NeuronGroup(
        job.neurons,
        """dv/dt = (E_L - v)/tau_m : volt (unless refractory)
        E_L : volt (constant)""",
        threshold="v > V_th",
        reset="v = V_reset",
        refractory=T_REF * b2.ms,
        method="exact",
        namespace={
            "tau_m": TAU_M * b2.ms,
            "V_th": (V_TH if job.fires else 1e9) * b2.mV,
            "V_reset": V_RESET * b2.mV,
        },
    )
    neurons.E_L = neurons.v = job.leak_potentials() * b2.mV
    synapses = None
    if job.kind != "none":
        make = {"brian2": _plain, "synsim": _synsim}[job.program]
        synapses = make(job, sources, neurons)
    return {
        "sources": sources,
        "neurons": neurons,
        "synapses": synapses,
        "fired": b2.SpikeMonitor(neurons, record=job.record),
        "arrived": b2.SpikeMonitor(sources, record=job.record),
        "meter": None
        if job.fires
        else b2.StateMonitor(neurons, "v", record=True, dt=10 * b2.ms, when="end"),
    }


def _sources(job: Job) -> Any:
    import brian2 as b2

    if job.program == "synsim":
        from synsim import PoissonSources

        return PoissonSources(job.sources, job.rate * b2.Hz)
    return b2.PoissonGroup(job.sources, job.rate * b2.Hz)


def _synsim(job: Job, sources: Any, neurons: Any) -> Any:
    from synsim import PairSTDP, Synapse, TsodyksMarkram

    short_term = job.kind in ("tm", "sites", "all")
    plastic = job.kind in ("stdp", "all")
    synapse = Synapse(
        n=N_SITES if short_term else 1,
        p=None if short_term else 1.0,
        q=f"{job.quantum()!r}mV",
        short_term=TsodyksMarkram(U=U, tau_rec=f"{TAU_REC}ms", tau_facil=f"{TAU_FACIL}ms")
        if short_term
        else None,
        release="sites" if job.kind in ("sites", "all") else "mean-field",
        plasticity=PairSTDP(
            a_plus=A_PLUS, a_minus=A_MINUS, tau_plus=f"{TAU_PLUS}ms", tau_minus=f"{TAU_MINUS}ms"
        )
        if plastic
        else None,
        w0=W0,
        delay=f"{DELAY}ms",
        dendritic_delay=f"{DENDRITIC_DELAY}ms" if plastic else "0ms",
        target="v",
    )
    return synapse.connect(sources, neurons)


_TM_MODEL = """du/dt = -u/tau_facil : 1 (event-driven)
dx/dt = (1 - x)/tau_rec : 1 (event-driven)"""
_SITES_MODEL = """full : integer
u : 1
last : second"""
_STDP_MODEL = """w : 1
dapre/dt = -apre/tau_plus : 1 (event-driven)
dapost/dt = -apost/tau_minus : 1 (event-driven)"""
_DRAW = f"""u = U + u*(1 - U)*exp(-(t - last)/tau_facil)
refill = 1 - exp(-(t - last)/tau_rec)
last = t
full += {" + ".join(f"int(full <= {s})*int(rand() < refill)" for s in range(N_SITES))}
k = {" + ".join(f"int(full > {s})*int(rand() < u)" for s in range(N_SITES))}
full -= k"""
# (model, on_pre, on_post)
_PLAIN = {
    "static": ("", "v_post += q", None),
    "tm": (
        _TM_MODEL,
        """u += U*(1 - u)
        v_post += n*q*u*x
        x *= 1 - u""",
        None,
    ),
    "sites": (_SITES_MODEL, f"{_DRAW}\nv_post += q*k", None),
    "stdp": (
        _STDP_MODEL,
        """v_post += q*w
        apre += 1
        w = clip(w - a_minus*apost, 0, 1)""",
        """apost += 1
        w = clip(w + a_plus*apre, 0, 1)""",
    ),
    "all": (
        f"{_SITES_MODEL}\n{_STDP_MODEL}",
        f"""{_DRAW}
        v_post += q*w*k
        apre += 1
        w = clip(w - a_minus*apost, 0, 1)""",
        """apost += 1
        w = clip(w + a_plus*apre, 0, 1)""",
    ),
}


def _plain(job: Job, sources: Any, neurons: Any) -> Any:
    import brian2 as b2

    model, on_pre, on_post = _PLAIN[job.kind]
    delays = {"pre": DELAY * b2.ms} | ({"post": DENDRITIC_DELAY * b2.ms} if on_post else {})
    synapses = b2.Synapses(
        sources,
        neurons,
        model,
        on_pre=on_pre,
        on_post=on_post,
        delay=delays,
        namespace={
            "q": job.quantum() * b2.mV,
            "n": N_SITES,
            "U": U,
            "tau_rec": TAU_REC * b2.ms,
            "tau_facil": TAU_FACIL * b2.ms,
            "a_plus": A_PLUS,
            "a_minus": A_MINUS,
            "tau_plus": TAU_PLUS * b2.ms,
            "tau_minus": TAU_MINUS * b2.ms,
        },
    )
    synapses.connect()
    if job.kind == "tm":
        synapses.x = 1
    if job.kind in ("sites", "all"):
        synapses.full = N_SITES
        synapses.last = -1e6 * b2.second
    if job.kind in ("stdp", "all"):
        synapses.w = W0
    return synapses
