"""STP fits find what was simulated; their derivatives; shipped trains; wrong inputs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.fit.stp import fit_stp
from synsim.fit.stp_curve import MODELS, Pairs, Trains
from synsim.fit.stp_words import runs_chance
from synsim.models.tsodyks_markram import train
from synsim.models.tsodyks_three_state import train as three_state
from synsim.recordings import find_recording
from tests.reference import tsodyks_markram as reference

Array = NDArray[np.float64]

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


TWO_STATES = ("depression", "depression_facilitation")
VALUES = {"A": 3.0, "U": 0.3, "tau_rec": 80.0, "tau_facil": 50.0, "tau_inact": 7.0}


def expected_train(times: Array, names: Sequence[str]) -> Array:
    """u x of tests/reference, which steps through a train in plain Python."""
    facil = VALUES["tau_facil"] if "tau_facil" in names else 0.0
    if "tau_inact" in names:
        found = reference.three_state(times, 0.3, 80.0, facil, VALUES["tau_inact"])
        return found.response
    return reference.two_state(times, 0.3, 80.0, facil).response


@pytest.mark.parametrize("model", MODELS)
def test_curve_is_that_of_the_model(model: str) -> None:
    trains = Trains(TIMES)
    names = trains.parameters(model)
    columns = [np.full((2, 1), VALUES[name]) for name in names]
    found = trains.curve(model, *columns)
    expected = np.concatenate([3.0 * expected_train(t, names) for t in TIMES])
    assert found.shape == (2, expected.size)
    np.testing.assert_allclose(found, [expected, expected], rtol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_ratio_of_pairs(model: str) -> None:
    gaps = np.array([3.0, 40.0, 900.0])
    pairs = Pairs(gaps)
    names = pairs.parameters(model)
    assert "A" not in names
    found = pairs.curve(model, *(np.full((1, 1), VALUES[name]) for name in names))
    trains = [expected_train(np.array([0.0, h]), names) for h in gaps]
    np.testing.assert_allclose(found[0], [r[1] / r[0] for r in trains], rtol=1e-12)


@pytest.mark.parametrize("kind", [Trains(TIMES), Pairs(np.array([3.0, 40.0, 900.0]))])
@pytest.mark.parametrize("inact", [7.0, 79.9, 80.0 * (1 - 1e-5), 95.0])
@pytest.mark.parametrize("model", MODELS)
def test_gradient(model: str, inact: float, kind: Trains) -> None:
    """Differences of the curve; also where the time constants meet, and beyond."""
    values = [(VALUES | {"tau_inact": inact})[name] for name in kind.parameters(model)]
    columns = [np.array([[v]]) for v in values]
    for j, slope in enumerate(kind.gradient(model, *columns)):
        step = 1e-6 * columns[j]
        up, down = list(columns), list(columns)
        up[j], down[j] = columns[j] + step, columns[j] - step
        difference = kind.curve(model, *up) - kind.curve(model, *down)
        assert slope == pytest.approx(difference / (2 * step), rel=1e-5, abs=1e-7)


def test_time_constants_of_three_states_may_be_exchanged() -> None:
    """So the shorter is called tau_inact: by the model file, which does not know of that."""
    for times in TIMES:
        one = three_state(times, 0.3, 80.0, 50.0, 7.0)
        other = three_state(times, 0.3, 7.0, 50.0, 80.0)
        np.testing.assert_allclose(one[0] * one[1], other[0] * other[1], rtol=1e-12)


@pytest.mark.parametrize(
    ("best", "truth"),
    [
        ("depression", {"A": 5.0, "U": 0.5, "tau_rec": 300.0, "tau_facil": 0.0}),
        ("depression_facilitation", {"A": 5.0, "U": 0.15, "tau_rec": 150.0, "tau_facil": 400.0}),
    ],
)
def test_recovers(best: str, truth: dict[str, float]) -> None:
    result = fit_stp(frame(*truth.values(), noise=0.02, seed=4), models=TWO_STATES)
    (group,) = result.fits
    assert group.best.name == best
    assert len(group.names) == 3
    for e in group.best.estimates:
        low, high = e.interval
        assert low is not None and high is not None
        assert low < e.value < high
        assert abs(e.value - truth[e.name]) < 3 * (high - low) / 3.92
    assert group.best.r2 > 0.95


def test_an_inactive_state_is_found_where_intervals_are_short() -> None:
    """And the four parameters with it; the other models are well behind."""
    truth = {"A": 5.0, "U": 0.5, "tau_rec": 300.0, "tau_inact": 30.0}
    trains = [np.cumsum([0, 5, 10, 20, 40, 80, 160, 5, 15, 300.0]), np.arange(10) * 12.0]
    rng = np.random.default_rng(3)
    parts = []
    for i, times in enumerate(trains):
        y = 5.0 * reference.three_state(times, 0.5, 300.0, 0.0, 30.0).response
        noise = 0.02 * rng.standard_normal(times.size)
        parts.append(pd.DataFrame({"train": i, "t_ms": times, "mean": y + noise, "sem": 0.02}))
    (group,) = fit_stp(pd.concat(parts), models="depression,three_state").fits
    assert group.best.name == "three_state"
    assert group.fits["depression"].bic - group.best.bic > 10
    for e in group.best.estimates:
        low, high = e.interval
        assert low is not None and high is not None
        assert low < truth[e.name] < high and high / low < 3


def test_an_inactive_state_is_not_tried_where_intervals_are_alike() -> None:
    times = np.arange(12) * 20.0
    u, x = train(times, 0.4, 300.0, 0.0)
    y = 5 * u * x + 0.02 * np.random.default_rng(2).standard_normal(12)
    frame = pd.DataFrame({"t_ms": times, "mean": y})
    (group,) = fit_stp(frame, models="depression,three_state").fits
    assert set(group.fits) == {"depression"}
    assert "1 different intervals are too few" in group.skipped["three_state"]


def pairs(seed: int) -> pd.DataFrame:
    gaps = np.geomspace(5, 4000, 14)
    ratio = 1 - 0.7 * np.exp(-gaps / 400.0)
    noise = 0.02 * np.random.default_rng(seed).standard_normal(14)
    return pd.DataFrame({"interval_s": gaps / 1e3, "ratio": ratio + noise})


def test_recovery_of_pairs(tmp_path: Path) -> None:
    """1 - U exp(-h/tau_rec): both are found, in the right unit, and A is not asked for."""
    result = fit_stp(pairs(6))
    (group,) = result.fits
    assert group.best.name == "depression"
    for name, value in (("U", 0.7), ("tau_rec", 400.0)):
        low, high = group.best.estimate(name).interval
        assert low is not None and high is not None and low < value < high < 1.5 * low
    assert {e.name for e in group.best.estimates} == {"U", "tau_rec"}
    assert result.pulses.taken["interval"] == "interval_s"
    frame = result.to_frame()
    assert {"interval_ms", "ratio", "fitted"} <= set(frame.columns)
    np.testing.assert_allclose(frame["interval_ms"], np.geomspace(5, 4000, 14))
    assert "14 pairs of pulses" in result.summary()
    result.save(tmp_path / "out")
    assert (tmp_path / "out" / "figure.png").stat().st_size > 5000


def test_runs_against_every_order() -> None:
    for n, m in ((5, 5), (3, 6), (1, 4)):
        places = itertools.combinations(range(n + m), n)
        orders = [[i in chosen for i in range(n + m)] for chosen in places]
        runs = np.array([1 + sum(a != b for a, b in itertools.pairwise(o)) for o in orders])
        for most in range(1, n + m + 1):
            assert runs_chance(most, n, m) == pytest.approx(np.mean(runs <= most), abs=1e-14)


def test_pairs_of_several_synapses_are_not_pooled_in_silence() -> None:
    both = pd.concat([pairs(1).assign(kind="a"), pairs(2).assign(kind="b")])
    assert any("--group-by kind" in text for text in fit_stp(both, models="depression").warnings)
    result = fit_stp(both, group_by="kind", models="depression")
    assert len(result.fits) == 2 and not any("kind" in text for text in result.warnings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("interval_ms,ratio\n0,1\n10,2\n", "line 2, column 'interval_ms'"),
        ("interval_ms,ratio\n10,1\n20,-0.2\n", "line 3, column 'ratio'"),
        ("interval_ms,isi_ms,ratio\n10,10,1\n", "--interval-column"),
        ("interval,ratio\n10,1\n", "the time of the stimulus"),
    ],
)
def test_wrong_pairs_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "d.csv"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        fit_stp(path)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_retina_recovers_slower_than_one_time_constant_says() -> None:
    """Data that does not ship: below SYNSIM_DATA, where there is such a folder."""
    try:
        path = find_recording("retina_lgn_recovery")
    except InputError:
        pytest.skip("retina_lgn_recovery.csv is not here: SYNSIM_DATA names a folder with it")
    result = fit_stp(path, group_by="receptor", models="depression")
    assert [g.group["receptor"] for g in result.fits] == ["AMPA", "NMDA", "GABA"]
    for group in result.fits:
        residuals = group.best.problem.y - group.best.fitted
        # below the curve at both ends, above it between: broader than one exponential
        assert residuals[0] < 0 and residuals[-1] < 0 and residuals[2:6].max() > 0
    assert any("another shape" in text for text in result.fits[0].warnings)


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
    result = fit_stp("pvbc_depressing", models=TWO_STATES)
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
    result = fit_stp("mossy_fibre_2018", models=TWO_STATES)
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
        fit_stp(path, models="four_state")
