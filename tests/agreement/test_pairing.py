"""N regular pairings: the simulation against closed forms, for lags of any sign and size."""

from __future__ import annotations

import numpy as np
import pytest

from synsim import PairSTDP
from synsim.engine import BACKENDS
from synsim.models.pair_stdp import repeated_pairing
from synsim.predict.pairing import pairing_course
from tests.agreement.structures import (
    COINCIDENT,
    DT,
    PAIRINGS,
    of_copy,
    plastic,
    run,
    train_spikes,
    unbounded,
)
from tests.reference import pair_stdp as reference

RULE = {"a_plus": 0.01, "a_minus": 0.0105, "tau_plus": 0.0168, "tau_minus": 0.0337}
N_PAIRS = 60
RELATIVE = 1e-10


def lags_for(period: int) -> np.ndarray:
    """Steps: both signs, 0, a step off it, about the period, and several periods away."""
    fixed = [1, 7, 10, 53, 100, 168, 200, 250, 400, 573, 1000]
    about = [period // 3, period // 2, period - 1, period, period + 1, 2 * period, 7 * period // 2]
    one_side = np.unique(fixed + about)
    return np.concatenate([-one_side[::-1], [0], one_side])


def pairings(lags, period: int, n_pairs: int):
    """Trains of the pre and the post side, in steps, one copy per lag."""
    start = max(0, -int(lags.min())) + 1
    pre = start + np.arange(n_pairs) * period
    return train_spikes([pre] * len(lags)), train_spikes([pre + lag for lag in lags])


def simulated_change(lags, period, n_pairs):
    """From 0 and without bounds, so that no digit is lost in the weight."""
    pre, post = pairings(lags, period, n_pairs)
    program = unbounded("all-to-all", "none")
    return run(program, pre, post, backend="cpp_standalone", values=RULE).final["w"][: len(lags)]


def assert_agrees(found, expected, n_pairs):
    """To 1e-10 of the change. The floor is what rounding of a coincident pair's trace, 1 + r - 1,
    leaves where the change itself is next to nothing."""
    np.testing.assert_allclose(found, expected, rtol=RELATIVE, atol=1e-18 * n_pairs)


@pytest.mark.parametrize("n_pairs", [1, 2, N_PAIRS, 300])
@pytest.mark.parametrize("period_ms", [20, 50, 100, 333.3, 1000])
def test_change_of_regular_pairs_is_the_closed_form(period_ms, n_pairs):
    period = round(period_ms * 1e-3 / DT)
    lags = lags_for(period)
    found = simulated_change(lags, period, n_pairs)
    sums = [reference.regular_pairs_sum(lag * DT, n_pairs, period * DT, **RULE) for lag in lags]
    assert np.max(np.abs(sums)) > 0.008 * n_pairs
    assert_agrees(found, sums, n_pairs)
    assert_agrees(repeated_pairing(lags * DT, period * DT, n_pairs, **RULE), sums, n_pairs)
    inside = (np.abs(lags) < period) & (lags != 0)
    geometric = [
        reference.regular_pairs_geometric(lag * DT, n_pairs, period * DT, **RULE)
        for lag in lags[inside]
    ]
    assert_agrees(found[inside], geometric, n_pairs)


@pytest.mark.parametrize("backend", BACKENDS)
def test_change_of_regular_pairs_around_one_half(backend):
    """The bounded rule, off its bounds, on every target: here w itself is rounded."""
    lags, period = lags_for(500), 500
    pre, post = pairings(lags, period, N_PAIRS)
    small = RULE | {"a_plus": 1e-3, "a_minus": 1.05e-3, "w": 0.5}
    done = run(plastic("all-to-all", "none"), pre, post, backend=backend, values=small)
    found = [of_copy(done.events["post"], copy, "w")[1][-1] for copy in range(len(lags))]
    ends = lags > 0  # then the last spike is a post spike
    expected = 0.5 + 0.1 * repeated_pairing(lags * DT, period * DT, N_PAIRS, **RULE)
    np.testing.assert_allclose(np.array(found)[ends], expected[ends], rtol=0, atol=1e-14)
    assert np.max(np.abs(expected - 0.5)) > 0.03


def test_closed_form_is_told_from_its_neighbours():
    """One pair fewer, a lag one step off, or pairs of other periods left out would show."""
    lag, period = 0.0101, 0.05
    exact = repeated_pairing(lag, period, N_PAIRS, **RULE)
    for wrong in (
        repeated_pairing(lag, period, N_PAIRS - 1, **RULE),
        repeated_pairing(lag + DT, period, N_PAIRS, **RULE),
        N_PAIRS * repeated_pairing(lag, period, 1, **RULE),
    ):
        assert abs(wrong / exact - 1) > 1e-3


@pytest.mark.parametrize("coincident", COINCIDENT)
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_predicted_course_of_pairings_is_the_enumeration_of_pairs(pairing, coincident):
    """`pairing_course` against the blind reference: every rule, lags about the period."""
    n_pairs, dt, period = 12, 1e-3, 20
    lags = np.array([-47, -40, -21, -20, -19, -7, -1, 0, 1, 7, 19, 20, 21, 40, 47])
    rules = {
        "additive": ({"a_plus": 0.02, "a_minus": 0.023}, "hard", 0.5),
        "clipped": ({"a_plus": 0.3, "a_minus": 0.2}, "hard", 0.5),
        "unbounded": ({"a_plus": 0.3, "a_minus": 0.2}, "none", 0.0),
        "power": (
            {"a_plus": 0.1, "a_minus": 0.12, "mu_plus": 0.4, "mu_minus": 0.7},
            "hard",
            0.3,
        ),
        "multiplicative": (
            {"a_plus": 0.1, "a_minus": 0.12, "mu_plus": 1.0, "mu_minus": 1.0},
            "hard",
            0.3,
        ),
    }
    start = 50 * dt
    for numbers, bounds, w0 in rules.values():
        rule = PairSTDP(
            tau_plus="17ms",
            tau_minus="34ms",
            pairing=pairing,
            coincident=coincident,
            bounds=bounds,
            **numbers,
        )
        found = pairing_course(rule, lags, period, n_pairs, dt, w0)
        for row, lag in zip(found, lags, strict=True):
            pre = start + np.arange(n_pairs) * period * dt
            post = pre + lag * dt
            events = reference.weight_events(
                pre,
                post,
                tau_plus=0.017,
                tau_minus=0.034,
                w0=w0,
                bounds=bounds,
                pairing=pairing,
                coincidence=coincident,
                **numbers,
            )
            done = np.maximum(pre, post) + reference.TOLERANCE
            expected = [[e.weight for e in events if e.time <= until][-1] for until in done]
            np.testing.assert_allclose(row, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("coincident", COINCIDENT)
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_simulated_pairings_are_the_predicted_course(pairing, coincident):
    """The weight after every pairing, not only after the last."""
    lags, period = lags_for(200), 200
    rule = PairSTDP(
        a_plus=2e-3,
        a_minus=2.1e-3,
        tau_plus="16.8ms",
        tau_minus="33.7ms",
        mu_plus=0.5,
        mu_minus=1.0,
        pairing=pairing,
        coincident=coincident,
    )
    pre, post = pairings(lags, period, N_PAIRS)
    names = ("a_plus", "a_minus", "tau_plus", "tau_minus", "mu_plus", "mu_minus")
    values = {name: getattr(rule, name) for name in names} | {"w": 0.4}
    done = run(plastic(pairing, coincident), pre, post, backend="cpp_standalone", values=values)
    expected = pairing_course(rule, lags, period, N_PAIRS, DT, 0.4)
    for copy in np.flatnonzero((lags > 0) & (lags % period != 0)):  # a post spike ends the pairing
        _, course = of_copy(done.events["post"], copy, "w")
        np.testing.assert_allclose(course, expected[copy], rtol=0, atol=1e-13)
    for copy in np.flatnonzero((lags < 0) & (lags % period != 0)):  # and here a pre spike
        _, course = of_copy(done.events["pre"], copy, "w")
        np.testing.assert_allclose(course, expected[copy], rtol=0, atol=1e-13)
