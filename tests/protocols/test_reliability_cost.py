"""Exponents of the four laws at default settings; where they break; wrong input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synsim.component import InputError
from synsim.energy.reliability_plot import _exponent
from synsim.protocol import Running
from synsim.protocols import reliability_cost
from synsim.protocols.reliability_cost import Outcome, Settings
from tests.energy.reference import COSTS, sigma
from tests.protocols.base import ProtocolTests

RHO = {"calcium": 1 / 2, "membrane": 2 / 3, "actin": 4 / 3, "trafficking": 2.0}
STANDARD_ERRORS = 4


class TestReliabilityCost(ProtocolTests):
    module = reliability_cost
    small = "mechanism=trafficking repeats=1000 n_values=2,4,8,16"
    columns = ("mechanism", "n", "p", "q_mV", "mean_mV", "sd_mV", "cv", "cost")
    deterministic = False


@pytest.fixture(scope="module")
def default() -> Outcome:
    return reliability_cost.run(Settings(), Running(seed=2))


def test_every_exponent_is_found_at_default_settings(default: Outcome) -> None:
    """Each 95 % interval holds the exact value and is narrower than 0.05.

    Of one seed: one interval in twenty leaves it out, as tests/energy/test_reliability.py counts.
    """
    for name, exact in RHO.items():
        low, high = (default.results[f"rho_{name}_{end}"] for end in ("low", "high"))
        assert low <= exact <= high, name
        assert high - low < 0.05, name
        assert default.results[f"rho_{name}_of_closed_form"] == pytest.approx(exact, abs=1e-9)
        assert default.results[f"chi2_{name}"] < 35
        of_quanta = default.results[f"rho_{name}_of_released_quanta"]
        assert of_quanta == pytest.approx(exact, abs=0.02)
    assert default.warnings == ()


def test_every_point_is_what_the_binomial_says(default: Outcome) -> None:
    """Mean, SD and cost of every row within standard errors of the table's formulas."""
    repeats = default.settings.repeats
    for name in default.settings.mechanisms:
        row = default.of(name)
        n, p = row["n"], row["p"]
        np.testing.assert_allclose(row["q_mV"] * n * p, 1.0, rtol=1e-9)
        sd = sigma(n, p, 1.0)
        assert np.all(np.abs(row["mean_mV"] - 1) < STANDARD_ERRORS * sd / np.sqrt(repeats))
        kurtosis = 3 + (1 - 6 * p * (1 - p)) / (n * p * (1 - p))
        error = sd * np.sqrt((kurtosis - 1) / (4 * repeats) + 1e-9)
        assert np.all(np.abs(row["sd_mV"] - sd) < STANDARD_ERRORS * error)
        np.testing.assert_allclose(row["cv"], row["sd_mV"] / row["mean_mV"], rtol=1e-12)
        key = name.removesuffix("_by_p")
        cost = COSTS[key](n, p, 1 / (n * p), n * p)
        scatter = np.sqrt(n * p * (1 - p) / repeats) if key == "trafficking" else 1e-10 * cost
        assert np.all(np.abs(row["cost"] - cost) < STANDARD_ERRORS * scatter)


def test_whole_sites_leave_gaps_in_sigma(default: Outcome) -> None:
    """From 1 site to 2 by sqrt(2), from 40 on by next to nothing: no synapse lies between."""
    for name in ("membrane", "actin", "trafficking"):
        assert default.results[f"step_of_sd_at_least_n_{name}"] == pytest.approx(np.sqrt(2))
        sd = default.of(name)["sd_mV"]
        assert sd[0] / sd[1] == pytest.approx(np.sqrt(2), rel=0.02)
    many = Settings(mechanism="actin", n_values="40,50,60", repeats=1000)
    found = reliability_cost.run(many, Running(seed=2)).results
    assert found["step_of_sd_at_least_n_actin"] == pytest.approx(np.sqrt(41 / 40))
    assert "step_of_sd_at_least_n_calcium" not in default.results


def test_trafficking_by_p_is_no_power_law(default: Outcome) -> None:
    """chi^2 says so, and neighbouring points have the exponent 2 (1 - p)."""
    assert default.results["chi2_trafficking_by_p"] > 1000
    row = default.of("trafficking_by_p")
    local = -np.diff(np.log(row["cost"])) / np.diff(np.log(row["sd_mV"]))
    middle = (row["p"][1:] + row["p"][:-1]) / 2
    np.testing.assert_allclose(local, 2 * (1 - middle), atol=0.12)
    assert "rho_trafficking_by_p_law" not in default.results
    assert _exponent(default.results, "trafficking_by_p") == "no power law"


def test_small_p_alone_gives_the_law_of_2(default: Outcome) -> None:
    exact = Settings(mechanism="trafficking_by_p", p_values="0.001,0.003,0.01").points(
        "trafficking_by_p"
    )
    slope = -np.polyfit(np.log(exact.sd), np.log(exact.cost), 1)[0]
    assert slope == pytest.approx(2, abs=0.02)


def run(**settings: Any) -> Outcome:
    return reliability_cost.run(Settings(**settings), Running(seed=3))


def test_scatter_of_quantal_size_bends_the_calcium_law() -> None:
    found = run(mechanism="calcium", cv_within=0.3, repeats=4000)
    assert found.results["rho_calcium_of_closed_form"] == pytest.approx(0.58, abs=0.02)
    assert found.results["rho_calcium_low"] > 0.5
    assert "calcium: the exponent 0.5" in found.warnings[0]
    assert "leaves out the law's 0.5" in found.warnings[0]
    row = found.of("calcium")
    np.testing.assert_allclose(row["sd_mV"], sigma(5, row["p"], 1.0, 0.3), rtol=0.08)
    # the quanta that are released follow the law whatever they hold
    assert found.results["rho_calcium_of_released_quanta"] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    "dynamics",
    [
        {"release": "sites", "tau_rec": "200ms"},
        {"release": "binomial", "tau_rec": "60ms", "tau_facil": "300ms"},
    ],
    ids=["depletion", "facilitation"],
)
def test_at_a_high_rate_the_closed_form_is_that_of_the_steady_state(dynamics: dict) -> None:
    """PSPs overlap, sites are correlated and u is not p: mean, SD and cost still agree."""
    found = run(mechanism="calcium", rate="20Hz", repeats=8000, **dynamics)
    exact, row = found.settings.points("calcium"), found.of("calcium")
    assert exact.chance.max() < 0.8
    error = 1.6 * exact.sd * 1e3 / np.sqrt(8000)  # of the mean; correlations make it no larger
    assert np.all(np.abs(row["mean_mV"] - 1) < STANDARD_ERRORS * error)
    np.testing.assert_allclose(row["sd_mV"], 1e3 * exact.sd, rtol=STANDARD_ERRORS * 0.011)
    np.testing.assert_allclose(row["cost"], exact.cost, rtol=1e-4)
    assert found.results["rho_calcium_low"] > 0.5, "depletion takes the gain of a higher p away"
    assert found.warnings


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"p_values": "0,0.3,0.5"}, "p_values: found 0, expected values above 0 and below 1: at 0 "
         "nothing is released and no q keeps the mean, at 1 the cost of calcium is infinite"),
        ({"p_values": "0.2,0.5,1"}, "p_values: found 1, expected values above 0 and below 1"),
        ({"p": 0}, "p: found 0, expected values above 0 and below 1"),
        ({"p": 1}, "p: found 1, expected values above 0 and below 1"),
        ({"n": 0}, "n: found 0, expected a value at least 1"),
        ({"n_values": "0,1,2"}, "n_values: found 0, expected values at least 1: no sites release"),
        ({"n_values": "1,2.5,4"}, "n_values: found 2.5 at index 1, expected a whole number"),
        ({"n_values": "3,3,4"}, "n_values: found 3,3,4, expected at least three different"),
        ({"mean": "0mV"}, "mean: found 0 mV, expected a value above 0 mV"),
        ({"mean": "-1mV"}, "mean: found -1 mV, expected a value above 0 mV"),
        ({"mean": 1}, "mean: found 1 without a unit"),
        ({"q_max": "2mV"}, "mean: found 1 mV, expected a mean that quanta of at most 2 mV can "
         "hold: 5 sites with p = 0.05 need 4 mV"),
        ({"tau_facil": "9ms"}, "tau_facil: found 9 ms without tau_rec, expected both"),
        ({"release": "sites"}, "release: found sites without tau_rec"),
        ({"rate": "2kHz"}, "rate: found 2000 Hz, expected at most one spike per time step"),
        ({"rate": "1e-6Hz"}, "repeats: found 50000 at 0.000001 Hz, expected no more than"),
        ({"repeats": 10}, "repeats: found 10, expected a value at least 1000"),
    ],
)  # fmt: skip
def test_wrong_settings(wrong: dict, line: str) -> None:
    with pytest.raises(InputError) as error:
        Settings(**wrong)
    assert f"Settings.{line}" in str(error.value) and "\n" not in str(error.value)


def test_only_what_is_used_is_checked() -> None:
    assert Settings(mechanism="calcium", n_values="0,1").mechanisms == ("calcium",)
    assert Settings(mechanism="actin", p_values="1").mechanisms == ("actin",)
