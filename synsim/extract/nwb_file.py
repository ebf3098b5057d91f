"""NWB files (version 2), read with pynwb.

Every series of the groups acquisition and stimulus is a trace: ``data * conversion + offset``. A
patch-clamp series is called by its electrode, any other by its name without the number at its end.
Which series belong to one sweep is taken, in this order, from the segment that Neo writes into
`comments`, from the sweep numbers, from equal starting times, and where these do not tell sweeps
apart from the order of the names; a note says which. Series without a rate whose time stamps are
even are sampled; others, and tables of events and trials, are events.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.component.errors import MissingExtraError
from synsim.component.units import UNITS
from synsim.extract.recording import Recording, Sweep, Trace

Array = NDArray[np.float64]

_WORDS = {"volts": "V", "volt": "V", "amperes": "A", "ampere": "A", "amps": "A", "amp": "A",
          "siemens": "S", "millivolts": "mV", "picoamperes": "pA"}  # fmt: skip


@dataclass(eq=False)
class _Series:
    """A sampled series: channel, whether it was recorded (or commanded), where it stands."""

    name: str
    channel: str
    recorded: bool
    values: Array
    unit: str | None
    dt: float
    start: float
    segment: str | None
    number: int | None


def read(path: Path, digest: str) -> Recording:
    """Read an NWB file; `digest` is its SHA-256.

    Raises
    ------
    InputError
        when the file is no NWB file of version 2, is damaged, or holds no recorded series.
    MissingExtraError
        without pynwb.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pynwb import NWBHDF5IO
    except ImportError:
        raise MissingExtraError(
            f"{path}: reading it needs pynwb, which is not installed: "
            "pip install 'synsim[recordings]'"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with NWBHDF5IO(str(path), "r") as opened:
                file = opened.read()
                series, events = _series(file), _events(file)
    except Exception as error:  # a damaged file makes the reader raise whatever it likes
        raise InputError(f"{path}: not read as NWB: {' '.join(str(error).split())[:200]}") from None
    if not any(s.recorded for s in series):
        raise InputError(f"{path}: it holds no sampled series in the group acquisition")
    sweeps, told = _sweeps(series)
    return Recording(str(path), digest, "NWB", tuple(_with_events(sweeps, events)), told)


def _series(file: Any) -> list[_Series]:
    """Every sampled series, its columns one by one, in natural order of the names."""
    found = []
    for group, recorded in ((file.acquisition, True), (file.stimulus, False)):
        for name in sorted(group, key=_natural):
            series = group[name]
            timing = _timing(series)
            if timing is None:
                continue
            start, dt = timing
            values = _values(series)
            for column in range(values.shape[1]):
                tail = f" [{column}]" if values.shape[1] > 1 else ""
                found.append(
                    _Series(
                        name,
                        _channel(series, recorded) + tail,
                        recorded,
                        values[:, column],
                        _unit(series),
                        dt,
                        start,
                        _segment(series),
                        _number(series),
                    )
                )
    return found


def _natural(name: str) -> list[Any]:
    """A key that puts sweep_10 after sweep_9."""
    return [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)]


def _values(series: Any) -> Array:
    """Samples in the series' unit, shape (samples, columns)."""
    raw = np.asarray(series.data[:], dtype=float)
    raw = raw[:, None] if raw.ndim == 1 else raw
    per_channel = getattr(series, "channel_conversion", None)
    factor = 1.0 if per_channel is None else np.asarray(per_channel[:], dtype=float)
    return np.asarray(raw * factor * float(series.conversion) + float(series.offset))


def _timing(series: Any) -> tuple[float, float] | None:
    """Start and step in s; None for what is no series of samples in even steps."""
    data: Any = getattr(series, "data", None)
    if getattr(data, "ndim", np.ndim(data)) not in (1, 2) or len(data) < 2:
        return None
    if np.asarray(data[:1]).dtype.kind not in "iufb":
        return None
    if series.rate:
        return float(series.starting_time or 0.0), 1.0 / float(series.rate)
    if series.timestamps is None:
        return None
    times = np.asarray(series.timestamps[:], dtype=float)
    if times.size < 16:  # marks, not samples
        return None
    dt = float((times[-1] - times[0]) / (times.size - 1))
    even = np.abs(times - times[0] - dt * np.arange(times.size)).max() < 0.25 * dt
    return (float(times[0]), dt) if even else None


def _unit(series: Any) -> str | None:
    text = str(series.unit).strip()
    text = _WORDS.get(text.lower(), text)
    return text if text in UNITS and text != "1" else None


def _channel(series: Any, recorded: bool) -> str:
    electrode = getattr(series, "electrode", None)
    if electrode is not None:
        return electrode.name if recorded else f"{electrode.name} command"
    # Neo writes the segment's name before that of the signal.
    segment = (_segment(series) or "").partition("/")[2]
    name = series.name.removeprefix(segment).strip() or series.name
    return re.sub(r"[\s_.-]*\d+$", "", name) or name


def _segment(series: Any) -> str | None:
    try:
        comments = json.loads(series.comments)
        return f"{comments['block']}/{comments['segment']}"
    except (ValueError, KeyError, TypeError):
        return None


def _number(series: Any) -> int | None:
    number = getattr(series, "sweep_number", None)
    return None if number is None else int(number)


def _sweeps(series: list[_Series]) -> tuple[list[Sweep], str]:
    """Series put together to sweeps, and what told them apart."""
    units: dict[str, set[str | None]] = {}
    for s in series:
        units.setdefault(s.channel, set()).add(s.unit)
    for s in series:  # voltage and current clamp of one electrode are two channels
        if len(units[s.channel]) > 1:
            s.channel = f"{s.channel} ({s.unit or 'no unit'})"
    keys, told = _keys(series)
    grouped: dict[Any, list[_Series]] = {}
    for key, s in zip(keys, series, strict=True):
        grouped.setdefault(key, []).append(s)
    ordered = sorted(
        (g for g in grouped.values() if any(s.recorded for s in g)),
        key=lambda g: (min(s.start for s in g), _natural(g[0].name)),
    )
    sweeps = []
    for number, group in enumerate(ordered, start=1):
        start = min(s.start for s in group)
        recorded: dict[str, Trace] = {}
        commands: dict[str, Trace] = {}
        for s in group:
            trace = Trace(s.values, s.unit, s.dt, s.start - start)
            (recorded if s.recorded else commands)[s.channel] = trace
        sweeps.append(Sweep(number, start, recorded, commands))
    return sweeps, told


def _keys(series: list[_Series]) -> tuple[list[Any], str]:
    """What is the same for the series of one sweep."""
    ways: list[tuple[list[Any], str]] = [
        ([s.segment for s in series], "the segments in their comments"),
        ([s.number for s in series], "their sweep numbers"),
        ([round(s.start * 1e4) for s in series], "their starting times"),
    ]
    channels = [(s.recorded, s.channel) for s in series]
    for keys, note in ways:
        alone = len(set(zip(keys, channels, strict=True))) == len(series)
        if None not in keys and alone:
            return keys, note
    count: dict[Any, int] = {}
    ranks = []
    for channel in channels:
        count[channel] = count.get(channel, 0) + 1
        ranks.append(count[channel])
    if len(set(count.values())) == 1:
        return ranks, "the order of their names (several series of a channel begin at one time)"
    # Which of the others goes with which is not certain: each recorded series is a sweep alone.
    alone_keys = list(zip(channels, ranks, strict=True))
    return alone_keys, "the series themselves (nothing tells which commands go with which)"


def _events(file: Any) -> dict[str, Array]:
    """Name -> times (s) on the file's clock: marks, event tables, trials."""
    found = {}
    for group in (file.acquisition, file.stimulus):
        for name, series in group.items():
            stamps = getattr(series, "timestamps", None)
            if stamps is not None and _timing(series) is None:
                found[name] = np.asarray(stamps[:], dtype=float)
    for name, table in (getattr(file, "events", None) or {}).items():
        found[name] = np.asarray(table["timestamp"][:], dtype=float)
    for name, table in (("trials", file.trials), ("epochs", file.epochs)):
        if table is not None:
            found[name] = np.asarray(table["start_time"][:], dtype=float)
    return found


def _with_events(sweeps: list[Sweep], events: dict[str, Array]) -> Iterator[Sweep]:
    for sweep in sweeps:
        end = sweep.start + max(t.end for t in sweep.recorded.values())
        own = {
            name: np.sort(times[(times >= sweep.start) & (times < end)]) - sweep.start
            for name, times in events.items()
        }
        yield Sweep(sweep.number, sweep.start, sweep.recorded, sweep.commands, own)
