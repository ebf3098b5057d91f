"""What is no cost, no mean and no number: the energy protocols and `weight-precision`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Synsim
from tests.cli.test_wrong_input import refused

P_OPEN = (
    "expected values above 0 and below 1: at 0 nothing is released and no q keeps the mean, at 1 "
    "the cost of calcium is infinite and nothing scatters"
)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("reliability-cost --p 0", f"--p: found 0, {P_OPEN}"),
        ("reliability-cost --p 1", f"--p: found 1, {P_OPEN}"),
        ("reliability-cost --p-values 0,0.5,0.7", f"--p-values: found 0, {P_OPEN}"),
        ("reliability-cost --p-values 0.5,0.7,1", f"--p-values: found 1, {P_OPEN}"),
        ("reliability-cost --p-values 0.5",
         "--p-values: found 0.5, expected at least three different values"),
        ("reliability-cost --n 0",
         "--n: found 0, expected a value at least 1 and at most 2147483647"),
        ("reliability-cost --n-values 0,5,10",
         "--n-values: found 0, expected values at least 1: no sites release nothing, and no q "
         "keeps the mean"),
        ("reliability-cost --n-values 2.5",
         "--n-values: found 2.5 at index 0, expected a whole number"),
        ("reliability-cost --mean 0mV", "--mean: found 0 mV, expected a value above 0 mV"),
        ("reliability-cost --mean 1V --q-max 1mV",
         "--mean: found 1000 mV, expected a mean that quanta of at most 1 mV can hold: 5 sites "
         "with p = 0.05 need 4000 mV"),
        ("reliability-cost --mechanism actin --q-max 0.1mV",
         "--mean: found 1 mV, expected a mean that quanta of at most 0.1 mV can hold: 1 site with "
         "p = 0.25 need 4 mV"),
        ("energy-information --p 0",
         "--p: found 0, expected a value above 0: nothing is transmitted"),
        ("energy-information --p 1",
         "--p: found 1 with a meter of calcium, expected a value below 1: certain release takes "
         "endless calcium, and its cost is infinite"),
        ("energy-information --U 1",
         "--U: found 1 with a meter of calcium, expected a value below 1: certain release takes "
         "endless calcium, and its cost is infinite"),
        ("energy-information --n 0",
         "--n: found 0, expected at least 1: no sites transmit nothing"),
        ("energy-information --atp-fixed=-5", "--atp-fixed: found -5, expected a value at least 0"),
        ("energy-budget --n 0", "--n: found 0, expected at least 1: no sites release nothing"),
        ("energy-budget --n 1.5", "--n: found 1.5 at index 0, expected a whole number"),
        ("energy-budget --budget=-1", "--budget: found -1, expected a value above 0"),
        ("energy-budget --budget 0", "--budget: found 0, expected a value above 0"),
        ("energy-budget --turnover=-1", "--turnover: found -1, expected a value at least 0"),
        ("energy-budget --turnover 0",
         "--turnover: found 0 for every weight, expected one above 0: endless sites would be free"),
        ("weight-precision --levels 1",
         "--levels: found 1 at index 0, expected a value at least 2 and at most 4096"),
        ("weight-precision --levels 0",
         "--levels: found 0 at index 0, expected a value at least 2 and at most 4096"),
        ("weight-precision --n 0", "--n: found 0, expected a value at least 1 and at most 1000"),
        ("weight-precision --p 0", "--p: found 0, expected a value above 0 and at most 1"),
        ("weight-precision --p 1.5", "--p: found 1.5, expected a value above 0 and at most 1"),
    ],
)  # fmt: skip
def test_costs(synsim: Synsim, place: Path, command: str, line: str) -> None:
    assert refused(synsim, place, f"run {command} --out o") == line
