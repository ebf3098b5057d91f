"""What a fit says in words: shape undecided, weak parameters, outliers, points near lag 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synsim.fit.curves import RIVAL, CurveFit, other_noise
from synsim.fit.windows import Estimate, WindowFit, fit_window, why_not
from synsim.models.stdp_windows import WINDOWS

WEAK = 10.0  # an interval whose ends differ by more than this factor
REACH, FEW = 3.0, 3  # time constants; points
NEAR_ZERO = 5.0  # ms; within this, the sign of a lag hangs on how spike times were measured


def number(value: float) -> str:
    """Three significant digits, never in exponential form for the sizes met here."""
    if value == 0:
        return "0"
    if not np.isfinite(value):
        return "not a number" if np.isnan(value) else "infinite" if value > 0 else "-infinite"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:.{min(digits, 6)}f}"


def amount(value: float | None, unit: str) -> str:
    if value is None:
        return "not determined"
    return number(value) + (" ms" if unit == "ms" else "")


def interval(e: Estimate) -> str:
    """Words for an interval: '6.9 to 39 ms', 'above 11 ms', 'anything'."""
    low, high = e.interval
    if low is None and high is None:
        return "no limit on either side"
    if high is None:
        if low == 0 and e.kind == "amplitude":
            return "anything from 0 up"
        return f"above {amount(low, e.unit)}"
    if low is None:
        return f"below {amount(high, e.unit)}"
    return f"{number(low)} to {amount(high, e.unit)}"


def direction(fit: WindowFit) -> str:
    """Potentiation, depression, both or neither: signs of the curve that are not refused as 0.

    A sign counts when the fitted curve has it somewhere in the data, and when the interval of
    an amplitude (or of the offset) of that sign leaves out 0.
    """
    curve = fit.predict(fit.problem.x)
    floor = 0.02 * float(np.abs(curve).max())
    clear = set()
    for e in fit.estimates:
        low, high = e.interval
        up = e.kind == "offset" or (e.kind == "amplitude" and e.name.endswith("plus"))
        down = e.kind == "offset" or (e.kind == "amplitude" and e.name.endswith("minus"))
        if up and low is not None and low > 0:
            clear.add("potentiation")
        if down and (
            (e.kind == "offset" and high is not None and high < 0)
            or (e.kind == "amplitude" and low is not None and low > 0)
        ):
            clear.add("depression")
    there = {"potentiation": np.any(curve > floor), "depression": np.any(curve < -floor)}
    signs = [sign for sign, seen in there.items() if seen and sign in clear]
    return " and ".join(signs) or "no clear change"


def shape(fit: CurveFit) -> str:
    """One sentence on which window the data speak for."""
    rivals = fit.rivals
    if _too_few(fit):
        # Nothing may be said of the change when the windows with two sides were not tried.
        return (
            f"{len(fit.curve)} points are too few for {listed(_too_few(fit))}; of the windows "
            f"fitted, {listed(rivals)} {'is' if len(rivals) == 1 else 'are'} best"
        )
    signs = {direction(fit.fits[name]) for name in rivals}
    what = signs.pop() if len(signs) == 1 else "change"
    if len(rivals) == 1:
        rest = list(fit.fits)[1:]
        if not rest:
            return f"{what}: {rivals[0]} is the only window fitted"
        ahead = fit.fits[rest[0]].aicc - fit.best.aicc
        return f"{what}: {rivals[0]} is best, {ahead:.1f} AICc ahead of {rest[0]}"
    more = ""
    if "constant" in rivals:
        more = "; the data do not show that the change depends on the lag"
    names = listed(rivals)
    return f"{what} of undecided shape: {names} differ by no more than {RIVAL:g} in AICc{more}"


def listed(names: Sequence[str]) -> str:
    """'a, b and c'."""
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]


def _too_few(fit: CurveFit) -> list[str]:
    """Windows with a branch on each side that there were too few points to try."""
    return [
        name
        for name, why in fit.skipped.items()
        if "too few" in why and {-1, 1} <= {p.side for p in WINDOWS[name].parameters}
    ]


def thin_branches(fit: CurveFit) -> list[str]:
    """Branches of the best window that stand on fewer than three points.

    A point stands under a branch when it lies within REACH time constants (or widths) of its
    centre, where the branch is not yet next to nothing.
    """
    found, best = [], fit.best
    for side, where in ((1, "above"), (-1, "below")):
        names = [p for p in best.window.parameters if p.side == side]
        taus = [best.value(p.name) for p in names if p.kind in ("tau", "width")]
        if not taus or taus[0] is None:
            continue
        centres = [best.value(p.name) for p in names if p.kind not in ("amplitude", "tau", "width")]
        centre = next((c for c in centres if c is not None), 0.0)
        near = (fit.curve.lag * side > 0) & (np.abs(fit.curve.lag - centre) < REACH * taus[0])
        count = int(near.sum())
        if count < FEW:
            points = "1 point" if count == 1 else f"{count} points"
            found.append(
                f"{best.name}: {listed([p.name for p in names])} stand on {points} with lags "
                f"{where} 0 (within {REACH:g} {names[-1].name} of the branch)"
            )
    return found


def weak(fit: WindowFit) -> list[str]:
    """Parameters that the data hardly determine."""
    found = []
    sides = {int(side) for side in np.sign(fit.problem.x)}
    without = {p.name for p in fit.window.parameters if p.side and p.side not in sides}
    missing = [e.name for e in fit.estimates if e.value is None and e.name not in without]
    if missing:
        found.append(f"{fit.name}: {', '.join(missing)} not determined by these data")
    for e in fit.estimates:
        low, high = e.interval
        if e.value is None:
            continue
        if e.at_bound:
            found.append(
                f"{fit.name}: {e.name} ends at {amount(e.value, e.unit)}, the last value tried "
                f"(95 % interval: {interval(e)})"
            )
        elif low is None or high is None:
            found.append(
                f"{fit.name}: {e.name} = {amount(e.value, e.unit)} is weakly determined "
                f"(95 % interval: {interval(e)})"
            )
        elif e.kind in ("amplitude", "tau", "width") and high > WEAK * max(low, 0):
            why = "reaches down to 0" if low == 0 else f"spans a factor of {high / low:.0f}"
            found.append(
                f"{fit.name}: {e.name} = {amount(e.value, e.unit)} is weakly determined, its 95 % "
                f"interval {why} ({interval(e)})"
            )
    return found


def outliers(fit: CurveFit, rows: list[str]) -> list[str]:
    """Points far from the best window, by where they stand in the data."""
    far = np.flatnonzero(fit.outliers)
    if not far.size:
        return []
    points = ", ".join(
        f"{rows[i]} (lag {number(fit.curve.lag[i])} ms, change {number(fit.curve.change[i])}, "
        f"{fit.standardised[i]:+.1f} SD)"
        for i in far
    )
    word = "outlier" if far.size == 1 else "outliers"
    return [f"{word} of the {fit.best.name} window: {points}"]


def near_zero(fit: CurveFit) -> list[str]:
    """Whether points of the wrong sign next to lag 0 bend the branch on their side.

    A pairing a few milliseconds on one side of 0 may in truth lie on the other. The window is
    fitted again without ANY point of that side within NEAR_ZERO (leaving out only those that
    do not suit would prove anything), and the branch's parameters are compared.
    """
    found = []
    window, curve = fit.best.window, fit.curve
    for side in (-1, 1):
        names = [p.name for p in window.parameters if p.side == side]
        if not names:
            continue
        sign = 1 if names[0].endswith("plus") else -1
        close = (curve.lag * side > 0) & (np.abs(curve.lag) < NEAR_ZERO)
        wrong = close & (curve.change * sign < 0) & (fit.standardised * sign < -1)
        kept = curve.take(np.flatnonzero(~close))
        if not wrong.any() or why_not(window, kept.lag):
            continue
        _, problem, maximum = fit_window(WINDOWS[window.name], kept, fit.noise)
        without = dict(
            zip((c.name for c in problem.coordinates), problem.values(maximum.u), strict=False)
        )
        moved = []
        for e in fit.best.estimates:
            if e.name not in names or e.name not in without or not e.value:
                continue
            now = float(without[e.name])
            if not 0.8 < now / e.value < 1.25:
                moved.append(f"{e.name} {amount(now, e.unit)} instead of {amount(e.value, e.unit)}")
        if not moved:
            continue
        span = f"0 < dt < {NEAR_ZERO:g}" if side > 0 else f"-{NEAR_ZERO:g} < dt < 0"
        limits = f"0ms:{NEAR_ZERO:g}ms" if side > 0 else f"-{NEAR_ZERO:g}ms:0ms"
        what = "potentiated" if sign < 0 else "depressed"
        found.append(
            f"{int(wrong.sum())} {what} point(s) at {span} ms pull on the "
            f"{'depression' if sign < 0 else 'potentiation'}: without the {int(close.sum())} "
            f"point(s) there it has {' and '.join(moved)} (--exclude={limits} fits without them)"
        )
    return found


def noise(fit: CurveFit) -> list[str]:
    """Whether the other distribution of residuals does better, or no scatter is left."""
    if fit.best.exact:
        return [
            f"{fit.best.name} runs through every point: there is no scatter, so AICc, BIC and "
            "intervals mean little"
        ]
    name, other = other_noise(fit)
    if other < fit.best.aicc - RIVAL:
        return [
            f"{fit.best.name} with {name} residuals is {fit.best.aicc - other:.1f} AICc better "
            f"than with {fit.noise.name} ones (--residuals {name})"
        ]
    return []


def all_words(fit: CurveFit, rows: list[str]) -> list[str]:
    """Every warning about the fit of one curve, one line each."""
    found = []
    if fit.skipped:
        each = ", ".join(f"{name} ({why})" for name, why in fit.skipped.items())
        found.append(f"not fitted: {each}")
    for side, where in ((1, "above"), (-1, "below")):
        if np.all(fit.curve.lag * side > 0):
            found.append(f"every lag is {where} 0: nothing is known about the other side")
    if len(fit.rivals) > 1:
        found.append(shape(fit))
    for name in fit.rivals:
        found += weak(fit.fits[name])
        if fit.bootstrap_left_out[name]:
            found.append(
                f"{name}: {fit.bootstrap_left_out[name]} bootstrap samples left out, which no "
                "longer determined it"
            )
    return found + thin_branches(fit) + outliers(fit, rows) + near_zero(fit) + noise(fit)
