"""What is taken for what in a table of STDP data, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from synsim.component import InputError
from synsim.fit.columns import Points, kind_of, read_points
from synsim.tables import from_frame

LAG = [-20.0, -5.0, 5.0, 20.0]
FRACTION = [-0.25, -0.5, 0.5, 0.25]


def points(columns: dict[str, Any], **options: Any) -> Points:
    return read_points(from_frame(pd.DataFrame(columns)), **options)


@pytest.mark.parametrize("name", ["dt_ms", "lag_ms", "delta_t_ms", "DT_ms", "dt (ms)"])
def test_lag_is_guessed(name: str) -> None:
    found = points({name: LAG, "dw": FRACTION})
    np.testing.assert_array_equal(found.lag, LAG)
    assert found.taken["lag"] == name
    assert found.taken["lag_unit"] == "ms"


def test_lag_in_seconds() -> None:
    found = points({"dt_s": [-0.02, -0.005, 0.005, 0.02], "dw": FRACTION})
    np.testing.assert_allclose(found.lag, LAG, rtol=1e-15)
    found = points({"dt": [-0.02, -0.005, 0.005, 0.02], "dw": FRACTION}, dt_unit="s")
    np.testing.assert_allclose(found.lag, LAG, rtol=1e-15)
    with pytest.raises(InputError, match="no unit, expected dt_ms or dt_s, or --dt-unit"):
        points({"dt": LAG, "dw": FRACTION})


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("dw", "fraction"),
        ("dw_rel", "fraction"),
        ("dw_fraction", "fraction"),
        ("dw_percent", "percent"),
        ("dw_pct", "percent"),
        ("percent_change", "percent"),
        ("epsp_change_percent", "percent"),
        ("w_ratio", "ratio"),
        ("ratio", "ratio"),
        ("epsc_ratio", "ratio"),
        ("w_rel", None),
        ("epsp_percent", None),
        ("weight", None),
        ("change", None),
    ],
)
def test_kind_by_name_only_where_certain(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind
    values = {"percent": [100 * f for f in FRACTION], "ratio": [1 + f for f in FRACTION]}
    columns = {"dt_ms": LAG, name: values.get(kind or "", FRACTION)}
    if kind is None:
        with pytest.raises(InputError, match=rf"column '{name}': what is it\? say --dw-kind"):
            points(columns)
        kind, options = "fraction", {"dw_kind": "fraction"}
    else:
        options = {}
    found = points(columns, **options)
    np.testing.assert_allclose(found.change, FRACTION, rtol=1e-14)
    assert found.taken["change"] == name
    assert found.taken["dw_kind"] == kind


def test_a_flag_overrules_a_name() -> None:
    found = points({"dt_ms": LAG, "dw": [75, 50, 150, 125]}, dw_kind="ratio")
    assert found.change[0] == 74
    with pytest.raises(InputError, match="--dw-kind: found 'times', expected fraction"):
        points({"dt_ms": LAG, "dw": FRACTION}, dw_kind="times")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"dt_ms": LAG, "dw": [-25, -50, 50, 25]}, r"row 0, column 'dw': found -25, .*100 %; say"),
        ({"dt_ms": LAG, "dw": [0.1, 0.2, 50, 25]}, r"row 2, column 'dw': found 50.*1000 %"),
        ({"dt_ms": LAG, "x": FRACTION}, r"which column is the change of strength\? none"),
        ({"t": LAG, "dw": FRACTION}, r"which column is the lag t_post - t_pre\? none"),
        ({"dt_ms": LAG, "lag_ms": LAG, "dw": FRACTION}, r"more than one may be \(dt_ms, lag_ms\)"),
        ({"dt_ms": LAG, "dw": FRACTION, "w_ratio": LAG}, r"more than one may be \(dw, w_ratio\)"),
    ],
)
def test_what_is_not_certain_is_refused(columns: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError, match=expected) as caught:
        points(columns)
    assert "\n" not in str(caught.value)


def test_suspicious_kinds_are_said() -> None:
    ratio_like = {"dt_ms": LAG, "dw": [0.8, 0.7, 1.4, 1.2]}
    assert "if 1 is no change it is a ratio (--dw-kind ratio)" in points(ratio_like).notes[0]
    percent_like = {"dt_ms": LAG, "dw_percent": [80, 70, 140, 120]}
    assert "if 100 is no change it is a ratio (times 100)" in points(percent_like).notes[0]
    asked = points({"dt_ms": LAG, "dw": [-1.2, 0, 0, 12]}, dw_kind="fraction")
    assert "row 0 is a loss of more than 100 %" in asked.notes[0]
    assert "row 3 is a gain of over 1000 %" in asked.notes[1]


def test_standard_errors() -> None:
    base = {"dt_ms": LAG, "dw_percent": [-25, -50, 50, 25]}
    np.testing.assert_array_equal(points(base).sem, 0)
    found = points({**base, "sem": [1, 2, 3, 4]})
    np.testing.assert_allclose(found.sem, [0.01, 0.02, 0.03, 0.04])
    assert found.taken["sem"] == "sem"
    found = points({**base, "sd": [2, 4, 6, 8], "n": [4, 4, 9, 16]})
    np.testing.assert_allclose(found.sem, [0.01, 0.02, 0.02, 0.02])
    assert (found.taken["sd"], found.taken["n"]) == ("sd", "n")
    found = points({**base, "err": [1, 2, 3, 4]}, sem_column="err")
    np.testing.assert_allclose(found.sem, [0.01, 0.02, 0.03, 0.04])
    assert "needs the number of cells" in points({**base, "sd": [1, 1, 1, 1]}).notes[0]


@pytest.mark.parametrize(
    ("columns", "options", "expected"),
    [
        ({"sem": [1, -1, 1, 1]}, {}, "row 1, column 'sem': found -1, expected a number not below"),
        (
            {"sd": [1] * 4, "n": [3, 2.5, 1, 1]},
            {},
            "row 1, column 'n': found 2.5, expected a whole",
        ),
        ({"sd": [1] * 4, "n": [3, 0, 1, 1]}, {}, "row 1, column 'n': found 0"),
        ({"sd": [1] * 4}, {"sd_column": "sd"}, "--sd-column sd needs the number of cells"),
        ({"sd": [1] * 4, "sem": [1] * 4}, {"sd_column": "sd", "sem_column": "sem"}, "one of them"),
        ({}, {"sem_column": "gone"}, "no column 'gone'"),
        ({}, {"group_by": ["gone"]}, r"no column 'gone' \(--group-by\)"),
        ({"figure": ["a", "", "b", "b"]}, {"group_by": ["figure"]}, "row 1, column 'figure'"),
    ],
)
def test_wrong_errors_and_groups(
    columns: dict[str, Any], options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        points({"dt_ms": LAG, "dw": FRACTION, **columns}, **options)


def test_grouping() -> None:
    rng = np.random.default_rng(1)

    def frame(cells: int, each: int) -> dict[str, Any]:
        m = cells * each
        return {
            "dt_ms": rng.uniform(-50, 50, m),
            "dw": rng.normal(0, 0.1, m),
            "cell": np.repeat(np.arange(cells), each),
            "protocol": ["a"] * (m // 2) + ["b"] * (m - m // 2),
        }

    # A cell with points enough is a curve of its own; cells of a point or two are pooled.
    assert points(frame(3, 8)).group_by == ("protocol", "cell")
    pooled = points(frame(20, 2))
    assert pooled.group_by == ("protocol",)
    assert "cells pooled: column 'cell' has 20 cells of 2 to 2 points" in pooled.notes[0]
    assert pooled.cells is not None
    assert points(frame(20, 2), group_by=["cell"]).group_by == ("cell",)
    assert points(frame(3, 8), group_by=[]).groups == [()] * 24


def test_columns_that_look_like_groups_are_named() -> None:
    m = 20
    columns = {"dt_ms": np.arange(m) - 9.5, "dw": [0.1] * m, "figure": ["a", "b"] * (m // 2)}
    assert points(columns).notes == [
        "rows pooled over column 'figure' (2 values): fit each with --group-by figure"
    ]
