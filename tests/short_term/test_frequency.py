"""Closed forms of rates: against long trains, Monte Carlo, and each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from synsim import Synapse, TsodyksMarkram, TsodyksThreeState
from synsim.models.tsodyks_markram import steady_state, train
from synsim.predict import frequency
from synsim.predict.train import predict_train

# U, tau_rec, tau_facil in s
SYNAPSES = [(0.16, 0.045, 0.376), (0.03, 0.13, 0.53), (0.5, 0.8, 0.0), (1.0, 0.2, 0.1)]
RATES = [0.5, 5.0, 20.0, 100.0, 300.0]


def synapse(
    U: float, tau_rec: float, tau_facil: float, tau_inact: float | None = None, **more: Any
) -> Synapse:
    values: dict[str, Any] = {
        "U": U,
        "tau_rec": f"{tau_rec * 1e3!r}ms",
        "tau_facil": f"{tau_facil * 1e3!r}ms",
    }
    if tau_inact is None:
        return Synapse(short_term=TsodyksMarkram(**values), **more)
    values["tau_inact"] = f"{tau_inact * 1e3!r}ms"
    return Synapse(short_term=TsodyksThreeState(**values), **more)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("tau_inact", [None, 0.003, 0.07])
@pytest.mark.parametrize("constants", SYNAPSES, ids=str)
def test_steady_state_is_where_trains_settle(
    constants: tuple[float, float, float], tau_inact: float | None, rate: float
) -> None:
    made = synapse(*constants, tau_inact, n=4, q=0.5, release="binomial")
    pulses = frequency.settling_pulses(made, rate, 1e-9)
    settled = predict_train(made, np.arange(pulses) / rate)
    found = frequency.predict_steady_state(made, rate)
    for name, expected in (
        ("u", settled.u),
        ("x", settled.x),
        ("mean", settled.mean),
        ("variance", settled.variance),
        ("failures", settled.failures),
        ("response_mean", settled.response_mean),
    ):
        assert abs(float(getattr(found, name)) - expected[-1]) < 1e-8, name
    assert found.mean_per_s == rate * found.mean
    assert found.failures_per_s == rate * found.failures


@pytest.mark.parametrize("tolerance", [1e-2, 1e-5])
@pytest.mark.parametrize("constants", SYNAPSES, ids=str)
def test_settling_is_to_the_tolerance(
    constants: tuple[float, float, float], tolerance: float
) -> None:
    for rate in RATES:
        pulses = frequency.settling_pulses(synapse(*constants), rate, tolerance)
        us, xs = train(np.arange(pulses) / rate, *constants)
        u, x = steady_state(rate, *constants)
        assert max(abs(us[-1] - u), abs(xs[-1] - x)) < tolerance


def test_constant_probability() -> None:
    made = Synapse(n=6, p=0.25, release="binomial")
    found = frequency.predict_steady_state(made, [1.0, 50.0])
    np.testing.assert_array_equal(found.mean, [1.5, 1.5])
    np.testing.assert_array_equal(found.variance, [1.125, 1.125])
    np.testing.assert_array_equal(found.mean_per_s, [1.5, 75.0])
    assert frequency.settling_pulses(made, 5.0) == 1


def test_rates_and_parameters_broadcast() -> None:
    U, rec, facil = (np.array(v)[:, None] for v in zip(*SYNAPSES, strict=True))
    u, x = frequency.three_state(RATES, U, rec, facil, 0.004)
    assert u.shape == x.shape == (len(SYNAPSES), len(RATES))
    for i, constants in enumerate(SYNAPSES):
        for j, rate in enumerate(RATES):
            one = frequency.predict_steady_state(synapse(*constants, 0.004), rate)
            assert (u[i, j], x[i, j]) == pytest.approx((one.u, one.x), rel=1e-13)


def test_per_second_release_saturates_at_the_refilling_of_sites() -> None:
    """And by Poisson spikes it is half of that at the limiting frequency."""
    U, tau = 0.3, 0.5
    u, x = steady_state(1e6, U, tau, 0.2)
    assert 1e6 * u * x == pytest.approx(1 / tau, rel=1e-5)
    limit = frequency.limiting_frequency(U, tau)
    u, x = frequency.poisson_mean_field(limit, U, tau, 0.0)
    assert limit * u * x == pytest.approx(0.5 / tau, rel=1e-14)


def test_above_the_limiting_frequency_the_response_falls_as_one_over_rate() -> None:
    U, tau = 0.5, 0.8
    limit = float(frequency.limiting_frequency(U, tau))
    u, x = steady_state(np.array([0.1, 20.0, 40.0]) * limit, U, tau, 0.0)
    response = u * x
    assert response[0] > 0.9 * U
    assert response[1] / response[2] == pytest.approx(2, rel=0.05)


def test_small_U_a_regular_train_is_half_saturated_at_the_limiting_frequency() -> None:
    """Poisson or regular makes no difference where single spikes deplete little."""
    tau = 0.8
    for U, tolerance in ((0.1, 0.1), (0.01, 0.01), (0.001, 0.001)):

        def half(rate: float, U: float = U) -> float:
            u, x = steady_state(rate, U, tau, 0.0)
            return float(rate * u * x - 0.5 / tau)

        found = brentq(half, 1e-3, 1e6)
        assert found == pytest.approx(float(frequency.limiting_frequency(U, tau)), rel=tolerance)


@pytest.mark.parametrize("constants", SYNAPSES[:3], ids=str)
def test_poisson_mean_field(constants: tuple[float, float, float]) -> None:
    """Exact for u, and for x without facilitation: Poisson trains of 30,000 spikes, 4 SE."""
    rate, count, skip = 12.0, 30_000, 300
    rng = np.random.default_rng(90)
    times = np.cumsum(rng.exponential(1 / rate, count))
    train_u, train_x = train(times, *constants)
    u, x = frequency.poisson_mean_field(rate, *constants)

    def away(values: Any, exact: float) -> float:
        blocks = values[skip:].reshape(-1, 300).mean(axis=1)  # of about 25 s, independent
        error = blocks.std(ddof=1) / np.sqrt(len(blocks))
        return float(abs(blocks.mean() - exact) / max(error, 1e-12))

    assert away(train_u, float(u)) < 4
    if constants[2] == 0:
        assert away(train_x, float(x)) < 4


def test_peak_frequency() -> None:
    for constants in SYNAPSES[:2]:
        peak = frequency.peak_frequency(*constants)
        rates = peak * np.array([0.99, 1.0, 1.01])
        u, x = steady_state(rates, *constants)
        assert np.argmax(u * x) == 1
        mean_field = frequency.peak_frequency_mean_field(*constants)
        u, x = frequency.poisson_mean_field(mean_field * np.array([0.99, 1.0, 1.01]), *constants)
        assert np.argmax(u * x) == 1


def test_peak_frequency_for_small_U_is_that_of_the_literature() -> None:
    for U, tolerance in ((1e-3, 0.02), (1e-5, 0.002)):
        literature = 1 / np.sqrt(U * 0.13 * 0.53)
        assert frequency.peak_frequency(U, 0.13, 0.53) == pytest.approx(literature, rel=tolerance)
        found = frequency.peak_frequency_mean_field(U, 0.13, 0.53)
        assert float(found) == pytest.approx(literature, rel=tolerance)


@pytest.mark.parametrize("constants", [(0.5, 0.8, 0.0), (0.5, 0.8, 0.01), (1.0, 0.1, 0.5)])
def test_depressing_synapses_have_no_peak(constants: tuple[float, float, float]) -> None:
    assert np.isnan(frequency.peak_frequency(*constants))
    assert np.isnan(frequency.peak_frequency_mean_field(*constants))


@pytest.mark.parametrize("constants", SYNAPSES, ids=str)
def test_step_of_rate_against_a_train_with_a_step(constants: tuple[float, float, float]) -> None:
    before, after, pulses = 8.0, 45.0, 12
    count = frequency.settling_pulses(synapse(*constants), before, 1e-12)
    settled = np.arange(count) / before
    times = np.append(settled, settled[-1] + np.arange(1, pulses + 1) / after)
    us, xs = train(times, *constants)
    u, x = frequency.step_response(before, after, pulses, *constants)
    np.testing.assert_allclose(u, us[-pulses:], rtol=0, atol=1e-11)
    np.testing.assert_allclose(x, xs[-pulses:], rtol=0, atol=1e-11)
    if constants[2] == 0:
        closed = frequency.depression_after_step(
            before, after, np.arange(pulses), constants[0], constants[1]
        )
        np.testing.assert_allclose(closed, x, rtol=0, atol=1e-13)


def test_a_depressing_synapse_signals_relative_changes_of_rate() -> None:
    """Doubling any rate above the limiting frequency gives the same response (Abbott et al.)."""
    U, tau = 0.03, 3.0
    before = np.array([60.0, 120.0, 240.0])
    _, x = frequency.step_response(before, 2 * before, 200, U, tau, 0.0)
    drive = 2 * before[:, None] * U * x
    settled = before * U * steady_state(before, U, tau, 0.0)[1]
    first = drive[:, 0] / settled
    np.testing.assert_allclose(first, 2, rtol=0.03)  # in proportion to the relative change
    np.testing.assert_allclose(drive[:, -1] / settled, 1, rtol=0.15)  # and then it is gone


def test_information_of_certain_and_of_equal_states() -> None:
    found = frequency.information(4, [[0.0, 1.0], [0.3, 0.3], [0.1, 0.6]])
    assert found.shape == (3,)
    assert found[:2] == pytest.approx([1.0, 0.0], abs=1e-14)
    assert 0 < found[2] < 1
    # one site: a binary channel
    p, q = 0.2, 0.7
    middle = (p + q) / 2

    def entropy(a: float) -> float:
        return float(-a * np.log2(a) - (1 - a) * np.log2(1 - a))

    exact = entropy(middle) - (entropy(p) + entropy(q)) / 2
    assert frequency.information(1, [p, q]) == pytest.approx(exact, abs=1e-14)


def test_more_sites_tell_more() -> None:
    chance = [0.1, 0.3]
    found = [float(frequency.information(n, chance)) for n in (1, 2, 5, 20, 200)]
    assert np.all(np.diff(found) > 0) and found[-1] < 1
    assert frequency.information(5, chance, [1.0, 0.0]) == pytest.approx(0, abs=1e-14)


def test_information_about_a_step_of_rate_by_simulation() -> None:
    """Of the first release after a step up, against none: plug-in estimate of 200,000 releases."""
    n, constants, draws = 5, SYNAPSES[0], 100_000
    u, x = frequency.step_response(10.0, [10.0, 60.0], 1, *constants)
    chance = (u * x)[:, 0]
    exact = float(frequency.information(n, chance))
    rng = np.random.default_rng(91)
    counts = np.array(
        [np.bincount(rng.binomial(n, p, draws), minlength=n + 1) for p in chance], dtype=float
    )
    joint = counts / counts.sum()
    independent = joint.sum(axis=0) * joint.sum(axis=1, keepdims=True)
    kept = joint > 0
    terms = np.log2(joint[kept] / independent[kept])
    plug_in = float(joint[kept] @ terms)
    bias = n / (2 * np.log(2) * 2 * draws)  # Miller & Madow, (rows - 1)(columns - 1)
    error = np.sqrt(float(joint[kept] @ terms**2 - plug_in**2) / (2 * draws))
    assert abs(plug_in - bias - exact) < 4 * error
    assert exact > 10 * error
