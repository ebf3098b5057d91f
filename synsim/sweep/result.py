"""What a sweep leaves: every row of every run, one row a point, and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import results, style
from synsim.component.errors import InputError
from synsim.sweep.plan import Plan

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = 8  # of one panel; more are drawn as points
_PANELS = 4


@dataclass(frozen=True)
class Sweep:
    """The outcome of a sweep; `outcomes` are in the order of the plan's points."""

    plan: Plan
    outcomes: tuple[dict[str, Any], ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of all points, each once, with how many points had it."""
        counts: dict[str, int] = {}
        for outcome in self.outcomes:
            for text in outcome["warnings"]:
                counts[text] = counts.get(text, 0) + 1
        return tuple(
            text if n == len(self.outcomes) else f"{n} of {len(self.outcomes)} points: {text}"
            for text, n in counts.items()
        )

    def columns(self) -> dict[str, list[Any]]:
        """Every row of every run: point, what was varied, and the protocol's own columns."""
        number = self._free("point")
        found: dict[str, list[Any]] = {number: []}
        found |= {self._free(c): [] for c in self.plan.columns.values()}
        found |= {name: [] for outcome in self.outcomes for name in outcome["columns"]}
        own = list(dict.fromkeys(name for o in self.outcomes for name in o["columns"]))
        for point, outcome in zip(self.plan.points, self.outcomes, strict=True):
            rows = len(next(iter(outcome["columns"].values())))
            found[number] += [point.number] * rows
            for name, column in self.plan.columns.items():
                found[self._free(column)] += [self.plan.value(point, name)] * rows
            for name in own:
                found[name] += outcome["columns"].get(name, [None] * rows)
        return found

    def point_columns(self) -> dict[str, list[Any]]:
        """One row a point: what was varied, its seed, and the results that are single values."""
        scalars = [
            name
            for name in dict.fromkeys(n for o in self.outcomes for n in o["results"])
            if all(_single(o["results"].get(name)) for o in self.outcomes)
        ]
        found: dict[str, list[Any]] = {"point": [p.number for p in self.plan.points]}
        for name, column in self.plan.columns.items():
            found[column] = [self.plan.value(p, name) for p in self.plan.points]
        found["seed"] = [p.seed for p in self.plan.points]
        for name in scalars:
            label = f"result_{name}" if name in found else name
            found[label] = [o["results"].get(name) for o in self.outcomes]
        return found

    def to_frame(self) -> pd.DataFrame:
        """Every row of every run, as a tidy `pandas.DataFrame`."""
        import pandas as pd

        return pd.DataFrame(self.columns())

    def points_frame(self) -> pd.DataFrame:
        """One row a point, as a `pandas.DataFrame`."""
        import pandas as pd

        return pd.DataFrame(self.point_columns())

    def _free(self, column: str) -> str:
        """A column of the sweep's, apart from the protocol's own of the same name."""
        taken = any(column in outcome["columns"] for outcome in self.outcomes)
        return f"set_{column}" if taken else column

    # --- figure ------------------------------------------------------------------------------

    def drawn(self) -> list[str]:
        """The results that a figure shows: numbers that are not the same everywhere.

        Not the closed forms, which lie under the simulation, nor how far it is from them.
        """
        table = self.point_columns()
        skip = {"point", "seed", *self.plan.columns.values()}
        skip |= {name for name in table if name.startswith(("closed_form", "largest_deviation"))}
        return [
            name
            for name, column in table.items()
            if name not in skip and _numeric(column) and len({v for v in column}) > 1
        ][:_PANELS]

    @style.styled
    def plot(self, ax: Axes | None = None, y: str | None = None) -> Axes:
        """One result against the first setting that was varied; colours are the second.

        Raises InputError when `y` is no result.
        """
        table = self.point_columns()
        y = y or next(iter(self.drawn()), None)
        if y is None or y not in table:
            known = ", ".join(self.drawn()) or "none"
            raise InputError(f"found no result {y!r} to draw, expected one of {known}")
        ax = style.axes(ax)
        first, *others = self.plan.columns.values()
        x, values = table[first], np.array(table[y], dtype=float)
        groups = table[others[0]] if others else [None] * len(x)
        keys = list(dict.fromkeys(groups))
        if _numeric(groups):
            keys.sort(key=lambda key: (key is None, key))
        # values of a plan that draws them lie anywhere: their colour is that of a scale
        few = len(keys) <= _LINES and (self.plan.kind == "grid" or not _numeric(groups))
        lines = self.plan.kind == "grid" and few and len(others) <= 1
        if not _numeric(x):
            places = {text: i for i, text in enumerate(dict.fromkeys(x))}
            ax.set_xticks(range(len(places)), list(places), rotation=20, ha="right")
            x = [places[text] for text in x]
            lines = False
        if few:
            for i, key in enumerate(keys):
                which = np.array([g == key for g in groups])
                shade = _shade(i, len(keys))
                label = None if key is None else _valued(others[0], key)
                ax.plot(
                    np.asarray(x)[which], values[which], "o-" if lines else "o", ms=3, lw=0.9,
                    color=shade, label=label,
                )  # fmt: skip
        else:
            points = ax.scatter(x, values, c=np.array(groups, dtype=float) if _numeric(groups)
                                else None, s=10, cmap="cividis")  # fmt: skip
            if _numeric(groups):
                ax.figure.colorbar(points, ax=ax, label=_words(others[0]))
        ax.set_xlabel(_words(first))
        ax.set_ylabel(_words(y))
        if others and few:
            ax.legend(fontsize=6)
        return ax

    @style.styled
    def figure(self) -> Figure:
        """The first results, a panel each."""
        shown = self.drawn()
        if not shown:
            raise InputError("no result differs between the points: there is nothing to draw")
        columns = min(2, len(shown))
        rows = -(-len(shown) // columns)
        made, axes = style.figure(90 * columns, 62 * rows, rows, columns, squeeze=False)
        for ax, name in zip(axes.flat, shown, strict=False):
            self.plot(ax, name)
        for ax in axes.flat[len(shown) :]:
            ax.remove()
        return made

    # --- files -------------------------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """What ``summary.json`` holds; ``results`` lists the points."""
        first = self.outcomes[0]
        table = self.point_columns()
        rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        return results.summary_document(
            command=f"sweep {self.plan.protocol}",
            settings=dict(self.plan.fixed),
            conventions=first["conventions"],
            results={
                "plan": self.plan.kind,
                "varied": dict(self.plan.varied),
                "n_points": len(rows),
                "points": rows,
            },
            seed=self.plan.seed,
            backend=first["backend"],
            threads=first["threads"],
            citations=first["citations"],
            warnings=self.warnings,
            packages=("numpy", "brian2"),
        )

    def save(self, directory: Path | str, *, force: bool = False, plot: bool = True) -> Path:
        """Write data.csv (all rows), points.csv (one a point), summary.json and the figure."""
        contents: dict[str, results.Content] = {
            "data.csv": results.to_csv(self.columns()),
            "points.csv": results.to_csv(self.point_columns()),
            "summary.json": results.to_json(self.summary()),
        }
        if plot and self.drawn():
            made = self.figure()
            contents |= {f"figure.{kind}": style.writer(made, kind) for kind in ("png", "svg")}
        return results.write_directory(directory, contents, force=force)


def _single(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _numeric(column: Sequence[Any]) -> bool:
    return all(v is None or isinstance(v, (int, float)) for v in column) and any(
        v is not None for v in column
    )


def _shade(i: int, count: int) -> Any:
    return style.COLOURS["simulation"] if count == 1 else style.shade(i, count)


def _valued(column: str, value: Any) -> str:
    """Such as 'rate 10 Hz'."""
    name, bracket, unit = _words(column).partition(" (")
    return f"{name} {_short(value)}" + (f" {unit.rstrip(')')}" if bracket else "")


def _words(column: str) -> str:
    """A column's name as an axis label: its unit in brackets."""
    from synsim.component.units import UNITS

    stem, _, ending = column.rpartition("_")
    return (
        f"{stem.replace('_', ' ')} ({ending})"
        if stem and ending in UNITS
        else column.replace("_", " ")
    )


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
