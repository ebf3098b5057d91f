"""Responses to a regular train: facilitation, depression, and how far single trials scatter.

A train of pulses at a rate, and if wanted one more pulse after a pause, is given to many copies
of one synapse in one compiled run. Mean, variance and failures of the released quanta at each
pulse are set beside their closed form (`synsim.predict`). In the same run the responses of each
copy go into a leaky membrane without threshold (`synsim.models.lif`), and what they sum to is set
beside the superposition of the responses (`synsim.stimuli.summation`).

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
from synsim.engine import Membrane
from synsim.models.tsodyks_markram import TSODYKS_PAWELZIK
from synsim.predict.train import Prediction, predict_train
from synsim.protocol import Result, Running
from synsim.stimuli import summation, trains
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

    @property
    def arrival_steps(self) -> NDArray[np.int64]:
        """Time steps in which the responses come, by the axonal delay after the pulses."""
        return self.pulse_steps + int(on_grid(self.delay, self.time_step))

    def prediction(self) -> Prediction:
        """The closed form at the pulses, as they lie on the grid."""
        return predict_train(self.synapse(), self.pulse_steps * self.time_step)


class Outcome(Result):
    """Moments at each pulse.

    Columns pulse (from 1), t_ms; of the released quanta mean, var, failure_rate, and the closed
    forms mean_exact, var_exact; of the recorded responses mean_mV, var_mV2 (or another unit of q).
    The further table ``membrane`` has the depolarisation that the responses sum to: t_ms, mean_mV,
    var_mV2 and the closed forms mean_exact_mV, var_exact_mV2; none where q has no unit.
    """

    protocol = NAME
    settings_type = Settings
    further = ("membrane",)

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
        arrivals = self.settings.arrival_steps * self.settings.time_step
        below = fig.add_subplot(grid[1, :])
        summation.draw(below, synapse, arrivals, exact, self.tables.get("membrane"))
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
    steps, dt = settings.pulse_steps, settings.time_step
    unit = trains.ResponseUnit.of(settings.synapse())
    made, arrivals = summation.membrane(unit), settings.arrival_steps
    samples = None if made is None else summation.sample_steps(made, arrivals, dt)
    played = trains.play(
        settings,
        np.broadcast_to(steps, (settings.repeats, len(steps))),
        running,
        values=trains.one_synapse(settings, running.seed),
        membrane=made,
        samples=samples,
    )
    synapse, done = settings.synapse(), played.run
    exact = settings.prediction()
    columns: dict[str, Any] = {
        "pulse": np.arange(1, len(steps) + 1),
        "t_ms": np.round(steps * dt * 1e3, 9),
    }
    columns |= trains.moments(played, exact.mean, exact.variance, unit)
    results = _results(settings, played.released, exact)
    tables: dict[str, Any] = {}
    if made is not None and samples is not None and done.potential is not None:
        table = summation.columns(made, done.potential, samples, arrivals, synapse, exact, dt)
        at = np.flatnonzero(np.isin(samples, summation.peaks(made, arrivals, dt)))
        # of sites that differ, the closed form is over all synapses, and these are one
        known = settings.cv_between == 0
        results |= summation.agreement(
            made, done.potential, table, at if known else at[:0], settings.release != "mean-field"
        )
        tables["membrane"] = table
    return Outcome(
        settings=settings,
        columns=columns,
        results=results,
        conventions=synapse.conventions
        | {"var": "over repeats, divisor repeats - 1"}
        | ({} if made is None else {"membrane": _membrane_words(made)}),
        citations=(*synapse.citations, str(TSODYKS_PAWELZIK)),
        seed=running.seed,
        backend=done.backend,
        threads=done.threads,
        warnings=(*_notes(settings), *_above(results, settings), *done.warnings),
        tables=tables,
    )


def _membrane_words(made: Membrane) -> str:
    neuron = made.neuron
    return (
        f"lif-vogels-abbott-2005 without threshold: C {neuron.text('C')}, g_L "
        f"{neuron.text('g_L')}; responses are {made.source.name}"
    )


def _above(results: dict[str, Any], settings: Settings) -> list[str]:
    share = results.get("share_above_threshold", 0.0)
    if share == 0:
        return []
    return [
        f"in {share * settings.repeats:.0f} of {settings.repeats} repeats the summed potential is "
        "above the threshold of the membrane (10 mV over rest): a neuron would fire there, and "
        "potentials would no longer add up"
    ]


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
