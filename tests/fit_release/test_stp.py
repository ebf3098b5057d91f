"""STP fits find what was simulated; their derivatives; shipped trains; wrong inputs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synsim.component import InputError
from synsim.fit.stp import fit_stp
from synsim.fit.stp_curve import Trains
from synsim.models.tsodyks_markram import train

TIMES = (
    np.append(np.arange(10) * 20.0, 700.0),
    np.append(np.arange(10) * 100.0, 1900.0),
    np.cumsum([0, 10, 35, 150, 20, 60, 300, 15, 80, 40.0]),
)


def frame(A: float, U: float, tau_rec: float, tau_facil: float, noise: float, seed: int):
    rng = np.random.default_rng(seed)
    parts = []
    for i, times in enumerate(TIMES):
        u, x = train(times, U, tau_rec, tau_facil)
        y = A * u * x + noise * rng.standard_normal(len(times))
        parts.append(pd.DataFrame({"protocol": i, "t_ms": times, "mean": y, "sem": noise}))
    return pd.concat(parts, ignore_index=True)


def test_curve_is_that_of_the_model() -> None:
    trains = Trains(TIMES)
    given = (3.0, 0.3, 80.0, 50.0)
    expected = np.concatenate([3.0 * np.prod(train(t, *given[1:]), axis=0) for t in TIMES])
    columns = [np.array([[v], [v]]) for v in given]
    found = trains.curve(np.empty(0), *columns)
    assert found.shape == (2, expected.size)
    assert found[0] == pytest.approx(expected, rel=1e-12)
    no_facilitation = trains.curve(np.empty(0), *columns[:3])
    expected = np.concatenate([3.0 * np.prod(train(t, 0.3, 80.0, 0.0), axis=0) for t in TIMES])
    assert no_facilitation[1] == pytest.approx(expected, rel=1e-12)


def test_gradient() -> None:
    trains = Trains(TIMES)
    columns = [np.array([[v]]) for v in (3.0, 0.3, 80.0, 50.0)]
    slopes = trains.gradient(np.empty(0), *columns)
    for j, slope in enumerate(slopes):
        step = 1e-6 * columns[j]
        up, down = list(columns), list(columns)
        up[j], down[j] = columns[j] + step, columns[j] - step
        difference = trains.curve(np.empty(0), *up) - trains.curve(np.empty(0), *down)
        assert slope == pytest.approx(difference / (2 * step), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(
    ("best", "truth"),
    [
        ("depression", {"A": 5.0, "U": 0.5, "tau_rec": 300.0, "tau_facil": 0.0}),
        ("depression_facilitation", {"A": 5.0, "U": 0.15, "tau_rec": 150.0, "tau_facil": 400.0}),
    ],
)
def test_recovers(best: str, truth: dict[str, float]) -> None:
    result = fit_stp(frame(*truth.values(), noise=0.02, seed=4))
    (group,) = result.fits
    assert group.best.name == best
    assert len(group.names) == 3
    for e in group.best.estimates:
        low, high = e.interval
        assert low is not None and high is not None
        assert low < e.value < high
        assert abs(e.value - truth[e.name]) < 3 * (high - low) / 3.92
    assert group.best.r2 > 0.95


def test_short_train_is_weakly_determined_and_says_what_would_help() -> None:
    times = np.arange(5) * 20.0
    u, x = train(times, 0.3, 200.0, 100.0)
    y = 4 * u * x + 0.03 * np.random.default_rng(1).standard_normal(5)
    rows = pd.DataFrame({"t_ms": np.tile(times, 2), "epsc_pA": np.concatenate([y, y * 1.02])})
    result = fit_stp(rows, models="depression_facilitation")
    assert any("weakly determined" in text for text in result.warnings)
    assert any("would help" in text for text in result.warnings)
    assert any("new train" in text for text in result.warnings)


def test_inward_currents_are_magnitudes() -> None:
    data = frame(5.0, 0.5, 300.0, 0.0, 0.02, 2)
    up = fit_stp(data, models="depression").fits[0]
    down = fit_stp(data.assign(mean=-data["mean"]), models="depression").fits[0]
    assert down.flipped and not up.flipped
    assert down.best.loglik == pytest.approx(up.best.loglik, rel=1e-9)


def test_shipped_trains(tmp_path: Path) -> None:
    result = fit_stp("pvbc_depressing")
    fit = result.fits[0].best
    assert fit.name == "depression"
    assert fit.estimate("U").value == pytest.approx(0.126, abs=0.01)
    assert fit.estimate("tau_rec").value == pytest.approx(1205, rel=0.05)
    result.save(tmp_path / "out")
    document = json.loads((tmp_path / "out" / "summary.json").read_text())
    (found,) = document["results"]["fits"]
    assert found["n_points"] == 33 and found["n_trains"] == 3
    for model in found["models"].values():
        assert {"params", "loglik", "aicc", "bic", "r2"} <= set(model)
    assert "depression" in result.report()
    assert len(result.to_frame()) == 33


def test_mossy_fibres_facilitate() -> None:
    result = fit_stp("mossy_fibre_2018")
    group = result.fits[0]
    assert group.best.name == "depression_facilitation"
    assert len(group.names) == 7 and group.best.size == 50
    assert group.fits["depression"].aicc - group.best.aicc > 50
    assert group.best.estimate("tau_facil").value == pytest.approx(265, rel=0.1)
    assert result.pulses.taken["sd"] == "sd" and result.pulses.taken["n"] == "n"
    assert any("too simple" in text for text in result.warnings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "the time of the stimulus"),
        ("t_ms,x\n1,2\n", "the amplitude"),
        ("t_ms,mean\n0,1\n10,\n", "line 3, column 'mean'"),
        ("t_ms,mean\n0,1\n0,2\n", "line 3, column 't_ms'"),
        ("protocol,t_ms,mean\na,0,1\na,10,2\na,5,2\n", "line 4, column 't_ms'"),
        ("protocol,t_ms,mean\na,0,1\nb,0,2\nc,0,2\n", "one pulse only"),
        ("t_ms,mean\n0,0\n10,0\n20,0\n30,0\n40,0\n50,0\n60,0\n", "every response is 0"),
        ("t_ms,mean\n0,1\n10,2\n20,3\n", "too few"),
        ("t_ms,mean,sd,n\n0,1,-1,3\n10,2,1,3\n", "line 2, column 'sd'"),
        ("t_ms,mean,sd,n\n0,1,1,0\n10,2,1,3\n", "line 2, column 'n'"),
    ],
)
def test_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "d.csv"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        fit_stp(path)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_sd_without_n_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    rows = "\n".join(f"{20 * i},{5 - 0.4 * i + 0.1 * (i % 2)},1" for i in range(8))
    path.write_text(f"t_ms,mean,sd\n{rows}\n")
    assert any("'sd' not used" in text for text in fit_stp(path).warnings)
    with pytest.raises(InputError, match="--n-column"):
        fit_stp(path, sd_column="sd")
    with pytest.raises(InputError, match="--model"):
        fit_stp(path, models="three_state")
