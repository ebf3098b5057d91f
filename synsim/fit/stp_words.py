"""What an STP fit says in words: which model, what is weak, which stimulus would help."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from synsim.component import Citation
from synsim.fit.quantal_words import amount
from synsim.fit.stp_curve import Trains
from synsim.fit.stp_models import Estimate, ModelFit, errors_of, information, named
from synsim.fit.words import number

COSTA = Citation(
    "Costa, Sjostrom & van Rossum 2013, Front Comput Neurosci 7:75", "10.3389/fncom.2013.00075"
)

RIVAL = 2.0  # BIC differences up to this leave the model undecided (Kass & Raftery 1995)
WEAK = 3.0  # an interval whose ends differ by more than this factor
_FAR = 3.0  # standard deviations


def interval(e: Estimate) -> str:
    """Words for an interval: '60 to 90 ms', 'above 11 ms', 'no limit on either side'."""
    low, high = e.interval
    if low is None and high is None:
        return "no limit on either side"
    if high is None:
        return f"above {amount(low or 0.0, e.unit)}"
    if low is None:
        return f"below {amount(high, e.unit)}"
    return f"{number(low)} to {amount(high, e.unit)}"


def rivals(fits: Mapping[str, ModelFit]) -> list[str]:
    """Models within RIVAL of the best, the best first."""
    least = next(iter(fits.values())).bic
    return [name for name, fit in fits.items() if fit.bic <= least + RIVAL]


def verdict(fits: Mapping[str, ModelFit]) -> str:
    """Which model the data speak for."""
    names, close = list(fits), rivals(fits)
    if len(names) == 1:
        return f"{names[0]} is the only model fitted"
    ahead = fits[names[1]].bic - fits[names[0]].bic
    if len(close) == 1:
        return f"{names[0]} is best, {ahead:.1f} BIC ahead of {names[1]}"
    return f"undecided: {' and '.join(close)} differ by no more than {RIVAL:g} in BIC"


def criteria(fits: Mapping[str, ModelFit]) -> list[str]:
    """Whether AICc would have chosen another model than BIC."""
    best = next(iter(fits))
    other = min(fits, key=lambda name: fits[name].aicc)
    if other == best:
        return []
    return [
        f"by AICc {other} would be best, {fits[best].aicc - fits[other].aicc:.1f} ahead of {best}; "
        f"by BIC, which decides here, {best} is, {fits[other].bic - fits[best].bic:.1f} ahead of "
        f"{other}"
    ]


def weak_names(fit: ModelFit) -> list[str]:
    """Parameters with an open or a wide interval."""
    found = []
    for e in fit.estimates:
        low, high = e.interval
        if low is None or high is None or high > WEAK * low:
            found.append(e.name)
    return found


def weak(fit: ModelFit) -> list[str]:
    """One sentence for each parameter that the trains hardly determine."""
    by_name = {e.name: e for e in fit.estimates}
    found = [
        f"{fit.name}: {name} = {amount(by_name[name].value, by_name[name].unit)} is weakly "
        f"determined, its 95 % interval is {interval(by_name[name])}"
        for name in weak_names(fit)
    ]
    if {"A", "U"} <= set(weak_names(fit)):
        found.append(
            f"{fit.name}: A and U are known as a product (the first response) better than each by "
            "itself"
        )
    return found


def candidates(fit: ModelFit) -> dict[str, Trains]:
    """Stimuli that one might add: a recovery pulse, regular and irregular trains of 20 pulses."""
    values = named(fit)
    slow = max(values["tau_rec"], values.get("tau_facil", 0.0))
    found = {}
    wait = float(np.clip(2 * slow, 50.0, 10000.0))
    burst = np.arange(10) * 20.0
    found[f"10 pulses at 50 Hz and a recovery pulse {number(wait)} ms later"] = Trains(
        [np.append(burst, burst[-1] + wait)]
    )
    rng = np.random.default_rng(0)
    gaps = rng.standard_exponential(20)
    for rate in (5, 10, 20, 50):
        found[f"an irregular (Poisson) train of 20 pulses at {rate} Hz"] = Trains(
            [np.cumsum(gaps / gaps.mean()) * 1e3 / rate]
        )
    for rate in (20, 100):
        found[f"a regular train of 20 pulses at {rate} Hz"] = Trains([np.arange(20) * 1e3 / rate])
    return found


def helpful(fit: ModelFit, trains: Trains) -> list[str]:
    """Which further stimulus would narrow the weak parameters most, by Fisher information.

    It stands on the estimates themselves, and on a model that is right: a hint for the next
    experiment, not a result.
    """
    names = [c.name for c in fit.problem.coordinates]
    poor = [names.index(name) for name in weak_names(fit)]
    if not poor or trains.relative:  # a train says more than pairs, but not how much of A
        return []
    own = information(fit, trains)
    now = errors_of(own)
    tried = {
        text: errors_of(own + information(fit, more)) for text, more in candidates(fit).items()
    }
    best = min(tried, key=lambda text: float(np.sum(np.log(tried[text][poor] + 1e-12))))
    gains = [
        f"{names[j]} from {_percent(now[j])} to {_percent(tried[best][j])}"
        for j in poor
        if tried[best][j] < 0.8 * now[j]
    ]
    if not gains:
        poorly = ", ".join(weak_names(fit))
        return [f"{fit.name}: none of the usual stimuli would help much with {poorly}"]
    return [
        f"{fit.name}: {best}, measured as well as these trains, would help most: standard error of "
        f"{' and of '.join(gains)}, were the estimates right"
    ]


def _percent(error: float) -> str:
    return f"{100 * error:.0f} %" if error < 2 else "over 200 %"


def outliers(fit: ModelFit, rows: list[str]) -> list[str]:
    """Pulses far from the best model."""
    z = standardised(fit)
    far = np.flatnonzero(np.abs(z) > _FAR)
    if not far.size:
        return []
    points = ", ".join(f"{rows[i]} ({z[i]:+.1f} SD)" for i in far[:6])
    return [f"far from the {fit.name} model: {points}"]


def standardised(fit: ModelFit) -> np.ndarray:
    """Residuals in standard deviations, shape (m,)."""
    p = fit.problem
    return np.asarray((p.y - fit.fitted) / np.sqrt(p.sem**2 + fit.scatter**2))


def misfit(fit: ModelFit) -> list[str]:
    """Whether the model leaves more than the standard errors explain."""
    sem = fit.problem.sem
    if sem.any() and fit.scatter > 2 * float(np.sqrt(np.mean(sem**2))):
        return [
            f"{fit.name} misses the means by {number(fit.scatter)} on average, which is "
            f"{fit.scatter / float(np.sqrt(np.mean(sem**2))):.1f} times their standard errors: the "
            "model is too simple for these trains, and its parameters are averages over its errors"
        ]
    return []


def in_runs(fit: ModelFit, trains: Trains) -> list[str]:
    """Whether residuals of pairs keep their sign along the intervals: the shape is another.

    The runs test of Wald & Wolfowitz 1940, exact, one-sided at 5 %.
    """
    if not trains.relative:
        return []
    above = standardised(fit)[np.argsort(trains.intervals[1])] > 0
    runs = 1 + int(np.sum(above[1:] != above[:-1]))
    chance = runs_chance(runs, int(above.sum()), int((~above).sum()))
    if chance > 0.05:
        return []
    return [
        f"{fit.name}: above and below the curve change {runs - 1} times only along {above.size} "
        f"intervals (p = {chance:.2g}): recovery has another shape than this model's, and its "
        "time constants are averages"
    ]


def runs_chance(runs: int, n: int, m: int) -> float:
    """P(no more runs than these) of n signs of one kind and m of the other in random order."""
    if not n or not m:
        return 1.0
    ways = 0
    for r in range(2, runs + 1):
        k = r // 2
        if r % 2:
            ways += math.comb(n - 1, k) * math.comb(m - 1, k - 1)
            ways += math.comb(n - 1, k - 1) * math.comb(m - 1, k)
        else:
            ways += 2 * math.comb(n - 1, k - 1) * math.comb(m - 1, k - 1)
    return ways / math.comb(n + m, n)


def all_words(
    fits: Mapping[str, ModelFit], skipped: Mapping[str, str], trains: Trains, rows: list[str]
) -> list[str]:
    """Every warning about one group, one line each."""
    found = [f"{name} not fitted: {why}" for name, why in skipped.items()]
    best = next(iter(fits.values()))
    if len(rivals(fits)) > 1:
        found.append(verdict(fits))
    found += criteria(fits)
    found += weak(best) + helpful(best, trains) + misfit(best) + in_runs(best, trains)
    return found + outliers(best, rows)
