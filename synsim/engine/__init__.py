"""Running programs on a backend: compiled C++ by default, Brian2's runtime targets besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component.errors import InputError
from synsim.component.spike_trains import on_grid
from synsim.engine import cache
from synsim.engine.backends import BACKENDS, NO_COMPILER, choose
from synsim.engine.execute import Progress, execute
from synsim.engine.membrane import Membrane
from synsim.engine.program import DELAYS, Data, Events, Program, Run, Spikes, Target

__all__ = [
    "BACKENDS",
    "NO_COMPILER",
    "Events",
    "Membrane",
    "Program",
    "Run",
    "Spikes",
    "Target",
    "simulate",
]


def simulate(
    program: Program,
    *,
    pre: Spikes,
    post: Spikes,
    steps: int,
    dt: float,
    seed: int,
    values: Mapping[str, Any] | None = None,
    samples: ArrayLike = (),
    backend: str | None = None,
    progress: Progress | None = None,
    building: cache.Building = lambda stage: None,
) -> Run:
    """Run a program.

    Parameters
    ----------
    pre, post : spikes of the sources of the copies; one that would arrive after the last step is
        not played
    steps, dt : number of time steps, and their length in seconds
    seed : 0 to 2**32 - 1; the same seed gives the same bytes on the same backend
    values : parameters, initial states and delays in SI that differ from the synapse's own
    samples : time steps, increasing, at whose ends the potential of the membranes is kept
    backend : one of `BACKENDS`; None for C++, or numpy with a warning where no compiler is found
    progress : called with the fraction done
    building : called with the stage of a build, "generate" then "compile"; not for a cached one

    Raises
    ------
    CompilerMissingError
        when C++ or Cython is asked for by name, and the compiler or Python's headers are missing
    BuildError, RunError, InputError
    """
    choice = choose(backend, seed)
    for side in (pre, post):
        if side.sources.size and not 0 <= side.sources.min() <= side.sources.max() < program.copies:
            raise InputError(
                f"found a spike of source {side.sources.min()} to {side.sources.max()}, expected "
                f"0 to {program.copies - 1}, one for each copy"
            )
    arrays = program.values(values or {}, seed)
    for name in {DELAYS[pathway] for pathway in program.pathways}:
        if arrays[name][0] < 0:
            raise InputError(f"{name}: found {arrays[name][0]:g} s, expected no negative time")
        # Whole steps, so that protocols, closed forms and every backend round alike
        arrays[name] = on_grid(arrays[name], dt) * dt
    data = Data(arrays, (pre, post), steps, dt, seed, _sampled(samples, program, post, steps))
    if choice.command is None:
        from synsim.engine import runtime

        run = runtime.run(choice.backend, program, data, progress)
        return replace(run, warnings=choice.warnings)
    compiled = cache.get(program, choice.command, building)
    return execute(compiled, program, data, progress)


def _sampled(samples: ArrayLike, program: Program, post: Spikes, steps: int) -> NDArray[np.int64]:
    """The time steps to be sampled, checked against the run."""
    found = np.asarray(samples, dtype=np.int64)
    if program.membrane is None:
        if found.size:
            raise InputError("found samples without a membrane, expected a program with one")
        return found
    if post.steps.size:
        raise InputError("found postsynaptic spikes with a membrane, expected none")
    if np.any(np.diff(found) < 1) or np.any((found < 0) | (found >= steps)):
        raise InputError(f"samples: expected increasing time steps from 0 to {steps - 1}")
    return found
