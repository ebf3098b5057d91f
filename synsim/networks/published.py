"""What Malkin et al. 2024 published: their trade-off, as it ships, and their slopes of sigma."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.recordings import SHIPPED

Array = NDArray[np.float64]
_FILE = SHIPPED / "malkin2023" / "tradeoff_fig2_fig3.csv"


#: The exponents.
RHOS = (1 / 2, 2 / 3, 4 / 3, 2.0)
#: Fig. 5: slopes of log sigma of the second hidden layer (s = 0.001), by rho.
SLOPES = {
    name: dict(zip(RHOS, slopes, strict=True))
    for name, slopes in {
        "fisher": (-0.27, -0.25, -0.17, -0.11),
        "input_rate": (-0.47, -0.43, -0.31, -0.24),
        "learning_rate": (0.41, 0.39, 0.31, 0.24),
    }.items()
}


@dataclass(frozen=True, eq=False)
class Curve:
    """The points of one exponent and noise, by rising c (which is inferred)."""

    c: Array
    accuracy_percent: Array
    sigma_rms: Array
    reliability_cost: Array
    nll: Array


@cache
def curves() -> dict[tuple[float, str], Curve]:
    """(rho, noise) -> points."""
    with _FILE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    found: dict[tuple[float, str], list[dict[str, str]]] = {}
    for row in rows:
        rho = next(known for known in RHOS if round(known, 2) == round(float(row["rho"]), 2))
        found.setdefault((rho, row["noise"]), []).append(row)
    names = ("accuracy_percent", "sigma_rms", "reliability_cost", "nll")
    return {
        key: Curve(
            10 ** np.array([float(r["log10_c_inferred"]) for r in group]),
            *(np.array([float(r[name]) for r in group]) for name in names),
        )
        for key, group in found.items()
    }


def curve(rho: float, noise: str) -> Curve | None:
    """The published points, or None where there are none."""
    return next((c for (r, n), c in curves().items() if n == noise and same(r, rho)), None)


def same(known: float, rho: float) -> bool:
    """Whether an exponent is one that was published, to the three digits of 0.667."""
    return bool(np.isclose(known, rho, rtol=1e-3, atol=0))


def word(rho: float, rhos: Any) -> str:
    """An exponent in the name of a result: two decimals, more where others have the same."""
    alike = [r for r in np.unique(np.asarray(rhos, dtype=float)) if f"{r:.2f}" == f"{rho:.2f}"]
    return f"{rho:.2f}" if len(alike) == 1 else f"{rho:.6g}"


def at_sigma(sigma: Any, accuracy: Any, wanted: Any) -> Array:
    """Accuracy at other sigmas, linear in log sigma; NaN beyond the ends."""
    order = np.argsort(sigma)
    return np.interp(
        np.log(wanted), np.log(np.asarray(sigma)[order]), np.asarray(accuracy)[order],
        left=np.nan, right=np.nan,
    )  # fmt: skip


def shortfall(rho: float, noise: str, sigma: Any, accuracy: Any) -> tuple[float, int] | None:
    """How far accuracy is below the published curve at most, in points, at the same sigma_rms,
    where the published accuracy is above 20 %; and how many of those points lie beyond our
    sigma. None where nothing is there to compare."""
    there = curve(rho, noise)
    if there is None or len(np.atleast_1d(sigma)) < 2:
        return None
    above = there.accuracy_percent > 20
    ours = at_sigma(sigma, accuracy, there.sigma_rms[above])
    if np.all(np.isnan(ours)):
        return None
    return float(np.nanmax(there.accuracy_percent[above] - ours)), int(np.isnan(ours).sum())
