"""Where plasticity sits: closed forms, an independent likelihood, known truths, mistakes."""

from __future__ import annotations

import json
import math
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import binom, norm

from synsim.component import InputError
from synsim.fit.locus import fit_locus
from synsim.fit.locus_cv import count_failures, cv_analysis, expected_ratio
from synsim.fit.locus_models import LocusSettings, compare_loci
from synsim.fit.locus_pair import Pair
from synsim.fit.locus_profile import Quantity, interval
from synsim.fit.locus_search import best, maxima
from synsim.fit.profile import limit
from synsim.fit.release_filter import ReleaseFilter
from synsim.fit.rest_mixture import RestMixture
from tests.fit_release.simulated import responses, trains

PLAIN = LocusSettings("constant", 30, None, None, None, True, "shared")


def rested(n: int, p: float, q: float, m: int, rng: np.random.Generator, cv: float = 0.2):
    return responses(np.full(m, np.inf), n, p, q, 1.0, 0.0, 2.0, cv, rng)


@pytest.mark.parametrize(("n", "cv"), [(1, 0.0), (5, 0.2), (40, 0.3)])
def test_mixture_is_the_filter_at_rest(n: int, cv: float) -> None:
    y = rested(5, 0.4, 10.0, 60, np.random.default_rng(1))
    theta = np.array([0.3, 8.0, 1.0, 0.0, 2.5, cv])
    value, gradient = RestMixture(y).with_gradient(n, theta)
    exact, slope = ReleaseFilter(y, np.full(y.size, np.inf)).with_gradient(n, theta)
    assert value == pytest.approx(exact, rel=1e-11)
    assert gradient == pytest.approx(slope, rel=1e-8, abs=1e-8)


def mixture(y: np.ndarray, n: int, p: float, q: float, s0: float, cv: float) -> float:
    k = np.arange(n + 1)
    chance = binom.pmf(k, n, p)
    sd = np.sqrt(s0**2 + k * (cv * q) ** 2)
    return float(np.log((chance * norm.pdf(y[:, None], k * q, sd)).sum(axis=1)).sum())


def test_maximum_and_interval_against_scipy() -> None:
    """p and q change, n = 3 is known, s0 and cv are given: four free parameters."""
    rng = np.random.default_rng(2)
    before, after = rested(3, 0.4, 10.0, 80, rng, cv=0.0), rested(3, 0.6, 12.0, 80, rng, cv=0.0)

    def minus(z: np.ndarray) -> float:
        p, u = 1 / (1 + np.exp(-z[:2]))
        first = mixture(before, 3, p, math.exp(z[2]), 2.0, 0.0)
        return -first - mixture(after, 3, u, math.exp(z[3]), 2.0, 0.0)

    start = np.array([-0.4, 0.4, math.log(10.0), math.log(12.0)])
    options = {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000, "maxfev": 4000}
    theirs = minimize(minus, start, method="Nelder-Mead", options=options)
    fixed = {"s0": 2.0, "cv": 0.0}
    pair = Pair(RestMixture(before), RestMixture(after), "constant", {"U", "q"}, fixed)
    found = maxima(pair, 30, 3)
    assert best(found).loglik == pytest.approx(-theirs.fun, abs=1e-4)

    # q and p of an epoch share nothing with the other: the profile of q is one of two dimensions.
    allowed = limit(160, pair.k)
    low, high = interval(pair, found, Quantity("q", 1), allowed, 30)
    for end in (low, high):
        assert end is not None

        def held(z: float, end: float = end) -> float:
            return -mixture(after, 3, 1 / (1 + math.exp(-z)), end, 2.0, 0.0)

        p = minimize_scalar(held, bounds=(-2, 3), method="bounded")
        alone = mixture(after, 3, 1 / (1 + math.exp(-theirs.x[1])), math.exp(theirs.x[3]), 2.0, 0.0)
        assert 2 * (alone + p.fun) == pytest.approx(allowed, abs=0.05)


def test_search_over_pairs_finds_what_trying_all_finds() -> None:
    rng = np.random.default_rng(3)
    before, after = rested(2, 0.5, 10.0, 60, rng), rested(4, 0.5, 10.0, 60, rng)
    pair = Pair(RestMixture(before), RestMixture(after), "constant", {"n", "U"}, {"cv": 0.2})
    found = maxima(pair, 7)
    every = [
        max(
            pair.fit_at(sites, pair.moved(best(found), sites)).loglik,
            pair.fit_at(sites, np.zeros(len(pair.names)) + [0, math.log(10), 0.7, 0]).loglik,
        )
        for sites in product(range(1, 8), repeat=2)
    ]
    assert best(found).loglik == pytest.approx(max(every), abs=1e-3)


@pytest.mark.parametrize(
    ("before", "after"), [((5, 0.4, 10), (5, 0.7, 10)), ((5, 0.4, 10), (8, 0.4, 10)),
                          ((5, 0.4, 10), (5, 0.4, 15)), ((5, 0.4, 10), (4, 0.5, 12))]
)  # fmt: skip
def test_cv_analysis_against_closed_form(before: tuple, after: tuple) -> None:
    rng = np.random.default_rng(4)
    y, z = (rested(*x, 4000, rng) for x in (before, after))
    found = cv_analysis(y, z, (2.0, 2.0), rng)
    pi, r = expected_ratio(before, after, 0.2)
    errors = np.nanstd(np.log(found.samples), axis=0)
    assert abs(math.log(found.mean_ratio / pi)) < 4 * errors[0]
    assert abs(math.log(found.ratio / r)) < 4 * errors[1]


def test_lines_of_cv_analysis() -> None:
    assert expected_ratio((5, 0.4, 10), (8, 0.4, 10), 0.3) == pytest.approx((1.6, 1.6))
    assert expected_ratio((5, 0.4, 10), (5, 0.4, 15), 0.3) == pytest.approx((1.5, 1.0))
    pi, r = expected_ratio((5, 0.4, 10), (5, 0.7, 10))
    assert r > pi > 1
    pi, r = expected_ratio((5, 0.4, 10), (5, 0.2, 10))
    assert r < pi < 1


@pytest.mark.parametrize(
    ("after", "place"),
    [((5, 0.8, 10), "beyond"), ((5, 0.2, 10), "beyond"), ((9, 0.4, 10), "diagonal"),
     ((5, 0.4, 16), "flat"), ((5, 0.4, 10), "unchanged"), ((8, 0.4, 20), "between")],
)  # fmt: skip
def test_places(after: tuple, place: str) -> None:
    rng = np.random.default_rng(5)
    found = cv_analysis(rested(5, 0.4, 10, 600, rng), rested(*after, 600, rng), (2.0, 2.0), rng)
    assert found.place == place


def test_bootstrap_of_cv_analysis_covers() -> None:
    """Intervals of r hold the truth as often as they should, in 150 recordings."""
    before, after = (5, 0.4, 10.0), (5, 0.6, 10.0)
    truth = expected_ratio(before, after, 0.2)[1]
    held = 0
    for seed in range(150):
        rng = np.random.default_rng([6, seed])
        low, high = cv_analysis(
            rested(*before, 120, rng), rested(*after, 120, rng), (2.0, 2.0), rng
        ).interval
        held += low is not None and high is not None and low <= truth <= high
    assert held >= binom.ppf(0.001, 150, 0.95), held


def test_noise_alone_gives_no_cv_limits() -> None:
    rng = np.random.default_rng(7)
    y, z = 2.0 * rng.standard_normal((2, 80)) + 1.0
    found = cv_analysis(y, z, (2.5, 2.5), rng)
    assert found.interval == (None, None) and found.place in ("undecided", "unchanged")


def test_failures_are_exact() -> None:
    before, after = np.array([0.0] * 12 + [9.0] * 28), np.array([0.0] * 3 + [9.0] * 37)
    found = count_failures(before, after, 1.0)
    assert found.counts == (12, 3) and found.rates == (0.3, 0.075)
    low, high = found.intervals[0]
    assert low is not None and high is not None
    assert binom.sf(11, 40, low) == pytest.approx(0.025)
    assert binom.cdf(12, 40, high) == pytest.approx(0.025)
    assert count_failures(after[3:], after[3:], 1.0).intervals[0][0] == 0.0


@pytest.mark.parametrize(
    ("after", "locus"), [((4, 0.85, 10.0), "p"), ((8, 0.5, 10.0), "n"), ((4, 0.5, 16.0), "q")]
)
def test_known_truth(after: tuple, locus: str) -> None:
    """Clear recordings: the locus is found, and the ratio is where its interval says."""
    before = (4, 0.5, 10.0)
    rng = np.random.default_rng([8, "pnq".index(locus)])
    y, z = rested(*before, 150, rng, cv=0.1), rested(*after, 150, rng, cv=0.1)
    found = compare_loci((y, None), (z, None), PLAIN)
    assert found.rivals == (locus,)
    assert found.support[locus] > 0.8
    at = "npq".index(locus)
    low, high = found.best.intervals[f"{locus}_ratio"]
    assert low is not None and high is not None
    assert low <= after[at] / before[at] <= high
    assert not low <= 1 <= high


def test_nothing_changes_and_nesting() -> None:
    rng = np.random.default_rng(9)
    y, z = rested(4, 0.5, 10.0, 100, rng), rested(4, 0.5, 10.0, 100, rng)
    found = compare_loci((y, None), (z, None), PLAIN)
    assert found.rivals == ("none",)
    assert sum(found.weights.values()) == pytest.approx(1.0)
    for name, m in found.models.items():
        for other in found.models.values():
            if set(other.loci) < set(m.loci):
                assert m.loglik >= other.loglik - 1e-3, (name, other.name)


def test_trains_and_a_known_n() -> None:
    """A change of U under depression; tau_rec is shared; n is not among the models when known."""
    rng = np.random.default_rng(10)
    h = trains(20)
    y = responses(h, 4, 0.3, 10.0, 200.0, 0.0, 2.0, 0.1, rng)
    z = responses(h, 4, 0.6, 10.0, 200.0, 0.0, 2.0, 0.1, rng)
    settings = LocusSettings(None, 30, 4, None, None, True, "shared")
    found = compare_loci((y, h), (z, h), settings)
    assert found.dynamics == "depression" and set(found.models) == {"none", "p", "q", "p+q"}
    assert found.rivals[0] == "p"
    low, high = found.best.intervals["p_ratio"]
    assert low is not None and high is not None and low <= 2.0 <= high
    assert found.best.value("tau_rec", 0) == found.best.value("tau_rec", 1)


def write(path: Path, rows: list[str], header: str = "cell,epoch,epsc_pA") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture(scope="class")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(11)
    rows = []
    for cell, q in (("a", 16.0), ("b", 10.0)):
        rows += [f"{cell},before,{-v:.3f}" for v in rested(3, 0.5, 10.0, 60, rng)]
        rows += [f"{cell},induction,{-v:.3f}" for v in rested(3, 0.9, 10.0, 5, rng)]
        rows += [f"{cell},after,{-v:.3f}" for v in rested(3, 0.5, q, 60, rng)]
    rows += [f"c,before,{-v:.3f}" for v in rested(3, 0.5, 10.0, 20, rng)]
    return write(tmp_path_factory.mktemp("locus") / "d.csv", rows)


class TestFile:
    def test_results(self, recording: Path, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"line 62, column 'epoch': found 'induction'"):
            fit_locus(recording)
        result = fit_locus(recording, before="before", after="after", n_max=12, cv=0.2)
        assert [f.cell.label for f in result.fits] == ["cell a", "cell b"]
        assert any("10 rows of other epochs" in w for w in result.warnings)
        assert any("not fitted: cell c: no responses after" in w for w in result.warnings)
        result.save(tmp_path / "out")
        names = sorted(p.name for p in (tmp_path / "out").iterdir())
        assert names == ["data.csv", "figure.png", "figure.svg", "report.txt", "summary.json"]
        document = json.loads((tmp_path / "out" / "summary.json").read_text())
        assert document["command"] == "fit locus"
        first, second = document["results"]["fits"]
        assert first["sign"] == "negative" and first["n_points"] == 120
        assert first["best"] == "q" and second["best"] == "none"
        assert set(first["models"]) == {
            "none", "p", "n", "q", "p+n", "p+q", "n+q", "p+n+q"
        }  # fmt: skip
        for model in first["models"].values():
            assert {"params", "loglik", "aicc", "bic", "r2", "weight"} <= set(model)
        frame = result.to_frame()
        assert set(frame.parameter) == {"p", "n", "q"}
        assert "only q changes" in result.summary() and "Failures" in result.report()


@pytest.mark.parametrize(
    ("rows", "header", "keywords", "said"),
    [
        (["1,2.0"], "cell,epsc_pA", {}, "--epoch-column"),
        (["1,early,2.0"], "cell,epoch,epsc_pA", {}, "--before"),
        (["1,before,2.0"], "cell,epoch,epsc_pA", {}, "no row says after"),
        (["1,before,2", "1,after,3"], "cell,epoch,epsc_pA", {}, "1 responses before are too few"),
        (["1,before,2"], "cell,epoch,epsc_pA", {"before": "x", "after": "x"}, "two values"),
        (["1,before,2"], "cell,epoch,epsc_pA", {"after": "x"}, "no row has 'x'"),
        (["1,before,2"], "cell,epoch,epsc_pA", {"assume_n": 5}, "--assume-n"),
        (["1,before,2"], "cell,epoch,epsc_pA", {"noise": "loud"}, "--noise"),
        (["1,before,2"], "cell,epoch,epsc_pA", {"model": "x"}, "--model"),
        ([".5,.6,1,2"] * 3, "pr_before,pr_after,q_before_mV,q_after_mV", {}, "--assume-n 5"),
        (
            [".5,.6,1,2"] * 2 + [".5,1.6,1,2"],
            "pr_before,pr_after,q_before_mV,q_after_mV",
            {"assume_n": 5},
            "line 4, column 'pr_after'",
        ),
        (
            [".5,.6,1,2"] * 3,
            "pr_before,pr_after,q_before_mV,q_after_mV",
            {"assume_n": (5, 0)},
            "--assume-n",
        ),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, rows: list[str], header: str, keywords: dict, said: str
) -> None:
    with pytest.raises(InputError) as error:
        fit_locus(write(tmp_path / "d.csv", rows, header), **keywords)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_an_epoch_of_failures_is_pointed_out(tmp_path: Path) -> None:
    """A silent synapse that begins to speak: nothing is known of it before."""
    rng = np.random.default_rng(6)
    rows = [f"1,before,{y}" for y in 2 * rng.standard_normal(30)]
    rows += [f"1,after,{y}" for y in rested(3, 0.5, 10.0, 30, rng)]
    result = fit_locus(write(tmp_path / "d.csv", rows), n_max=6)
    (said,) = [text for text in result.warnings if "no response is seen" in text]
    assert "seen before: the mean of 30 is" in said and "may all be failures" in said


@pytest.mark.parametrize(("name", "count", "way"), [("ltp", 30, 1), ("ltd", 14, -1)])
def test_published_estimates(name: str, count: int, way: int) -> None:
    """w = p q holds in the file to its digits; the logs add up; n only scales the mean."""
    import pandas as pd

    from synsim.recordings import find_recording

    file = f"sjostrom_2001_{name}"
    result = fit_locus(file, assume_n=(5, 10))
    frame = pd.read_csv(find_recording(file), comment="#")
    assert len(result.p) == count
    w = np.log(frame.w_after / frame.w_before)
    assert result.log_ratios["w"] == pytest.approx(w.to_numpy(), abs=1e-4)
    group = result.group
    mean, (low, high) = group.logs["w"]
    assert mean == pytest.approx(w.mean(), abs=1e-4)
    error = w.std() / math.sqrt(count)
    assert low == pytest.approx(mean - 1.96 * error, abs=0.5 * error)
    assert high == pytest.approx(mean + 1.96 * error, abs=0.5 * error)
    assert mean * way > 0 and 0 < group.share[0] < 1.5
    table = result.to_frame()
    assert (table.mean_ratio / np.exp(w)).to_numpy() == pytest.approx(2.0, rel=1e-3)
    assert "assumed" in result.warnings[0]


@pytest.mark.parametrize("noise", [2e-5, 5e-5])
@pytest.mark.parametrize("changed", ["p", "n", "q"])
def test_quanta_that_stand_out(changed: str, noise: float) -> None:
    """Peaks of 0.25 mV in noise of a twelfth or a fifth of that: a likelihood with a maximum for
    each q that brings some peaks onto others. 11/6 of one of p, n and q."""
    rng = np.random.default_rng(3)
    now = {"n": 6, "p": 0.3, "q": 2.5e-4}
    later = now | {changed: now[changed] * 11 / 6}
    both = [
        rng.binomial(round(of["n"]), of["p"], 300) * of["q"] + rng.normal(0, noise, 300)
        for of in (now, later)
    ]
    table = pd.DataFrame(
        {
            "epoch": ["before"] * 300 + ["after"] * 300,
            "amplitude_mV": 1e3 * np.concatenate(both),
        }
    )
    found = fit_locus(table, s0=1e3 * noise, model="constant").summary()
    assert found.startswith(f"only {changed} changes"), found
