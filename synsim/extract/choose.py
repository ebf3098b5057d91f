"""Which channel, unit and sweeps are measured: said, or certain; asked for where neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.component.units import UNITS
from synsim.extract.episodes import Episode
from synsim.extract.measure import Windows
from synsim.extract.options import numbers
from synsim.extract.recording import Recording, Sweep
from synsim.tables import scale

Array = NDArray[np.float64]

WANTED = {"voltage": "mV", "current": "pA"}
#: Largest response that is plausible: the smallest and the largest (as `fit quantal` has them).
_PLAUSIBLE = {"mV": (1e-2, 150.0), "pA": (0.5, 5e4)}


def channel(recording: Recording, given: str | None) -> tuple[str, str]:
    """The channel of the responses, and how it was chosen.

    Raises
    ------
    InputError
        when it is not there, or none is given and more than one may be.
    """
    there = recording.channels()
    listed = ", ".join(f"{name} ({unit or 'no unit'})" for name, unit in there.items())
    if given is not None:
        if given not in there:
            raise InputError(
                f"{recording.source}: no channel {given!r} (--channel), there are {listed}"
            )
        return given, "named by --channel"
    if len(there) == 1:
        return next(iter(there)), "the only one recorded"
    raise InputError(
        f"{recording.source}: which channel holds the responses? name it with --channel "
        f"(there are {listed})"
    )


def unit(recording: Recording, name: str, given: str | None) -> tuple[str, str]:
    """The unit of the samples, and how it was told.

    Raises
    ------
    InputError
        when the file does not say one, or one that is neither voltage nor current.
    """
    found = {s.recorded[name].unit for s in recording.sweeps if name in s.recorded}
    where = f"{recording.source}, channel {name!r}"
    if given is not None:
        if given not in UNITS or UNITS[given].dimension.name not in WANTED:
            raise InputError(f"--unit: found {given!r}, expected mV, V, pA, nA or A")
        said = ", ".join(str(u) for u in found if u is not None and u != given)
        return given, "given by --unit" + (f" (the file says {said})" if said else "")
    if len(found) > 1:
        raise InputError(
            f"{where}: its unit changes from sweep to sweep ({', '.join(map(str, found))}); "
            "measure the ones in mV and those in pA by themselves (--sweeps)"
        )
    own = next(iter(found))
    if own is None:
        raise InputError(f"{where}: the file does not say its unit; say it with --unit, as pA")
    if UNITS[own].dimension.name not in WANTED:
        raise InputError(
            f"{where}: its unit is {own}, expected a voltage or a current; if that is wrong say "
            "--unit"
        )
    return own, "as the file says"


def converted(sweep: Sweep, name: str, unit: str, wanted: str) -> Sweep:
    """The sweep with its responses in the unit wanted (mV or pA)."""
    trace = sweep.recorded[name]
    values = trace.values if unit == wanted else scale(trace.values, unit, wanted)
    return replace(
        sweep, recorded={**sweep.recorded, name: replace(trace, values=values, unit=wanted)}
    )


def plausible(source: str, amplitude: Array, unit: str, read_as: str, confirmed: bool) -> None:
    """Ask where responses cannot be in their unit, as EPSCs of 2e-11 pA; InputError."""
    largest = float(np.quantile(np.abs(amplitude), 0.98))
    low, high = _PLAUSIBLE[unit]
    if confirmed or largest == 0 or low <= largest <= high:
        return
    base = read_as[-1]
    likely = f"in {base}, not {read_as}" if largest < low and read_as != base else "in another unit"
    raise InputError(
        f"{source}: the largest responses are {largest:.3g} {unit}, which is hardly possible; are "
        f"the values {likely}? say so with --unit (or --unit {read_as} if it is right)"
    )


def selected(
    recording: Recording, items: Sequence[Sweep | Episode], given: str | Sequence[int] | None
) -> list[int]:
    """Positions of the sweeps that are measured; InputError for a number that is not there."""
    if given is None:
        return list(range(len(items)))
    at = {item.number: i for i, item in enumerate(items)}
    wanted = numbers("--sweeps", given)
    missing = [n for n in wanted if n not in at]
    if missing:
        raise InputError(
            f"{recording.source}: no sweep {missing[0]} (--sweeps), it has {len(items)}"
        )
    return [at[n] for n in sorted(wanted)]


def complete(
    source: str, made: list[Episode], windows: Windows, skip: bool
) -> tuple[list[Episode], list[int]]:
    """Sweeps that hold every baseline and window whole, and the numbers of those left out.

    Raises
    ------
    InputError
        at the first that does not, unless they are to be left out (`skip`).
    """
    kept, left = [], []
    for episode in made:
        problem = _incomplete(episode, windows)
        if problem is None:
            kept.append(episode)
        elif skip:
            left.append(episode.number)
        else:
            raise InputError(
                f"{source}, sweep {episode.number}: {problem}; leave such sweeps out with "
                "--skip-incomplete or --sweeps"
            )
    if not kept:
        raise InputError(f"{source}: no sweep holds all of its baselines and windows")
    return kept, left


def _incomplete(episode: Episode, windows: Windows) -> str | None:
    """What is missing in a sweep, None for nothing."""
    trace = episode.trace
    times = [episode.times[0], episode.times[-1]]
    for time in times:
        if not trace.t0 <= time < trace.end:
            return (
                f"found a stimulus at {time * 1e3:.6g} ms, but the sweep lasts from "
                f"{trace.t0 * 1e3:.6g} to {trace.end * 1e3:.6g} ms"
            )
    at = trace.index(np.array(times))
    begin, end = int(at[0]) + windows.first, int(at[1]) + windows.last
    if begin < 0:
        return (
            f"the baseline of the stimulus at {times[0] * 1e3:.6g} ms begins before the sweep "
            f"does ({-windows.first * trace.dt * 1e3:.4g} ms before the stimulus: --baseline)"
        )
    if end > trace.values.size:
        return (
            f"it ends at {trace.end * 1e3:.6g} ms, but the response to the stimulus at "
            f"{times[1] * 1e3:.6g} ms is looked for until {(trace.t0 + end * trace.dt) * 1e3:.6g} "
            "ms (--window)"
        )
    bad = np.flatnonzero(~np.isfinite(trace.values[begin:end]))
    if bad.size:
        where = (trace.t0 + trace.dt * (begin + bad[0])) * 1e3
        return f"found no number at {where:.6g} ms, expected samples without holes"
    return None
