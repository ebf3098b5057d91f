"""What reliability costs: each mechanism's variable is changed, and q keeps the mean response.

    calcium            p varies, n fixed     (p/(1 - p))^(1/4)      cost ~ sigma^(-1/2)
    membrane           n varies, p fixed     n q^(2/3)              cost ~ sigma^(-2/3)
    actin              n varies, p fixed     n q^(1/3)              cost ~ sigma^(-4/3)
    trafficking        n varies, p fixed     quanta released        cost ~ sigma^-2
    trafficking_by_p   p varies, n fixed     quanta released        no power: locally 2 (1 - p)

The synapse's meters record what every spike costs (`models/energy.py`; all coefficients are 1 and
q is in mV, so costs are relative), sigma is the standard deviation of the PSPs that the
responses make in a leaky membrane, and the exponent comes out of a line through the logarithms
with the errors of both (`synsim.energy.reliability`). All points are one compiled run.

The laws hold for sites that are always full and quanta that are all alike. Scatter of the
quantal size within sites (--cv-within) leaves variance that no reliability removes and bends
them; so does depletion (--release sites, --tau-rec, a high --rate): q then keeps the mean PSP
of the depressed steady state. Where the interval of an exponent leaves out that of the law, the
result says so. n is whole, so the sigma of small n lie far apart: by sqrt((n + 1)/n) from one n to
the next, which `summary.json` has for the least n (`step_of_sd_at_least_n_...`).

The defaults vary p and n about a synapse of 5 sites with p = 0.25 (chosen here; the laws hold
for any). Malkin, O'Donnell, Houghton & Aitchison 2024 derive them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import engine, style
from synsim.energy import reliability
from synsim.energy import reliability_plot as plots
from synsim.energy.reliability_laws import COSTS, LAWS, Points
from synsim.energy.reliability_settings import Settings
from synsim.models.energy import MALKIN_2024
from synsim.predict.frequency import settling_pulses
from synsim.protocol import Result, Running

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "reliability-cost"
Array = NDArray[np.float64]


class Outcome(Result):
    """One row per mechanism and value of its variable.

    Columns mechanism, n, p (or U), q_mV (which keeps the mean); of the PSPs mean_mV, sd_mV and
    cv = sd/mean; cost: the mean cost of a spike by the synapse's meter, relative (see
    `models/energy.py`, with coefficients 1 and q in mV).
    """

    protocol = NAME
    settings_type = Settings

    def of(self, mechanism: str) -> dict[str, Array]:
        """The rows of one mechanism: column -> numbers."""
        rows = np.array(self.columns["mechanism"]) == mechanism
        names = ("n", "p", "q_mV", "mean_mV", "sd_mV", "cv", "cost")
        return {name: np.asarray(self.columns[name], dtype=float)[rows] for name in names}

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Cost against the standard deviation of the PSP, with the closed forms."""
        ax = style.axes(ax, width_mm=100, height_mm=80)
        plots.draw_costs(ax, self)
        return ax

    @style.styled
    def figure(self) -> Figure:
        """Cost against scatter, scatter against cost, and local exponents."""
        return plots.figure(self)


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Simulate the points and fit the exponents.

    Parameters
    ----------
    settings : what is done
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with one row per mechanism and value of its variable
    """
    running = running or Running()
    tried = {name: settings.points(name) for name in settings.mechanisms}
    released, response, costs, done = _simulate(settings, list(tried.values()), running)
    columns: dict[str, list[Any]] = {
        name: [] for name in ("mechanism", "n", "p", "q_mV", "mean_mV", "sd_mV", "cv", "cost")
    }
    results: dict[str, Any] = {}
    notes, first = _notes(settings), 0
    for name, exact in tried.items():
        rows = slice(first, first + len(exact.p))
        first = rows.stop
        cost = costs[LAWS[name].meter.key][rows]
        psp = reliability.psp_amplitudes(response[rows], 1 / settings.rate_on_grid)
        found = reliability.measure(psp, cost)
        quanta = reliability.measure(released[rows] * exact.q[:, None], cost)
        columns["mechanism"] += [name] * len(exact.p)
        for column, numbers in (
            ("n", exact.n),
            ("p", exact.p),
            ("q_mV", 1e3 * exact.q),
            ("mean_mV", 1e3 * found.mean),
            ("sd_mV", 1e3 * found.sd),
            ("cv", found.sd / found.mean),
            ("cost", found.cost),
        ):
            columns[column] += np.asarray(numbers).tolist()
        law = reliability.fit_power_law(found.sd, found.cost, found.covariance)
        # the same fit of the closed form: what the points would give without chance
        ideal = reliability.fit_power_law(exact.sd, exact.cost, found.covariance)
        of_quanta = reliability.fit_power_law(quanta.sd, quanta.cost, quanta.covariance)
        results |= {
            f"rho_{name}": law.rho,
            f"rho_{name}_low": law.low,
            f"rho_{name}_high": law.high,
            f"rho_{name}_of_closed_form": ideal.rho,
            f"rho_{name}_of_released_quanta": of_quanta.rho,
            f"chi2_{name}": law.chi2,
            f"degrees_of_freedom_{name}": law.dof,
        }
        if LAWS[name].variable == "n":
            results[f"step_of_sd_at_least_n_{name}"] = _step(settings, name, exact)
        wanted = LAWS[name].exponent
        if wanted is not None:
            results[f"rho_{name}_law"] = wanted
            if not law.low <= wanted <= law.high:
                notes.append(
                    f"{name}: the exponent {law.rho:.3f}, 95 % interval {law.low:.3f} to "
                    f"{law.high:.3f}, leaves out the law's {wanted:.3g}"
                )
    return Outcome(
        settings=settings,
        columns=columns,
        results=results,
        conventions=settings.synapse(settings.p).conventions
        | {
            "cost": "mean of a spike, relative: every coefficient 1, q in mV",
            "sd_mV": "of PSPs, peak less the potential before, over spikes, divisor repeats - 1",
            "rho": "of cost ~ sd^-rho, weighted line through the logarithms, 95 % interval",
        },
        citations=tuple(dict.fromkeys((str(MALKIN_2024), *settings.synapse(settings.p).citations))),
        seed=running.seed,
        backend=done.backend,
        threads=done.threads,
        warnings=(*notes, *done.warnings),
    )


def _step(settings: Settings, name: str, exact: Points) -> float:
    """By what factor the SD jumps between the least n and one more: n is whole."""
    least = int(exact.n.min())
    two = settings.points(name, np.array([least, least + 1]))
    return float(two.sd[0] / two.sd[1])


def _simulate(
    settings: Settings, tried: list[Points], running: Running
) -> tuple[Array, Array, dict[str, Array], engine.Run]:
    """Released quanta, responses (V) and costs of all points: shape (points, spikes)."""
    n, p, q = (np.concatenate([getattr(one, name) for one in tried]) for name in ("n", "p", "q"))
    chance = "p" if settings.tau_rec is None else "U"
    kept = ("released", "response", *(f"cost_{cost.key}" for cost in COSTS))
    synapse = settings.synapse(0.5, record=kept, per_synapse=("n", chance, "q"))
    skip = max(
        settling_pulses(settings.synapse(float(value)), settings.rate_on_grid, 1e-5)
        for value in np.unique(p)
    )
    spikes = skip - 1 + settings.repeats
    steps = np.arange(spikes) * settings.interval_steps
    done = engine.simulate(
        engine.Program(synapse, len(n), events=tuple(f"last_{name}" for name in kept)),
        pre=engine.Spikes.of(np.tile(steps, len(n)), np.repeat(np.arange(len(n)), spikes)),
        post=engine.Spikes.of([], []),
        steps=int(steps[-1]) + 1,
        dt=settings.time_step,
        values={"n": n, chance: p, "q": q},
        **running.options(),
    )
    events = done.events["pre"]
    order = np.lexsort((events.steps, events.copies))
    found = {
        name: events.states[f"last_{name}"][order].reshape(len(n), spikes)[:, skip - 1 :]
        for name in kept
    }
    costs = {cost.key: found[f"cost_{cost.key}"] for cost in COSTS}
    return found["released"], found["response"], costs, done


def _notes(settings: Settings) -> list[str]:
    if abs(settings.rate_on_grid / settings.rate - 1) > 1e-9:
        return [
            f"spikes at {settings.text('rate')} were put on the grid of "
            f"{settings.text('time_step')}: they ran at {settings.rate_on_grid:.9g} Hz"
        ]
    return []


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
