"""The reference: the recursions of facilitation and depression, held against their equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tests.reference import tsodyks_markram as tm
from tests.reference.trains import SYNAPSES, random_train

CHECK_INTERVALS_S = np.array([20, 20, 35, 10, 400, 12, 60]) * 1e-3
CHECK_TIMES_S = np.concatenate([[0.0], np.cumsum(CHECK_INTERVALS_S)])
CHECK_RESPONSE = [0.4, 0.381762, 0.210906, 0.135821, 0.064025, 0.321277, 0.282867, 0.204707]
CHECK = {"U": 0.4, "tau_rec": 0.3, "tau_facil": 0.15}


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
