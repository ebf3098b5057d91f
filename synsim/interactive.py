"""Sliders in a notebook: a figure in closed form that follows at once, a simulation at a button.

    from synsim.interactive import explore, slider
    from synsim.models.pair_stdp import window

    def draw(ax, tau_plus):
        lag = np.linspace(-100, 100, 401)
        ax.plot(lag, window(lag, 0.01, 0.005, tau_plus, 34))

    explore(draw, tau_plus=slider("LTP time constant (ms)", 5, 60, 17))

Moving a slider calls `draw` alone, and draws one small figure: keep simulations out of it, and
give them to `simulate`, which runs when its button is pressed. `benchmarks/sliders.py` measures
the response. Needs ipywidgets (extra `docs`).
"""

from __future__ import annotations

import base64
import gc
import html
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style
from synsim.component.errors import InputError, MissingExtraError, SynsimError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 144  # pixels per inch: 8 points are read from the last row of a lecture hall
_BUSY = "simulating; the first time, a program is compiled for some seconds"


def explore(
    draw: Callable[..., Any],
    *,
    simulate: Callable[..., Any] | None = None,
    width_mm: float = 120,
    height_mm: float = 70,
    ncols: int = 1,
    **controls: Any,
) -> Explorer:
    """A figure with a control for each keyword of `draw`.

    Parameters
    ----------
    draw : ``draw(ax, **values)``; `ax` is empty axes, or an array of them where there are several.
        Called at every move of a control; with closed forms it takes some milliseconds
    simulate : the same, at the press of a button: adds to what `draw` has drawn
    width_mm, height_mm, ncols : of the figure
    controls : name -> `slider`, `choice`, or any widget that has a ``value``

    Returns
    -------
    Explorer, which a notebook shows when it is the last line of a cell

    Raises
    ------
    MissingExtraError
        without ipywidgets
    """
    return Explorer(draw, simulate, controls, style.figure(width_mm, height_mm, 1, ncols))


def slider(
    label: str,
    low: float,
    high: float,
    start: float,
    *,
    step: float | None = None,
    log: bool = False,
) -> Any:
    """A slider from `low` to `high`, both included; whole numbers give a slider of whole numbers.

    `log` steps by equal factors. Without `step` there are a hundred of them. Raises InputError
    for a start outside and for bounds that are no range.
    """
    widgets = _widgets()
    if not (low <= start <= high and low < high and (not log or low > 0)):
        raise InputError(
            f"slider {label!r}: found {start:g} from {low:g} to {high:g}, expected a start "
            "between two increasing bounds" + (", above 0" if log else "")
        )
    options: dict[str, Any] = {
        "value": start,
        "min": low,
        "max": high,
        "description": label,
        "style": {"description_width": "16em"},
        "layout": {"width": "34em"},
    }
    if log:
        options |= {"min": np.log10(low), "max": np.log10(high), "readout_format": ".3g"}
        options["step"] = step or (options["max"] - options["min"]) / 100
        return widgets.FloatLogSlider(**options)
    if all(isinstance(v, int) for v in (low, high, start)) and not isinstance(step, float):
        return widgets.IntSlider(**options, step=step or 1)
    step = step or (high - low) / 100
    digits = max(0, int(np.ceil(-np.log10(step) - 1e-9)))
    return widgets.FloatSlider(**options, step=step, readout_format=f".{digits}f")


def choice(label: str, options: Sequence[Any] | Mapping[str, Any], start: Any = None) -> Any:
    """A menu of `options` (values, or label -> value); the first one where no start is given."""
    listed = list(options.values()) if isinstance(options, Mapping) else list(options)
    return _widgets().Dropdown(
        options=options,
        value=listed[0] if start is None else start,
        description=label,
        style={"description_width": "16em"},
        layout={"width": "34em"},
    )


class Explorer:
    """Controls and the figure that follows them.

    Attributes
    ----------
    controls : name -> widget
    figure, ax : the Matplotlib figure and its axes
    image : the widget that shows the figure
    message : what went wrong, in words; empty when nothing did
    """

    def __init__(
        self,
        draw: Callable[..., Any],
        simulate: Callable[..., Any] | None,
        controls: Mapping[str, Any],
        drawn_on: tuple[Any, Any],
    ) -> None:
        widgets = _widgets()
        self.controls = dict(controls)
        self.figure, self.ax = drawn_on
        self.figure.set_dpi(_DPI)
        self._canvas = _Canvas(self.figure)
        self._draw, self._simulate = draw, simulate
        self.image = widgets.Image(format="png")
        self._words = widgets.HTML()
        self._place()
        self.redraw()
        for control in self.controls.values():
            control.observe(self._moved, names="value")
        rows = [*self.controls.values(), self._words, self.image]
        if simulate is not None:
            self.button = widgets.Button(description="Simulate", icon="play")
            self.button.on_click(lambda _: self._pressed())
            rows.insert(len(self.controls), self.button)
        self.box = widgets.VBox(rows)

    @property
    def values(self) -> dict[str, Any]:
        """Where the controls stand."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def message(self) -> str:
        return html.unescape(self._words.value)

    def redraw(self) -> None:
        """Draw the figure anew from where the controls stand."""
        self._show(self._clear, self._draw)

    def simulate(self) -> None:
        """Run the simulation of where the controls stand, beside the closed form."""
        if self._simulate is None:
            raise InputError("explore: found no simulate=, expected a function to be called")
        self._show(self._clear, self._draw, self._simulate)

    @style.styled
    def _place(self) -> None:
        """Let the axes find their places once, with all that is drawn around them."""
        self._draw(self.ax, **self.values)
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")

    @style.styled
    def _show(self, *steps: Callable[..., Any]) -> None:
        for step in steps:
            step(self.ax, **self.values)
        self.image.value = self._canvas.png()

    def _clear(self, ax: Any, **_: Any) -> None:
        for one in np.ravel(ax):
            one.clear()

    def _moved(self, _: Any) -> None:
        self._safely(self.redraw)

    def _pressed(self) -> None:
        self.button.disabled, self._words.value = True, html.escape(_BUSY)
        try:
            self._safely(self.simulate)
        finally:
            gc.collect()  # here, where seconds have passed, and not while a slider moves
            self.button.disabled = False

    def _safely(self, action: Callable[[], None]) -> None:
        """Jupyter shows nobody what a callback raises: say it above the figure."""
        try:
            action()
        except SynsimError as error:
            self._words.value = html.escape(str(error))
        except Exception as error:
            self._words.value = html.escape(f"{type(error).__name__}: {error}")
            raise
        else:
            self._words.value = ""

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The controls; the figure alone where a page has nothing to run them."""
        shown = self.box._repr_mimebundle_(**options)
        bundle, metadata = shown if isinstance(shown, tuple) else (shown, {})
        stands = [f"{control.description}: {control.value}" for control in self.controls.values()]
        alone = {
            "text/plain": ", ".join(stands),
            "image/png": base64.b64encode(self.image.value).decode("ascii"),
        }
        return bundle | alone, metadata


class _Canvas:
    """Draws a figure to PNG; frames, ticks and their labels only where they have changed.

    These take most of the time of a small figure, and stay as they are while a slider moves.
    """

    def __init__(self, figure: Figure) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        self._agg = FigureCanvasAgg(figure)
        self._frames: Any = None
        self._drawn_for: Any = None

    def png(self) -> bytes:
        """The figure as it is now."""
        from matplotlib.image import imsave

        figure = self._agg.figure
        content = [*figure.texts, *figure.legends, *(c for ax in figure.axes for c in _content(ax))]
        frames = [_frame(ax) for ax in figure.axes]
        if frames != self._drawn_for:
            with _emptied(content):
                self._agg.draw()
            self._frames = self._agg.copy_from_bbox(figure.bbox)
            self._drawn_for = frames
        self._agg.restore_region(self._frames)
        renderer = self._agg.get_renderer()
        for artist in content:
            artist.draw(renderer)
        buffer = io.BytesIO()
        imsave(buffer, self._agg.buffer_rgba(), format="png", pil_kwargs={"compress_level": 1})
        return buffer.getvalue()


@contextmanager
def _emptied(content: list[Any]) -> Iterator[None]:
    """Nothing of this is drawn. Texts are emptied, not hidden: hidden titles lose their places."""
    texts = [(text, text.get_text()) for text in content if hasattr(text, "set_text")]
    others = [(one, one.get_visible()) for one in content if not hasattr(one, "set_text")]
    for text, _ in texts:
        text.set_text("")
    for one, _ in others:
        one.set_visible(False)
    yield
    for text, words in texts:
        text.set_text(words)
    for one, visible in others:
        one.set_visible(visible)


def _content(ax: Axes) -> list[Any]:
    """What is drawn into the frame of axes, from the back to the front."""
    frame = {ax.xaxis, ax.yaxis, ax.patch, *ax.spines.values()}
    return sorted((c for c in ax.get_children() if c not in frame), key=lambda c: c.get_zorder())


def _frame(ax: Axes) -> list[Any]:
    """All that the look of an axes' frame hangs on."""
    looks: list[Any] = [ax.get_xlim(), ax.get_ylim(), ax.get_position().bounds, ax.axison]
    for axis in (ax.xaxis, ax.yaxis):
        ticks = axis.get_majorticklocs().tolist()
        labels = axis.get_major_formatter().format_ticks(ticks)
        looks += [axis.get_scale(), axis.get_label_text(), ticks, labels]
    return looks


def _widgets() -> Any:
    try:
        import ipywidgets
    except ImportError:
        raise MissingExtraError(
            "sliders need ipywidgets, which is not installed: pip install 'synsim[docs]'"
        ) from None
    return ipywidgets
