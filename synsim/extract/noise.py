"""The noise of the measurement, seen where nothing was stimulated, and what it can explain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.extract import measure
from synsim.extract.episodes import Episode
from synsim.extract.measure import Windows
from synsim.extract.options import Options

Array = NDArray[np.float64]

SEEN = 4.0  # SDs or standard errors beyond which something is no noise
EMPTY = 10  # places without stimulus that a noise is estimated from


def empty_values(
    made: list[Episode],
    stimuli: list[NDArray[np.int_]],
    windows: Windows,
    latency: int,
    own_sign: int | None = None,
) -> Array:
    """The measurement where nothing was stimulated, before the first stimulus of every sweep."""
    reach = (windows.search[1] if own_sign else latency + 1) + windows.half
    found = [np.empty(0)]
    for episode, at in zip(made, stimuli, strict=True):
        clear = max(int(episode.trace.index(np.array([episode.clear]))[0]), 0)
        places = measure.empty_places(clear, int(at[0]), windows, reach)
        for place in places[:, None]:
            if own_sign:
                found.append(
                    measure.own_peaks(episode.trace.values, place, windows, None, own_sign)[0]
                )
            else:
                found.append(
                    measure.at_latency(episode.trace.values, place, windows, None, latency)
                )
    values = np.concatenate(found)
    return values[np.isfinite(values)]


def estimate(
    made: list[Episode],
    stimuli: list[NDArray[np.int_]],
    windows: Windows,
    latency: int,
    sign: int,
    how: Options,
    unit: str,
    chosen: dict[str, dict[str, Any]],
    notes: list[str],
) -> tuple[float | None, float, int]:
    """Standard deviation and mean of the measurement without a response, and from how many."""
    empty = empty_values(made, stimuli, windows, latency, sign if how.own_peak else None)
    mean = float(empty.mean()) if how.own_peak and empty.size >= EMPTY else 0.0
    if how.noise is not None:
        value = how.noise[0] * {"mV": 1e3, "pA": 1e12}[unit]
        if how.noise[1] != {"mV": "voltage", "pA": "current"}[unit]:
            raise InputError(
                f"--noise: found a {how.noise[1]}, expected a standard deviation in {unit}, the "
                "unit of the responses"
            )
        chosen["noise"] = {"value": f"{value:.4g} {unit}", "how": "given by --noise"}
        return value, mean, 0
    if empty.size < EMPTY:
        chosen["noise"] = {"value": None, "how": f"{empty.size} places to see it, {EMPTY} needed"}
        notes.append(
            "failures are not told from responses: before the first stimuli there is room for "
            f"{empty.size} measurement(s) of the noise, {EMPTY} are needed; give it with --noise, "
            "or shorten --baseline"
        )
        return None, mean, int(empty.size)
    value = float(empty.std(ddof=1) if how.own_peak else np.sqrt(np.mean(empty**2)))
    chosen["noise"] = {
        "value": f"{value:.4g} {unit}",
        "how": f"the same measurement at {empty.size} places before the first stimuli",
    }
    return value, mean, int(empty.size)


def compare_failures(
    amplitude: Array, failure: NDArray[np.bool_] | None, sign: int, notes: list[str]
) -> float:
    """Failure rate without a threshold: twice the share of amplitudes beyond 0 the other way.

    Failures scatter evenly around 0, so half of them are there; responses are not, if they are
    clear of the noise. Where the rate by threshold is another, a note says so.
    """
    doubled = min(1.0, 2.0 * float(np.mean(sign * amplitude < 0)))
    if failure is not None:
        rate = float(failure.mean())
        share = max(doubled, 1 / amplitude.size)
        error = np.sqrt(share * (2.0 - share) / amplitude.size)
        if abs(rate - doubled) > max(0.05, 3.0 * error):
            notes.append(
                f"{100 * rate:.0f} % of the responses are failures by the threshold, but twice "
                f"those beyond 0 are {100 * doubled:.0f} %: responses are not clear of the noise"
            )
    return doubled


def one_sign(
    source: str,
    amplitude: Array,
    noise: float | None,
    sign: int,
    how: Options,
    unit: str,
    notes: list[str],
) -> None:
    """Ask where many responses go the other way, beyond what noise does."""
    other, near = -sign * amplitude, float(np.quantile(sign * amplitude, 0.95))
    limit = 0.5 * near if noise is None else max(SEEN * noise, 0.1 * near)
    many = int(np.count_nonzero(other > limit))
    if many <= max(1, 0.02 * amplitude.size):
        return
    text = (
        f"{many} of {amplitude.size} responses go the other way, up to {other.max():.3g} {unit} "
        f"against {near:.3g}"
    )
    if how.sign is None:
        raise InputError(
            f"{source}: responses of both signs: {text}; expected one sign: choose sweeps or "
            "--window, or say --sign"
        )
    notes.append(text)
