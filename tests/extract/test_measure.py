"""The measurement against closed forms: overlap, noise, what is unbiased and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from synsim.component import InputError
from synsim.extract import decay, measure, stimuli
from synsim.extract.measure import Windows
from synsim.extract.recording import Trace

WINDOWS = Windows((-40, 0), (4, 90), 5)
STIMULI = np.array([200, 300, 430, 500])
SIZES = np.array([-3.0, 0.0, -7.0, -2.0])
TAU = 55.0


def exponentials(tau: float, base: float) -> np.ndarray:
    """Responses that jump to their size 3 samples after the stimulus and decay with tau."""
    at = np.arange(900)
    found = np.full(at.size, base)
    for s, size in zip(STIMULI, SIZES, strict=True):
        found += np.where(at >= s + 3, size * np.exp(-(at - s - 3) / tau), 0.0)
    return found


def test_overlapping_decays_are_taken_away_exactly() -> None:
    """y_i(l) of each response is its own exponential, whatever came before and whatever b is."""
    lags = np.arange(3, 60)
    found = measure.responses(exponentials(TAU, 17.0), STIMULI, WINDOWS, TAU, lags)
    expected = np.outer(SIZES, np.exp(-(lags - 3) / TAU))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_drift_after_a_long_pause_is_no_remnant() -> None:
    """The baseline jumps by 20 while nothing is left: later pulses start from the new one."""
    trace = np.concatenate([exponentials(TAU, 17.0), exponentials(TAU, 37.0)])
    stimuli = np.concatenate([STIMULI, STIMULI + 900])
    assert measure.rested(stimuli, TAU).tolist() == [0, 0, 0, 0, 4, 4, 4, 4]
    assert measure.rested(stimuli, None).tolist() == [0] * 8
    found = measure.responses(trace, stimuli, WINDOWS, TAU, np.arange(3, 60))
    np.testing.assert_allclose(found[:4], found[4:], atol=1e-12)


def test_without_correction_the_remnant_is_lost() -> None:
    """The error is (m - b) (1 - e^(-l/tau) / c), m - b the remnant seen in the baseline."""
    trace, lag = exponentials(TAU, 17.0), 10
    local = measure.baselines(trace, STIMULI, WINDOWS)
    raw = measure.at_latency(trace, STIMULI, WINDOWS, None, lag)
    right = measure.at_latency(trace, STIMULI, WINDOWS, TAU, lag)
    window = np.arange(-40, 0)
    shape = np.exp(-np.arange(lag - 5, lag + 6) / TAU) / np.exp(-window / TAU).mean()
    np.testing.assert_allclose(raw - right, -(local - 17.0) * (1 - shape.mean()), atol=1e-12)
    assert raw[1] > 0.3  # a failure after a response looks like one of the other sign


def test_latency_is_unbiased_own_extremum_is_not() -> None:
    """Failures in white noise of SD 1: variance 1/11 + 1/40; the largest of many is not 0."""
    rng = np.random.default_rng(4)
    at, own = [], []
    for _ in range(400):
        noise = rng.standard_normal(900)
        at.append(measure.at_latency(noise, STIMULI[:1], WINDOWS, None, 20)[0])
        own.append(measure.own_peaks(noise, STIMULI[:1], WINDOWS, None, -1)[0][0])
    sd = np.sqrt(1 / 11 + 1 / 40)
    assert stats.kstest(at, stats.norm(0, sd).cdf).pvalue > 0.01
    assert np.mean(own) < -8 * sd / np.sqrt(400)


def test_noise_of_a_corrected_response() -> None:
    """Weights of the corrected measurement: 1/11 at the peak, r/40 and (1-r)/40 below."""
    rng = np.random.default_rng(5)
    tau, lag = 55.0, 20
    r = measure.remnant(WINDOWS, np.arange(lag - 5, lag + 6), tau).mean()
    found = [
        measure.at_latency(rng.standard_normal(900), STIMULI, WINDOWS, tau, lag)[2]
        for _ in range(1500)
    ]
    expected = 1 / 11 + (r**2 + (1 - r) ** 2) / 40
    assert abs(np.var(found) / expected - 1) < 4 * np.sqrt(2 / 1500)


def test_running_means() -> None:
    rows = np.random.default_rng(1).standard_normal((3, 50))
    expected = [np.convolve(row, np.ones(7) / 7, "valid") for row in rows]
    np.testing.assert_allclose(measure.smooth(rows, 3), expected, atol=1e-12)


@given(st.integers(0, 300), st.integers(0, 2000), st.integers(1, 90))
@settings(max_examples=60, deadline=None)
def test_empty_places_do_not_overlap_and_touch_no_response(
    clear: int, quiet: int, reach: int
) -> None:
    first = clear + quiet
    places = measure.empty_places(clear, first, WINDOWS, reach)
    assert places.size == quiet // (reach + 40)
    assert all(p - 40 >= clear and p + reach <= first for p in places)
    assert all(np.diff(places) == -(reach + 40))


def test_decay_of_a_pure_exponential() -> None:
    lags = np.arange(600)
    rows = np.tile(-5.0 * np.exp(-lags / 70.0), (4, 1))
    found = decay.fit(rows, 0, -1)
    assert found.tau == pytest.approx(70.0, rel=1e-6)
    assert found.r2 == pytest.approx(1.0)
    assert found.se == pytest.approx(0.0, abs=1e-4)


def test_error_of_the_decay() -> None:
    """tau is right to 4 standard errors, and the jackknife's error is that of many experiments."""
    rng = np.random.default_rng(8)
    lags = np.arange(400)
    shape = -10.0 * np.exp(-lags / 70.0)
    taus, errors = [], []
    for _ in range(60):
        rows = shape * rng.uniform(0.5, 1.5, (30, 1)) + 2.0 * rng.standard_normal((30, 400))
        found = decay.fit(rows, 0, -1)
        taus.append(found.tau)
        errors.append(found.se)
    spread = np.std(taus, ddof=1)
    assert abs(np.mean(taus) - 70.0) < 4 * spread / np.sqrt(60)
    assert 0.75 < np.mean(errors) / spread < 1.33  # SD of an SD of 60 is 9 %


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (np.full((3, 200), -5.0), "before the last response has fallen"),
        (-5.0 * np.exp(-np.arange(200.0) / 2)[None], "samples of the decay"),
        (-5.0 * np.exp(-np.arange(20.0) / 50)[None], "only 2 samples of the decay"),
    ],
)
def test_decay_that_is_not_seen(rows: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        decay.fit(rows, 0, -1)


@given(
    st.lists(st.tuples(st.integers(2, 40), st.integers(2, 40)), min_size=1, max_size=8),
    st.sampled_from([-1.0, 1.0]),
    st.floats(-100, 100),
)
@settings(max_examples=60, deadline=None)
def test_onsets_of_pulses(pulses: list[tuple[int, int]], sign: float, rest: float) -> None:
    """Pulses of any width, after pauses of any length, on any rest: the first sample of each."""
    values, expected = [rest], []
    for pause, width in pulses:
        values += [rest] * pause
        expected.append(len(values))
        values += [rest + 5.0 * sign] * width
    values += [rest]
    found = stimuli.onsets(Trace(np.array(values), "V", 1e-4, 2e-3))
    np.testing.assert_allclose(found, 2e-3 + 1e-4 * np.array(expected))
