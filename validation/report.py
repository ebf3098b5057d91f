"""The report of the validation, made of the files of its designs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from synsim import __version__
from validation import tables
from validation.designs import DESIGNS, Design
from validation.run import read

WANTED = (0.91, 0.98)
ENOUGH = 100  # intervals, to say that a share is outside

HEAD = """\
# Validation of the fits

Written by `make validate`, which simulates experiments of known truth, puts each through the
command named, and counts how often the 95 % interval holds the truth. The likelihood knows which
model is the right one (choosing is a test of its own), and nothing else. An interval without a
limit on a side counts as holding what lies on that side.

Up to {experiments} experiments a design (column "fitted"), seed {seed}, synsim {version}, {day}.
The standard error of a coverage of 95 % is {error:.1f} % with 300, 2.2 % with 100. Wanted:
{low:.0f} to {high:.0f} %; what is outside is **bold** (from {enough} intervals on; not above
for n and its ratio, which are whole or nearly so, and for a parameter whose truth is a bound).
"""


def held(row: dict[str, str]) -> bool:
    """Whether an interval holds the truth."""
    truth = float(row["truth"])
    slack = 1e-9 * (1 + abs(truth))
    low = float(row["low"]) if row["low"] else -math.inf
    high = float(row["high"]) if row["high"] else math.inf
    return low - slack <= truth <= high + slack


def coverage(
    rows: Iterable[dict[str, str]], parameter: str, method: str = "likelihood"
) -> tuple[int, int]:
    """Intervals that hold the truth, and intervals; values that were set are not counted."""
    own = [
        held(r) for r in rows if (r["method"], r["parameter"], r["note"]) == (method, parameter, "")
    ]
    return sum(own), len(own)


def values(rows: Iterable[dict[str, str]], method: str, parameter: str) -> np.ndarray:
    """Estimates of a parameter by a method, NaN where there is none."""
    found = [r["value"] for r in rows if (r["method"], r["parameter"]) == (method, parameter)]
    return np.array([float(v) if v else math.nan for v in found])


def write(folder: Path, report: Path, count: int, seed: int) -> None:
    """Write the report on the designs that have a file in `folder`."""
    rows = {
        name: read(folder / f"{name}.csv", count)
        for name in DESIGNS
        if (folder / f"{name}.csv").exists()
    }
    text = HEAD.format(
        experiments=count,
        seed=seed,
        version=__version__,
        day=date.today().isoformat(),
        error=100 * math.sqrt(0.95 * 0.05 / 300),
        low=100 * WANTED[0],
        high=100 * WANTED[1],
        enough=ENOUGH,
    )
    report.write_text("\n".join([text, *_sections(rows), *tables.sections(folder), _notes()]))


def _sections(rows: dict[str, list[dict[str, str]]]) -> list[str]:
    found = []
    quantal = {k: v for k, v in rows.items() if DESIGNS[k].command == "fit quantal"}
    if quantal:
        names = ["n", "U", "q", "tau_rec", "tau_facil", "s0", "cv"]
        found += ["## Single responses: `fit quantal`\n", _truths(quantal), ""]
        found += ["Share of 95 % intervals that hold the truth:\n", _coverages(quantal, names), ""]
        found += [_closed(quantal, names), "", _bias(quantal), ""]
    locus = {k: v for k, v in rows.items() if DESIGNS[k].command == "fit locus"}
    if locus:
        found += ["## Where plasticity sits: `fit locus`\n", _truths(locus), "", _loci(locus), ""]
    for command, title in (("fit stp", "Averaged trains"), ("fit stdp", "STDP windows")):
        own = {k: v for k, v in rows.items() if DESIGNS[k].command == command}
        if own:
            names = list(dict.fromkeys(n for k in own for n in DESIGNS[k].truth))
            found += [f"## {title}: `{command}`\n", _truths(own), ""]
            found += ["Share of 95 % intervals that hold the truth:\n", _coverages(own, names), ""]
    return found


def _table(head: list[str], lines: Iterable[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _truths(rows: dict[str, Any]) -> str:
    return _table(
        ["design", "what", "truth"],
        [
            [k, DESIGNS[k].what, ", ".join(f"{n} {v:g}" for n, v in DESIGNS[k].truth.items())]
            for k in rows
        ],
    )


def _coverages(rows: dict[str, list[dict[str, str]]], names: list[str]) -> str:
    lines = []
    for key, own in rows.items():
        design = DESIGNS[key]
        numbers = {r["experiment"] for r in own}
        failed = sum(r["method"] == "failed" for r in own)
        cells = [_share(design, own, name) for name in names]
        lines.append([key, str(len(numbers) - failed), *cells])
    return _table(["design", "fitted", *names], lines)


def _share(design: Design, rows: list[dict[str, str]], name: str) -> str:
    if name not in design.truth:
        return ""
    hits, count = coverage(rows, name)
    if not count:
        return "-"
    share = hits / count
    text = f"{100 * share:.1f} %"
    fitted = len({r["experiment"] for r in rows if r["method"] == "likelihood"})
    of = f" of {count}" if count < fitted else ""
    wide = name in ("n", "n_ratio") or name in design.bound
    outside = count >= ENOUGH and (share < WANTED[0] or (share > WANTED[1] and not wide))
    return (f"**{text}**" if outside else text) + of


def _closed(rows: dict[str, list[dict[str, str]]], names: list[str]) -> str:
    """How many intervals have a limit on both sides: one without any holds every truth."""
    lines = []
    for key, own in rows.items():
        cells = []
        for name in names:
            ends = [
                bool(r["low"]) and bool(r["high"])
                for r in own
                if (r["method"], r["parameter"], r["note"]) == ("likelihood", name, "")
            ]
            known = name in DESIGNS[key].truth and ends
            cells.append(f"{100 * np.mean(ends):.0f} %" if known else "")
        lines.append([key, *cells])
    return "Share of intervals with a limit on both sides:\n\n" + _table(["design", *names], lines)


def _bias(rows: dict[str, list[dict[str, str]]]) -> str:
    lines = []
    methods = ("likelihood", "mean-variance", "least squares")
    for key, own in rows.items():
        for method in methods:
            cells = []
            for name in ("n", "U", "q"):
                truth = DESIGNS[key].truth[name]
                found = values(own, method, name)
                there = found[np.isfinite(found)]
                if not there.size:
                    cells.append("-")
                    continue
                # those without a finite n bend upwards: as good as endless sites
                order = np.where(np.isfinite(found), found, math.inf if name == "n" else math.nan)
                low, middle, high = np.nanquantile(order, [0.25, 0.5, 0.75], method="inverted_cdf")
                shown = [f"{100 * (v / truth - 1):+.0f}" for v in (middle, low, high)]
                shown = [s if "inf" not in s else "∞" for s in shown]
                missing = found.size - there.size
                without = f", {missing} without" if missing else ""
                cells.append(f"{shown[0]} ({shown[1]}, {shown[2]}){without}")
            lines.append([key if method == methods[0] else "", method, *cells])
    return (
        "Error of the estimates in per cent of the truth: median (quartiles). Mean-variance\n"
        "analysis (MPFA) and least squares (`validation/classical.py`) are given the true s0 and\n"
        "cv; an experiment whose parabola bends upwards has no n (it counts as endless in the\n"
        "quartiles of n, and is left out of those of U and q).\n\n"
        + _table(["design", "method", "n", "p (U)", "q"], lines)
    )


def _loci(rows: dict[str, list[dict[str, str]]]) -> str:
    """Coverage of the ratios after/before, verdicts of the likelihood, places of CV analysis."""
    names = ("p_ratio", "n_ratio", "q_ratio")
    methods = {"likelihood": "where all may change", "best model": "in the best model"}
    held = []
    for key, own in rows.items():
        for method, words in methods.items():
            # the best model is often another one than the true one: nothing is asked of it
            cells = [
                _share(DESIGNS[key], own, name)
                if method == "likelihood"
                else "{} of {}".format(*coverage(own, name, method))
                for name in names
            ]
            fitted = str(len({r["experiment"] for r in own if r["method"] == method}))
            first = method == "likelihood"
            held.append([key if first else "", fitted if first else "", words, *cells])
    counts = [
        [key, *(_counted(own, method, name) for method, name in _SAID)] for key, own in rows.items()
    ]
    return (
        "Share of 95 % intervals of the ratios after/before that hold the truth:\n\n"
        + _table(["design", "fitted", "model", *(n.replace("_ratio", "") for n in names)], held)
        + "\n\nWhat is said (experiments); right: exactly the truth, and nothing else in question:"
        + "\n\n"
        + _table(["design", "likelihood", "CV analysis"], counts)
    )


_SAID = (("verdict", "locus"), ("CV analysis", "place"))


def _counted(rows: Iterable[dict[str, str]], method: str, parameter: str) -> str:
    notes = Counter(r["note"] for r in rows if (r["method"], r["parameter"]) == (method, parameter))
    return "; ".join(f"{note} {count}" for note, count in notes.most_common())


def _notes() -> str:
    path = Path(__file__).with_name("notes.md")
    return path.read_text() if path.exists() else ""
