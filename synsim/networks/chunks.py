"""Many networks: in chunks that are trained at once, kept as they are done, gone on with later."""

from __future__ import annotations

import collections
import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from synsim.component import InputError
from synsim.networks import need
from synsim.networks.data import Dataset
from synsim.networks.machine import available
from synsim.networks.spec import Network, Progress, Trained, Training
from synsim.networks.store import Store
from synsim.protocol import Running
from synsim.results import versions
from synsim.settings import to_texts
from synsim.sweep.workers import deaf_children

if TYPE_CHECKING:
    from synsim.networks.settings import ImageSettings

T = TypeVar("T")
Chunk = tuple[tuple[int, ...], ...]  # numbers of networks, a row for each seed

#: Networks of a chunk. Fixed, not fitted to the machine: the last bits depend on it.
AT_ONCE = 8
_WORTH_PROCESSES = 1e12  # weights times images times epochs, half a minute or so
# Bytes that JAX, the compiled programs and the libraries take: what is left of the 0.93 GB that
# a process of `tradeoff --preset paper` was measured to hold.
_PROGRAM = 770e6


def plan(networks: Sequence[Network], at_once: int = AT_ONCE) -> list[Chunk]:
    """Chunks of networks of one kind: a grid of seeds and what differs beside the seed."""
    kinds: dict[object, dict[int, list[int]]] = {}
    for number, net in enumerate(networks):
        kinds.setdefault(net.kind, {}).setdefault(net.seed, []).append(number)
    chunks: list[Chunk] = []
    for seeds in kinds.values():
        rows = list(seeds.values())
        together = max(1, at_once // max(len(r) for r in rows)) if _alike(rows) else 1
        for first in range(0, len(rows), together):
            block = rows[first : first + together]
            for start in range(0, len(block[0]), at_once):
                chunks.append(tuple(tuple(r[start : start + at_once]) for r in block))
    return chunks


def _alike(rows: Sequence[Sequence[int]]) -> bool:
    return len({len(r) for r in rows}) == 1


def memory(network: Network, data: Dataset, training: Training, at_once: int) -> float:
    """Bytes that training a chunk takes, about: parameters, their gradients and Adam's two
    moments, once more while they are replaced; activations; and the images."""
    size = network.sizes(data.inputs, data.classes)
    weights = network.weights(data.inputs, data.classes) + sum(size[1:])
    copies = 2 if network.noise == "heterogeneous" else 1
    drawn = 2 if training.estimator == "sampled" else 0  # weights, and what was drawn for them
    batch = max(min(training.batch, len(data.y_train)), 1)
    step = 4 * (weights * (copies * 6 + drawn) + batch * (4 * sum(size) + 2 * data.inputs))
    return _PROGRAM + data.x_train.nbytes + data.x_test.nbytes + at_once * step


def check_program() -> None:
    """Raises InputError when JAX itself would not fit, before it is imported."""
    have = available()
    if have < _PROGRAM:
        raise InputError(
            f"found {have / 1e9:.2g} GB of memory left, and training takes {_PROGRAM / 1e9:.2g} GB "
            "and more; expected more memory"
        )


def check_memory(
    networks: Sequence[Network], data: Dataset, training: Training, at_once: int = AT_ONCE
) -> None:
    """Raises InputError when a chunk does not fit the memory that is left."""
    have = available()
    kinds = collections.Counter(net.kind for net in networks)
    for net in {net.kind: net for net in networks}.values():
        together = min(at_once, kinds[net.kind])
        wanted = memory(net, data, training, together)
        if wanted > have:
            alone = memory(net, data, training, 1)
            hint = (
                f"expected fewer than {together} networks at once"
                if alone <= have and together > 1
                else "expected smaller networks, or more memory"
            )
            raise InputError(
                f"found {have / 1e9:.2g} GB of memory left, and training {together} network"
                f"{'s' * (together > 1)} with hidden layers {net.hidden} at once takes about "
                f"{wanted / 1e9:.2g} GB; {hint}"
            )


def train(
    networks: Sequence[Network],
    data: Dataset,
    training: Training | None = None,
    *,
    progress: Progress | None = None,
    at_once: int = AT_ONCE,
) -> list[Trained]:
    """Train networks, in their order.

    Parameters
    ----------
    networks : of any kinds; those of one kind are trained together, `at_once` at a time
    data : the images
    training : how; the defaults of `Training` where None
    progress : told the fraction that is done

    Raises
    ------
    InputError
        when memory is too small, before anything starts; when a cost is no longer a number: which
        network, which step
    SynsimError
        when a loss is no longer a number
    MissingExtraError
        without the extra `networks`
    """
    return each(networks, data, training or Training(), itself, progress, at_once=at_once)


def itself(trained: Trained, data: Dataset) -> Trained:
    """The trained network."""
    return trained


def each(
    networks: Sequence[Network],
    data: Dataset,
    training: Training,
    measure: Callable[[Trained, Dataset], T],
    progress: Progress | None = None,
    *,
    at_once: int = AT_ONCE,
    store: Store | None = None,
    jobs: int | None = None,
) -> list[T]:
    """Train networks and measure each; what is measured is kept in the store as chunks are done.

    jobs : processes; None for one a core where the work is worth it. The measured numbers are the
        same for any number. `measure` has to be a function that other processes can import.
    """
    if at_once < 1:
        raise InputError(f"found {at_once} networks at once, expected at least 1")
    need.jax()
    check_memory(networks, data, training, at_once)
    chunks = plan(networks, at_once)
    work = np.array([_work(networks, chunk, data) for chunk in chunks], dtype=float)
    work /= work.sum()
    found: dict[int, T] = {}
    left: list[Task[T]] = []
    parts = np.zeros(len(chunks))  # of each chunk that are done
    telling = threading.Lock()

    def tell(running: Mapping[int, float]) -> None:
        with telling:
            for number, part in running.items():
                parts[number] = max(part, parts[number])
            if progress is not None:
                progress(1.0 if parts.min() == 1 else min(float(parts @ work), 1.0))

    def keep(number: int, values: list[T]) -> None:
        numbers = (i for row in chunks[number] for i in row)
        found.update(zip(numbers, values, strict=True))
        tell({number: 1.0})

    for number, chunk in enumerate(chunks):
        kept = None if store is None else store.get(number)
        if kept is not None:
            keep(number, kept)
        else:
            grid = [[networks[i] for i in row] for row in chunk]
            left.append(Task(number, grid, data, training, measure))

    many = workers(networks, data, training, at_once, len(left)) if jobs is None else jobs
    for number, values in _run(left, many, tell):
        if store is not None:
            store.keep(number, values)
        keep(number, values)
    return [found[i] for i in range(len(networks))]


@dataclass(frozen=True, eq=False)
class Task(Generic[T]):
    """A chunk, with all that a process needs to train it."""

    number: int
    grid: list[list[Network]]
    data: Dataset
    training: Training
    measure: Callable[[Trained, Dataset], T]


def _train(task: Task[T], tell: Progress | None = None) -> tuple[int, list[T]]:
    need.jax()
    from synsim.networks.training import train_grid

    trained = train_grid(task.grid, task.data, task.training, tell)
    return task.number, [task.measure(t, task.data) for row in trained for t in row]


def _run(
    tasks: Sequence[Task[T]], jobs: int, tell: Callable[[Mapping[int, float]], None]
) -> Iterator[tuple[int, list[T]]]:
    """Chunks as they are done, in any order: here, or in processes of one thread each.

    tell : takes chunks under way and the fraction of each that is done
    """
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            yield _train(task, lambda fraction, n=task.number: tell({n: fraction}))  # type: ignore[misc]
        return
    from joblib import Parallel, delayed

    parallel = Parallel(
        n_jobs=jobs, return_as="generator_unordered", pre_dispatch="n_jobs",
        idle_worker_timeout=3600,  # else joblib warns when the last chunk takes five minutes
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="synsim-") as place:
        with deaf_children():
            outcomes = parallel(delayed(_train_apart)(task, place) for task in tasks)
        with _listening(Path(place), tell):
            yield from outcomes


def _train_apart(task: Task[T], place: str) -> tuple[int, list[T]]:
    """In a process of its own, which writes to a file how far it is."""
    told = Path(place) / str(task.number)
    return _train(task, lambda fraction: _write(told, fraction))


def _write(told: Path, fraction: float) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        told.write_text(repr(fraction), encoding="ascii")


@contextlib.contextmanager
def _listening(place: Path, tell: Callable[[Mapping[int, float]], None]) -> Iterator[None]:
    """Pass on, every second, how far other processes are."""
    over = threading.Event()

    def listen() -> None:
        while not over.wait(1.0):
            running = {}
            for path in list(place.iterdir()):
                with contextlib.suppress(OSError, ValueError):  # while it is written
                    running[int(path.name)] = float(path.read_text(encoding="ascii"))
            tell(running)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield
    finally:
        over.set()
        listener.join()


def workers(
    networks: Sequence[Network], data: Dataset, training: Training, at_once: int, chunks: int
) -> int:
    """Processes worth having: none beside this one for little work, a GPU, or little memory."""
    import jax

    seen = len(data.y_train) * training.epochs * sum(_work(networks, ((i,),), data)
                                                     for i in range(len(networks)))  # fmt: skip
    if jax.devices()[0].platform != "cpu" or seen < _WORTH_PROCESSES:
        return 1
    most = max(memory(net, data, training, at_once) for net in networks)
    return max(1, min(cores(), chunks, int(available() / most)))


def run_kept(
    networks: Sequence[Network],
    data: Dataset,
    measure: Callable[[Trained, Dataset], T],
    running: Running,
    settings: ImageSettings,
    *,
    training: Training | None = None,
    part: str = "chunk",
) -> list[T]:
    """`each` for a protocol: kept in ``running.unfinished``, where it names a directory.

    training : where it is another than that of the settings
    part : of a run that trains several sets of networks

    What is measured has to be numbers, texts, and lists and dictionaries of them.
    """
    store = None
    if running.unfinished is not None:
        about = (
            to_texts(settings)
            | settings.outside()
            | {
                "seed": str(running.seed),
                "images": data.digest,
                "versions": versions("jax", "optax"),
            }
        )
        store = Store(running.unfinished, about, part)
    try:
        return each(
            networks, data, training or settings.how(), measure, running.progress,
            at_once=settings.at_once, store=store,
        )  # fmt: skip
    finally:
        if store is not None:
            store.close()


def _work(networks: Sequence[Network], chunk: Chunk, data: Dataset) -> float:
    net = networks[chunk[0][0]]
    weights = net.weights(data.inputs, data.classes)
    return weights * sum(len(row) for row in chunk) * (2 if net.noise == "heterogeneous" else 1)


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
