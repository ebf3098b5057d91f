"""`predict_train` against enumeration of every outcome, and against itself.

The reference (tests/reference/release.py) sums over all refills and releases of up to three sites;
agreement is to 1e-12 of the largest number compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synsim import QuantalVariability, RecordingNoise, Synapse, TsodyksMarkram, TsodyksThreeState
from synsim.component import InputError
from synsim.predict.train import predict_train
from tests.reference import release
from tests.reference.tsodyks_markram import two_state

TRAIN = np.array([0.02, 0.05, 0.13, 0.14, 0.6])
# U, tau_rec, tau_facil (s)
CONSTANTS = [
    (0.4, 0.3, 0.15),
    (0.05, 0.13, 0.53),
    (0.5, 0.8, 0.0),
    (1.0, 0.05, 0.02),
    (0.9, 5.0, 2.0),
    (0.0, 0.2, 0.1),
]
MOMENTS = (
    "u", "x", "mean", "variance", "failures", "response_mean", "response_variance",
)  # fmt: skip
SCATTER = [(0.0, 0.0), (0.3, 0.0), (0.0, 0.1), (0.4, 0.25)]  # cv_within, s0


def text(value: float, unit: str, scale: float) -> str:
    return f"{value / scale!r}{unit}"


def rule(U: Any, tau_rec: float, tau_facil: float) -> TsodyksMarkram:
    values: dict[str, Any] = {
        "U": U,
        "tau_rec": text(tau_rec, "ms", 1e-3),
        "tau_facil": text(tau_facil, "ms", 1e-3),
    }
    return TsodyksMarkram(**values)


def synapse(
    n: Any, constants: tuple[float, float, float], release_rule: str, **more: Any
) -> Synapse:
    return Synapse(n=n, short_term=rule(*constants), release=release_rule, **more)


def close(found: Any, expected: Any) -> None:
    scale = max(1.0, float(np.max(np.abs(expected))))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("constants", CONSTANTS, ids=str)
def test_sites_against_every_outcome(n: int, constants: tuple[float, float, float]) -> None:
    joint = release.released_joint_pmf(TRAIN, n, *constants)
    mean, covariance = release.joint_moments(joint)
    found = predict_train(synapse(n, constants, "sites"), TRAIN)
    close(found.mean, mean)
    close(found.covariance, covariance)
    close(found.variance, np.diag(covariance))
    close(found.failures, release.released_pmf(TRAIN, n, *constants)[:, 0])
    if mean[0] > 0:
        close(found.paired_pulse_ratio, mean[1] / mean[0])
    if 0 < constants[0] < 1:  # the enumeration holds correlations for this to be a test of
        assert np.max(np.abs(covariance - np.diag(np.diag(covariance)))) > 1e-3


@pytest.mark.parametrize(("cv", "s0"), SCATTER)
@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("constants", CONSTANTS[:3], ids=str)
def test_responses_of_sites_against_every_outcome(
    n: int, constants: tuple[float, float, float], cv: float, s0: float
) -> None:
    joint = release.released_joint_pmf(TRAIN, n, *constants)
    mean, covariance = release.joint_moments(joint, q=0.7, cv=cv, noise_sd=s0)
    scatter: dict[str, Any] = {"cv_within": cv}
    found = predict_train(
        synapse(
            n,
            constants,
            "sites",
            q=0.7,
            variability=QuantalVariability(**scatter),
            noise=RecordingNoise(s0=s0),
        ),
        TRAIN,
    )
    close(found.response_mean, mean)
    close(found.response_covariance, covariance)
    close(found.response_variance, np.diag(covariance))


@pytest.mark.parametrize(("cv", "s0"), SCATTER)
@pytest.mark.parametrize("between", [0.0, 0.5])
@pytest.mark.parametrize("constants", CONSTANTS, ids=str)
def test_binomial_against_every_outcome(
    constants: tuple[float, float, float], between: float, cv: float, s0: float
) -> None:
    """Of u x at each spike, averaged over sets of sites that differ; spikes are independent."""
    n, q = 3, 0.7
    found = predict_train(
        synapse(
            n,
            constants,
            "binomial",
            q=q,
            variability=QuantalVariability(cv_within=cv, cv_between=between),
            noise=RecordingNoise(s0=s0),
        ),
        TRAIN,
    )
    chances = two_state(TRAIN, *constants).response
    for k, chance in enumerate(chances):
        exact = release.binomial_moments(n, float(chance))
        close(found.mean[k], exact.mean)
        close(found.variance[k], exact.variance)
        close(found.failures[k], exact.failures)
        variance = release.expected_fixed_sites_variance(n, float(chance), q, between, cv) + s0**2
        close(found.response_mean[k], exact.mean * q)
        close(found.response_variance[k], variance)
    for matrix in (found.covariance, found.response_covariance):
        assert np.all(matrix[~np.eye(len(TRAIN), dtype=bool)] == 0)


def test_constant_probability_and_mean_field() -> None:
    found = predict_train(Synapse(n=3, p=0.3, q=2.0, release="binomial"), TRAIN)
    exact = release.binomial_moments(3, 0.3, q=2.0)
    close(found.response_mean, np.full(5, exact.mean))
    close(found.response_variance, np.full(5, exact.variance))
    close(found.failures, np.full(5, 0.7**3))
    smooth = predict_train(synapse(3, CONSTANTS[0], "mean-field"), TRAIN)
    close(smooth.mean, 3 * two_state(TRAIN, *CONSTANTS[0]).response)
    assert not np.any(smooth.variance) and not np.any(smooth.covariance)
    assert not np.any(smooth.failures)


@pytest.mark.parametrize("release_rule", ["sites", "binomial", "mean-field"])
def test_parameters_broadcast(release_rule: str) -> None:
    """Arrays of parameters give what each synapse gives alone, to the last digits."""
    rng = np.random.default_rng(80)
    count = 40
    n, U = rng.integers(0, 30, count), rng.random(count)
    rec, facil = rng.uniform(5, 1000, count), rng.uniform(0, 800, count) * (rng.random(count) > 0.3)
    q = rng.uniform(0.1, 3, count)
    times = np.cumsum(rng.uniform(0.002, 0.3, 12))
    values: dict[str, Any] = {
        "U": U,
        "tau_rec": [f"{v!r}ms" for v in rec.tolist()],
        "tau_facil": [f"{v!r}ms" for v in facil.tolist()],
    }
    together = predict_train(
        Synapse(n=n, q=q, short_term=TsodyksMarkram(**values), release=release_rule), times
    )
    assert together.covariance.shape == (count, 12, 12)
    for i in range(count):
        one: dict[str, Any] = {name: value[i] for name, value in values.items()}
        alone = predict_train(
            Synapse(
                n=int(n[i]),
                q=float(q[i]),
                short_term=TsodyksMarkram(**one),
                release=release_rule,
            ),
            times,
        )
        for name in (*MOMENTS, "covariance", "response_covariance"):
            np.testing.assert_allclose(
                getattr(together, name)[i], getattr(alone, name), rtol=1e-13, atol=1e-13
            )


def test_covariance_is_one() -> None:
    """Symmetric, with no negative eigenvalue, and below 0 off the diagonal without facilitation."""
    found = predict_train(synapse(7, (0.5, 0.8, 0.0), "sites"), np.arange(20) / 20)
    assert np.array_equal(found.covariance, found.covariance.T)
    assert np.linalg.eigvalsh(found.covariance).min() > -1e-12
    assert np.all(found.covariance[~np.eye(20, dtype=bool)] < 0)


def test_three_states_become_two() -> None:
    constants: dict[str, Any] = {"U": 0.4, "tau_rec": "300ms", "tau_facil": "150ms"}
    two = predict_train(Synapse(n=4, short_term=TsodyksMarkram(**constants)), TRAIN)
    previous = np.inf
    for tau in ("10ms", "1ms", "0.1ms"):
        three = TsodyksThreeState(**constants, tau_inact=tau)
        away = np.abs(predict_train(Synapse(n=4, short_term=three), TRAIN).mean - two.mean).max()
        assert 0 < away < 0.2 * previous
        previous = away


@pytest.mark.parametrize("times", [[0.1, 0.1], [0.2, 0.1], [[0.1, 0.2]]])
def test_trains_that_do_not_increase_are_refused(times: Any) -> None:
    with pytest.raises(InputError, match="does not increase"):
        predict_train(synapse(2, CONSTANTS[0], "sites"), times)
