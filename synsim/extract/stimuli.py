"""When the stimuli came: given, commanded, recorded or marked; never guessed between several.

A command is a stimulus where it leaves the level at which its sweep begins by more than half of
the way to its extreme; its time is that of the first sample out there. A recorded channel (a TTL
line, a presynaptic spike) is read the same way from its median, with hysteresis: it must come back
over a quarter of the way before the next stimulus can begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError, units
from synsim.component.ranges import Values
from synsim.component.units import UNITS
from synsim.extract.recording import Recording, Sweep, Trace
from synsim.tables import read_table, split_unit

Array = NDArray[np.float64]

_CLEAR = 10.0  # a recorded stimulus stands out of its channel's noise by as many SDs


@dataclass(frozen=True, eq=False)
class Found:
    """Times of the stimuli, s, one array per sweep on its clock; what they are and how chosen."""

    times: list[Array]
    source: str
    how: str


def onsets(trace: Trace) -> Array:
    """When a command begins a stimulus, s."""
    return _crossings(trace, float(trace.values[0]) if trace.values.size else 0.0)


def _crossings(trace: Trace, rest: float, level: float | None = None) -> Array:
    """When a trace leaves `rest` by `level` (default: half of its largest departure), s."""
    away = trace.values - rest
    if not away.size or not np.any(away):
        return np.empty(0)
    # Against the larger excursion a smaller one of the other sign is no stimulus of its own.
    away = away * np.sign(away[np.argmax(np.abs(away))])
    level = 0.5 * float(away.max()) if level is None else level
    state = np.where(away >= level, 1, np.where(away < 0.5 * level, 0, -1))
    known = np.flatnonzero(state >= 0)
    if not known.size:
        return np.empty(0)
    held = state[known]
    rising = known[1:][(held[1:] == 1) & (held[:-1] == 0)]
    return trace.t0 + trace.dt * rising


def candidates(sweeps: Sequence[Sweep]) -> dict[str, list[Array]]:
    """Commands and events that hold a stimulus in some sweep: name -> times of each sweep."""
    names = dict.fromkeys(n for s in sweeps for n in (*s.commands, *s.events))
    found = {}
    for name in names:
        times = [
            onsets(s.commands[name]) if name in s.commands else s.events.get(name, np.empty(0))
            for s in sweeps
        ]
        if any(t.size for t in times):
            found[name] = times
    return found


def find(
    recording: Recording,
    sweeps: Sequence[Sweep],
    response: str,
    times: str | Sequence[float] | None,
    channel: str | None,
    threshold: str | float | None,
) -> Found:
    """The stimuli of each sweep.

    Parameters
    ----------
    recording, sweeps : the file, and those of its sweeps that are measured
    response : the channel of the responses, which is no stimulus
    times : ``100ms,150ms``, ``start:stop:step``, a CSV file with a column t_ms (and sweep), or
        numbers in s; on the clock of each sweep
    channel : command, event or recorded channel that shows the stimuli
    threshold : for a recorded channel, how far from its median a stimulus is, as ``1V``

    Raises
    ------
    InputError
        one line: nothing is given and not exactly one candidate is there; a name is not there;
        a sweep is without a stimulus; times do not increase.
    """
    if times is not None and channel is not None:
        raise InputError("--stimulus-times and --stimulus-channel: give one of them")
    if threshold is not None and channel is None:
        raise InputError("--stimulus-threshold needs the channel it is for: --stimulus-channel")
    if times is not None:
        found = _given(recording, sweeps, times)
    else:
        found = _shown(recording, sweeps, response, channel, threshold)
    for sweep, own in zip(sweeps, found.times, strict=True):
        _check(recording.source, sweep.number, own, found.source)
    return found


def _shown(
    recording: Recording,
    sweeps: Sequence[Sweep],
    response: str,
    channel: str | None,
    threshold: str | float | None,
) -> Found:
    """Stimuli that the file itself shows."""
    there = candidates(sweeps)
    others = [n for n in recording.channels() if n != response]
    if channel is None:
        # Events may be anything (a comment, the beginning of a trial), so they are asked about.
        commands = [n for n in there if any(n in s.commands for s in sweeps)]
        if len(there) != 1 or not commands:
            listed = ", ".join(_words(n, t) for n, t in there.items())
            have = f"it may be {listed}" if there else "the file shows no stimulus"
            also = f"; recorded beside the responses: {', '.join(others)}" if others else ""
            notes = f"; {'; '.join(recording.notes)}" if not there and recording.notes else ""
            raise InputError(
                f"{recording.source}: when did the stimuli come? {have}; say --stimulus-times "
                f"100ms,150ms or --stimulus-channel NAME{also}{notes}"
            )
        name = next(iter(there))
        return Found(there[name], name, "the only command of the file, which has no events")
    if channel in there:
        if threshold is not None:
            raise InputError(
                f"--stimulus-threshold: {channel!r} is a command or event, which needs none"
            )
        return Found(there[channel], channel, "named by --stimulus-channel")
    if channel == response:
        raise InputError(
            f"--stimulus-channel: {channel!r} is the channel of the responses, expected another"
        )
    if channel not in others:
        known = ", ".join([*there, *others]) or "none"
        raise InputError(
            f"{recording.source}: no stimulus {channel!r} (--stimulus-channel), there are {known}"
        )
    return _recorded(recording, sweeps, channel, threshold)


def _words(name: str, times: list[Array]) -> str:
    counts = sorted({t.size for t in times})
    span = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{name!r} with {span} per sweep"


def _recorded(
    recording: Recording, sweeps: Sequence[Sweep], channel: str, threshold: str | float | None
) -> Found:
    """Stimuli in a recorded channel, with one threshold for all sweeps."""
    traces = []
    for sweep in sweeps:
        if channel not in sweep.recorded:
            raise InputError(
                f"{recording.source}, sweep {sweep.number}: it has no channel {channel!r} "
                "(--stimulus-channel); leave it out with --sweeps"
            )
        traces.append(sweep.recorded[channel])
    unit = traces[0].unit or ""
    rests = [float(np.median(t.values)) for t in traces]
    far = max(float(np.abs(t.values - r).max()) for t, r in zip(traces, rests, strict=True))
    spread = max(
        1.4826 * float(np.median(np.abs(t.values - r))) for t, r in zip(traces, rests, strict=True)
    )
    level = 0.5 * far if threshold is None else _level(threshold, traces[0].unit)
    if threshold is None and not far > _CLEAR * spread:
        raise InputError(
            f"{recording.source}: channel {channel!r} (--stimulus-channel) shows no clear "
            f"stimulus: its largest departure from the median is {far:.3g} {unit}, its noise "
            f"{spread:.3g}; say how far a stimulus goes with --stimulus-threshold"
        )
    times = [_crossings(t, r, level) for t, r in zip(traces, rests, strict=True)]
    how = "half of the largest departure" if threshold is None else "--stimulus-threshold"
    return Found(
        times,
        channel,
        f"named by --stimulus-channel; where it is {level:.4g} {unit} from its median ({how})",
    )


def _level(threshold: str | float, unit: str | None) -> float:
    """A departure in the unit of the channel; a plain number where it has none."""
    if isinstance(threshold, str):
        own = UNITS[unit or "1"]
        try:
            value = units.parse(threshold, (own.dimension,))[0] / own.factor
        except InputError as error:
            raise InputError(f"--stimulus-threshold: {error}") from None
    else:
        value = float(threshold)
    if not value > 0:
        raise InputError(f"--stimulus-threshold: found {threshold}, expected a value above 0")
    return value


def _given(recording: Recording, sweeps: Sequence[Sweep], times: str | Sequence[float]) -> Found:
    """Stimuli that the user gives."""
    if isinstance(times, str) and times.lower().endswith(".csv"):
        return _from_file(recording, sweeps, times)
    if isinstance(times, str):
        try:
            own = Values("", ("ms",), array=True).convert_with_dimension(times)[0]
        except InputError as error:
            raise InputError(f"--stimulus-times: {error}") from None
    else:
        own = np.asarray(times, dtype=float)
    if own.ndim != 1 or not own.size or not np.all(np.isfinite(own)):
        raise InputError("--stimulus-times: expected one or more times")
    return Found([own] * len(sweeps), "times", "given by --stimulus-times, in every sweep")


def _from_file(recording: Recording, sweeps: Sequence[Sweep], name: str) -> Found:
    table = read_table(Path(name))
    column = next(
        (n for n in table.names if split_unit(n)[0].lower() in ("t", "time", "stimulus")), None
    )
    if column is None:
        raise InputError(
            f"{name}: no column of stimulus times, expected t_ms or t_s (it has "
            f"{', '.join(table.names)})"
        )
    times = table.times(column, "s")
    if "sweep" not in table.columns:
        return Found([times] * len(sweeps), name, "given by --stimulus-times, in every sweep")
    numbers = table.texts("sweep")
    each = []
    for sweep in sweeps:
        own = [t for t, n in zip(times, numbers, strict=True) if n == str(sweep.number)]
        each.append(np.array(own, dtype=float))
    return Found(each, name, "given by --stimulus-times, for each sweep")


def _check(source: str, number: int, times: Array, what: str) -> None:
    """Refuse a sweep without stimuli and times that do not increase."""
    where = f"{source}, sweep {number}"
    if not times.size:
        raise InputError(
            f"{where}: no stimulus in it ({what}), expected at least one; leave it out with "
            "--sweeps"
        )
    wrong = np.flatnonzero(np.diff(times) <= 0)
    if wrong.size:
        a, b = times[wrong[0]] * 1e3, times[wrong[0] + 1] * 1e3
        said = f"found {b:g} ms twice" if a == b else f"found {b:g} ms after {a:g} ms"
        raise InputError(f"{where}: stimulus times ({what}): {said}, expected increasing times")
