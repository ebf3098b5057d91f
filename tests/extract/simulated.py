"""Sweeps with known truth, simulated in plain numpy, and the files they are written into.

A response is ``k q`` quanta times a kernel (difference of exponentials, 1 at its peak), responses
add up, and filtered noise lies over a baseline of its own for each sweep.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RISE, DECAY, DELAY = 0.4e-3, 6e-3, 1.5e-3
RATE = 20e3


def kernel(times: Array, decay: float = DECAY) -> Array:
    """The response to one quantum of size 1, which peaks at 1; times in s since the stimulus."""
    t = np.maximum(times - DELAY, 0.0)
    peak = np.log(decay / RISE) / (1 / RISE - 1 / decay)
    height = np.exp(-peak / decay) - np.exp(-peak / RISE)
    return (np.exp(-t / decay) - np.exp(-t / RISE)) / height


@dataclass(frozen=True, eq=False)
class Truth:
    """Sweeps in pA, shape (sweeps, samples); stimuli in s; quanta released (sweeps, pulses)."""

    sweeps: Array
    stimuli: Array
    quanta: NDArray[np.int_]
    q: float
    s0: float

    @property
    def amplitude(self) -> Array:
        """What each response is at its peak, pA, shape (sweeps, pulses)."""
        return self.q * self.quanta


def simulate(
    seed: int = 1,
    sweeps: int = 60,
    stimuli: Array | None = None,
    n: int = 5,
    p: float = 0.4,
    q: float = -12.0,
    s0: float = 2.0,
    decay: float = DECAY,
    before: float = 60e-3,
    after: float = 60e-3,
    smoothing: int = 5,
) -> Truth:
    """Binomial release at every stimulus, from full sites; the noise is white noise, smoothed."""
    rng = np.random.default_rng(seed)
    stimuli = before + 20e-3 * np.arange(5) if stimuli is None else stimuli
    time = np.arange(round((stimuli[-1] + after) * RATE)) / RATE
    shape = kernel(time[None, :] - stimuli[:, None], decay)
    quanta = rng.binomial(n, p, (sweeps, stimuli.size))
    white = rng.standard_normal((sweeps, time.size + smoothing - 1))
    box = np.ones(smoothing) / np.sqrt(smoothing)
    noise = np.array([np.convolve(row, box, "valid") for row in white])
    base = rng.normal(-40.0, 20.0, (sweeps, 1))
    return Truth(base + q * quanta @ shape + s0 * noise, stimuli, quanta, q, s0)


def write_nwb(
    path: Path,
    truth: Truth,
    *,
    stimulus: str | None = "command",
    factor: float = 1e-12,
    values: float = 1.0,
    unit: str = "amperes",
    interval: float = 10.0,
    numbered: bool = True,
    name: str = "epsc_{:03d}",
    extra: Any = None,
) -> Path:
    """One VoltageClampSeries a sweep, with the stimuli as a series of commands or as events."""
    import pynwb
    from pynwb.icephys import VoltageClampSeries, VoltageClampStimulusSeries

    utc = datetime.UTC
    file = pynwb.NWBFile("simulated", "truth", datetime.datetime(2024, 1, 1, tzinfo=utc))
    electrode = file.create_icephys_electrode(
        name="pipette", description="simulated", device=file.create_device("none")
    )
    for k, sweep in enumerate(truth.sweeps):
        common: dict[str, Any] = {"rate": RATE, "starting_time": interval * k}
        if numbered:
            common["sweep_number"] = np.uint64(k)
        file.add_acquisition(
            VoltageClampSeries(
                name=name.format(k), data=sweep * values, conversion=factor, unit=unit,
                electrode=electrode, gain=1.0, **common,
            )
        )  # fmt: skip
        if stimulus == "command":
            command = np.zeros(sweep.size)
            for t in truth.stimuli:
                at = round(t * RATE)
                command[at : at + 4] = 5.0
            file.add_stimulus(
                VoltageClampStimulusSeries(
                    name=f"stimulus_{k:03d}", data=command, unit="volts", electrode=electrode,
                    gain=1.0, **common,
                )
            )  # fmt: skip
    if stimulus == "events":
        table = pynwb.event.EventsTable(name="shocks", description="stimuli")
        for k in range(len(truth.sweeps)):
            for t in truth.stimuli:
                table.add_row(timestamp=interval * k + float(t))
        file.add_events_table(table)
    if extra is not None:
        extra(file, electrode)
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


def write_csv(path: Path, truth: Truth, unit: str = "pA", factor: float = 1.0) -> Path:
    """A time column and a column for each sweep."""
    time = np.arange(truth.sweeps.shape[1]) / RATE * 1e3
    tail = f"_{unit}" if unit else ""
    names = ["t_ms", *(f"sweep{k + 1}{tail}" for k in range(len(truth.sweeps)))]
    rows = np.column_stack([time, factor * truth.sweeps.T])
    lines = [",".join(names), *(",".join(f"{v:.9g}" for v in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path
