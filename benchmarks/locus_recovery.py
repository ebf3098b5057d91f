"""How often `synsim fit locus` finds the locus that was simulated, and how often intervals hold.

    python benchmarks/locus_recovery.py [experiments [responses an epoch [seed]]]

Single responses from rest of a synapse with n = 5, p = 0.4, q = 10, cv = 0.2 and noise 2, then of
the same synapse after n, p or q was changed, or none of them. Counted are the verdicts of the
likelihood and the places of CV analysis, and the intervals of the ratios after/before, in the
model in which everything may change, that hold the truth.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import numpy as np

from synsim.fit.locus_cv import cv_analysis
from synsim.fit.locus_models import ALL, LocusComparison, LocusSettings, compare_loci

BEFORE = {"n": 5, "p": 0.4, "q": 10.0}
AFTER = {
    "p": {"p": 0.7},
    "n": {"n": 8},
    "q": {"q": 15.0},
    "p, depression": {"p": 0.25},
    "n, depression": {"n": 3},
    "q, depression": {"q": 6.5},
    "none": {},
}
CV, S0 = 0.2, 2.0


def simulate(n: int, p: float, q: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Responses (count,), quantum by quantum."""
    k = rng.binomial(n, p, count)
    return (
        k * q + q * CV * np.sqrt(k) * rng.standard_normal(count) + S0 * rng.standard_normal(count)
    )


def verdict(found: LocusComparison, truth: str) -> str:
    """right, wrong or undecided, with or without the truth among the models in question."""
    if len(found.rivals) > 1:
        return "undecided" if truth in found.rivals else "undecided, truth left out"
    return "right" if found.best.name == truth else f"wrong ({found.best.name})"


def main(experiments: int = 50, responses: int = 100, seed: int = 1) -> None:
    """Print a line for each truth."""
    settings = LocusSettings("constant", 60, None, None, None, True, "shared")
    for number, (locus, change) in enumerate(AFTER.items()):
        began = time.perf_counter()
        truth = locus.partition(",")[0]
        verdicts = Counter[str]()
        places, held, closed = Counter[str](), Counter[str](), Counter[str]()
        weight = []
        for experiment in range(experiments):
            rng = np.random.default_rng([seed, number, experiment])
            before = simulate(**BEFORE, count=responses, rng=rng)
            after = simulate(**(BEFORE | change), count=responses, rng=rng)
            found = compare_loci((before, None), (after, None), settings)
            verdicts[verdict(found, truth)] += 1
            weight.append(found.weights[truth])
            s0 = found.best.value("s0", 0)
            places[cv_analysis(before, after, (s0, s0), rng).place] += 1
            for letter in "pnq":
                low, high = found.models[ALL].intervals[f"{letter}_ratio"]
                true = (BEFORE | change)[letter] / BEFORE[letter]
                held[letter] += (low is None or low <= true) and (high is None or true <= high)
                closed[letter] += low is not None and high is not None
        took = (time.perf_counter() - began) / experiments
        print(f"{locus}: {took:.1f} s each, mean weight of the truth {np.mean(weight):.2f}")
        print(f"    likelihood: {dict(verdicts)}")
        print(f"    CV analysis: {dict(places)}")
        print(f"    intervals that hold: {dict(held)}, closed: {dict(closed)}", flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
