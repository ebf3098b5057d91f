"""How far samples are from what they should be, in standard errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

# In every comparison with chance in it; all seeds are fixed.
STANDARD_ERRORS = 4.0
P_VALUE = 1e-4


def worst(difference: Any, error: Any) -> float:
    """Largest deviation in standard errors; where the error is 0, none is allowed."""
    return float(np.max(np.abs(difference) / np.maximum(error, 1e-12)))


def mean_deviation(sample: Any, mean: Any, variance: Any) -> float:
    """Of the mean over axis 0 from `mean`, given the true variance."""
    sample = np.asarray(sample, dtype=float)
    return worst(sample.mean(axis=0) - mean, np.sqrt(np.asarray(variance) / len(sample)))


def variance_deviation(sample: Any, variance: Any) -> float:
    """Of the variance over axis 0 from `variance`; its standard error is the sample's own."""
    sample = np.asarray(sample, dtype=float)
    found = sample.var(axis=0, ddof=1)
    fourth = np.mean((sample - sample.mean(axis=0)) ** 4, axis=0)
    # The second term is all there is for a fair coin, whose variance has no error to first order.
    error = np.sqrt(np.maximum(fourth - found**2, 0) / len(sample)) + 4 * found / len(sample)
    return worst(found - variance, error)


def failures_deviation(sample: Any, failures: Any) -> float:
    """Of the fraction of zeros over axis 0 from `failures`."""
    sample, failures = np.asarray(sample), np.asarray(failures)
    error = np.sqrt(failures * (1 - failures) / len(sample))
    return worst((sample == 0).mean(axis=0) - failures, error)


def correlation_deviation(a: Any, b: Any) -> float:
    """Of the correlation of two samples from 0."""
    return float(abs(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]) * np.sqrt(np.size(a)))


def binomial_p_value(counts: Any, n: int, p: float) -> float:
    """Chi-square test of counts against Binomial(n, p), rare outcomes joined."""
    counts = np.ravel(counts)
    expected = stats.binom.pmf(np.arange(n + 1), n, p) * len(counts)
    observed = np.bincount(counts, minlength=n + 1)
    joined = [[0.0, 0.0]]
    for one, other in zip(expected, observed, strict=True):
        if joined[-1][0] >= 5:
            joined.append([0.0, 0.0])
        joined[-1][0] += one
        joined[-1][1] += other
    if len(joined) > 1 and joined[-1][0] < 5:
        rest = joined.pop()
        joined[-1] = [joined[-1][0] + rest[0], joined[-1][1] + rest[1]]
    if len(joined) == 1:
        return 1.0
    wanted, found = np.array(joined).T
    return float(stats.chisquare(found, wanted * (found.sum() / wanted.sum())).pvalue)
