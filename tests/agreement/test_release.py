"""Stochastic release: samples against exact distributions, on every target.

Deviations are in standard errors (4 at most) or p-values (1e-4 at least), at fixed seeds.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from synsim import PairSTDP, Synapse
from synsim.engine import BACKENDS, Program
from synsim.models.quantal_release import moments
from synsim.models.release_sites import covariance
from tests.agreement.samples import (
    P_VALUE,
    STANDARD_ERRORS,
    binomial_p_value,
    correlation_deviation,
    failures_deviation,
    mean_deviation,
    variance_deviation,
    worst,
)
from tests.agreement.site_samples import (
    SITE_CASES,
    SITE_COPIES,
    SITE_TRAIN,
    site_errors,
    site_samples,
)
from tests.agreement.structures import (
    CONSTANT,
    DT,
    between_sites,
    binomial_short_term,
    run,
    sites,
    table,
    together,
)
from tests.reference import release
from tests.reference.tsodyks_markram import two_state

SITES = (0, 1, 5, 200, 2000)
PROBABILITIES = (0.0, 0.1, 0.5, 0.8, 1.0)
COMBINATIONS = list(itertools.product(SITES, PROBABILITIES))
PER_COMBINATION = 80  # synapses
TRAIN = 1 + 10 * np.arange(50)


@pytest.fixture(scope="module")
def counts():
    """backend -> quanta of one run with all n and p side by side, (combination, draw)."""

    def of(backend):
        if backend not in made:
            n, U = np.array(COMBINATIONS).T.repeat(PER_COMBINATION, axis=1)
            copies = len(n)
            rest = (0, binomial_short_term().copies - copies)
            values = CONSTANT | {"n": np.pad(n, rest), "U": np.pad(U, rest)}
            pre = together(TRAIN, copies)
            done = run(binomial_short_term(), pre, backend=backend, seed=60, values=values)
            released = table(done.events["pre"], "last_released", copies).astype(int)
            made[backend] = np.split(released, len(COMBINATIONS))
        return made[backend]

    made: dict = {}
    return of


@pytest.mark.parametrize(
    "combination", range(len(COMBINATIONS)), ids=lambda k: "n={} p={}".format(*COMBINATIONS[k])
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_binomial_release_is_exact(backend, combination, counts):
    n, p = COMBINATIONS[combination]
    found = counts(backend)[combination]
    assert found.shape == (PER_COMBINATION, len(TRAIN))
    assert found.min() >= 0 and found.max() <= n
    if n * p * (1 - p) == 0:
        assert np.all(found == n * p)
        return
    draws = found.ravel()
    mean, variance, failures = moments(n, p)
    assert mean_deviation(draws, mean, variance) < STANDARD_ERRORS
    assert variance_deviation(draws, variance) < STANDARD_ERRORS
    assert failures_deviation(draws, failures) < STANDARD_ERRORS
    assert binomial_p_value(draws, n, p) > P_VALUE
    # neither synapses nor spikes share their draws
    assert correlation_deviation(found[:-1], found[1:]) < STANDARD_ERRORS
    assert correlation_deviation(found[:, :-1], found[:, 1:]) < STANDARD_ERRORS
    if n <= 200:
        blind = release.binomial_moments(n, p)
        np.testing.assert_allclose(
            [mean, variance, failures],
            [blind.mean, blind.variance, blind.failures],
            rtol=1e-10,
            atol=1e-300,
        )


def test_the_distribution_test_has_power():
    """A normal approximation, and a p that is one percent off, fail by far."""
    rng = np.random.default_rng(61)
    size = PER_COMBINATION * len(TRAIN)
    n, p = 5, 0.8
    assert binomial_p_value(rng.binomial(n, p, size), n, p) > P_VALUE
    normal = np.rint(rng.normal(n * p, np.sqrt(n * p * (1 - p)), size)).clip(0, n).astype(int)
    assert binomial_p_value(normal, n, p) < 1e-10
    assert binomial_p_value(rng.binomial(200, 0.51, size), 200, 0.5) < 1e-10


@pytest.mark.parametrize("p", [0.3, 0.8])
@pytest.mark.parametrize("backend", BACKENDS)
def test_synapses_with_the_same_n_and_p_draw_for_themselves(backend, p):
    """n and p are shared scalars here: one draw for all would be easy to generate by mistake."""
    copies = between_sites().copies
    train = TRAIN[:10]
    done = run(
        between_sites(),
        together(train, copies),
        backend=backend,
        seed=62,
        values={"n": 6, "p": p, "cv_within": 0.0, "cv_between": 0.0},
    )
    found = table(done.events["pre"], "last_released", copies)
    assert binomial_p_value(found.astype(int), 6, p) > P_VALUE
    assert correlation_deviation(found[:-1], found[1:]) < STANDARD_ERRORS
    assert correlation_deviation(found[:, :-1], found[:, 1:]) < STANDARD_ERRORS


@pytest.mark.parametrize("backend", BACKENDS)
def test_binomial_release_of_u_x(backend):
    """Binomial(n, u x) at every spike, and no memory of what was released."""
    cases = [(1, 0.4, 0.3, 0.15), (5, 0.7, 0.2, 0.02), (40, 0.1, 0.08, 0.5), (3, 1.0, 0.1, 0.0)]
    program, each = binomial_short_term(), 2000
    columns = np.array(cases).T.repeat(each, axis=1)
    values = dict(zip(("n", "U", "tau_rec", "tau_facil"), columns, strict=True))
    pre = together(SITE_TRAIN, program.copies)
    done = run(program, pre, backend=backend, seed=63, values=values)
    released = table(done.events["pre"], "last_released", program.copies)
    for number, (n, *constants) in enumerate(cases):
        found = released[number * each : (number + 1) * each]
        P = two_state(SITE_TRAIN * DT, *constants).response
        assert mean_deviation(found, n * P, n * P * (1 - P)) < STANDARD_ERRORS
        assert variance_deviation(found, n * P * (1 - P)) < STANDARD_ERRORS
        assert failures_deviation(found, (1 - P) ** n) < STANDARD_ERRORS
        for k, chance in enumerate(P):
            assert binomial_p_value(found[:, k].astype(int), n, chance) > P_VALUE
        varying = found[:, found.std(axis=0) > 0]
        correlations = np.corrcoef(varying, rowvar=False)[np.triu_indices(varying.shape[1], 1)]
        assert np.max(np.abs(correlations)) * np.sqrt(each) < STANDARD_ERRORS


# --- sites that empty and refill --------------------------------------------------------


@pytest.mark.parametrize(
    "case", range(len(SITE_CASES)), ids=lambda k: "n={} U={}".format(*SITE_CASES[k][:2])
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_sites_have_the_moments_and_covariance_of_the_chain(backend, case):
    """Against the blind enumeration of every outcome, and the closed forms beside it."""
    synapse = SITE_CASES[case]
    found = site_samples(backend, seed=64)[case]
    model = (SITE_TRAIN * DT, *synapse)
    errors = site_errors(synapse)
    exact, exact_covariance = release.joint_moments(release.released_joint_pmf(*model))
    failures = release.released_pmf(*model)[:, 0]
    assert worst(found.mean(axis=0) - exact, errors.mean) < STANDARD_ERRORS
    assert worst((found == 0).mean(axis=0) - failures, errors.failures) < STANDARD_ERRORS
    sample = np.cov(found, rowvar=False)
    assert worst(sample - exact_covariance, errors.covariance) < STANDARD_ERRORS
    np.testing.assert_allclose(covariance(*model), exact_covariance, rtol=0, atol=1e-12)
    P = two_state(SITE_TRAIN * DT, *synapse[1:]).response
    np.testing.assert_allclose(exact, synapse.n * P, rtol=0, atol=1e-12)
    for k, chance in enumerate(P):
        assert binomial_p_value(found[:, k].astype(int), synapse.n, chance) > P_VALUE
    if synapse.n and 0.3 < synapse.U < 1:  # memory of releases is there to be seen
        off = sample - np.diag(np.diag(sample))
        assert worst(off, errors.covariance) > 2 * STANDARD_ERRORS


@pytest.mark.parametrize("backend", BACKENDS)
def test_sites_remember_for_many_sites_and_a_long_train(backend):
    """n = 200: moments, and the covariance of neighbouring spikes, by the closed form."""
    copies, n, constants = SITE_COPIES, 200, (0.4, 0.5, 0.1)
    train = np.cumsum(np.random.default_rng(65).integers(50, 2000, 30))
    values = dict(zip(("n", "U", "tau_rec", "tau_facil"), (n, *constants), strict=True))
    program = sites()
    done = run(program, together(train, copies), backend=backend, seed=66, values=values)
    found = table(done.events["pre"], "last_released", copies)
    mean, exact = release.closed_form_moments(train * DT, n, *constants)
    assert mean_deviation(found, mean, np.diag(exact)) < STANDARD_ERRORS
    assert variance_deviation(found, np.diag(exact)) < STANDARD_ERRORS
    scale = np.sqrt(np.diag(exact))
    for k in range(len(train) - 1):
        product = (found[:, k] - mean[k]) * (found[:, k + 1] - mean[k + 1])
        error = product.std() / np.sqrt(copies)
        assert abs(product.mean() - exact[k, k + 1]) < STANDARD_ERRORS * error
    assert np.min(np.diag(exact, 1) / (scale[1:] * scale[:-1])) < -0.1
    np.testing.assert_allclose(covariance(train * DT, n, *constants), exact, rtol=0, atol=1e-9)


# --- release under plasticity --------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("acts_on", ["p", "n"])
def test_quanta_follow_a_weight_that_changes(backend, acts_on):
    """Binomial(n, w p), or Binomial(floor(w n + 1/2), p), with w as each spike finds it."""
    n, p, copies = 9, 0.7, 4000
    rule = PairSTDP.preset("song-2000", a_plus=0.2, a_minus=0.1)
    synapse = Synapse(
        n=n, p=p, release="binomial", plasticity=rule, acts_on=acts_on, record=("released",)
    )
    program = Program(synapse, copies, events=("w", "last_released"))
    done = run(
        program,
        together(np.array([100, 400, 900, 1500]), copies),
        post=together(np.array([150, 430, 1480]), copies),
        backend=backend,
        seed=67,
    )
    released = table(done.events["pre"], "last_released", copies)
    after_pre = table(done.events["pre"], "w", copies)[0]
    after_post = table(done.events["post"], "w", copies)[0]
    # Each pre spike finds w as the spike before it left it: pre, post, pre, post, pre, post, pre.
    found = [0.5, *after_post]
    assert np.ptp(found) > 0.2 and not np.allclose(found, after_pre)
    for k, w in enumerate(found):
        sites, chance = (n, w * p) if acts_on == "p" else (math.floor(w * n + 0.5), p)
        assert binomial_p_value(released[:, k].astype(int), sites, chance) > P_VALUE


# --- seeds ------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("structure", [binomial_short_term, between_sites, sites])
def test_a_seed_decides_every_byte(backend, structure):
    program = structure()
    pre = together(SITE_TRAIN, 300)

    def bytes_of(seed):
        done = run(program, pre, backend=backend, seed=seed)
        states = {**done.events["pre"].states, **done.final}
        return {name: value.tobytes() for name, value in states.items()}

    first = bytes_of(67)
    assert bytes_of(67) == first
    other = bytes_of(2**32 - 1)
    assert all(other[name] != first[name] for name in first)


@pytest.mark.parametrize("backend", BACKENDS)
def test_neighbouring_seeds_give_independent_samples(backend):
    program, pre = between_sites(), together(TRAIN[:10], 2048)
    runs = [run(program, pre, backend=backend, seed=seed) for seed in (70, 71)]
    first, second = (table(r.events["pre"], "last_released", 2048) for r in runs)
    assert correlation_deviation(first, second) < STANDARD_ERRORS
    assert stats.ks_2samp(first.ravel(), second.ravel()).pvalue > P_VALUE
