"""Recovery from depression: one pulse after a train, against the pause between.

A train of N pulses at a rate leaves the synapse depressed or facilitated; one more pulse, a pause
after the last one, shows how far it has come back. Each pause has its own copies of the synapse,
and all pauses and repeats are one compiled run. In closed form (Tsodyks & Markram 1997), with u,
x as used at the last pulse of the train and h the pause,

    u(h) = U + u (1 - U) e^(-h/tau_facil),    x(h) = 1 - (1 - x (1 - u)) e^(-h/tau_rec)

and the recovered fraction is the mean response u(h) x(h) over that of the first pulse, U. Without
facilitation it returns to 1 by one exponential of tau_rec.

The defaults are the depressing synapse of Tsodyks & Markram 1997 as it is used since (U = 0.5,
tau_rec = 800 ms) after 10 pulses at 20 Hz; the train and the 5 sites are chosen here. The last
panel of the figure shows what the responses do to a leaky membrane: below threshold it is linear,
so its potential is the superposition of the responses (`synsim.models.lif`).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.component import option, parameter
from synsim.component.ranges import values
from synsim.component.spike_trains import on_grid
from synsim.models.tsodyks_markram import TSODYKS_PAWELZIK
from synsim.predict.train import Prediction, predict_train
from synsim.protocol import Result, Running
from synsim.stimuli import summation, trains
from synsim.synapse_settings import ReleaseSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "recovery"


class Settings(ReleaseSettings):
    """A train, the pauses after it, and the synapse it is given to."""

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
    pause: NDArray[np.float64] = values(
        "ms",
        "times from the last pulse of the train to one more: start:stop:step, or with commas",
        default="100ms:4000ms:100ms",
        low=0,
        low_open=True,
    )
    repeats: int = parameter("1", "repeats of each pause", default=1000, low=2, integer=True)

    def check(self) -> None:
        super().check()
        steps = self.pulse_steps
        trains.check_grid(self, "rate", steps[:, :-1])
        trains.check_grid(self, "pause", steps[:, -2:])
        trains.check_releases(self)

    @property
    def pulse_steps(self) -> NDArray[np.int64]:
        """Time steps of the train and of the pulse after each pause, shape (pauses, pulses + 1)."""
        train = np.arange(self.pulses) / self.rate
        rows = np.broadcast_to(train, (len(self.pause), self.pulses))
        return on_grid(np.column_stack([rows, train[-1] + self.pause]), self.time_step)

    def predictions(self, pauses: NDArray[np.int64] | None = None) -> list[Prediction]:
        """The closed form for each pause as it lies on the grid, or for `pauses` in steps."""
        synapse, rows = self.synapse(), self.pulse_steps
        if pauses is not None:
            train = np.broadcast_to(rows[0, :-1], (len(pauses), self.pulses))
            rows = np.column_stack([train, train[:, -1] + pauses])
        return [predict_train(synapse, row * self.time_step) for row in rows]


class Outcome(Result):
    """The pulse after each pause: one row per pause.

    Columns pause_ms; of the released quanta mean, var, failure_rate, and the closed forms
    mean_exact, var_exact; of the responses mean_mV, var_mV2 (or another unit of q); recovered (the
    mean over that of the first pulse of the train, in the same repeats), its standard error
    recovered_se and closed form recovered_exact.
    """

    protocol = NAME
    settings_type = Settings

    def _fine(self) -> tuple[NDArray[np.float64], list[Prediction]]:
        """Pauses (ms) for a curve, and the closed form at them."""
        rows = self.settings.pulse_steps
        steps = trains.fine_steps(rows[:, -1] - rows[:, -2])
        return steps * self.settings.time_step * 1e3, self.settings.predictions(steps)

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Recovered fraction against pause, and the closed form over it."""
        ax = style.axes(ax)
        pause, found, error = (
            np.asarray(self.columns[name], dtype=float)
            for name in ("pause_ms", "recovered", "recovered_se")
        )
        ax.axhline(1, color=style.COLOURS["neutral"], lw=0.6, zorder=0)
        ax.errorbar(
            pause,
            found,
            error,
            fmt="o",
            ms=2.5,
            lw=0.8,
            color=style.COLOURS["simulation"],
            label="simulation, ± SE",
        )
        fine, exact = self._fine()
        recovered = [one.mean[-1] / one.mean[0] for one in exact]
        ax.plot(fine, recovered, color=style.COLOURS["model"], zorder=3, label="closed form")
        ax.set_ylim(bottom=0)
        ax.set_xlabel("pause after the train (ms)")
        ax.set_ylabel("response over the first")
        ax.legend(loc="lower right")
        return ax

    @style.styled
    def figure(self) -> Figure:
        """Recovery; failures; the summed potential of the train and one pulse after it."""
        fig, axes = style.figure(180, 62, ncols=3)
        self.plot(axes[0])
        pause = np.asarray(self.columns["pause_ms"], dtype=float)
        fine, exact = self._fine()
        failures = [one.failures[-1] for one in exact]
        axes[1].plot(
            pause, self.columns["failure_rate"], "o", ms=2.5, color=style.COLOURS["simulation"]
        )
        axes[1].plot(fine, failures, color=style.COLOURS["model"], zorder=3)
        axes[1].set_ylim(bottom=0)
        axes[1].set_xlabel("pause after the train (ms)")
        axes[1].set_ylabel("failure rate")
        shown = int(np.argsort(pause)[len(pause) // 4])
        times = self.settings.pulse_steps[shown] * self.settings.time_step
        synapse = self.settings.synapse()
        summation.draw(axes[2], synapse, times, predict_train(synapse, times))
        axes[2].set_title(f"a pause of {pause[shown]:g} ms")
        return fig


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Simulate the train and the pulse after each pause.

    Parameters
    ----------
    settings : what is done
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with one row per pause
    """
    running = running or Running()
    steps, repeats = settings.pulse_steps, settings.repeats
    flat = trains.play(
        settings,
        np.tile(steps, (repeats, 1)),
        running,
        values=trains.one_synapse(settings, running.seed),
    )
    played = flat.reshape(repeats, *steps.shape)
    found, error = trains.ratio(played.released[..., 0], played.released[..., -1])
    exact = settings.predictions()
    chance = np.array([one.u[-1] * one.x[-1] for one in exact])
    closed = np.array([one.response_mean[-1] / one.response_mean[0] for one in exact])
    after = trains.Played(played.released[..., -1], played.response[..., -1], flat.run)
    synapse = settings.synapse()
    columns: dict[str, Any] = {
        "pause_ms": np.round((steps[:, -1] - steps[:, -2]) * settings.time_step * 1e3, 9)
    }
    columns |= trains.moments(
        after,
        np.array([one.mean[-1] for one in exact]),
        np.array([one.variance[-1] for one in exact]),
        trains.ResponseUnit.of(synapse),
    )
    columns |= {"recovered": found, "recovered_se": error, "recovered_exact": closed}
    results = trains.agreement(settings, after.released, chance) | {
        "n_pauses": len(steps),
        "last_over_first_exact": float(exact[0].mean[-2] / exact[0].mean[0]),
    }
    if settings.release != "mean-field":
        results["largest_deviation_of_recovered_in_standard_errors"] = trains.largest_deviation(
            found, closed, trains.ratio_error(exact, repeats)
        )
    notes = trains.moved(settings, "rate", np.arange(settings.pulses) / settings.rate)
    notes += trains.moved(settings, "pause", settings.pause)
    if np.any(np.isnan(found)):
        notes.append(
            f"{np.count_nonzero(np.isnan(found))} of {len(steps)} fractions are left empty: no "
            "first pulse released anything"
        )
    return Outcome(
        settings=settings,
        columns=columns,
        results=results,
        conventions=synapse.conventions
        | {
            "var": "over repeats, divisor repeats - 1",
            "recovered": "mean released quanta over that at the first pulse of the train; its "
            "standard error to first order, from the repeats",
        },
        citations=(*synapse.citations, str(TSODYKS_PAWELZIK)),
        seed=running.seed,
        backend=flat.run.backend,
        threads=flat.run.threads,
        warnings=(*notes, *flat.run.warnings),
    )


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
