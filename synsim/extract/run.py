"""From a recording to amplitudes: what is done, in its order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.component.units import UNITS
from synsim.extract import choose, peaks, stimuli
from synsim.extract.episodes import Episode, episodes, patterns
from synsim.extract.measure import Windows
from synsim.extract.options import Options, options
from synsim.extract.recording import Recording, read
from synsim.extract.result import Extracted

Array = NDArray[np.float64]

_REST = 5.0  # s between sweeps: below, that every sweep begins at rest is in doubt


def extract(
    file: str | os.PathLike[str],
    *,
    channel: str | None = None,
    unit: str | None = None,
    sweeps: str | Sequence[int] | None = None,
    skip_incomplete: bool = False,
    stimulus_times: str | Sequence[float] | None = None,
    stimulus_channel: str | None = None,
    stimulus_threshold: str | float | None = None,
    sweep_gap: str | float | None = None,
    baseline: str | None = None,
    window: str | None = None,
    width: str | float | None = None,
    peak: str = "latency",
    latency: str | float | None = None,
    sign: str | None = None,
    decay: str | float | None = None,
    noise: str | None = None,
    threshold: str | float | None = None,
    cell: str | None = None,
    protocol: str | None = None,
) -> Extracted:
    """Measure the responses in a recording.

    Times are text with a unit or numbers in s, on the clock of each sweep.

    Parameters
    ----------
    file : ABF, NWB, CSV or another format that Neo reads
    channel : of the responses; may be left out where only one is recorded
    unit : of its samples, where the file does not say it or says it wrongly
    sweeps : numbers from 1, as ``1-10,15``; default all
    skip_incomplete : leave out sweeps that end before their last response, instead of refusing
    stimulus_times : ``100ms,150ms``, ``start:stop:step``, or a CSV file with t_ms (and sweep)
    stimulus_channel : command, event or recorded channel that shows the stimuli
    stimulus_threshold : for a recorded channel: departure from its median, as ``1V``, or a number
        in its unit
    sweep_gap : a longer pause between stimuli begins a new sweep (recordings without sweeps)
    baseline : range before each stimulus that its response is measured from, default -5ms:0ms
    window : range after each stimulus in which the peak is looked for, default 1ms:25ms or up to
        the next stimulus
    width : samples over this time around the peak are averaged, default 0.5 ms
    peak : ``latency``: at the lag of the average's peak, unbiased; ``own``: at each response's own
        extremum, biased away from 0 by the noise
    latency : the lag, given instead of looked for
    sign : ``positive``, ``negative`` or ``auto`` (that of the average, the default)
    decay : ``fit`` (default), a time constant, or ``none`` (overlap is left as it is)
    noise : standard deviation of the measurement, where it cannot be seen before the stimuli
    threshold : a response is a failure below as many SDs of the noise, default 2.5
    cell, protocol : what to write into columns of these names

    Raises
    ------
    InputError
        one line that names file, sweep or flag, what was found and what is expected.
    MissingExtraError
        when Neo or pynwb is needed and not installed.
    """
    how = options(
        baseline=baseline, window=window, width=width, latency=latency, peak=peak, sign=sign,
        decay=decay, noise=noise, threshold=threshold, sweep_gap=sweep_gap,
    )  # fmt: skip
    csv_stimulus = {"stimulus": stimulus_channel} if _is_csv(file) else {}
    recording = read(file, **csv_stimulus)  # type: ignore[arg-type]
    chosen: dict[str, dict[str, Any]] = {}
    notes: list[str] = []

    name, why = choose.channel(recording, channel)
    chosen["channel"] = {"value": name, "how": why}
    read_as, why = choose.unit(recording, name, unit)
    chosen["unit"] = {"value": read_as, "how": why}
    wanted = choose.WANTED[UNITS[read_as].dimension.name]
    with_channel = [s for s in recording.sweeps if name in s.recorded]
    if len(with_channel) < len(recording.sweeps):
        lost = len(recording.sweeps) - len(with_channel)
        notes.append(f"{lost} sweep(s) without channel {name!r} are left out")
    first = with_channel
    if how.sweep_gap is None:
        first = [with_channel[i] for i in choose.selected(recording, with_channel, sweeps)]
    first = [choose.converted(s, name, read_as, wanted) for s in first]
    found = stimuli.find(
        recording, first, name, stimulus_times, stimulus_channel, stimulus_threshold
    )
    chosen["stimulus"] = {"value": found.source, "how": found.how}
    made = episodes(first, name, found, how.sweep_gap)
    if how.sweep_gap is not None:
        made = [made[i] for i in choose.selected(recording, made, sweeps)]
    told = recording.told if how.sweep_gap is None else "pauses between stimuli (--sweep-gap)"
    some = "" if sweeps is None else ", chosen by --sweeps"
    chosen["sweeps"] = {"value": f"{len(made)}{some}", "how": f"told apart by {told}"}

    plan = _plan(recording, made, how, chosen)
    made, left = choose.complete(recording.source, made, plan.windows, skip_incomplete)
    if left:
        notes.append(f"{len(left)} incomplete sweep(s) left out: {', '.join(map(str, left[:10]))}")
    measured = peaks.measured(
        recording.source, made, plan.windows, plan.dt, how, wanted, chosen, notes
    )
    # A unit that only repeats the file's, or stands where it has none, has been thought about.
    confirmed = unit is not None and recording.channels()[name] in (None, unit)
    choose.plausible(recording.source, measured.amplitude, wanted, read_as, confirmed)
    labels = patterns(made)
    notes += _remarks(made, labels)
    settings = {
        "file": str(file), "channel": channel, "unit": unit, "sweeps": sweeps,
        "skip_incomplete": skip_incomplete, "stimulus_times": stimulus_times,
        "stimulus_channel": stimulus_channel, "stimulus_threshold": stimulus_threshold,
        "sweep_gap": sweep_gap, "baseline": baseline, "window": window, "width": width,
        "peak": peak, "latency": latency, "sign": sign, "decay": decay, "noise": noise,
        "threshold": threshold, "cell": cell, "protocol": protocol,
    }  # fmt: skip
    return Extracted(
        recording=recording,
        episodes=tuple(made),
        patterns=tuple(labels),
        windows=plan.windows,
        unit=wanted,
        measured=measured,
        chosen=chosen,
        left_out=tuple(left),
        cell=cell,
        protocol=protocol,
        settings=settings,
        warnings=notes,
    )


def _is_csv(file: str | os.PathLike[str]) -> bool:
    return os.fspath(file).lower().endswith(".csv")


@dataclass(frozen=True)
class _Plan:
    """Windows in samples, and the step in s."""

    windows: Windows
    dt: float


def _plan(
    recording: Recording, made: list[Episode], how: Options, chosen: dict[str, dict[str, Any]]
) -> _Plan:
    """The windows in samples; refused where they are empty or reach beyond the next stimulus."""
    steps = [e.trace.dt for e in made]
    dt = steps[0]
    if max(steps) - min(steps) > 1e-6 * dt:
        raise InputError(
            f"{recording.source}: sampled every {min(steps) * 1e3:.6g} to {max(steps) * 1e3:.6g} "
            "ms, expected one rate; measure sweeps of one rate at a time (--sweeps)"
        )
    half = round(0.5 * how.width / dt)
    gaps = np.concatenate([np.diff(e.times) for e in made])
    shortest = float(gaps.min()) if gaps.size else np.inf
    begin, end = how.window
    if end + how.width / 2 > shortest:
        if "--window" in how.given:
            raise InputError(
                f"--window: it ends {end * 1e3:g} ms after the stimulus, but the next one comes "
                f"after {shortest * 1e3:.6g} ms; "
                f"expected an end before {(shortest - how.width / 2) * 1e3:.6g} ms"
            )
        end = shortest - how.width / 2
    low, high = (round(t / dt) for t in how.baseline)
    search = (round(begin / dt), int(np.floor(end / dt + 1e-6)))
    if search[1] - search[0] < 3:
        raise InputError(
            f"{recording.source}: the window for the peak ({begin * 1e3:g} to {end * 1e3:g} ms "
            f"after the stimulus) holds less than 3 samples of {dt * 1e3:g} ms; see --window"
        )
    if high - low < 1:
        raise InputError(
            f"--baseline: it holds no sample of {dt * 1e3:g} ms, expected a longer range"
        )
    how_window = how.how("--window")
    if end < how.window[1]:
        how_window += ", up to the next stimulus"
    chosen["baseline"] = {
        "value": f"{low * dt * 1e3:g} to {high * dt * 1e3:g} ms", "how": how.how("--baseline")
    }  # fmt: skip
    chosen["window"] = {"value": f"{begin * 1e3:g} to {end * 1e3:g} ms", "how": how_window}
    chosen["width"] = {
        "value": f"{(2 * half + 1) * dt * 1e3:g} ms ({2 * half + 1} samples)",
        "how": how.how("--width"),
    }
    return _Plan(Windows((low, high), search, half), dt)


def _remarks(made: list[Episode], labels: list[str]) -> list[str]:
    """What a fit should know about the sweeps."""
    notes = []
    kinds = list(dict.fromkeys(labels))
    if len(kinds) > 1:
        counts = ", ".join(f"{k} in {labels.count(k)} sweep(s)" for k in kinds)
        notes.append(f"{len(kinds)} patterns of stimulation, in column protocol: {counts}")
    order = sorted(
        (e.start + e.times[0], e.start + e.times[-1]) for e in made if np.isfinite(e.start)
    )
    rests = [b[0] - a[1] for a, b in pairwise(order)]
    if rests and 0 < min(rests) < 0.99 * _REST:
        notes.append(
            f"as little as {min(rests):.3g} s lies between the last stimulus of a sweep and the "
            "first of the next: fits take every sweep from rest"
        )
    return notes
