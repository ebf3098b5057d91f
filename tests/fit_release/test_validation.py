"""`make validate` in small: 20 and 10 experiments of two designs, and what it keeps and counts.

Of 120 intervals of 95 %, 114 hold the truth in the mean; those of one fit are correlated, and
over fixed seeds 107 is about two and a half standard errors below. Intervals with half the limit
of the deviance hold 83 %, which is 100.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synsim.fit.quantal import fit_quantal
from validation.classical import least_squares, mean_variance
from validation.designs import DESIGNS, TRAIN, Design
from validation.report import coverage, held, values, write
from validation.run import experiment, read, run


def some(name: str, count: int) -> list[dict[str, str]]:
    columns = ("experiment", "method", "parameter", "truth", "value", "low", "high", "note")
    rows = [row for i in range(count) for row in experiment(DESIGNS[name], i, seed=11)]
    return [
        dict(zip(columns, ("" if v is None else str(v) for v in row), strict=True)) for row in rows
    ]


@pytest.mark.parametrize(
    ("name", "count"), [("trains-300", 20), ("trains-60-high", 20), ("averages-31", 10)]
)
def test_intervals_hold_the_truth(name: str, count: int) -> None:
    rows = some(name, count)
    truth = {k: v for k, v in DESIGNS[name].truth.items() if k != "tau_facil"}
    counts = {p: coverage(rows, p) for p in truth}
    assert not any(r["method"] == "failed" for r in rows)
    assert sum(c[0] for c in counts.values()) >= 0.89 * sum(c[1] for c in counts.values()), counts
    assert all(hits >= 0.75 * of for hits, of in counts.values()), counts
    for p in set(truth) - {"cv"}:  # at its bound of 0 in some
        found = values(rows, "likelihood", p)
        error = np.std(found) / np.sqrt(len(found))
        assert abs(found.mean() - truth[p]) < 4 * error + 0.05 * abs(truth[p])


def made(rng: np.random.Generator) -> list[Any]:
    x = float(rng.standard_normal())
    return [("likelihood", "a", x, x - 1.96, x + 1.96, "")]


FAKE = Design("fake", "none", "a normal mean", {"a": 0.0}, made)


def test_a_run_is_taken_up_where_it_was_broken_off(tmp_path: Path) -> None:
    whole = run(FAKE, tmp_path / "whole", 30).read_bytes()
    path = run(FAKE, tmp_path / "torn", 12)
    path.write_text(path.read_text() + "12,likelihood,a,0.0,0.7,-1")  # killed while writing
    assert run(FAKE, tmp_path / "torn", 30).read_bytes() == whole
    assert run(FAKE, tmp_path / "torn", 30, seed=2).read_bytes() == whole  # nothing left to do
    assert len(read(path)) == 30 and len(read(path, 7)) == 7


def test_coverage_of_exact_intervals(tmp_path: Path) -> None:
    hits, count = coverage(read(run(FAKE, tmp_path, 2000)), "a")
    assert count == 2000 and abs(hits / count - 0.95) < 4 * np.sqrt(0.95 * 0.05 / count)


def test_an_open_side_holds_what_is_there() -> None:
    row = {"truth": "5.0", "low": "", "high": "4.9"}
    assert not held(row) and held(row | {"high": ""}) and held(row | {"low": "5.0", "high": ""})


def test_report(tmp_path: Path) -> None:
    """Coverage outside what is wanted is bold; a value that was set is not counted."""
    rows = ["experiment,method,parameter,truth,value,low,high,note"]
    for i in range(200):
        rows += [f"{i},likelihood,q,10,9,8,{9 if i < 60 else 11},"]
        rows += [f"{i},likelihood,cv,0.2,0.3,0.3,0.3,{'set' if i < 80 else ''}"]
        rows += [f"{i},mean-variance,n,5.0,{'nan' if i < 40 else 6},,,"]
    (tmp_path / "trains-300.csv").write_text("\n".join(rows) + "\n")
    write(tmp_path, tmp_path / "report.md", 200, 1)
    text = (tmp_path / "report.md").read_text()
    assert "| **70.0 %** |" in text and "**0.0 %** of 120" in text
    write(tmp_path, tmp_path / "report.md", 50, 1)  # too few to say so
    assert "| 0.0 % |" in (tmp_path / "report.md").read_text()
    assert "+20 (+20, +20), 40 without" in text


def test_classical_estimates_of_exact_moments() -> None:
    """Two values a pulse with exactly the mean and variance of binomial release."""
    P = np.array([0.5, 0.4, 0.2, 0.3])
    mean, sd = 50 * P, np.sqrt(500 * P * (1 - P + 0.04) + 9)
    table = np.array([mean - sd, mean + sd])
    table = mean + (table - mean) / np.sqrt(2)  # variances are over one degree of freedom
    for found in (
        mean_variance(table, 3.0, 0.2),
        least_squares(table, np.array([np.inf, 50.0, 20.0, 80.0]), 3.0, 0.2),
    ):
        by_name = {name: value for _, name, value, *_ in found}
        assert by_name["n"] == pytest.approx(5, rel=1e-9)
        assert by_name["q"] == pytest.approx(10, rel=1e-9)


def test_least_squares_of_an_exact_train() -> None:
    h = np.array(TRAIN)
    x, released = 1.0, []
    for i, gap in enumerate(h):
        x = 1 - (1 - x * (1 - 0.5 * (i > 0))) * np.exp(-gap / 200.0)
        released.append(0.5 * x)
    table = 50 * np.array([released, released]) + [[-1.0], [1.0]]
    by_name = {name: value for _, name, value, *_ in least_squares(table, h, 0.0, 0.0)}
    assert by_name["U"] == pytest.approx(0.5, rel=1e-4)
    assert by_name["tau_rec"] == pytest.approx(200, rel=1e-3)


def test_responses_that_scatter_less_than_the_noise() -> None:
    """1/CV^2 is not defined there: no number in the results, and words in the report."""
    h = np.tile(TRAIN, 12)
    rng = np.random.default_rng(4)
    y = np.where(np.isinf(h), 40 + 1e-3 * rng.standard_normal(h.size), 0.0)
    y = np.where(y > 0, y, rng.normal(20, 6, h.size))
    result = fit_quantal(amplitudes=y, intervals=h, models="depression", s0=3.0)
    check = next(c for c in result.fits[0].checks if c.name == "inverse_cv2")
    assert check.values["value"] is None
    assert "none" in result.report()
