"""Change of the synapse against lag: the STDP window.

At each lag a presynaptic and a postsynaptic spike are paired N times at a rate; the change is
the mean response after, relative to that before, minus 1. All lags and repeats are copies of
the synapse in one compiled run.

Where release or recording is stochastic, the change is measured as an experimenter does: by
the mean of test pulses before and after, for each repeat. Where it is not, it is exact.

The defaults are the experiment of Bi & Poo 1998: 60 pairings at 1 Hz, lags to 100 ms, with the
time constants of their fit (Bi & Poo 2001).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import engine, style
from synsim.component import parameter
from synsim.component.errors import FieldError
from synsim.component.ranges import values
from synsim.component.spike_trains import on_grid
from synsim.models.pair_stdp import PairSTDP
from synsim.protocol import Result, Running
from synsim.protocols.pairing import BI_POO_1998
from synsim.stimuli import induction
from synsim.stimuli.trains import largest_deviation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "stdp-window"
_SIDES = {
    "ltp": "simulation, pre first",
    "ltd": "simulation, post first",
    "neutral": "simulation, coincident spikes",
}
_ENOUGH = 10  # repeats, for the scatter between them to be an error


class Settings(induction.InductionSettings):
    """Pairing at many lags."""

    delta_t: NDArray[np.float64] = values(
        "ms",
        "lags t_post - t_pre: start:stop:step, or values with commas",
        default="-100ms:100ms:2ms",
    )
    repeats: int = parameter(
        "1", "repeats of each lag, where release is stochastic", default=1, low=1, integer=True
    )
    test_pulses: int = parameter(
        "1",
        "test pulses before and after, where release is stochastic",
        default=30,
        low=1,
        integer=True,
    )
    test_rate: float = parameter(
        "Hz", "rate of the test pulses", default="0.1Hz", low=0, low_open=True
    )

    def check(self) -> None:
        super().check()
        self.within_reach("delta_t", self.delta_t)
        self.within_reach("test_rate", 2 * self.test_pulses / self.test_rate)
        if 1 / self.test_rate < self.time_step * (1 - 1e-9):
            raise FieldError(
                type(self).__name__,
                "test_rate",
                f"found {self.text('test_rate')}, expected at most one pulse per time step of "
                f"{self.text('time_step')}",
            )
        nothing = (
            self.n == 0
            or self.release_probability == 0
            or self.q == 0
            or (self.acts_on == "n" and np.floor(self.w0 * self.n + 0.5) == 0)
        )
        if nothing:
            raise FieldError(
                type(self).__name__,
                "n" if self.n == 0 or self.acts_on == "n" else ("q" if self.q == 0 else "p"),
                "found a synapse without any response at the start, expected one: the change is "
                "relative to it",
            )

    @property
    def measured(self) -> bool:
        """Whether the change is measured by test pulses."""
        return self.release != "mean-field" or self.s0 is not None


class Outcome(Result):
    """The window: columns delta_t_ms, repeat (from 1), dw_rel."""

    protocol = NAME
    settings_type = Settings

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Change against lag: simulation, and the closed form over it."""
        ax = style.axes(ax, width_mm=100, height_mm=78)
        style.zero_lines(ax)
        lag = np.asarray(self.columns["delta_t_ms"], dtype=float)
        change = np.asarray(self.columns["dw_rel"], dtype=float)
        if self.settings.measured:
            _draw_measured(ax, lag, change)
        else:
            steps = on_grid(lag * 1e-3, self.settings.time_step)
            together = steps % self.settings.period_steps == 0
            for side, colour in (
                ((lag > 0) & ~together, "ltp"),
                ((lag < 0) & ~together, "ltd"),
                (together, "neutral"),
            ):
                if np.any(side):
                    ax.plot(
                        lag[side],
                        change[side],
                        "o",
                        color=style.COLOURS[colour],
                        label=_SIDES[colour],
                    )
        fine = _fine_prediction(self.settings, lag)
        if fine is not None:
            ax.plot(*fine, color=style.COLOURS["data"], lw=0.9, label="closed form")
        handles, labels = ax.get_legend_handles_labels()
        unique = dict(zip(labels, handles, strict=True))
        ax.legend(
            unique.values(), unique.keys(), ncols=2, loc="upper center", bbox_to_anchor=(0.45, -0.2)
        )
        # No mathematics in it: matplotlib takes a tenth of a second to load its parser.
        ax.set_xlabel("lag Δt = post − pre (ms)")
        ax.set_ylabel("relative change of mean response")
        rule = self.settings.rule
        ax.set_title(
            f"{self.settings.n_pairs} pairings at {self.settings.text('rate')}, {rule.name} rule, "
            f"{getattr(rule, 'pairing', '')}".rstrip(", ")
        )
        return ax


def _draw_measured(ax: Axes, lag: NDArray[Any], change: NDArray[Any]) -> None:
    ax.plot(
        lag,
        change,
        ".",
        markersize=2,
        color=style.COLOURS["simulation"],
        alpha=0.35,
        zorder=1,
        label="single repeats",
    )
    places = np.unique(lag)
    kept = [change[(lag == x) & np.isfinite(change)] for x in places]
    mean = np.array([k.mean() if len(k) else np.nan for k in kept])
    sem = np.array([k.std(ddof=1) / np.sqrt(len(k)) if len(k) > 1 else 0.0 for k in kept])
    ax.errorbar(
        places,
        mean,
        sem,
        fmt="o",
        ms=3,
        lw=0.8,
        color=style.COLOURS["simulation"],
        label="simulation, mean ± SEM",
    )


def _fine_prediction(
    settings: Settings, lag_ms: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The closed form on a fine grid of lags, with a gap at 0 where the window jumps."""
    steps = on_grid(lag_ms * 1e-3, settings.time_step)
    grid = np.rint(np.linspace(steps.min(), steps.max(), 400)).astype(np.int64)
    # a gap wherever spikes coincide: the window jumps there
    period = settings.period_steps
    jumps = period * np.arange(-(-steps.min() // period), steps.max() // period + 1)
    around = (jumps[:, None] + [-1, 0, 1]).ravel() if len(jumps) < 100 else jumps[:0]
    grid = np.unique(np.clip(np.append(grid, around), steps.min(), steps.max()))
    course = induction.predicted_course(settings, grid)
    if course is None:
        return None
    change = induction.response_ratio(settings, course[:, -1])
    lags = grid.astype(np.float64) * settings.time_step * 1e3
    coincident = grid % settings.period_steps == 0
    return lags, np.where(coincident, np.nan, change).astype(np.float64)


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Simulate the window.

    Parameters
    ----------
    settings : what is done
    running : seed, backend, progress; the defaults where None

    Returns
    -------
    Outcome with one row per lag and repeat
    """
    running = running or Running()
    notes = []
    paired = induction.schedule(settings, settings.delta_t)
    if settings.measured:
        before, after, done = _measure(settings, paired, running)
        with np.errstate(divide="ignore", invalid="ignore"):
            change = np.where(before != 0, after / before - 1, np.nan)
        failed = int(np.count_nonzero(np.isnan(change)))
        if failed:
            notes.append(
                f"{failed} of {change.size} measurements have no response to any test pulse "
                "before: their change is left empty"
            )
        of_closed_form = _deviation_in_errors(settings, paired, before, after)
    else:
        change, done = _exact(settings, paired, running)
        of_closed_form = _deviation(settings, paired, change)
        if settings.repeats > 1 and not _scattered(settings):
            notes.append("release is without noise: the repeats are the same")
    lag_ms = paired.lag * settings.time_step * 1e3
    synapse = settings.synapse()
    return Outcome(
        settings=settings,
        columns={
            "delta_t_ms": np.round(np.repeat(lag_ms, settings.repeats), 9),
            "repeat": np.tile(np.arange(1, settings.repeats + 1), len(lag_ms)),
            "dw_rel": change.ravel(),
        },
        results=_results(settings, paired, change) | of_closed_form,
        conventions=synapse.conventions
        | {
            "lag is meant at the": settings.lag_at,
            "dw_rel": "mean response after / before - 1, "
            + ("by test pulses" if settings.measured else "exact"),
        },
        citations=(*synapse.citations, str(BI_POO_1998)),
        seed=running.seed,
        backend=done.backend,
        threads=done.threads,
        warnings=(*paired.notes, *notes, *done.warnings),
    )


def _exact(
    settings: Settings, paired: induction.Schedule, running: Running
) -> tuple[NDArray[np.float64], engine.Run]:
    """Change of the mean response from the weight itself, shape (lags, repeats)."""
    reach = max(paired.pre.max(), paired.post.max())
    delays = on_grid([settings.delay, settings.dendritic_delay], settings.time_step)
    each = settings.repeats if _scattered(settings) else 1
    done = engine.simulate(
        engine.Program(settings.synapse(), each * len(paired.lag), final=("w",)),
        pre=induction.spikes(np.repeat(paired.pre, each, axis=0)),
        post=induction.spikes(np.repeat(paired.post, each, axis=0)),
        steps=int(reach + delays.max()) + 1,
        dt=settings.time_step,
        **running.options(),
    )
    change = induction.response_ratio(settings, done.final["w"])
    return np.tile(change.reshape(-1, each), (1, settings.repeats // each)), done


def _scattered(settings: Settings) -> bool:
    """Whether the rule itself makes repeats differ."""
    return isinstance(settings.rule, PairSTDP) and settings.rule.scattered


def _measure(
    settings: Settings, paired: induction.Schedule, running: Running
) -> tuple[NDArray[np.float64], NDArray[np.float64], engine.Run]:
    """Mean test response before and after, shape (lags, repeats) each."""
    measure = "recorded" if settings.s0 is not None else "response"
    gap = on_grid(1 / settings.test_rate, settings.time_step)
    pulses = settings.test_pulses
    before = np.arange(pulses) * gap
    start = pulses * gap
    end = start + max(paired.pre.max(), paired.post.max())
    after = end + gap + np.arange(pulses) * gap
    rows = len(paired.lag) * settings.repeats
    pre = np.repeat(start + paired.pre, settings.repeats, axis=0)
    pre = np.hstack(
        [np.broadcast_to(before, (rows, pulses)), pre, np.broadcast_to(after, (rows, pulses))]
    )
    post = np.repeat(start + paired.post, settings.repeats, axis=0)
    delay = on_grid(settings.delay, settings.time_step)
    done = engine.simulate(
        engine.Program(settings.synapse((measure,)), rows, events=(f"last_{measure}",)),
        pre=induction.spikes(pre),
        post=induction.spikes(post),
        steps=int(after[-1] + delay) + 1,
        dt=settings.time_step,
        **running.options(),
    )
    events = done.events["pre"]
    order = np.lexsort((events.steps, events.copies))
    responses = events.states[f"last_{measure}"][order].reshape(rows, -1)
    shape = (len(paired.lag), settings.repeats)
    means = (responses[:, part].mean(axis=1) for part in (np.s_[:pulses], np.s_[-pulses:]))
    mean_before, mean_after = (mean.reshape(shape) for mean in means)
    return mean_before, mean_after, done


def _results(
    settings: Settings, paired: induction.Schedule, change: NDArray[np.float64]
) -> dict[str, Any]:
    mean = np.array([row[np.isfinite(row)].mean() if np.any(np.isfinite(row)) else np.nan
                     for row in change])  # fmt: skip
    lag_ms = np.round(paired.lag * settings.time_step * 1e3, 9)
    found: dict[str, Any] = {"n_lags": len(lag_ms), "n_repeats": settings.repeats}
    if np.any(np.isfinite(mean)):
        top, bottom = int(np.nanargmax(mean)), int(np.nanargmin(mean))
        found |= {
            "dw_rel_max": float(mean[top]),
            "delta_t_of_max_ms": float(lag_ms[top]),
            "dw_rel_min": float(mean[bottom]),
            "delta_t_of_min_ms": float(lag_ms[bottom]),
        }
    return found


def _deviation(
    settings: Settings, paired: induction.Schedule, change: NDArray[np.float64]
) -> dict[str, float]:
    """How far the exact change is from the closed form."""
    course = induction.predicted_course(settings, paired.lag)
    if course is None:
        return {}
    exact = induction.response_ratio(settings, course[:, -1])
    return {"largest_deviation_from_closed_form": float(np.max(np.abs(change[:, 0] - exact)))}


def _deviation_in_errors(
    settings: Settings,
    paired: induction.Schedule,
    before: NDArray[np.float64],
    after: NDArray[np.float64],
) -> dict[str, float]:
    """How far the measured change is from the closed form, in standard errors.

    The change is that of the means over all repeats: a mean of ratios is biased, and has no
    value after a failure. Its error is to first order, from the scatter between repeats.
    """
    course = induction.predicted_course(settings, paired.lag)
    if course is None or settings.repeats < _ENOUGH:
        return {}
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = after.mean(axis=1) / before.mean(axis=1)
        scatter = (after - ratio[:, None] * before).std(axis=1, ddof=1)
        error = scatter / (np.abs(before.mean(axis=1)) * np.sqrt(settings.repeats))
    exact = induction.response_ratio(settings, course[:, -1])
    return {
        "largest_deviation_in_standard_errors": largest_deviation(ratio - 1, exact, error),
        "n_comparisons": len(exact),
    }


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))
