"""Slopes of log sigma against the log of something else, over the weights of a layer.

Weights of one layer share inputs and outputs, so they are not independent: intervals come from
resampling inputs and outputs, each weight counting as often as its input times its output was
drawn (the pigeonhole bootstrap, Owen 2007, Ann Appl Stat 1:386, doi:10.1214/07-AOAS122), which is
if anything too wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Slope:
    """A slope, its 95 % interval, Spearman's rank correlation, and how many weights it is of.

    NaN where fewer than three weights are left, or all have the same x.
    """

    slope: float
    low: float
    high: float
    spearman: float
    weights: int


_NONE = float("nan")
#: What `binned` says of a bin.
BINS = ("x", "sigma_q25", "sigma_median", "sigma_q75", "weights")


def row(slope: dict[str, Any]) -> dict[str, Any]:
    """The columns of a table that say a slope, given as the dictionary of a `Slope`."""
    return {
        "slope": slope["slope"],
        "slope_low": slope["low"],
        "slope_high": slope["high"],
        "spearman": slope["spearman"],
        "weights": slope["weights"],
    }


def weights_table(
    keys: Sequence[dict[str, Any]], weights: Sequence[Sequence[dict[str, list[float]]]]
) -> dict[str, Any]:
    """A row for each weight, from the columns of each layer of each network of `keys`."""
    columns: dict[str, list[Any]] = {}
    for key, layers in zip(keys, weights, strict=True):
        for number, layer in enumerate(layers, start=1):
            count = len(layer["sigma"])
            same = {"rho": key["rho"], "c": key["c"], "layer": number}
            last = {name: key[name] for name in ("network", "c_factor", "seed")}
            for name, value in same.items():
                columns.setdefault(name, []).extend([value] * count)
            for name, values in layer.items():
                columns.setdefault(name, []).extend(values)
            for name, value in last.items():
                columns.setdefault(name, []).extend([value] * count)
    return columns


def log_slope(
    x: ArrayLike, sigma: ArrayLike, used: Any = True, *, draws: int = 400, seed: int = 1
) -> Slope:
    """Least-squares slope of log sigma on log x.

    Parameters
    ----------
    x, sigma : above 0 where used; shape (inputs, outputs), x may be broadcast to it
    used : the weights that count
    draws : of the bootstrap
    """
    from scipy.stats import spearmanr

    sigma = np.asarray(sigma, dtype=float)
    x, used = (np.broadcast_to(a, sigma.shape) for a in (np.asarray(x, dtype=float), used))
    if used.sum() < 3 or np.ptp(x[used]) == 0:
        return Slope(_NONE, _NONE, _NONE, _NONE, int(used.sum()))
    log_x, log_y = (np.log(np.where(used, a, 1.0)) for a in (x, sigma))
    log_x, log_y = (np.where(used, a - a[used].mean(), 0.0) for a in (log_x, log_y))
    slope = float((log_x * log_y).sum() / (log_x**2).sum())
    again = _resampled(used, log_x, log_y, draws, np.random.default_rng(seed))
    low, high = np.nanquantile(again, [0.025, 0.975])
    rank = float(spearmanr(x[used], sigma[used]).statistic)
    return Slope(slope, float(low), float(high), rank, int(used.sum()))


def _resampled(used: Any, x: Array, y: Array, draws: int, rng: np.random.Generator) -> Array:
    """Slopes of draws of inputs and outputs."""
    inputs, outputs = used.shape
    rows = rng.multinomial(inputs, np.full(inputs, 1 / inputs), draws).astype(float)
    columns = rng.multinomial(outputs, np.full(outputs, 1 / outputs), draws).astype(float)

    def total(a: Array) -> Array:
        return np.asarray(((rows @ a) * columns).sum(axis=1))

    count, mx, my, xx, xy = (total(a) for a in (used.astype(float), x, y, x * x, x * y))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((xy - mx * my / count) / (xx - mx * mx / count))


def unsettled(table: dict[str, Any]) -> list[str]:
    """A warning when sigma of some networks (columns rho, balance) is not where it would go."""
    balance, rho = np.asarray(table["balance"]), np.asarray(table["rho"])
    with np.errstate(divide="ignore", invalid="ignore"):
        off = ~(np.abs(np.maximum(balance, 0) ** (-1 / (rho + 2)) - 1) < 0.1)
    if not off.any():
        return []
    return [
        "not every network has settled: by the balance, sigma of some is more than 10 % from where "
        f"it would go (balance {balance.min():.2f} to {balance.max():.2f})"
    ]


def listed(used: Any, most: int, seed: int = 1) -> NDArray[np.intp]:
    """Flat numbers of at most so many of the weights that count, drawn at random, in order."""
    there = np.flatnonzero(used)
    if len(there) > most:
        there = np.sort(np.random.default_rng([seed, 2]).choice(there, most, replace=False))
    return there


def binned(x: ArrayLike, sigma: ArrayLike, used: Any = True, *, bins: int = 20) -> Array:
    """What a figure shows of so many weights: in bins of equal counts along x, the median x, the
    quartiles and median of sigma, and how many weights; shape (bins or fewer, 5)."""
    y = np.asarray(sigma, dtype=float)
    wanted = np.broadcast_to(used, y.shape)
    along, y = np.broadcast_to(np.asarray(x, dtype=float), y.shape)[wanted], y[wanted]
    parts = np.array_split(np.argsort(along, kind="stable"), min(bins, max(len(along), 1)))
    return np.array(
        [
            [np.median(along[part]), *np.quantile(y[part], [0.25, 0.5, 0.75]), len(part)]
            for part in parts
            if len(part)
        ]
    ).reshape(-1, 5)
