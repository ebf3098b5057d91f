"""Many runs of a protocol: one build, every combination of settings, one tidy table.

    from synsim.sweep import sweep

    found = sweep("pairing", {"tau_plus": "10ms:40ms:5ms", "pairing": "all-to-all,nearest-reduced"})
    found.points_frame()      # one row a point: settings, seed, results
    found.to_frame()          # every row of every run, with its settings

A sweep that is written to a directory can be interrupted at any time and goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from synsim.component.errors import InputError
from synsim.results import refuse_existing
from synsim.sweep.plan import PLANS, Plan, make
from synsim.sweep.result import Sweep
from synsim.sweep.store import Store
from synsim.sweep.workers import Task, run_all

__all__ = ["PLANS", "Plan", "Sweep", "make", "run", "sweep"]

Progress = Callable[[int, int], None]  # points done, points in all


def sweep(
    protocol: str,
    vary: Mapping[str, str],
    fixed: Mapping[str, str] | None = None,
    *,
    plan: str = "grid",
    points: int | None = None,
    seed: int = 1,
    backend: str | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    out: Path | str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Sweep:
    """Lay out a sweep and run it; arguments are those of `make` and `run`."""
    laid_out = make(protocol, vary, fixed, kind=plan, count=points, seed=seed, backend=backend)
    return run(laid_out, jobs=jobs, scheduler=scheduler, out=out, force=force, progress=progress)


def run(
    plan: Plan,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    out: Path | str | None = None,
    force: bool = False,
    plot: bool = True,
    progress: Progress | None = None,
) -> Sweep:
    """Run the points of a plan that are not done yet.

    Parameters
    ----------
    jobs : processes on this machine; all its cores where None
    scheduler : address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``, instead
    out : directory for the results. Points are kept beside it, in ``OUT.unfinished``, until all
        are done; the same plan goes on from there
    force : replace earlier results in `out`
    progress : called with the number of points done and that of all

    Returns
    -------
    Sweep, the same whatever ran it and however often it was interrupted

    Raises
    ------
    InputError
        for a directory in the way, points of another plan, a scheduler that does not answer
    SynsimError
        naming the point, when one fails; the points done are kept
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs: found {jobs}, expected at least 1")
    target = None if out is None else refuse_existing(out, force=force)
    store = Store(target, plan)
    finished = False
    try:
        left = [
            Task(p.number, plan.protocol, {**plan.fixed, **p.varied}, p.seed, plan.backend)
            for p in plan.points
            if p.number not in store.done
        ]
        tell = progress or (lambda done, of: None)
        tell(len(store.done), len(plan.points))
        for number, outcome in run_all(left, jobs=jobs or os.cpu_count() or 1, scheduler=scheduler):
            store.keep(number, outcome)
            tell(len(store.done), len(plan.points))
        found = Sweep(plan, tuple(store.done[p.number] for p in plan.points))
        if target is not None:
            found.save(target, force=force, plot=plot)
        finished = True
        return found
    finally:
        store.close(remove=finished or not store.done)
