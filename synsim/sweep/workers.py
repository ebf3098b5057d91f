"""Who runs the points: this process, several processes, or a Dask cluster."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from synsim.component.errors import InputError, SynsimError, SynsimWarning


@dataclass(frozen=True)
class Task:
    """A point as a worker needs it."""

    number: int
    protocol: str
    texts: dict[str, str]
    seed: int
    backend: str | None


def run_point(task: Task) -> tuple[int, dict[str, Any]]:
    """Run one point, anywhere: number, and what is kept of it (lists, numbers and texts only)."""
    from synsim import catalogue
    from synsim.protocol import Running
    from synsim.settings import from_texts

    module = catalogue.protocol(task.protocol)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SynsimWarning)  # they come back with the outcome
            outcome = module.run(
                from_texts(module.Settings, task.texts), Running(task.seed, task.backend)
            )
    except SynsimError as error:
        words = ", ".join(f"{name} = {text}" for name, text in task.texts.items())
        kind = InputError if isinstance(error, InputError) else SynsimError
        raise kind(f"point {task.number} ({words}): {error}") from None
    columns = {
        name: column.tolist() if hasattr(column, "tolist") else list(column)
        for name, column in outcome.columns.items()
    }
    kept = ("backend", "threads", "warnings", "citations", "conventions")
    document = {name: getattr(outcome, name) for name in kept}
    return task.number, {"columns": columns, "results": dict(outcome.results), **document}


def run_all(
    tasks: Sequence[Task], *, jobs: int, scheduler: str | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run points and hand them over as they are done, in any order.

    The first is run here, so that what has to be compiled is compiled once.
    """
    if not tasks:
        return
    if scheduler is not None:
        yield from _on_cluster(tasks, scheduler)
        return
    yield run_point(tasks[0])
    if jobs == 1 or len(tasks) == 1:
        yield from map(run_point, tasks[1:])
        return
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered")
    with deaf_children():
        outcomes = parallel(delayed(run_point)(task) for task in tasks[1:])
    yield from outcomes


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes started here do not hear Ctrl-C: the one that leads the sweep ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _on_cluster(tasks: Sequence[Task], address: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise InputError(
            "--scheduler needs Dask: pip install 'synsim[cluster]' (or dask distributed)"
        ) from None
    try:
        client = Client(address, timeout=5, set_as_default=False)
    except (OSError, ValueError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"--scheduler {address}: no scheduler answers there ({first})") from None
    with client:
        # A worker that dies loses its points to another one: Dask runs them again, and each
        # is handed over once.
        futures = client.map(_plain, [asdict(task) for task in tasks], pure=False, retries=3)
        for future in as_completed(futures, loop=client.loop):
            yield future.result()
            future.release()


def _plain(task: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return run_point(Task(**task))
