"""Spikes of `PoissonSources` for `test_poisson_sources`, in a process of its own: TARGET FILE."""

from __future__ import annotations

import sys
import tempfile

import brian2 as b2
import numpy as np

from synsim import PoissonSources

DT = 1e-4
EACH = 400  # sources of each rate
RATES = (0.0, 20.0, 500.0, 4000.0, 1 / DT)
STEPS = 4000


def main(target: str, result: str) -> None:
    """Run on a target, numpy, cython or cpp_standalone; steps and sources of all spikes."""
    if target == "cpp_standalone":
        b2.prefs.codegen.cpp.extra_compile_args_gcc = ["-O0", "-w"]
        b2.set_device(target, directory=tempfile.mkdtemp())
    else:
        b2.prefs.codegen.target = target
    b2.defaultclock.dt = DT * b2.second
    b2.seed(11)
    sources = PoissonSources(EACH * len(RATES), np.repeat(RATES, EACH) * b2.Hz)
    spikes = b2.SpikeMonitor(sources)
    b2.Network(sources, spikes).run(STEPS * DT * b2.second)
    np.savez(result, steps=np.rint(spikes.t / (DT * b2.second)), sources=np.array(spikes.i))


if __name__ == "__main__":
    main(*sys.argv[1:])
