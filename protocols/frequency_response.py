"""Steady-state responses to regular trains against their rate: which rates a synapse passes on.

At each rate a regular train lasts until the synapse has settled (to 1e-5 of its u and x), and its
last pulse is measured in many copies; all rates and repeats are one compiled run. The closed form
is that of the steady state (`synsim.predict.frequency`): at a rate r, with E = e^(-1/(r tau)),

    u = U / (1 - (1 - U) E_facil),   x = (1 - E_rec) / (1 - (1 - u) E_rec)
    quanta per pulse Binomial(n, u x), per second r n u x, which saturates at n/tau_rec

A depressing synapse responds as 1/r above its limiting frequency 1/(U tau_rec) (Tsodyks & Markram
1997); a facilitating one responds most at a peak frequency, near 1/sqrt(U tau_facil tau_rec) for
small U (Markram, Wang & Tsodyks 1998).

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
from synsim.component.errors import FieldError
from synsim.component.ranges import values
from synsim.component.spike_trains import on_grid
from synsim.models.tsodyks_markram import GUPTA
from synsim.predict.frequency import (
    SteadyState,
    limiting_frequency,
    peak_frequency,
    predict_steady_state,
    settling_pulses,
)
from synsim.protocol import Result, Running
from synsim.stimuli import trains

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "frequency-response"
_SETTLED = 1e-5


class Settings(trains.FacilitatingSettings):
    """Regular trains, and the synapse they are given to."""

    rate: NDArray[np.float64] = values(
        "Hz",
        "rates of the trains: start:stop:step, or values with commas",
        default="1Hz,2Hz,4Hz,5Hz,8Hz,10Hz,12.5Hz,16Hz,20Hz,25Hz,31.25Hz,40Hz,50Hz,62.5Hz,80Hz,100Hz",
        low=0,
        low_open=True,
    )
    repeats: int = parameter("1", "repeats of each rate", default=2000, low=2, integer=True)

    def check(self) -> None:
        super().check()
        if np.any(self.interval_steps < 1):
            raise FieldError(
                type(self).__name__,
                "rate",
                f"found {self.text('rate')}, expected at most one pulse per time step of "
                f"{self.text('time_step')}",
            )

    @property
    def interval_steps(self) -> NDArray[np.int64]:
        """Time steps from pulse to pulse at each rate."""
        return on_grid(1 / self.rate, self.time_step)

    @property
    def rate_on_grid(self) -> NDArray[np.float64]:
        """The rates as they run, Hz."""
        return 1 / (self.interval_steps * self.time_step)

    def prediction(self) -> SteadyState:
        """The closed form at the rates as they run."""
        return predict_steady_state(self.synapse(), self.rate_on_grid)


class Outcome(Result):
    """The steady state at each rate: one row per rate.

    Columns rate_Hz; of the released quanta at a pulse mean, var, failure_rate, and the closed
    forms mean_exact, var_exact; of the responses mean_mV, var_mV2 (or another unit of q); and per
    second mean_per_s, failures_per_s with their closed forms mean_per_s_exact,
    failures_per_s_exact. (Pulses of release sites are correlated, so the variance of a second is
    not the rate times that of a pulse, and is not given.)
    """

    protocol = NAME
    settings_type = Settings

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Mean released quanta per pulse, with the scatter of single pulses."""
        ax = style.axes(ax)
        rate, mean = (np.asarray(self.columns[name], dtype=float) for name in ("rate_Hz", "mean"))
        ax.errorbar(
            rate,
            mean,
            np.sqrt(np.asarray(self.columns["var"], dtype=float)),
            fmt="o",
            ms=2.5,
            lw=0.8,
            color=style.COLOURS["simulation"],
            label="simulation, mean ± SD",
        )
        fine, exact = self._fine()
        ax.plot(fine, exact.mean, color=style.COLOURS["model"], zorder=3, label="closed form")
        peak = self.results.get("peak_frequency_Hz")
        if peak is not None and np.isfinite(peak):
            ax.axvline(peak, color=style.COLOURS["neutral"], lw=0.6, zorder=0)
            ax.text(peak, 0, f" peak {peak:.3g} Hz", va="bottom", fontsize=7)
        ax.set_ylim(bottom=0)
        ax.set_xlabel("rate (Hz)")
        ax.set_ylabel("released quanta per pulse")
        ax.legend()
        return ax

    def _fine(self) -> tuple[NDArray[np.float64], SteadyState]:
        rate = self.settings.rate_on_grid
        fine = np.linspace(rate.min(), rate.max(), 400)
        return fine, predict_steady_state(self.settings.synapse(), fine)

    @style.styled
    def figure(self) -> Figure:
        """Per pulse and per second; variance and failures."""
        fig, axes = style.figure(150, 105, nrows=2, ncols=2)
        self.plot(axes[0, 0])
        fine, exact = self._fine()
        for ax, name, closed, label in (
            (axes[0, 1], "mean_per_s", exact.mean_per_s, "released quanta per second"),
            (axes[1, 0], "var", exact.variance, "variance of released quanta"),
            (axes[1, 1], "failure_rate", exact.failures, "failure rate"),
        ):
            ax.plot(
                self.columns["rate_Hz"],
                self.columns[name],
                "o",
                ms=2.5,
                color=style.COLOURS["simulation"],
            )
            ax.plot(fine, closed, color=style.COLOURS["model"], zorder=3)
            ax.set_ylim(bottom=0)
            ax.set_xlabel("rate (Hz)")
            ax.set_ylabel(label)
        if self.settings.tau_rec is not None:
            most = self.settings.n / self.settings.tau_rec
            axes[0, 1].axhline(most, color=style.COLOURS["neutral"], lw=0.6, zorder=0)
            axes[0, 1].text(fine[0], most, r"$n/\tau_\mathrm{rec}$", va="bottom", fontsize=7)
            axes[0, 1].set_ylim(top=1.15 * most)
        return fig


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Simulate the trains.

    Parameters
    ----------
    settings : what is done
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with one row per rate
    """
    running = running or Running()
    synapse = settings.synapse()
    rates = settings.rate_on_grid
    given = [
        np.arange(settling_pulses(synapse, float(rate), _SETTLED)) * interval
        for rate, interval in zip(rates, settings.interval_steps, strict=True)
    ]
    played = trains.play_to_end(
        settings,
        given,
        settings.repeats,
        running,
        values=trains.one_synapse(settings, running.seed),
    )
    exact = settings.prediction()
    columns: dict[str, Any] = {"rate_Hz": np.round(rates, 9)}
    columns |= trains.moments(played, exact.mean, exact.variance, trains.ResponseUnit.of(synapse))
    columns |= {
        "mean_per_s": columns["mean"] * rates,
        "failures_per_s": columns["failure_rate"] * rates,
        "mean_per_s_exact": exact.mean_per_s,
        "failures_per_s_exact": exact.failures_per_s,
    }
    notes = []
    if np.any(np.abs(rates / settings.rate - 1) > 1e-9):
        notes.append(
            f"the periods of the rates {settings.text('rate')} were put on the grid of "
            f"{settings.text('time_step')}; the table shows the rates as they ran"
        )
    return Outcome(
        settings=settings,
        columns=columns,
        results=_results(settings, played, exact, max(len(train) for train in given)),
        conventions=synapse.conventions
        | {
            "var": "over repeats, divisor repeats - 1",
            "steady state": f"the last pulse of trains that have settled to {_SETTLED:g}",
        },
        citations=(*synapse.citations, str(GUPTA)),
        seed=running.seed,
        backend=played.run.backend,
        threads=played.run.threads,
        warnings=(*notes, *played.run.warnings),
    )


def _results(
    settings: Settings, played: trains.Played, exact: SteadyState, longest: int
) -> dict[str, Any]:
    found = trains.agreement(settings, played.released, exact.u * exact.x)
    found |= {"n_rates": len(settings.rate), "longest_train": longest}
    if settings.tau_rec is not None and settings.release_probability > 0:
        U, tau_rec = settings.release_probability, settings.tau_rec
        found["limiting_frequency_Hz"] = float(limiting_frequency(U, tau_rec))
        peak = peak_frequency(U, tau_rec, settings.tau_facil or 0.0)
        if np.isfinite(peak) and settings.tau_inact is None:
            found["peak_frequency_Hz"] = peak
    return found


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
