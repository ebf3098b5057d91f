"""Short-term plasticity: u and x at every spike against the blind reference, on every target."""

from __future__ import annotations

import numpy as np
import pytest

from synsim.engine import BACKENDS
from synsim.models import tsodyks_markram, tsodyks_three_state
from tests.agreement.structures import (
    DT,
    THREE_STATE,
    TWO_STATE,
    of_copy,
    plastic,
    run,
    together,
    train_spikes,
)
from tests.reference import tsodyks_markram as reference

TOLERANCE = 1e-12
COPIES = 64
CHECK_INTERVALS = [200, 200, 350, 100, 4000, 120, 600]
CHECK_RESPONSE = [0.4, 0.381762, 0.210906, 0.135821, 0.064025, 0.321277, 0.282867, 0.204707]


def parameters(rng, three_state):
    """One set per copy; the first ones at the ends of what is allowed."""
    values = {
        "U": np.concatenate([[0.0, 1.0, 1.0, 0.5, 0.0], rng.uniform(0, 1, COPIES - 5)]),
        "tau_rec": np.concatenate(
            [[0.3, 0.3, 0.1, 1e-5, 1e3], 10 ** rng.uniform(-2.5, 0.5, COPIES - 5)]
        ),
        "tau_facil": np.concatenate(
            [[0.2, 0.0, 0.5, 0.0, 0.0], 10 ** rng.uniform(-2.5, 0.5, COPIES - 5)]
        ),
    }
    values["tau_facil"][-10:] = 0.0
    if three_state:
        values["tau_inact"] = 10 ** rng.uniform(-3.5, -1, COPIES)
    return values


def random_trains(rng, spikes):
    """Intervals from a tenth of a millisecond to seconds."""
    return [
        np.cumsum(np.maximum(1, (10 ** rng.uniform(0, 4.3, spikes)).astype(int)))
        for _ in range(COPIES)
    ]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("structure", [TWO_STATE, THREE_STATE], ids=["two", "three"])
def test_u_and_x_at_every_spike_of_random_trains(structure, backend):
    three_state = structure is THREE_STATE
    rng = np.random.default_rng(50)
    spikes = 200 if backend == "cpp_standalone" else 15
    trains, values = random_trains(rng, spikes), parameters(rng, three_state)
    done = run(plastic(*structure), train_spikes(trains), backend=backend, values=values)
    reference_course = reference.three_state if three_state else reference.two_state
    model_course = tsodyks_three_state.train if three_state else tsodyks_markram.train
    for copy, train in enumerate(trains):
        numbers = {name: float(value[copy]) for name, value in values.items()}
        expected = reference_course(train * DT, **numbers)
        predicted = model_course(train * DT, **numbers)
        for row, name in enumerate(("u", "x")):
            steps, found = of_copy(done.events["pre"], copy, name)
            assert np.array_equal(steps, train)
            known = getattr(expected, name)
            np.testing.assert_allclose(found, known, rtol=0, atol=TOLERANCE)
            np.testing.assert_allclose(predicted[row], known, rtol=0, atol=TOLERANCE)
        _, released = of_copy(done.events["pre"], copy, "last_released")
        np.testing.assert_allclose(released, 9 * expected.response, rtol=0, atol=9 * TOLERANCE)
        if numbers["U"] == 0.0:
            assert not released.any()
        if numbers["tau_facil"] == 0.0:
            assert np.all(of_copy(done.events["pre"], copy, "u")[1] == numbers["U"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_published_check_value(backend):
    """U = 0.4, tau_rec = 300 ms, tau_facil = 150 ms, the train that NEST was asked for."""
    train = np.cumsum([50, *CHECK_INTERVALS])
    values = {"n": 1, "U": 0.4, "tau_rec": 0.3, "tau_facil": 0.15}
    done = run(plastic(*TWO_STATE), train_spikes([train]), backend=backend, values=values)
    found = done.events["pre"].states["last_released"]
    np.testing.assert_allclose(found, CHECK_RESPONSE, rtol=0, atol=5.1e-7)


@pytest.mark.parametrize("rate", [1.0, 10.0, 50.0, 200.0])
def test_steady_state_of_a_regular_train(rate):
    """After 500 spikes nothing is left of the start; time constants as long as 300 ms."""
    rng = np.random.default_rng(51)
    values = {
        "U": rng.uniform(0.02, 1, COPIES),
        "tau_rec": rng.uniform(0.01, 0.3, COPIES),
        "tau_facil": np.append(np.zeros(8), rng.uniform(0.0, 0.3, COPIES - 8)),
    }
    pre = together(1 + np.arange(500) * round(1 / rate / DT), COPIES)
    done = run(plastic(*TWO_STATE), pre, backend="cpp_standalone", values=values)
    for copy in range(COPIES):
        numbers = {name: float(value[copy]) for name, value in values.items()}
        expected = reference.two_state_steady(rate, **numbers)
        found = [of_copy(done.events["pre"], copy, name)[1][-1] for name in ("u", "x")]
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
        closed = tsodyks_markram.steady_state(rate, **numbers)
        np.testing.assert_allclose(closed, expected, rtol=0, atol=TOLERANCE)


def test_steady_state_of_three_states():
    rate, values = 20.0, {"U": 0.3, "tau_rec": 0.2, "tau_facil": 0.1, "tau_inact": 0.01}
    pre = together(1 + np.arange(400) * round(1 / rate / DT), 1)
    done = run(plastic(*THREE_STATE), pre, backend="cpp_standalone", values=values)
    expected = reference.three_state_steady(rate, **values)
    found = [done.events["pre"].states[name][-1] for name in ("u", "x")]
    np.testing.assert_allclose(found, expected[:2], rtol=0, atol=TOLERANCE)


def test_the_reference_tells_wrong_orders_apart():
    """Depleting before release, or facilitating after it, changes u x by more than 1e-3."""
    train = np.cumsum(np.random.default_rng(52).integers(100, 600, 30))
    values = {"U": 0.3, "tau_rec": 0.3, "tau_facil": 0.2}
    done = run(plastic(*TWO_STATE), train_spikes([train]), backend="cpp_standalone", values=values)
    u, x = (done.events["pre"].states[name] for name in ("u", "x"))
    right = reference.two_state(train * DT, **values).response
    assert np.max(np.abs(u * x - right)) < TOLERANCE
    assert np.max(np.abs(u[:-1] * x[1:] - right[1:])) > 1e-3
    assert np.max(np.abs(u * x * (1 - u) - right)) > 1e-3
