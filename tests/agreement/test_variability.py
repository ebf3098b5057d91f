"""Quantal variability and recording noise: variances, sizes that stay, on every target."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from synsim.engine import BACKENDS
from synsim.models.quantal_variability import site_deviation, variance
from tests.agreement.samples import (
    P_VALUE,
    STANDARD_ERRORS,
    correlation_deviation,
    mean_deviation,
    variance_deviation,
    worst,
)
from tests.agreement.structures import (
    DT,
    between_sites,
    binomial_short_term,
    run,
    table,
    together,
)
from tests.reference import release
from tests.reference.tsodyks_markram import two_state

TRAIN = 1 + 20_000 * np.arange(20)


def assert_mean_over(per_synapse, expected):
    """The mean over synapses of something with an unknown law."""
    error = np.std(per_synapse, ddof=1) / np.sqrt(len(per_synapse))
    assert abs(np.mean(per_synapse) - expected) < STANDARD_ERRORS * error


@pytest.mark.parametrize("backend", BACKENDS)
def test_scatter_within_sites_and_recording_noise(backend):
    """Variance n P q^2 (1 - P + cv^2), and s0^2 more in what is recorded; nothing else."""
    cases = [  # n, U, cv_within, s0, q
        (1, 0.4, 0.3, 1e-4, 2e-4),
        (5, 0.8, 0.5, 0.0, 1e-3),
        (20, 0.2, 0.0, 5e-4, 3e-4),
        (3, 1.0, 0.4, 2e-4, 2e-4),
    ]
    program, each = binomial_short_term(), 2000
    columns = np.array(cases).T.repeat(each, axis=1)
    values = dict(zip(("n", "U", "cv_within", "s0", "q"), columns, strict=True))
    values |= {"tau_rec": 0.2, "tau_facil": 0.1}
    train = np.array([1, 200, 400, 2400])
    pre = together(train, program.copies)
    done = run(program, pre, backend=backend, seed=80, values=values)
    released, quanta, response, recorded = (
        table(done.events["pre"], f"last_{name}", program.copies)
        for name in ("released", "quanta", "response", "recorded")
    )
    assert np.all(quanta[released == 0] == 0)
    np.testing.assert_allclose(response, columns[4][:, None] * quanta, rtol=1e-15, atol=0)
    for number, (n, U, cv, s0, q) in enumerate(cases):
        mine = slice(number * each, (number + 1) * each)
        P = two_state(train * DT, U, 0.2, 0.1).response
        blind = [release.pmf_moments(release.binomial_pmf(int(n), c), q=q, cv=cv) for c in P]
        spread = np.array([b.variance for b in blind])
        np.testing.assert_allclose(spread, variance(n, P, q, cv), rtol=1e-10, atol=1e-25)
        mean = n * P * q
        scale = q  # deviations in quanta, so that no standard error is lost in the floor
        assert mean_deviation(response[mine] / scale, mean / scale, spread / q**2) < 4
        assert variance_deviation(response[mine] / scale, spread / q**2) < STANDARD_ERRORS
        noise = (recorded - response)[mine]
        if s0 == 0:
            assert not noise.any()
            continue
        assert stats.kstest(noise.ravel() / s0, "norm").pvalue > P_VALUE
        assert variance_deviation(noise.ravel() / s0, 1.0) < STANDARD_ERRORS
        assert variance_deviation(recorded[mine] / s0, (spread + s0**2) / s0**2) < 4
        assert correlation_deviation(noise[:-1], noise[1:]) < STANDARD_ERRORS
        assert correlation_deviation(noise[:, :-1], noise[:, 1:]) < STANDARD_ERRORS
        assert correlation_deviation(noise, response[mine] - mean) < STANDARD_ERRORS


def between(backend, seed, copies=2048, train=TRAIN, **values):
    """released and quanta, shape (synapses, spikes), and the synapses' keys."""
    program = between_sites()
    done = run(program, together(train, copies), backend=backend, seed=seed, values=values)
    found = [table(done.events["pre"], f"last_{k}", copies) for k in ("released", "quanta")]
    return *found, done.final["site_key"][:copies]


@pytest.mark.parametrize("backend", BACKENDS)
def test_sites_keep_their_sizes_over_releases(backend):
    """p = 1: every release is the sum of all sites, the same each time."""
    n, cv = 4, 0.4
    _, quanta, keys = between(backend, 81, n=n, p=1.0, cv_within=0.0, cv_between=cv)
    np.testing.assert_allclose(quanta, quanta[:, :1].repeat(len(TRAIN), axis=1), rtol=1e-14)
    sizes = 1 + cv * site_deviation(keys[:, None], np.arange(n))
    np.testing.assert_allclose(quanta[:, 0], sizes.sum(axis=1), rtol=0, atol=1e-12)
    assert len(np.unique(quanta[:, 0])) == len(keys)
    assert mean_deviation(quanta[:, 0], n, n * cv**2) < STANDARD_ERRORS
    assert variance_deviation(quanta[:, 0], n * cv**2) < STANDARD_ERRORS


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_release_is_a_sum_of_the_sites_that_released(backend):
    """p = 1/2 and n = 3: each response is one of the eight sums, each site equally often."""
    n, cv, copies = 3, 0.4, 500
    released, quanta, keys = between(
        backend, 82, copies=copies, n=n, p=0.5, cv_within=0.0, cv_between=cv
    )
    sizes = 1 + cv * site_deviation(keys[:, None], np.arange(n))
    subsets = np.array(list(itertools.product((0, 1), repeat=n)))
    sums = sizes @ subsets.T  # (synapses, subsets)
    distance = np.abs(quanta[:, :, None] - sums[:, None, :])
    nearest = distance.argmin(axis=2)
    assert distance.min(axis=2).max() < 1e-12
    assert np.array_equal(subsets[nearest].sum(axis=2), released)
    times_taken = np.bincount(nearest.ravel(), minlength=2**n)
    assert stats.chisquare(times_taken).pvalue > P_VALUE


@pytest.mark.parametrize(("cv_within", "cv_between"), [(0.0, 0.4), (0.3, 0.0), (0.3, 0.4)])
@pytest.mark.parametrize("backend", BACKENDS)
def test_variance_of_a_synapse_with_scatter_between_and_within_sites(
    backend, cv_within, cv_between
):
    """Over releases, averaged over synapses: n P q^2 (1 + cv_b^2) (1 - P + cv_w^2)."""
    n, p = 3, 0.6
    _, quanta, _ = between(backend, 83, n=n, p=p, cv_within=cv_within, cv_between=cv_between)
    expected = release.expected_fixed_sites_variance(n, p, 1.0, cv_between, cv_within)
    assert abs(variance(n, p, 1.0, cv_within, cv_between) / expected - 1) < 1e-12
    assert_mean_over(quanta.var(axis=1, ddof=1), expected)
    assert_mean_over(quanta.mean(axis=1), n * p)
    # Means of synapses differ by what their sites differ, and by few releases.
    means = quanta.mean(axis=1)
    apart = n * p**2 * cv_between**2 + expected / len(TRAIN)
    assert variance_deviation(means, apart) < STANDARD_ERRORS
    # Releases of one synapse are independent but for its sizes.
    product = (quanta[:, 0] - n * p) * (quanta[:, 1] - n * p)
    assert_mean_over(product, n * p**2 * cv_between**2)


def test_site_deviations_are_standard_normal_and_independent():
    keys = np.random.default_rng(84).random(4000)
    z = site_deviation(keys[:, None], np.arange(6))
    for site in range(6):
        assert stats.kstest(z[:, site], "norm").pvalue > P_VALUE
    correlations = np.corrcoef(z, rowvar=False)[np.triu_indices(6, 1)]
    assert worst(correlations, 1 / np.sqrt(len(keys))) < STANDARD_ERRORS
    squares = np.corrcoef(z**2, rowvar=False)[np.triu_indices(6, 1)]
    assert worst(squares, 1 / np.sqrt(len(keys))) < STANDARD_ERRORS
    assert np.array_equal(z, site_deviation(keys[:, None], np.arange(6)))


def test_one_synapse_keeps_its_sizes_in_runs_with_other_values():
    """The sizes hang on seed and synapse, not on p or on how often it has released."""
    _, quanta, _ = between("cpp_standalone", 85, n=2, p=1.0, cv_within=0.0, cv_between=0.3)
    fewer = between(
        "cpp_standalone", 85, train=TRAIN[:3], n=2, p=1.0, cv_within=0.0, cv_between=0.3
    )[1]
    np.testing.assert_allclose(fewer[:, 0], quanta[:, 0], rtol=1e-14)
    other_seed = between("cpp_standalone", 86, n=2, p=1.0, cv_within=0.0, cv_between=0.3)[1]
    assert not np.any(other_seed[:, 0] == quanta[:, 0])
