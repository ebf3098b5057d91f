"""Trains given to many copies of one synapse in one compiled run: what short-term protocols share.

Copies are repeats, pulses, intervals or rates side by side, so that a whole curve is one run.
What comes back are arrays of released quanta and of responses, one row per copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim import engine
from synsim.component import option, parameter
from synsim.component.errors import FieldError
from synsim.component.spike_trains import on_grid
from synsim.component.units import unit as find_unit
from synsim.models.quantal_variability import site_deviation
from synsim.predict.train import Prediction
from synsim.protocol import Running
from synsim.stimuli.induction import spikes
from synsim.synapse import Synapse
from synsim.synapse_settings import ReleaseSettings

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Played:
    """What came of the trains: quanta and recorded responses (SI), and the run itself."""

    released: Array
    response: Array
    run: engine.Run

    def reshape(self, *shape: int) -> Played:
        """The same with arrays of another shape."""
        return Played(self.released.reshape(shape), self.response.reshape(shape), self.run)


class FacilitatingSettings(ReleaseSettings):
    """A synapse that is facilitating unless it is told otherwise.

    Class I1 of Gupta, Wang & Markram 2000 (preset gupta-i1), with 5 sites, which are chosen here.
    """

    release: str = option(
        ("mean-field", "binomial", "sites"),
        "mean release without noise; binomial; or sites that empty and refill",
        default="sites",
    )
    n: int = parameter("1", "number of release sites", default=5, low=0, integer=True)
    p: float | None = parameter(
        "1",
        "release probability (the same quantity as U; 0.16 where neither is given)",
        default=None,
        low=0,
        high=1,
        optional=True,
    )
    U: float | None = parameter(
        "1",
        "release probability at rest (the same quantity as p)",
        default=None,
        low=0,
        high=1,
        optional=True,
    )
    tau_rec: float | None = parameter(
        "ms",
        "recovery of a released site; none for no depression",
        default="45ms",
        low=0,
        low_open=True,
        optional=True,
    )
    tau_facil: float | None = parameter(
        "ms", "decay of facilitation, with --tau-rec", default="376ms", low=0, optional=True
    )

    @property
    def release_probability(self) -> float:
        """p or U, whichever was said; 0.16 where nothing was."""
        return 0.16 if self.p is None and self.U is None else super().release_probability


def measured(settings: ReleaseSettings) -> tuple[str, str]:
    """What a synapse has to record: its quanta, and its response with the noise there is."""
    return "released", "response" if settings.s0 is None else "recorded"


def play(
    settings: ReleaseSettings,
    steps: NDArray[np.int64],
    running: Running,
    *,
    synapse: Synapse | None = None,
    values: Mapping[str, Any] | None = None,
    membrane: engine.Membrane | None = None,
    samples: NDArray[np.int64] | None = None,
) -> Played:
    """Give each copy of the synapse a train of its own, all with the same number of pulses.

    Parameters
    ----------
    settings : the synapse, its delay and the time step
    steps : time steps of the pulses, shape (copies, pulses), increasing along a row
    synapse : another one than that of the settings, which records `measured`
    values : parameters that differ from copy to copy, as of `engine.simulate`
    membrane : what the responses of each copy go into, where they go anywhere
    samples : time steps, increasing, at whose ends its potential is kept

    Returns
    -------
    Played with arrays of shape (copies, pulses)
    """
    names = measured(settings)
    kept = np.empty(0, dtype=np.int64) if samples is None else samples
    synapse = synapse or settings.synapse(names, None if membrane is None else membrane.target)
    last = int(steps.max()) + int(on_grid(settings.delay, settings.time_step))
    done = engine.simulate(
        engine.Program(
            synapse,
            len(steps),
            events=tuple(f"last_{name}" for name in names),
            membrane=membrane,
        ),
        pre=spikes(steps),
        post=engine.Spikes.of([], []),
        steps=int(kept.max(initial=last)) + 1,
        dt=settings.time_step,
        values=values,
        samples=kept,
        **running.options(),
    )
    events = done.events["pre"]
    order = np.lexsort((events.steps, events.copies))
    released, response = (
        events.states[f"last_{name}"][order].reshape(steps.shape) for name in names
    )
    return Played(released, response, done)


def play_to_end(
    settings: ReleaseSettings,
    trains: Sequence[NDArray[np.int64]],
    repeats: int,
    running: Running,
    *,
    values: Mapping[str, Any] | None = None,
) -> Played:
    """Give trains of any length to `repeats` copies each, and keep the last pulse of each.

    Returns
    -------
    Played with arrays of shape (repeats, trains)
    """
    names = measured(settings)
    kept = tuple(f"last_{name}" for name in names)
    copies = np.arange(repeats * len(trains)).reshape(repeats, len(trains))
    sources = [np.repeat(copies[:, i], len(train)) for i, train in enumerate(trains)]
    done = engine.simulate(
        engine.Program(settings.synapse(names), copies.size, final=kept),
        pre=engine.Spikes.of(
            np.concatenate([np.tile(train, repeats) for train in trains]), np.concatenate(sources)
        ),
        post=engine.Spikes.of([], []),
        steps=int(max(train[-1] for train in trains))
        + int(on_grid(settings.delay, settings.time_step))
        + 1,
        dt=settings.time_step,
        values=values,
        **running.options(),
    )
    released, response = (
        np.asarray(done.final[name][: copies.size], dtype=float).reshape(copies.shape)
        for name in kept
    )
    return Played(released, response, done)


def one_synapse(settings: ReleaseSettings, seed: int) -> dict[str, float]:
    """What makes all copies repeats of one synapse: the same sites, each with its own size."""
    if settings.cv_between == 0:
        return {}
    return {"site_key": float(np.random.default_rng([seed, 2]).random())}


def site_sizes(settings: ReleaseSettings, seed: int) -> Array:
    """Mean size of a quantum of each site over q, of the synapse that `one_synapse` makes."""
    values = one_synapse(settings, seed)
    if not values:
        return np.ones(settings.n)
    return 1 + settings.cv_between * site_deviation(values["site_key"], np.arange(settings.n))


@dataclass(frozen=True)
class ResponseUnit:
    """How responses are shown: in the unit of q."""

    name: str

    @classmethod
    def of(cls, synapse: Synapse) -> ResponseUnit:
        return cls(synapse.contacts.unit_of("q"))

    @property
    def factor(self) -> float:
        """SI per unit."""
        return find_unit(self.name).factor

    def column(self, what: str, power: int = 1) -> str:
        """Name of a column: ``mean_mV``, ``var_mV2``; ``mean_response`` where q has no unit."""
        if self.name == "1":
            return f"{what}_response"
        return f"{what}_{self.name}{power if power > 1 else ''}"

    @property
    def suffix(self) -> str:
        """After a number."""
        return "" if self.name == "1" else f" {self.name}"

    @property
    def label(self) -> str:
        """For an axis."""
        return "" if self.name == "1" else f" ({self.name})"


def moments(played: Played, mean: Array, variance: Array, unit: ResponseUnit) -> dict[str, Any]:
    """Columns of the released quanta, their closed forms, and the responses.

    Repeats are the first axis of what was played; `mean` and `variance` are the closed forms.
    """
    released, response = played.released, played.response
    return {
        "mean": released.mean(axis=0),
        "var": released.var(axis=0, ddof=1),
        "failure_rate": (released == 0).mean(axis=0),
        "mean_exact": mean,
        "var_exact": variance,
        unit.column("mean"): response.mean(axis=0) / unit.factor,
        unit.column("var", 2): response.var(axis=0, ddof=1) / unit.factor**2,
    }


def largest_deviation(found: ArrayLike, exact: ArrayLike, error: ArrayLike) -> float:
    """Of what was found from the closed form, in standard errors; what has no error is left out."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.abs(np.asarray(found) - exact) / np.asarray(error)
    return float(np.nanmax(z, initial=0.0))


def variance_error(n: ArrayLike, chance: ArrayLike, repeats: int) -> Array:
    """Standard error of the sample variance of Binomial(n, chance), from its fourth moment."""
    n, chance = np.asarray(n, dtype=float), np.asarray(chance, dtype=float)
    spread = chance * (1 - chance)
    variance = n * spread
    fourth = variance * (1 + 3 * (n - 2) * spread)
    of_variance = (fourth - variance**2 * (repeats - 3) / (repeats - 1)) / repeats
    return np.sqrt(np.maximum(of_variance, 0))


def agreement(settings: ReleaseSettings, released: Array, chance: Array) -> dict[str, Any]:
    """How far quanta are from Binomial(n, chance), for the results of a protocol.

    Parameters
    ----------
    released : shape (repeats, points)
    chance : release probability of a site at each point, shape (points,)
    """
    n, repeats = settings.n, len(released)
    mean, variance, failures = n * chance, n * chance * (1 - chance), (1 - chance) ** n
    if settings.release == "mean-field":
        away = np.abs(released - mean).max(initial=0.0)
        return {"n_repeats": repeats, "largest_deviation_of_mean": float(away)}
    compared = {
        "mean": (released.mean(axis=0), mean, np.sqrt(variance / repeats)),
        "variance": (
            released.var(axis=0, ddof=1),
            variance,
            variance_error(n, chance, repeats),
        ),
        "failures": (
            (released == 0).mean(axis=0),
            failures,
            np.sqrt(failures * (1 - failures) / repeats),
        ),
    }
    return {
        "n_repeats": repeats,
        "n_comparisons": 3 * chance.size,
    } | {
        f"largest_deviation_of_{name}_in_standard_errors": largest_deviation(*three)
        for name, three in compared.items()
    }


def ratio(first: Array, second: Array) -> tuple[Array, Array]:
    """Ratio of the means and its standard error to first order; repeats are the first axis."""
    m_1, m_2 = first.mean(axis=0), second.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = m_2 / m_1
        # the variance of second - PPR first is all three terms at once, for m_2 = 0 too
        error = (second - found * first).std(axis=0, ddof=1) / (m_1 * np.sqrt(len(first)))
    missing = m_1 == 0
    return np.where(missing, np.nan, found), np.where(missing, np.nan, error)


def ratio_error(exact: Sequence[Prediction], repeats: int) -> Array:
    """Closed form of the standard error of the last pulse's mean over the first's, to first order.

    One for each of the predictions, of trains that may differ.
    """
    found = []
    for one in exact:
        over = one.mean[-1] / one.mean[0]
        c = one.covariance
        spread = c[-1, -1] + over**2 * c[0, 0] - 2 * over * c[0, -1]
        found.append(np.sqrt(spread / repeats) / one.mean[0])
    return np.array(found)


def check_grid(settings: ReleaseSettings, name: str, steps: ArrayLike) -> None:
    """Refuse the setting `name` where it puts two pulses into one time step."""
    if np.any(np.diff(steps, axis=-1) < 1):
        raise FieldError(
            type(settings).__name__,
            name,
            f"found {settings.text(name)}, expected at most one pulse per time step of "
            f"{settings.text('time_step')}",
        )


def check_releases(settings: ReleaseSettings) -> None:
    """Refuse a synapse that never releases, where a ratio to its first response is asked for."""
    for field, nothing in (("n", settings.n == 0), ("p", settings.release_probability == 0)):
        if nothing:
            name = "U" if field == "p" and settings.U is not None else field
            raise FieldError(
                type(settings).__name__,
                name,
                f"found {settings.text(name)}, expected a synapse that releases something: what "
                "is measured is relative to its first response",
            )


def fine_steps(steps: NDArray[np.int64], most: int = 120) -> NDArray[np.int64]:
    """Time steps between the smallest and the largest of `steps`, for a curve."""
    return np.unique(on_grid(np.linspace(steps.min(), steps.max(), most), 1.0))


def moved(settings: ReleaseSettings, name: str, times: ArrayLike) -> list[str]:
    """A note where `times` (s) of the setting `name` do not lie on the grid."""
    times = np.asarray(times, dtype=float)
    steps = on_grid(times, settings.time_step)
    if np.any(np.abs(steps * settings.time_step - times) > 1e-6 * settings.time_step):
        return [
            f"the pulses of {name.replace('_', ' ')} {settings.text(name)} were put on the grid "
            f"of {settings.text('time_step')}; the table shows them as they ran"
        ]
    return []
