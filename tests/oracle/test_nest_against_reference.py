"""The references against NEST 3.10: same trains, same rules, independent code."""

from __future__ import annotations

import numpy as np
import pytest

from tests.oracle import nest_runs
from tests.reference import pair_stdp, release
from tests.reference import tsodyks_markram as tm

CHECK_TIMES_MS = np.cumsum([5.0, 20, 20, 35, 10, 400, 12, 60])
CHECK_RESPONSE = [0.4, 0.381762, 0.210906, 0.135821, 0.064025, 0.321277, 0.282867, 0.204707]
PAIRINGS = list(nest_runs.SCHEME_OF_PAIRING)


@pytest.fixture(autouse=True)
def nest_or_skip():
    nest_runs.require_nest()


def grid_train(rng: np.random.Generator, n: int, duration_ms: float, step_ms: float = 0.1):
    """``n`` different times on a grid, increasing, from one step to ``duration_ms``."""
    steps = rng.choice(round(duration_ms / step_ms), size=n, replace=False)
    return np.sort(steps + 1) * step_ms


# --- short-term plasticity --------------------------------------------------------------


def test_check_value():
    found = nest_runs.nest_tsodyks2(CHECK_TIMES_MS, 0.4, 300.0, 150.0)
    np.testing.assert_allclose(found, CHECK_RESPONSE, rtol=0, atol=5.1e-7)


@pytest.mark.parametrize(
    ("U", "tau_rec_ms", "tau_facil_ms"),
    [(0.4, 300.0, 150.0), (0.05, 120.0, 900.0), (0.7, 800.0, 0.0), (1.0, 50.0, 10.0)],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_two_state_on_random_trains(U, tau_rec_ms, tau_facil_ms, seed):
    times = grid_train(np.random.default_rng(seed), 200, 8000.0)
    found = nest_runs.nest_tsodyks2(times, U, tau_rec_ms, tau_facil_ms)
    expected = tm.two_state(times * 1e-3, U, tau_rec_ms * 1e-3, tau_facil_ms * 1e-3).response
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert np.ptp(found) > 0.05


@pytest.mark.parametrize(
    ("U", "tau_rec_ms", "tau_facil_ms", "tau_inact_ms"),
    [(0.5, 800.0, 0.0, 3.0), (0.1, 100.0, 1000.0, 20.0), (0.4, 30.0, 150.0, 80.0)],
)
def test_three_state_on_random_trains(U, tau_rec_ms, tau_facil_ms, tau_inact_ms):
    times = grid_train(np.random.default_rng(3), 200, 8000.0)
    found = nest_runs.nest_tsodyks3(times, U, tau_rec_ms, tau_facil_ms, tau_inact_ms)
    taus = (tau_rec_ms * 1e-3, tau_facil_ms * 1e-3)
    expected = tm.three_state(times * 1e-3, U, *taus, tau_inact_ms * 1e-3).response
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    two = tm.two_state(times * 1e-3, U, *taus).response
    assert np.max(np.abs(found - two)) > 5e-4  # the third state shows


# --- STDP -------------------------------------------------------------------------------

ADDITIVE = {"a_plus": 0.004, "a_minus": 0.0035, "mu_plus": 0.0, "mu_minus": 0.0}
MULTIPLICATIVE = {"a_plus": 0.05, "a_minus": 0.04, "mu_plus": 1.0, "mu_minus": 1.0}
POWER = {"a_plus": 0.05, "a_minus": 0.04, "mu_plus": 0.4, "mu_minus": 0.7}
CLIPPED = {"a_plus": 0.6, "a_minus": 0.5, "mu_plus": 0.0, "mu_minus": 0.0}
RULES = {
    "additive": ADDITIVE,
    "multiplicative": MULTIPLICATIVE,
    "power": POWER,
    "clipped": CLIPPED,
}
TAUS_MS = {"tau_plus_ms": 17.0, "tau_minus_ms": 34.0}
TAUS_S = {"tau_plus": 0.017, "tau_minus": 0.034}


def without_coincidences(pre: np.ndarray, post: np.ndarray, delay_ms: float) -> np.ndarray:
    """``post`` without the spikes that reach the synapse together with a pre spike."""
    together = np.isin(np.round((post + delay_ms) * 10), np.round(pre * 10))
    return post[~together]


def reference_events(pre, post, pairing, delay_ms, rule):
    return pair_stdp.weight_events(
        pre * 1e-3,
        post * 1e-3,
        pairing=pairing,
        dendritic_delay=delay_ms * 1e-3,
        **TAUS_S,
        **rule,
    )


def reference_weights(pre, post, pairing, delay_ms, rule, at_end_of_stamp=False):
    events = reference_events(pre, post, pairing, delay_ms, rule)
    if at_end_of_stamp:
        return pair_stdp.weight_after_time_of_pre(events)
    return pair_stdp.weight_after_pre(events)


@pytest.mark.parametrize("delay_ms", [0.1, 2.5])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_stdp_on_random_trains(pairing, rule, delay_ms):
    rng = np.random.default_rng(4)
    pre = grid_train(rng, 120, 2000.0)
    post = without_coincidences(pre, grid_train(rng, 120, 2000.0), delay_ms)
    scheme = nest_runs.SCHEME_OF_PAIRING[pairing]
    found = nest_runs.nest_stdp(
        pre, post, scheme, dendritic_delay_ms=delay_ms, **TAUS_MS, **RULES[rule]
    )
    expected = reference_weights(pre, post, pairing, delay_ms, RULES[rule])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    if rule == "clipped":
        weights = [e.weight for e in reference_events(pre, post, pairing, delay_ms, RULES[rule])]
        assert weights.count(0.0) > 1 and weights.count(1.0) > 1
    # any other scheme, and the delay on the other side, would be told apart
    for other in PAIRINGS:
        if other != pairing:
            wrong = reference_weights(pre, post, other, delay_ms, RULES[rule])
            assert np.max(np.abs(found - wrong)) > 1e-3
    wrong = reference_weights(pre, post, pairing, -delay_ms, RULES[rule])
    assert np.max(np.abs(found - wrong)) > 1e-5


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_stdp_when_the_post_side_begins(pairing):
    """NEST's presynaptic spike at t = 0 must not show."""
    pre, post = np.array([20.0, 40.0, 60.0]), np.array([5.0, 10.0, 45.0])
    scheme = nest_runs.SCHEME_OF_PAIRING[pairing]
    found = nest_runs.nest_stdp(pre, post, scheme, **TAUS_MS, **MULTIPLICATIVE)
    expected = reference_weights(pre, post, pairing, 0.1, MULTIPLICATIVE)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert found[0] < 0.5


@pytest.mark.parametrize("pairing", PAIRINGS[:3])
def test_stdp_with_coincident_spikes(pairing):
    """On a coarse grid; additive and off the bounds, as the order of updates differs."""
    rng = np.random.default_rng(5)
    pre, post = grid_train(rng, 60, 500.0, 1.0), grid_train(rng, 60, 500.0, 1.0)
    assert np.isin(post + 1.0, pre).sum() >= 5
    rule = {**ADDITIVE, "a_plus": 0.002, "a_minus": 0.0015}
    scheme = nest_runs.SCHEME_OF_PAIRING[pairing]
    found = nest_runs.nest_stdp(pre, post, scheme, dendritic_delay_ms=1.0, **TAUS_MS, **rule)
    expected = reference_weights(pre, post, pairing, 1.0, rule, at_end_of_stamp=True)
    assert 0 < expected.min() and expected.max() < 1
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    for coincidence in ("pre-first", "post-first"):
        events = pair_stdp.weight_events(
            pre * 1e-3,
            post * 1e-3,
            pairing=pairing,
            coincidence=coincidence,
            dendritic_delay=1e-3,
            **TAUS_S,
            **rule,
        )
        wrong = pair_stdp.weight_after_time_of_pre(events)
        assert np.max(np.abs(found - wrong)) > 1e-3


def test_where_nn_restr_departs_from_the_definition():
    """Pins the two departures that nest_runs describes: if NEST mends them, this says so."""
    rule = {**ADDITIVE, "a_plus": 0.1, "a_minus": 0.1}

    def both(pre, post_at_synapse):
        pre, post = np.array(pre), np.array(post_at_synapse) - 1.0
        found = nest_runs.nest_stdp(
            pre, post, "stdp_nn_restr_synapse", dendritic_delay_ms=1.0, **TAUS_MS, **rule
        )
        return found[-1], reference_weights(pre, post, "nearest-reduced", 1.0, rule, True)[-1]

    # both at 10, pre at 20: the definition pairs 20 with the post at 10
    nest, reference = both([10.0, 20.0], [10.0])
    assert reference == pytest.approx(0.5 - 0.1 * np.exp(-10 / 34), abs=1e-12)
    assert nest == pytest.approx(0.5, abs=1e-12)
    # post at 5, pre at 10, both at 20: the pre at 10 lies between the post at 5 and 20
    nest, reference = both([10.0, 20.0], [5.0, 20.0])
    defined = 0.5 - 0.1 * np.exp(-5 / 34) + 0.1 * np.exp(-10 / 17)
    assert reference == pytest.approx(defined, abs=1e-12)
    assert nest == pytest.approx(defined - 0.1 * np.exp(-15 / 34), abs=1e-12)


# --- quantal release --------------------------------------------------------------------

N_SYNAPSES = 2000
TOLERANCE_SE = 4.0
QUANTAL_MS = np.cumsum([5.0, 20, 20, 35, 100, 12])


@pytest.mark.parametrize(
    ("n", "U", "tau_rec_ms", "tau_facil_ms", "seed"),
    [(1, 0.4, 300.0, 150.0, 11), (4, 0.5, 200.0, 20.0, 12), (4, 0.1, 80.0, 500.0, 13)],
)
def test_quantal_release(n, U, tau_rec_ms, tau_facil_ms, seed):
    k = nest_runs.nest_quantal(
        QUANTAL_MS, U, n, tau_rec_ms, tau_facil_ms, n_synapses=N_SYNAPSES, seed=seed
    )
    assert k.shape == (N_SYNAPSES, len(QUANTAL_MS)) and 0 <= k.min() and k.max() <= n
    model = (QUANTAL_MS * 1e-3, n, U, tau_rec_ms * 1e-3, tau_facil_ms * 1e-3)
    mean, covariance = release.closed_form_moments(*model)
    failures = release.closed_form_pmf(*model)[:, 0]
    errors = release.joint_standard_errors(release.released_joint_pmf(*model), N_SYNAPSES)
    sample = np.cov(k, rowvar=False)

    def largest(difference, error):
        """Largest deviation in standard errors; an error of 0 (first spike, U = 1) allows none."""
        return np.max(np.abs(difference) / np.maximum(error, 1e-15))

    assert largest(k.mean(axis=0) - mean, errors.mean) < TOLERANCE_SE
    assert largest(np.diag(sample - covariance), np.diag(errors.covariance)) < TOLERANCE_SE
    assert largest((k == 0).mean(axis=0) - failures, errors.failures) < TOLERANCE_SE
    assert largest(sample - covariance, errors.covariance) < TOLERANCE_SE
    # what these bounds tell apart: no plasticity, and (depressing synapses) no memory of releases
    assert largest(k.mean(axis=0) - n * U, errors.mean) > 2 * TOLERANCE_SE
    if U > 0.3:
        off = sample - np.diag(np.diag(sample))
        assert largest(off, errors.covariance) > 2 * TOLERANCE_SE


def test_quantal_release_is_reproducible_and_independent():
    arguments = (QUANTAL_MS, 0.4, 3, 300.0, 150.0)
    first = nest_runs.nest_quantal(*arguments, n_synapses=200, seed=7)
    again = nest_runs.nest_quantal(*arguments, n_synapses=200, seed=7)
    other = nest_runs.nest_quantal(*arguments, n_synapses=200, seed=8)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


# --- the harness itself -----------------------------------------------------------------


def test_errors_of_nest_are_not_swallowed():
    with pytest.raises(RuntimeError, match="NEST failed"):
        nest_runs.nest_tsodyks2([1.0, 2.03], 0.4, 300.0, 150.0)  # off the grid
    # and the process goes on
    assert nest_runs.nest_tsodyks2([1.0], 0.4, 300.0, 150.0)[0] == 0.4


def test_stdout_stays_quiet(capfd):
    nest_runs.nest_version()
    assert capfd.readouterr().out == ""
