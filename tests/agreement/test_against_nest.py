"""Simulated synapses against NEST 3.10 on the same trains.

What NEST does differently, and how the trains here are made so that it does not matter, is in
`tests/oracle/nest_runs.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

from synsim.models.release_sites import covariance
from tests.agreement.samples import STANDARD_ERRORS, worst
from tests.agreement.site_samples import (
    SITE_CASES,
    SITE_COPIES,
    SITE_TRAIN,
    site_errors,
    site_samples,
)
from tests.agreement.structures import (
    DT,
    PAIRINGS,
    THREE_STATE,
    TWO_STATE,
    of_copy,
    plastic,
    run,
    train_spikes,
)
from tests.oracle import nest_runs

STEP_MS = DT * 1e3
TAUS_MS = {"tau_plus_ms": 17.0, "tau_minus_ms": 34.0}
# All four on the hard bounds 0 and 1, which is what NEST has.
RULES = {
    "additive": {"a_plus": 0.02, "a_minus": 0.0175, "mu_plus": 0.0, "mu_minus": 0.0},
    "clipped": {"a_plus": 0.6, "a_minus": 0.5, "mu_plus": 0.0, "mu_minus": 0.0},
    "multiplicative": {"a_plus": 0.05, "a_minus": 0.04, "mu_plus": 1.0, "mu_minus": 1.0},
    "power": {"a_plus": 0.05, "a_minus": 0.04, "mu_plus": 0.4, "mu_minus": 0.7},
}


@pytest.fixture(autouse=True)
def nest_or_skip():
    nest_runs.require_nest()


def random_train(rng, count, duration, grid=1):
    """Steps, increasing, from 1 on."""
    return np.sort(rng.choice(duration // grid, count, replace=False) + 1) * grid


def simulated_weights(pre, post, pairing, delay, rule, backend):
    """At every pre spike: just after it, and at the end of its time step."""
    done = run(
        plastic(pairing, "none"),
        train_spikes([pre]),
        train_spikes([post]),
        backend=backend,
        values={
            **rule,
            "tau_plus": TAUS_MS["tau_plus_ms"] * 1e-3,
            "tau_minus": TAUS_MS["tau_minus_ms"] * 1e-3,
            "dendritic_delay": delay * DT,
        },
    )
    _, after_pre = of_copy(done.events["pre"], 0, "w")
    post_steps, after_post = of_copy(done.events["post"], 0, "w")
    at_end = after_pre.copy()
    _, where_pre, where_post = np.intersect1d(pre, post_steps, return_indices=True)
    at_end[where_pre] = after_post[where_post]
    return after_pre, at_end


def nest_weights(pre, post, pairing, delay, rule):
    return nest_runs.nest_stdp(
        pre * STEP_MS,
        post * STEP_MS,
        nest_runs.SCHEME_OF_PAIRING[pairing],
        dendritic_delay_ms=delay * STEP_MS,
        **TAUS_MS,
        **rule,
    )


@pytest.mark.parametrize("delay", [1, 25])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_weight_at_presynaptic_spikes(pairing, rule, delay):
    """stdp_synapse, stdp_nn_symm, stdp_nn_pre_centered, stdp_nn_restr: trains apart, 1e-9."""
    rng = np.random.default_rng([40, delay])
    pre = random_train(rng, 150, 20_000)
    post = np.setdiff1d(random_train(rng, 150, 20_000), pre - delay)
    found, _ = simulated_weights(pre, post, pairing, delay, RULES[rule], "cpp_standalone")
    expected = nest_weights(pre, post, pairing, delay, RULES[rule])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert np.ptp(found) > 0.02


@pytest.mark.parametrize("backend", ["cpp_standalone", "cython", "numpy"])
@pytest.mark.parametrize("pairing", ["all-to-all", "nearest-symmetric"])
def test_weight_at_presynaptic_spikes_on_every_target(pairing, backend):
    rng = np.random.default_rng(41)
    pre = random_train(rng, 60, 8_000)
    post = np.setdiff1d(random_train(rng, 60, 8_000), pre - 7)
    found, _ = simulated_weights(pre, post, pairing, 7, RULES["power"], backend)
    expected = nest_weights(pre, post, pairing, 7, RULES["power"])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("pairing", PAIRINGS[:3])
def test_weight_with_coincident_spikes(pairing):
    """The three that leave coincident pairs out as 'none' does; at the end of the time step,
    because NEST has the LTP of a step before its LTD."""
    rng = np.random.default_rng(42)
    pre, post = (random_train(rng, 60, 5_000, grid=10) for _ in range(2))
    assert np.isin(post + 10, pre).sum() >= 5
    rule = {**RULES["additive"], "a_plus": 0.002, "a_minus": 0.0015}
    _, found = simulated_weights(pre, post, pairing, 10, rule, "cpp_standalone")
    expected = nest_weights(pre, post, pairing, 10, rule)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert 0 < found.min() and found.max() < 1


def simulated_release(structure, train, **values):
    """Quanta of one site along a train."""
    done = run(
        plastic(*structure),
        train_spikes([train]),
        backend="cpp_standalone",
        values={"n": 1, **values},
    )
    return done.events["pre"].states["last_released"]


@pytest.mark.parametrize(
    ("U", "tau_rec_ms", "tau_facil_ms"),
    [(0.4, 300.0, 150.0), (0.05, 120.0, 900.0), (0.7, 800.0, 0.0), (1.0, 50.0, 10.0)],
)
def test_two_states_against_tsodyks2(U, tau_rec_ms, tau_facil_ms):
    train = random_train(np.random.default_rng(43), 300, 80_000)
    found = simulated_release(
        TWO_STATE, train, U=U, tau_rec=tau_rec_ms * 1e-3, tau_facil=tau_facil_ms * 1e-3
    )
    expected = nest_runs.nest_tsodyks2(train * STEP_MS, U, tau_rec_ms, tau_facil_ms)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert np.ptp(found) > 0.05


@pytest.mark.parametrize(
    ("U", "tau_rec_ms", "tau_facil_ms", "tau_inact_ms"),
    [(0.5, 800.0, 0.0, 3.0), (0.1, 100.0, 1000.0, 20.0), (0.4, 30.0, 150.0, 80.0)],
)
def test_three_states_against_tsodyks(U, tau_rec_ms, tau_facil_ms, tau_inact_ms):
    train = random_train(np.random.default_rng(44), 300, 80_000)
    found = simulated_release(
        THREE_STATE,
        train,
        U=U,
        tau_rec=tau_rec_ms * 1e-3,
        tau_facil=tau_facil_ms * 1e-3,
        tau_inact=tau_inact_ms * 1e-3,
    )
    expected = nest_runs.nest_tsodyks3(train * STEP_MS, U, tau_rec_ms, tau_facil_ms, tau_inact_ms)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_sites_against_quantal_stp():
    """Mean, variance, failures and covariance of two samples of 2,000 synapses each."""
    samples = site_samples("cpp_standalone", seed=45)
    for number, case in enumerate(SITE_CASES[:3]):
        ours = samples[number]
        nest = nest_runs.nest_quantal(
            SITE_TRAIN * STEP_MS,
            case.U,
            case.n,
            case.tau_rec * 1e3,
            case.tau_facil * 1e3,
            n_synapses=SITE_COPIES,
            seed=46 + number,
        )
        errors = site_errors(case)
        two = np.sqrt(2) * STANDARD_ERRORS  # the difference of two samples
        assert worst(ours.mean(axis=0) - nest.mean(axis=0), errors.mean) < two
        failures = (ours == 0).mean(axis=0) - (nest == 0).mean(axis=0)
        assert worst(failures, errors.failures) < two
        covariances = [np.cov(sample, rowvar=False) for sample in (ours, nest)]
        assert worst(covariances[0] - covariances[1], errors.covariance) < two
        # and NEST's own sample against the closed forms that synsim predicts with
        predicted = covariance(SITE_TRAIN * DT, *case)
        assert worst(covariances[1] - predicted, errors.covariance) < STANDARD_ERRORS
