"""Where the peak is, which way responses go, how they decay; then every amplitude.

Decided from the average of all responses, one after the other: the sign and the lag of its peak
with overlap as it is, the decay after the last stimulus, and the lag again with overlap taken away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.extract import decay, measure, noise
from synsim.extract.decay import Decay
from synsim.extract.episodes import Episode
from synsim.extract.measure import Windows
from synsim.extract.options import Options

Array = NDArray[np.float64]

_TAIL = 1.0  # s after the last stimulus that the decay is looked for in
_CERTAIN = 0.2  # of tau, its standard error should be below
_GOOD = 0.95  # of the variance of the average's decay, one exponential should explain


@dataclass(frozen=True, eq=False)
class Measured:
    """Every response, sweep after sweep: amplitude in mV or pA, lag in s, failure, (m,) each.

    `failure` is None where the noise is not known. `noise` is the standard deviation of the
    measurement, `noise_mean` what it gives without a stimulus (0 for the peak at a latency);
    `failure_rate_doubled` is that of `noise.compare_failures`.
    """

    amplitude: Array
    lag: Array
    failure: NDArray[np.bool_] | None
    sign: int
    latency: int
    tau: float | None
    decay: Decay | None
    noise: float | None
    noise_mean: float
    noise_places: int
    failure_rate_doubled: float


def measured(
    source: str,
    made: list[Episode],
    windows: Windows,
    dt: float,
    how: Options,
    unit: str,
    chosen: dict[str, dict[str, Any]],
    notes: list[str],
) -> Measured:
    """Measure every response; what was decided is added to `chosen`, remarks to `notes`.

    Raises
    ------
    InputError
        when no response is seen, its sign or decay is not certain, or its peak is not in the
        window.
    """
    stimuli = [e.trace.index(e.times) for e in made]
    several = any(s.size > 1 for s in stimuli)
    tau = how.decay / dt if isinstance(how.decay, float) else None
    sign, latency = _peak(source, made, stimuli, windows, tau if several else None, how, dt, unit)
    fitted = None
    if several and how.decay == "fit":
        fitted, tau = _decay(source, made, windows, dt, latency, sign, notes)
        if how.latency is None:
            _, latency = _peak(source, made, stimuli, windows, tau, how, dt, unit, sign)
    tau = tau if several else None
    _clear_of_peaks(source, stimuli, windows, latency, dt)
    _say(chosen, how, sign, latency, tau, fitted, several, dt)

    amplitude, lags = [], []
    for episode, at in zip(made, stimuli, strict=True):
        values = episode.trace.values
        if how.own_peak:
            own, peak = measure.own_peaks(values, at, windows, tau, sign)
        else:
            own = measure.at_latency(values, at, windows, tau, latency)
            peak = np.full(at.size, latency)
        amplitude.append(own)
        lags.append(peak * dt)
    found = np.concatenate(amplitude)
    sd, mean, places = noise.estimate(
        made, stimuli, windows, latency, sign, how, unit, chosen, notes
    )
    failure = None if sd is None else sign * (found - mean) < how.threshold * sd
    noise.one_sign(source, found, sd, sign, how, unit, notes)
    doubled = noise.compare_failures(found, None if how.own_peak else failure, sign, notes)
    return Measured(
        found, np.concatenate(lags), failure, sign, latency, None if tau is None else tau * dt,
        fitted, sd, mean, places, doubled,
    )  # fmt: skip


def _peak(
    source: str,
    made: list[Episode],
    stimuli: list[NDArray[np.int_]],
    windows: Windows,
    tau: float | None,
    how: Options,
    dt: float,
    unit: str,
    sign: int | None = None,
) -> tuple[int, int]:
    """Sign and lag of the peak of the average of all responses."""
    if how.latency is not None:
        assert how.sign is not None
        return how.sign, _given_latency(windows, how.latency, dt)
    lags = measure.search_lags(windows)
    rows = [
        measure.smooth(measure.responses(e.trace.values, s, windows, tau, lags), windows.half)
        for e, s in zip(made, stimuli, strict=True)
    ]
    mean, error = measure.average(rows)
    error = _null_error(made, stimuli, windows, mean.size, error)
    sign = sign or how.sign or _sign(source, mean, error, unit)
    at = int(np.argmax(sign * mean))
    top, se = sign * mean[at], error[at]
    count = sum(len(r) for r in rows)
    if np.isfinite(se) and not top > noise.SEEN * se:
        raise InputError(
            f"{source}: no response is seen: the average of {count} is {sign * top:.3g} {unit} at "
            f"most, with a standard error of {se:.2g}; are channel, stimulus and sign right? "
            "--latency with --sign measures at a time of your own all the same"
        )
    lag = at + windows.search[0]
    # Nearer to an end than half the averaging, the rise to something outside looks like a peak.
    if not windows.half <= at < mean.size - max(windows.half, 1):
        early = at < mean.size / 2
        edge = "begins" if early else "ends"
        cause = "the end of a stimulus artefact?" if early else "a later peak?"
        raise InputError(
            f"{source}: the average is largest where the window {edge} ({lag * dt * 1e3:.4g} ms "
            f"after the stimulus), {cause} Move it with --window, or say --latency"
        )
    return sign, lag


def _given_latency(windows: Windows, latency: float, dt: float) -> int:
    lag = round(latency / dt)
    if not windows.search[0] <= lag < windows.search[1]:
        low, high = (lag * dt * 1e3 for lag in windows.search)
        raise InputError(
            f"--latency: found {latency * 1e3:g} ms, expected a time in the window for the peak, "
            f"{low:.4g} to {high:.4g} ms (--window)"
        )
    return lag


def _null_error(
    made: list[Episode],
    stimuli: list[NDArray[np.int_]],
    windows: Windows,
    size: int,
    spread: Array,
) -> Array:
    """Standard error of the average if there were no response, else that of its spread."""
    empty = noise.empty_values(made, stimuli, windows, (windows.search[0] + windows.search[1]) // 2)
    count = sum(s.size for s in stimuli)
    if empty.size < noise.EMPTY:
        return spread
    return np.full(size, float(np.sqrt(np.mean(empty**2))) / np.sqrt(count))


def _sign(source: str, mean: Array, error: Array, unit: str) -> int:
    """The sign of the larger extremum; InputError where the other is half as large and real."""
    up, down = float(mean.max()), float(-mean.min())
    larger, smaller = max(up, down), min(up, down)
    at = int(np.argmin(mean) if up >= down else np.argmax(mean))
    if smaller > 0.5 * larger and not smaller <= noise.SEEN * error[at]:
        raise InputError(
            f"{source}: the average goes both ways after the stimulus, up to {up:.3g} and down to "
            f"{-down:.3g} {unit}; say --sign positive or negative, and see --window (artefacts)"
        )
    return 1 if up >= down else -1


def _decay(
    source: str,
    made: list[Episode],
    windows: Windows,
    dt: float,
    latency: int,
    sign: int,
    notes: list[str],
) -> tuple[Decay, float]:
    try:
        # Once more with a first tau: which baseline is that of the last response depends on it.
        first = decay.fit(_after_last(made, windows, dt, None), latency, sign)
        fitted = decay.fit(_after_last(made, windows, dt, first.tau), latency, sign)
    except InputError as error:
        raise InputError(
            f"{source}: responses may overlap, and how they decay is not seen: {error}; say "
            "--decay 6ms, or --decay none"
        ) from None
    if len(made) > 1 and not fitted.se < _CERTAIN * fitted.tau:
        how_well = f"{fitted.se * dt * 1e3:.2g} ms" if np.isfinite(fitted.se) else "no bound"
        notes.append(
            f"the decay of {fitted.tau * dt * 1e3:.3g} ms has a standard error of {how_well}: give "
            "one from larger responses with --decay"
        )
    if fitted.r2 < _GOOD:
        notes.append(
            f"one exponential explains {100 * fitted.r2:.0f} % of the average's decay: amplitudes "
            "that follow closely on others are only as good as that"
        )
    return fitted, fitted.tau


def _after_last(made: list[Episode], windows: Windows, dt: float, tau: float | None) -> Array:
    """Sweeps from the last stimulus on, baseline taken away, shape (sweeps, lags)."""
    rows = []
    for episode in made:
        values, at = episode.trace.values, episode.trace.index(episode.times)
        end = int(episode.trace.index(np.array([episode.end]))[0])
        before = measure.baselines(values, at, windows)[measure.rested(at, tau)[-1]]
        rows.append(values[at[-1] : min(end, at[-1] + round(_TAIL / dt))] - before)
    length = min(r.size for r in rows)
    return np.array([r[:length] for r in rows])


def _clear_of_peaks(
    source: str, stimuli: list[NDArray[np.int_]], windows: Windows, latency: int, dt: float
) -> None:
    """Refuse a baseline that reaches back into the peak of the response before."""
    gaps = np.concatenate([np.diff(s) for s in stimuli])
    if gaps.size and gaps.min() + windows.baseline[0] <= latency + windows.half:
        room = (gaps.min() - latency - windows.half) * dt * 1e3
        raise InputError(
            f"{source}: stimuli come {gaps.min() * dt * 1e3:.4g} ms apart, and the baseline begins "
            f"{-windows.baseline[0] * dt * 1e3:.4g} ms before each, in the peak of the response "
            f"before; expected less than {room:.4g} ms (--baseline)"
        )


def _say(
    chosen: dict[str, dict[str, Any]],
    how: Options,
    sign: int,
    latency: int,
    tau: float | None,
    fitted: Decay | None,
    several: bool,
    dt: float,
) -> None:
    """What was decided, for the summary."""
    chosen["sign"] = {
        "value": "positive" if sign > 0 else "negative",
        "how": "that of the average response" if how.sign is None else "given by --sign",
    }
    at = f"{latency * dt * 1e3:.4g} ms after the stimulus"
    if how.own_peak:
        chosen["peak"] = {
            "value": "extremum of each response in the window",
            "how": "--peak own; biased away from 0 by noise",
        }
    else:
        chosen["peak"] = {
            "value": at,
            "how": "peak of the average of all responses"
            if how.latency is None
            else "given by --latency",
        }
    if tau is None:
        why = "given by --decay" if several else "one pulse per sweep: nothing overlaps"
        chosen["overlap"] = {"value": "not corrected", "how": why}
        return
    value = f"earlier responses taken away, decaying with {tau * dt * 1e3:.4g} ms"
    if fitted is None:
        chosen["overlap"] = {"value": value, "how": "given by --decay"}
    else:
        se = f" +- {fitted.se * dt * 1e3:.2g} (SE)" if np.isfinite(fitted.se) else ""
        span = f"{fitted.first * dt * 1e3:.4g} to {fitted.last * dt * 1e3:.4g} ms"
        chosen["overlap"] = {
            "value": value + se,
            "how": f"fitted to the average, {span} after the last stimulus, R2 {fitted.r2:.4f}",
        }
