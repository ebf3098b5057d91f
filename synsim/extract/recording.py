"""What a file holds, whatever its format: sweeps of traces, commands and events.

A sweep has a clock of its own, which begins at 0 with the sweep (in a CSV file it is the time
column's). On it stand what was recorded (responses, a TTL line, a presynaptic voltage), what was
commanded (the protocol of an ABF file, the stimulus series of an NWB file) and events. Values keep
the unit the file gives them; nothing is converted or chosen here.

One module reads each kind of file: `nwb_file` (pynwb), `csv_file`, and `neo_file` for whatever
else Neo knows, ABF among it. NWB does not go through Neo: its reader (0.14) puts the series of all
sweeps into one segment, refuses a series whose conversion is no power of ten and passes over its
offset.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trace:
    """Samples of one channel in one sweep: values (m,) in `unit` (None: the file does not say).

    Sample i stands at ``t0 + i dt`` seconds on the clock of its sweep.
    """

    values: Array
    unit: str | None
    dt: float
    t0: float = 0.0

    @property
    def end(self) -> float:
        """Time of the sample after the last, s."""
        return self.t0 + self.values.size * self.dt

    def index(self, times: Array) -> NDArray[np.int_]:
        """The sample nearest to each time (s), also where there is none."""
        return np.rint((np.asarray(times) - self.t0) / self.dt).astype(int)


@dataclass(frozen=True, eq=False)
class Sweep:
    """One sweep: its number (from 1), when it began (s, on the file's clock), what it holds.

    recorded, commands : channel -> Trace
    events : name -> times (s) on the sweep's clock
    """

    number: int
    start: float
    recorded: Mapping[str, Trace]
    commands: Mapping[str, Trace] = field(default_factory=dict)
    events: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Recording:
    """All sweeps of a file, and what they were told apart by; `notes` are remarks of the reader."""

    source: str
    sha256: str
    kind: str
    sweeps: tuple[Sweep, ...]
    told: str
    notes: tuple[str, ...] = ()

    def channels(self) -> dict[str, str | None]:
        """Recorded channel -> its unit, as in the first sweep that has it."""
        found: dict[str, str | None] = {}
        for sweep in self.sweeps:
            for name, trace in sweep.recorded.items():
                found.setdefault(name, trace.unit)
        return found

    def describe(self) -> str:
        """What is in the file, for people: sweeps, channels, and what may be a stimulus."""
        from synsim.extract.stimuli import candidates

        lines = [
            f"{self.source}: {self.kind}, {len(self.sweeps)} sweep(s) told apart by {self.told}"
        ]
        for name, unit in self.channels().items():
            traces = [s.recorded[name] for s in self.sweeps if name in s.recorded]
            lengths = sorted({t.values.size * t.dt * 1e3 for t in traces})
            span = f"{lengths[0]:g}" if len(lengths) == 1 else f"{lengths[0]:g} to {lengths[-1]:g}"
            lines.append(
                f"  channel {name!r}: {unit or 'no unit'}, {1e-3 / traces[0].dt:g} kHz, "
                f"{span} ms, {len(traces)} sweep(s)"
            )
        for name, times in candidates(self.sweeps).items():
            counts = sorted({t.size for t in times})
            each = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
            first = next(t for t in times if t.size)
            shown = ", ".join(f"{t * 1e3:.6g}" for t in first[:8]) + (", ..." * (first.size > 8))
            lines.append(f"  stimulus {name!r}: {each} per sweep, at {shown} ms")
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def read(path: str | Path, **how: Any) -> Recording:
    """Read a recording.

    Parameters
    ----------
    path : ``.nwb``, ``.csv``, or a file of another suffix that Neo reads (``.abf``, ``.smr``, ...)
    how : what `csv_file.read` wants to know of a CSV file

    Raises
    ------
    InputError
        one line: there is no such file, its format is not read, or it is damaged.
    MissingExtraError
        when Neo or pynwb is needed and not installed.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: found a directory, expected a recording (.abf, .nwb, .csv, ...)")
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty, expected a recording")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        from synsim.extract.csv_file import read as read_csv

        return read_csv(path, digest, **how)
    if suffix == ".nwb":
        from synsim.extract.nwb_file import read as read_nwb

        return read_nwb(path, digest)
    from synsim.extract.neo_file import read as read_neo

    return read_neo(path, digest)
