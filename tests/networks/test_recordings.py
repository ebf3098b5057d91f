"""The protocol `recordings`: numbers of the shipped recordings, and statistics of known truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from synsim.cli import main
from synsim.networks import recorded
from synsim.protocol import Running
from synsim.protocols import recordings
from tests.protocols.base import ProtocolTests

COLUMNS = (
    "panel", "group", "cell", "release_probability", "relative_change", "absolute_change_mV",
    "presynaptic_rate", "normalised_variance",
)  # fmt: skip


class TestRecordings(ProtocolTests):
    module = recordings
    small = "draws=100"
    columns = COLUMNS


@pytest.fixture(scope="module")
def shipped() -> dict[str, float]:
    return dict(recordings.run(recordings.Settings(), Running(seed=2)).results)


def test_numbers_of_the_recordings(shipped: dict[str, float]) -> None:
    """Known from the files by other means: -.475 of 30 cells, -.32 of 14, slope -.71 +- .21."""
    assert shipped["ltp_spearman_relative_change"] == pytest.approx(-0.475, abs=5e-4)
    assert shipped["ltd_spearman_relative_change"] == pytest.approx(-0.32, abs=2e-3)
    assert shipped["foopsi_mean_variance_slope"] == pytest.approx(-0.71, abs=5e-3)
    half = (
        shipped["foopsi_mean_variance_slope_high"] - shipped["foopsi_mean_variance_slope_low"]
    ) / 2
    assert half / 1.96 == pytest.approx(0.21, abs=0.03)
    assert shipped["ltp_spearman_absolute_change"] > 0.4  # the sign is the other way


@pytest.mark.parametrize("what", ["relative_change", "absolute_change_mV"])
@pytest.mark.parametrize("group", ["ltp", "ltd"])
def test_slopes_of_plasticity(shipped: dict[str, float], group: str, what: str) -> None:
    """Of the logarithms, by scipy; the interval is some two of its standard errors wide, each way
    (within a half: few connections, and a bootstrap beside a normal line)."""
    table = recordings.run(recordings.Settings(draws=100)).to_frame().query("group == @group")
    line = stats.linregress(np.log(table["release_probability"]), np.log(table[what]))
    name = what.removesuffix("_mV")
    assert shipped[f"{group}_slope_{name}"] == pytest.approx(line.slope)
    wide = shipped[f"{group}_slope_high_{name}"] - shipped[f"{group}_slope_low_{name}"]
    assert wide / (2 * 1.96 * line.stderr) == pytest.approx(1, abs=0.5)


def test_most_of_the_correlation_is_built_in(shipped: dict[str, float]) -> None:
    assert shipped["ltp_spearman_built_in"] < shipped["ltp_spearman_relative_change"]
    assert shipped["ltd_spearman_built_in"] < shipped["ltd_spearman_relative_change"]
    assert shipped["ltp_p_value_against_built_in"] > 0.05


def cells(rng: np.random.Generator, coupling: float, count: int = 40) -> recorded.Changes:
    """p and q at random; |dw| goes as p to a power, so that 0 is no coupling at all."""
    p, q = rng.uniform(0.1, 0.9, count), np.exp(0.4 * rng.normal(size=count))
    change = 0.1 * p**coupling * np.exp(0.3 * rng.normal(size=count))
    return recorded.Changes([""] * count, p, p * q, p * q + change)


def test_control_holds_its_level() -> None:
    """Without coupling p < .05 in one of twenty (4 SE of 200); with it, nearly always."""
    rng = np.random.default_rng(3)
    free = [recorded.shuffled_changes(cells(rng, 0), 200, rng).p_value for _ in range(200)]
    assert np.mean(np.array(free) < 0.05) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)
    assert np.mean(np.array(free) < 0.5) > 0.5 - 4 * np.sqrt(0.25 / 200)
    tied = [recorded.shuffled_changes(cells(rng, -1.5), 200, rng).p_value for _ in range(20)]
    assert np.mean(np.array(tied) < 0.05) > 0.9


def test_control_is_what_division_builds_in() -> None:
    """Without coupling the control's median is the mean of what is found, in SE of 200 sets."""
    rng = np.random.default_rng(4)
    found, built = [], []
    for _ in range(200):
        one = cells(rng, 0)
        found.append(recorded.spearman(one.p, one.relative))
        built.append(recorded.shuffled_changes(one, 100, rng).median)
    gap = np.array(found) - np.array(built)
    assert np.mean(found) < -0.3
    assert abs(gap.mean()) < 4 * gap.std(ddof=1) / np.sqrt(200)


def test_bootstrap_holds_the_slope() -> None:
    """Rows of a group that share x and an error need groups drawn: 4 SE of 150 sets."""
    rng, held, narrow = np.random.default_rng(6), 0, 0
    for _ in range(150):
        group = np.repeat(np.arange(40), 3)
        x = np.exp(rng.normal(size=40))[group]
        y = x**-0.6 * np.exp(0.4 * rng.normal(size=40)[group] + 0.2 * rng.normal(size=120))
        by_group = recorded.bootstrap(recorded.log_log_slope, x, y, 200, rng, group=group)
        by_row = recorded.bootstrap(recorded.log_log_slope, x, y, 200, rng)
        held += by_group.low < -0.6 < by_group.high
        narrow += by_row.low < -0.6 < by_row.high
    assert held / 150 > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 150) - 0.02
    assert narrow < held - 10


def test_statistics_against_scipy() -> None:
    rng = np.random.default_rng(1)
    x, y = np.exp(rng.normal(size=(2, 30)))
    assert recorded.spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert recorded.log_log_slope(x, y) == pytest.approx(
        stats.linregress(np.log(x), np.log(y)).slope
    )


def test_a_file_with_one_rate(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("mean,var,foopsi_mean\n" + "".join(f"1,{i},{7 - i}\n" for i in range(1, 6)))
    found = recordings.run(recordings.Settings(variability=str(path), draws=100))
    assert found.results["foopsi_mean_variance_spearman"] == pytest.approx(-1)
    assert not any(name.startswith("foopsi_threshold") for name in found.results)


@pytest.mark.parametrize(
    ("flag", "text", "message"),
    [
        ("ltp", "pr_before,w_before,w_after\n0.5,1,2\n0,1,2\n",
         "line 3, column 'pr_before': found '0', expected a release probability above 0, at most "
         "1"),
        ("ltp", "pr_before,w_before,w_after\n0.5,0,2\n",
         "line 2, column 'w_before': found '0', expected a weight above 0"),
        ("ltd", "pr_before,w_before\n0.5,1\n",
         "no column 'w_after', it has pr_before, w_before"),
        ("variability", "mean,var,foopsi_threshold\n1,1,1\n",
         "no column 'foopsi_mean' (--rate), it has mean, var, foopsi_threshold"),
        ("variability", "mean,var,foopsi_mean\n1,1,1\n2,3,4\n",
         ": found 2 row(s), expected at least 4"),
        ("ltp", "pr_before,w_before,w_after\n" + 5 * "0.5,1,2\n",
         ": found one value in all rows, expected different ones"),
        ("variability", "mean,var,foopsi_mean,foopsi_threshold\n1,-1,1,1\n",
         "line 2, column 'var': found '-1', expected a value above 0"),
    ],
)  # fmt: skip
def test_wrong_files(
    flag: str, text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    assert main(["run", "recordings", f"--{flag}", str(path), "--out", str(tmp_path / "o")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"synsim: {path}") and said.endswith(f"{message}\n"), said
    assert said.count("\n") == 1
    assert not (tmp_path / "o").exists()
