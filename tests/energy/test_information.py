"""Bits through the synapse by the table of joint probabilities; the best release probability."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom

from synsim.component import InputError
from synsim.models.tsodyks_markram import TsodyksMarkram
from synsim.predict.energy_information import (
    best_probability,
    bits_per_bin,
    bits_per_spike,
    dynamics,
    entropy,
    levy_baxter_failures,
    success_rate,
    typical_train,
)
from synsim.predict.train import predict_train
from synsim.protocol import Running
from synsim.protocols import energy_information
from synsim.protocols.energy_information import Settings
from synsim.synapse import Synapse
from tests.protocols.base import ProtocolTests
from tests.reference import tsodyks_markram as reference

STANDARD_ERRORS = 4


def mutual_information(joint: np.ndarray) -> float:
    """Bits, of a table of joint probabilities."""
    apart = joint.sum(axis=0, keepdims=True) * joint.sum(axis=1, keepdims=True)
    seen = joint > 0
    return float(np.sum(joint[seen] * np.log2(joint[seen] / apart[seen])))


@pytest.mark.parametrize(("s", "n", "p"), [(0.01, 1, 0.3), (0.2, 5, 0.1), (0.5, 3, 0.9)])
def test_bits_are_the_mutual_information_of_spikes_and_quanta(s: float, n: int, p: float) -> None:
    """And the number of quanta says no more than that there were some."""
    k = binom.pmf(np.arange(n + 1), n, p)
    without = np.eye(1, n + 1)[0]
    exact = mutual_information(np.array([(1 - s) * without, s * k]))
    assert bits_per_bin(s, success_rate(n, p)) == pytest.approx(exact, rel=1e-12)
    assert bits_per_spike(s, success_rate(n, p)) * s == pytest.approx(exact, rel=1e-12)


def test_certain_and_absent_transmission() -> None:
    assert bits_per_bin(0.1, 1.0) == entropy(0.1) and bits_per_bin(0.1, 0.0) == 0
    assert entropy(0.5) == 1 and entropy(0.0) == entropy(1.0) == 0


def test_levy_and_baxter() -> None:
    """4^-H: a quarter of the spikes fail where spikes come as heads or tails."""
    assert levy_baxter_failures(0.5) == pytest.approx(0.25)
    assert levy_baxter_failures([0.0, 1.0]).tolist() == [1, 1]


def efficiency(n: int, calcium: float, s: float = 0.01):
    return lambda p: (
        bits_per_spike(s, success_rate(n, p)) / (n * (p + calcium * (p / (1 - p)) ** 0.25))
    )


def test_the_best_release_probability_falls_with_the_number_of_sites() -> None:
    """With one site as high as can be if calcium is free; with calcium below 1."""
    assert best_probability(efficiency(1, 0.0))[0] > 0.9999
    assert 0.9 < best_probability(efficiency(1, 0.03))[0] < 0.999
    best = [best_probability(efficiency(n, 0.03))[0] for n in (1, 2, 4, 10)]
    assert np.all(np.diff(best) < 0)


@pytest.mark.parametrize("n", [2, 5, 20])
def test_the_best_release_probability_is_the_best(n: int) -> None:
    dense = np.linspace(1e-3, 0.999, 200_001)
    found, most = best_probability(efficiency(n, 0.03))
    exact = efficiency(n, 0.03)(dense)
    assert found == pytest.approx(dense[np.argmax(exact)], abs=2e-3)
    assert most == pytest.approx(exact.max(), rel=1e-6)


def test_dynamics_are_those_of_the_train() -> None:
    times = typical_train(0.02, 2.5e-3, 200, 20)
    assert len(times) == 220 and np.all(np.diff(times) > 2.4e-3)
    u, x = dynamics(times, np.array([0.1, 0.6]), 0.2, 0.3, 20)
    rule = TsodyksMarkram(U=0.6, tau_rec="200ms", tau_facil="300ms")
    exact = predict_train(Synapse(n=1, short_term=rule), times)
    np.testing.assert_allclose(u[1], exact.u[20:], rtol=1e-12)
    np.testing.assert_allclose(x[1], exact.x[20:], rtol=1e-12)


# --- the protocol ---------------------------------------------------------------------------


class TestEnergyInformation(ProtocolTests):
    module = energy_information
    small = "rate=8Hz,40Hz repeats=400 tau_rec=100ms"
    columns = (
        "rate_Hz",
        "success",
        "success_exact",
        "atp_per_spike",
        "atp_per_spike_exact",
        "atp_calcium",
        "atp_recycling",
        "atp_postsynaptic",
        "atp_per_success",
        "bits_per_spike",
        "bits_per_s",
        "atp_per_bit",
        "atp_per_bit_exact",
        "best_p",
        "best_p_static",
        "atp_per_bit_best",
    )
    deterministic = False


def table(**settings):
    done = energy_information.run(Settings(**settings), Running(seed=2))
    return done, {name: np.asarray(v, dtype=float) for name, v in done.columns.items()}


def test_a_static_synapse_is_the_closed_form() -> None:
    """P = 1 - (1 - p)^n; every price by hand."""
    _, found = table(
        tau_rec=None, release="binomial", n=3, p=0.2, rate="4Hz,40Hz", repeats=20_000,
        atp_fixed=500.0, q="0.4mV",
    )  # fmt: skip
    P, s = 1 - 0.8**3, np.array([0.01, 0.1])
    np.testing.assert_allclose(found["success_exact"], P, rtol=1e-12)
    assert np.all(np.abs(found["success"] - P) < STANDARD_ERRORS * np.sqrt(P * (1 - P) / 20_000))
    odds, at_a_quarter = 0.2 / 0.8, 0.25 / 0.75
    calcium = 3 * 3000 * (odds / at_a_quarter) ** 0.25
    np.testing.assert_allclose(found["atp_calcium"], calcium, rtol=1e-9)
    spent = 500 + calcium + 0.6 * (1.1e4 + 1.37e5)
    np.testing.assert_allclose(found["atp_per_spike_exact"], spent, rtol=1e-12)
    error = 1.48e5 * np.sqrt(3 * 0.2 * 0.8 / 20_000)
    assert np.all(np.abs(found["atp_per_spike"] - spent) < STANDARD_ERRORS * error)
    bits = (entropy(s * P) - s * entropy(P)) / s
    np.testing.assert_allclose(found["atp_per_bit_exact"], spent / bits, rtol=1e-12)
    np.testing.assert_allclose(found["bits_per_s"], found["bits_per_spike"] * [4, 40])
    np.testing.assert_allclose(
        found["atp_per_success"], found["atp_per_spike"] / found["success"], rtol=1e-12
    )
    np.testing.assert_allclose(found["best_p"], found["best_p_static"])
    assert np.all(found["atp_per_bit_best"] <= found["atp_per_bit_exact"])


@pytest.mark.parametrize(
    "dynamics", [{"tau_rec": "400ms"}, {"U": 0.1, "tau_rec": "100ms", "tau_facil": "400ms"}],
    ids=["depressing", "facilitating"],
)  # fmt: skip
def test_simulated_trains_agree_with_their_expectation(dynamics: dict) -> None:
    done, found = table(rate="5Hz,20Hz,60Hz", repeats=4000, **dynamics)
    for name in ("success", "atp"):
        away = done.results[f"largest_deviation_of_{name}_in_standard_errors"]
        assert 0 < away < STANDARD_ERRORS, name
    # and these are standard errors: of what 4000 spikes release, sites never more than binomial
    P = found["success_exact"]
    assert np.all(
        np.abs(found["success"] - P) < STANDARD_ERRORS * np.sqrt(P * (1 - P) / 4000) * 1.1
    )
    if "U" in dynamics:  # facilitation is calcium too
        assert np.all(np.diff(found["atp_calcium"]) > 0)
    else:
        assert np.ptp(found["atp_calcium"]) < 1e-6 * found["atp_calcium"][0]
        assert np.all(np.diff(found["success_exact"]) < 0)


def test_the_best_release_probability_with_dynamics_is_the_best() -> None:
    """scipy finds the same optimum in trains of another seed, from the closed form of each train;
    the curve is flat there, so bits per ATP are held close and U less so."""
    settings = Settings(rate="20Hz", tau_rec="200ms", n=4, repeats=4000)
    found, most = settings.best(20.0)
    s, rng = 20.0 * settings.time_step, np.random.default_rng(12)
    times = np.cumsum(rng.geometric(s, 20_000)) * settings.time_step
    warm = int(settings.warm_up(20.0))

    def bits_per_atp(U: float) -> float:
        chance = reference.two_state(times, U, 0.2, 0.0).response[warm:]
        calcium = 4 * 3000 * (3 * U / (1 - U)) ** 0.25
        spent = calcium + 4 * chance.mean() * (1.1e4 + 1.37e5) + settings.atp_fixed
        return float(bits_per_spike(s, np.mean(1 - (1 - chance) ** 4)) / spent)

    best = minimize_scalar(lambda U: -bits_per_atp(U), bounds=(0.01, 0.99), method="bounded",
                           options={"xatol": 1e-4})  # fmt: skip
    assert -best.fun == pytest.approx(most, rel=0.01)
    assert found == pytest.approx(best.x, rel=0.05)
    assert bits_per_atp(found) > max(bits_per_atp(found / 1.3), bits_per_atp(found * 1.3))


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"n": 0}, "n: found 0, expected at least 1: no sites transmit nothing"),
        ({"p": 0}, "p: found 0, expected a value above 0: nothing is transmitted"),
        ({"U": 1}, "U: found 1 with a meter of calcium"),
        ({"p": 1, "tau_rec": None, "release": "binomial"}, "p: found 1 with a meter of calcium"),
        ({"q": "0mV"}, "q: found 0, expected a response"),
        ({"tau_rec": None}, "release: found sites without tau_rec"),
        ({"tau_inact": "3ms"}, "tau_inact: found 3 ms, expected none"),
        ({"rate": "400Hz"}, "rate: found 400 Hz, expected less than a spike in every bin"),
        ({"rate": "1e-6Hz"}, "rate: found 0.000001Hz, expected fewer than 2147483647 bins"),
        ({"atp_calcium": -1}, "atp_calcium: found -1, expected a value at least 0"),
        ({"atp_calcium": 0, "atp_recycling": 0, "atp_postsynaptic": 0}, "atp_fixed: found no cost"),
    ],
)  # fmt: skip
def test_wrong_settings(wrong: dict, line: str) -> None:
    with pytest.raises(InputError) as error:
        Settings(**wrong)
    assert f"Settings.{line}" in str(error.value) and "\n" not in str(error.value)


def test_costs_that_are_left_out_are_not_metered() -> None:
    settings = Settings(atp_calcium=0, atp_recycling=0, q="50pA", U=1)
    assert settings.synapse().meters == ("energy_postsynaptic",)
    assert settings.costs[0].text("q_postsynaptic") == "50 pA"
