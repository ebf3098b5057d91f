"""Where plasticity sits, by likelihood: which of p, n and q differ before and after induction.

Eight models (none changes, one, two, or all three) are fitted to both epochs together and
compared by BIC. Their weights, exp(-BIC/2) normalised, stand for posterior probabilities of equally
likely models (Raftery 1995); the weight of a locus is the sum over the models in which it changes.
A verdict needs a lead: of 2 BIC over models in which still more changes (they contain the best
one, which can lead them by ln m per parameter at most), and of 6 over all others, which explain the
responses in another way. Without it nothing is decided, and the words name every model in question.

The release dynamics (constant, depression, depression_facilitation) are chosen beforehand, by
BIC with p and q free to change. Time constants, s0 and cv are the same in both epochs unless
`noise` says otherwise. Whether the data ask for more than that is tested on the best model.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import Citation, InputError
from synsim.fit.locus_pair import LETTERS, FittedPair, Pair
from synsim.fit.locus_profile import Quantity, interval, sites_interval
from synsim.fit.locus_search import Alone, Found, best, epochs_alone, maxima
from synsim.fit.noise import aicc, bic
from synsim.fit.profile import Interval, limit
from synsim.fit.quantal_climb import MODELS
from synsim.fit.quantal_models import ASSUMED_CV, FEWEST, LARGEST_CV, MANY
from synsim.fit.release_filter import NAMES, ReleaseFilter
from synsim.fit.rest_mixture import RestMixture

RAFTERY = Citation("Raftery 1995, Sociol Methodol 25:111", "10.2307/271063")

Array = NDArray[Any]

LOCI = ("p", "n", "q")
ALL = "p+n+q"
#: As near as this in BIC, nothing is decided: models that hold the best one, and others
#: ("positive" and "strong" evidence of Raftery 1995).
RIVAL, STRONG = 2.0, 6.0


@dataclass(frozen=True)
class LocusSettings:
    """Dynamics (None: chosen by BIC), largest n, known n, s0, cv, cv not to be kept, noise."""

    dynamics: str | None
    n_max: int
    n: int | None
    s0: float | None
    cv: float | None
    cv_may_be_dropped: bool
    noise: str


@dataclass(frozen=True, eq=False)
class LocusModel:
    """One model at its greatest likelihood; intervals where they were asked for.

    `intervals` has keys such as p_before, p_after, p_ratio, n_ratio, q_ratio.
    """

    name: str
    pair: Pair
    found: Found
    n_fixed: bool
    intervals: Mapping[str, Interval]

    @property
    def best(self) -> FittedPair:
        return best(self.found)

    @property
    def loglik(self) -> float:
        return self.best.loglik

    @property
    def k(self) -> int:
        """Estimated parameters, numbers of sites and s0 among them."""
        return self.pair.k - self.n_fixed

    @property
    def bic(self) -> float:
        return bic(self.loglik, self.k, self.pair.size)

    @property
    def aicc(self) -> float:
        return aicc(self.loglik, self.k, self.pair.size)

    @property
    def loci(self) -> tuple[str, ...]:
        """What changes: some of p, n, q."""
        return tuple(x for x in LOCI if LETTERS[x] in self.pair.changing)

    def value(self, name: str, epoch: int) -> float:
        """A parameter (p, n, or a name in `release_filter.NAMES`) of an epoch, 0 or 1."""
        if name == "n":
            return self.best.sites[epoch]
        theta = self.pair.theta(self.best.z)[epoch]
        return float(theta[NAMES.index(LETTERS.get(name, name))])

    def ratio(self, locus: str) -> float:
        """After / before."""
        return self.value(locus, 1) / self.value(locus, 0)


@dataclass(frozen=True)
class LocusComparison:
    """Models in the order of BIC, the dynamics taken, cv given up, what else seems to change."""

    models: Mapping[str, LocusModel]
    dynamics: str
    cv_dropped: float | None
    also: tuple[tuple[str, float], ...]

    @property
    def best(self) -> LocusModel:
        return next(iter(self.models.values()))

    @property
    def weights(self) -> dict[str, float]:
        """BIC weight of each model, summing to 1."""
        value = np.array([m.bic for m in self.models.values()])
        weight = np.exp(-0.5 * (value - value.min()))
        return dict(zip(self.models, (weight / weight.sum()).tolist(), strict=True))

    @property
    def support(self) -> dict[str, float]:
        """Summed weight of the models in which p, n, q changes."""
        weights = self.weights
        return {
            x: sum(w for name, w in weights.items() if x in self.models[name].loci) for x in LOCI
        }

    @property
    def rivals(self) -> tuple[str, ...]:
        """Names of the models that the best one does not lead by enough, itself first."""
        return tuple(
            name
            for name, m in self.models.items()
            if m.bic - self.best.bic <= (RIVAL if set(m.loci) >= set(self.best.loci) else STRONG)
        )


def names(n_known: bool) -> list[tuple[str, ...]]:
    """What may change, from nothing to everything; without n where it is known."""
    loci = [x for x in LOCI if not (n_known and x == "n")]
    return [c for size in range(len(loci) + 1) for c in itertools.combinations(loci, size)]


def compare_loci(
    before: tuple[Array, Array | None], after: tuple[Array, Array | None], settings: LocusSettings
) -> LocusComparison:
    """Fit every model of change to the responses of one cell.

    Parameters
    ----------
    before, after : magnitudes (m,) and intervals in ms (m,), or None where they are not known

    Raises
    ------
    InputError
        when an epoch has too few responses, or they do not differ; the text does not say where.
    """
    data = tuple(_filter(name, *epoch) for name, epoch in (("before", before), ("after", after)))
    fixed = {k: v for k, v in (("s0", settings.s0), ("cv", settings.cv)) if v is not None}
    dynamics = settings.dynamics or _dynamics(data, settings, fixed)
    found = _fit_all(data, dynamics, settings, fixed)
    dropped = None
    if settings.cv is None and settings.cv_may_be_dropped:
        first = min(found.values(), key=lambda m: m.bic)
        if (cv := first.value("cv", 0)) > LARGEST_CV or _rests_on_steps(first):
            dropped, fixed = cv, fixed | {"cv": ASSUMED_CV}
            found = _fit_all(data, dynamics, settings, fixed)
    ordered = dict(sorted(found.items(), key=lambda item: item[1].bic))
    top, widest = next(iter(ordered)), list(found)[-1]
    for name in {top, widest}:
        ordered[name] = _with_intervals(ordered[name], settings.n_max)
    also = _also(data, ordered[top], dynamics, settings, fixed)
    return LocusComparison(ordered, dynamics, dropped, also)


def _filter(epoch: str, y: Array, h: Array | None) -> ReleaseFilter:
    if y.size < FEWEST:
        raise InputError(f"{y.size} responses {epoch} are too few, expected at least {FEWEST}")
    if np.ptp(y) <= 1e-9 * float(np.abs(y).max()):
        raise InputError(f"every response {epoch} is {y[0]:g}: quanta and noise look the same")
    return RestMixture(y) if h is None or not np.isfinite(h[1:]).any() else ReleaseFilter(y, h)


def _nuisances(settings: LocusSettings) -> set[str]:
    return {"s0"} if settings.noise == "separate" else set()


def _model(
    data: tuple[ReleaseFilter, ...],
    dynamics: str,
    changing: tuple[str, ...],
    settings: LocusSettings,
    fixed: dict[str, float],
    simpler: list[LocusModel],
    extra: frozenset[str] = frozenset(),
    alone: Sequence[Alone] = (),
) -> LocusModel:
    parameters = {LETTERS[x] for x in changing} | _nuisances(settings) | extra
    pair = Pair(data[0], data[1], dynamics, parameters, fixed)
    starts = [(m.pair, m.best) for m in simpler]
    found = maxima(pair, settings.n_max, settings.n, starts, alone)
    return LocusModel("+".join(changing) or "none", pair, found, settings.n is not None, {})


def _fit_all(
    data: tuple[ReleaseFilter, ...],
    dynamics: str,
    settings: LocusSettings,
    fixed: dict[str, float],
) -> dict[str, LocusModel]:
    found: dict[str, LocusModel] = {}
    whole = Pair(data[0], data[1], dynamics, set(LETTERS.values()), fixed)
    alone = epochs_alone(whole, settings.n_max, settings.n)
    for changing in names(settings.n is not None):
        simpler = [m for m in found.values() if set(m.loci) < set(changing)]
        model = _model(data, dynamics, changing, settings, fixed, simpler, alone=alone)
        found[model.name] = model
    return found


def _dynamics(
    data: tuple[ReleaseFilter, ...], settings: LocusSettings, fixed: dict[str, float]
) -> str:
    if not any(np.isfinite(d.h[1:]).any() for d in data):
        return "constant"
    fits = [_model(data, name, ("p", "q"), settings, fixed, []) for name in MODELS]
    return min(zip(MODELS, fits, strict=True), key=lambda item: item[1].bic)[0]


def _rests_on_steps(model: LocusModel) -> bool:
    """As `quantal_models.rests_on_steps`, in either epoch."""
    for epoch in (0, 1):
        q, s0, cv = (model.value(name, epoch) for name in ("q", "s0", "cv"))
        many = float(model.pair.releases[epoch].data.y.mean()) / q
        if many > MANY and s0**2 + many * (cv * q) ** 2 < (0.5 * q) ** 2:
            return True
    return False


def _with_intervals(model: LocusModel, n_max: int) -> LocusModel:
    pair, found = model.pair, model.found
    one, both = (limit(pair.size, model.k, together=count) for count in (1, 2))
    n = float(model.best.sites[0])
    sites: dict[str, Interval] = {"before": (n, n), "after": (n, n)}
    if not model.n_fixed:
        sites = sites_interval(pair, found, both, n_max)
    intervals = {f"n_{word}": sites[word] for word in ("before", "after")}
    if pair.n_changes:
        intervals["n_ratio"] = sites["ratio"]
    decided = all(low is not None and low == high for low, high in intervals.values())
    for letter, allowed in (("p", one), ("q", one if decided else both)):
        name = LETTERS[letter]
        for epoch, word in enumerate(("before", "after")):
            quantity = Quantity(name, epoch)
            intervals[f"{letter}_{word}"] = interval(pair, found, quantity, allowed, n_max)
        if name in pair.changing:
            intervals[f"{letter}_ratio"] = interval(pair, found, Quantity(name), allowed, n_max)
    return LocusModel(model.name, pair, found, model.n_fixed, intervals)


def _also(
    data: tuple[ReleaseFilter, ...],
    model: LocusModel,
    dynamics: str,
    settings: LocusSettings,
    fixed: dict[str, float],
) -> tuple[tuple[str, float], ...]:
    """What the models share but the data would rather have change, and by how much BIC."""
    found = []
    for name in ("s0", "cv", "tau_rec", "tau_facil"):
        if name in model.pair.free and name not in model.pair.changing:
            freed = _model(data, dynamics, model.loci, settings, fixed, [model], frozenset({name}))
            if (gain := model.bic - freed.bic) > RIVAL:
                found.append((name, gain))
    return tuple(found)
