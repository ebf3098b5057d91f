"""Closed forms over arrays: three states, recovery, rate steps; against tests/reference and loops.

Their references step through one train at a time in plain Python.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from synsim.component import InputError
from synsim.models import tsodyks_markram, tsodyks_three_state
from synsim.models.release_sites import covariance
from synsim.predict import frequency, recovery
from synsim.predict.moments import train_moments
from tests.reference import release
from tests.reference import tsodyks_markram as reference

TIMES = np.cumsum([0.0, 0.004, 0.03, 0.01, 0.4, 0.002, 0.09])
U = np.array([0.05, 0.4, 1.0])[:, None, None]
REC = np.array([0.05, 0.8])[:, None]
FACIL = np.array([0.0, 0.1, 0.53])
INACT = np.array([0.003, 0.05, 0.2])  # one equals a tau_rec


def test_two_states_broadcast() -> None:
    u, x = tsodyks_markram.train(TIMES, U, REC, FACIL)
    assert u.shape == x.shape == (3, 2, 3, len(TIMES))
    for i, j, k in np.ndindex(3, 2, 3):
        one = reference.two_state(TIMES, U[i, 0, 0], REC[j, 0], FACIL[k])
        np.testing.assert_allclose(u[i, j, k], one.u, rtol=1e-14)
        np.testing.assert_allclose(x[i, j, k], one.x, rtol=0, atol=1e-14)


def test_three_states_broadcast() -> None:
    u, x, y = tsodyks_three_state.train(TIMES, U, REC, FACIL, INACT[::-1])
    assert u.shape == x.shape == y.shape == (3, 2, 3, len(TIMES))
    for i, j, k in np.ndindex(3, 2, 3):
        constants = U[i, 0, 0], REC[j, 0], FACIL[k], INACT[::-1][k]
        one = reference.three_state(TIMES, *constants)
        for found, expected in ((u, one.u), (x, one.x), (y, one.y)):
            np.testing.assert_allclose(found[i, j, k], expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-7, 1e-3, 0.3, 30.0])
def test_what_lags_where_two_time_constants_meet(apart: float) -> None:
    """Against sums in 60 digits: a ratio of small differences would lose all of them."""
    from decimal import Decimal, localcontext

    rec, gaps = 0.3, np.array([1e-4, 0.03, 0.9, 40.0])
    inact = rec * (1 + apart)
    found = tsodyks_three_state.lag(gaps, rec, inact)
    with localcontext() as context:
        context.prec = 60
        a, b = Decimal(rec), Decimal(inact)
        for gap, value in zip(gaps.tolist(), found, strict=True):
            h = Decimal(gap)
            exact = (
                -h / a * (-h / a).exp()
                if a == b
                else ((-h / b).exp() - (-h / a).exp()) * b / (a - b)
            )
            assert value == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize("release_rule", ["binomial", "mean-field"])
def test_moments_of_three_states(release_rule: str) -> None:
    found = train_moments(TIMES, 4, 0.4, 0.8, 0.1, tau_inact=0.02, release=release_rule, s0=0.3)
    P = reference.three_state(TIMES, 0.4, 0.8, 0.1, 0.02).response
    np.testing.assert_allclose(found.mean, 4 * P, rtol=1e-13)
    expected = 4 * P * (1 - P) if release_rule == "binomial" else 0 * P
    np.testing.assert_allclose(found.variance, expected, rtol=1e-12)
    np.testing.assert_allclose(np.diag(found.response_covariance), expected + 0.09, rtol=1e-12)


def test_covariance_of_many_against_every_outcome() -> None:
    n = np.array([1, 3])
    some = np.array([0.0, 0.3, 1.0])[:, None]
    times = TIMES[:5]
    found = train_moments(times, n, some, 0.3, 0.15).covariance
    assert found.shape == (3, 2, 5, 5)
    np.testing.assert_array_equal(found, covariance(times, n, some, 0.3, 0.15))
    for i, j in np.ndindex(3, 2):
        joint = release.released_joint_pmf(times, int(n[j]), some[i, 0], 0.3, 0.15)
        exact = release.joint_moments(joint)[1]
        np.testing.assert_allclose(found[i, j], exact, rtol=0, atol=1e-12)


def test_shapes_are_those_of_all_parameters() -> None:
    found = train_moments([0, 0.1], np.arange(1, 4), 0.3, 0.2, q=np.ones((2, 1)), s0=0.1)
    for name in ("u", "x", "mean", "variance", "failures", "response_mean", "response_variance"):
        assert getattr(found, name).shape == (2, 3, 2), name
    assert found.covariance.shape == found.response_covariance.shape == (2, 3, 2, 2)
    assert found.paired_pulse_ratio.shape == (2, 3)
    assert train_moments([], 3, 0.3, 0.2).mean.shape == (0,)
    assert train_moments([0.1], 3, 0.3, 0.2).covariance == pytest.approx(0.3 * 0.7 * 3)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tau_inact": 0.01}, "sites"),
        ({"cv_between": 0.3}, "sites"),
        ({"release": "vesicles"}, "vesicles"),
        ({"tau_rec": None}, "sites"),
        ({"tau_rec": None, "tau_facil": 0.1, "release": "binomial"}, "tau_rec"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        train_moments(TIMES, 3, 0.3, **({"tau_rec": 0.2} | wrong))


@pytest.mark.parametrize("inact", [None, 0.02])
def test_recovery_is_the_train_with_one_more_pulse(inact: float | None) -> None:
    pause = np.array([0.003, 0.1, 2.0, 30.0])
    some, rec = np.array([0.1, 0.7]), np.array([0.2, 1.5])
    found = recovery.recovery_curve(pause, some, rec, 0.1, inact, times=TIMES)
    assert found.shape == (2, 4)
    for i, k in np.ndindex(2, 4):
        train = np.append(TIMES, TIMES[-1] + pause[k])
        constants = some[i], rec[i], 0.1
        one = (
            reference.two_state(train, *constants)
            if inact is None
            else reference.three_state(train, *constants, inact)
        )
        assert found[i, k] == pytest.approx(one.response[-1] / some[i], rel=1e-13)
    assert found[0, -1] == pytest.approx(1, abs=1e-3)


def test_recovery_after_one_pulse_is_the_paired_pulse_ratio() -> None:
    pause = np.geomspace(1e-3, 10, 30)
    found = recovery.recovery_curve(pause, 0.3, 0.4, 0.15)
    expected = (1 + 0.7 * np.exp(-pause / 0.15)) * (1 - 0.3 * np.exp(-pause / 0.4))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_information_of_many_synapses_is_that_of_each() -> None:
    """The sum over k written out with scipy's binomial."""
    rng = np.random.default_rng(5)
    n, chance = np.array([1, 7, 30]), rng.random((4, 3, 2))
    w = np.array([0.3, 0.7])
    found = frequency.information(n, chance, w)
    assert found.shape == (4, 3)
    for i, j in np.ndindex(4, 3):
        given = binom.pmf(np.arange(n[j] + 1), n[j], chance[i, j][:, None])
        whole = w @ given
        expected = float(np.sum(w[:, None] * given * np.log2(given / whole)))
        assert found[i, j] == pytest.approx(expected, rel=1e-10, abs=1e-13)


def test_information_of_steps() -> None:
    """Shape and values as by hand; nothing is learned when all rates are the same."""
    some, after = np.array([0.05, 0.5]), [10.0, 20.0, 80.0]
    found = frequency.step_information(10.0, after, 6, 5, some, 0.3, 0.2)
    assert found.shape == (2, 6)
    u, x = frequency.step_response(10.0, after, 6, 0.5, 0.3, 0.2)
    by_hand = [float(frequency.information(5, (u * x)[:, k])) for k in range(6)]
    np.testing.assert_allclose(found[1], by_hand, rtol=1e-13)
    assert np.all(frequency.step_information(10.0, [20.0, 20.0], 3, 5, some, 0.3, 0.2) < 1e-12)
    assert np.all((found > 0) & (found < np.log2(3)))
