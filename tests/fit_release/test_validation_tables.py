"""Tables of `make validate` beside its designs, in small: what is made, kept and written."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from synsim.fit.budget_joint import SHARES, Boundary, fit_joint
from tests.energy.budget_draws import drawn_near_the_boundary
from validation import tables


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    first = next(iter(tables.RECORDINGS))
    for name, value in {
        "GROUPS": 40, "CELLS": (4, 15), "EXPERIMENTS": 2, "FITTED": 2, "FITTED_BUDGETS": 1,
        "RECORDINGS": {first: {"sweeps": 12}}, "BUDGETS": {"membrane 0.9": ((0, 0.9, 0, 0), 0.3)},
    }.items():  # fmt: skip
        monkeypatch.setattr(tables, name, value)


def test_tables(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables.make(tmp_path, 1)
    rows = {}
    for path in tmp_path.iterdir():
        with path.open(newline="") as file:
            rows[path.stem] = list(csv.DictReader(file))
    assert set(rows) == {f"table-{name}" for name in tables.TABLES}
    groups = {(row["shape"], row["cells"]): row for row in rows["table-groups"]}
    for (_, cells), row in groups.items():
        share = float(row["mean"])
        assert share > (0.6 if cells == "4" else 0.75) and share <= 1
    (measured,) = rows["table-extract"]
    assert float(measured["bias"]) < 0.05 and abs(float(measured["tau"]) - 6) < 0.5
    assert all(float(row["p"]) == pytest.approx(0.4, abs=0.15) for row in rows["table-extract-fit"])
    text = "\n".join(tables.sections(tmp_path))
    for words in (
        "## Groups of cells",
        "## Recordings",
        "From the file to the fit",
        "## Shares of",
    ):
        assert words in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|") and line.count("|") > 2
    # what is there is not made again
    monkeypatch.setattr(tables, "TABLES", dict.fromkeys(tables.TABLES, None))
    tables.make(tmp_path, 1)


@pytest.mark.parametrize("number", [0, 5, 10])
def test_ends_of_shares_are_not_left_short(number: int) -> None:
    """What synapses pay is among what the likelihood allows, and so within the intervals; costs
    that can stand for each other (membrane and actin) once made the search stop early."""
    log_weights = np.log([1e-6, 0.9, 1e-6, 1e-6])
    rng = np.random.default_rng([1, 41, number])
    size = np.exp(rng.normal(-2.3, 0.9, 44))
    p = drawn_near_the_boundary(log_weights, 0.3, size, rng)
    found, boundary = fit_joint(p, size), Boundary(p, size)
    deviance = 2 * (found.loglik - boundary.distances(log_weights).best()[0])
    assert -0.05 < deviance < 3.84
    for name, share in zip(SHARES, boundary.shares(log_weights), strict=True):
        assert found.low[name] - 1e-3 <= share <= found.high[name] + 1e-3, name
