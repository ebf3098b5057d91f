"""How long `synsim fit quantal` takes: one likelihood, and whole fits with profile intervals.

    python benchmarks/fit_quantal.py [responses [n ...]]

Trains of five stimuli from rest, U = 0.5, tau_rec = 200 ms, q = 10, cv = 0.2, noise 3. A whole fit
is all three models with the intervals of every parameter over n, as the command does by default.
Seconds are of the processor, so that other programs count less; the machine code is made before.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from synsim.fit.quantal_models import Settings, compare
from synsim.fit.release_filter import ReleaseFilter

TRAIN = (np.inf, 50.0, 20.0, 50.0, 200.0)
MODELS = ("constant", "depression", "depression_facilitation")


def simulate(h: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Responses (m,) to stimuli at intervals h (m,)."""
    full, y = n, np.empty(h.size)
    for i, gap in enumerate(h):
        full += rng.binomial(n - full, -np.expm1(-gap / 200.0))
        k = rng.binomial(full, 0.5)
        full -= k
        y[i] = 10 * k + np.sqrt(9 + 4 * k) * rng.standard_normal()
    return y


def seconds(job: Callable[[], object], repeats: int) -> float:
    """The least of some runs."""
    found = []
    for _ in range(repeats):
        began = time.process_time()
        job()
        found.append(time.process_time() - began)
    return min(found)


def main(responses: int = 1000, *sites: int) -> None:
    """Print a table."""
    h = np.tile(TRAIN, responses // len(TRAIN))
    rng = np.random.default_rng(1)
    data = ReleaseFilter(simulate(h, 20, rng), h)
    theta = np.array([0.5, 10.0, 200.0, 0.0, 3.0, 0.2])
    compare(data.y[:50], h[:50], "pA", Settings(MODELS, 10, None, None, None, True))  # compiles
    once = seconds(lambda: data.log_likelihood(20, *theta), 50)
    both = seconds(lambda: data.with_gradient(20, theta), 50)
    print(f"one likelihood, n = 20, {h.size} responses: {1e3 * once:.2f} ms,", end=" ")
    print(f"with derivatives {1e3 * both:.2f} ms")
    settings = Settings(MODELS, 100, None, None, None, True)
    for n in sites or (3, 5, 10, 20):
        y = simulate(h, n, rng)
        took = seconds(partial(compare, y, h, "pA", settings), 1)
        print(f"whole fit, n = {n}, {h.size} responses: {took:.1f} s", flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
