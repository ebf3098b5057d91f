"""Posteriors against integration on a grid and against profiles; groups of cells."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, norm

from synsim.component import InputError
from synsim.fit.cells import bootstrap_cells, tails
from synsim.fit.quantal import fit_quantal
from synsim.fit.quantal_posterior import correlation_time, sample
from tests.fit_release.simulated import responses, trains


def rested(n: int, p: float, q: float, m: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return responses(np.full(m, np.inf), n, p, q, 1.0, 0.0, 2.0, 0.0, rng)


def test_posterior_against_a_grid() -> None:
    """s0 and cv are known: n, p and q can be integrated over one by one, without sampling."""
    y = rested(4, 0.5, 6.0, 60, 1)
    fit = fit_quantal(amplitudes=y, s0=2.0, cv=0.0, n_max=9).fits[0].best
    found = sample(fit, 9, "1", np.random.default_rng(2))
    assert found.converged

    p = (np.arange(400) + 0.5) / 400
    q = np.exp(np.linspace(math.log(2.0), math.log(16.0), 500))  # uniform in the logarithm
    weight = np.empty((9, p.size, q.size))
    for n in range(1, 10):
        k = np.arange(n + 1)
        chance = binom.pmf(k, n, p[:, None])  # (p, k)
        normal = norm.pdf(y[:, None, None], k[:, None] * q, 2.0)  # (y, k, q)
        weight[n - 1] = np.log(np.einsum("pk,ykq->ypq", chance, normal)).sum(axis=0)
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()

    probability = weight.sum(axis=(1, 2))
    n_size = found.marginal("n").ess
    for n in range(1, 10):
        truth = float(probability[n - 1])
        error = math.sqrt(truth * (1 - truth) / n_size) + 1e-4
        assert abs(found.sites.get(n, 0.0) - truth) < 4 * error, n
    for name, values, share in (("p", p, weight.sum((0, 2))), ("q", q, weight.sum((0, 1)))):
        m = found.marginal(name)
        mean = float(values @ share)
        sd = math.sqrt(float((values - mean) ** 2 @ share))
        assert abs(m.mean - mean) < 4 * sd / math.sqrt(m.ess)
        assert m.sd == pytest.approx(sd, rel=4 / math.sqrt(m.ess))
        total = np.cumsum(share)
        for end, level in zip(m.interval, (0.025, 0.975), strict=True):
            reached = float(np.interp(end, values, total))
            assert abs(reached - level) < 5 * math.sqrt(0.025 * 0.975 / m.ess)


def test_posterior_and_profile_agree_where_the_data_are_clear() -> None:
    rng = np.random.default_rng(3)
    h = trains(30)
    y = responses(h, 3, 0.5, 10.0, 200.0, 0.0, 2.0, 0.1, rng)
    result = fit_quantal(
        amplitudes=y, intervals=h, models="depression", n_max=12, posterior=True,
        posterior_steps=1200, s0=2.0,
    )  # fmt: skip
    g = result.fits[0]
    found = g.posterior
    assert found is not None
    assert found.sites[3] > 0.9
    for name in ("U", "q", "tau_rec"):
        low, high = g.best.estimate(name).interval
        assert low is not None and high is not None
        ends = found.marginal(name).interval
        width = high - low
        assert ends[0] == pytest.approx(low, abs=0.15 * width), name
        assert ends[1] == pytest.approx(high, abs=0.15 * width), name
    again = sample(g.best, 12, "1", np.random.default_rng(4), most=100)
    assert not again.converged
    same = sample(g.best, 12, "1", np.random.default_rng(4), most=100)
    assert np.array_equal(same.draws, again.draws)


def test_correlation_time_of_a_known_process() -> None:
    """AR(1) with coefficient a: (1 + a)/(1 - a)."""
    rng = np.random.default_rng(5)
    x = np.empty((20000, 8))
    x[0] = rng.standard_normal(8)
    for i in range(1, len(x)):
        x[i] = 0.8 * x[i - 1] + 0.6 * rng.standard_normal(8)
    assert correlation_time(x, 0.0) == pytest.approx(9.0, rel=0.06)
    assert correlation_time(rng.standard_normal((5000, 8)), 0.0) == pytest.approx(1.0, abs=0.05)


def test_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "emcee", None)
    with pytest.raises(InputError, match=r"synsim\[bayes\]"):
        fit_quantal(amplitudes=rested(3, 0.5, 10.0, 30, 6), posterior=True)
    with pytest.raises(InputError, match="--posterior-steps"):
        fit_quantal(amplitudes=rested(3, 0.5, 10.0, 30, 6), posterior=True, posterior_steps=5)


@pytest.mark.parametrize("cells", [8, 15, 40])
def test_intervals_over_cells_cover(cells: int) -> None:
    """Of 400 groups of a normal population, and of a skewed one for the median."""
    rng = np.random.default_rng([7, cells])
    held = np.zeros(2)
    for _ in range(400):
        normal, skewed = rng.standard_normal(cells), np.exp(0.5 * rng.standard_normal(cells))
        (low, high), _ = bootstrap_cells(normal, rng, 1000)
        held[0] += low <= 0 <= high
        _, (low, high) = bootstrap_cells(skewed, rng, 1000)
        held[1] += low <= 1 <= high
    assert held[0] >= binom.ppf(0.001, 400, 0.94)
    assert held[1] >= binom.ppf(0.001, 400, 0.93)
    assert held[0] <= binom.ppf(0.999, 400, 0.97)


def test_tails_are_those_of_the_t_interval() -> None:
    """Cut at that point, a normal of the bootstrap's own width gives Student's t interval."""
    for cells in (4, 10, 100):
        z = norm.ppf(tails(cells)) * math.sqrt((cells - 1) / cells)
        from scipy.stats import t

        assert z == pytest.approx(-t.ppf(0.975, cells - 1))


def test_group_of_cells(tmp_path: Path) -> None:
    rows = []
    for protocol, p in (("a", 0.3), ("b", 0.7)):
        for cell in range(4 if protocol == "a" else 2):
            y = rested(3, p, 10.0 + cell, 60, 10 + cell)
            rows += [f"{cell},{protocol},{v:.4f}" for v in y]
    path = tmp_path / "d.csv"
    path.write_text("cell,protocol,epsc_pA\n" + "\n".join(rows) + "\n")
    result = fit_quantal(path, models="constant", n_max=10, s0=2.0, cv=0.0)
    (group,) = result.populations
    assert group.group == {"protocol": "a"} and group.cells == ("0", "1", "2", "3")
    q = next(s for s in group.parameters if s.name == "q")
    values = [g.best.value("q") for g in result.fits[:4]]
    assert q.mean == pytest.approx(np.mean(values)) and q.median == pytest.approx(np.median(values))
    assert min(values) <= q.mean_interval[0] < q.mean < q.mean_interval[1] <= max(values)
    assert any("fewer than 8 cells" in w for w in result.warnings)
    assert "Over 4 cells, protocol a" in result.report()
    result.save(tmp_path / "out", plot=False)
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["cells.csv", "data.csv", "group.csv", "report.txt", "summary.json"]
    document = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert document["results"]["cells"][0]["params"]["q"]["mean"] == pytest.approx(q.mean)
    table = (tmp_path / "out" / "cells.csv").read_text().splitlines()
    assert len(table) == 7 and table[0].startswith(
        "cell,protocol,responses,model,undecided,n,n_low"
    )
    pooled = fit_quantal(path, models="constant", n_max=10, s0=2.0, cv=0.0, group_by="protocol")
    assert pooled.populations == ()
