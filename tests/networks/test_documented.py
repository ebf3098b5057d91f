"""What docs/learning.md says of runs on MNIST, held against their tables in validation/learning."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from synsim.networks import published
from synsim.protocols.tradeoff import _results
from tests.house import ROOT

PAGE = " ".join((ROOT / "docs" / "learning.md").read_text(encoding="utf-8").split())


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / "validation" / "learning" / f"{name}.csv", comment="#")


def test_tradeoff() -> None:
    found = _results({k: v.to_numpy() for k, v in table("tradeoff").items()}, compared=True)
    below = max(v for k, v in found.items() if k.startswith("most_points_below"))
    assert below < 0 and f"by at least {-below:.2f} points" in PAGE
    gains = [found[f"most_gain_of_heterogeneity_rho_{rho:.2f}"] for rho in published.RHOS]
    assert "up to {:.0f}, {:.0f}, {:.0f} and {:.0f} points".format(*gains) in PAGE
    least = min(found[f"least_gain_of_heterogeneity_rho_{rho:.2f}"] for rho in published.RHOS)
    assert f"loses nothing anywhere but {-least:.1f} point" in PAGE
    balance = table("tradeoff").query("converged == 0 and balance > 1")
    too_large = (balance["balance"] ** (1 / (balance["rho"] + 2))).max() - 1
    assert f"up to {100 * too_large:.0f} % too large" in PAGE
    settled, count = found["converged_networks"], found["networks"]
    assert f"{settled} of the {count} networks have settled" in PAGE
    assert [v for k, v in found.items() if k.startswith("published_points")] == [8, 0, 8, 2]


@pytest.mark.parametrize("units", [50, 100, 200, 400, 800])
def test_dropconnect(units: int) -> None:
    errors = table("dropconnect").query("hidden_units == @units")
    row = re.search(rf"\| {units} \| ([\d.]+)[^|]*\| ([\d.]+)[^|]*\| ([\d.]+)", PAGE)
    assert row is not None
    for text, kind in zip(row.groups(), ("none", "dropout", "dropconnect"), strict=True):
        mean = errors.query("regulariser == @kind")["test_error_percent"].mean()
        assert float(text) == pytest.approx(mean, abs=0.0051), kind


def test_sites() -> None:
    errors = table("dropconnect").query("hidden_units == 200").query("regulariser != 'dropout'")
    mean = errors.groupby("n")["test_error_percent"].mean()
    assert f"{mean[1]:.2f} % with one, {mean[2]:.2f} with two, {mean[4]:.2f} with four" in PAGE
    assert f"{mean[16]:.2f} with sixteen, {mean[np.inf]:.2f} without noise" in PAGE


def test_bayes() -> None:
    slopes = table("bayes_slopes")
    gap = slopes["elbo"] - slopes["elbo_bound"]
    assert gap.min() > 0 and np.all(slopes["elbo_bayes"] > slopes["elbo"])
    assert f"{gap.min():.3f}".lstrip("0") + f" to {gap.max():.1f} nats below" in PAGE
    at = slopes.query("c_factor == 1 and against == 'sigma_post'")
    linear = slopes.query("network == 'linear'")
    error = np.abs(linear["slope"] / (2 / (linear["rho"] + 2)) - 1).max()
    assert linear["spearman"].min() > 0.97
    assert f"slopes were within {100 * error:.1f} % of that on MNIST" in PAGE
    ranks = at.query("network == 'hidden' and layer == 2")["spearman"]
    words = [f"{rank:.2f}".lstrip("0") for rank in ranks]
    assert f"{words[0]} and {words[1]} for rho = 1/2 and 2/3, {words[2]} and {words[3]}" in PAGE
