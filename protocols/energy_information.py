"""What a bit costs through a synapse that depresses and facilitates, against its input's rate.

A spike comes in each time bin (--time-step, 2.5 ms) with probability s = rate x bin. The meters of
the simulated synapse record the ATP of every spike (calcium, recycling, postsynaptic currents;
Attwell & Laughlin 2001), and transmission is at least one released quantum. A reader of single
bins then learns H(s P) - s H(P) bits of each, P being the mean probability of transmission
(`synsim.predict.energy_information`; after Harris, Jolivet & Attwell 2012 and Levy & Baxter 2002):

    ATP per spike,   ATP per successful transmission = ATP per spike/P,   ATP per bit

Depression saves quanta and loses bits; facilitation the other way round. Beside each rate stands
the release probability (U) that would carry most bits per ATP at that rate with the same n and
the same dynamics, and the one of a static synapse. Simulated trains are Poisson in bins, and
the closed form is their exact expectation, train by train.

The defaults are the depressing synapse of Tsodyks & Markram 1997 as it is used since, with 5 sites.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synsim import engine, style
from synsim.component import parameter
from synsim.component.ranges import values
from synsim.component.spike_trains import LAST_STEP
from synsim.component.units import show
from synsim.energy import information_plot as plots
from synsim.energy.information import PricedSettings
from synsim.models.energy import ATTWELL_LAUGHLIN
from synsim.predict.energy import predict_energy
from synsim.predict.energy_information import (
    HARRIS,
    LEVY_BAXTER,
    LOWEST_P,
    bits_per_spike,
    levy_baxter_failures,
    success_rate,
)
from synsim.predict.train import predict_train
from synsim.protocol import Result, Running

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "energy-information"
Array = NDArray[np.float64]
TRAINS = 20  # of each rate, so that errors can be told from how they differ


class Settings(PricedSettings):
    """Rates of the input, the synapse, and its prices."""

    rate: NDArray[np.float64] = values(
        "Hz",
        "mean rates of the input: start:stop:step, or with commas",
        default="1Hz,2Hz,4Hz,8Hz,16Hz,32Hz,64Hz",
        low=0,
        low_open=True,
    )
    repeats: int = parameter(
        "1", "spikes at each rate, after the synapse has settled", default=8000, low=200,
        integer=True,
    )  # fmt: skip

    def check(self) -> None:
        super().check()
        if np.any(self.rate * self.time_step >= 1):
            raise self._wrong(
                "rate",
                f"found {show(self.rate.max(), 'Hz')}, expected less than a spike in every bin of "
                f"{self.text('time_step')}",
            )
        spikes = self.repeats / TRAINS + self.warm_up(self.rate)
        if np.any(2 * spikes / (self.rate * self.time_step) > LAST_STEP):
            raise self._wrong(
                "rate", f"found {self.text('rate')}, expected fewer than {LAST_STEP} bins in all"
            )


class Outcome(Result):
    """One row per rate.

    Columns rate_Hz; success (fraction of spikes that release something) and success_exact;
    atp_per_spike and atp_per_spike_exact, of which atp_calcium, atp_recycling, atp_postsynaptic
    (simulated); atp_per_success, bits_per_spike, bits_per_s, atp_per_bit and atp_per_bit_exact;
    best_p, the release probability (U) with the most bits per ATP with these dynamics, and
    best_p_static without; atp_per_bit_best, what a bit costs at best_p. The exact values
    are those of the very trains that were simulated.
    """

    protocol = NAME
    settings_type = Settings

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """ATP per spike, per successful transmission and per bit against rate."""
        ax = style.axes(ax, width_mm=100, height_mm=80)
        plots.draw_prices(ax, self)
        return ax

    @style.styled
    def figure(self) -> Figure:
        """Where the ATP goes, what it buys, and the release probability that buys most."""
        return plots.figure(self)


@dataclass(frozen=True)
class Expected:
    """Of a train, over the spikes that count: transmission, and ATP of a spike."""

    success: float
    spent: float


def _expected(settings: Settings, steps: NDArray[np.int64], warm: int) -> Expected:
    synapse, times = settings.synapse(), steps * settings.time_step
    exact = predict_train(synapse, times)
    spent = sum(each[warm:].mean() for each in predict_energy(synapse, times).values())
    success = success_rate(settings.n, (exact.u * exact.x)[warm:]).mean()
    return Expected(float(success), float(spent) + settings.atp_fixed)


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Simulate the trains and count what they carry and cost.

    Parameters
    ----------
    settings : what is done
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with one row per rate
    """
    running = running or Running()
    rng = np.random.default_rng([running.seed, 4])
    each = -(-settings.repeats // TRAINS)
    warm = settings.warm_up(settings.rate)
    steps = [
        np.cumsum(rng.geometric(rate * settings.time_step, (TRAINS, w + each)), axis=1) - 1
        for rate, w in zip(settings.rate, warm, strict=True)
    ]
    released, spent, done = _simulate(settings, steps, running)
    columns: dict[str, list[float]] = {}
    worst = {"success": 0.0, "atp": 0.0}
    for i, rate in enumerate(settings.rate):
        exact = [_expected(settings, row, warm[i]) for row in steps[i]]
        wanted = np.array([one.success for one in exact])
        success = (released[i][:, warm[i] :] > 0).mean(axis=1)
        atp = settings.atp_fixed + sum(
            cost[i][:, warm[i] :].mean(axis=1) for cost in spent.values()
        )
        worst["success"] = max(worst["success"], _deviation(success - wanted))
        away = atp - np.array([one.spent for one in exact])
        worst["atp"] = max(worst["atp"], _deviation(away))
        costs = {key: cost[i][:, warm[i] :].mean() for key, cost in spent.items()}
        row = _row(
            settings,
            float(rate),
            float(success.mean()),
            {f"atp_{key}": float(cost) for key, cost in costs.items()},
            float(wanted.mean()),
            float(np.mean([one.spent for one in exact])),
        )
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    table = {name: np.array(column) for name, column in columns.items()}
    cheapest = int(np.argmin(table["atp_per_bit"]))
    return Outcome(
        settings=settings,
        columns=table,
        results={
            "spikes_per_rate": TRAINS * each,
            "rate_of_cheapest_bit_Hz": float(table["rate_Hz"][cheapest]),
            "atp_of_cheapest_bit": float(table["atp_per_bit"][cheapest]),
            "levy_baxter_failures_at_cheapest": float(
                levy_baxter_failures(table["rate_Hz"][cheapest] * settings.time_step)
            ),
        }
        | {f"largest_deviation_of_{k}_in_standard_errors": v for k, v in worst.items()},
        conventions=settings.synapse().conventions
        | {
            "information": "of a spike in a bin, to a reader of single bins: H(s P) - s H(P)",
            "success": "at least one quantum released",
            "bin": settings.text("time_step"),
        },
        citations=tuple(
            dict.fromkeys(
                (*settings.synapse().citations, *map(str, (ATTWELL_LAUGHLIN, HARRIS, LEVY_BAXTER)))
            )
        ),
        seed=running.seed,
        backend=done.backend,
        threads=done.threads,
        warnings=(*_at_the_ends(table, cheapest), *done.warnings),
    )


def _deviation(left: Array) -> float:
    """Of what trains have over their expectation, from 0, in standard errors."""
    error = float(np.std(left, ddof=1)) / np.sqrt(TRAINS)
    mean = abs(float(np.mean(left)))
    return mean / error if error > 1e-12 * max(mean, 1.0) else 0.0


def _at_the_ends(table: dict[str, NDArray[np.float64]], cheapest: int) -> list[str]:
    """Optima that are where the search ended, and so are none."""
    said = []
    rates = table["rate_Hz"]
    if len(rates) > 1 and rates[cheapest] in (rates.min(), rates.max()):
        said.append(
            f"the cheapest bit is at the end of the rates asked, {rates[cheapest]:g} Hz: "
            "beyond it there may be a cheaper one"
        )
    low = rates[table["best_p"] <= LOWEST_P * 1.01]
    if low.size:
        said.append(
            f"no best release probability at {low[0]:g} Hz"
            + (f" and {low.size - 1} more" if low.size > 1 else "")
            + f": a bit is the cheaper the lower p, down to the last one tried, {LOWEST_P:g}"
        )
    return said


def _row(
    settings: Settings,
    rate: float,
    success: float,
    costs: dict[str, float],
    success_exact: float,
    spent_exact: float,
) -> dict[str, float]:
    s, spent = rate * settings.time_step, settings.atp_fixed + sum(costs.values())
    bits, exact = float(bits_per_spike(s, success)), float(bits_per_spike(s, success_exact))
    best, most = settings.best(rate)
    nothing = float("nan")
    return {
        "rate_Hz": rate,
        "success": success,
        "success_exact": success_exact,
        "atp_per_spike": spent,
        "atp_per_spike_exact": spent_exact,
        **{f"atp_{key}": costs.get(f"atp_{key}", 0.0) for key in plots.KEYS},
        "atp_per_success": spent / success if success > 0 else nothing,
        "bits_per_spike": bits,
        "bits_per_s": rate * bits,
        "atp_per_bit": spent / bits if bits > 0 else nothing,
        "atp_per_bit_exact": spent_exact / exact,
        "best_p": best,
        "best_p_static": settings.best(rate, static=True)[0],
        "atp_per_bit_best": 1 / most,
    }


def _simulate(
    settings: Settings, steps: list[NDArray[np.int64]], running: Running
) -> tuple[list[Array], dict[str, list[Array]], engine.Run]:
    """Released quanta and costs of every spike: of each rate, shape (trains, spikes)."""
    keys = [cost.key for cost in settings.costs]
    kept = ("released", *(f"cost_{key}" for key in keys))
    copies = [np.arange(TRAINS) + i * TRAINS for i in range(len(steps))]
    sources = [np.repeat(c, s.shape[1]) for c, s in zip(copies, steps, strict=True)]
    done = engine.simulate(
        engine.Program(
            settings.synapse(kept),
            TRAINS * len(steps),
            events=tuple(f"last_{name}" for name in kept),
        ),
        pre=engine.Spikes.of(np.concatenate([s.ravel() for s in steps]), np.concatenate(sources)),
        post=engine.Spikes.of([], []),
        steps=int(max(s.max() for s in steps) + np.ceil(settings.delay / settings.time_step)) + 1,
        dt=settings.time_step,
        **running.options(),
    )
    events = done.events["pre"]
    order = np.lexsort((events.steps, events.copies))
    ends = np.cumsum([s.size for s in steps])[:-1]
    found = {
        name: [
            part.reshape(s.shape)
            for part, s in zip(
                np.split(events.states[f"last_{name}"][order], ends), steps, strict=True
            )
        ]
        for name in kept
    }
    return found["released"], {key: found[f"cost_{key}"] for key in keys}, done


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
