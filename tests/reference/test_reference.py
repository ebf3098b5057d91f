"""The references held against each other, against hand-worked cases and against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from tests.reference import lif, pair_stdp, release
from tests.reference import tsodyks_markram as tm

CHECK_INTERVALS_S = np.array([20, 20, 35, 10, 400, 12, 60]) * 1e-3
CHECK_TIMES_S = np.concatenate([[0.0], np.cumsum(CHECK_INTERVALS_S)])
CHECK_RESPONSE = [0.4, 0.381762, 0.210906, 0.135821, 0.064025, 0.321277, 0.282867, 0.204707]
CHECK = {"U": 0.4, "tau_rec": 0.3, "tau_facil": 0.15}

# name -> (U, tau_rec, tau_facil)
SYNAPSES = {
    "depressing": (0.5, 0.8, 0.02),
    "facilitating": (0.06, 0.15, 0.7),
    "no-facilitation": (0.35, 0.4, 0.0),
    "instant-recovery": (0.2, 0.0, 0.3),
}


def random_train(seed: int, n: int, mean_interval: float = 0.04) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 0.01 + np.cumsum(rng.exponential(mean_interval, n) + 1e-3)


# --- Tsodyks-Markram --------------------------------------------------------------------


def test_two_state_check_value():
    response = tm.two_state(CHECK_TIMES_S, **CHECK).response
    np.testing.assert_allclose(response, CHECK_RESPONSE, rtol=0, atol=5.1e-7)


def test_two_state_check_value_tells_the_misprint_and_the_wrong_order():
    """Using the new u in the depletion (eq. 2 of the PNAS paper), or facilitating late, shows."""

    def variant(misprint: bool) -> np.ndarray:
        u, x, out = CHECK["U"], 1.0, [CHECK["U"]]
        for h in CHECK_INTERVALS_S:
            u_old = u
            u = CHECK["U"] + u * (1 - CHECK["U"]) * math.exp(-h / CHECK["tau_facil"])
            used = u if misprint else u_old
            x = 1 - (1 - x * (1 - used)) * math.exp(-h / CHECK["tau_rec"])
            out.append((u if misprint else u_old) * x)
        return np.array(out)

    for misprint in (True, False):
        assert np.max(np.abs(variant(misprint) - CHECK_RESPONSE)) > 1e-3


def test_two_state_first_spike_from_rest_at_any_time():
    for start in (0.0, 3.7):
        u, x, response = tm.two_state([start], 0.3, 0.2, 0.1)
        assert (u[0], x[0], response[0]) == (0.3, 1.0, 0.3)


@pytest.mark.parametrize("name", SYNAPSES)
@pytest.mark.parametrize("rate", [5.0, 40.0])
def test_two_state_steady_state_is_the_end_of_a_long_train(name, rate):
    U, tau_rec, tau_facil = SYNAPSES[name]
    u, x, _ = tm.two_state(np.arange(2000) / rate, U, tau_rec, tau_facil)
    steady = tm.two_state_steady(rate, U, tau_rec, tau_facil)
    np.testing.assert_allclose((u[-1], x[-1]), steady, rtol=0, atol=1e-12)
    if name != "instant-recovery":
        assert abs(x[0] - steady[1]) > 1e-3


def test_three_state_is_the_solution_of_its_equations():
    U, tau_rec, tau_facil, tau_inact = 0.45, 0.6, 0.25, 0.02
    times = random_train(1, 12)
    exact = tm.three_state(times, U, tau_rec, tau_facil, tau_inact)

    def derivative(_, state):
        u, _, y, z = state
        return [-u / tau_facil, z / tau_rec, -y / tau_inact, y / tau_inact - z / tau_rec]

    state = np.array([0.0, 1.0, 0.0, 0.0])
    for i, t in enumerate(times):
        if i > 0:
            solved = solve_ivp(
                derivative, (times[i - 1], t), state, method="DOP853", rtol=1e-12, atol=1e-14
            )
            state = solved.y[:, -1]
        state[0] += U * (1 - state[0])
        found = [exact.u[i], exact.x[i], exact.y[i], exact.z[i]]
        np.testing.assert_allclose(found, state, rtol=0, atol=1e-10)
        released = state[0] * state[1]
        state[1] -= released
        state[2] += released


def test_three_state_tends_to_the_two_state_model():
    times = random_train(2, 30)
    two = tm.two_state(times, 0.5, 0.4, 0.1).response
    fast = tm.three_state(times, 0.5, 0.4, 0.1, 1e-9).response
    slow = tm.three_state(times, 0.5, 0.4, 0.1, 0.02).response
    np.testing.assert_allclose(fast, two, rtol=0, atol=1e-7)
    assert np.max(np.abs(slow - two)) > 1e-3


def test_three_state_equal_time_constants_are_the_limit():
    times = random_train(3, 30)
    equal = tm.three_state(times, 0.5, 0.3, 0.1, 0.3).response
    near = tm.three_state(times, 0.5, 0.3, 0.1, 0.3 * (1 + 1e-7)).response
    np.testing.assert_allclose(near, equal, rtol=0, atol=1e-7)


def test_three_state_steady_state_is_the_end_of_a_long_train():
    U, tau_rec, tau_facil, tau_inact = 0.3, 0.5, 0.2, 0.03
    end = tm.three_state(np.arange(2000) / 25.0, U, tau_rec, tau_facil, tau_inact)
    steady = tm.three_state_steady(25.0, U, tau_rec, tau_facil, tau_inact)
    found = (end.u[-1], end.x[-1], end.y[-1], end.z[-1])
    np.testing.assert_allclose(found, steady, rtol=0, atol=1e-12)


def test_trains_must_increase():
    with pytest.raises(ValueError, match="increase"):
        tm.two_state([0.1, 0.1], 0.3, 0.2, 0.1)


# --- release ----------------------------------------------------------------------------


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


# --- pair STDP --------------------------------------------------------------------------

RULE = {"a_plus": 0.011, "a_minus": 0.013, "tau_plus": 0.017, "tau_minus": 0.034}


def partners(pre_ms, post_ms, pairing, coincidence="none"):
    """{(side, index): partner indices} of all spikes that pair."""
    events = pair_stdp.weight_events(
        np.array(pre_ms) * 1e-3,
        np.array(post_ms) * 1e-3,
        pairing=pairing,
        coincidence=coincidence,
        **RULE,
    )
    return {(e.side, e.index): e.partners for e in events if e.partners}


def test_partners_by_hand_without_coincidences():
    #        pre0 pre1      pre2           pre3 pre4
    #                  post0     post1 post2          post3
    pre, post = [1, 2, 4, 7, 8], [3, 5, 6, 9]
    everything = {
        ("post", 0): (0, 1),
        ("pre", 2): (0,),
        ("post", 1): (0, 1, 2),
        ("post", 2): (0, 1, 2),
        ("pre", 3): (0, 1, 2),
        ("pre", 4): (0, 1, 2),
        ("post", 3): (0, 1, 2, 3, 4),
    }
    assert partners(pre, post, "all-to-all") == everything
    assert partners(pre, post, "nearest-symmetric") == {
        ("post", 0): (1,),
        ("pre", 2): (0,),
        ("post", 1): (2,),
        ("post", 2): (2,),
        ("pre", 3): (2,),
        ("pre", 4): (2,),
        ("post", 3): (4,),
    }
    assert partners(pre, post, "nearest-pre-centred") == {
        ("post", 0): (0, 1),
        ("pre", 2): (0,),
        ("post", 1): (2,),
        ("pre", 3): (2,),
        ("pre", 4): (2,),
        ("post", 3): (3, 4),
    }
    assert partners(pre, post, "nearest-reduced") == {
        ("post", 0): (1,),
        ("pre", 2): (0,),
        ("post", 1): (2,),
        ("pre", 3): (2,),
        ("post", 3): (4,),
    }


# pre0 and post0 come before, pre1 and post1 coincide at 3 ms, pre2 and post2 come after
COINCIDENT_PRE, COINCIDENT_POST = [1, 3, 6], [2, 3, 5]
COINCIDENT_CASES = [
    (
        "all-to-all",
        "none",
        {
            ("post", 0): (0,),
            ("pre", 1): (0,),
            ("post", 1): (0,),
            ("post", 2): (0, 1),
            ("pre", 2): (0, 1, 2),
        },
    ),
    (
        "all-to-all",
        "pre-first",
        {
            ("post", 0): (0,),
            ("pre", 1): (0,),
            ("post", 1): (0, 1),
            ("post", 2): (0, 1),
            ("pre", 2): (0, 1, 2),
        },
    ),
    (
        "all-to-all",
        "post-first",
        {
            ("post", 0): (0,),
            ("pre", 1): (0, 1),
            ("post", 1): (0,),
            ("post", 2): (0, 1),
            ("pre", 2): (0, 1, 2),
        },
    ),
    (
        "nearest-symmetric",
        "none",
        {
            ("post", 0): (0,),
            ("pre", 1): (0,),
            ("post", 1): (0,),
            ("post", 2): (1,),
            ("pre", 2): (2,),
        },
    ),
    (
        "nearest-symmetric",
        "pre-first",
        {
            ("post", 0): (0,),
            ("pre", 1): (0,),
            ("post", 1): (1,),
            ("post", 2): (1,),
            ("pre", 2): (2,),
        },
    ),
    (
        "nearest-symmetric",
        "post-first",
        {
            ("post", 0): (0,),
            ("pre", 1): (1,),
            ("post", 1): (0,),
            ("post", 2): (1,),
            ("pre", 2): (2,),
        },
    ),
    (
        "nearest-pre-centred",
        "none",
        {("post", 0): (0,), ("pre", 1): (0,), ("post", 2): (1,), ("pre", 2): (2,)},
    ),
    (
        "nearest-pre-centred",
        "pre-first",
        {("post", 0): (0,), ("pre", 1): (0,), ("post", 1): (1,), ("pre", 2): (2,)},
    ),
    (
        "nearest-pre-centred",
        "post-first",
        {("post", 0): (0,), ("pre", 1): (1,), ("post", 2): (1,), ("pre", 2): (2,)},
    ),
    (
        "nearest-reduced",
        "none",
        {("post", 0): (0,), ("pre", 1): (0,), ("post", 2): (1,), ("pre", 2): (2,)},
    ),
    (
        "nearest-reduced",
        "pre-first",
        {("post", 0): (0,), ("pre", 1): (0,), ("post", 1): (1,), ("pre", 2): (2,)},
    ),
    (
        "nearest-reduced",
        "post-first",
        {("post", 0): (0,), ("pre", 1): (1,), ("post", 2): (1,), ("pre", 2): (2,)},
    ),
]


@pytest.mark.parametrize(("pairing", "coincidence", "expected"), COINCIDENT_CASES)
def test_partners_by_hand_with_a_coincidence(pairing, coincidence, expected):
    assert partners(COINCIDENT_PRE, COINCIDENT_POST, pairing, coincidence) == expected


@pytest.mark.parametrize(
    ("coincidence", "expected"),
    [
        ("none", {("pre", 1): (0,)}),
        ("pre-first", {("post", 0): (0,), ("pre", 1): (0,)}),
        ("post-first", {("pre", 0): (0,)}),
    ],
)
def test_reduced_pre_after_a_coincident_pair(coincidence, expected):
    """An own-side spike coincident with the partner blocks only where it comes after it."""
    assert partners([1, 4], [1], "nearest-reduced", coincidence) == expected


@pytest.mark.parametrize(
    ("coincidence", "expected"),
    [
        ("none", {("post", 1): (0,)}),
        ("pre-first", {("post", 0): (0,)}),
        ("post-first", {("pre", 0): (0,), ("post", 1): (0,)}),
    ],
)
def test_reduced_post_after_a_coincident_pair(coincidence, expected):
    assert partners([1], [1, 4], "nearest-reduced", coincidence) == expected


def test_reduced_is_blocked_across_a_coincidence():
    """post at 1, pre at 2, then both at 4: the pre at 2 lies between 1 and 4, the pair is out."""
    assert partners([2, 4], [1, 4], "nearest-reduced") == {("pre", 0): (0,), ("post", 1): (0,)}


def by_traces(pre, post, pairing, mu_plus, mu_minus, w):
    """All four schemes by traces, for trains without coincidences: [(time, weight)]."""
    events = sorted([(t, "pre") for t in pre] + [(t, "post") for t in post])
    k_pre = k_post = 0.0
    fresh_pre = fresh_post = False  # not yet followed by a spike of the other side
    last = 0.0
    out = []
    for t, side in events:
        k_pre *= math.exp(-(t - last) / RULE["tau_plus"])
        k_post *= math.exp(-(t - last) / RULE["tau_minus"])
        last = t
        if side == "pre":
            used = k_post if pairing != "nearest-reduced" or fresh_post else 0.0
            w = max(0.0, w - RULE["a_minus"] * w**mu_minus * used)
            add = pairing in ("all-to-all", "nearest-pre-centred")
            k_pre = k_pre + 1.0 if add else 1.0
            fresh_pre, fresh_post = True, False
        else:
            used = k_pre if pairing != "nearest-reduced" or fresh_pre else 0.0
            w = min(1.0, w + RULE["a_plus"] * (1 - w) ** mu_plus * used)
            if pairing == "nearest-pre-centred":
                k_pre = 0.0
            k_post = k_post + 1.0 if pairing == "all-to-all" else 1.0
            fresh_post, fresh_pre = True, False
        out.append((t, w))
    return out


@pytest.mark.parametrize("pairing", pair_stdp.PAIRINGS)
@pytest.mark.parametrize("mu", [(0.0, 0.0), (1.0, 1.0), (0.4, 0.7)])
def test_enumeration_agrees_with_traces(pairing, mu):
    pre, post = random_train(21, 80, 0.02), random_train(22, 80, 0.02)
    events = pair_stdp.weight_events(
        pre, post, pairing=pairing, mu_plus=mu[0], mu_minus=mu[1], **RULE
    )
    expected = by_traces(pre, post, pairing, *mu, 0.5)
    np.testing.assert_allclose([e.time for e in events], [t for t, _ in expected], rtol=0)
    weights = [e.weight for e in events]
    np.testing.assert_allclose(weights, [w for _, w in expected], rtol=0, atol=1e-13)
    assert np.ptp(weights) > 0.01


def test_the_schemes_differ():
    pre, post = random_train(21, 80, 0.02), random_train(22, 80, 0.02)
    finals = [
        pair_stdp.final_weight(pair_stdp.weight_events(pre, post, pairing=pairing, **RULE))
        for pairing in pair_stdp.PAIRINGS
    ]
    distances = [abs(a - b) for i, a in enumerate(finals) for b in finals[:i]]
    assert min(distances) > 1e-3


def test_weight_dependence_and_bounds_by_hand():
    rule = {"a_plus": 0.3, "a_minus": 0.4, "tau_plus": 0.02, "tau_minus": 0.02}
    e10 = math.exp(-0.5)
    (_, post, pre) = pair_stdp.weight_events([0.0, 0.02], [0.01], mu_plus=0.5, mu_minus=2, **rule)
    after_ltp = 0.5 + 0.3 * math.sqrt(0.5) * e10
    assert post.weight == pytest.approx(after_ltp, rel=1e-14)
    assert pre.weight == pytest.approx(after_ltp - 0.4 * after_ltp**2 * e10, rel=1e-14)
    # bounds
    for bounds, top in (("hard", 1.0), ("none", 0.95 + 0.3 * e10)):
        events = pair_stdp.weight_events([0.0], [0.01], w0=0.95, bounds=bounds, **rule)
        assert events[-1].weight == pytest.approx(top, rel=1e-14)
    for bounds, bottom in (("hard", 0.0), ("none", 0.1 - 0.4 * e10)):
        events = pair_stdp.weight_events([0.01], [0.0], w0=0.1, bounds=bounds, **rule)
        assert events[-1].weight == pytest.approx(bottom, rel=1e-14)


def test_order_of_updates_at_one_time_stamp():
    """pre, post at 0 and 5 ms; both again at 10 ms: LTD before LTP, except under 'post-first'."""
    rule = {"a_plus": 0.3, "a_minus": 0.4, "tau_plus": 0.02, "tau_minus": 0.02}
    pre, post = [0.0, 0.01], [0.005, 0.01]
    w1 = 0.5 + 0.3 * 0.5 * math.exp(-0.25)
    early, half = math.exp(-0.5), math.exp(-0.25)

    def run(coincidence):
        events = pair_stdp.weight_events(
            pre, post, mu_plus=1, mu_minus=1, coincidence=coincidence, **rule
        )
        return [(e.side, e.weight) for e in events[2:]]

    w_pre = w1 - 0.4 * w1 * half
    w_end = w_pre + 0.3 * (1 - w_pre) * early
    assert run("none") == [("pre", pytest.approx(w_pre)), ("post", pytest.approx(w_end))]
    w_end = w_pre + 0.3 * (1 - w_pre) * (early + 1)
    assert run("pre-first") == [("pre", pytest.approx(w_pre)), ("post", pytest.approx(w_end))]
    w_post = w1 + 0.3 * (1 - w1) * early
    w_end = w_post - 0.4 * w_post * (half + 1)
    assert run("post-first") == [("post", pytest.approx(w_post)), ("pre", pytest.approx(w_end))]


def test_delays_shift_the_trains():
    pre, post = random_train(23, 30), random_train(24, 30)
    shifted = pair_stdp.weight_events(pre + 0.003, post + 0.008, **RULE)
    delayed = pair_stdp.weight_events(pre, post, axonal_delay=0.003, dendritic_delay=0.008, **RULE)
    assert shifted == delayed
    # coincidence is at the synapse, and survives the rounding of 0.1 + 0.2
    both = pair_stdp.weight_events([0.3], [0.1], dendritic_delay=0.2, **RULE)
    assert [e.partners for e in both] == [(), ()]
    early = pair_stdp.weight_events([0.3], [0.1], dendritic_delay=0.2, axonal_delay=0.01, **RULE)
    assert [(e.side, e.partners) for e in early] == [("post", ()), ("pre", (0,))]


def test_weights_read_at_pre_spikes():
    events = pair_stdp.weight_events([0.0, 0.01], [0.01], **RULE)
    ltp = 0.5 + RULE["a_plus"] * math.exp(-0.01 / RULE["tau_plus"])
    np.testing.assert_allclose(pair_stdp.weight_after_pre(events), [0.5, 0.5])
    np.testing.assert_allclose(pair_stdp.weight_after_time_of_pre(events), [0.5, ltp])


@pytest.mark.parametrize("coincidence", pair_stdp.COINCIDENCES)
@pytest.mark.parametrize("period", [0.02, 0.1, 1.0])
@pytest.mark.parametrize(
    "dt", [0.007, -0.007, 0.0, 0.0137, -0.0199, 0.055, -0.123, 0.1, -0.04, 2.5]
)
@pytest.mark.parametrize("n_pairs", [1, 2, 25])
def test_regular_pairs_against_enumeration(n_pairs, dt, period, coincidence):
    pre = 3.0 + np.arange(n_pairs) * period
    events = pair_stdp.weight_events(pre, pre + dt, bounds="none", coincidence=coincidence, **RULE)
    found = pair_stdp.final_weight(events) - 0.5
    summed = pair_stdp.regular_pairs_sum(dt, n_pairs, period, coincidence=coincidence, **RULE)
    assert found == pytest.approx(summed, rel=0, abs=1e-12)
    if 0 < abs(dt) < period:
        geometric = pair_stdp.regular_pairs_geometric(dt, n_pairs, period, **RULE)
        assert geometric == pytest.approx(summed, rel=1e-12, abs=1e-12)


def test_regular_pairs_are_told_from_isolated_pairs():
    total = pair_stdp.regular_pairs_sum(0.007, 25, 0.02, **RULE)
    isolated = 25 * pair_stdp.window(0.007, **RULE)
    assert abs(total - isolated) > 0.1 * abs(isolated)


def test_unknown_conventions_are_refused():
    for wrong in ({"pairing": "nearest"}, {"coincidence": "drop"}, {"bounds": "soft"}):
        with pytest.raises(ValueError, match="unknown"):
            pair_stdp.weight_events([0.0], [0.01], **RULE, **wrong)


# --- LIF --------------------------------------------------------------------------------

NEURON = {
    "resistance": 1e8,
    "tau_m": 0.02,
    "e_leak": -0.07,
    "v_th": -0.05,
    "v_reset": -0.065,
    "t_ref": 0.002,
}


@pytest.mark.parametrize("current", [2.1e-10, 3e-10, 1e-9])
def test_spike_times_against_integration(current):
    expected = []
    t, v = 0.0, -0.068

    def derivative(_, state):
        return [(-(state[0] + 0.07) + 1e8 * current) / 0.02]

    def threshold(_, state):
        return state[0] + 0.05

    threshold.terminal = True
    while True:
        solved = solve_ivp(
            derivative, (t, 1.0), [v], events=threshold, method="DOP853", rtol=1e-12, atol=1e-15
        )
        if not len(solved.t_events[0]):
            break
        expected.append(solved.t_events[0][0])
        t, v = expected[-1] + NEURON["t_ref"], NEURON["v_reset"]
    found = lif.spike_times(current, 1.0, -0.068, **NEURON)
    assert len(found) == len(expected) > 5
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
    assert lif.firing_rate(current, **NEURON) == pytest.approx(1 / np.diff(found)[0], rel=1e-9)


def test_no_rate_at_or_below_threshold():
    assert lif.firing_rate(1.9e-10, **NEURON) == 0
    assert len(lif.spike_times(1.9e-10, 5.0, -0.07, **NEURON)) == 0
    exact = {**NEURON, "resistance": 1.0, "e_leak": 0.0, "v_th": 0.5, "v_reset": 0.0}
    assert lif.firing_rate(0.5, **exact) == 0
    assert lif.firing_rate(0.5 + 1e-9, **exact) > 0


def test_kernels_peak_at_one():
    t = np.linspace(-0.01, 0.1, 110_001)
    for kernel, peak_time in (
        (lif.exponential_kernel(t, 0.005), 0.0),
        (lif.alpha_kernel(t, 0.005), 0.005),
        (lif.biexponential_kernel(t, 0.001, 0.02), lif.biexponential_peak_time(0.001, 0.02)),
        (lif.biexponential_kernel(t, 0.005, 0.005), 0.005),
    ):
        assert kernel.max() == pytest.approx(1, abs=1e-6)
        assert t[np.argmax(kernel)] == pytest.approx(peak_time, abs=2e-6)
        assert np.all(kernel[t < 0] == 0)


C, G = 2e-10, 1e-8  # tau_m = 20 ms
T = np.linspace(0, 0.2, 101)
CURRENT_CASES = {
    "exponential": (
        lambda t: lif.psp_exponential(t, 1e-10, C, C / G, 0.005),
        lambda s: lif.exponential_kernel(s, 0.005),
    ),
    "exponential, tau_s = tau_m": (
        lambda t: lif.psp_exponential(t, 1e-10, C, C / G, C / G),
        lambda s: lif.exponential_kernel(s, C / G),
    ),
    "alpha": (
        lambda t: lif.psp_alpha(t, 1e-10, C, C / G, 0.005),
        lambda s: lif.alpha_kernel(s, 0.005),
    ),
    "alpha, tau_s near tau_m": (
        lambda t: lif.psp_alpha(t, 1e-10, C, C / G, 0.0201),
        lambda s: lif.alpha_kernel(s, 0.0201),
    ),
    "biexponential": (
        lambda t: lif.psp_biexponential(t, 1e-10, C, C / G, 0.001, 0.008),
        lambda s: lif.biexponential_kernel(s, 0.001, 0.008),
    ),
    "biexponential, tau_decay = tau_m": (
        lambda t: lif.psp_biexponential(t, 1e-10, C, C / G, 0.001, C / G),
        lambda s: lif.biexponential_kernel(s, 0.001, C / G),
    ),
}


@pytest.mark.parametrize("name", CURRENT_CASES)
def test_current_psps_against_integration(name):
    psp, kernel = CURRENT_CASES[name]
    arrivals, weights = [0.0, 0.013, 0.0511], [1.0, 0.5, -0.7]
    found = lif.superpose(psp, T, arrivals, weights)
    integrated = lif.integrate_membrane(
        T,
        capacitance=C,
        g_leak=G,
        e_leak=-0.07,
        kernel=kernel,
        arrivals=arrivals,
        weights=weights,
        i_peak=1e-10,
    )
    assert found.max() > 1e-4
    np.testing.assert_allclose(found, integrated, rtol=0, atol=1e-12)


def test_delta_psp():
    found = lif.psp_delta([-1e-3, 0.0, 0.02], 1e-3, 0.02)
    np.testing.assert_allclose(found, [0, 1e-3, 1e-3 * math.exp(-1)], rtol=1e-14)


def test_alpha_psp_is_smooth_through_equal_time_constants():
    equal = lif.psp_alpha(T, 1e-10, C, 0.02, 0.02)
    np.testing.assert_allclose(
        equal, 1e-10 * math.e / (C * 0.02) * np.exp(-T / 0.02) * T**2 / 2, rtol=1e-13
    )
    for tau_s in (0.02 * (1 + 1e-9), 0.02 * (1 - 1e-9)):
        np.testing.assert_allclose(
            lif.psp_alpha(T, 1e-10, C, 0.02, tau_s), equal, rtol=0, atol=1e-11
        )


def test_conductance_against_exact_cases():
    # a constant conductance: exponential relaxation to the weighted mean of the reversals
    g, e_rev, e_leak = 3e-8, 0.0, -0.07
    found = lif.psp_conductance(
        T, g_peak=g, e_rev=e_rev, kernel=lambda s: 1.0, capacitance=C, g_leak=G, e_leak=e_leak
    )
    final = g * (e_rev - e_leak) / (g + G)
    exact = final * (1 - np.exp(-T * (g + G) / C))
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12)
    # a tiny one: the current-based PSP with g (e_rev - e_leak)
    tiny = lif.psp_conductance(
        T,
        g_peak=1e-14,
        e_rev=e_rev,
        kernel=lambda s: lif.alpha_kernel(s, 0.005),
        capacitance=C,
        g_leak=G,
        e_leak=e_leak,
    )
    current = lif.psp_alpha(T, 1e-14 * (e_rev - e_leak), C, C / G, 0.005)
    np.testing.assert_allclose(tiny, current, rtol=0, atol=2e-6 * current.max())
    # a large one saturates below the reversal potential, the current would not
    large = lif.psp_conductance(
        T,
        g_peak=1e-6,
        e_rev=e_rev,
        kernel=lambda s: lif.alpha_kernel(s, 0.005),
        capacitance=C,
        g_leak=G,
        e_leak=e_leak,
    )
    assert 0.06 < large.max() < e_rev - e_leak


def test_conductance_by_variation_of_constants():
    """An exponential conductance has an integral form: v' = -a(t) v + b(t), with a integrable."""
    g_peak, e_rev, e_leak, tau_s = 2e-8, 0.0, -0.07, 0.005
    found = lif.psp_conductance(
        [0.0, 0.01, 0.03],
        g_peak=g_peak,
        e_rev=e_rev,
        kernel=lambda s: lif.exponential_kernel(s, tau_s),
        capacitance=C,
        g_leak=G,
        e_leak=e_leak,
    )

    def exponent(t):
        return (G * t + g_peak * tau_s * (1 - np.exp(-t / tau_s))) / C

    for t, value in ((0.01, found[1]), (0.03, found[2])):

        def integrand(s, t=t):
            drive = g_peak * np.exp(-s / tau_s) * (e_rev - e_leak) / C
            return drive * np.exp(exponent(s) - exponent(t))

        exact, _ = quad(integrand, 0, t, epsabs=1e-15, epsrel=1e-13)
        assert value == pytest.approx(exact, rel=0, abs=1e-12)
