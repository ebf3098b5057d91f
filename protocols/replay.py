"""Recorded spike trains through one synapse: its state at every spike.

The presynaptic and, if there is one, the postsynaptic train are read from CSV files (one
column, t_ms or t_s) and played to the synapse. At every presynaptic spike the table has the
weight w, the release probability u and the availability x that the release used, and the
quanta released; at every postsynaptic spike the weight. Spike times are those of arrival
at the synapse, on the grid of the time step.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import engine, style
from synsim.component import InputError
from synsim.component.spike_trains import on_grid, to_grid
from synsim.component.units import show
from synsim.protocol import Result, Running
from synsim.settings import file
from synsim.synapse_settings import SynapseSettings
from synsim.tables import read_table, split_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "replay"


class Settings(SynapseSettings):
    """Two spike trains and the synapse between them."""

    pre: str = file("presynaptic spike times: CSV with one column, t_ms or t_s")
    post: str | None = file("postsynaptic spike times, likewise; none without it", optional=True)

    def read_files(self) -> None:
        """Refuse files that hold no spike times."""
        for side in ("pre", "post"):
            _train(self, side, [])


class Outcome(Result):
    """State at every spike.

    Columns t_ms, event (pre or post), w (after the event), u, x (as used in the release) and
    released; the last three are empty at postsynaptic spikes.
    """

    protocol = NAME
    settings_type = Settings

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Weight after every spike."""
        ax = style.axes(ax, width_mm=140, height_mm=50)
        time, unit = self._time()
        ax.step(time, self.columns["w"], where="post", color=style.COLOURS["data"], lw=0.9)
        ax.set_ylabel("weight $w$")
        ax.set_xlabel(f"time ({unit})")
        return ax

    def _time(self) -> tuple[NDArray[np.float64], str]:
        """Times of the events, in the unit that suits their span."""
        time = np.asarray(self.columns["t_ms"], dtype=float)
        return (time, "ms") if time[-1] < 2000 else (time / 1e3, "s")

    @style.styled
    def figure(self) -> Figure:
        """Spikes, what they released, and what became of the weight."""
        fig, (top, quanta, middle, bottom) = style.figure(
            140, 115, nrows=4, sharex=True, height_ratios=[0.6, 0.8, 1.1, 1.2]
        )
        time = self._time()[0]
        pre = np.asarray(self.columns["event"]) == "pre"
        for row, (side, name) in enumerate(((~pre, "post"), (pre, "pre"))):
            top.plot(time[side], np.full(side.sum(), row), "|", color=style.COLOURS["data"], ms=7)
            top.text(-0.01, row, name, transform=top.get_yaxis_transform(), ha="right", va="center")
        top.set_ylim(-0.6, 1.6)
        top.set_yticks([])
        top.set_ylabel("spikes", labelpad=26)
        top.spines["left"].set_visible(False)
        for name, label, colour in (
            ("u", "release probability $u$", "model"),
            ("x", "availability $x$", "simulation"),
        ):
            values = np.asarray(self.columns[name])[pre]
            middle.plot(time[pre], values, "o", ms=2.8, color=style.COLOURS[colour], label=label)
        middle.set_ylim(-0.05, 1.05)
        middle.set_ylabel("$u$, $x$")
        middle.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1.0))
        released = np.asarray(self.columns["released"], dtype=float)[pre]
        colour = style.COLOURS["data"]
        quanta.vlines(time[pre], 0, released, color=colour, lw=1.2)
        none = released == 0
        quanta.plot(time[pre][none], released[none], "o", ms=3, mfc=style.COLOURS["paper"],
                    color=colour, label="failure")  # fmt: skip
        quanta.set_ylabel("quanta")
        quanta.set_ylim(bottom=-0.05 * max(1.0, released.max(initial=0)))
        if self.settings.release != "mean-field":
            quanta.yaxis.get_major_locator().set_params(integer=True)
        if none.any():
            quanta.legend(loc="lower left", bbox_to_anchor=(0, 1.0))
        self.plot(bottom)
        return fig


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Play the trains.

    Parameters
    ----------
    settings : the files and the synapse
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with one row per spike, in the order in which the synapse works them off

    Raises
    ------
    InputError
        for files that hold no spike times, and for two spikes of a train in one time step
    """
    running = running or Running()
    notes: list[str] = []
    pre = _train(settings, "pre", notes)
    post = _train(settings, "post", notes)
    synapse = settings.synapse(("released",))
    kept = tuple(
        name
        for name in ("w", "u", "x", "full", "last_released")
        if name in {state.name for state in synapse.states}
    )
    notes += settings.delay_notes()
    delays = on_grid([settings.delay, settings.dendritic_delay], settings.time_step).tolist()
    ends = [
        train[-1] + delay for train, delay in zip((pre, post), delays, strict=True) if len(train)
    ]
    done = engine.simulate(
        engine.Program(synapse, 1, events=kept),
        pre=engine.Spikes.of(pre, np.zeros_like(pre)),
        post=engine.Spikes.of(post, np.zeros_like(post)),
        steps=int(max(ends, default=0)) + 1,
        dt=settings.time_step,
        **running.options(),
    )
    columns = _columns(settings, done, synapse.code.post_first)
    if settings.rule is None and len(post):
        columns = _with_post(columns, post, delays[1], settings.time_step)
    is_pre = np.asarray(columns["event"]) == "pre"
    return Outcome(
        settings=settings,
        columns=columns,
        results={
            "n_pre": int(is_pre.sum()),
            "n_post": int((~is_pre).sum()),
            "duration_s": float(columns["t_ms"][-1] / 1e3),
            "w_final": float(columns["w"][-1]),
            "released_mean": float(np.mean(columns["released"][is_pre])),
        },
        conventions=synapse.conventions | {"times": "of arrival at the synapse"},
        citations=synapse.citations,
        seed=running.seed,
        backend=done.backend,
        threads=done.threads,
        warnings=(*notes, *done.warnings),
    )


def _train(settings: Settings, side: str, notes: list[str]) -> NDArray[np.int64]:
    """A file's spikes as time steps."""
    path = getattr(settings, side)
    if path is None:
        return np.empty(0, dtype=np.int64)
    what = f"--{side} {path}"
    times = _read_times(path, what)
    steps, shift = to_grid(times, settings.time_step, what=what)
    if shift > 1e-6 * settings.time_step:
        notes.append(
            f"{what}: spikes were put on the grid of {settings.text('time_step')}, the furthest "
            f"moved by {show(float(f'{shift:.3g}'), 'ms')}"
        )
    return steps


def _read_times(path: str, what: str) -> NDArray[np.float64]:
    """Spike times of a file in seconds; InputError naming line and column where one is wrong."""
    table = read_table(path, what)
    named = [name for name in table.names if split_unit(name) in (("t", "ms"), ("t", "s"))]
    if len(named) != 1:
        raise InputError(
            f"{what}: found the columns {', '.join(table.names)}, expected one column t_ms or t_s"
        )
    times = table.times(named[0])
    for row, time in enumerate(times):
        if time < 0:
            raise table.refuse(row, named[0], "no negative time")
        if row and time <= times[row - 1]:
            raise table.refuse(row, named[0], "a time later than that of the line before")
    return times


def _columns(settings: Settings, done: engine.Run, post_first: bool) -> dict[str, Any]:
    """The table, in the order of time and, at one time stamp, of working off."""
    pathways = [p for p in (("post", "pre") if post_first else ("pre", "post")) if p in done.events]
    events = [done.events[p] for p in pathways]
    steps = np.concatenate([e.steps for e in events])
    ranks = np.repeat(np.arange(len(events)), [len(e.steps) for e in events])
    order = np.lexsort((ranks, steps))
    is_pre = np.array([p == "pre" for p in pathways])[ranks][order]

    def state(name: str) -> NDArray[np.float64]:
        return np.concatenate([e.states[name] for e in events])[order]

    plastic = settings.rule is not None
    w = state("w") if plastic else np.ones(len(order))
    w_before = np.concatenate([[settings.w0], w[:-1]]) if plastic else w
    w_used = w_before if settings.response_weight == "before" else w
    released = state("last_released")
    known = events[0].states
    u = state("u") if "u" in known else np.full(len(order), settings.release_probability)
    if "u" not in known and plastic and settings.acts_on == "p":
        u = u * w_used
    if "full" in known:
        sites = np.full(len(order), float(settings.n))
        if plastic and settings.acts_on == "n":
            sites = np.floor(w_used * settings.n + 0.5)
        with np.errstate(invalid="ignore"):
            x = (state("full") + released) / sites
    else:
        x = state("x") if "x" in known else np.ones(len(order))
    return {
        "t_ms": np.round(steps[order] * settings.time_step * 1e3, 9),
        "event": ["pre" if p else "post" for p in is_pre],
        "w": w,
        "u": np.where(is_pre, u, np.nan),
        "x": np.where(is_pre, x, np.nan),
        "released": np.where(is_pre, released, np.nan),
    }


def _with_post(
    columns: dict[str, Any], post: NDArray[np.int64], delay: int, time_step: float
) -> dict[str, Any]:
    """The table with rows for postsynaptic spikes, which a synapse without a rule does not see."""
    empty = np.full(len(post), np.nan)
    rows = {
        "t_ms": np.round((post + delay) * time_step * 1e3, 9),
        "event": ["post"] * len(post),
        "w": np.ones(len(post)),
        "u": empty,
        "x": empty,
        "released": empty,
    }
    order = np.argsort(np.concatenate([columns["t_ms"], rows["t_ms"]]), kind="stable")
    merged = {name: np.concatenate([columns[name], rows[name]])[order] for name in columns}
    return merged | {"event": merged["event"].tolist()}


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
