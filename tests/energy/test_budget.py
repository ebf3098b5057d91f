"""The minimum-energy boundary against brute force; weights from likelihood; the recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synsim.component import InputError
from synsim.energy.budget_data import (
    Cells,
    log_changes,
    mean_with_interval,
    precision_energy_slope,
    shuffled_gain,
    slopes_of_uniform_p,
)
from synsim.fit.budget import LOGIT, Distances, fit_all, fit_cost, fit_free, greatest
from synsim.fit.budget_joint import SHARES, Boundary, fit_joint
from synsim.predict.energy_budget import (
    TERMS,
    calcium,
    distance,
    energy_of,
    greatest_gain,
    least_variance,
    split_at_boundary,
)
from synsim.protocol import Running
from synsim.protocols import energy_budget
from synsim.protocols.energy_budget import Settings
from tests.energy.budget_draws import drawn_near_the_boundary
from tests.energy.reference import COSTS
from tests.protocols.base import ProtocolTests

WEIGHTS = [
    *({name: 0.3} for name in TERMS),
    {"turnover": 0.1, "membrane": 0.5},
    {"turnover": 0.02, "membrane": 0.3, "actin": 0.1, "trafficking": 0.2},
]


# --- costs and the boundary -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["membrane", "actin", "trafficking"])
def test_terms_are_the_table_at_a_given_mean(name: str) -> None:
    rng = np.random.default_rng(1)
    n, p, mean = rng.uniform(1, 20, 30), rng.uniform(0.05, 0.95, 30), rng.uniform(0.1, 3, 30)
    expected = COSTS[name](n, p, mean / (n * p), n * p)
    np.testing.assert_allclose(TERMS[name].cost(n, p, mean), expected, rtol=1e-12)
    np.testing.assert_allclose(calcium(p), COSTS["calcium"](n, p, 1.0, 0), rtol=1e-12)


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda w: "+".join(w))
def test_no_synapse_of_that_energy_does_better(weights: dict[str, float]) -> None:
    """A hundred thousand synapses of the same mean within the budget; some come close."""
    mean, energy = 0.7, 2.0
    best = least_variance(mean, energy, weights)
    spent = energy_of(best.n, best.p, mean, weights)
    assert float(spent) == pytest.approx(energy, rel=1e-6)
    assert best.n * best.p * best.q == pytest.approx(mean)
    assert best.sd == pytest.approx(best.q * np.sqrt(best.n * best.p * (1 - best.p)), rel=1e-6)
    rng = np.random.default_rng(2)
    p = 1 / (1 + np.exp(-rng.uniform(-6, 6, 100_000)))
    n = np.exp(rng.uniform(-4, 6, 100_000))
    fits = energy_of(n, p, mean, weights) <= energy
    sd = mean * np.sqrt((1 - p[fits]) / (n[fits] * p[fits]))
    assert best.sd * (1 - 1e-9) < sd.min() < best.sd * 1.05


@pytest.mark.parametrize("name", TERMS)
def test_the_distance_is_that_to_the_least_variance(name: str) -> None:
    rng = np.random.default_rng(3)
    for n, p, mean, weight in zip(
        rng.uniform(1, 20, 8), rng.uniform(0.1, 0.95, 8), rng.uniform(0.1, 3, 8),
        rng.uniform(0.05, 1, 8), strict=True,
    ):  # fmt: skip
        rest = weight * TERMS[name].cost(n, p, mean)
        least = least_variance(mean, float(calcium(p) + rest), {name: weight}).sd
        exact = np.log(mean**2 * (1 - p) / (n * p) / least**2)
        assert distance(name, calcium(p), rest) == pytest.approx(exact, abs=2e-5)
        assert exact > -1e-9


@pytest.mark.parametrize("name", ["turnover", "membrane", "actin"])
def test_the_boundary_is_at_zero_distance(name: str) -> None:
    p = np.linspace(0.02, 0.98, 40)
    away = distance(name, calcium(p), split_at_boundary(TERMS[name], p))
    np.testing.assert_allclose(away, 0, atol=1e-6)
    np.testing.assert_array_less(
        1e-3, distance(name, calcium(p), 1.5 * split_at_boundary(TERMS[name], p))
    )


def test_calcium_and_turnover_give_precision_as_the_fifth_power_of_energy() -> None:
    """sigma^-2 ~ E^5 exactly, and calcium takes four fifths, whatever the weight."""
    energy = np.geomspace(0.05, 50, 20)
    for weight in (0.01, 0.4, 3.0):
        made = [least_variance(1.0, e, {"turnover": weight}) for e in energy]
        precision = np.array([m.sd**-2 for m in made])
        np.testing.assert_allclose(
            np.diff(np.log(precision)) / np.diff(np.log(energy)), 5, atol=1e-5
        )
        share = calcium([m.p for m in made]) / energy
        np.testing.assert_allclose(share, 0.8, atol=2e-4)
    np.testing.assert_allclose(
        greatest_gain(TERMS["turnover"], energy),
        5 * np.log(energy) + 4 * np.log(0.8) + np.log(0.2),
        atol=1e-8,
    )


def test_with_trafficking_it_is_the_fifth_power_only_at_high_energy() -> None:
    def exponent(energy: float) -> float:
        ends = greatest_gain(TERMS["trafficking"], energy * np.array([0.99, 1.01]))
        return float(np.diff(ends)[0] / np.log(1.01 / 0.99))

    assert exponent(50) == pytest.approx(5, abs=1e-3)
    assert exponent(0.3) == pytest.approx(1, abs=1e-3)  # many sites that hardly release


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ((0, 1, {"turnover": 1}), "mean: found 0, expected a mean response above 0"),
        ((1, -2, {"turnover": 1}), "energy: found a budget of -2, expected one above 0"),
        ((1, float("nan"), {"turnover": 1}), "energy: found a budget of nan, expected one above 0"),
        ((1, 1, {"turnover": -1}), "turnover: found a weight of -1, expected one at least 0"),
        ((1, 1, {"turnover": 0}), "found no cost beside calcium, expected one above 0"),
        ((1, 1, {"tunover": 1}), "unknown cost 'tunover', expected some of turnover, membrane"),
    ],
)  # fmt: skip
def test_what_has_no_least_variance(wrong: Any, line: str) -> None:
    with pytest.raises(InputError) as error:
        least_variance(*wrong)
    assert line in str(error.value)


# --- the likelihood ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", TERMS)
def test_the_density_is_one(name: str) -> None:
    """Over logit p at a given mean per site, by another rule on another grid."""
    logit = np.linspace(-8, 8, 20_001)
    p = 1 / (1 + np.exp(-logit))
    density = np.exp(Distances.of(name, -0.5, p, np.full_like(p, 0.2)).loglik(-1.0))
    assert np.trapezoid(density, logit) == pytest.approx(1, abs=0.02)


def draw(name: str, weight: float, T: float, size: np.ndarray, rng: Any) -> np.ndarray:
    """p of each synapse from the model, by its distribution function on a fine grid."""
    logit = np.linspace(-8, 8, 4001)
    p = 1 / (1 + np.exp(-logit))
    rest = weight * TERMS[name].cost(1.0, p, size[:, None])
    mass = np.exp(-distance(name, calcium(p), rest) / T)
    law = np.cumsum(mass, axis=1) / mass.sum(axis=1, keepdims=True)
    index = [np.searchsorted(row, u) for row, u in zip(law, rng.random(len(size)), strict=True)]
    return p[index]


@pytest.mark.parametrize(("name", "weight", "T"), [("turnover", 0.2, 0.1), ("membrane", 0.9, 0.3)])
def test_intervals_of_the_weight_hold_it(name: str, weight: float, T: float) -> None:
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(20):
        size = np.exp(rng.normal(-2.3, 0.9, 44))
        found = fit_cost(name, draw(name, weight, T, size, rng), size)
        assert found.low is not None and found.high is not None
        assert found.low < found.weight < found.high
        held += found.low < weight < found.high
    assert held >= 20 - 5  # binomial(20, 0.95): fewer than one time in 3000
    assert found.temperature == pytest.approx(T, rel=1)


def test_the_model_that_made_the_data_is_preferred() -> None:
    rng = np.random.default_rng(5)
    size = np.exp(rng.normal(-2.3, 0.9, 100))
    for name, weight, T in (("turnover", 0.2, 0.1), ("membrane", 0.9, 0.15)):
        models = fit_all(draw(name, weight, T, size, rng), size)
        best = min(TERMS, key=lambda one: models[one].aicc)
        assert best == name


@pytest.mark.parametrize(
    "weights",
    [
        (0.1, 0.5, 1e-6, 1e-6),
        (0.02, 0.3, 0.1, 0.2),
        (1e-6, 1e-6, 0.5, 1e-3),
        (0.3, 1e-3, 1e-3, 1.0),
    ],
)
def test_all_costs_together_are_at_the_distance_to_their_least_variance(
    weights: tuple[float, ...],
) -> None:
    p, size = np.array([0.2, 0.5, 0.9]), np.array([0.05, 0.3, 1.0])
    named = dict(zip(TERMS, weights, strict=True))
    found = Boundary(p, size).distances(np.log(weights))
    for i in range(3):
        energy = float(energy_of(1.0, p[i], size[i], named))
        least = least_variance(size[i], energy, named).sd
        exact = np.log(size[i] ** 2 * (1 - p[i]) / p[i] / least**2)
        assert found.own[i] == pytest.approx(exact, abs=1.5e-3)
        at = np.argmin(np.abs(1 / (1 + np.exp(-LOGIT)) - p[i]))
        alone = Boundary(1 / (1 + np.exp(-LOGIT[at : at + 1])), size[i : i + 1])
        near = alone.distances(np.log(weights))
        assert found.grid[i, at] == pytest.approx(near.own[0], abs=1e-9)


def test_one_cost_of_the_four_is_that_cost_alone() -> None:
    p, size = np.array([0.2, 0.5, 0.9]), np.array([0.05, 0.3, 1.0])
    for k, name in enumerate(("turnover", "membrane", "actin")):
        alone = Distances.of(name, np.log(0.4), p, size)
        weights = np.full(4, -14.0)
        weights[k] = np.log(0.4)
        together = Boundary(p, size).distances(weights)
        # far out the others, however small, are not nothing
        at = np.abs(LOGIT) <= 3
        wide = np.broadcast_to(alone.grid, together.grid.shape)
        np.testing.assert_allclose(together.grid[:, at], wide[:, at], atol=0.015)


def test_shares_of_all_costs_hold_those_of_the_synapses_and_say_what_is_open() -> None:
    """Synapses that pay for turnover and membrane; actin looks like something between them."""
    rng = np.random.default_rng(8)
    size = np.exp(rng.normal(-2.3, 0.9, 44))
    log_weights = np.array([np.log(0.1), np.log(0.5), -14, -14])
    p = drawn_near_the_boundary(log_weights, 0.03, size, rng)
    found = fit_joint(p, size)
    truth = dict(zip(SHARES, Boundary(p, size).shares(log_weights), strict=True))
    assert sum(found.share.values()) == pytest.approx(1)
    for name in SHARES:
        assert found.low[name] <= found.share[name] <= found.high[name]
    # calcium is told, the others stand for each other
    assert found.low["calcium"] - 0.01 < truth["calcium"] < found.high["calcium"] + 0.01
    assert found.high["calcium"] - found.low["calcium"] < 0.1
    assert max(found.high[name] - found.low[name] for name in TERMS) > 0.1
    # the maximum is one, and the truth is not far below it: chi-squared of five, 99 %
    at_truth = Boundary(p, size).distances(log_weights).best()[0]
    assert -0.05 < found.loglik - at_truth < 15.1 / 2


def test_likelihoods_do_not_know_n() -> None:
    """The same n for all, put in by hand: the weight takes it up, as n^-(alpha + gamma)."""
    cells = Cells.read("sjostrom_2001_ltp")
    p, size = cells.p["before"], cells.p["before"] * cells.q["before"]
    for name, term in TERMS.items():
        loglik, weight = greatest(name, p, size)
        for n in (1, 7):
            scaled = weight * n ** -(term.alpha + term.gamma)
            rest = scaled * term.cost(n, p, n * size)
            np.testing.assert_allclose(rest, weight * term.cost(1.0, p, size), rtol=1e-12)
        assert np.isfinite(loglik)


def test_the_free_density_is_the_normal_one() -> None:
    from scipy.stats import norm

    rng = np.random.default_rng(6)
    p = rng.uniform(0.1, 0.9, 30)
    logit = np.log(p / (1 - p))
    exact = norm.logpdf(logit, logit.mean(), logit.std()).sum()
    assert fit_free(p, p, False).loglik == pytest.approx(exact, rel=1e-12)


def test_the_fifth_power_is_found_in_noise() -> None:
    """With equal n the slope of precision in energy is about 5 for p that means nothing."""
    slopes = slopes_of_uniform_p(44, 10, seed=1)
    assert np.all(np.abs(slopes - 5) < 0.25)
    A = np.geomspace(0.999, 1.001, 9)  # close to the boundary it is 5 exactly
    assert precision_energy_slope(A**4 / (1 + A**4), 0.25) == pytest.approx(5, abs=1e-4)


def test_shuffling_takes_away_what_q_has_to_do_with_p() -> None:
    rng = np.random.default_rng(7)
    p = rng.uniform(0.1, 0.9, 40)
    tied, shuffled = shuffled_gain("membrane", p, 0.1 * p**3, 6, seed=1)
    assert tied > shuffled.max() + 2


# --- the recordings -----------------------------------------------------------------------------


class TestEnergyBudget(ProtocolTests):
    module = energy_budget
    small = "controls=2 n=2,9 joint=false"
    columns = (
        "dataset",
        "cell",
        "state",
        "n",
        "p",
        "q_mV",
        "mean_mV",
        "sd_mV",
        "cv",
        "calcium",
        "turnover",
        "membrane",
        "actin",
        "trafficking",
        "energy",
        "calcium_share",
        "distance",
    )


@pytest.fixture(scope="module")
def shipped() -> energy_budget.Outcome:
    return energy_budget.run(Settings(controls=6, n="1,5"), Running(seed=1))


def test_rows_are_the_recordings(shipped: energy_budget.Outcome) -> None:
    frame = shipped.to_frame()
    assert len(frame) == 2 * 2 * 44
    row = frame[(frame.dataset == "sjostrom_2001_ltp") & (frame.n == 5)].iloc[0]
    assert (row.state, row.p, row.q_mV) == ("before", 0.32032, 0.1992)
    assert row.mean_mV == pytest.approx(5 * 0.32032 * 0.1992)
    assert row.sd_mV == pytest.approx(0.1992 * np.sqrt(5 * 0.32032 * 0.67968))
    assert row.cv == pytest.approx(np.sqrt(0.67968 / (5 * 0.32032)))
    assert row.membrane == pytest.approx(5 * 0.1992 ** (2 / 3))
    assert row.calcium == pytest.approx((0.32032 / 0.67968) ** 0.25)


def test_distances_do_not_depend_on_the_assumed_n(shipped: energy_budget.Outcome) -> None:
    frame = shipped.to_frame()
    one, five = (frame[frame.n == n] for n in (1, 5))
    np.testing.assert_allclose(one.distance, five.distance, atol=1e-9)
    np.testing.assert_allclose(one.calcium_share, five.calcium_share, rtol=1e-12)
    assert np.all(frame.distance > -1e-5)


def test_what_the_recordings_say(shipped: energy_budget.Outcome) -> None:
    """Turnover is no better than free p; the slope of 5 is no evidence; both are said."""
    results = shipped.results
    assert abs(results["aicc_turnover"] - results["aicc_free"]) < 2
    assert shipped.conventions["best by AICc"] == "membrane"
    assert results["weight_membrane_low"] < 0.93 < results["weight_membrane_high"]
    slope, noise = (
        results[f"precision_energy_slope_{which}"] for which in ("turnover", "of_random_p_mean")
    )
    assert abs(slope - noise) < 0.15 and abs(noise - 5) < 0.1
    said = " ".join(shipped.warnings)
    for words in ("no n", "no better than a normal", "when q is shuffled", "a straight line"):
        assert words in said
    # all costs together
    assert results["joint_loglik"] > results["loglik_membrane"] - 0.05
    assert sum(results[f"joint_share_{name}"] for name in SHARES) == pytest.approx(1)
    for name in SHARES:
        low, high = (results[f"joint_share_{name}_{end}"] for end in ("low", "high"))
        assert low <= results[f"joint_share_{name}"] <= high
    assert "with all costs together the shares of the energy" in said
    # LTP makes every cost larger, LTD saves calcium
    assert results["sjostrom_2001_ltp_log_change_calcium_low"] > 0
    assert results["sjostrom_2001_ltd_log_change_calcium_high"] < 0


def test_changes_are_those_of_p_and_q() -> None:
    cells = Cells.read("sjostrom_2001_ltd")
    q = np.log(cells.q["after"] / cells.q["before"])
    found = log_changes(cells)
    np.testing.assert_allclose(found["membrane"], 2 / 3 * q, atol=1e-12)
    np.testing.assert_allclose(found["actin"], q / 3, atol=1e-12)
    mean, low, high = mean_with_interval(found["membrane"], 1)
    assert low < mean < high


def test_weights_of_ones_own_and_a_budget() -> None:
    found = energy_budget.run(
        Settings(turnover=0.05, membrane=0.2, n="5", budget=1.5, controls=2, joint=False),
        Running(seed=1),
    )
    frame = found.to_frame()
    share = frame.calcium + 0.05 * frame.turnover + 0.2 * frame.membrane
    np.testing.assert_allclose(frame.energy, share, rtol=1e-12)
    row = frame.iloc[7]
    least = least_variance(row.mean_mV, row.energy, {"turnover": 0.05, "membrane": 0.2}).sd
    assert row.distance == pytest.approx(2 * np.log(row.sd_mV / least))
    assert np.all(frame.distance > -1e-6)
    made = found.results
    assert made["budget_n"] * made["budget_p"] * made["budget_q_mV"] == pytest.approx(
        made["budget_mean_mV"]
    )


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"n": "0,5"}, "n: found 0, expected at least 1: no sites release nothing"),
        ({"n": "2.5"}, "n: found 2.5 at index 0, expected a whole number"),
        ({"budget": -1}, "budget: found -1, expected a value above 0"),
        ({"budget": 0}, "budget: found 0, expected a value above 0"),
        ({"turnover": -0.1}, "turnover: found -0.1, expected a value at least 0"),
        ({"turnover": 0}, "turnover: found 0 for every weight, expected one above 0"),
        ({"turnover": 1, "cost": "actin"}, "cost: found 'actin' beside weights"),
        ({"cost": "calcium"}, "cost: found 'calcium', expected one of best, turnover"),
    ],
)  # fmt: skip
def test_wrong_settings(wrong: dict, line: str) -> None:
    with pytest.raises(InputError) as error:
        Settings(**wrong)
    assert f"Settings.{line}" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("1,0.5,0.2,0.2", "line 7, column 'pr_before': found '1', expected a release probability"),
        ("0.5,0,0.2,0.2", "line 7, column 'pr_after': found '0', expected a release probability"),
        ("0.5,0.5,-0.2,0.2", "line 7, column 'q_before_mV': found '-0.2', expected a quantal size"),
        ("0.5,0.5,0.2,", "line 7, column 'q_after_mV': found an empty cell, expected a finite"),
        ("0.5,0.5,0.2", "line 7: found 3 cells, expected 4"),
    ],
)
def test_wrong_files(row: str, line: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    good = "0.3,0.4,0.2,0.3\n" * 5
    file.write_text(f"pr_before,pr_after,q_before_mV,q_after_mV\n{good}{row}\n")
    with pytest.raises(InputError) as error:
        energy_budget.run(Settings(file=str(file)))
    assert line in str(error.value) and str(file) in str(error.value)


def test_files_without_what_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("pr_before,pr_after,q_before_mV\n0.3,0.4,0.2\n")
    with pytest.raises(InputError, match="no column 'q_after_mV'"):
        energy_budget.run(Settings(file=str(file)))
    file.write_text("pr_before,pr_after,q_before_mV,q_after_mV\n0.3,0.4,0.2,0.3\n")
    with pytest.raises(InputError, match="file: found 1 cells, expected at least 5"):
        energy_budget.run(Settings(file=str(file)))
    with pytest.raises(InputError, match="nothing_here"):
        energy_budget.run(Settings(file="nothing_here"))
