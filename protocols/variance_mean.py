"""Variance against mean: number of sites, quantal size and release probability from fluctuations.

The same synapse is measured at several release probabilities P, set as by calcium or met at the
pulses of a train. For n independent sites the variance of the response is a parabola in its mean,
of which Silver 2003 (J Neurosci Methods 130:127; multiple-probability fluctuation analysis,
Clements & Silver 2000) gives the forms with quantal variability:

    var = q m - m^2/n                                                    quanta all alike
    var = (1 + cv_between^2) ((1 + cv_within^2) q m - m^2/n)             scatter of both kinds
    var + s0^2                                                           recording noise

The initial slope gives q, the curvature n, and each mean its p = m/(n q). A weighted fit of
var - s0^2 = A m - B m^2 finds A and B, by way of errors of mean and variance and of the
covariance between them (the third moment), all taken from the responses; then

    q = A / ((1 + cv_within^2) (1 + cv_between^2)),   n = (1 + cv_between^2)/B

with s0 and the two CV taken as known from measurements of their own. All points and repeats are
one compiled run. No experiment is reproduced: the synapse of the defaults is an example of ours.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim import style
from synsim.component import option, parameter
from synsim.component.errors import FieldError
from synsim.component.ranges import values
from synsim.component.spike_trains import on_grid
from synsim.models.quantal_variability import CLEMENTS_SILVER, SILVER
from synsim.predict.train import predict_train
from synsim.protocol import Result, Running
from synsim.stimuli import trains
from synsim.synapse import Synapse
from synsim.synapse_settings import ReleaseSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "variance-mean"
Array = NDArray[np.float64]


class Settings(ReleaseSettings):
    """A synapse, and the release probabilities at which it is measured."""

    over: str = option(
        ("probabilities", "train"),
        "what changes release: its probability, pulse by pulse from rest, or the pulses of a train",
        default="probabilities",
    )
    probabilities: NDArray[np.float64] = values(
        "1",
        "release probabilities, with --over probabilities: start:stop:step, or with commas",
        default="0.1:0.9:0.1",
        low=0,
        high=1,
    )
    rate: float = parameter(
        "Hz", "pulses per second, with --over train", default="20Hz", low=0, low_open=True
    )
    pulses: int = parameter("1", "pulses, with --over train", default=10, low=1, integer=True)
    release: str = option(
        ("binomial", "sites"), "binomial; or sites that empty and refill", default="binomial"
    )
    n: int = parameter("1", "number of release sites", default=5, low=1, integer=True)
    cv_within: float = parameter(
        "1", "CV of a site's quantal size from release to release", default=0.3, low=0
    )
    s0: float | None = parameter(
        ("mV", "pA", "nS", "1"),
        "standard deviation of the recording noise",
        default="0.2mV",
        low=0,
        optional=True,
    )
    repeats: int = parameter("1", "responses at each point", default=2000, low=10, integer=True)

    def check(self) -> None:
        super().check()
        if self.q == 0:
            raise FieldError(type(self).__name__, "q", "found 0, expected quanta that can be seen")
        if self.over == "train":
            trains.check_grid(self, "rate", self.pulse_steps)
            if self.tau_rec is None:
                raise FieldError(
                    type(self).__name__,
                    "tau_rec",
                    "found none with over = train, expected a time: without short-term plasticity "
                    "every pulse is the same",
                )
        else:
            for name in ("p", "U"):
                if getattr(self, name) is not None:
                    raise FieldError(
                        type(self).__name__,
                        name,
                        f"found {self.text(name)} beside probabilities, expected one of the two "
                        "(or over = train)",
                    )
        chance = self.chance()
        if len(np.unique(np.round(chance[chance > 0], 12))) < 3:
            field = "pulses" if self.over == "train" else "probabilities"
            raise FieldError(
                type(self).__name__,
                field,
                f"found {self.text(field)}, expected at least three different release "
                "probabilities above 0, for a parabola",
            )

    def resolved(self) -> dict[str, str]:
        return super().resolved() if self.over == "train" else {}  # p is in the probabilities

    @property
    def pulse_steps(self) -> NDArray[np.int64]:
        """Time steps of the train."""
        return on_grid(np.arange(self.pulses) / self.rate, self.time_step)

    def chance(self) -> Array:
        """Release probability of a site at each point."""
        if self.over == "probabilities":
            return self.probabilities
        exact = predict_train(self.synapse(), self.pulse_steps * self.time_step)
        return exact.u * exact.x


def with_probability(settings: ReleaseSettings, p: ArrayLike, record: Any = ()) -> Synapse:
    """The synapse of the settings with release probabilities (p or U) of its own, an array."""
    made = settings.synapse()
    rule = made.short_term
    return Synapse(
        n=settings.n,
        p=p if rule is None else None,
        q=settings.given("q"),
        short_term=None if rule is None else rule.replace(U=p),
        release=made.release,
        variability=made.variability,
        noise=made.noise,
        delay=settings.given("delay"),
        record=record,
    )


@dataclass(frozen=True)
class Sizes:
    """What the sites' own sizes make of the moments; all 1 and 0 where sites are alike.

    mean : of the quantal sizes over q;  cv : of the sizes, SD/mean over the n sites
    """

    mean: float
    cv: float

    @classmethod
    def of(cls, sizes: Array) -> Sizes:
        return cls(float(sizes.mean()), float(sizes.std() / sizes.mean()))


def response_moments(settings: Settings, chance: Array, sizes: Sizes) -> tuple[Array, Array]:
    """Mean and variance of the recorded response, SI, at release probabilities `chance`."""
    q = settings.q * sizes.mean
    mean = settings.n * chance * q
    spread = 1 - chance + settings.cv_within**2
    noise = (settings.s0 or 0.0) ** 2
    return mean, settings.n * chance * q**2 * (1 + sizes.cv**2) * spread + noise


class Outcome(Result):
    """One row per release probability, or per pulse of the train.

    Columns point (from 1), release_probability; of the released quanta mean, var, failure_rate,
    and the closed forms mean_exact, var_exact; of the responses mean_mV, var_mV2 (or another unit
    of q), the standard error of the variance var_se_mV2, closed forms mean_exact_mV,
    var_exact_mV2; and p_estimated, the release probability that the fit finds.
    """

    protocol = NAME
    settings_type = Settings

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Variance against mean, the true parabola and the fitted one."""
        ax = style.axes(ax, width_mm=110, height_mm=75)
        unit = trains.ResponseUnit.of(self.settings.synapse())
        mean, variance, error = (
            np.asarray(self.columns[unit.column(name, power)], dtype=float)
            for name, power in (("mean", 1), ("var", 2), ("var_se", 2))
        )
        ax.errorbar(
            mean,
            variance,
            error,
            fmt="o",
            ms=3,
            lw=0.8,
            color=style.COLOURS["simulation"],
            label="simulation, ± SE",
        )
        settings, sizes = self.settings, Sizes.of(trains.site_sizes(self.settings, self.seed))
        fine = response_moments(settings, np.linspace(0, 1, 300), sizes)
        ax.plot(
            fine[0] / unit.factor,
            fine[1] / unit.factor**2,
            color=style.COLOURS["model"],
            zorder=3,
            label=f"closed form: n = {settings.n}, q = "
            f"{settings.q * sizes.mean / unit.factor:.3g}{unit.suffix}",
        )
        n, q = self.results["n_estimated"], self.results[unit.column("q_estimated")]
        if n is not None and np.isfinite(n):
            x = np.linspace(0, 1.05 * max(fine[0].max() / unit.factor, np.abs(mean).max()), 300)
            x = np.sign(settings.q) * np.abs(x)
            noise = (settings.s0 or 0.0) ** 2 / unit.factor**2
            slope = q * (1 + settings.cv_within**2) * (1 + sizes.cv**2)
            ax.plot(
                x,
                slope * x - (1 + sizes.cv**2) / n * x**2 + noise,
                "--",
                color=style.COLOURS["data"],
                lw=0.9,
                zorder=4,
                label=f"fit: n = {n:.4g} ± {self.results['n_se']:.2g}, q = {q:.4g} ± "
                f"{self.results[unit.column('q_se')]:.2g}{unit.suffix}",
            )
        ax.set_ylim(bottom=0)
        ax.set_xlabel(f"mean response{unit.label}")
        squared = "" if unit.name == "1" else f" ({unit.name}²)"
        ax.set_ylabel(f"variance of the response{squared}")
        ax.legend(loc="lower center")
        return ax


@dataclass(frozen=True)
class Parabola:
    """var = A m - B m^2, with the covariance matrix of (A, B), and chi^2 over the points."""

    A: float
    B: float
    covariance: Array
    chi2: float


def fit_parabola(response: Array, noise: float) -> Parabola:
    """Weighted least squares of variance against mean.

    The weight of a point is that of the residual s^2 - noise - f(m), whose variance is
    Var(s^2) + f'(m)^2 Var(m) - 2 f'(m) Cov(m, s^2), with Cov(m, s^2) = (third moment)/R.

    Parameters
    ----------
    response : shape (repeats, points); points without any scatter are left out
    noise : variance of the recording noise, known
    """
    response = response[:, response.var(axis=0) > 0]
    repeats = len(response)
    mean, variance = response.mean(axis=0), response.var(axis=0, ddof=1)
    third = np.mean((response - mean) ** 3, axis=0)
    of_variance = squared_error_of_variance(response)
    design = np.stack([mean, -(mean**2)], axis=1)
    found, error = np.zeros(2), of_variance
    for _ in range(6):
        weighted = design / error[:, None]
        covariance = np.asarray(np.linalg.inv(design.T @ weighted), dtype=float)
        found = covariance @ (weighted.T @ (variance - noise))
        slope = found[0] - 2 * found[1] * mean
        error = of_variance + (slope**2 * variance - 2 * slope * third) / repeats
        error = np.maximum(error, 1e-3 * of_variance)
    away = variance - noise - design @ found
    return Parabola(float(found[0]), float(found[1]), covariance, float(np.sum(away**2 / error)))


def squared_error_of_variance(response: Array) -> Array:
    """Var(s^2) of each column's sample variance, from its fourth moment."""
    repeats = len(response)
    variance = response.var(axis=0, ddof=1)
    fourth = np.mean((response - response.mean(axis=0)) ** 4, axis=0)
    least = 1e-3 * 2 * variance**2 / repeats  # for a fair coin nothing is left to first order
    return np.maximum((fourth - variance**2 * (repeats - 3) / (repeats - 1)) / repeats, least)


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Simulate the responses and fit the parabola.

    Parameters
    ----------
    settings : what is done
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with one row per release probability or pulse
    """
    running = running or Running()
    chance, repeats = settings.chance(), settings.repeats
    same = trains.one_synapse(settings, running.seed)
    if settings.over == "train":
        steps = np.broadcast_to(settings.pulse_steps, (repeats, settings.pulses))
        played = trains.play(settings, steps, running, values=same)
    else:
        synapse = with_probability(settings, np.tile(chance, repeats), trains.measured(settings))
        steps = np.zeros((repeats * len(chance), 1), dtype=np.int64)
        played = trains.play(settings, steps, running, synapse=synapse, values=same)
        played = played.reshape(repeats, len(chance))
    synapse = settings.synapse()
    unit = trains.ResponseUnit.of(synapse)
    sizes = Sizes.of(trains.site_sizes(settings, running.seed))
    mean, variance = response_moments(settings, chance, sizes)
    fitted = fit_parabola(played.response, (settings.s0 or 0.0) ** 2)
    square = (1 + settings.cv_within**2) * (1 + sizes.cv**2)
    columns: dict[str, Any] = {
        "point": np.arange(1, len(chance) + 1),
        "release_probability": np.array(chance),
    }
    columns |= trains.moments(played, settings.n * chance, settings.n * chance * (1 - chance), unit)
    columns |= {
        unit.column("var_se", 2): np.sqrt(squared_error_of_variance(played.response))
        / unit.factor**2,
        unit.column("mean_exact"): mean / unit.factor,
        unit.column("var_exact", 2): variance / unit.factor**2,
        "p_estimated": played.response.mean(axis=0)
        * fitted.B
        / fitted.A
        * (1 + settings.cv_within**2),
    }
    q, n = fitted.A / square, (1 + sizes.cv**2) / fitted.B
    errors = np.sqrt(np.diag(fitted.covariance))
    known = fitted.B > 0
    n_error, q_error = n * errors[1] / fitted.B, errors[0] / square
    results = trains.agreement(settings, played.released, chance) | {
        "largest_deviation_of_mean_response_in_standard_errors": trains.largest_deviation(
            played.response.mean(axis=0), mean, np.sqrt(variance / repeats)
        ),
        "largest_deviation_of_variance_of_response_in_standard_errors": trains.largest_deviation(
            played.response.var(axis=0, ddof=1),
            variance,
            np.sqrt(squared_error_of_variance(played.response)),
        ),
        "n_estimated": n if known else float("nan"),
        "n_se": n_error if known else float("nan"),
        "n_exact": settings.n,
        unit.column("q_estimated"): q / unit.factor,
        unit.column("q_se"): abs(q_error) / unit.factor,
        unit.column("q_exact"): settings.q * sizes.mean / unit.factor,
        "chi2": fitted.chi2,
        "degrees_of_freedom": int(np.count_nonzero(played.response.var(axis=0) > 0)) - 2,
    }
    notes = []
    if settings.over == "train":
        notes += trains.moved(settings, "rate", np.arange(settings.pulses) / settings.rate)
    if not known:
        notes.append(
            "the variance does not bend down with the mean: n and p are left empty; measure "
            "higher release probabilities"
        )
        columns["p_estimated"] = np.full(len(chance), np.nan)
    return Outcome(
        settings=settings,
        columns=columns,
        results=results,
        conventions=synapse.conventions
        | {
            "var": "over repeats, divisor repeats - 1",
            "fit": "s0 and the CVs of quantal size are taken as known",
            "q_exact": "mean over the sites of this synapse, whose sizes the seed decides",
        },
        citations=tuple(dict.fromkeys((*synapse.citations, str(SILVER), str(CLEMENTS_SILVER)))),
        seed=running.seed,
        backend=played.run.backend,
        threads=played.run.threads,
        warnings=(*notes, *played.run.warnings),
    )


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
