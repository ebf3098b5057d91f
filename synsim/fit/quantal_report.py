"""A quantal fit as plain text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from synsim.fit import cells
from synsim.fit.calibration import table
from synsim.fit.quantal_words import amount, interval, verdict
from synsim.fit.words import number

if TYPE_CHECKING:
    from synsim.fit.quantal_classical import Check
    from synsim.fit.quantal_draws import Posterior
    from synsim.fit.quantal_models import ModelFit
    from synsim.fit.quantal_result import GroupFit, QuantalFit

_WIDTH = 92
_OVER_CELLS = ("n", "p", "q", "mean_at_rest")


def paragraph(result: QuantalFit) -> str:
    """Per group: how many responses, the best model, its parameters."""
    lines = []
    for g in result.fits:
        lead = f"{g.label}: " if g.label else ""
        lines.append(f"{lead}{g.best.size} responses; {verdict(g.comparison)}. " + _line(g.best))
    lines += [cells.sentence(group, _OVER_CELLS) for group in result.populations]
    lines.append("95 % intervals in brackets, from the profile likelihood over n as well.")
    return "\n".join(lines)


def _line(fit: ModelFit) -> str:
    return ", ".join(f"{e.name} {amount(e.value, e.unit)} [{interval(e)}]" for e in fit.estimates)


def report(result: QuantalFit) -> str:
    """All groups: comparison of models, parameters, classical methods, warnings."""
    parts = ["Quantal release fitted to " + result.responses.source, "", _data(result), ""]
    for g in result.fits:
        parts += [_group(g), ""]
    parts += cells.lines(result.populations)
    general = [w for w in result.warnings if not any(w.endswith(t) for t in _own(result))]
    if general:
        parts += ["To mind", *(_wrap(w) for w in general), ""]
    parts.append(textwrap.fill(_METHOD, _WIDTH))
    return "\n".join(parts) + "\n"


def _own(result: QuantalFit) -> list[str]:
    return [w for g in result.fits for w in g.warnings]


def _data(result: QuantalFit) -> str:
    taken = result.responses.taken
    text = f"Amplitude: column {taken['amplitude']}, in {result.responses.unit}"
    negative = [g.label or "all" for g in result.fits if g.flipped]
    if negative:
        text += f"; negative, fitted as magnitudes ({'; '.join(negative)})"
    if taken["interval"]:
        text += f". Intervals: column {taken['interval']}, used as they are"
    elif taken["time"]:
        text += f". Times: column {taken['time']}, every sweep from rest"
    if taken["group_by"]:
        text += f". One fit for each {' and '.join(taken['group_by'])}"
    if taken["not_used"]:
        text += f". Not used: {', '.join(taken['not_used'])}"
    return textwrap.fill(text + ".", _WIDTH)


def _group(g: GroupFit) -> str:
    found = g.comparison
    title = f"{g.label or 'All responses'}: {g.best.size} responses"
    said = verdict(found)
    lines = [title, "-" * len(title), said + ".", ""]
    lines.append(f"  {'model':<26}{'k':>3}{'log lik':>11}{'BIC':>10}{'diff':>9}{'n':>5}{'R2':>7}")
    for name, f in found.fits.items():
        lines.append(
            f"  {name:<26}{f.k:>3}{f.loglik:>11.2f}{f.bic:>10.2f}{f.bic - found.best.bic:>9.2f}"
            f"{f.n:>5}{f.r2:>7.2f}"
        )
    lines += ["", f"  {found.best.name:<20}{'value':>14}   95 % interval"]
    for e in found.best.estimates:
        lines.append(f"    {e.name:<18}{amount(e.value, e.unit):>14}   {interval(e)}")
    if g.checks:
        lines += ["", "  Classical methods"]
        lines += [_wrap(f"{_check(c)}. Assumes: {c.assumes}") for c in g.checks]
    if g.calibration is not None:
        lines += ["", *table(g.calibration)]
    if g.posterior is not None:
        lines += ["", *_posterior(g.posterior)]
    if g.warnings:
        lines += ["", "  To mind", *(_wrap(w) for w in g.warnings)]
    return "\n".join(lines)


def _posterior(found: Posterior) -> list[str]:
    lines = [
        f"  Posterior of {found.model}: {found.steps} steps of 4 ensembles of {found.walkers}",
        f"    {'':<14}{'median':>9}{'95 %':>22}{'R-hat':>9}{'sample':>9}",
    ]
    for m in found.marginals:
        name = m.name if m.unit == "1" else f"{m.name} ({m.unit})"
        low, high = m.interval
        lines.append(
            f"    {name:<18}{number(m.median):>5}{f'{number(low)} to {number(high)}':>22}"
            f"{m.rhat:>9.3f}{m.ess:>9.0f}"
        )
    likely = sorted(found.sites, key=lambda n: -found.sites[n])[:5]
    lines.append(
        "    n: " + ", ".join(f"{n} ({100 * found.sites[n]:.0f} %)" for n in sorted(likely))
    )
    return lines


def _check(check: Check) -> str:
    v: Any = check.values
    if check.name == "failures":
        content = v["quantal_content"]
        more = f"; quantal content -ln(rate) {number(content)}" if content is not None else ""
        return (
            f"failures (below 2.5 s0 = {number(v['threshold'])}): {v['failures']}, the fit "
            f"expects {v['expected']:.1f}{more}"
        )
    if check.name == "inverse_cv2":
        low, high = v["interval99"]
        # None: the responses scatter less than the noise s0 alone would
        value = number(v["value"]) if v["value"] is not None else "none"
        return (
            f"1/CV^2 of pulse {v['pulse']} ({v['responses']} responses): {value} "
            f"(99 % {number(low)} to {number(high)}), the fit expects {number(v['expected'])}"
        )
    if check.name == "mean_variance":
        sites = number(v["n"]) if v["n"] is not None else "none"
        return (
            f"mean-variance over {v['conditions']} conditions: q (1 + cv^2) {number(v['Q'])} +- "
            f"{number(v['Q_error'])} (fit {number(v['expected_Q'])}), n {sites} "
            f"(fit {v['expected_n']})"
        )
    return (
        f"trend over {v['over']}: {100 * v['change']:+.0f} % from first to last "
        f"(p = {v['p_value']:.2g})"
    )


def _wrap(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="  - ", subsequent_indent="    ")


_METHOD = (
    "Maximum likelihood, exact: the number of full sites is hidden and summed over. n runs over "
    "whole numbers. Models are compared by BIC (lower is better). Intervals are from the profile "
    "likelihood, over n as well; those of models more than 10 BIC behind from its curvature. q is "
    "the response to one vesicle; cv varies it from release to release. Fixed differences between "
    "sites are not in the model: they add to the spread of single responses, and are taken for "
    "cv or for fewer sites."
)
