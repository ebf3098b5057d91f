"""The reference: binomial release and sites, held against sums over hidden states and samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.reference import release
from tests.reference.trains import SYNAPSES, random_train

CHECK_INTERVALS_S = np.array([20, 20, 35, 10, 400, 12, 60]) * 1e-3
CHECK_TIMES_S = np.concatenate([[0.0], np.cumsum(CHECK_INTERVALS_S)])
CHECK_RESPONSE = [0.4, 0.381762, 0.210906, 0.135821, 0.064025, 0.321277, 0.282867, 0.204707]
CHECK = {"U": 0.4, "tau_rec": 0.3, "tau_facil": 0.15}


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (5, 0.8), (20, 0.05), (7, 1.0), (4, 0.0)])
@pytest.mark.parametrize("cv", [0.0, 0.3])
@pytest.mark.parametrize("noise_sd", [0.0, 2e-4])
def test_binomial_moments_by_sums_are_the_formulas(n, p, cv, noise_sd):
    q = 1.5e-3
    mean, variance, cv2, failures = release.binomial_moments(n, p, q, cv, noise_sd)
    assert sum(release.binomial_pmf(n, p)) == pytest.approx(1, abs=1e-13)
    assert mean == pytest.approx(n * p * q, rel=1e-12, abs=0)
    expected = n * p * q**2 * (1 - p + cv**2) + noise_sd**2
    assert variance == pytest.approx(expected, rel=1e-12, abs=1e-30)
    assert failures == pytest.approx((1 - p) ** n, rel=1e-12, abs=0)
    if p > 0 and cv == 0 and noise_sd == 0:
        assert cv2 == pytest.approx((1 - p) / (n * p), rel=1e-12, abs=1e-30)


@pytest.mark.parametrize("cv", [0.0, 0.3])
def test_fixed_differences_between_sites(cv):
    n, p, q, cv_between = 5, 0.35, 0.7, 0.4
    found = release.expected_fixed_sites_variance(n, p, q, cv_between, cv)
    formula = n * p * q**2 * (1 + cv_between**2) * (1 - p + cv**2)
    assert found == pytest.approx(formula, rel=1e-12)
    equal_sites = release.fixed_sites_moments([q] * n, p, cv)
    assert equal_sites == pytest.approx(release.binomial_moments(n, p, q, cv)[:2], rel=1e-12)


@pytest.mark.parametrize("name", SYNAPSES)
@pytest.mark.parametrize("n", [1, 2, 4])
def test_brute_force_agrees_with_the_closed_forms(name, n):
    U, tau_rec, tau_facil = SYNAPSES[name]
    times = random_train(4, 5)
    joint = release.released_joint_pmf(times, n, U, tau_rec, tau_facil)
    assert joint.sum() == pytest.approx(1, abs=1e-12)
    pmf = release.closed_form_pmf(times, n, U, tau_rec, tau_facil)
    propagated = release.released_pmf(times, n, U, tau_rec, tau_facil)
    np.testing.assert_allclose(propagated, pmf, rtol=0, atol=1e-12)
    for i in range(len(times)):
        others = tuple(j for j in range(len(times)) if j != i)
        np.testing.assert_allclose(joint.sum(axis=others), pmf[i], rtol=0, atol=1e-12)
    for q, cv, noise_sd in ((1.0, 0.0, 0.0), (0.8, 0.3, 0.25)):
        mean, covariance = release.joint_moments(joint, q, cv, noise_sd)
        closed = release.closed_form_moments(times, n, U, tau_rec, tau_facil, q, cv, noise_sd)
        np.testing.assert_allclose(mean, closed[0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(covariance, closed[1], rtol=0, atol=1e-12)
        if name == "depressing":
            assert covariance[0, 1] < -1e-2  # there is something to agree about


def test_propagation_serves_many_sites_and_long_trains():
    times = random_train(5, 25)
    found = release.released_pmf(times, 30, *SYNAPSES["facilitating"])
    expected = release.closed_form_pmf(times, 30, *SYNAPSES["facilitating"])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_joint_enumeration_refuses_what_is_too_large():
    with pytest.raises(ValueError, match="too many"):
        release.released_joint_pmf(random_train(6, 30), 5, 0.5, 0.3, 0.1)


def test_monte_carlo_of_single_sites_within_four_standard_errors():
    n, n_trials = 4, 20_000
    times = random_train(7, 5)
    joint = release.released_joint_pmf(times, n, **CHECK)
    k = release.monte_carlo_released(
        times, n, **CHECK, n_trials=n_trials, rng=np.random.default_rng(11)
    )
    mean, covariance = release.joint_moments(joint)
    pmf = release.closed_form_pmf(times, n, **CHECK)
    errors = release.joint_standard_errors(joint, n_trials)
    assert np.all(np.abs(k.mean(axis=0) - mean) < 4 * errors.mean)
    assert np.all(np.abs((k == 0).mean(axis=0) - pmf[:, 0]) < 4 * errors.failures)
    sample = np.cov(k, rowvar=False)
    assert np.all(np.abs(sample - covariance) < 4 * errors.covariance)
    # independent releases would be told apart
    assert abs(sample[0, 1]) > 10 * errors.covariance[0, 1]


def test_standard_errors_are_the_scatter_of_the_estimates():
    times, n, n_trials, n_repeats = random_train(8, 3), 2, 40, 2000
    joint = release.released_joint_pmf(times, n, **CHECK)
    rng = np.random.default_rng(12)
    k = release.monte_carlo_released(times, n, **CHECK, n_trials=n_trials * n_repeats, rng=rng)
    blocks = k.reshape(n_repeats, n_trials, len(times))
    errors = release.joint_standard_errors(joint, n_trials)
    # the scatter of 2000 estimates is itself known to about 2 %
    np.testing.assert_allclose(blocks.mean(axis=1).std(axis=0), errors.mean, rtol=0.1)
    failures = (blocks == 0).mean(axis=1).std(axis=0)
    np.testing.assert_allclose(failures, errors.failures, rtol=0.1)
    covariances = np.array([np.cov(block, rowvar=False) for block in blocks])
    np.testing.assert_allclose(covariances.std(axis=0), errors.covariance, rtol=0.1)


def test_monte_carlo_responses_within_four_standard_errors():
    n, q, cv, noise_sd = 3, 0.8, 0.4, 0.3
    times = [0.0, 0.03]
    rng = np.random.default_rng(13)
    k = release.monte_carlo_released(times, n, **CHECK, n_trials=20_000, rng=rng)
    a = release.monte_carlo_responses(k, q, rng, cv, noise_sd)
    mean, covariance = release.closed_form_moments(times, n, **CHECK, q=q, cv=cv, noise_sd=noise_sd)
    centred = a - mean
    for i in range(2):
        assert abs(centred[:, i].mean()) < 4 * a[:, i].std() / math.sqrt(len(a))
        for j in range(2):
            product = centred[:, i] * centred[:, j]
            assert abs(product.mean() - covariance[i, j]) < 4 * product.std() / math.sqrt(len(a))


def test_train_likelihood_is_a_density_with_the_right_marginals():
    n, q, cv, noise_sd = 3, 1.0, 0.2, 0.3
    times = [0.0, 0.02]
    joint = release.released_joint_pmf(times, n, **CHECK)
    grid = np.linspace(-3, 8, 551)
    step = grid[1] - grid[0]
    for first in (-0.1, 1.2):
        marginal = sum(
            release.train_likelihood([first, second], joint, q, cv, noise_sd) for second in grid
        )
        pmf = release.closed_form_pmf(times, n, **CHECK)[0]
        expected = release.response_density(first, pmf, q, cv, noise_sd)
        assert marginal * step == pytest.approx(expected, rel=1e-9)
