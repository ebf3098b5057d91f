"""`fit stp`: BIC, cells and groups, rundown, calibration, figures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synsim.fit.calibration import Calibration, Recovered, words
from synsim.fit.stp import fit_stp
from synsim.fit.stp_curve import Pairs, Trains
from synsim.fit.stp_plot import draw_train
from synsim.fit.stp_trend import trend
from synsim.fit.stp_words import criteria, rivals, verdict
from synsim.models.tsodyks_markram import train

BURST = np.append(np.arange(8) * 20.0, 500.0)


def one(A: float, U: float, tau_rec: float, noise: float, rng: np.random.Generator) -> pd.DataFrame:
    u, x = train(BURST, U, tau_rec, 0.0)
    y = A * u * x + noise * rng.standard_normal(BURST.size)
    return pd.DataFrame({"t_ms": BURST, "epsc_pA": y, "sem_pA": noise})


def cells(count: int, seed: int = 5) -> tuple[pd.DataFrame, np.ndarray]:
    """Cells whose A, U and tau_rec scatter, and what they are, shape (cells, 3)."""
    rng = np.random.default_rng(seed)
    truth = np.column_stack(
        [
            rng.uniform(150, 300, count),
            rng.uniform(0.3, 0.6, count),
            rng.uniform(150, 400, count),
        ]
    )
    parts = [one(*row, 1.0, rng).assign(cell=f"c{i}") for i, row in enumerate(truth)]
    return pd.concat(parts, ignore_index=True), truth


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# --- choice of model ---------------------------------------------------------------------


def test_the_least_bic_is_best_and_aicc_is_beside_it() -> None:
    data, _ = cells(1)
    (group,) = fit_stp(data).fits
    order = [fit.bic for fit in group.fits.values()]
    assert order == sorted(order) and group.best.bic == order[0]
    k, m = group.best.k, group.best.size
    assert group.best.bic == pytest.approx(k * np.log(m) - 2 * group.best.loglik, rel=1e-12)
    assert group.best.aicc == pytest.approx(
        2 * k - 2 * group.best.loglik + 2 * k * (k + 1) / (m - k - 1), rel=1e-12
    )


class Stand:
    """A fit of which only the criteria are asked."""

    def __init__(self, bic: float, aicc: float) -> None:
        self.bic, self.aicc = bic, aicc


def test_where_the_criteria_differ_it_is_said() -> None:
    fits = {"depression": Stand(10, 14), "three_state": Stand(13, 12.5)}
    (text,) = criteria(fits)  # type: ignore[arg-type]
    assert text == (
        "by AICc three_state would be best, 1.5 ahead of depression; by BIC, which decides here, "
        "depression is, 3.0 ahead of three_state"
    )
    assert verdict(fits) == "depression is best, 3.0 BIC ahead of three_state"  # type: ignore[arg-type]
    near = {"depression": Stand(10, 12), "three_state": Stand(11.5, 20)}
    assert rivals(near) == ["depression", "three_state"]  # type: ignore[arg-type]
    assert criteria(near) == []  # type: ignore[arg-type]
    assert "in BIC" in verdict(near)  # type: ignore[arg-type]


# --- cells and groups --------------------------------------------------------------------


def test_a_row_for_each_cell_and_a_group_over_them(tmp_path: Path) -> None:
    data, truth = cells(5)
    result = fit_stp(data, models="depression", seed=3)
    out = result.save(tmp_path / "out", plot=False)
    rows = read(out / "cells.csv")
    assert [row["cell"] for row in rows] == [f"c{i}" for i in range(5)]
    for place, name in enumerate(("A_pA", "U", "tau_rec_ms")):
        stem, _, unit = name.partition("_") if name != "tau_rec_ms" else ("tau_rec", "", "ms")
        ends = f"_{unit}" if unit else ""
        for row, values in zip(rows, truth, strict=True):
            low, high = float(row[f"{stem}_low{ends}"]), float(row[f"{stem}_high{ends}"])
            assert low < float(row[name]) < high
            assert low < values[place] < high
    fitted = np.array([[float(r[n]) for n in ("A_pA", "U", "tau_rec_ms")] for r in rows])
    assert float(rows[0]["mean_at_rest_pA"]) == pytest.approx(fitted[0, 0] * fitted[0, 1])
    assert {row["model"] for row in rows} == {"depression"}
    group = {row["parameter"]: row for row in read(out / "group.csv")}
    assert list(group) == ["A", "U", "tau_rec", "mean_at_rest"]
    for place, name in enumerate(("A", "U", "tau_rec")):
        row = group[name]
        assert float(row["mean"]) == pytest.approx(fitted[:, place].mean(), rel=1e-12)
        assert float(row["median"]) == pytest.approx(np.median(fitted[:, place]), rel=1e-12)
        assert float(row["mean_low"]) < truth[:, place].mean() < float(row["mean_high"])
        assert int(row["cells"]) == 5
    document = json.loads((out / "summary.json").read_text())
    assert document["seed"] == 3 and document["results"]["cells"][0]["cells"] == list(
        f"c{i}" for i in range(5)
    )
    assert any("fewer than 8 cells" in text for text in result.warnings)
    assert "mean over 5 cells" in result.summary() and "Over 5 cells" in result.report()
    again = fit_stp(data, models="depression", seed=3)
    assert again.populations == result.populations
    assert fit_stp(data, models="depression", seed=4).populations != result.populations


def test_the_column_of_cells_may_have_another_name(tmp_path: Path) -> None:
    data, _ = cells(3)
    renamed = data.rename(columns={"cell": "neuron"})
    result = fit_stp(renamed, models="depression", cell_column="neuron")
    assert [g.group for g in result.fits] == [{"neuron": f"c{i}"} for i in range(3)]
    assert len(result.populations) == 1
    kinds = data.assign(kind=["a"] * len(data))
    two = fit_stp(kinds, models="depression", group_by="kind,cell")
    assert [p.group for p in two.populations] == [{"kind": "a"}]


def test_two_cells_are_no_group_and_none_no_rows(tmp_path: Path) -> None:
    data, _ = cells(2)
    out = fit_stp(data, models="depression").save(tmp_path / "two", plot=False)
    assert (out / "cells.csv").exists() and not (out / "group.csv").exists()
    alone = data[data["cell"] == "c0"].drop(columns="cell")
    out = fit_stp(alone, models="depression").save(tmp_path / "one", plot=False)
    assert not (out / "cells.csv").exists()


# --- rundown -----------------------------------------------------------------------------


def sweeps(count: int, change: float, seed: int, noise: float = 2.0) -> pd.DataFrame:
    """Sweeps of one stimulus whose responses change linearly from first to last."""
    rng = np.random.default_rng(seed)
    u, x = train(BURST, 0.4, 250.0, 0.0)
    parts = []
    for i in range(count):
        scale = 1 + change * (i / (count - 1) - 0.5)
        y = 200 * u * x * scale + noise * rng.standard_normal(BURST.size)
        parts.append(pd.DataFrame({"sweep": i + 1, "t_ms": BURST, "epsc_pA": y}))
    return pd.concat(parts, ignore_index=True)


def test_rundown_is_found_and_said(tmp_path: Path) -> None:
    result = fit_stp(sweeps(12, -0.3, 1), models="depression")
    (group,) = result.fits
    assert group.trend is not None and group.trend.trains == 12
    assert group.trend.change == pytest.approx(-0.3, abs=0.04)
    assert any("rundown over the recording" in text for text in result.warnings)
    assert "Trend over 12 trains" in result.report()
    found = result.results["fits"][0]["trend"]
    assert found["p_value"] < 1e-4
    up = fit_stp(sweeps(12, 0.3, 1).assign(cell=1), models="depression")
    assert any("run-up" in text for text in up.warnings)


def test_trend_of_steady_recordings_is_uniform() -> None:
    """Its p is below 0.05 in 5 % and below 0.5 in 50 % of 2000 recordings, within 4 SE.

    Two stimuli, with different numbers of sweeps, in turn; one sweep of a third stands alone.
    """
    rng = np.random.default_rng(8)
    kinds = [BURST, BURST * 2, BURST, BURST * 2, BURST, BURST, np.arange(4) * 7.0]
    trains = Trains(kinds)
    means = {len(BURST): np.linspace(80, 30, BURST.size), 4: np.array([80.0, 60, 50, 45])}
    base = np.concatenate([means[len(t)] * (1 + (t[1] > 30)) for t in kinds])
    chances, changes = [], []
    for _ in range(2000):
        # equal scatter of the factors: in proportion to the stimulus
        noise = rng.standard_normal(base.size) * np.concatenate(
            [np.full(len(t), 3.0 * (1 + (t[1] > 30))) for t in kinds]
        )
        found = trend(trains, base + noise, np.zeros(base.size))
        assert found is not None and found.trains == 6
        chances.append(found.chance)
        changes.append(found.change)
    for level in (0.05, 0.5):
        error = np.sqrt(level * (1 - level) / 2000)
        assert abs(np.mean(np.array(chances) < level) - level) < 4 * error
    assert abs(np.mean(changes)) < 4 * np.std(changes) / np.sqrt(2000)


def test_no_trend_without_repeats() -> None:
    assert trend(Trains([BURST, BURST * 2]), np.ones(18), np.zeros(18)) is None
    assert trend(Trains([BURST] * 3), np.ones(27), np.zeros(27)) is None
    assert trend(Pairs(np.array([3.0, 40.0, 900.0])), np.ones(3), np.zeros(3)) is None


# --- calibration -------------------------------------------------------------------------


def test_calibration_of_a_good_design_and_of_a_poor_one(tmp_path: Path) -> None:
    """A recovery pulse tells tau_rec; five pulses at one interval tell A and U as a product."""
    rng = np.random.default_rng(2)
    good = fit_stp(one(200, 0.4, 250, 1.0, rng), models="depression", calibrate=12, seed=9)
    (group,) = good.fits
    assert group.calibration is not None and group.calibration.failed == 0
    for name, r in group.calibration.parameters.items():
        assert r.truth == group.best.estimate(name).value
        assert r.low < r.median < r.high and abs(r.bias) < 0.2 * r.truth
        assert r.bounded == 1.0
        assert r.coverage >= 0.7  # of 12: four misses or more are seen by chance in 1 of 400
    assert dict(group.calibration.chosen) == {"depression": 12}
    assert any("the design can identify A, U, tau_rec" in text for text in good.warnings)
    document = json.loads((good.save(tmp_path / "o", plot=False) / "summary.json").read_text())[
        "results"
    ]["fits"][0]["calibration"]
    assert document["experiments"] == 12 and set(document["params"]) == {"A", "U", "tau_rec"}
    assert "Calibration: 12 copies" in good.report()

    times = np.arange(6) * 20.0
    u, x = train(times, 0.03, 2000.0, 0.0)
    y = 2000 * u * x + 0.5 * rng.standard_normal(6)
    short = pd.DataFrame({"t_ms": times, "epsc_pA": y})
    poor = fit_stp(short, models="depression", calibrate=6)
    assert any("cannot identify" in t and "tau_rec (" in t for t in poor.warnings)


def test_the_same_seed_gives_the_same_copies() -> None:
    data = one(200, 0.4, 250, 1.0, np.random.default_rng(2))
    a, b, c = (fit_stp(data, models="depression", calibrate=2, seed=s) for s in (1, 1, 2))
    found = [f.fits[0].calibration for f in (a, b, c)]
    assert found[0] == found[1] != found[2]


def test_words_of_a_calibration() -> None:
    parameters = {
        "U": Recovered(0.5, 0.5, 0.45, 0.55, 0.0, 0.6, 1.0),
        "tau_rec": Recovered(100, 100, 90, 400, 5, 0.95, 1.0),
        "tau_facil": Recovered(50, 50, 45, 55, 0, 0.95, 0.3),
    }
    chosen = {"depression": 30, "depression_facilitation": 20}
    said = words(Calibration(50, 0, parameters, "depression_facilitation", chosen))
    assert said[0].endswith(
        "the design can identify U; cannot identify tau_rec (half of the estimates outside 90.0 to "
        "400), tau_facil (interval without limit in 70 %)"
    )
    assert said[1].endswith("intervals of U held the truth in 60 % only")
    assert "was best in 20 of 50" in said[2] and len(said) == 3


# --- figures -----------------------------------------------------------------------------


def test_a_recovery_pulse_is_not_joined_to_its_train() -> None:
    """Lines have a gap before the pulse after the pause, which has a mark and a bar of its own."""
    from matplotlib.figure import Figure

    (group,) = fit_stp(one(200, 0.4, 250, 1.0, np.random.default_rng(2)), models="depression").fits
    ax = draw_train(group, 0, "pA", Figure().subplots())
    (line,) = [line for line in ax.lines if line.get_label() == "depression"]
    x, y = (np.asarray(values, dtype=float) for values in line.get_data())
    assert np.flatnonzero(np.isnan(y)).tolist() == [8]
    assert x[-1] == 500.0 and y[-1] == group.best.fitted[-1]
    bars = [c for c in ax.collections if hasattr(c, "get_segments") and len(c.get_segments()) == 1]
    assert any(np.allclose(c.get_segments()[0][:, 0], 500.0) for c in bars)
