"""Which points a sweep has, and that each is checked before anything runs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from synsim.component import InputError
from synsim.component.errors import FieldError
from synsim.sweep import make
from synsim.sweep.plan import names


def test_grid_is_every_combination_in_order() -> None:
    plan = make("pairing", {"tau_plus": "10ms:20ms:5ms", "pairing": "all-to-all,nearest-reduced"})
    assert [dict(p.varied) for p in plan.points] == [
        {"tau_plus": tau, "pairing": scheme}
        for tau in ("10ms", "15ms", "20ms")
        for scheme in ("all-to-all", "nearest-reduced")
    ]
    assert [p.number for p in plan.points] == [1, 2, 3, 4, 5, 6]
    assert plan.columns == {"tau_plus": "tau_plus_ms", "pairing": "pairing"}
    assert plan.value(plan.points[2], "tau_plus") == 15.0
    assert plan.value(plan.points[1], "pairing") == "nearest-reduced"


def test_units_are_those_of_the_setting_whatever_was_typed() -> None:
    plan = make("pairing", {"rate": "0.001kHz,10Hz", "tau_plus": "0.01s:0.03s:0.01s"})
    assert plan.columns == {"rate": "rate_Hz", "tau_plus": "tau_plus_ms"}
    assert [plan.value(p, "rate") for p in plan.points] == [1.0, 1.0, 1.0, 10.0, 10.0, 10.0]
    assert [plan.value(p, "tau_plus") for p in plan.points[:3]] == [10.0, 20.0, 30.0]


def test_steps_are_decimal() -> None:
    plan = make("pairing", {"a_plus": "0:0.3:0.1"})
    assert [p.varied["a_plus"] for p in plan.points] == ["0", "0.1", "0.2", "0.3"]


def test_latin_has_one_point_in_every_slice() -> None:
    plan = make(
        "pairing",
        {
            "tau_plus": "10ms:30ms",
            "a_plus": "0.001:0.1:log",
            "pairing": "all-to-all,nearest-reduced",
        },
        kind="latin",
        count=40,
    )
    tau = np.array([plan.value(p, "tau_plus") for p in plan.points], dtype=float)
    gain = np.log10([float(plan.value(p, "a_plus")) for p in plan.points])
    for place in ((tau - 10) / 20, (gain + 3) / 2):
        assert sorted(np.floor(place * 40).astype(int)) == list(range(40))
    schemes = [p.varied["pairing"] for p in plan.points]
    assert schemes.count("all-to-all") == 20
    # the order of one says nothing of the other: |r| below 4 standard errors
    assert abs(stats.spearmanr(tau, gain).statistic) < 4 / np.sqrt(39)


def test_random_is_uniform() -> None:
    """Kolmogorov-Smirnov at a fixed seed; whole numbers by chi-square, both ends included."""
    plan = make(
        "stp-train", {"tau_rec": "100ms:1s:log", "n": "1:5"}, kind="random", count=1000, seed=3
    )
    log = np.log([float(plan.value(p, "tau_rec")) for p in plan.points])
    place = (log - np.log(100)) / np.log(10)
    assert stats.kstest(place, "uniform").pvalue > 1e-3
    counts = np.bincount([int(float(plan.value(p, "n"))) for p in plan.points], minlength=6)
    assert counts[0] == 0 and len(counts) == 6
    assert stats.chisquare(counts[1:]).pvalue > 1e-3


def test_points_have_seeds_of_their_own() -> None:
    plan = make("pairing", {"tau_plus": "10ms:59ms:1ms"}, seed=5)
    seeds = [p.seed for p in plan.points]
    assert len(set(seeds)) == 50 and all(0 <= s < 2**32 for s in seeds)
    assert seeds == [p.seed for p in make("pairing", {"tau_plus": "10ms:59ms:1ms"}, seed=5).points]
    # a longer sweep begins with the same seeds
    longer = make("pairing", {"tau_plus": "10ms:60ms:1ms"}, seed=5)
    assert [p.seed for p in longer.points[:50]] == seeds
    other = make("pairing", {"tau_plus": "10ms:59ms:1ms"}, seed=6)
    assert not set(seeds) & {p.seed for p in other.points}


def test_digest_is_of_all_that_decides() -> None:
    vary = {"tau_plus": "10ms,20ms"}
    plan = make("pairing", vary)
    assert plan.digest == make("pairing", vary).digest
    others = [
        make("pairing", vary, seed=2),
        make("pairing", vary, {"n_pairs": "3"}),
        make("pairing", {"tau_plus": "10ms,21ms"}),
        make("stdp-window", vary),
        make("pairing", vary, backend="numpy"),
    ]
    assert len({plan.digest, *(other.digest for other in others)}) == 6


@pytest.mark.parametrize(
    ("vary", "more", "line"),
    [
        ({}, {}, "--vary is missing, expected NAME=VALUES, such as tau_plus=10ms:40ms:5ms"),
        ({"tau_plos": "1ms"}, {}, "--vary: unknown setting 'tau_plos', expected one of "),
        ({"tau_plus": "10:40:5"}, {}, "--vary tau_plus: found '10' without a unit, "),
        ({"tau_plus": "10ms:40ms"}, {}, "--vary tau_plus: found '10ms:40ms', expected start:stop:"),
        ({"tau_plus": ""}, {}, "--vary tau_plus: found an empty list, expected at least one value"),
        ({"tau_plus": "1ms,1ms"}, {}, "--vary tau_plus: found '1ms' twice, expected different"),
        ({"tau_plus": "40ms:10ms:5ms"}, {}, "--vary tau_plus: found '40ms:10ms:5ms', which is "),
        ({"tau_plus": "-5ms,5ms"}, {}, "--vary tau_plus: found -5 ms, expected a value above 0 ms"),
        ({"tau_plus": "5mV"}, {}, "--vary tau_plus: found '5mV' which is a voltage, "),
        ({"pairing": "all,none"}, {}, "--vary pairing: found 'all', expected one of all-to-all, "),
        ({"n_pairs": "1.5"}, {}, "--vary n_pairs: found 1.5, expected a whole number"),
        ({"tau_plus": "1ms"}, {"fixed": {"tau_plus": "2ms"}},
         "--vary tau_plus: the setting is also given a value of its own"),
        ({"tau_plus": "1ms"}, {"kind": "sobol"}, "--plan: found 'sobol', expected one of grid, "),
        ({"tau_plus": "1ms:2ms"}, {"kind": "latin"}, "--points: found none, expected a number of"),
        ({"tau_plus": "1ms"}, {"count": 5}, "--points: found 5, expected none: a grid has every"),
        ({"tau_plus": "1ms:2ms"}, {"kind": "latin", "count": 0}, "--points: found 0, expected a"),
        ({"tau_plus": "2ms:1ms"}, {"kind": "latin", "count": 3},
         "--vary tau_plus: found '2ms:1ms', expected the lower end first"),
        ({"tau_plus": "0ms:1ms:log"}, {"kind": "latin", "count": 3},
         "--vary tau_plus: found '0ms:1ms:log', expected ends above 0"),
        ({"tau_plus": "1ms:2ms:3ms"}, {"kind": "random", "count": 3},
         "--vary tau_plus: found '1ms:2ms:3ms', expected low:high, low:high:log or values"),
    ],
)  # fmt: skip
def test_wrong_plans(vary: dict[str, str], more: dict[str, object], line: str) -> None:
    with pytest.raises(InputError) as error:
        make("pairing", vary, **more)  # type: ignore[arg-type]
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)


def test_a_fixed_setting_that_is_wrong_is_not_blamed_on_the_plan() -> None:
    with pytest.raises(FieldError) as error:
        make("pairing", {"tau_plus": "1ms"}, {"tau_minus": "-1ms"})
    assert error.value.field == "tau_minus"


def test_names() -> None:
    assert names(["tau-plus=1ms", "--n=2,3"]) == {"tau_plus": "1ms", "n": "2,3"}
    for words, line in (
        (["tau_plus"], "--vary: found 'tau_plus', expected NAME=VALUES"),
        (["=3"], "--vary: found '=3', expected NAME=VALUES"),
        (["n=1", "n=2"], "--vary n: found twice, expected each setting once"),
    ):
        with pytest.raises(InputError, match=line):
            names(words)
