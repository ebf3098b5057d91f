"""A fit of loci as plain text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from synsim.fit.locus_cv import PLACES
from synsim.fit.locus_models import ALL
from synsim.fit.locus_words import changes, ends, verdict
from synsim.fit.words import number

if TYPE_CHECKING:
    from synsim.fit.locus_result import CellLocus, LocusFit

_WIDTH = 92


def paragraph(result: LocusFit) -> str:
    """Per cell: the verdict, the changes in the best model, the place in CV analysis."""
    lines = []
    for f in result.fits:
        lead = f"{f.cell.label}: " if f.cell.label else ""
        said = [verdict(f.comparison)]
        if f.comparison.best.loci and len(f.comparison.rivals) == 1:
            said.append(", ".join(changes(f.comparison.best)))
        if f.analysis is not None:
            said.append(f"CV analysis: {PLACES[f.analysis.place]}")
        lines.append(lead + ". ".join(said) + ".")
    if len(result.fits) > 1:
        lines.append(_tally(result))
    lines.append(
        "Ratios are after/before; 95 % intervals in brackets, from the profile likelihood."
    )
    return "\n".join(lines)


def _tally(result: LocusFit) -> str:
    decided = [f.comparison.best.name for f in result.fits if len(f.comparison.rivals) == 1]
    counts = ", ".join(f"{decided.count(n)} {n}" for n in dict.fromkeys(decided))
    open_cells = len(result.fits) - len(decided)
    return f"{len(result.fits)} cells: {counts or 'none decided'}, {open_cells} undecided."


def report(result: LocusFit) -> str:
    """All cells: models, changes, CV analysis, failures, warnings."""
    parts = ["Where plasticity sits: " + result.epochs.responses.source, "", _data(result), ""]
    for f in result.fits:
        parts += [_cell(f, result.epochs.responses.unit), ""]
    if len(result.fits) > 1:
        parts += [_tally(result), ""]
    own = [w for f in result.fits for w in f.warnings]
    general = [w for w in result.warnings if not any(w.endswith(t) for t in own)]
    if general:
        parts += ["To mind", *(_wrap(w) for w in general), ""]
    parts.append(textwrap.fill(_METHOD, _WIDTH))
    return "\n".join(parts) + "\n"


def _data(result: LocusFit) -> str:
    e, taken = result.epochs, result.epochs.responses.taken
    text = (
        f"Amplitude: column {taken['amplitude']}, in {e.responses.unit}. Epochs: column "
        f"{e.column}, {e.words[0]} and {e.words[1]}, each from rest"
    )
    if taken["not_used"]:
        text += f". Not used: {', '.join(taken['not_used'])}"
    return textwrap.fill(text + ".", _WIDTH)


def _cell(f: CellLocus, unit: str) -> str:
    found, best = f.comparison, f.comparison.best
    before, after = (y.size for y in f.cell.amplitude)
    title = f"{f.cell.label or 'All responses'}: {before} responses before, {after} after"
    lines = [title, "-" * len(title), verdict(found) + ".", ""]
    lines.append(
        f"  {'changes':<10}{'k':>3}{'log lik':>11}{'diff BIC':>10}{'weight':>8}"
        f"{'n':>9}{'p':>14}{'q':>16}"
    )
    for name, m in found.models.items():
        cells = [
            _pair(m.value("n", 0), m.value("n", 1)),
            _pair(m.value("p", 0), m.value("p", 1)),
            _pair(m.value("q", 0), m.value("q", 1)),
        ]
        lines.append(
            f"  {name:<10}{m.k:>3}{m.loglik:>11.2f}{m.bic - best.bic:>10.2f}"
            f"{found.weights[name]:>8.2f}{cells[0]:>9}{cells[1]:>14}{cells[2]:>16}"
        )
    support = ", ".join(f"{x} {100 * w:.0f} %" for x, w in found.support.items())
    lines += ["", f"  Weight of a change of {support} (q in {unit})"]
    for m in dict.fromkeys((best, found.models.get(ALL, best))):
        if m.loci:
            lines.append(
                f"  Changes if {m.name} change{'s' * (len(m.loci) < 2)}: " + ", ".join(changes(m))
            )
    lines.append(f"  Dynamics: {found.dynamics.replace('_', ' and ')}")
    if f.analysis is not None:
        a = f.analysis
        lines += ["", "  CV analysis (responses from rest)"]
        lines.append(
            f"    mean after/before      {number(a.mean_ratio):>8}   {ends(a.mean_interval)}"
        )
        lines.append(f"    1/CV^2 after/before    {number(a.ratio):>8}   {ends(a.interval)}")
        lines.append(f"    {PLACES[a.place]}")
    if f.failures is not None:
        rates = [
            f"{k} of {m} ({ends(ci)})"
            for k, m, ci in zip(
                f.failures.counts, f.failures.totals, f.failures.intervals, strict=True
            )
        ]
        lines += ["", f"  Failures (below {number(f.failures.threshold)} {unit})"]
        lines.append(f"    before {rates[0]}, after {rates[1]}; p = {f.failures.p_value:.2g}")
    if f.warnings:
        lines += ["", "  To mind", *(_wrap(w) for w in f.warnings)]
    return "\n".join(lines)


def _pair(before: float, after: float) -> str:
    one, other = (str(v) if isinstance(v, int) else number(v) for v in (before, after))
    return one if before == after else f"{one}->{other}"


def _wrap(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="  - ", subsequent_indent="    ")


_METHOD = (
    "Maximum likelihood, exact, of both epochs at once; n runs over whole numbers. Models are "
    "compared by BIC; decided is what leads those that contain it by 2 and others by 6. A "
    "weight is exp(-BIC/2), normalised. CV analysis assumes sites of equal p and q and epochs "
    "without drift. Receptors gained at a silent site count as a change of n in both, however "
    "postsynaptic they are."
)
