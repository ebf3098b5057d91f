"""The reference: pair STDP, held against hand-worked pairs and traces."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.reference import pair_stdp
from tests.reference.trains import random_train

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
