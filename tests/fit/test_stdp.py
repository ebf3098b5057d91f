"""fit_stdp: published data, simulated data, every way in, and what is said in words."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.fit import StdpFit, fit_stdp
from synsim.fit.likelihood import Problem
from synsim.fit.noise import noise
from synsim.fit.profile import profile
from synsim.fit.search import Maximum
from synsim.fit.windows import Curve, fit_window
from synsim.models.stdp_windows import WINDOWS
from synsim.recordings import find_recording

Array = NDArray[Any]
TRUE = {"A_plus": 0.9, "tau_plus": 15.0, "A_minus": 0.4, "tau_minus": 25.0}


@pytest.fixture(scope="module")
def bi_poo() -> StdpFit:
    return fit_stdp("bi_poo_1998")


@pytest.fixture(scope="module")
def wittenberg() -> StdpFit:
    return fit_stdp("wittenberg_wang_2006", group_by="figure")


def params(result: StdpFit, model: str, fit: int = 0) -> dict[str, dict[str, Any]]:
    found = result.results["fits"][fit]["models"][model]["params"]
    assert isinstance(found, dict)
    return found


def simulated(
    rng: np.random.Generator, n: int = 40, scatter: float = 0.12, window: str = "exponential"
) -> tuple[Array, Array]:
    lag = np.concatenate([rng.uniform(1, 80, n // 2), -rng.uniform(1, 80, n - n // 2)])
    shape = WINDOWS[window]
    true = TRUE | {
        "centre_plus": 15.0,
        "width_plus": 8.0,
        "centre_minus": 10.0,
        "width_minus": 25.0,
    }
    change = shape.function(lag, *(true[name] for name in shape.names))
    return lag, change + scatter * rng.standard_normal(n)


class TestBiPoo:
    """Bi & Poo 1998, Fig. 7, as shipped."""

    def test_ltp_time_constant(self, bi_poo: StdpFit) -> None:
        tau = params(bi_poo, "exponential")["tau_plus"]
        assert 13 < tau["value"] < 19
        assert tau["unit"] == "ms"
        low, high = tau["ci95"]
        assert low < 13 and high > 19  # 20 scattered points say no more than that

    def test_ltd_is_not_dragged_by_the_points_next_to_zero(self, bi_poo: StdpFit) -> None:
        tau = params(bi_poo, "exponential")["tau_minus"]
        assert 20 < tau["value"] < 80
        assert tau["ci95"][0] < 25  # what the points below -5 ms say is inside
        assert tau["ci95"][1] is None
        (text,) = [w for w in bi_poo.warnings if "--exclude" in w]
        assert "2 potentiated point(s) at -5 < dt < 0 ms" in text
        assert "tau_minus 24.4 ms instead of 60.1 ms" in text

    def test_gaussian_residuals_are_dragged_and_do_worse(self, bi_poo: StdpFit) -> None:
        gaussian = fit_stdp("bi_poo_1998", models="exponential", residuals="gaussian")
        assert params(gaussian, "exponential")["tau_minus"]["value"] > 150
        mine, theirs = (r.results["fits"][0]["models"]["exponential"] for r in (bi_poo, gaussian))
        assert 5 < theirs["aicc"] - mine["aicc"] < 8
        assert any("student-t residuals is 6.3 AICc better" in w for w in gaussian.warnings)

    def test_without_those_points(self) -> None:
        found = fit_stdp("bi_poo_1998", models="exponential", exclude=(-5, 0))
        assert found.results["fits"][0]["n_points"] == 35
        assert 20 < params(found, "exponential")["tau_minus"]["value"] < 30
        assert not any("potentiated" in w for w in found.warnings)

    def test_the_shape_is_decided_and_the_outlier_named(self, bi_poo: StdpFit) -> None:
        fit = bi_poo.results["fits"][0]
        assert fit["best"] == "exponential"
        assert fit["undecided"] == []
        assert fit["n_outliers"] == 1
        assert any("line 22 (lag -3.80 ms, change 0.762, +4.0 SD)" in w for w in bi_poo.warnings)

    def test_ltp_side_alone(self) -> None:
        data = pd.read_csv(find_recording("bi_poo_1998"), comment="#")
        found = fit_stdp(data[data.dt_ms > 0], models="exponential", residuals="gaussian")
        fitted = params(found, "exponential")
        assert math.isclose(fitted["A_plus"]["value"], 0.86, abs_tol=0.01)
        assert math.isclose(fitted["tau_plus"]["value"], 14.7, abs_tol=0.1)
        # The side without points is not made up, and not counted.
        assert fitted["tau_minus"] == {"value": None, "ci95": [None, None], "unit": "ms"}
        assert found.results["fits"][0]["models"]["exponential"]["k"] == 3
        assert any("every lag is above 0" in w for w in found.warnings)

    def test_bootstrap(self) -> None:
        found = fit_stdp("bi_poo_1998", models="exponential", intervals="bootstrap", seed=3)
        low, high = params(found, "exponential")["tau_plus"]["ci95"]
        assert 2 < low < 8 and 25 < high < 80
        again = fit_stdp("bi_poo_1998", models="exponential", intervals="bootstrap", seed=3)
        assert again.results == found.results
        other = fit_stdp("bi_poo_1998", models="exponential", intervals="bootstrap", seed=4)
        assert other.results != found.results


class TestWittenbergWang:
    """Wittenberg & Wang 2006, Figs 1d, 3e and 4d, as shipped."""

    def test_groups(self, wittenberg: StdpFit) -> None:
        fits = wittenberg.results["fits"]
        assert [f["group"] for f in fits] == [{"figure": g} for g in ("fig1d", "fig3e", "fig4d")]
        assert [f["n_points"] for f in fits] == [25, 32, 18]

    def test_3e_is_a_difference_of_gaussians_off_centre(self, wittenberg: StdpFit) -> None:
        fit = wittenberg.results["fits"][1]
        assert fit["best"] == "mexican_hat"
        assert fit["undecided"] == []
        assert min(m["delta_aicc"] for n, m in fit["models"].items() if n != "mexican_hat") > 10
        centre = fit["models"]["mexican_hat"]["params"]["centre_plus"]
        assert 10 < centre["value"] < 17
        assert centre["ci95"][0] > 5

    @pytest.mark.parametrize(("fit", "what"), [(0, "depression"), (2, "potentiation")])
    def test_1d_and_4d_are_undecided_and_the_report_says_so(
        self, wittenberg: StdpFit, fit: int, what: str
    ) -> None:
        found = wittenberg.results["fits"][fit]
        assert found["undecided"] == ["constant", "symmetric"]
        label = found["group"]["figure"]
        words = f"{what} of undecided shape: constant and symmetric"
        assert any(w.startswith(f"figure {label}: {words}") for w in wittenberg.warnings)
        report = wittenberg.report()
        assert words.capitalize() in report
        sign = "A_minus" if what == "depression" else "A_plus"
        assert sign in found["models"]["symmetric"]["params"]

    def test_the_same_under_gaussian_residuals(self) -> None:
        found = fit_stdp("wittenberg_wang_2006", group_by="figure", residuals="gaussian")
        fits = found.results["fits"]
        assert [f["best"] for f in fits] == ["constant", "mexican_hat", "constant"]
        assert [len(f["undecided"]) for f in fits] == [2, 0, 2]


def fitted(lag: Array, change: Array, residuals: str) -> tuple[Problem, Maximum]:
    curve = Curve(lag, change, np.zeros(lag.size), np.arange(lag.size))
    _, problem, maximum = fit_window(WINDOWS["exponential"], curve, noise(residuals))
    return problem, maximum


@pytest.mark.parametrize("residuals", ["gaussian", "student-t"])
def test_parameters_are_recovered(residuals: str) -> None:
    """Means over 30 experiments within 4 standard errors."""
    rng = np.random.default_rng(21)
    found = []
    for _ in range(30):
        problem, maximum = fitted(*simulated(rng, 120, 0.05), residuals)
        found.append(problem.values(maximum.u))
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / math.sqrt(30)
    assert np.all(np.abs(mean[:-1] - list(TRUE.values())) < 4 * error[:-1])
    # A scatter of maximum likelihood is a little low: by about p/2n.
    assert abs(mean[-1] - 0.05 * (1 - 4 / 240)) < 4 * error[-1] + (residuals == "student-t") * 0.02


def test_profile_intervals_cover() -> None:
    """95 % of 100 experiments, within 4 binomial standard errors (86 or more)."""
    rng = np.random.default_rng(22)
    covered = dict.fromkeys(TRUE, 0)
    for _ in range(100):
        problem, maximum = fitted(*simulated(rng, 30), "gaussian")
        for (name, true), ends in zip(
            TRUE.items(), profile(problem, maximum).intervals, strict=True
        ):
            low, high = ends
            covered[name] += (low is None or low <= true) and (high is None or high >= true)
    assert min(covered.values()) >= 86


@pytest.mark.parametrize("window", ["exponential", "mexican_hat", "alpha", "anti_hebbian"])
def test_the_window_that_made_the_data_is_found(window: str) -> None:
    lag, change = simulated(np.random.default_rng(23), 80, 0.06, window)
    found = fit_stdp(lag=lag, change=change).results["fits"][0]
    assert found["best"] == window
    assert found["undecided"] == []


@pytest.mark.parametrize(("sign", "name"), [(1, "A_plus"), (-1, "A_minus")])
def test_symmetric_takes_the_sign_of_the_data(sign: int, name: str) -> None:
    rng = np.random.default_rng(24)
    lag = rng.uniform(-80, 80, 60)
    change = sign * 0.5 * np.exp(-np.abs(lag) / 30) + 0.05 * rng.standard_normal(60)
    found = fit_stdp(lag=lag, change=change).results["fits"][0]
    assert found["best"] == "symmetric"
    assert abs(found["models"]["symmetric"]["params"][name]["value"] - 0.5) < 0.1


def test_exact_data_are_recovered_and_said_to_be_exact() -> None:
    lag = np.array([x for x in range(-60, 61, 4) if x], float)
    shape = WINDOWS["exponential"]
    found = fit_stdp(lag=lag, change=shape.function(lag, *TRUE.values()))
    assert found.results["fits"][0]["best"] == "exponential"
    for name, p in params(found, "exponential").items():
        assert math.isclose(p["value"], TRUE[name], rel_tol=1e-4)
    assert any("runs through every point" in w for w in found.warnings)


def test_file_frame_and_arrays_agree(tmp_path: Path) -> None:
    lag, change = simulated(np.random.default_rng(25), 30)
    sem = np.random.default_rng(26).uniform(0.02, 0.1, 30)
    frame = pd.DataFrame({"dt_ms": lag, "dw": change, "sem": sem})
    frame.to_csv(tmp_path / "a.csv", index=False)
    ratio = pd.DataFrame({"lag_s": lag / 1000, "w_ratio": change + 1, "sem": sem})
    models = "exponential,symmetric"
    of_file = fit_stdp(tmp_path / "a.csv", models=models)
    of_frame = fit_stdp(frame, models=models)
    of_arrays = fit_stdp(lag=lag, change=change, sem=sem, models=models)
    of_ratio = fit_stdp(ratio, models=models)
    assert of_file.results["fits"] == of_frame.results["fits"] == of_arrays.results["fits"]
    for name, p in params(of_file, "exponential").items():
        assert math.isclose(
            p["value"], params(of_ratio, "exponential")[name]["value"], rel_tol=1e-6
        )
    assert of_file.results["data"]["file"] == str(tmp_path / "a.csv")
    assert len(of_file.results["data"]["sha256"]) == 64
    assert of_frame.results["data"]["sha256"] is None


def test_the_document_is_as_promised(wittenberg: StdpFit) -> None:
    results = json.loads(json.dumps(wittenberg.results, allow_nan=False))
    assert set(results) == {"fits", "data"}
    assert {"file", "sha256", "columns"} <= set(results["data"])
    taken = results["data"]["columns"]
    assert (taken["lag"], taken["change"], taken["sem"]) == ("dt_ms", "w_ratio", "sem")
    assert taken["dw_kind"] == "ratio"
    for fit in results["fits"]:
        assert {"group", "best", "models", "n_points"} <= set(fit)
        assert fit["best"] == min(fit["models"], key=lambda m: fit["models"][m]["aicc"])
        assert math.isclose(sum(m["weight"] for m in fit["models"].values()), 1)
        for name, model in fit["models"].items():
            assert {"params", "loglik", "aicc", "bic", "r2"} <= set(model)
            n, k, loglik = fit["n_points"], model["k"], model["loglik"]
            assert k == len(model["params"]) + 1  # the scatter counts
            expected = -2 * loglik + 2 * k + 2 * k * (k + 1) / (n - k - 1)
            assert math.isclose(model["aicc"], expected)
            assert math.isclose(model["bic"], -2 * loglik + k * math.log(n))
            assert name in WINDOWS
            for p in model["params"].values():
                assert set(p) == {"value", "ci95", "unit"}
                low, high = p["ci95"]
                if p["value"] is not None:
                    assert low is None or low <= p["value"]
                    assert high is None or high >= p["value"]


def test_table(wittenberg: StdpFit, bi_poo: StdpFit) -> None:
    table = wittenberg.to_frame()
    assert list(table.columns[:4]) == ["figure", "delta_t_ms", "dw_rel", "sem"]
    assert len(table) == 75
    np.testing.assert_allclose(table.dw_rel - table.fitted, table.residual)
    assert set(table.best[table.figure == "fig3e"]) == {"mexican_hat"}
    assert bi_poo.to_frame().outlier.sum() == 1
    again = fit_stdp(table, group_by="figure", models="constant")  # its own table is understood
    assert again.results["fits"][0]["n_points"] == 25


def test_lag_zero() -> None:
    lag, change = simulated(np.random.default_rng(27), 30)
    lag, change = np.append(lag, [0.0, 0.0]), np.append(change, [0.1, 0.2])
    found = fit_stdp(lag=lag, change=change, models="exponential,constant")
    assert found.results["fits"][0]["n_points"] == 30
    assert any(w.startswith("2 point(s) at lag 0 left out of every fit") for w in found.warnings)
    assert found.to_frame().fitted.isna().sum() == 2
    found = fit_stdp(lag=lag, change=change, models="symmetric,constant")
    assert found.results["fits"][0]["n_points"] == 32
    assert not any("lag 0" in w for w in found.warnings)


def test_windows_that_the_points_cannot_carry_are_skipped() -> None:
    lag, change = simulated(np.random.default_rng(28), 8)
    found = fit_stdp(lag=lag, change=change)
    fit = found.results["fits"][0]
    assert fit["skipped"]["mexican_hat"] == "8 points are too few, it needs 9"
    assert "exponential" in fit["models"]
    # Lags of +-10 ms alone say nothing about a time constant.
    found = fit_stdp("sjostrom_2001_frequency")
    skipped = found.results["fits"][0]["skipped"]
    assert "1 different lags above 0 do not determine 2 parameters" in skipped["exponential"]
    assert list(found.results["fits"][0]["models"]) == ["constant"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"lag": [1, 2, 3], "change": [1, 2, 3]}, "3 points are too few for any window; constant"),
        ({"lag": [1, 2], "change": [1]}, r"change: found 1 values, expected 2 as in lag"),
        ({"lag": [], "change": []}, "lag: found an empty array"),
        (
            {"lag": [1.0, np.nan] * 5, "change": [1] * 10},
            "arrays, index 1, column 'lag': found nan",
        ),
        ({"lag": [[1.0]], "change": [1]}, r"lag: found an array of shape \(1, 1\)"),
        ({"change": [1]}, "needs data, or arrays lag and change"),
        ({"data": "bi_poo_1998", "lag": [1]}, "either data or arrays"),
        ({"data": 3}, "data: found int, expected a path, a name or a DataFrame"),
        ({"data": "bi_poo_1998", "models": "gaussian"}, "--model: found 'gaussian', expected some"),
        ({"data": "bi_poo_1998", "models": []}, "--model: found none"),
        ({"data": "bi_poo_1998", "residuals": "cauchy"}, "--residuals: found 'cauchy'"),
        ({"data": "bi_poo_1998", "intervals": "wald"}, "--intervals: found 'wald', expected one"),
        ({"data": "bi_poo_1998", "bootstrap_samples": 10}, "--bootstrap-samples: found 10"),
        ({"data": "bi_poo_1998", "seed": -1}, "--seed: found -1"),
        ({"data": "bi_poo_1998", "exclude": (5, -5)}, "--exclude: found 5 to -5 ms"),
        ({"data": "wang_2005"}, "which column is the lag"),
        ({"data": "wang_2005", "dt_column": "t1_ms", "group_by": "reps"}, "no column 'reps'"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError, match=expected) as caught:
        fit_stdp(**arguments)
    assert "\n" not in str(caught.value)


def test_groups_that_are_too_small_are_named() -> None:
    lag, change = simulated(np.random.default_rng(29), 30)
    frame = pd.DataFrame({"dt_ms": lag, "dw": change, "protocol": ["a"] * 27 + ["b"] * 3})
    found = fit_stdp(frame, models="exponential,constant")
    assert [f["group"] for f in found.results["fits"]] == [{"protocol": "a"}]
    assert any(w.startswith("protocol b: no window fitted: 3 points") for w in found.warnings)
    with pytest.raises(InputError, match="protocol b: no window fitted: 3 points are too few"):
        fit_stdp(frame[27:], models="exponential,constant")


def test_bootstrap_draws_cells() -> None:
    """Points of a cell that share an offset: drawing cells gives a wider interval."""
    rng = np.random.default_rng(30)
    cells = np.repeat(np.arange(12), 5)
    frame = pd.DataFrame(
        {
            "dt_ms": rng.uniform(-50, 50, 60),
            "dw": rng.normal(0.2, 0.2, 12)[cells] + rng.normal(0, 0.02, 60),
            "cell": cells,
        }
    )
    options: dict[str, Any] = {
        "models": "constant",
        "residuals": "gaussian",
        "intervals": "bootstrap",
    }
    of_cells = params(fit_stdp(frame, **options), "constant")["offset"]["ci95"]
    of_points = params(fit_stdp(frame.drop(columns="cell"), **options), "constant")["offset"][
        "ci95"
    ]
    assert 1.5 < np.ptp(of_cells) / np.ptp(of_points) < 3.5  # sqrt(5) if nothing else varied


def test_report_is_text_that_explains_itself(bi_poo: StdpFit, wittenberg: StdpFit) -> None:
    for text in (bi_poo.report(), wittenberg.report()):
        assert max(map(len, text.splitlines())) <= 100
        assert "WHOLE protocol" in text
        assert "variance of a point = sem^2 +" in text
    assert "tau_minus = 60.1 ms is weakly determined" in bi_poo.report()
    assert bi_poo.summary().startswith("42 points; potentiation and depression: exponential")


def test_figures(bi_poo: StdpFit, wittenberg: StdpFit) -> None:
    assert len(bi_poo.figure().axes) == 2
    assert len(wittenberg.figure().axes) == 6
    ax = bi_poo.plot()
    assert "t_\\mathrm{post}" in ax.get_xlabel()
    assert "whole protocol" in ax.get_ylabel()
    assert bi_poo.plot(ax) is ax
    assert wittenberg.plot(group=1).lines
    with pytest.raises(InputError, match=r"there are 3 curves: say plot\(group=0\)"):
        wittenberg.plot()


def test_the_band_holds_the_curve_and_the_profile(bi_poo: StdpFit) -> None:
    fit = bi_poo.fits[0].curve_fit
    lag, low, high = fit.band.T
    curve = fit.best.predict(lag)
    assert np.all(low <= curve) and np.all(curve <= high)
    # Next to lag 0 the window is its amplitude, whose interval the band must show.
    near = int(np.argmax(lag > 0))
    ends = params(bi_poo, "exponential")["A_plus"]["ci95"]
    np.testing.assert_allclose([low[near], high[near]], ends, rtol=0.05)


def test_citations(bi_poo: StdpFit) -> None:
    text = " ".join(bi_poo.citations)
    for source in ("Song, Miller & Abbott 2000", "Lange", "Hurvich", "LMFIT", "Venzon"):
        assert source in text
