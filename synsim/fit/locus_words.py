"""What a comparison of loci says in words: the verdict, what is weak, what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synsim.fit.locus_cv import PLACES
from synsim.fit.quantal_models import ASSUMED_CV, LARGEST_CV
from synsim.fit.words import amount, number

if TYPE_CHECKING:
    from synsim.fit.locus_cv import CVAnalysis
    from synsim.fit.locus_data import Cell
    from synsim.fit.locus_models import LocusComparison, LocusModel, LocusSettings
    from synsim.fit.profile import Interval

_DRIFT = 3.0  # standard errors
_SEEN = 3.0  # standard errors that the mean of an epoch with responses is from 0
_SAYS = {"beyond": {"p"}, "diagonal": {"n", "p"}, "flat": {"q"}, "unchanged": {"none"}}


def says(name: str) -> str:
    """A model in words: 'only q', 'p and q', 'nothing'."""
    if name == "none":
        return "nothing"
    loci = name.split("+")
    return f"only {loci[0]}" if len(loci) == 1 else " and ".join([", ".join(loci[:-1]), loci[-1]])


def verdict(found: LocusComparison) -> str:
    """What the likelihood decides."""
    rivals = found.rivals
    if len(rivals) > 1:
        named = "; ".join(says(name) for name in rivals)
        return f"undecided ({named})"
    others = [m for m in found.models.values() if m is not found.best]
    ahead = min(m.bic for m in others) - found.best.bic
    verb = "changes" if len(found.best.loci) < 2 else "change"
    return f"{says(found.best.name)} {verb}, {ahead:.1f} BIC ahead of {says(others[0].name)}"


def ends(interval: Interval | None, shown: bool = True) -> str:
    """'0.8 to 1.3', 'above 1.2', 'no limit'."""
    low, high = interval or (None, None)
    if low is None and high is None:
        return "no limit"
    if low is None or high is None:
        return f"above {number(low)}" if low is not None else f"below {number(high or 0.0)}"
    return f"{number(low)} to {number(high)}"


def changes(model: LocusModel) -> list[str]:
    """The ratio of each parameter that may change in a model, with its interval."""
    return [
        f"{x} x {number(model.ratio(x))} [{ends(model.intervals.get(f'{x}_ratio'))}]"
        for x in model.loci
    ]


def drift(y: np.ndarray) -> tuple[float, float]:
    """Change from the first to the last response as a share of the mean, in standard errors too."""
    when = np.arange(y.size) - (y.size - 1) / 2
    slope = float(when @ y / (when @ when))
    rest = y - y.mean() - slope * when
    error = float(np.sqrt(rest @ rest / max(y.size - 2, 1) / (when @ when)))
    return slope * (y.size - 1) / float(y.mean()), slope / max(error, 1e-300)


def all_words(
    cell: Cell,
    found: LocusComparison,
    analysis: CVAnalysis | None,
    settings: LocusSettings,
    unit: str,
) -> list[str]:
    """Every warning about one cell, one line each."""
    best = found.best
    words = []
    if len(found.rivals) > 1:
        words.append(verdict(found))
    if found.cv_dropped is not None:
        why = (
            f"above {LARGEST_CV:g}"
            if found.cv_dropped > LARGEST_CV
            else "with steps of q in responses to many quanta"
        )
        words.append(
            f"cv came out at {number(found.cv_dropped)}, {why}, and is set to {ASSUMED_CV:g} "
            "(--cv takes another value, --cv fit keeps the estimate)"
        )
    if "s0" in best.pair.free and settings.s0 is None:
        low = best.pair.low[best.pair.free.index("s0")]
        if best.best.z[best.pair.free.index("s0")] <= low + 1e-6:
            words.append(
                "the recording noise s0 comes out as 0: there are no failures to tell it from the "
                "quanta; measure it on the baseline and give it (--s0)"
            )
    for name, gain in found.also:
        hint = "; see what --noise separate gives" if name == "s0" else ""
        words.append(
            f"{name} seems to differ between the epochs, too ({gain:.1f} BIC better), which the "
            f"comparison leaves out{hint}"
        )
    if max(best.best.sites) == settings.n_max:
        words.append(
            f"n reaches {settings.n_max}, the largest tried (--n-max): p and n are not told apart"
        )
    for name, y in zip(("before", "after"), cell.amplitude, strict=True):
        if abs(y.mean()) < _SEEN * y.std(ddof=1) / np.sqrt(y.size):
            words.append(
                f"no response is seen {name}: the mean of {y.size} is "
                f"{amount(float(y.mean()), unit)}, within {_SEEN:g} standard errors of 0; they may "
                f"all be failures, and n, p and q {name} and every ratio mean little"
            )
            continue
        change, errors = drift(y)
        if abs(errors) > _DRIFT:
            words.append(
                f"responses {name} drift by {100 * change:+.0f} % over the epoch: both methods "
                "take it for variability of release"
            )
    if analysis is None:
        words.append("no CV analysis: it needs 10 responses from rest in each epoch")
    elif len(found.rivals) == 1 and best.name not in _SAYS.get(analysis.place, {best.name}):
        words.append(
            f"CV analysis disagrees ({PLACES[analysis.place]}); the likelihood says "
            f"{says(best.name)}"
        )
    return words
