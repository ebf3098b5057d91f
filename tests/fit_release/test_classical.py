"""Mean-variance analysis beside the fit: exact moments give exact answers, wrong fits are told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from synsim.fit.quantal_classical import Condition, mean_variance

N, Q, CV, S0 = 5, 10.0, 0.2, 2.0


def fitted(n: int = N, q: float = Q, s0: float = S0) -> Any:
    """What the method reads of a fit."""
    values = {"q": q, "cv": CV, "s0": s0}
    return SimpleNamespace(n=n, value=values.__getitem__)


def exact(*chances: float, repeats: int = 400) -> list[Condition]:
    """Mean npq and variance npq^2 (1 - p + cv^2) + s0^2 (Silver 2003, eqs for uniform p and q)."""
    return [
        Condition(np.arange(repeats), 1, N * p * Q, N * p * Q**2 * (1 - p + CV**2) + S0**2)
        for p in chances
    ]


def test_exact_moments_give_n_and_q() -> None:
    check = mean_variance(fitted(), exact(0.15, 0.4, 0.6, 0.9), "pA")
    assert check is not None and check.contradiction is None
    assert check.values["Q"] == pytest.approx(Q * (1 + CV**2), rel=1e-9)
    assert check.values["n"] == pytest.approx(N, rel=1e-9)
    assert check.values["expected_Q"] == pytest.approx(Q * (1 + CV**2))
    assert check.values["conditions"] == 4


def test_errors_are_those_of_sample_variances() -> None:
    """Deviations of simulated recordings, in the errors that are given, have an SD of 1."""
    rng = np.random.default_rng(4)
    repeats, deviations = 400, []
    for _ in range(300):
        drawn = []
        for p in (0.2, 0.5, 0.8):
            k = rng.binomial(N, p, repeats)
            y = k * Q + CV * Q * np.sqrt(k) * rng.standard_normal(repeats)
            y += S0 * rng.standard_normal(repeats)
            drawn.append(Condition(np.arange(repeats), 1, float(y.mean()), float(y.var(ddof=1))))
        check = mean_variance(fitted(), drawn, "pA")
        assert check is not None
        values = check.values
        deviations.append(
            (
                (values["Q"] - Q * (1 + CV**2)) / values["Q_error"],
                (values["one_over_n"] - 1 / N) / values["one_over_n_error"],
            )
        )
    # Sums of few sites are flatter than normal, so that their variances scatter less
    assert np.all(np.abs(np.mean(deviations, axis=0)) < 4 / np.sqrt(300))
    assert np.all((np.std(deviations, axis=0) > 0.6) & (np.std(deviations, axis=0) < 1.15))


@pytest.mark.parametrize("wrong", [{"n": 20}, {"q": 16.0}, {"s0": 12.0}])
def test_a_wrong_fit_is_contradicted(wrong: dict[str, Any]) -> None:
    check = mean_variance(fitted(**wrong), exact(0.15, 0.4, 0.6, 0.9), "pA")
    assert check is not None and check.contradiction is not None
    assert "mean-variance analysis over 4 conditions" in check.contradiction


def test_two_conditions_are_too_few() -> None:
    assert mean_variance(fitted(), exact(0.2, 0.8), "pA") is None
