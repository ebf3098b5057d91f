"""Amplitude histogram: quantal peaks in many single responses.

One pulse is given to many copies of one rested synapse, in one compiled run. The number of quanta
k is Binomial(n, p), and each response is recorded with its quantal variability and noise, so that
the density of the amplitudes a is a sum of normals (del Castillo & Katz 1954; Boyd & Martin 1956)

    f(a) = sum over k of C(n, k) p^k (1 - p)^(n - k) Normal(a; k q, k (cv_within q)^2 + s0^2)

with a peak at each multiple of q as long as its scatter is small beside q. Where sites differ for
good (cv_between), the sum goes over the sets of sites that release instead. The distance of the
simulation from it is that of Kolmogorov and Smirnov: the largest between the two distribution
functions.

The defaults are the end-plate potentials of Boyd & Martin 1956 (J Physiol 132:74; cat muscle in
high Mg2+): a mean of 2.33 quanta of 0.4 mV, which their Poisson law and ours with 100 sites of
p = 0.0233 give alike; 18 of their 198 trials failed. (As textbooks quote them, not checked in the
paper itself; 198 e^-2.33 is 19.3.) The scatter of the quanta (CV 0.2), the noise (0.05 mV) and the
1000 repeats are chosen here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim import style
from synsim.component import Citation, option, parameter
from synsim.component.errors import FieldError
from synsim.models.quantal_release import KATZ
from synsim.protocol import Result, Running
from synsim.stimuli import trains
from synsim.synapse_settings import ReleaseSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "amplitude-histogram"
BOYD_MARTIN = Citation("Boyd & Martin 1956, J Physiol 132:74")
_MOST_SITES = 12  # that may differ for good: all sets of them are summed over


class Settings(ReleaseSettings):
    """A rested synapse, and how often it is asked."""

    release: str = option(
        ("binomial", "sites"), "binomial; or sites that empty and refill", default="binomial"
    )
    n: int = parameter("1", "number of release sites", default=100, low=1, integer=True)
    p: float | None = parameter(
        "1",
        "release probability (the same quantity as U; 0.0233 where neither is given)",
        default=None,
        low=0,
        high=1,
        optional=True,
    )
    q: float = parameter(("mV", "pA", "nS", "1"), "response to one quantum", default="0.4mV")
    cv_within: float = parameter(
        "1", "CV of a site's quantal size from release to release", default=0.2, low=0
    )
    s0: float | None = parameter(
        ("mV", "pA", "nS", "1"),
        "standard deviation of the recording noise",
        default="0.05mV",
        low=0,
        optional=True,
    )
    repeats: int = parameter("1", "responses", default=1000, low=2, integer=True)

    def check(self) -> None:
        super().check()
        if self.q == 0:
            raise FieldError(type(self).__name__, "q", "found 0, expected quanta that can be seen")
        if self.cv_between > 0 and self.n > _MOST_SITES:
            raise FieldError(
                type(self).__name__,
                "cv_between",
                f"found {self.text('cv_between')} with n = {self.n}, expected at most "
                f"{_MOST_SITES} sites that differ: the density is summed over all sets of them",
            )

    @property
    def release_probability(self) -> float:
        """p or U, whichever was said; 0.0233 where nothing was."""
        return 0.0233 if self.p is None and self.U is None else super().release_probability

    def mixture(self, seed: int) -> Mixture:
        """The closed form of the amplitudes; the seed decides the sites' own sizes."""
        return mixture(
            trains.site_sizes(self, seed),
            self.release_probability,
            self.q,
            self.cv_within,
            self.s0 or 0.0,
        )


@dataclass(frozen=True, eq=False)
class Mixture:
    """A sum of normals; a component without scatter is a point mass.

    weight, mean, sd : shape (m,) each, mean and SD in the unit of q (SI)
    """

    weight: NDArray[np.float64]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]

    def density(self, amplitude: ArrayLike) -> NDArray[np.float64]:
        """Density at amplitudes of any shape, of the components that have one."""
        return self.parts(amplitude).sum(axis=-1)

    def parts(self, amplitude: ArrayLike) -> NDArray[np.float64]:
        """What each component adds to the density, shape of the amplitudes + (m,)."""
        sd = np.where(self.sd > 0, self.sd, 1.0)
        z = (np.asarray(amplitude, dtype=float)[..., None] - self.mean) / sd
        normal = np.exp(-(z**2) / 2) / (sd * np.sqrt(2 * np.pi))
        return np.where(self.sd > 0, self.weight * normal, 0.0)

    def cumulative(self, amplitude: ArrayLike) -> NDArray[np.float64]:
        """Distribution function at amplitudes of any shape."""
        from scipy.special import ndtr

        amplitude = np.asarray(amplitude, dtype=float)[..., None]
        sd = np.where(self.sd > 0, self.sd, 1.0)
        step = (amplitude >= self.mean).astype(float)
        return np.where(self.sd > 0, ndtr((amplitude - self.mean) / sd), step) @ self.weight

    def moments(self) -> tuple[float, float, float]:
        """Mean, variance and fourth central moment."""
        mean = float(self.weight @ self.mean)
        away, s2 = self.mean - mean, self.sd**2
        return (
            mean,
            float(self.weight @ (away**2 + s2)),
            float(self.weight @ (away**4 + 6 * away**2 * s2 + 3 * s2**2)),
        )


def mixture(sizes: NDArray[np.float64], p: float, q: float, cv_within: float, s0: float) -> Mixture:
    """The distribution of responses of n sites, each with its own mean quantum.

    Parameters
    ----------
    sizes : mean quantum of each site over q, shape (n,); all alike: n + 1 components, else 2^n
    p : release probability
    q, s0 : quantal size and noise, in the same unit
    """
    n = len(sizes)
    if np.all(sizes == sizes[0]):
        from scipy.stats import binom

        k = np.arange(n + 1)
        weight, total, square = binom.pmf(k, n, p), k * sizes[0], k * sizes[0] ** 2
    else:
        weight, total, square = np.ones(1), np.zeros(1), np.zeros(1)
        for size in sizes:
            weight = np.concatenate([weight * (1 - p), weight * p])
            total = np.concatenate([total, total + size])
            square = np.concatenate([square, square + size**2])
    kept = weight > 0
    spread = np.sqrt(square * (cv_within * q) ** 2 + s0**2)
    return Mixture(weight[kept], q * total[kept], spread[kept])


def ks_distance(amplitude: NDArray[np.float64], exact: Mixture, tolerance: float) -> float:
    """Largest distance between the distribution functions, also where the exact one jumps.

    Amplitudes within `tolerance` of a point mass count as lying on it.
    """
    ordered = np.sort(amplitude)
    points = np.concatenate([ordered, exact.mean[exact.sd == 0]])
    worst = 0.0
    for at in (points - tolerance, points + tolerance):
        found = np.searchsorted(ordered, at, side="right") / len(ordered)
        worst = max(worst, float(np.max(np.abs(found - exact.cumulative(at)))))
    return worst


class Outcome(Result):
    """Every response: one row per repeat.

    Columns repeat (from 1), released (quanta), amplitude_mV (or another unit of q).
    """

    protocol = NAME
    settings_type = Settings

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Histogram, the exact density over it, and its quantal peaks."""
        ax = style.axes(ax, width_mm=110, height_mm=70)
        unit = trains.ResponseUnit.of(self.settings.synapse())
        amplitude = np.asarray(self.columns[unit.column("amplitude")], dtype=float)
        exact = self.settings.mixture(self.seed)
        q = abs(self.settings.q) / unit.factor
        narrow = np.min(exact.sd[exact.sd > 0], initial=np.inf) / unit.factor
        width = max(min(q / 4, narrow), np.ptp(amplitude) / 400, q / 100)
        first = np.floor(amplitude.min() / width - 0.5)
        bins = width * (np.arange(first, np.ceil(amplitude.max() / width) + 2) - 0.5)
        ax.hist(
            amplitude,
            bins=bins,
            color=style.COLOURS["simulation"],
            alpha=0.45,
            label=f"simulation, {len(amplitude)} responses",
        )
        fine = np.linspace(bins[0], bins[-1], 2000)
        scale = len(amplitude) * width * unit.factor  # the density is per SI unit
        if np.any(exact.sd > 0):
            if len(exact.weight) <= self.settings.n + 1:
                parts = exact.parts(fine * unit.factor) * scale
                shown = parts[:, parts.max(axis=0) > 0.005 * parts.max()]
                ax.plot(fine, shown, color=style.COLOURS["neutral"], lw=0.7)
            density = exact.density(fine * unit.factor) * scale
            ax.plot(fine, density, color=style.COLOURS["model"], label="exact density")
        masses = exact.sd == 0
        if np.any(masses):
            ax.plot(
                exact.mean[masses] / unit.factor,
                exact.weight[masses] * len(amplitude),
                "_",
                ms=9,
                color=style.COLOURS["model"],
                label="exact, point masses",
            )
        ax.set_xlabel(f"amplitude{unit.label}")
        ax.set_ylabel("responses per bin")
        ax.legend()
        distance = self.results["ks_distance"]
        ax.set_title(
            f"n = {self.settings.n}, p = {self.settings.release_probability:g}, "
            f"q = {self.settings.text('q')}: KS distance {distance:.3f}"
        )
        return ax


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Simulate the responses.

    Parameters
    ----------
    settings : what is done
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with one row per response
    """
    running = running or Running()
    played = trains.play(
        settings,
        np.zeros((settings.repeats, 1), dtype=np.int64),
        running,
        values=trains.one_synapse(settings, running.seed),
    )
    synapse = settings.synapse()
    unit = trains.ResponseUnit.of(synapse)
    amplitude = played.response[:, 0]
    exact = settings.mixture(running.seed)
    return Outcome(
        settings=settings,
        columns={
            "repeat": np.arange(1, settings.repeats + 1),
            "released": played.released[:, 0].astype(np.int64),
            unit.column("amplitude"): amplitude / unit.factor,
        },
        results=_results(settings, played, exact, unit),
        conventions=synapse.conventions
        | {
            "ks_p_value": "conservative where the distribution has point masses",
            "site sizes": "drawn once, by the seed: all responses are of one synapse",
        },
        citations=tuple(dict.fromkeys((*synapse.citations, str(KATZ), str(BOYD_MARTIN)))),
        seed=running.seed,
        backend=played.run.backend,
        threads=played.run.threads,
        warnings=played.run.warnings,
    )


def _results(
    settings: Settings, played: trains.Played, exact: Mixture, unit: trains.ResponseUnit
) -> dict[str, Any]:
    from scipy.stats import kstwo

    amplitude, repeats = played.response[:, 0], settings.repeats
    mean, variance, fourth = exact.moments()
    of_variance = (fourth - variance**2 * (repeats - 3) / (repeats - 1)) / repeats
    distance = ks_distance(amplitude, exact, 1e-9 * abs(settings.q))
    found = trains.agreement(settings, played.released, np.array([settings.release_probability]))
    return found | {
        "n_comparisons": 5,
        "n_failures": int(np.count_nonzero(played.released == 0)),
        "n_failures_exact": float(repeats * (1 - settings.release_probability) ** settings.n),
        unit.column("mean"): float(amplitude.mean() / unit.factor),
        unit.column("mean_exact"): mean / unit.factor,
        unit.column("var", 2): float(amplitude.var(ddof=1) / unit.factor**2),
        unit.column("var_exact", 2): variance / unit.factor**2,
        "deviation_of_mean_response_in_standard_errors": trains.largest_deviation(
            amplitude.mean(), mean, np.sqrt(variance / repeats)
        ),
        "deviation_of_variance_of_response_in_standard_errors": trains.largest_deviation(
            amplitude.var(ddof=1), variance, np.sqrt(max(of_variance, 0.0))
        ),
        "ks_distance": distance,
        "ks_p_value": float(kstwo.sf(distance, repeats)),
    }


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
