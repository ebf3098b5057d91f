"""Paired pulses: how much the second of two pulses gives, against the interval between them.

Two pulses an interval h apart are given to many copies of one synapse; all intervals and repeats
are one compiled run. From rest, with u_1 = U and x_1 = 1, the ratio of the mean responses is

    PPR(h) = u_2 x_2 / U = (1 + (1 - U) e^(-h/tau_facil)) (1 - U e^(-h/tau_rec))

(Markram, Wang & Tsodyks 1998): facilitation in the first factor, depression in the second. Its
standard error over R repeats is that of a ratio of means, to first order (Kendall & Stuart, The
Advanced Theory of Statistics):

    SE^2 = PPR^2 (v_1/m_1^2 + v_2/m_2^2 - 2 c_12/(m_1 m_2)) / R

with v the variances and c_12 the covariance of the released quanta, which for release sites is
below 0: a site that has released is empty. (The mean of single ratios is another quantity, biased
upwards and infinite after a failure: Kim & Alger 2001, J Neurosci 21:9608.)

The defaults are the facilitating class I1 of Gupta, Wang & Markram 2000 (U = 0.16,
tau_rec = 45 ms, tau_facil = 376 ms); its 5 sites are chosen here.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.component import parameter
from synsim.component.ranges import values
from synsim.component.spike_trains import on_grid
from synsim.models.tsodyks_markram import GUPTA
from synsim.predict.train import Prediction, predict_train
from synsim.protocol import Result, Running
from synsim.stimuli import trains

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "paired-pulse"


class Settings(trains.FacilitatingSettings):
    """Two pulses, and the synapse they are given to."""

    interval: NDArray[np.float64] = values(
        "ms",
        "intervals between the two pulses: start:stop:step, or values with commas",
        default="10ms:500ms:10ms",
        low=0,
        low_open=True,
    )
    repeats: int = parameter("1", "repeats of each interval", default=1000, low=2, integer=True)

    def check(self) -> None:
        super().check()
        trains.check_grid(self, "interval", self.pulse_steps)
        trains.check_releases(self)

    @property
    def pulse_steps(self) -> NDArray[np.int64]:
        """Time steps of the two pulses, shape (intervals, 2)."""
        second = on_grid(self.interval, self.time_step)
        return np.stack([np.zeros_like(second), second], axis=1)

    def predictions(self, seconds: NDArray[np.int64] | None = None) -> list[Prediction]:
        """The closed form at each interval as it lies on the grid, or at steps `seconds`."""
        synapse = self.synapse()
        steps = self.pulse_steps[:, 1] if seconds is None else seconds
        return [predict_train(synapse, [0.0, step * self.time_step]) for step in steps]


class Outcome(Result):
    """Both pulses at each interval: one row per interval and pulse (1 or 2).

    Columns interval_ms, pulse; of the released quanta mean, var, failure_rate, and the closed
    forms mean_exact, var_exact; of the responses mean_mV, var_mV2 (or another unit of q); at the
    second pulse paired_pulse_ratio, its standard error paired_pulse_ratio_se and closed form
    paired_pulse_ratio_exact.
    """

    protocol = NAME
    settings_type = Settings

    def _at(self, pulse: int, name: str) -> NDArray[np.float64]:
        """A column at the first or the second pulse, against interval."""
        return np.asarray(self.columns[name], dtype=float)[pulse - 1 :: 2]

    def _fine(self) -> tuple[NDArray[np.float64], list[Prediction]]:
        """Intervals (ms) for a curve, and the closed form at them."""
        steps = trains.fine_steps(self.settings.pulse_steps[:, 1])
        return steps * self.settings.time_step * 1e3, self.settings.predictions(steps)

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Paired-pulse ratio against interval, and the closed form over it."""
        ax = style.axes(ax)
        ax.axhline(1, color=style.COLOURS["neutral"], lw=0.6, zorder=0)
        interval = self._at(2, "interval_ms")
        ax.errorbar(
            interval,
            self._at(2, "paired_pulse_ratio"),
            self._at(2, "paired_pulse_ratio_se"),
            fmt="o",
            ms=2.5,
            lw=0.8,
            color=style.COLOURS["simulation"],
            label="simulation, ratio of means ± SE",
        )
        fine, exact = self._fine()
        ax.plot(
            fine,
            [one.paired_pulse_ratio for one in exact],
            color=style.COLOURS["model"],
            zorder=3,
            label="closed form",
        )
        ax.set_ylim(bottom=0)
        ax.set_xlabel("interval (ms)")
        ax.set_ylabel("paired-pulse ratio")
        ax.legend(loc="lower left")
        return ax

    @style.styled
    def figure(self) -> Figure:
        """Ratio; variance and failures of both pulses."""
        fig, (left, middle, right) = style.figure(180, 62, ncols=3)
        self.plot(left)
        fine, exact = self._fine()
        for ax, name, label in (
            (middle, "variance", "variance of released quanta"),
            (right, "failures", "failure rate"),
        ):
            column = {"variance": "var", "failures": "failure_rate"}[name]
            for pulse, colour in ((1, "neutral"), (2, "simulation")):
                interval = self._at(pulse, "interval_ms")
                closed = np.array([getattr(one, name)[pulse - 1] for one in exact])
                word = "first pulse" if pulse == 1 else "second pulse"
                ax.plot(
                    interval,
                    self._at(pulse, column),
                    "o",
                    ms=2.5,
                    color=style.COLOURS[colour],
                    label=word,
                )
                ax.plot(fine, closed, color=style.COLOURS["model"], zorder=3)
            ax.set_ylim(bottom=0)
            ax.set_xlabel("interval (ms)")
            ax.set_ylabel(label)
        middle.legend()
        return fig


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Simulate the pairs.

    Parameters
    ----------
    settings : what is done
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with two rows per interval
    """
    running = running or Running()
    steps, repeats = settings.pulse_steps, settings.repeats
    flat = trains.play(
        settings,
        np.tile(steps, (repeats, 1)),
        running,
        values=trains.one_synapse(settings, running.seed),
    )
    played = flat.reshape(repeats, steps.size)
    first, second = played.released[:, ::2], played.released[:, 1::2]
    exact = settings.predictions()
    chance = np.array([one.u * one.x for one in exact])
    found, error = trains.ratio(first, second)
    closed = np.array([one.paired_pulse_ratio for one in exact])
    synapse = settings.synapse()
    only_second: Any = np.array([np.nan, 1.0])
    columns: dict[str, Any] = {
        "interval_ms": np.repeat(np.round(steps[:, 1] * settings.time_step * 1e3, 9), 2),
        "pulse": np.tile([1, 2], len(steps)),
    }
    columns |= trains.moments(
        played,
        np.ravel([one.mean for one in exact]),
        np.ravel([one.variance for one in exact]),
        trains.ResponseUnit.of(synapse),
    )
    columns |= {
        "paired_pulse_ratio": np.outer(found, only_second).ravel(),
        "paired_pulse_ratio_se": np.outer(error, only_second).ravel(),
        "paired_pulse_ratio_exact": np.outer(closed, only_second).ravel(),
    }
    top = int(np.argmax(closed))
    results = trains.agreement(settings, played.released, chance.ravel()) | {
        "n_intervals": len(steps),
        "paired_pulse_ratio_exact_max": float(closed[top]),
        "interval_of_max_ms": float(columns["interval_ms"][2 * top]),
    }
    if settings.release != "mean-field":
        results["largest_deviation_of_paired_pulse_ratio_in_standard_errors"] = (
            trains.largest_deviation(found, closed, trains.ratio_error(exact, repeats))
        )
    notes = trains.moved(settings, "interval", settings.interval)
    if np.any(np.isnan(found)):
        notes.append(
            f"{np.count_nonzero(np.isnan(found))} of {len(steps)} ratios are left empty: no first "
            "pulse released anything"
        )
    return Outcome(
        settings=settings,
        columns=columns,
        results=results,
        conventions=synapse.conventions
        | {
            "var": "over repeats, divisor repeats - 1",
            "paired_pulse_ratio": "of mean released quanta, not the mean of single ratios; its "
            "standard error to first order, from the repeats",
        },
        citations=(*synapse.citations, str(GUPTA)),
        seed=running.seed,
        backend=flat.run.backend,
        threads=flat.run.threads,
        warnings=(*notes, *flat.run.warnings),
    )


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
