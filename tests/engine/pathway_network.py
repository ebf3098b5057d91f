"""A deterministic network for `test_pathway`, run in a process of its own: FOLDER numpy|THREADS."""

from __future__ import annotations

import sys
from pathlib import Path

import brian2 as b2
import numpy as np

from synsim import PairSTDP, Synapse, TsodyksMarkram
from synsim.pathways import Pathway
from tests.engine.standalone import build_and_run

SOURCES, NEURONS = 60, 50


def main(folder: Path, threads: str) -> None:
    """Run it and write ``found.npz``."""
    if threads == "numpy":
        b2.prefs.codegen.target = "numpy"
    else:
        b2.prefs.devices.cpp_standalone.openmp_threads = int(threads)
        b2.set_device("cpp_standalone", directory=str(folder / "project"), build_on_run=False)
    # Of a larger group on both sides only a part; many spikes come in one step.
    source = b2.NeuronGroup(SOURCES + 5, "", threshold="(t_in_timesteps + i) % 37 < 1 + i % 3")
    target = b2.NeuronGroup(
        NEURONS + 3, "v : 1", threshold="(t_in_timesteps + 5*i) % 53 == 0", reset=""
    )
    synapse = Synapse(
        n=5,
        q=1e-3,
        target="v",
        short_term=TsodyksMarkram(U=0.4, tau_rec="300ms", tau_facil="150ms"),
        plasticity=PairSTDP(a_plus=0.005, a_minus=0.006, tau_plus="20ms", tau_minus="20ms"),
        dendritic_delay="0.7ms",
    )
    parts = source[2 : SOURCES + 2], target[1 : NEURONS + 1]
    made = synapse.connect(*parts, "(i + 2*j) % 3 > 0")
    made.pre.delay = 1.5 * b2.ms
    # Who looks at a variable keeps threads from going on alone (see `test_team`).
    meter = b2.StateMonitor(target, "v", record=[0])
    network = b2.Network(source, target, made, meter)
    network.run(40 * b2.ms)
    network.run(50 * b2.ms)
    if threads != "numpy":
        build_and_run(folder / "project")
    pathways = [
        *made._pathways,
        *(p for side in made.contained_objects for p in getattr(side, "_pathways", [])),
    ]
    states = {
        name: np.asarray(getattr(made, name)[:])
        for name in ("w", "u", "x", "pre_trace", "post_trace")
    }
    np.savez(
        folder / "found.npz",
        **states,
        v=np.asarray(target.v[1 : NEURONS + 1]),
        own=sum(type(p) is Pathway for p in pathways),
        pathways=[p.name for p in pathways],
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
