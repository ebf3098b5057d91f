"""Tables beside the designs: groups of cells, and measuring of recordings.

Each is a CSV file in the folder of the designs; one that is there is not made again.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from synsim.component import InputError
from synsim.extract import extract
from synsim.fit.budget_joint import SHARES, Boundary, fit_joint
from synsim.fit.cells import bootstrap_cells
from synsim.fit.quantal import fit_quantal
from tests.energy.budget_draws import drawn_near_the_boundary
from tests.extract.simulated import RATE, kernel, simulate, write_csv

Row = dict[str, Any]
CELLS = (4, 6, 8, 15, 40)
GROUPS = 500
EXPERIMENTS = 60
FITTED = 24
#: What is simulated: name -> arguments of `tests.extract.simulated.simulate`, decay in s
RECORDINGS: dict[str, dict[str, Any]] = {
    "q = 9 SD of the noise, every 20 ms, decay 6 ms, 40 sweeps": {},
    "every 10 ms": {"stimuli": 60e-3 + 10e-3 * np.arange(5)},
    "every 10 ms, 8 sweeps": {"stimuli": 60e-3 + 10e-3 * np.arange(5), "sweeps": 8},
    "every 20 ms, decay 30 ms": {"decay": 30e-3},
    "20, 20, 20 and 180 ms (recovery)": {"stimuli": 60e-3 + 1e-3 * np.array([0, 20, 40, 60, 240])},
    "n = 3, p = 0.15, q = 2.3 SD of the noise": {"n": 3, "p": 0.15, "q": -3.1},
}


def groups(seed: int) -> list[Row]:
    """How often intervals of mean and median over cells hold the truth."""
    rows = []
    for shape, (draw, mean, median) in {
        "normal": (lambda rng, m: 1 + 0.3 * rng.standard_normal(m), 1.0, 1.0),
        "log-normal (0.5)": (
            lambda rng, m: np.exp(0.5 * rng.standard_normal(m)), np.exp(0.125), 1.0,
        ),
    }.items():  # fmt: skip
        for cells in CELLS:
            rng = np.random.default_rng([seed, 31, cells])
            held = np.zeros(2)
            for _ in range(GROUPS):
                ends = bootstrap_cells(draw(rng, cells), rng)
                held += [
                    low <= truth <= high
                    for (low, high), truth in zip(ends, (mean, median), strict=True)
                ]
            rows.append({"shape": shape, "cells": cells, "mean": held[0] / GROUPS,
                         "median": held[1] / GROUPS})  # fmt: skip
    return rows


def measured(seed: int) -> list[Row]:
    """Bias of amplitudes over q, and the decay, of simulated recordings."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, given in RECORDINGS.items():
            bias, tau, error, failed = [], [], [], 0
            for number in range(EXPERIMENTS):
                truth = simulate(**({"seed": 1000 * seed + number, "sweeps": 40} | given))
                try:
                    found = extract(write_csv(Path(folder) / "r.csv", truth),
                                    stimulus_times=list(truth.stimuli))  # fmt: skip
                except InputError:
                    failed += 1
                    continue
                half = found.windows.half
                lags = found.measured.latency + np.arange(-half, half + 1)
                scale = kernel(lags / RATE, given.get("decay", 6e-3)).mean()
                away = np.array(found.per_sweep(found.measured.amplitude)) - scale * truth.amplitude
                bias.append(away.mean(axis=0) / abs(truth.q))
                tau.append(found.results.get("tau_decay_ms") or np.nan)
                error.append(found.results.get("tau_decay_se_ms") or np.nan)
            each = np.array(bias)
            at = int(np.argmax(np.abs(each.mean(axis=0))))
            rows.append({
                "recordings": name, "refused": failed, "bias": abs(each.mean(axis=0)[at]),
                "bias_se": each[:, at].std(ddof=1) / np.sqrt(len(each)),
                "tau": np.nanmean(tau), "tau_se": np.nanstd(tau, ddof=1) / np.sqrt(len(tau)),
                "tau_sd": np.nanstd(tau, ddof=1), "tau_said": np.nanmedian(error),
            })  # fmt: skip
    return rows


def to_fit(seed: int) -> list[Row]:
    """From the file to n, p and q: the estimates, and whether their intervals hold the truth."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(FITTED):
            truth = simulate(seed=5000 * seed + number, sweeps=40, q=-6.2)
            found = extract(
                write_csv(Path(folder) / "r.csv", truth), stimulus_times=list(truth.stimuli)
            )
            out = found.save(Path(folder) / f"o{number}", plot=False)
            noise = found.measured.noise
            result = fit_quantal(out / "data.csv", models="constant", s0=noise)
            params = result.results["fits"][0]["models"]["constant"]["params"]
            half = found.windows.half
            lags = found.measured.latency + np.arange(-half, half + 1)
            q = abs(truth.q) * kernel(lags / RATE).mean()
            row: Row = {"experiment": number}
            for name, value in (("n", 5.0), ("p", 0.4), ("q", q)):
                low, high = params[name]["ci95"]
                row[name] = params[name]["value"] / (q if name == "q" else 1)
                row[f"{name}_held"] = int(
                    (low is None or low <= value) and (high is None or value <= high)
                )
            rows.append(row)
    return rows


#: What synapses pay beside calcium (turnover, membrane, actin, trafficking), and T
BUDGETS: dict[str, tuple[tuple[float, ...], float]] = {
    "turnover 0.1, membrane 0.5": ((0.1, 0.5, 0, 0), 0.03),
    "membrane 0.9": ((0, 0.9, 0, 0), 0.3),
    "turnover 0.2": ((0.2, 0, 0, 0), 0.1),
}
CONNECTIONS = 44
FITTED_BUDGETS = 50


def budgets(seed: int) -> list[Row]:
    """How often the intervals of the shares of the energy hold those of the synapses."""
    rows = []
    for name, (weights, T) in BUDGETS.items():
        log_weights = np.log(np.maximum(weights, 1e-6))
        for number in range(FITTED_BUDGETS):
            rng = np.random.default_rng([seed, 41, number])
            size = np.exp(rng.normal(-2.3, 0.9, CONNECTIONS))
            p = drawn_near_the_boundary(log_weights, T, size, rng)
            found = fit_joint(p, size)
            truth = dict(zip(SHARES, Boundary(p, size).shares(log_weights), strict=True))
            rows.append(
                {"budget": name}
                | {
                    share: int(found.low[share] - 1e-3 <= truth[share] <= found.high[share] + 1e-3)
                    for share in SHARES
                }
            )
    return rows


TABLES: dict[str, Callable[[int], list[Row]]] = {
    "groups": groups, "extract": measured, "extract-fit": to_fit, "budgets": budgets,
}  # fmt: skip


def make(folder: Path, seed: int) -> None:
    """Make those of the tables that are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in TABLES.items():
        path = folder / f"table-{name}.csv"
        if path.exists():
            continue
        rows = table(seed)
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def sections(folder: Path) -> list[str]:
    """Of those that are there, for the report."""
    found = []
    for name, write in (("groups", _groups), ("extract", _extract), ("extract-fit", _to_fit),
                        ("budgets", _budgets)):  # fmt: skip
        path = folder / f"table-{name}.csv"
        if path.exists():
            with path.open(newline="") as file:
                found += [*write(list(csv.DictReader(file))), ""]
    return found


def _groups(rows: list[dict[str, str]]) -> list[str]:
    cells: dict[str, list[str]] = {}
    for row in rows:
        shares = [f"{100 * float(row[k]):.0f} %" for k in ("mean", "median")]
        cells.setdefault(row["cells"], []).extend(shares)
    shapes = list(dict.fromkeys(row["shape"] for row in rows))
    head = ["cells", *(f"{what}, {shape}" for shape in shapes for what in ("mean", "median"))]
    return [
        "## Groups of cells: mean and median\n",
        f"Share of {GROUPS} simulated groups whose interval held the truth (standard error 1 %):\n",
        _lines(head, ([count, *shares] for count, shares in cells.items())),
    ]


def _extract(rows: list[dict[str, str]]) -> list[str]:
    head = ["recordings", "bias / q", "decay found (ms)", "its spread, its error as said (ms)"]

    def cells(row: dict[str, str]) -> list[str]:
        v = {k: float(t) for k, t in row.items() if k != "recordings"}
        refused = f", {v['refused']:.0f} of {EXPERIMENTS} refused" if v["refused"] else ""
        return [
            row["recordings"] + refused, f"{v['bias']:.3f} ± {v['bias_se']:.3f}",
            f"{v['tau']:.3f} ± {v['tau_se']:.3f}", f"{v['tau_sd']:.2f}, {v['tau_said']:.2f}",
        ]  # fmt: skip

    return [
        "## Recordings: `extract`\n",
        f"{EXPERIMENTS} experiments each: binomial release (n = 5, p = 0.4), responses that rise "
        "in 0.4 ms,\nnoise smoothed over 0.25 ms, five pulses, 20 kHz. Bias is of the mean "
        "amplitude of a pulse, over q:\nthe largest of the five, with the standard error of one.\n",
        _lines(head, (cells(row) for row in rows)),
    ]


def _to_fit(rows: list[dict[str, str]]) -> list[str]:
    said = []
    for name in ("n", "p", "q"):
        values = np.array([float(row[name]) for row in rows])
        held = sum(int(row[f"{name}_held"]) for row in rows)
        said.append([name, f"{values.mean():.3f} ± {values.std(ddof=1) / len(values) ** 0.5:.3f}",
                     f"{held} of {len(rows)}"])  # fmt: skip
    return [
        f"From the file to the fit ({len(rows)} experiments of 40 sweeps, q = 4.6 SD of the noise, "
        "the noise\nas measured; n = 5, p = 0.4, q over the truth):\n",
        _lines(["", "estimate, mean", "95 % intervals that held the truth"], said),
    ]


def _budgets(rows: list[dict[str, str]]) -> list[str]:
    said = []
    for name in dict.fromkeys(row["budget"] for row in rows):
        own = [row for row in rows if row["budget"] == name]
        said.append(
            [name, *(f"{100 * np.mean([int(row[s]) for row in own]):.0f} %" for s in SHARES)]
        )
    return [
        "## Shares of the energy: `run energy-budget`\n",
        f"{FITTED_BUDGETS} simulated sets of {CONNECTIONS} connections each, near the boundary of "
        "what they pay\nbeside calcium. Share of 95 % intervals (`joint_share_...`) that held the "
        "share of the synapses,\nto 0.001 (standard error 3 %):\n",
        _lines(["beside calcium", *SHARES], said),
    ]


def _lines(head: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))
