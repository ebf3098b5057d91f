"""Sweeps with their stimuli: what is measured one by one, and which of them are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synsim.extract.recording import Sweep, Trace
from synsim.extract.stimuli import Found

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Episode:
    """One sweep to be measured: its number, its trace, its stimuli (s, on the trace's clock).

    Nothing was stimulated from `clear` to the first of them, and the sweep is over at `end`.
    """

    number: int
    start: float
    trace: Trace
    times: Array
    clear: float
    end: float


def episodes(
    sweeps: Sequence[Sweep], channel: str, found: Found, gap: float | None
) -> list[Episode]:
    """Sweeps with their stimuli; cut where stimuli are further apart than `gap` (s)."""
    made: list[Episode] = []
    for sweep, times in zip(sweeps, found.times, strict=True):
        trace = sweep.recorded[channel]
        cuts = np.flatnonzero(np.diff(times) > (np.inf if gap is None else gap)) + 1
        parts = np.split(times, cuts)
        for at, own in enumerate(parts):
            number = sweep.number if gap is None else len(made) + 1
            # Of the time since the train before, the second half counts as quiet.
            clear = 0.5 * (parts[at - 1][-1] + own[0]) if at else trace.t0
            end = parts[at + 1][0] if at + 1 < len(parts) else trace.end
            made.append(Episode(number, sweep.start, trace, own, float(clear), float(end)))
    return made


def patterns(made: Sequence[Episode]) -> list[str]:
    """The pattern of stimulation of each episode, equal where times agree to 1.5 samples."""
    kinds: list[tuple[Array, str]] = []
    labels = []
    for episode in made:
        own = episode.times - episode.times[0]
        for other, label in kinds:
            if other.size == own.size and np.all(np.abs(other - own) <= 1.5 * episode.trace.dt):
                labels.append(label)
                break
        else:
            kinds.append((own, _name(own, [label for _, label in kinds])))
            labels.append(kinds[-1][1])
    return labels


def _name(times: Array, taken: list[str]) -> str:
    if times.size == 1:
        name = "1 pulse"
    else:
        steps = np.diff(times) * 1e3
        even = np.ptp(steps) < 0.01 * steps.mean()
        name = f"{times.size} pulses" + (f" every {steps.mean():.4g} ms" if even else "")
    same = sum(t == name or t.startswith(f"{name} (") for t in taken)
    return f"{name} ({same + 1})" if same else name
