"""`synsim.interactive`: a figure that follows its controls, and what is said when it cannot."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.image import imread

from synsim.component import InputError
from synsim.interactive import choice, explore, slider


def line(ax: Axes, slope: float) -> None:
    ax.plot([0, 1], [0, slope])
    ax.set(xlim=(0, 1), ylim=(-1, 1), ylabel="y")


def test_figure_follows_the_slider() -> None:
    shown = explore(line, slope=slider("slope", -1.0, 1.0, 0.5))
    first = shown.image.value
    shown.controls["slope"].value = -0.5
    assert shown.values == {"slope": -0.5}
    assert shown.image.value != first
    assert [drawn.get_ydata()[1] for drawn in shown.ax.lines] == [-0.5], "the old line is gone"
    shown.controls["slope"].value = 0.5
    assert np.array_equal(pixels(shown.image.value), pixels(first))


def pixels(png: bytes) -> Any:
    return imread(io.BytesIO(png))


def test_size_on_the_screen() -> None:
    shown = explore(line, slope=slider("slope", -1.0, 1.0, 0.5), width_mm=127, height_mm=50.8)
    assert pixels(shown.image.value).shape[:2] == (288, 720)


def test_title_has_its_place() -> None:
    """Axes are placed once, with what is around them, and drawn in two parts."""

    def titled(ax: Axes, n: int) -> None:
        ax.set_title("a title" * n)

    shown = explore(titled, n=slider("n", 0, 3, 1))
    margin = pixels(shown.image.value).shape[0] * (1 - shown.ax.get_position().y1)
    top = int(margin / 2)  # above the uppermost label of a tick
    ink = [pixels(shown.image.value)[:top, :, :3].min() < 0.5]
    shown.controls["n"].value = 0
    ink.append(pixels(shown.image.value)[:top, :, :3].min() < 0.5)
    assert ink == [True, False]


def test_what_is_hidden_stays_hidden() -> None:
    def hidden(ax: Axes, n: int) -> None:
        ax.plot([0, 1], [n, n], visible=n > 1)
        ax.set(ylim=(0, 4))

    shown = explore(hidden, n=slider("n", 1, 3, 1))
    empty = shown.image.value
    shown.controls["n"].value = 2
    assert shown.image.value != empty
    shown.controls["n"].value = 1
    assert shown.image.value == empty


def test_simulation_runs_at_the_button_alone() -> None:
    runs: list[float] = []

    def simulated(ax: Axes, slope: float) -> None:
        runs.append(slope)
        ax.plot([0.5], [0.5 * slope], "o")

    shown = explore(line, simulate=simulated, slope=slider("slope", -1.0, 1.0, 0.5))
    shown.controls["slope"].value = 0.25
    assert runs == []
    shown.button.click()
    assert runs == [0.25] and len(shown.ax.lines) == 2
    assert not shown.button.disabled and shown.message == ""
    shown.controls["slope"].value = 0.3
    assert len(shown.ax.lines) == 1, "points of other values are gone"


def test_a_mistake_is_said_above_the_figure() -> None:
    def refuse(ax: Axes, n: int) -> None:
        if n > 2:
            raise InputError("n: found <3>, expected 2 at most")

    shown = explore(refuse, n=slider("n", 1, 3, 1))
    shown.controls["n"].value = 3
    assert shown.message == "n: found <3>, expected 2 at most"
    shown.controls["n"].value = 2
    assert shown.message == ""


def test_a_mistake_in_the_first_figure_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        explore(lambda ax, n: 1 / n, n=slider("n", 0, 3, 0))


def test_several_axes_and_a_choice() -> None:
    def both(ax: Any, sign: int) -> None:
        for one in ax:
            one.plot([0, 1], [0, sign])

    shown = explore(both, sign=choice("sign", {"up": 1, "down": -1}), ncols=2)
    assert shown.values == {"sign": 1}
    shown.controls["sign"].value = -1
    assert [ax.lines[0].get_ydata()[1] for ax in shown.ax] == [-1, -1]


def test_what_a_page_without_python_shows() -> None:
    shown = explore(line, slope=slider("slope", -1.0, 1.0, 0.5))
    bundle, _ = shown._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]) == shown.image.value
    assert bundle["text/plain"] == "slope: 0.5"
    assert "application/vnd.jupyter.widget-view+json" in bundle


@pytest.mark.parametrize(
    ("low", "high", "start", "log", "kind"),
    [
        (0, 10, 3, False, "IntSlider"),
        (0.0, 10, 3, False, "FloatSlider"),
        (1e-3, 1e3, 1.0, True, "FloatLogSlider"),
    ],
)
def test_kind_of_slider(low: float, high: float, start: float, log: bool, kind: str) -> None:
    made = slider("x", low, high, start, log=log)
    assert type(made).__name__ == kind
    assert made.value == pytest.approx(start)


@pytest.mark.parametrize(
    "arguments", [(0, 1, 2), (1, 0, 0.5), (0, 0, 0)], ids=["outside", "turned", "empty"]
)
def test_bounds_that_are_none(arguments: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="slider 'x'"):
        slider("x", *arguments)
    with pytest.raises(InputError, match="above 0"):
        slider("x", 0, 1, 0.5, log=True)


def test_simulate_without_a_simulation() -> None:
    with pytest.raises(InputError, match="simulate="):
        explore(line, slope=slider("slope", -1.0, 1.0, 0.5)).simulate()
