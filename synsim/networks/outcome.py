"""What every protocol in which networks learn returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from synsim import style
from synsim.networks import need
from synsim.networks.references import ADAM, KINGMA
from synsim.protocol import Column, Result, Running

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from synsim.networks.data import Dataset
    from synsim.networks.settings import ImageSettings


class Learned(Result):
    """A result of networks that learned.

    plots : the module that draws it: `draw_one(ax, outcome)` its chief panel, `figure(outcome)` all
    """

    packages = ("numpy", "brian2", "jax", "optax")
    plots: Any

    @classmethod
    def made(
        cls,
        settings: ImageSettings,
        running: Running,
        images: Dataset,
        *,
        columns: Mapping[str, Column],
        results: Mapping[str, Any],
        conventions: Mapping[str, str],
        citations: tuple[str, ...],
        warnings: list[str] | None = None,
        tables: Mapping[str, Mapping[str, Column]] | None = None,
    ) -> Self:
        """The outcome of a run: these, and how and where the networks were trained."""
        trained = {
            "training": settings.how().words(),
            "device": need.jax().devices()[0].platform,
        }
        return cls(
            settings=settings,
            columns=columns,
            results=results,
            conventions={**conventions, **trained},
            citations=(*citations, KINGMA, ADAM, images.citation),
            seed=running.seed,
            backend="jax",
            threads=need.threads(),
            warnings=tuple(warnings or ()),
            tables=tables or {},
        )

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """The chief panel; returns the axes, new ones where none are given."""
        ax = style.axes(ax, width_mm=100, height_mm=75)
        self.plots.draw_one(ax, self)
        return ax

    @style.styled
    def figure(self) -> Figure:
        """All panels."""
        made: Figure = self.plots.figure(self)
        return made
