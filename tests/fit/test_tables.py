"""Reading tables: what is understood, and one plain line for everything that is wrong."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synsim.component import InputError
from synsim.recordings import SHIPPED, find_recording, recordings
from synsim.tables import from_frame, read_table, split_unit

# As they were given; a change of the shipped data has to be meant.
SHA256 = {
    "malkin2023/tradeoff_fig2_fig3": "b6b4a0b71d13fefcce35bfb0d8d864a7d159a78e9410b5e913deb534",
    "quantal/epsc_gontier_2023": "ef4959f6d6b26c31e7e61df3331866c79b7d982e49a0d8cbd65219ddcb",
    "quantal/ko_2013": "03c41e2d3c5507842242d142f0bd936278b1218a96ec61b90c9db090387eb666",
    "quantal/sjostrom_2001_ltd": "3ff6ced9f53e0fd55158959a349b39021716e1aca10a20848362560021a0",
    "quantal/sjostrom_2001_ltp": "b1bde7661f29bf07051182f718ab54391ec7b4895c1df02445e1387bfd",
    "stdp/bi_poo_1998": "87ae8b1617ea7c9c1728a1e33b2948507030fcc31cd04b64bfb8581d09c0ae18",
    "stdp/paired_recordings": "ab2c3dad3ff557982a8b705e95657464bf414741f6cc704880c277f950241c",
    "stdp/sjostrom_2001_frequency": "f0a9d0bbe9124c23d280d89f1d94fc8b114eb5c6209d147906157f6c",
    "stdp/wang_2005": "a6b166c67e42bcc764064fb82d185d2d7f45886a914d89a6e3b35cd3208b1372",
    "stdp/wittenberg_wang_2006": "4c0fd362fb62fbc0833d5d342abfc432134de1f8a4bc4e3ca1c5a1d5c48",
    "stp/mossy_fibre_2018": "d2255f67180f61c3b412d8c5fbc16854cb63990951735e6377faf991c34d3d45",
    "stp/pvbc_depressing": "98277bc96c6d3811255e066085c229cb7ced2399e8188909293f057c7adff213",
}


def write(folder: Path, text: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(path: Path | str, column: str | None = None) -> str:
    """The one line that reading a file is refused with."""

    def read() -> None:
        table = read_table(path)
        if column is not None:
            table.numbers(column)

    with pytest.raises(InputError) as caught:
        read()
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.exit_code == 2
    return text


def test_shipped_recordings_are_as_given() -> None:
    found = {f"{p.parent.name}/{name}": p for name, p in recordings().items()}
    assert found.keys() >= SHA256.keys()
    for name in SHA256:
        path = found[name]
        assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(SHA256[name])
        assert path.read_text(encoding="utf-8").startswith("#")
        assert len(read_table(path)) > 3


@pytest.mark.parametrize("name", ["bi_poo_1998", "bi_poo_1998.csv", "stdp/bi_poo_1998"])
def test_recordings_are_found_by_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNSIM_DATA", raising=False)
    assert find_recording(name) == SHIPPED / "stdp" / "bi_poo_1998.csv"
    # A directory of results may have the name of the recording.
    (tmp_path / "bi_poo_1998").mkdir()
    assert find_recording("bi_poo_1998") == SHIPPED / "stdp" / "bi_poo_1998.csv"


def test_synsim_data_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "stdp").mkdir(parents=True)
    own = write(tmp_path / "mine" / "stdp", "dt_ms,dw\n1,2\n", "bi_poo_1998.csv")
    monkeypatch.setenv("SYNSIM_DATA", str(tmp_path / "mine"))
    assert find_recording("bi_poo_1998") == own
    assert find_recording("wang_2005") == SHIPPED / "stdp" / "wang_2005.csv"
    near = write(tmp_path, "dt_ms,dw\n1,2\n", "bi_poo_1998.csv")
    assert find_recording("bi_poo_1998.csv") == near.relative_to(tmp_path)
    monkeypatch.setenv("SYNSIM_DATA", str(tmp_path / "gone"))
    with pytest.raises(InputError, match=r"SYNSIM_DATA=.*gone: no such directory"):
        find_recording("wang_2005")


def test_unknown_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"bi_po_1998: no such file.*did you mean bi_poo_1998\?"):
        find_recording("bi_po_1998")
    with pytest.raises(InputError, match=r"^here/gone\.csv: no such file$"):
        find_recording("here/gone.csv")
    with pytest.raises(InputError, match="found a directory, expected a CSV file"):
        find_recording(str(tmp_path))


def test_units_in_names() -> None:
    assert split_unit("dt_ms") == ("dt", "ms")
    assert split_unit("delta_t_s") == ("delta_t", "s")
    assert split_unit("epsc_pA") == ("epsc", "pA")
    assert split_unit("dt (ms)") == ("dt", "ms")
    assert split_unit("lag [s]") == ("lag", "s")
    assert split_unit("w_ratio") == ("w_ratio", None)
    assert split_unit("ms") == ("ms", None)


def test_what_a_file_may_look_like(tmp_path: Path) -> None:
    lines = ["\ufeff# a, comment", "", ' dt_ms , "note"', '-1.5,"a, b"', "# later", "2e1,", ""]
    text = "\r\n".join(lines)
    table = read_table(write(tmp_path, text))
    assert table.names == ("dt_ms", "note")
    assert table.texts("note") == ["a, b", ""]
    np.testing.assert_array_equal(table.times("dt_ms", "ms"), [-1.5, 20])
    np.testing.assert_array_equal(table.times("dt_ms", "s"), [-0.0015, 0.02])
    assert list(table.lines) == [4, 6]
    assert table.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_seconds_become_milliseconds_exactly(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "t_s\n0.0163\n1\n"))
    np.testing.assert_array_equal(table.times("t_s", "ms"), np.array([0.0163, 1]) * 1000)
    with pytest.raises(InputError, match="its name has no unit of time, expected t_ms or t_s"):
        read_table(write(tmp_path, "t\n1\n")).times("t")
    with pytest.raises(InputError, match="pA is no unit of time"):
        read_table(write(tmp_path, "t_pA\n1\n")).times("t_pA")


@pytest.mark.parametrize("mark", [";", "\t"])
def test_semicolons_and_tabs_are_read_as_commas_are(tmp_path: Path, mark: str) -> None:
    text = "# a, comment; with\tmarks\ndt_ms,dw,note\n-8.5,0.25,a b\n5,1,c\n"
    plain = read_table(write(tmp_path, text))
    other = read_table(write(tmp_path, text.replace(",", mark), "other.csv"))
    assert plain.columns == other.columns
    comma = write(tmp_path, f"dt_ms{mark}dw\n-8,5{mark}0.25\n")
    assert refused(comma, "dt_ms").endswith(
        "line 2, column 'dt_ms': found '-8,5', expected a finite number with a decimal point "
        "instead of the comma"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty, expected a header line and data"),
        ("  \n\n", "the file is empty, expected a header line and data"),
        ("# only\n# comments\n", "no header line, expected column names and data below"),
        ("# c\ndt_ms,dw\n", "no data below the header in line 2"),
        ("1.5,2\n3,4\n", "line 1: found only numbers, expected a header with column names"),
        ("dt_ms,dw\n1,2\n1,2,3\n", "line 3: found 3 cells, expected 2"),
        ("dt_ms,dw\n1\n", "line 2: found 1 cells, expected 2 as in the header (dt_ms, dw)"),
        ("dt_ms,dt_ms\n1,2\n", "line 1: column 'dt_ms' is there twice, expected it once"),
        ("dt_ms,\n1,2\n", "line 1: column 2 has no name"),
        ("dt_ms;dw\n1;2;3\n", "line 2: found 3 cells, expected 2 as in the header (dt_ms, dw)"),
        ("t_ms\n10,5\n", "line 2: found 2 cells, expected 1 as in the header (t_ms); decimal com"),
        (b"dt_ms,dw\n1,2\n\xff,3\n", "line 3: found byte 0xff, expected text in UTF-8"),
        ('dt_ms,dw\n1,"2\n', "no valid CSV"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str | bytes, expected: str) -> None:
    path = write(tmp_path, text)
    message = refused(path)
    assert message.startswith(str(path))
    assert expected in message


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone.csv").endswith("gone.csv: no such file")
    assert refused(tmp_path).endswith("found a directory, expected a CSV file")
    below = write(tmp_path, "x\n1\n") / "data.csv"  # root may read anything but this
    assert "cannot be read: Not a directory" in refused(below)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("abc", "'abc'"),
        ("nan", "'nan'"),
        ("inf", "'inf'"),
        ("-Infinity", "'-Infinity'"),
        ("", "an empty cell"),
        ("1_000", "'1_000'"),
        ("1e999", "'1e999'"),
        ("5 ms", "'5 ms'"),
    ],
)
def test_cells_that_are_no_numbers(tmp_path: Path, cell: str, found: str) -> None:
    path = write(tmp_path, f"# c\ndt_ms,dw\n1,2\n3,{cell}\n")
    message = refused(path, "dw")
    assert message == f"{path}, line 4, column 'dw': found {found}, expected a finite number"


def test_missing_column_is_suggested(tmp_path: Path) -> None:
    message = refused(write(tmp_path, "dt_ms,dw\n1,2\n"), "dt_m")
    assert message.endswith("no column 'dt_m', it has dt_ms, dw; did you mean 'dt_ms'?")


def test_frames() -> None:
    frame = pd.DataFrame({"dt_ms": [1, 2.5], "cell": [3.0, 4.0], "ok": [True, False]}, index=[7, 9])
    table = from_frame(frame)
    np.testing.assert_array_equal(table.numbers("dt_ms"), [1, 2.5])
    assert table.texts("cell") == ["3", "4"]
    with pytest.raises(InputError, match="DataFrame, row 7, column 'ok': found True"):
        table.numbers("ok")
    for bad in (None, float("nan"), pd.NA):
        with pytest.raises(InputError, match="row 1, column 'x'"):
            from_frame(pd.DataFrame({"x": pd.Series([1, bad], dtype=object)})).numbers("x")
    with pytest.raises(InputError, match="no rows"):
        from_frame(frame.iloc[:0])
    with pytest.raises(InputError, match="column 'a' is there twice"):
        from_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))
