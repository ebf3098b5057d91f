"""Responses to a regular train: facilitation, depression, and how far single trials scatter.

A train of pulses at a rate, and if wanted one more pulse after a pause, is given to many copies
of one synapse in one compiled run. Mean, variance and failures of the released quanta at each
pulse are set beside their closed form (`synsim.predict`). The lower panel of the figure shows what
the responses sum to in a leaky membrane, which below threshold is linear: the superposition of
the responses (`synsim.models.lif`).

The defaults are the depressing synapse of Tsodyks & Markram 1997 as it is used since (U = 0.5,
tau_rec = 800 ms), with 5 sites, at 20 Hz.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.component import option, parameter
from synsim.component.errors import FieldError
from synsim.component.spike_trains import on_grid
from synsim.models.tsodyks_markram import TSODYKS_PAWELZIK
from synsim.predict.train import Prediction, predict_train
from synsim.protocol import Result, Running
from synsim.stimuli import trains
from synsim.synapse_settings import ReleaseSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "stp-train"


class Settings(ReleaseSettings):
    """A regular train and the synapse it is given to."""

    release: str = option(
        ("mean-field", "binomial", "sites"),
        "mean release without noise; binomial; or sites that empty and refill",
        default="sites",
    )
    n: int = parameter("1", "number of release sites", default=5, low=0, integer=True)
    tau_rec: float | None = parameter(
        "ms",
        "recovery of a released site; none for no depression",
        default="800ms",
        low=0,
        low_open=True,
        optional=True,
    )
    rate: float = parameter("Hz", "pulses per second", default="20Hz", low=0, low_open=True)
    pulses: int = parameter("1", "pulses of the train", default=10, low=1, integer=True)
    recovery: float | None = parameter(
        "ms",
        "time from the last pulse to one more, the recovery pulse",
        default="500ms",
        low=0,
        low_open=True,
        optional=True,
    )
    repeats: int = parameter("1", "repeats of the train", default=1000, low=2, integer=True)

    def check(self) -> None:
        super().check()
        steps = self.pulse_steps
        if np.any(np.diff(steps) < 1):
            field = "rate" if np.any(np.diff(steps[: self.pulses]) < 1) else "recovery"
            raise FieldError(
                type(self).__name__,
                field,
                f"found {self.text(field)}, expected at most one pulse per time step of "
                f"{self.text('time_step')}",
            )

    @property
    def pulse_steps(self) -> NDArray[np.int64]:
        """Time steps of the pulses, the recovery pulse last."""
        times = np.arange(self.pulses) / self.rate
        if self.recovery is not None:
            times = np.append(times, times[-1] + self.recovery)
        return on_grid(times, self.time_step)

    def prediction(self) -> Prediction:
        """The closed form at the pulses, as they lie on the grid."""
        return predict_train(self.synapse(), self.pulse_steps * self.time_step)


class Outcome(Result):
    """Moments at each pulse.

    Columns pulse (from 1), t_ms; of the released quanta mean, var, failure_rate, and the closed
    forms mean_exact, var_exact; of the recorded responses mean_mV, var_mV2 (or another unit of q).
    """

    protocol = NAME
    settings_type = Settings

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Mean released quanta at each pulse, with the scatter of single trials."""
        ax = style.axes(ax)
        time, mean = (np.asarray(self.columns[name], dtype=float) for name in ("t_ms", "mean"))
        spread = np.sqrt(np.asarray(self.columns["var"], dtype=float))
        ax.errorbar(
            time,
            mean,
            spread,
            fmt="o",
            lw=0.8,
            color=style.COLOURS["simulation"],
            label="simulation, mean ± SD",
        )
        exact = self.settings.prediction()
        ax.plot(time, exact.mean, "_", ms=11, color=style.COLOURS["model"], label="closed form")
        ax.set_ylim(bottom=0)
        ax.set_xlabel("time (ms)")
        ax.set_ylabel("released quanta")
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0))
        return ax

    @style.styled
    def figure(self) -> Figure:
        """Mean, variance and failures of the quanta; below, what the responses sum to."""
        fig, axes = style.figure(180, 115, nrows=2, ncols=3)
        self.plot(axes[0, 0])
        exact = self.settings.prediction()
        time = np.asarray(self.columns["t_ms"], dtype=float)
        for ax, name, closed, label in (
            (axes[0, 1], "var", exact.variance, "variance of released quanta"),
            (axes[0, 2], "failure_rate", exact.failures, "failure rate"),
        ):
            ax.plot(time, self.columns[name], "o", color=style.COLOURS["simulation"])
            ax.plot(time, closed, "_", ms=11, color=style.COLOURS["model"])
            ax.set_ylim(bottom=0)
            ax.set_xlabel("time (ms)")
            ax.set_ylabel(label)
        grid = axes[1, 0].get_gridspec()
        for ax in axes[1]:
            ax.remove()
        synapse = self.settings.synapse()
        unit = trains.ResponseUnit.of(synapse)
        means = np.asarray(self.columns[unit.column("mean")], dtype=float) * unit.factor
        pulses = self.settings.pulse_steps * self.settings.time_step
        trains.draw_potential(fig.add_subplot(grid[1, :]), synapse, pulses, exact, means)
        return fig


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Simulate the train.

    Parameters
    ----------
    settings : what is done
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with one row per pulse
    """
    running = running or Running()
    steps = settings.pulse_steps
    played = trains.play(
        settings,
        np.broadcast_to(steps, (settings.repeats, len(steps))),
        running,
        values=trains.one_synapse(settings, running.seed),
    )
    synapse, done = settings.synapse(), played.run
    exact = settings.prediction()
    columns: dict[str, Any] = {
        "pulse": np.arange(1, len(steps) + 1),
        "t_ms": np.round(steps * settings.time_step * 1e3, 9),
    }
    columns |= trains.moments(played, exact.mean, exact.variance, trains.ResponseUnit.of(synapse))
    return Outcome(
        settings=settings,
        columns=columns,
        results=_results(settings, played.released, exact),
        conventions=synapse.conventions | {"var": "over repeats, divisor repeats - 1"},
        citations=(*synapse.citations, str(TSODYKS_PAWELZIK)),
        seed=running.seed,
        backend=done.backend,
        threads=done.threads,
        warnings=(*_notes(settings), *done.warnings),
    )


def _notes(settings: Settings) -> list[str]:
    moved = np.abs(
        np.diff(settings.pulse_steps[: settings.pulses]) * settings.time_step * settings.rate - 1
    )
    if np.any(moved > 1e-9):
        return [
            f"the pulses at {settings.text('rate')} were put on the grid of "
            f"{settings.text('time_step')}; the table shows them as they ran"
        ]
    return []


def _results(
    settings: Settings, released: NDArray[np.float64], exact: Prediction
) -> dict[str, Any]:
    found = trains.agreement(settings, released, exact.u * exact.x) | {
        "mean_last_over_first_exact": _ratio(exact.mean, settings.pulses - 1),
        "mean_last_over_first": _ratio(released.mean(axis=0), settings.pulses - 1),
    }
    if settings.pulses > 1:
        found["paired_pulse_ratio_exact"] = _ratio(exact.mean, 1)
        found["paired_pulse_ratio"] = _ratio(released.mean(axis=0), 1)
    if settings.recovery is not None:
        found["recovery_over_first_exact"] = _ratio(exact.mean, settings.pulses)
        found["recovery_over_first"] = _ratio(released.mean(axis=0), settings.pulses)
    return found


def _ratio(means: NDArray[np.float64], index: int) -> float:
    return float(means[index] / means[0]) if means[0] else float("nan")


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
