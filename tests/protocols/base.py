"""What every protocol owes. A protocol's test class gets all of it for three lines:

    class TestPairing(ProtocolTests):
        module = pairing
        small = "n_pairs=5 rate=20Hz"
        columns = ("pair", "t_s", "w_rel")

`small` are settings that run in a moment; ``{files}`` in them stands for a directory with two
spike trains, ``pre.csv`` and ``post.csv``.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from synsim import catalogue, protocol
from synsim.component import InputError, Parameters
from synsim.component.parameters import Choice, Quantity
from synsim.protocol import Result, Running
from synsim.settings import from_texts, to_texts

SUMMARY_KEYS = [
    "schema",
    "command",
    "settings",
    "conventions",
    "results",
    "seed",
    "backend",
    "threads",
    "versions",
    "citations",
    "warnings",
]


def write_trains(place: Path) -> Path:
    """Two irregular spike trains, on a grid of 0.1 ms."""
    rng = np.random.default_rng(12)
    for side, count in (("pre", 15), ("post", 12)):
        times = np.sort(rng.choice(np.arange(1, 6000), count, replace=False)) / 10
        rows = "\n".join(f"{t:.1f}" for t in times)
        (place / f"{side}.csv").write_text(f"# a train\nt_ms\n{rows}\n")
    return place


def same_value(a: Any, b: Any) -> bool:
    """Equal to the last bit; missing is missing."""
    if isinstance(a, list) or np.asarray(a).dtype.kind in "UO":
        return list(a) == list(b)
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def assert_same(a: Result, b: Result) -> None:
    assert list(a.columns) == list(b.columns)
    for name in a.columns:
        assert same_value(a.columns[name], b.columns[name]), name
    assert list(a.tables) == list(b.tables)
    for table, columns in a.tables.items():
        assert list(columns) == list(b.tables[table])
        for name in columns:
            assert same_value(columns[name], b.tables[table][name]), (table, name)
    for field in ("conventions", "citations", "seed", "backend", "threads", "warnings"):
        assert getattr(a, field) == getattr(b, field), field
    words = {name: value for name, value in a.results.items() if isinstance(value, str)}
    assert words == {name: value for name, value in b.results.items() if isinstance(value, str)}
    numbers = [{n: v for n, v in r.results.items() if n not in words} for r in (a, b)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0, abs=0, nan_ok=True)
    assert to_texts(a.settings) == to_texts(b.settings)


def in_words(axis: Any) -> bool:
    """Whether an axis is of named things: its ticks say what a label would."""
    return any(c.isalpha() for tick in axis.get_ticklabels() for c in tick.get_text())


class ProtocolTests:
    """Inherit, and say which protocol."""

    module: ClassVar[ModuleType]
    small: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    deterministic: ClassVar[bool] = True

    @pytest.fixture(scope="class")
    @classmethod
    def files(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return write_trains(tmp_path_factory.mktemp("trains"))

    @pytest.fixture(scope="class")
    @classmethod
    def texts(cls, files: Path) -> dict[str, str]:
        return dict(word.split("=", 1) for word in cls.small.format(files=files).split())

    @pytest.fixture(scope="class")
    @classmethod
    def settings(cls, texts: dict[str, str]) -> Any:
        return from_texts(cls.module.Settings, texts)

    @pytest.fixture(scope="class")
    @classmethod
    def outcome(cls, settings: Any) -> Result:
        return cls.module.run(settings, Running(seed=5))

    @pytest.fixture(scope="class")
    @classmethod
    def saved(cls, outcome: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return outcome.save(tmp_path_factory.mktemp("results") / "out")

    # --- the module -----------------------------------------------------------------------

    def test_module(self) -> None:
        assert catalogue.protocol(self.module.NAME) is self.module
        text = self.module.__doc__ or ""
        first = text.strip().split("\n")[0]
        assert first.endswith(".") and len(first) < 100
        assert len(text.split("\n")) > 3, "the docstring says what is done"
        assert self.module.Outcome.protocol == self.module.NAME
        assert self.module.Outcome.settings_type is self.module.Settings
        assert issubclass(self.module.Settings, Parameters)
        assert (self.module.run.__doc__ or "").strip()

    def test_every_column_is_explained(self) -> None:
        text = " ".join((self.module.Outcome.__doc__ or "").split())
        for name in self.columns:
            assert name in text, name

    def test_settings_are_explained(self) -> None:
        for name, spec in self.module.Settings.specs().items():
            assert spec.doc.strip(), name
            assert isinstance(spec, (Quantity, Choice)) or spec.doc

    # --- settings --------------------------------------------------------------------------

    def test_defaults_are_valid(self, texts: dict[str, str]) -> None:
        """All but those that have none: a file."""
        needed = {
            f.name: texts[f.name]
            for f in dataclasses.fields(self.module.Settings)
            if f.default is dataclasses.MISSING
        }
        made = from_texts(self.module.Settings, needed)
        assert to_texts(self.module.Settings(**needed)) == to_texts(made)

    def test_text_round_trip(self, settings: Any, texts: dict[str, str]) -> None:
        written = to_texts(settings)
        again = from_texts(self.module.Settings, written)
        assert to_texts(again) == written
        assert all(isinstance(text, str) for text in written.values())
        for name, spec in self.module.Settings.specs().items():
            if name in settings.resolved():  # none stood for a value, and that is written
                assert getattr(settings, name) is None
                assert again.text(name) == settings.resolved()[name]
            elif isinstance(spec, Quantity):
                found, expected = getattr(again, name), getattr(settings, name)
                assert np.array_equal(np.asarray(found), np.asarray(expected)), name
        assert set(texts) <= set(written)

    def test_no_default_is_lost_by_being_none(self, texts: dict[str, str]) -> None:
        """A setting that may be none comes back as none, also where its default is a value."""
        for field in dataclasses.fields(self.module.Settings):
            spec = self.module.Settings.specs()[field.name]
            if getattr(spec, "optional", False) and isinstance(spec, Quantity):
                try:
                    made = from_texts(self.module.Settings, texts | {field.name: "none"})
                except InputError:  # not beside the others
                    continue
                again = from_texts(self.module.Settings, to_texts(made))
                if field.name not in made.resolved():
                    assert getattr(again, field.name) is None, field.name

    def test_unknown_setting(self, texts: dict[str, str]) -> None:
        with pytest.raises(InputError, match="has no setting 'wrong'"):
            from_texts(self.module.Settings, texts | {"wrong": "1"})

    # --- running ---------------------------------------------------------------------------

    def test_columns(self, outcome: Result) -> None:
        assert tuple(outcome.columns) == self.columns
        lengths = {len(values) for values in outcome.columns.values()}
        assert len(lengths) == 1 and lengths.pop() > 0

    def test_frame(self, outcome: Result) -> None:
        frame = outcome.to_frame()
        assert tuple(frame.columns) == self.columns
        for name in self.columns:
            assert same_value(outcome.columns[name], frame[name].tolist()) or np.array_equal(
                np.asarray(outcome.columns[name]), frame[name].to_numpy(), equal_nan=True
            )
        name = next(n for n in self.columns if np.asarray(outcome.columns[n]).dtype.kind in "if")
        frame[name] = -1  # a copy: the result stays as it is
        assert not np.all(np.asarray(outcome.columns[name]) == -1)

    def test_results_are_numbers(self, outcome: Result) -> None:
        assert outcome.results
        for name, value in outcome.results.items():
            assert isinstance(value, (int, float)), name

    def test_run_is_pure(
        self,
        settings: Any,
        outcome: Result,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """The same again, to the last bit; nothing printed, no file left, settings untouched."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", None)
        before = to_texts(settings)
        assert_same(self.module.run(settings, Running(seed=5)), outcome)
        assert capsys.readouterr() == ("", "")
        assert list(tmp_path.iterdir()) == []
        assert to_texts(settings) == before

    def test_seed(self, settings: Any, outcome: Result) -> None:
        other = self.module.run(settings, Running(seed=6))
        assert other.seed == 6
        same = all(same_value(other.columns[n], outcome.columns[n]) for n in self.columns)
        assert same is self.deterministic

    def test_default_running(self, settings: Any) -> None:
        assert self.module.run(settings).seed == 1

    def test_numpy_target_agrees(self, settings: Any, outcome: Result) -> None:
        other = self.module.run(settings, Running(seed=5, backend="numpy"))
        assert (other.backend, other.threads) == ("numpy", 1)
        assert dict(other.conventions) == dict(outcome.conventions)
        for name in self.columns:
            found, expected = other.columns[name], outcome.columns[name]
            assert len(found) == len(expected)
            if self.deterministic and np.asarray(expected).dtype.kind in "if":
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12, err_msg=name)

    # --- the document ------------------------------------------------------------------------

    def test_summary(self, outcome: Result) -> None:
        summary = outcome.summary()
        assert list(summary) == SUMMARY_KEYS
        assert summary["schema"] == 1
        assert summary["command"] == f"run {self.module.NAME}"
        assert summary["settings"] == to_texts(outcome.settings)
        assert summary["conventions"] and summary["citations"]
        assert all(isinstance(v, str) for v in summary["conventions"].values())
        assert {"synsim", "python", "numpy", "brian2"} <= set(summary["versions"])
        assert (summary["seed"], summary["threads"]) == (5, 1)
        assert len(set(summary["citations"])) == len(summary["citations"])

    # --- files -------------------------------------------------------------------------------

    def test_save_and_load(self, outcome: Result, saved: Path) -> None:
        place = saved
        tables = [f"{name}.csv" for name in outcome.tables]
        expected = ["data.csv", "figure.png", "figure.svg", "summary.json", *tables]
        assert sorted(p.name for p in place.iterdir()) == sorted(expected)
        assert_same(type(outcome).load(place), outcome)
        assert_same(protocol.load(place), outcome)
        assert type(protocol.load(place)) is type(outcome)
        document = json.loads((place / "summary.json").read_text(encoding="utf-8"))
        assert list(document) == SUMMARY_KEYS
        with (place / "data.csv").open(newline="") as file:
            rows = list(csv.reader(file))
        assert tuple(rows[0]) == self.columns
        assert len(rows) == 1 + len(outcome.columns[self.columns[0]])
        assert (place / "figure.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (place / "figure.svg").read_text()

    def test_saved_twice_gives_the_same_bytes(
        self, outcome: Result, saved: Path, tmp_path: Path
    ) -> None:
        again = outcome.save(tmp_path / "out")
        for path in saved.iterdir():
            assert path.read_bytes() == (again / path.name).read_bytes(), path.name

    def test_without_figure(self, outcome: Result, tmp_path: Path) -> None:
        place = outcome.save(tmp_path / "out", plot=False)
        tables = [f"{name}.csv" for name in outcome.tables]
        expected = ["data.csv", "summary.json", *tables]
        assert sorted(p.name for p in place.iterdir()) == sorted(expected)

    def test_load_of_something_else(self, outcome: Result, tmp_path: Path) -> None:
        place = outcome.save(tmp_path / "out", plot=False)
        document = json.loads((place / "summary.json").read_text())
        document["command"] = "run something-else"
        (place / "summary.json").write_text(json.dumps(document))
        with pytest.raises(InputError) as error:
            type(outcome).load(place)
        assert str(error.value) == (
            f"{place}: found a result of 'run something-else', expected 'run {self.module.NAME}'"
        )

    # --- drawing -----------------------------------------------------------------------------

    def test_plot(self, outcome: Result, monkeypatch: pytest.MonkeyPatch) -> None:
        """On the axes given, on no others, without pyplot and without a trace in rcParams."""
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
        before = rcParams.copy()  # as a dict it would choose a backend, and so import pyplot
        figure = Figure()
        mine, other = figure.subplots(1, 2)
        assert outcome.plot(mine) is mine
        assert outcome.plot(ax=mine) is mine
        assert mine.lines or mine.collections or mine.containers
        assert mine.get_xlabel() and mine.get_ylabel()
        assert not (other.lines or other.collections or other.get_xlabel())
        assert figure.axes == [mine, other]
        own = outcome.plot()
        assert own.figure is not figure
        assert rcParams.copy() == before

    def test_figure_is_whole(self, outcome: Result, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
        figure = outcome.figure()
        assert figure.axes
        for axes in figure.axes:
            assert axes.lines or axes.collections
        figure.draw_without_rendering()
        for axes in (a for a in figure.axes if a.get_visible() and a.axison):
            beside = axes.get_shared_x_axes().get_siblings(axes)
            assert any(a.get_xlabel() for a in beside) or in_words(axes.xaxis)
            beside = axes.get_shared_y_axes().get_siblings(axes)
            assert any(a.get_ylabel() for a in beside) or in_words(axes.yaxis)
