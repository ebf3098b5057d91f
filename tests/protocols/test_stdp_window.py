"""The STDP window: against the closed form, and against pairs counted one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synsim import PairSTDP
from synsim.component.errors import FieldError
from synsim.models.pair_stdp import PAIRINGS
from synsim.predict.pairing import pairing_course
from synsim.protocol import Result, Running
from synsim.protocols import stdp_window
from synsim.protocols.stdp_window import Settings
from tests.protocols.base import ProtocolTests
from tests.reference import pair_stdp as reference

DEVIATION = "largest_deviation_from_closed_form"


class TestStdpWindow(ProtocolTests):
    module = stdp_window
    small = "n_pairs=3 rate=10Hz"
    columns = ("delta_t_ms", "repeat", "dw_rel")


class TestStochasticWindow(ProtocolTests):
    """The same protocol where the change is measured by test pulses."""

    module = stdp_window
    small = (
        "n_pairs=3 rate=10Hz release=binomial n=4 delta_t=-20ms:20ms:10ms repeats=40 "
        "test_pulses=5 test_rate=5Hz"
    )
    columns = ("delta_t_ms", "repeat", "dw_rel")
    deterministic = False


def rule(**changes: Any) -> PairSTDP:
    return PairSTDP.preset("bi-poo-2001", **changes)


def change_by_counting(settings: Settings, lag: float) -> float:
    """dw_rel by enumeration of all pairs of spikes; `lag` at the synapse, s."""
    made = settings.rule
    assert isinstance(made, PairSTDP)
    period = round(1 / settings.rate / settings.time_step) * settings.time_step
    pre = 1.0 + np.arange(settings.n_pairs) * period
    events = reference.weight_events(
        pre,
        pre + lag,
        a_plus=made.a_plus,
        a_minus=made.a_minus,
        tau_plus=made.tau_plus,
        tau_minus=made.tau_minus,
        mu_plus=made.mu_plus,
        mu_minus=made.mu_minus,
        bounds=made.bounds,  # type: ignore[arg-type]
        pairing=made.pairing,  # type: ignore[arg-type]
        coincidence=made.coincident,  # type: ignore[arg-type]
        w0=settings.w0,
    )
    return events[-1].weight / settings.w0 - 1


def assert_closed_form(done: Result, limit: float = 1e-10) -> None:
    """The deviation that it reports, and the same worked out here."""
    settings = done.settings
    lag = np.asarray(done.columns["delta_t_ms"]) * 1e-3
    course = pairing_course(
        settings.rule,
        np.rint(lag / settings.time_step).astype(int),
        settings.period_steps,
        settings.n_pairs,
        settings.time_step,
        settings.w0,
    )
    exact = course[:, -1] / settings.w0 - 1
    assert np.max(np.abs(done.columns["dw_rel"] - exact)) <= limit
    assert done.results[DEVIATION] <= limit


@pytest.mark.parametrize("scheme", PAIRINGS)
def test_default_settings(scheme: str) -> None:
    """101 lags, 60 pairings at 1 Hz: additive, then weight-dependent on the same build."""
    done = stdp_window.run(Settings(rule=rule(pairing=scheme)))
    assert len(done.columns["delta_t_ms"]) == 101
    assert_closed_form(done)
    for mu in ((1.0, 1.0), (0.0, 1.0), (0.4, 0.02)):
        made = rule(pairing=scheme, mu_plus=mu[0], mu_minus=mu[1], a_plus=0.02, a_minus=0.03)
        other = stdp_window.run(Settings(rule=made, w0=0.3))
        assert_closed_form(other)
        assert abs(other.results["dw_rel_max"] - done.results["dw_rel_max"]) > 0.01
    for lag in (-40, -2, 0, 2, 60):
        row = done.columns["delta_t_ms"].tolist().index(lag)
        expected = change_by_counting(done.settings, lag * 1e-3)
        assert done.columns["dw_rel"][row] == pytest.approx(expected, abs=1e-12)


def test_the_default_is_bi_and_poos_window() -> None:
    done = stdp_window.run(Settings())
    lag, change = done.columns["delta_t_ms"], done.columns["dw_rel"]
    np.testing.assert_array_equal(lag, np.arange(-100, 101, 2))
    after = lag > 0
    np.testing.assert_allclose(change[after], 0.777 * np.exp(-lag[after] / 16.8), atol=1e-9)
    before = lag < 0
    np.testing.assert_allclose(change[before], -0.273 * np.exp(lag[before] / 33.7), atol=1e-9)
    assert abs(change[lag == 0][0]) < 1e-9
    assert done.results["delta_t_of_max_ms"] == 2 and done.results["delta_t_of_min_ms"] == -2
    assert done.results["n_lags"] == 101 and done.results["n_repeats"] == 1
    assert done.columns["repeat"].tolist() == [1] * 101
    assert done.conventions["dw_rel"] == "mean response after / before - 1, exact"
    assert done.conventions["pairing"] == "all-to-all"
    assert any("Bi & Poo 1998" in c for c in done.citations)


@pytest.mark.parametrize("scheme", PAIRINGS)
def test_overlapping_pairings(scheme: str) -> None:
    """At 40 Hz lags reach beyond the period, where the schemes differ most."""
    settings = Settings(rule=rule(pairing=scheme), rate="40Hz", n_pairs=20)
    done = stdp_window.run(settings)
    assert_closed_form(done)
    for lag in (-90, -50, -26, -24, 0, 24, 26, 50, 74):
        row = done.columns["delta_t_ms"].tolist().index(lag)
        expected = change_by_counting(settings, lag * 1e-3)
        assert done.columns["dw_rel"][row] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("delay", "dendritic", "at", "shift"),
    [
        ("3ms", "0ms", "synapse", 0.0),
        ("3ms", "0ms", "soma", -3.0),
        ("0ms", "12ms", "soma", 12.0),
        ("0ms", "12ms", "synapse", 0.0),
        ("120ms", "5.5ms", "soma", -114.5),
        ("120ms", "5.5ms", "synapse", 0.0),
    ],
)
def test_delays(delay: str, dendritic: str, at: str, shift: float) -> None:
    """The lag is that at the synapse; asked for at the soma, it is that less the axon's."""
    settings = Settings(delay=delay, dendritic_delay=dendritic, lag_at=at, n_pairs=8, rate="5Hz")
    done = stdp_window.run(settings)
    np.testing.assert_allclose(
        done.columns["delta_t_ms"], np.arange(-100, 101, 2) + shift, rtol=0, atol=1e-9
    )
    assert_closed_form(done)
    row = 70
    lag = done.columns["delta_t_ms"][row] * 1e-3
    assert done.columns["dw_rel"][row] == pytest.approx(
        change_by_counting(settings, lag), abs=1e-12
    )
    assert done.conventions["lag is meant at the"] == at


def test_off_grid_lags_and_periods_are_reported_as_they_ran() -> None:
    settings = Settings(delta_t="-10.26ms,-5ms,0.04ms,7.26ms", rate="3Hz", n_pairs=4)
    done = stdp_window.run(settings)
    assert done.columns["delta_t_ms"].tolist() == [-10.3, -5.0, 0.0, 7.3]
    assert_closed_form(done)
    assert done.warnings == (
        "3 lags were put on the grid of 0.1 ms, the furthest by 0.04 ms; the table shows them as "
        "they ran",
        "the period of 3 Hz was put on the grid of 0.1 ms: it ran at 3.0003 Hz",
    )
    assert done.summary()["warnings"] == list(done.warnings)
    finer = stdp_window.run(
        Settings(delta_t="-10.26ms,-5ms,0.04ms,7.26ms", rate="4Hz", n_pairs=4, time_step="0.02ms")
    )
    assert finer.columns["delta_t_ms"].tolist() == [-10.26, -5.0, 0.04, 7.26]
    assert finer.warnings == ()
    assert_closed_form(finer)


@pytest.mark.parametrize(
    ("coincident", "expected"), [("none", 0.0), ("pre-first", 0.777), ("post-first", -0.273)]
)
def test_lag_of_zero(coincident: str, expected: float) -> None:
    settings = Settings(rule=rule(coincident=coincident), delta_t="0ms")
    done = stdp_window.run(settings, Running(backend="numpy"))
    assert done.columns["delta_t_ms"].tolist() == [0.0]
    assert done.columns["dw_rel"].tolist() == pytest.approx([expected], abs=1e-9)
    assert_closed_form(done)
    assert "pair rule" in done.plot().get_title(loc="left")


@pytest.mark.parametrize("lags", ["12ms", "-12ms", "0ms", "5ms,5ms", "30ms,-30ms,2ms"])
def test_few_lags_in_any_order(lags: str) -> None:
    done = stdp_window.run(Settings(delta_t=lags))
    expected = [float(part.removesuffix("ms")) for part in lags.split(",")]
    assert done.columns["delta_t_ms"].tolist() == expected
    assert_closed_form(done)
    assert done.plot().lines


def test_repeats_without_noise_are_the_same_and_said_so() -> None:
    done = stdp_window.run(Settings(delta_t="-10ms:10ms:5ms", repeats=3))
    assert done.columns["repeat"].tolist() == [1, 2, 3] * 5
    assert done.columns["delta_t_ms"].tolist() == np.repeat(np.arange(-10, 11, 5), 3).tolist()
    change = done.columns["dw_rel"].reshape(5, 3)
    assert np.all(change == change[:, :1])
    assert done.warnings == ("release is without noise: the repeats are the same",)


def test_plasticity_of_the_number_of_sites_goes_in_steps() -> None:
    settings = Settings(acts_on="n", n=10, delta_t="-20ms:20ms:5ms")
    done = stdp_window.run(settings, Running(backend="numpy"))
    sites = (done.columns["dw_rel"] + 1) * 5
    np.testing.assert_allclose(sites, np.rint(sites), atol=1e-12)
    weights = [0.5 * (1 + change_by_counting(settings, lag * 1e-3)) for lag in range(-20, 21, 5)]
    np.testing.assert_array_equal(np.rint(sites), np.floor(np.array(weights) * 10 + 0.5))


LAGS = [-30, -10, 10, 30]


def measured(
    backend: str | None = None, **changes: Any
) -> tuple[Result, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A window by test pulses, its changes by lag and repeat, and what they should be."""
    given: dict[str, Any] = {
        "delta_t": ",".join(f"{lag}ms" for lag in LAGS),
        "release": "binomial",
        "n": 20,
        "p": 0.5,
        "repeats": 50,
        "test_pulses": 200,
        "test_rate": "2Hz",
    }
    settings = Settings(**(given | changes))
    done = stdp_window.run(settings, Running(seed=11, backend=backend))
    exact = [change_by_counting(settings, lag * 1e-3) for lag in LAGS]
    found = np.asarray(done.columns["dw_rel"]).reshape(len(LAGS), -1)
    return done, found, np.array(exact)


@pytest.mark.parametrize("p", [0.5, 0.9])
def test_stochastic_release_finds_the_closed_form(p: float) -> None:
    """Mean dw_rel of 50 repeats within 4 standard errors, for w acting on q.

    A ratio of means is biased: E[after/before] = (ratio)(1 + cv^2/m) to first order, cv the
    coefficient of variation of one response, sqrt((1 - p)/(n p)), and m the test pulses before.
    With n = 20, p = 0.5 and m = 200 that is 2.5e-4 of the ratio, a tenth of the standard error
    of 50 repeats, sqrt(2 cv^2/(50 m)) = 3.2e-3 of it: left alone. The test pulses, 500 ms from
    the pairings, change the weight by less than 1e-6.
    """
    done, found, exact = measured(p=p)
    cv2 = (1 - p) / (20 * p)
    spread = (1 + exact) * np.sqrt(2 * cv2 / 200)
    error = spread / np.sqrt(50)
    assert np.all(np.abs(found.mean(axis=1) - exact) < 4 * error)
    # The scatter itself, within 4 standard errors of a standard deviation (normal: 1/sqrt(2 N))
    assert np.all(np.abs(found.std(axis=1, ddof=1) / spread - 1) < 4 / np.sqrt(2 * 49))
    assert np.min(np.abs(exact)) > 20 * np.max(error) or np.min(np.abs(exact)) > 0.1
    assert done.conventions["dw_rel"] == "mean response after / before - 1, by test pulses"
    assert "largest_deviation_from_closed_form" not in done.results
    assert done.results["n_comparisons"] == len(LAGS)
    deviation = done.results["largest_deviation_in_standard_errors"]
    # of nearly unbiased ratios of sums, so close to that of the mean of the ratios
    by_hand = np.abs(found.mean(axis=1) - exact) / (found.std(axis=1, ddof=1) / np.sqrt(50))
    assert 0 < deviation < 4
    assert deviation == pytest.approx(by_hand.max(), abs=0.2)
    assert done.results["dw_rel_max"] == pytest.approx(found.mean(axis=1).max(), rel=1e-12)
    assert done.columns["repeat"].tolist() == list(range(1, 51)) * len(LAGS)
    assert done.columns["delta_t_ms"].tolist() == np.repeat(LAGS, 50).tolist()


def test_small_samples_are_biased_as_said() -> None:
    """That the bias is there, and has this size, with 3 test pulses of one site."""
    done, found, exact = measured("numpy", n_pairs=5, test_pulses=3, repeats=800, test_rate="1Hz")
    ratio = (found + 1) / (1 + exact)[:, None]
    excess = ratio.mean() - 1
    error = ratio.std() / np.sqrt(ratio.size)
    assert excess > 4 * error
    assert done.results["largest_deviation_in_standard_errors"] < 4  # of means: without the bias
    # to second order: cv^2/m (1 + ...), 0.05/3
    assert excess == pytest.approx(0.05 / 3, abs=4 * error + 0.002)


def test_recording_noise_is_measured_too() -> None:
    """Mean-field release with noise: scatter s0/(response) of one pulse."""
    settings = Settings(
        delta_t="10ms", q="2mV", n=1, p=0.5, s0="0.05mV", repeats=60, test_pulses=25,
        test_rate="2Hz",
    )  # fmt: skip
    done = stdp_window.run(settings, Running(backend="numpy", seed=4))
    exact = change_by_counting(settings, 0.01)
    response = 0.5 * 2 * 0.5  # w q p, mV
    ratio = 1 + exact
    error = 0.05 / response / np.sqrt(25) * np.sqrt(1 + ratio**2) / np.sqrt(60)
    assert abs(np.mean(done.columns["dw_rel"]) - exact) < 4 * error
    assert np.std(done.columns["dw_rel"]) > 0


def test_measurements_without_any_response_are_left_empty() -> None:
    settings = Settings(
        delta_t="10ms", release="binomial", n=1, p=0.2, repeats=200, test_pulses=2,
        test_rate="2Hz", n_pairs=1,
    )  # fmt: skip
    done = stdp_window.run(settings, Running(seed=2))
    change = np.asarray(done.columns["dw_rel"])
    empty = int(np.isnan(change).sum())
    # 0.8^2 of the 200, within 4 standard errors
    assert abs(empty - 128) < 4 * np.sqrt(200 * 0.64 * 0.36)
    assert done.warnings == (
        f"{empty} of 200 measurements have no response to any test pulse before: their change is "
        "left empty",
    )
    assert done.results["dw_rel_max"] == pytest.approx(np.nanmean(change))
    assert done.plot().get_xlabel()


@pytest.mark.parametrize(
    ("settings", "field", "problem"),
    [
        ({"delta_t": ""}, "delta_t", "found an empty list, expected at least one value"),
        ({"n": 0}, "n", "found a synapse without any response at the start, expected one: the "
         "change is relative to it"),
        ({"p": 0}, "p", "found a synapse without any response at the start, expected one: the "
         "change is relative to it"),
        ({"q": "0mV"}, "q", "found a synapse without any response at the start, expected one: "
         "the change is relative to it"),
        ({"acts_on": "n", "w0": 0.4}, "n", "found a synapse without any response at the start, "
         "expected one: the change is relative to it"),
        ({"w0": 0}, "w0", "found 0, expected a value above 0"),
        ({"w0": 1.5}, "w0", "found 1.5, expected a value at least 0 and at most 1"),
        ({"rule": None}, "rule", "found none, expected a plasticity rule"),
        ({"repeats": 0}, "repeats", "found 0, expected a value at least 1"),
        ({"test_pulses": 0}, "test_pulses", "found 0, expected a value at least 1"),
        ({"test_rate": "0Hz"}, "test_rate", "found 0 Hz, expected a value above 0 Hz"),
        ({"release": "sites"}, "release", "found 'sites' without short-term plasticity, expected "
         "it with its tau_rec, which refills the sites"),
        ({"cv_within": 0.3}, "cv_within", "found with mean-field release, expected binomial or "
         "sites: a mean has no scatter"),
        ({"s0": "1pA"}, "s0", "found s0 = 1 pA, expected the dimension of q = 1 mV"),
        ({"p": 0.5, "U": 0.5}, "U", "found 0.5 beside p = 0.5, expected one of the two: they are "
         "the same quantity"),
        ({"tau_facil": "10ms"}, "tau_facil", "found 10 ms without tau_rec, expected both"),
        ({"rule": rule(bounds="none"), "acts_on": "p"}, "acts_on", "found 'p' with a rule without "
         "bounds, expected 'q': only a weight in [0, 1] can scale p or n"),
    ],
)  # fmt: skip
def test_refused(settings: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(FieldError) as error:
        Settings(**settings)
    assert (error.value.field, error.value.problem) == (field, problem)
    assert "\n" not in str(error.value)
