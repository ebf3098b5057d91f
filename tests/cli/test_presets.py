"""Presets on the command line: cited, named, and never two of them for one parameter."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Synsim

RUN = ["run", "pairing", "--n-pairs", "2", "--no-plot", "--backend", "numpy"]


def summary(place: Path, name: str) -> dict[str, object]:
    return json.loads((place / name / "summary.json").read_text())


def test_a_preset_is_cited_and_named(synsim: Synsim, place: Path) -> None:
    assert synsim(*RUN, "--synapse", "tm-depressing,song-2000", "--out", "a").code == 0
    found = summary(place, "a")
    assert found["settings"]["synapse"] == "tm-depressing,song-2000"
    for words in ("Tsodyks, Pawelzik & Markram 1998", "Song, Miller & Abbott 2000"):
        assert any(words in text for text in found["citations"])
    assert not any("Bi & Poo 2001" in text for text in found["citations"])
    # and again from the summary
    assert synsim("run", "--from", "a/summary.json", "--no-plot", "--out", "b").code == 0
    assert summary(place, "b") == found


def test_the_default_rule_cites_where_its_values_come_from(synsim: Synsim, place: Path) -> None:
    assert synsim(*RUN, "--tau-plus", "18ms", "--out", "a").code == 0
    assert any("Bi & Poo 2001" in text for text in summary(place, "a")["citations"])


def test_two_presets_for_one_parameter(synsim: Synsim, place: Path) -> None:
    done = synsim(*RUN, "--synapse", "song-2000,bi-poo-2001", "--out", "a")
    assert done.code == 2
    assert done.lines == [
        "synsim: --synapse: found song-2000 and bi-poo-2001, which both set a_plus, expected one "
        "of them"
    ]


def test_the_release_probability_that_nobody_said_is_written(synsim: Synsim, place: Path) -> None:
    assert synsim(*RUN, "--out", "a").code == 0
    assert summary(place, "a")["settings"]["p"] == "0.5"
    assert (
        synsim("run", "--from", "a/summary.json", "--U", "0.3", "--no-plot", "--out", "b").code == 0
    )
    settings = summary(place, "b")["settings"]
    assert settings["U"] == "0.3" and "p" not in settings
