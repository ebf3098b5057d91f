"""What is wrong with the input is said in one line that names where and what is expected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synsim.cli import main
from synsim.component import InputError
from synsim.fit.quantal import fit_quantal
from synsim.fit.quantal_data import read_responses
from synsim.tables import read_table

ROWS = [f"{t},{a}" for t, a in zip(range(0, 1200, 100), np.linspace(5, 20, 12), strict=True)]


def write(tmp_path: Path, header: str, rows: list[str]) -> Path:
    path = tmp_path / "d.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        ("t_ms,epsc", ROWS, "which column is the amplitude?"),
        ("t_ms,a_pA,b_mV", [f"{r},1" for r in ROWS], "a_pA, b_mV"),
        ("t_ms,epsc_pA", [*ROWS[:4], "400,", *ROWS[5:]], "line 6, column 'epsc_pA'"),
        ("t_ms,epsc_pA", [*ROWS[:4], ROWS[3], *ROWS[5:]], "line 6, column 't_ms'"),
        ("isi_ms,epsc_pA", [*ROWS[:4], ",7", *ROWS[5:]], "line 6, column 'isi_ms'"),
        ("isi_ms,epsc_pA", [*ROWS[:4], "-3,7", *ROWS[5:]], "line 6, column 'isi_ms'"),
        ("t_ms,epsc_pA", ROWS[:4], "4 responses are too few"),
        ("t_ms,epsc_pA", [f"{100 * i},0" for i in range(12)], "every response is 0"),
        ("t_ms,epsc_pA", [f"{100 * i},7" for i in range(12)], "every response is 7"),
        ("t_ms,epsc_pA", [f"{100 * i},{7 * (-1) ** i}" for i in range(12)], "both signs"),
        ("t_ms,epsp_mV", [f"{100 * i},{2e-5 * i}" for i in range(12)], "are the values in V?"),
        ("t_ms,epsc_pA", [f"{100 * i},{2e-11 * i}" for i in range(12)], "are the values in A?"),
        ("t_ms,epsc_pA", [f"{0.1 * i:.1f},{5 + i}" for i in range(12)], "found 0.1 ms after"),
        (
            "isi_ms,epsc_pA",
            [f"0.05,{5 + i}" for i in range(12)],
            "column 'isi_ms': found 0.05",
        ),
        ("t_ms,isi_ms,epsc_pA", [f"5,{r}" for r in ROWS], "which column is the interval?"),
    ],
)
def test_one_line(tmp_path: Path, header: str, rows: list[str], said: str) -> None:
    with pytest.raises(InputError) as error:
        fit_quantal(write(tmp_path, header, rows))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_unit_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "t_ms,epsc", [f"{100 * i},{2e-11 * i}" for i in range(12)])
    with pytest.raises(InputError, match="are the values in V or A"):
        read_responses(read_table(path), amplitude_column="epsc")
    found = read_responses(read_table(path), amplitude_column="epsc", amplitude_unit="A")
    assert found.unit == "pA" and found.amplitude[1] == pytest.approx(20)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"models": "no_such"}, "--model"),
        ({"n_max": 0}, "--n-max"),
        ({"cv": "much"}, "--cv"),
        ({"cv": 2.0}, "--cv"),
        ({"s0": -1.0}, "--s0"),
        ({"s0": "-1pA"}, "--s0: found '-1pA', expected a noise above 0"),
        ({"s0": "2"}, "--s0: found '2' without a unit, expected a current with its unit"),
        ({"s0": "2mV"}, "--s0: found '2mV' which is a voltage, expected a current with its unit"),
        ({"seed": -1}, "--seed"),
        ({"amplitudes": [[1.0, 2.0]]}, "shape"),
        ({"intervals": [1.0]}, "expected 20"),
    ],
)
def test_wrong_arguments(changes: dict, said: str) -> None:
    given = {"amplitudes": np.arange(20.0), "amplitude_unit": "pA"} | changes
    with pytest.raises(InputError, match=said):
        fit_quantal(**given)


def test_volts_become_millivolts_and_sweeps_begin_at_rest(tmp_path: Path) -> None:
    rows = [f"{s},{t},{v}" for s in (1, 2) for t, v in ((0.0, 2e-3), (0.05, 1e-3))]
    found = read_responses(read_table(write(tmp_path, "sweep,t_s,epsp_V", rows)))
    assert found.unit == "mV"
    assert found.amplitude.tolist() == [2.0, 1.0, 2.0, 1.0]
    assert found.intervals is not None
    assert found.intervals.tolist() == [np.inf, 50.0, np.inf, 50.0]


def test_an_interval_is_used_as_it_is(tmp_path: Path) -> None:
    rows = ["1,30.0,20", "1,0.01,10", "1,30.0,21", "2,30.0,20", "2,0.01,9"]
    found = read_responses(read_table(write(tmp_path, "cell,isi_s,epsc_pA", rows)))
    assert found.intervals is not None
    assert found.intervals.tolist() == [np.inf, 10.0, 30000.0, np.inf, 10.0]
    assert found.taken["interval"] == "isi_s" and found.taken["group_by"] == ["cell"]


def test_times_that_go_back_begin_a_sweep(tmp_path: Path) -> None:
    rows = ["0,20", "50,10", "0,21", "50,11"]
    found = read_responses(read_table(write(tmp_path, "t_ms,epsc_pA", rows)))
    assert found.intervals is not None
    assert found.intervals.tolist() == [np.inf, 50.0, np.inf, 50.0]
    assert any("new sweep" in note for note in found.notes)


def test_failures_of_either_sign_are_no_error() -> None:
    rng = np.random.default_rng(1)
    y = 10.0 * (rng.random(200) < 0.3) + 2.0 * rng.standard_normal(200)
    assert (y < 0).mean() > 0.2
    assert fit_quantal(amplitudes=y, cv=0.0).fits[0].best.n <= 3


def test_one_pulse_a_sweep_leaves_dynamics_out() -> None:
    rng = np.random.default_rng(2)
    y = 10.0 * rng.binomial(3, 0.5, 60) + rng.standard_normal(60)
    result = fit_quantal(amplitudes=y, intervals=np.full(60, np.inf), cv=0.0)
    assert result.fits[0].comparison.skipped["depression"] == "every response is from rest"
    assert any("depression not fitted" in text for text in result.warnings)


FULL = [0.0, 20, 40, 60, 80]


def swept(*sweeps: list[float], column: str = "sweep,", epoch: str = "") -> str:
    """Sweeps of one stimulus; without the column, times that go back begin one."""
    rng = np.random.default_rng(3)
    rows = [
        f"{f'{i + 1},' if column else ''}{epoch and epoch + ','}{t:g},{rng.normal(30, 10):.3f}"
        for i, times in enumerate(sweeps)
        for t in times
    ]
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("column", ["sweep,", ""])
@pytest.mark.parametrize(
    ("last", "words"),
    [
        ([0.0, 20, 60, 80], "line 19: found the next pulse at 60 ms where other sweeps have a "
         "pulse 40 ms after the first, expected a response to every pulse"),
        ([0.0, 20, 47, 60, 80], "line 19: found a pulse 47 ms after the first where other sweeps"),
    ],
)  # fmt: skip
def test_sweeps_that_lack_a_pulse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], column: str, last: list[float], words: str
) -> None:
    """A pulse without a response released as well: refused, by both commands."""
    text = swept(FULL, FULL, FULL, last, column=column)
    path = tmp_path / "d.csv"
    path.write_text(f"{column}t_ms,epsc_pA\n{text}")
    both = tmp_path / "both.csv"
    parts = [swept(FULL, FULL, FULL, times, column=column, epoch=e)
             for e, times in (("before", last), ("after", FULL))]  # fmt: skip
    both.write_text(f"{column}epoch,t_ms,epsc_pA\n" + "".join(parts))
    for command, file in (("quantal", path), ("locus", both)):
        out = tmp_path / command
        assert main(["fit", command, str(file), "--out", str(out)]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"synsim: {file}, ") and said.count("\n") == 1
        assert words in said.replace(" of before", "")
        assert not out.exists()


def test_sweeps_of_unequal_length_are_said(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("sweep,t_ms,epsc_pA\n" + swept(FULL, FULL, FULL, FULL[:3]))
    (note,) = read_responses(read_table(path)).notes
    assert note == (
        "sweeps of unequal length: 1 of 4 end before pulse 5, the first after 3; each is fitted "
        "as it is"
    )


@pytest.mark.parametrize(
    "sweeps",
    [
        (FULL, [1000.0 + t for t in FULL]),  # in the time of the recording
        ([*FULL, 400.0], [*FULL, 900.0]),  # another recovery pulse
        ([0.0, 13, 71, 90, 300], [0.0, 44, 62, 180, 210]),  # irregular, each its own
    ],
)
def test_sweeps_that_may_differ(tmp_path: Path, sweeps: tuple[list[float], ...]) -> None:
    path = tmp_path / "d.csv"
    path.write_text("sweep,t_ms,epsc_pA\n" + swept(*sweeps))
    assert read_responses(read_table(path)).notes == []


def test_intervals_of_sweeps_are_compared_too(tmp_path: Path) -> None:
    """Intervals that are written down hold across a missing row where they are since the last."""
    rows = ["1,inf,30", "1,20,31", "1,20,22", "1,20,25", "1,20,9"]
    other = ["2,inf,28", "2,20,35", "2,40,18", "2,20,21"]
    path = tmp_path / "d.csv"
    path.write_text("sweep,isi_ms,epsc_pA\n" + "\n".join([*rows, *other]) + "\n")
    with pytest.raises(InputError, match="line 9: found the next pulse at 60 ms"):
        read_responses(read_table(path))
