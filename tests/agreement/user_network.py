"""A Brian2 network as a user writes it, with synsim's synapses beside other objects.

`build` makes it under whatever device and target are active; run as a script (`python -m
tests.agreement.user_network`) it is one user's session, with or without calls of synsim's own
simulations in between. All spike times are given, so what the plastic synapses do is known; the
unreliable synapses depend on the random numbers of the session.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np

from synsim import PairSTDP, RecordingNoise, Synapse, TsodyksMarkram
from synsim.engine import BACKENDS
from tests.agreement.structures import DT, between_sites, run, together

STEPS = 3000
MANY = 400  # sources
RELEASES = 40  # spikes of each
N_PRE, N_POST = 3, 2  # of the plastic part: every one of 3 sources with every one of 2 neurons

TM = {"U": [0.5, 0.1, 0.3, 0.9, 0.0, 1.0], "tau_rec": 0.2, "tau_facil": 0.05}
RULE = {"a_plus": 0.02, "a_minus": 0.025, "tau_plus": 0.017, "tau_minus": 0.034}
DELAYS = {"axonal_delay": 1.5e-3, "dendritic_delay": 0.7e-3}
W0 = [0.1, 0.3, 0.5, 0.6, 0.7, 0.9]
Q = 0.25e-3


def trains(count: int, seed: int) -> list[Any]:
    """Steps, early enough for everything to arrive."""
    rng = np.random.default_rng(seed)
    steps = np.arange(1, STEPS - 100)
    return [np.sort(rng.choice(steps, RELEASES, replace=False)) for _ in range(count)]


PRE, POST = trains(MANY, 1), trains(N_POST, 2)


def many_parameters() -> dict[str, Any]:
    """n, p and q of the unreliable synapses."""
    rng = np.random.default_rng(3)
    p = rng.uniform(0, 1, MANY)
    p[:4] = 0, 1, 0.5, 0.9
    return {"n": rng.integers(0, 30, MANY), "p": p, "q": rng.uniform(0.5, 2, MANY)}


def plastic_synapse() -> Synapse:
    """Short- and long-term plasticity; U and the initial weight are one per synapse."""
    return Synapse(
        n=4,
        q=f"{Q * 1e3}mV",
        target="v",
        short_term=TsodyksMarkram(U=TM["U"], tau_rec="200ms", tau_facil="50ms"),
        plasticity=PairSTDP(a_plus=0.02, a_minus=0.025, tau_plus="17ms", tau_minus="34ms"),
        w0=W0,
        delay="1.5ms",
        dendritic_delay="0.7ms",
    )


def unreliable_synapse() -> Synapse:
    """Binomial release; q is given as an array, n and p are set on the Brian2 object."""
    return Synapse(
        p=0.5,
        q=many_parameters()["q"],
        release="binomial",
        noise=RecordingNoise(s0=0.1),
        target="received",
        record=("released", "recorded"),
        per_synapse=("n", "p"),
    )


def build(plastic: bool = True) -> tuple[b2.Network, dict[str, Any]]:
    """The network and its objects by name."""
    numbers = np.repeat(np.arange(MANY), RELEASES)
    source = b2.SpikeGeneratorGroup(MANY, numbers, np.concatenate(PRE) * DT * b2.second)
    counters = b2.NeuronGroup(MANY, "received : 1")
    one_to_one = np.arange(MANY)
    unreliable = unreliable_synapse().connect(source, counters, i=one_to_one, j=one_to_one)
    unreliable.n = many_parameters()["n"]
    unreliable.p = many_parameters()["p"]
    objects = {"source": source, "counters": counters, "unreliable": unreliable}
    if plastic:
        fires = np.zeros((STEPS, N_POST))
        for neuron, steps in enumerate(POST):
            fires[steps, neuron] = 1
        fires = b2.TimedArray(fires, dt=DT * b2.second, name="fires")
        neurons = b2.NeuronGroup(
            N_POST,
            "v : volt",
            threshold="fires(t, i) > 0.5",
            reset="",
            namespace={"fires": fires},
        )
        objects["neurons"] = neurons
        objects["plastic"] = plastic_synapse().connect(source, neurons, f"i < {N_PRE}")
    return b2.Network(*objects.values()), objects


def read(objects: dict[str, Any]) -> dict[str, Any]:
    """What the run has left, as arrays."""
    found = {
        "received": objects["counters"].received[:],
        "last_released": objects["unreliable"].last_released[:],
        "last_recorded": objects["unreliable"].last_recorded[:],
    }
    if "plastic" in objects:
        synapses = objects["plastic"]
        found |= {name: getattr(synapses, name)[:] for name in ("w", "u", "x", "i", "j")}
        found["v"] = objects["neurons"].v_[:]
    return {name: np.array(value) for name, value in found.items()}


# --- a session --------------------------------------------------------------------------


def state() -> dict[str, Any]:
    """All that synsim's own simulations must leave as they find it."""
    device = b2.get_device()
    kind, keys, *position = np.random.get_state()  # noqa: NPY002
    found = {
        "device": (type(device).__name__, id(device)),
        "default clock": (id(device.defaultclock), str(b2.defaultclock.dt)),
        "preferences": b2.prefs.as_file,
        "numpy's random state": (kind, keys.tolist(), position),
        "directory": Path.cwd(),
    }
    for name in ("build_on_run", "build_options", "has_been_run", "project_dir"):
        if hasattr(device, name):
            found[name] = repr(getattr(device, name))
    for name in ("main_queue", "code_objects", "clocks", "networks", "static_arrays"):
        if hasattr(device, name):
            found[f"number of {name}"] = len(getattr(device, name))
    return found


def simulate_apart(backends: tuple[str, ...]) -> list[bytes]:
    """One simulation of synsim's own per backend; complains when it leaves a trace."""
    found = []
    for backend in backends:
        before = state()
        done = run(between_sites(), together([3, 10, 20], 500), backend=backend, seed=5)
        found.append(done.events["pre"].states["last_quanta"].tobytes())
        after = state()
        changed = [name for name in before if before[name] != after[name]]
        assert not changed, f"{backend} changed {changed}"
    return found


@contextmanager
def quick_compilation() -> Iterator[None]:
    """For the user's own C++, of which there is much and which runs for no time."""
    before = b2.prefs.codegen.cpp.extra_compile_args_gcc
    b2.prefs.codegen.cpp.extra_compile_args_gcc = ["-O0", "-w"]
    try:
        yield
    finally:
        b2.prefs.codegen.cpp.extra_compile_args_gcc = before


def session(mode: str, apart: tuple[str, ...], directory: Path, execute: bool) -> dict[str, Any]:
    """What a user does: set up, build, run, look; with simulations apart wherever they can be.

    Parameters
    ----------
    mode : the target, or cpp_standalone
    apart : backends of synsim's own simulations
    directory : of the standalone project
    execute : False: only generate the standalone project
    """
    standalone = mode == "cpp_standalone"
    answers = [simulate_apart(apart)]
    if standalone:
        b2.set_device("cpp_standalone", build_on_run=False, directory=str(directory))
    b2.defaultclock.dt = DT * b2.second
    b2.seed(7)
    answers.append(simulate_apart(apart))
    # The cython target takes seconds for each part: here only the unreliable synapses, and
    # the connections are made on numpy.
    b2.prefs.codegen.target = "numpy"
    network, objects = build(plastic=mode != "cython")
    answers.append(simulate_apart(apart))
    if not standalone:
        b2.prefs.codegen.target = mode
    # Standalone code doubles with a second run.
    for steps in (STEPS,) if standalone else (1000, STEPS - 1000):
        with quick_compilation():
            network.run(steps * DT * b2.second)
        answers.append(simulate_apart(apart))
    if standalone:
        with quick_compilation():
            b2.device.build(directory=str(directory), compile=execute, run=execute)
        answers.append(simulate_apart(apart))
    assert all(answer == answers[0] for answer in answers), "simulations depend on when they are"
    return read(objects) if execute else {}


def main() -> None:
    """A session in a process of its own; what it leaves goes to the file RESULT."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=BACKENDS)
    parser.add_argument("result", type=Path)
    parser.add_argument("project", type=Path)
    parser.add_argument("--apart", nargs="*", default=[], choices=BACKENDS)
    parser.add_argument("--generate-only", action="store_true")
    asked = parser.parse_args()
    found = session(asked.mode, tuple(asked.apart), asked.project, not asked.generate_only)
    np.savez(asked.result, **found)


if __name__ == "__main__":
    main()
