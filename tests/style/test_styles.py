"""The styles: colours that every eye tells apart on their paper, and nothing left behind."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from synsim import style
from synsim.cli import main
from synsim.component import InputError

# What dichromats see, in linear RGB: Viénot, Brettel & Mollon 1999, Color Res Appl 24:243
# (protanopia, deuteranopia); Machado, Oliveira & Fernandes 2009, IEEE Trans Vis Comput Graph
# 15:1291 (tritanopia), as matrices on linear sRGB.
DICHROMATS = {
    "normal": np.eye(3),
    "protanopia": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "deuteranopia": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# Colours that stand beside each other in a panel and mean different things.
TOGETHER = ("data", "model", "simulation", "accent", "second", "neutral")


def linear(colour: str) -> NDArray[np.float64]:
    """Linear RGB of an sRGB colour (IEC 61966-2-1)."""
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE L*a*b* of linear RGB, D65."""
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    ratio = matrix @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(a: str, b: str) -> float:
    """The contrast ratio of the Web Content Accessibility Guidelines 2, 1 to 21."""
    weights = [0.2126, 0.7152, 0.0722]
    light, dark = sorted((float(weights @ linear(c)) for c in (a, b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("eye", DICHROMATS)
@pytest.mark.parametrize("name", style.STYLES)
def test_colours_are_told_apart(name: str, eye: str) -> None:
    """By at least 15 in L*a*b*, where some 2 are just seen."""
    colours = style.STYLES[name].colours
    seen = {c: lab(np.asarray(DICHROMATS[eye]) @ linear(colours[c])) for c in TOGETHER}
    for a, b in itertools.combinations(TOGETHER, 2):
        assert np.linalg.norm(seen[a] - seen[b]) > 15, (a, b)


@pytest.mark.parametrize("name", style.STYLES)
def test_colours_stand_out_from_the_paper(name: str) -> None:
    colours = style.STYLES[name].colours
    assert contrast(colours["data"], colours["paper"]) > 15
    for colour in set(colours) - {"paper", "data", "band"}:
        assert contrast(colours[colour], colours["paper"]) > 3
    assert contrast(colours["band"], colours["paper"]) > 1.2


def test_lines_without_a_colour_take_those_of_the_style() -> None:
    for name, found in style.STYLES.items():
        with style.use(name):
            _, ax = style.figure()
            drawn = [ax.plot([0, 1])[0].get_color() for _ in range(6)]
        assert len(set(drawn)) == 6 and set(drawn) <= set(found.colours.values())


def test_every_style_has_the_same_colours() -> None:
    names = {frozenset(found.colours) for found in style.STYLES.values()}
    assert len(names) == 1


def test_use_holds_until_it_is_changed_or_its_block_ends() -> None:
    light = style.COLOURS["paper"]
    with style.use("dark"):
        dark = style.COLOURS["paper"]
        with style.use("print"):
            assert style.COLOURS["paper"] == light
        assert style.COLOURS["paper"] == dark != light
    assert style.COLOURS["paper"] == light
    style.use("dark")
    assert style.COLOURS["paper"] == dark
    style.use("light")


def test_unknown_style() -> None:
    with pytest.raises(InputError, match="found style 'neon', expected one of light, dark"):
        style.use("neon")


def test_a_figure_takes_the_style_and_leaves_no_trace() -> None:
    before = rcParams.copy()
    with style.use("dark"):
        made, ax = style.figure()
        assert made.get_facecolor()[:3] == pytest.approx(to_rgb(style.COLOURS["paper"]))
        assert ax.xaxis.label.get_color() == style.COLOURS["data"]
    with style.use("projector"):
        small, _ = style.figure()
    assert rcParams.copy() == before
    assert small.get_size_inches() == pytest.approx(made.get_size_inches() * 0.75)


def test_flag_of_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["run", "pairing", "--n-pairs", "2", "--backend", "numpy", "--out"]
    assert main([*run, str(tmp_path / "light")]) == 0
    assert main([*run, str(tmp_path / "dark"), "--style", "dark"]) == 0
    papers = [_corner(tmp_path / name / "figure.png") for name in ("light", "dark")]
    assert papers[0] == pytest.approx((1, 1, 1))
    assert papers[1] == pytest.approx(to_rgb(style.STYLES["dark"].colours["paper"]), abs=0.003)
    assert style.COLOURS["paper"] == "#FFFFFF", "what a command does ends with it"
    capsys.readouterr()
    assert main([*run, str(tmp_path / "none"), "--style", "neon"]) == 2
    assert "--style" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def _corner(path: Path) -> tuple[float, ...]:
    from matplotlib.image import imread

    return tuple(float(v) for v in imread(path)[0, 0, :3])
