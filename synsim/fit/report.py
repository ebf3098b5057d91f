"""A fit of STDP windows as plain text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from synsim.fit import words
from synsim.fit.curves import RIVAL
from synsim.fit.windows import WindowFit

if TYPE_CHECKING:
    from synsim.fit.result import GroupFit, StdpFit

_WIDTH = 92


def paragraph(result: StdpFit) -> str:
    """One paragraph: how many points, the shape of each curve, the best parameters."""
    lines = []
    for g in result.fits:
        lead = f"{g.label}: " if g.label else ""
        text = f"{lead}{len(g.curve_fit.curve)} points; {words.shape(g.curve_fit)}. "
        lines.append(text + "; ".join(_estimates(g.curve_fit.fits[r]) for r in g.curve_fit.rivals))
    lines.append("Amplitudes are of the whole protocol, as fractions; 95 % intervals in brackets.")
    return "\n".join(lines)


def _estimates(fit: WindowFit) -> str:
    parts = [
        f"{e.name} {words.amount(e.value, e.unit)}"
        + (f" [{words.interval(e)}]" if e.value is not None else "")
        for e in fit.estimates
    ]
    return f"{fit.name}: " + ", ".join(parts)


def report(result: StdpFit) -> str:
    """All curves: comparison of the windows, parameters of those in question, warnings."""
    parts = ["STDP windows fitted to " + result.points.source, "", _data(result), ""]
    for g in result.fits:
        parts += [_curve(g, result), ""]
    if general := [w for w in result.warnings if not any(w in g.warnings for g in result.fits)]:
        parts += ["To mind", *(_wrap(w) for w in general), ""]
    parts.append(_method(result))
    return "\n".join(parts) + "\n"


def _data(result: StdpFit) -> str:
    taken, settings = result.points.taken, result.settings
    text = (
        f"{int(result.used.sum())} of {result.used.size} points fitted. "
        f"Lag t_post - t_pre: column {taken['lag']} ({taken['lag_unit']}). "
        f"Change: column {taken['change']}, read as a {settings['dw_kind']}. "
    )
    if taken["sem"]:
        text += f"Standard error: column {taken['sem']}. "
    elif taken["sd"]:
        text += f"Standard error: {taken['sd']} / sqrt({taken['n']}). "
    else:
        text += "No standard errors. "
    if taken["group_by"]:
        text += f"One curve for each {' and '.join(taken['group_by'])}. "
    if taken["not_used"]:
        text += f"Not used: {', '.join(taken['not_used'])}."
    return textwrap.fill(text.strip(), _WIDTH)


def _curve(g: GroupFit, result: StdpFit) -> str:
    fit = g.curve_fit
    title = f"{g.label or 'All points'}: {len(fit.curve)} points"
    verdict = words.shape(fit)
    lines = [title, "-" * len(title)]
    lines += [textwrap.fill(verdict[0].upper() + verdict[1:] + ".", _WIDTH), ""]
    lines.append(
        f"  {'window':<20}{'k':>3}{'log lik':>10}{'AICc':>9}{'diff':>8}{'weight':>8}"
        f"{'BIC':>9}{'R2':>7}"
    )
    for name, f in fit.fits.items():
        lines.append(
            f"  {name:<20}{f.k:>3}{f.loglik:>10.2f}{f.aicc:>9.2f}{f.aicc - fit.best.aicc:>8.2f}"
            f"{fit.weights[name]:>8.3f}{f.bic:>9.2f}{f.r2:>7.2f}"
        )
    for name in fit.rivals:
        lines += ["", *_parameters(fit.fits[name], result)]
    if g.warnings:
        lead = f"{g.label}: " if g.label else ""
        lines += ["", "  To mind", *(_wrap(w.removeprefix(lead)) for w in g.warnings)]
    return "\n".join(lines)


def _parameters(fit: WindowFit, result: StdpFit) -> list[str]:
    lines = [f"  {fit.name:<20}{'value':>14}   95 % interval ({result.settings['intervals']})"]
    for e in fit.estimates:
        value = words.amount(e.value, e.unit)
        lines.append(f"    {e.name:<18}{value:>14}   {words.interval(e)}")
    scatter = "none left" if fit.scatter <= fit.problem.scatter_bounds[0] * 1.01 else ""
    lines.append(f"    {'scatter (SD)':<18}{scatter or words.number(fit.scatter):>14}")
    return lines


def _wrap(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _method(result: StdpFit) -> str:
    heavy = result.settings["residuals"] == "student-t"
    residuals = (
        "Student-t residuals (4 degrees of freedom: robust against outliers)"
        if heavy
        else "Gaussian residuals"
    )
    intervals = (
        "the profile likelihood, with the limit of small samples (t distribution)"
        if result.settings["intervals"] == "profile"
        else f"{result.settings['bootstrap_samples']} bootstrap samples of "
        + ("cells" if result.points.cells is not None else "points")
    )
    text = (
        "A change is a fraction of the response before (0.2 is 20 % more). Amplitudes (A_plus, "
        "A_minus, offset) are changes by the WHOLE protocol; the change per pairing of a "
        "simulated rule is smaller, by about the number of pairings. "
        f"Maximum likelihood with {residuals}; variance of a point = sem^2 + scatter^2, the "
        "scatter is fitted and counts as a parameter (k). Likelihoods are complete, so AICc and "
        "BIC compare windows and kinds of residuals on the same points. Lower is better; windows "
        f"within {RIVAL:g} AICc of the best are as good as it. Intervals from {intervals}."
    )
    return textwrap.fill(text, _WIDTH)
