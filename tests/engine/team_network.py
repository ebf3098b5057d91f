"""Networks for `test_team`, each run in a process of its own: FOLDER WAY THREADS DELAY [JOB].

WAY: numpy; team; together, where a monitor keeps threads meeting at every step. DELAY in ms.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np

from synsim import PairSTDP, PoissonSources, Synapse, TsodyksMarkram
from tests.engine.standalone import build_and_run

SOURCES, NEURONS = 60, 70
DT = 0.1  # ms
STDP = PairSTDP(a_plus=0.02, a_minus=0.015, tau_plus="20ms", tau_minus="25ms")
SHORT_TERM = TsodyksMarkram(U=0.4, tau_rec="60ms", tau_facil="80ms")


def deterministic(delay: str) -> dict[str, Any]:
    """Neurons with refractoriness, heard by each other; sources that are neurons, and that are not.

    Neurons fire at their own rates, most of them the last.
    """
    sources = b2.NeuronGroup(SOURCES, "", threshold="(t_in_timesteps + i) % 97 < 1 + i % 2")
    neurons = b2.NeuronGroup(
        NEURONS,
        """dv/dt = (0.6 + 0.5*i/N - v)/(15*ms) : 1 (unless refractory)
        fired : integer
        slow : 1""",
        threshold="v > 1",
        reset="v = 0\nfired += 1",
        refractory=1.5 * b2.ms,
        method="exact",
    )
    neurons.run_regularly("slow = 0.99*slow + v + t/second", when="resets", order=1)
    times = np.arange(200) * 1.3 + 0.4
    clock = b2.SpikeGeneratorGroup(5, np.arange(200) % 5, times * b2.ms)
    both = Synapse(
        n=5, q=4e-3, target="v", short_term=SHORT_TERM, plasticity=STDP, delay=delay,
        dendritic_delay="0.3ms",
    )  # fmt: skip
    heard = Synapse(
        n=1, p=1.0, q=2e-3, target="v", plasticity=STDP, delay=delay, dendritic_delay="2ms"
    )
    plain = Synapse(n=1, p=1.0, q=0.05, target="v", delay=delay)
    part = neurons[3 : NEURONS - 2]
    return {
        "sources": sources,
        "neurons": neurons,
        "clock": clock,
        "both": both.connect(sources[4:], part, "(i + 2*j) % 3 > 0", name="both"),
        "heard": heard.connect(neurons, neurons, "i != j", name="heard"),
        "plain": plain.connect(clock, part, name="plain"),
        "spikes": b2.SpikeMonitor(neurons),
        "rate": b2.PopulationRateMonitor(neurons),
        "parts": b2.SpikeMonitor(part, record=False),
    }


def listed(delay: str) -> dict[str, Any]:
    """Nothing comes before the spikes of others: neurons that only sum them."""
    source = b2.SpikeGeneratorGroup(5, np.arange(200) % 5, (np.arange(200) // 2 * 0.7) * b2.ms)
    neurons = b2.NeuronGroup(NEURONS, "v : 1")
    synapse = Synapse(n=5, q=1.0, target="v", short_term=SHORT_TERM, delay=delay)
    return {
        "source": source,
        "neurons": neurons,
        "both": synapse.connect(source, neurons, "(i + j) % 3 > 0", name="both"),
        "spikes": b2.SpikeMonitor(source),
    }


def noisy(delay: str) -> dict[str, Any]:
    """Binomial synapses of Poisson sources onto sums, of which everything is known."""
    sources = PoissonSources(400, 50 * b2.Hz)
    neurons = b2.NeuronGroup(300, "v : 1")
    synapse = Synapse(n=4, p=0.3, q=1.0, release="binomial", target="v", delay=delay)
    return {
        "sources": sources,
        "neurons": neurons,
        "both": synapse.connect(sources, neurons, name="both"),
        "spikes": b2.SpikeMonitor(sources),
    }


# A duration that Python and C++ round to different steps is slightly above one of them.
JOBS = {
    "deterministic": deterministic,
    "rounded": deterministic,
    "listed": listed,
    "noisy": noisy,
}
DURATIONS = {"rounded": (float(np.float32(0.05)) * 1e3, 10.0)}


def main(folder: Path, way: str, threads: int, delay: float, job: str = "deterministic") -> None:
    """Run it twice and write ``found.npz``."""
    if way == "numpy":
        b2.prefs.codegen.target = "numpy"
    else:
        b2.prefs.devices.cpp_standalone.openmp_threads = threads
        b2.set_device("cpp_standalone", directory=str(folder / "project"), build_on_run=False)
    b2.defaultclock.dt = DT * b2.ms
    b2.seed(7)
    parts = JOBS[job](f"{delay}ms")
    network = b2.Network(*parts.values())
    if way == "together":
        network.add(b2.StateMonitor(parts["neurons"], "v", record=[0]))
    for duration in DURATIONS.get(job, (40.7, 60.2)):
        network.run(duration * b2.ms)
    if way != "numpy":
        build_and_run(folder / "project")
    states = {"v": parts["neurons"].v[:]}
    if "clock" in parts:
        states |= {
            "w": parts["both"].w[:],
            "x": parts["both"].x[:],
            "trace": parts["both"].post_trace[:],
            "w_heard": parts["heard"].w[:],
            "fired": parts["neurons"].fired[:],
            "slow": parts["neurons"].slow[:],
            "part_count": parts["parts"].count[:],
            "rate": parts["rate"].rate[:] / b2.Hz,
        }
    spikes = parts["spikes"]
    np.savez(
        folder / "found.npz",
        i=spikes.i[:],
        step=np.round(np.asarray(spikes.t / b2.ms) / DT),
        **{name: np.asarray(value) for name, value in states.items()},
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), *sys.argv[5:])
