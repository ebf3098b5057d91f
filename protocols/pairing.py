"""Weight after each of N pairings at one lag and rate.

A presynaptic and a postsynaptic spike are paired N times, the postsynaptic one `lag` after
the presynaptic one (before it, where negative), once every 1/rate. The weight is read after
both spikes of each pairing have come. The defaults are one point of Bi & Poo 1998: 60
pairings at 1 Hz, here 10 ms apart.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import engine, style
from synsim.component import Citation, parameter
from synsim.component.spike_trains import on_grid
from synsim.protocol import Result, Running
from synsim.stimuli import induction

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "pairing"
BI_POO_1998 = Citation("Bi & Poo 1998, J Neurosci 18:10464", "10.1523/JNEUROSCI.18-24-10464.1998")


class Settings(induction.InductionSettings):
    """Pairing at one lag."""

    delta_t: float = parameter("ms", "lag t_post - t_pre", default="10ms")

    def check(self) -> None:
        super().check()
        self.within_reach("delta_t", self.delta_t)


class Outcome(Result):
    """Weight after each pairing: columns pair (1 to N), t_s, w_rel = w / w0."""

    protocol = NAME
    settings_type = Settings

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Weight against pairing, simulated and in closed form."""
        ax = style.axes(ax)
        pairs, weights = np.asarray(self.columns["pair"]), np.asarray(self.columns["w_rel"])
        ax.axhline(1, color=style.COLOURS["neutral"], lw=0.6, zorder=0)
        ax.plot(pairs, weights, "o", color=style.COLOURS["simulation"], label="simulation")
        course = induction.predicted_course(
            self.settings, induction.schedule(self.settings, np.array([self.settings.delta_t])).lag
        )
        if course is not None:
            ax.plot(
                pairs,
                course[0] / self.settings.w0,
                color=style.COLOURS["model"],
                label="closed form",
            )
        ax.set_xlabel(f"pairing (at {self.settings.text('rate')})")
        ax.set_ylabel("weight / weight at the start")
        ax.set_title(f"Pairing at $\\Delta t$ = {self.settings.text('delta_t')}")
        ax.legend()
        return ax


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Simulate the pairings.

    Parameters
    ----------
    settings : what is done
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with one row per pairing
    """
    running = running or Running()
    plan = induction.schedule(settings, np.array([settings.delta_t]))
    synapse = settings.synapse()
    arrived_pre = plan.pre[0] + on_grid(settings.delay, settings.time_step)
    arrived_post = arrived_pre + plan.lag[0]
    last = np.maximum(arrived_pre, arrived_post)
    done = engine.simulate(
        engine.Program(synapse, 1, events=("w",)),
        pre=induction.spikes(plan.pre),
        post=induction.spikes(plan.post),
        steps=int(last[-1]) + 1,
        dt=settings.time_step,
        **running.options(),
    )
    weights = _after_each(done, last, post_first=synapse.code.post_first)
    course = induction.predicted_course(settings, plan.lag)
    found: dict[str, Any] = {
        "w_rel_final": float(weights[-1] / settings.w0),
        "lag_at_synapse_ms": float(plan.lag[0] * settings.time_step * 1e3),
    }
    if course is not None:
        found["closed_form_w_rel_final"] = float(course[0, -1] / settings.w0)
        found["largest_deviation_from_closed_form"] = float(np.max(np.abs(weights - course[0])))
    return Outcome(
        settings=settings,
        columns={
            "pair": np.arange(1, settings.n_pairs + 1),
            "t_s": last * settings.time_step,
            "w_rel": weights / settings.w0,
        },
        results=found,
        conventions=synapse.conventions | {"lag is meant at the": settings.lag_at},
        citations=(*synapse.citations, str(BI_POO_1998)),
        seed=running.seed,
        backend=done.backend,
        threads=done.threads,
        warnings=(*plan.notes, *done.warnings),
    )


def _after_each(done: engine.Run, last: Any, *, post_first: bool) -> Any:
    """The weight when everything up to each step in `last` has come."""
    order = ("post", "pre") if post_first else ("pre", "post")
    steps = np.concatenate([done.events[p].steps for p in order])
    weights = np.concatenate([done.events[p].states["w"] for p in order])
    ranks = np.repeat([0, 1], [len(done.events[p].steps) for p in order])
    sequence = np.lexsort((ranks, steps))
    reached = np.searchsorted(steps[sequence], last, side="right")
    return weights[sequence][reached - 1]


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
