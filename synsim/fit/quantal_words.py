"""What a quantal fit says in words: what is weak, what contradicts it, what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from synsim.fit.noise import bic
from synsim.fit.quantal_models import (
    ASSUMED_CV,
    LARGEST_CV,
    Comparison,
    Estimate,
    ModelFit,
    Settings,
    rests_on_steps,
)
from synsim.fit.words import number

if TYPE_CHECKING:
    from synsim.fit.quantal_classical import Check
    from synsim.fit.quantal_draws import Posterior

RHAT, ESS = 1.01, 400.0  # of a posterior (Vehtari et al. 2021)
RIVAL = 2.0  # BIC differences up to this leave the model undecided (Kass & Raftery 1995)
WEAK = 4.0  # an interval whose ends differ by more than this factor
FEW = 30  # responses: with fewer, coverage was not measured


def digits(value: float) -> str:
    """Three significant digits; whole numbers of sites as they are."""
    return str(value) if isinstance(value, int) else number(value)


def amount(value: float, unit: str) -> str:
    return digits(value) + ("" if unit == "1" else f" {unit}")


def interval(e: Estimate) -> str:
    """Words for an interval: '6 to 9', 'above 11 ms', 'no limit'."""
    low, high = e.interval
    if e.fixed:
        return "given"
    if low is None and high is None:
        return "no limit on either side"
    if high is None:
        return "anything" if low == 0 else f"above {amount(low or 0.0, e.unit)}"
    if low is None:
        return f"below {amount(high, e.unit)}"
    return f"{digits(low)} to {amount(high, e.unit)}"


def verdict(found: Comparison) -> str:
    """Which model the data speak for."""
    rivals = [n for n, f in found.fits.items() if f.bic <= found.best.bic + RIVAL]
    others = list(found.fits)[1:]
    if not others:
        return f"{found.best.name} is the only model fitted"
    if len(rivals) == 1:
        ahead = found.fits[others[0]].bic - found.best.bic
        return f"{found.best.name} is best, {ahead:.1f} BIC ahead of {others[0]}"
    return f"undecided: {' and '.join(rivals)} differ by no more than {RIVAL:g} in BIC"


def weak(fit: ModelFit, n_max: int) -> list[str]:
    """Parameters that the data hardly determine."""
    found = []
    n = fit.estimate("n")
    if n.interval[1] is None:
        found.append(
            f"n has no upper limit: every n from {n.interval[0] or 1:.0f} to {n_max}, the largest "
            "tried, is in its 95 % set; what p and q are hangs on it"
        )
    for e in fit.estimates:
        low, high = e.interval
        if e.fixed or e.name == "n":
            continue
        one_sided = (low is None or high is None) and n.interval[1] is not None
        wide = e.name in ("q", "tau_rec") and bool(low and high) and (high or 0) > WEAK * (low or 0)
        if one_sided or wide:
            found.append(
                f"{e.name} = {amount(e.value, e.unit)} is weakly determined: {interval(e)}"
            )
    return found


def no_structure(fit: ModelFit) -> list[str]:
    """Whether one normal distribution does as well: noise alone, or responses without quanta."""
    y = fit.release.data.y
    m = y.size

    def normal(mean: float) -> float:
        variance = float(np.mean((y - mean) ** 2))
        return -0.5 * m * (np.log(2 * np.pi * variance) + 1)

    if bic(normal(0.0), 1, m) <= fit.bic and abs(y.mean()) < 3 * y.std() / np.sqrt(m):
        return [
            "noise alone, with mean 0, describes these responses as well: they may all be "
            "failures, and every parameter here means little"
        ]
    if bic(normal(float(y.mean())), 2, m) <= fit.bic:
        return [
            "one normal distribution describes these responses as well: they show neither "
            "quantal steps nor dynamics, and n, p and q rest on the shape of the tails"
        ]
    return []


def no_noise(fit: ModelFit) -> list[str]:
    """Whether the data leave no recording noise."""
    if "s0" not in fit.release.free:
        return []
    place = fit.release.free.index("s0")
    if fit.best.z[place] > fit.release.low[place] + 1e-6:
        return []
    return [
        "the recording noise s0 comes out as 0: there are no failures to tell it from the quanta; "
        "measure it on the baseline and give it (--s0)"
    ]


def comb(fit: ModelFit) -> list[str]:
    """Whether q rests on steps between large numbers of quanta."""
    if "cv" not in fit.release.free or not rests_on_steps(fit.release, fit.best):
        return []
    return [
        f"the fit (cv = {number(fit.value('cv'))}) rests on steps of q in responses to many "
        "quanta, which are hardly credible and make intervals too narrow; see what "
        f"--cv {ASSUMED_CV:g} gives"
    ]


def of_posterior(fit: ModelFit, found: Posterior) -> list[str]:
    """What to mind about a posterior, and where it and the intervals of the fit disagree."""
    words = []
    if not found.converged:
        bad = [
            f"{m.name} (R-hat {m.rhat:.3f}, sample {m.ess:.0f})"
            for m in found.marginals
            if not (m.rhat < RHAT and m.ess > ESS)
        ]
        words.append(
            f"the posterior has not converged after {found.steps} steps: {', '.join(bad)}; "
            f"expected R-hat below {RHAT:g} and a sample above {ESS:g} (--posterior-steps)"
        )
    if fit.n_fixed:
        return words
    high = sum(p for n, p in found.sites.items() if n > 0.9 * found.n_max)
    if high > 0.025:
        words.append(
            f"posterior: n above {0.9 * found.n_max:.0f} has probability {high:.2f}; the data do "
            "not bound n, and n, p and q hang on its prior (--n-max)"
        )
    low, top = fit.estimate("n").interval
    inside = sum(
        p
        for n, p in found.sites.items()
        if (low or 1) <= n <= (found.n_max if top is None else top)
    )
    if inside < 0.5:
        words.append(
            f"the posterior gives the 95 % set of n of the fit only {100 * inside:.0f} %: the "
            "greatest likelihood is a narrow one (steps of q that suit by chance), and the "
            "posterior is to be preferred"
        )
    return words


def few(fit: ModelFit) -> list[str]:
    """Whether there are fewer responses than intervals were tested with."""
    if fit.size >= FEW:
        return []
    return [
        f"{fit.size} responses are few: how often 95 % intervals hold the truth was measured on "
        f"simulated experiments with {FEW} and more; --calibrate N measures it for these stimuli"
    ]


def all_words(
    found: Comparison, classical: Sequence[Check], settings: Settings, unit: str
) -> list[str]:
    """Every warning about one group, one line each."""
    words = [f"{name} not fitted: {why}" for name, why in found.skipped.items()]
    if len(found.fits) > 1 and verdict(found).startswith("undecided"):
        words.append(verdict(found))
    if found.cv_dropped is not None:
        why = (
            f"above {LARGEST_CV:g}"
            if found.cv_dropped > LARGEST_CV
            else "with steps of q in responses to many quanta, where nobody sees any"
        )
        words.append(
            f"cv came out at {number(found.cv_dropped)}, {why}: these data cannot tell it from "
            f"the noise and from n, so it is set to {ASSUMED_CV:g}, as single sites have it "
            "(--cv takes another value, --cv fit keeps the estimate)"
        )
    words += (
        few(found.best)
        + no_noise(found.best)
        + no_structure(found.best)
        + comb(found.best)
        + weak(found.best, settings.n_max)
    )
    return words + [check.contradiction for check in classical if check.contradiction]
