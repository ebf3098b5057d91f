"""The short-term protocols: what every protocol owes, and their agreement with closed forms.

Deviations are in standard errors; with the number of comparisons of each (at most 120 here) one in
some 100 such tests would exceed 4 by chance. Seeds are fixed.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from synsim import Synapse
from synsim.component.errors import FieldError
from synsim.models.lif import LIF
from synsim.models.synaptic_currents import DeltaInput, ExponentialCurrent
from synsim.predict.train import predict_train
from synsim.protocol import Running
from synsim.protocols import (
    amplitude_histogram,
    frequency_response,
    paired_pulse,
    recovery,
    stp_train,
    variance_mean,
)
from synsim.settings import from_texts
from synsim.stimuli import summation, trains
from tests.protocols.base import ProtocolTests

QUANTA = ("mean", "var", "failure_rate", "mean_exact", "var_exact", "mean_mV", "var_mV2")


class TestPairedPulse(ProtocolTests):
    module = paired_pulse
    small = "interval=10ms,50ms,300ms repeats=40"
    columns = (
        "interval_ms",
        "pulse",
        *QUANTA,
        "paired_pulse_ratio",
        "paired_pulse_ratio_se",
        "paired_pulse_ratio_exact",
    )
    deterministic = False


class TestRecovery(ProtocolTests):
    module = recovery
    small = "pause=100ms,800ms pulses=4 repeats=50"
    columns = ("pause_ms", *QUANTA, "recovered", "recovered_se", "recovered_exact")
    deterministic = False


class TestFrequencyResponse(ProtocolTests):
    module = frequency_response
    small = "rate=2Hz,20Hz,100Hz repeats=40"
    columns = (
        "rate_Hz",
        *QUANTA,
        "mean_per_s",
        "failures_per_s",
        "mean_per_s_exact",
        "failures_per_s_exact",
    )
    deterministic = False


class TestAmplitudeHistogram(ProtocolTests):
    module = amplitude_histogram
    small = "repeats=120 n=6 p=0.4"
    columns = ("repeat", "released", "amplitude_mV")
    deterministic = False


class TestVarianceMean(ProtocolTests):
    module = variance_mean
    small = "probabilities=0.2,0.5,0.8 repeats=40"
    columns = (
        "point",
        "release_probability",
        *QUANTA,
        "var_se_mV2",
        "mean_exact_mV",
        "var_exact_mV2",
        "p_estimated",
    )
    deterministic = False


# --- agreement with closed forms, at settings of some size ------------------------------


def outcome(module: ModuleType, seed: int = 11, **texts: str) -> Any:
    return module.run(from_texts(module.Settings, texts), Running(seed=seed))


CASES = [
    (paired_pulse, {"interval": "5ms:105ms:10ms"}),
    (paired_pulse, {"interval": "5ms:105ms:10ms", "synapse": "maass-ee", "n": "2"}),
    (paired_pulse, {"interval": "5ms:105ms:10ms", "release": "binomial", "delay": "2ms"}),
    (paired_pulse, {"interval": "5ms:105ms:10ms", "synapse": "tsodyks-1998-depressing",
                    "release": "binomial"}),
    (recovery, {"pause": "50ms:2050ms:100ms", "repeats": "400"}),
    (recovery, {"pause": "20ms:420ms:20ms", "synapse": "gupta-i1", "pulses": "5",
                "repeats": "400"}),
    (frequency_response, {"rate": "1Hz,5Hz,20Hz,100Hz,200Hz"}),
    (frequency_response, {"rate": "1Hz,5Hz,20Hz,100Hz", "synapse": "tm-depressing"}),
    (frequency_response, {"rate": "1Hz,5Hz,20Hz,100Hz", "synapse": "tsodyks-1998-facilitating",
                          "release": "binomial", "n": "40"}),
    (amplitude_histogram, {}),
    (amplitude_histogram, {"n": "4", "p": "0.4", "cv_between": "0.4"}),
    (amplitude_histogram, {"n": "4", "p": "0.4", "s0": "none"}),
    (amplitude_histogram, {"n": "4", "p": "0.4", "s0": "none", "cv_within": "0", "q": "-20pA"}),
    (amplitude_histogram, {"n": "4", "tau_rec": "100ms", "U": "0.7", "release": "sites"}),
    (variance_mean, {}),
    (variance_mean, {"cv_between": "0.3", "n": "12", "q": "-8pA", "s0": "3pA"}),
    (variance_mean, {"over": "train", "tau_rec": "300ms", "U": "0.9", "release": "sites"}),
    (variance_mean, {"tau_rec": "300ms", "release": "sites", "s0": "none", "cv_within": "0"}),
]  # fmt: skip


@pytest.fixture(scope="module", params=range(len(CASES)), ids=lambda i: f"{CASES[i][0].NAME}-{i}")
def done(request: pytest.FixtureRequest) -> Any:
    module, texts = CASES[request.param]
    return outcome(module, **texts)


def test_within_four_standard_errors(done: Any) -> None:
    deviations = {k: v for k, v in done.results.items() if "deviation" in k}
    assert len(deviations) >= 3
    assert max(deviations.values()) < 4
    assert min(deviations.values()) > 0, "a deviation of nothing is no comparison"
    assert done.results["n_comparisons"] <= 120


def test_figures_can_be_drawn(done: Any) -> None:
    assert done._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("module", [paired_pulse, recovery, frequency_response])
def test_mean_field_is_exact(module: ModuleType) -> None:
    found = outcome(module, release="mean-field", repeats="2")
    assert found.results["largest_deviation_of_mean"] < 1e-4  # trains that settle to 1e-5 of x
    if module is not frequency_response:
        assert found.results["largest_deviation_of_mean"] < 1e-12
    assert np.all(found.columns["var"] == 0)


# --- paired pulses ----------------------------------------------------------------------


def test_paired_pulse_ratio_is_that_of_its_docstring() -> None:
    found = outcome(paired_pulse, interval="10ms:500ms:70ms", repeats="2")
    h = np.asarray(found.columns["interval_ms"])[1::2] * 1e-3
    U = 0.16
    exact = (1 + (1 - U) * np.exp(-h / 0.376)) * (1 - U * np.exp(-h / 0.045))
    ratio = np.asarray(found.columns["paired_pulse_ratio_exact"])
    np.testing.assert_allclose(ratio[1::2], exact, rtol=1e-13)
    assert np.all(np.isnan(ratio[::2]))


def test_ratio_and_its_standard_error() -> None:
    """The first-order error of a ratio is the scatter of ratios over 4000 experiments."""
    rng = np.random.default_rng(95)
    repeats, experiments = 400, 4000
    first = rng.binomial(5, 0.5, (repeats, experiments)).astype(float)
    second = rng.binomial((5 - first).astype(int), 0.4).astype(float)  # depends on the first
    ratios, errors = trains.ratio(first, second)
    assert errors.mean() == pytest.approx(ratios.std(), rel=0.05)
    missing, error = trains.ratio(np.zeros((5, 1)), np.ones((5, 1)))
    assert np.isnan(missing[0]) and np.isnan(error[0])


def test_closed_form_of_the_standard_error() -> None:
    settings = from_texts(paired_pulse.Settings, {"interval": "10ms,100ms", "repeats": "4000"})
    exact = trains.ratio_error(settings.predictions(), 4000)
    found = paired_pulse.run(settings, Running(seed=3)).columns["paired_pulse_ratio_se"][1::2]
    np.testing.assert_allclose(found, exact, rtol=0.06)


def test_no_first_release_is_said() -> None:
    found = outcome(paired_pulse, interval="10ms", n="1", U="0.001", repeats="3")
    assert np.isnan(found.columns["paired_pulse_ratio"][1])
    assert "left empty" in found.warnings[0]


# --- recovery ---------------------------------------------------------------------------


def test_recovery_is_one_exponential_of_tau_rec() -> None:
    found = outcome(recovery, pause="100ms:900ms:100ms", repeats="2")
    missing = 1 - np.asarray(found.columns["recovered_exact"])
    np.testing.assert_allclose(missing[1:] / missing[:-1], np.exp(-1 / 8), rtol=1e-12)


def test_recovery_agrees_with_stp_train() -> None:
    same = {"n": "3", "tau_rec": "200ms", "tau_facil": "50ms", "U": "0.3", "pulses": "4"}
    train = from_texts(stp_train.Settings, same | {"recovery": "123ms"}).prediction()
    found = outcome(recovery, pause="123ms", repeats="2", **same)
    assert found.columns["mean_exact"][0] == train.mean[-1]
    assert found.columns["var_exact"][0] == train.variance[-1]


# --- rates ------------------------------------------------------------------------------


def test_peak_is_that_of_the_closed_form() -> None:
    found = outcome(frequency_response, rate="5Hz,10Hz,20Hz,50Hz,100Hz", repeats="2")
    assert found.results["peak_frequency_Hz"] == pytest.approx(17.448, abs=1e-3)
    assert found.results["limiting_frequency_Hz"] == pytest.approx(1 / (0.16 * 0.045))
    assert np.argmax(found.columns["mean_exact"]) == 2
    depressing = outcome(frequency_response, synapse="tm-depressing", rate="10Hz", repeats="2")
    assert "peak_frequency_Hz" not in depressing.results


def test_rates_off_the_grid_are_shown_as_they_ran() -> None:
    found = outcome(frequency_response, rate="30Hz", repeats="2")
    assert found.columns["rate_Hz"][0] == pytest.approx(1e4 / 333)
    assert "on the grid" in found.warnings[0]


# --- amplitudes -------------------------------------------------------------------------


def test_mixture_is_a_distribution() -> None:
    made = amplitude_histogram.mixture(np.array([0.8, 1.0, 1.3]), 0.4, 2.0, 0.2, 0.3)
    assert len(made.weight) == 8 and made.weight.sum() == pytest.approx(1, abs=1e-15)
    x = np.linspace(-4, 16, 20001)
    density = made.density(x)
    width = x[1] - x[0]
    assert density.sum() * width == pytest.approx(1, abs=1e-9)
    mean, variance, fourth = made.moments()
    assert (density * x).sum() * width == pytest.approx(mean, abs=1e-9)
    assert (density * (x - mean) ** 2).sum() * width == pytest.approx(variance, abs=1e-8)
    assert (density * (x - mean) ** 4).sum() * width == pytest.approx(fourth, abs=1e-6)
    steps = np.diff(made.cumulative(x))
    np.testing.assert_allclose(steps, width * (density[1:] + density[:-1]) / 2, atol=1e-8)
    # the moments of release, from their closed form
    q = 2.0 * np.array([0.8, 1.0, 1.3])
    assert mean == pytest.approx(0.4 * q.sum())
    assert variance == pytest.approx(0.4 * (q**2).sum() * (0.6 + 0.04) + 0.09)


def test_ks_distance_finds_a_wrong_density() -> None:
    found = outcome(amplitude_histogram, n="5", p="0.4", repeats="2000")
    right, wrong = (
        amplitude_histogram.mixture(np.ones(5), p, 0.4e-3, 0.2, 0.05e-3) for p in (0.4, 0.44)
    )
    amplitude = np.asarray(found.columns["amplitude_mV"]) * 1e-3
    critical = 1.95 / np.sqrt(2000)  # p = 1e-3
    assert amplitude_histogram.ks_distance(amplitude, right, 0) < critical
    assert amplitude_histogram.ks_distance(amplitude, wrong, 0) > critical
    assert found.results["ks_distance"] == pytest.approx(
        amplitude_histogram.ks_distance(amplitude, right, 0), abs=1e-3
    )


def test_ks_distance_at_point_masses() -> None:
    exact = amplitude_histogram.mixture(np.ones(1), 0.25, 1.0, 0.0, 0.0)
    sample = np.array([0.0, 0.0, 0.0, 1.0])
    assert amplitude_histogram.ks_distance(sample, exact, 1e-9) == 0
    assert amplitude_histogram.ks_distance(sample[:3], exact, 1e-9) == 0.25


# --- variance against mean --------------------------------------------------------------


def test_variance_mean_finds_the_truth() -> None:
    """60 experiments: n and q as often off as their standard errors say."""
    settings = from_texts(variance_mean.Settings, {"repeats": "500"})
    results = [variance_mean.run(settings, Running(seed=s)).results for s in range(60)]
    for name, unit in (("n", ""), ("q", "_mV")):
        z = [
            (r[f"{name}_estimated{unit}"] - r[f"{name}_exact{unit}"]) / r[f"{name}_se{unit}"]
            for r in results
        ]
        assert abs(np.mean(z)) < 4 / np.sqrt(60)
        assert 0.7 < np.std(z) < 1.4  # 4 SE of an SD from 60: 0.37
    chi2 = np.mean([r["chi2"] for r in results])
    assert abs(chi2 - 7) < 4 * np.sqrt(2 * 7 / 60)


def test_response_moments_are_those_of_predict() -> None:
    settings = from_texts(variance_mean.Settings, {"n": "7", "q": "12pA", "s0": "3pA"})
    synapse = variance_mean.with_probability(settings, settings.chance())
    exact = predict_train(synapse, [0.0])
    sizes = variance_mean.Sizes.of(np.ones(7))
    mean, variance = variance_mean.response_moments(settings, settings.chance(), sizes)
    np.testing.assert_allclose(mean, exact.response_mean[:, 0], rtol=1e-13)
    np.testing.assert_allclose(variance, exact.response_variance[:, 0], rtol=1e-13)


def test_a_straight_line_leaves_n_open() -> None:
    found = [
        outcome(variance_mean, seed=s, probabilities="0.001,0.002,0.003", n="100", repeats="100")
        for s in range(8)
    ]
    straight = [one for one in found if np.isnan(one.results["n_estimated"])]
    assert straight, "some of these samples bend the other way"
    assert "does not bend" in straight[0].warnings[0]
    assert straight[0]._repr_png_()


# --- wrong input ------------------------------------------------------------------------

WRONG = [
    (paired_pulse, {"interval": "0ms"}, "interval"),
    (paired_pulse, {"interval": "0.04ms"}, "interval"),
    (paired_pulse, {"interval": "100Hz"}, "interval"),
    (paired_pulse, {"n": "0"}, "n"),
    (paired_pulse, {"U": "0"}, "U"),
    (paired_pulse, {"p": "0"}, "p"),
    (paired_pulse, {"tau_rec": "none"}, "tau_facil"),
    (paired_pulse, {"repeats": "1"}, "repeats"),
    (recovery, {"rate": "20kHz"}, "rate"),
    (recovery, {"pause": "0.01ms,5ms"}, "pause"),
    (recovery, {"U": "0"}, "U"),
    (frequency_response, {"rate": "0Hz"}, "rate"),
    (frequency_response, {"rate": "50kHz"}, "rate"),
    (amplitude_histogram, {"release": "mean-field"}, "release"),
    (amplitude_histogram, {"q": "0mV"}, "q"),
    (amplitude_histogram, {"q": "5pA"}, "s0"),
    (amplitude_histogram, {"cv_between": "0.2"}, "cv_between"),
    (variance_mean, {"p": "0.5"}, "p"),
    (variance_mean, {"U": "0.5"}, "U"),
    (variance_mean, {"probabilities": "0.1,0.5"}, "probabilities"),
    (variance_mean, {"probabilities": "0.1,0.5,1.1"}, "probabilities"),
    (variance_mean, {"over": "train"}, "tau_rec"),
    (variance_mean, {"over": "train", "tau_rec": "50ms", "pulses": "2"}, "pulses"),
    (variance_mean, {"over": "train", "tau_rec": "50ms", "rate": "30kHz"}, "rate"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "texts", "field"), WRONG)
def test_wrong_input_names_its_setting(
    module: ModuleType, texts: dict[str, str], field: str
) -> None:
    with pytest.raises(FieldError) as error:
        from_texts(module.Settings, texts)
    assert error.value.field == field
    assert "found" in error.value.problem and "expected" in error.value.problem
    assert "\n" not in str(error.value)


# --- what they share --------------------------------------------------------------------


@pytest.mark.parametrize("source", [DeltaInput(), ExponentialCurrent(tau="5ms")])  # type: ignore[arg-type]
def test_summed_potential_is_that_of_a_membrane(source: Any) -> None:
    """One simulated membrane and its responses; the potential is held to 1e-9 of its peak."""
    import brian2 as b2

    neuron = LIF.preset("lif-vogels-abbott-2005")
    sizes = [1.0, 0.4, 2.0]
    pulses = np.array([5e-3, 9e-3, 30e-3])
    unit = 1e-3 if isinstance(source, DeltaInput) else 20e-12
    b2.start_scope()
    group = neuron.group(1, [source])
    events = b2.SpikeGeneratorGroup(3, np.arange(3), pulses * b2.second, dt=0.1 * b2.ms)
    dimension = b2.volt if isinstance(source, DeltaInput) else b2.amp
    synapses = b2.Synapses(
        events, group, "a : 1", on_pre=f"{source.target}_post += a*unit_response",
        namespace={"unit_response": unit * dimension}, dt=0.1 * b2.ms,
    )  # fmt: skip
    synapses.connect()
    synapses.a = sizes
    monitor = b2.StateMonitor(group, "v", record=True, dt=0.1 * b2.ms, when="start")
    network = b2.Network(group, events, synapses, monitor)
    network.run(50 * b2.ms, namespace={})
    times = np.asarray(monitor.t_)
    simulated = np.asarray(monitor.v_[0]) - neuron.E_L
    # Brian2 adds a response at the end of its step, after v has moved
    mean, spread = summation.summed_potential(
        times + 1e-13, pulses + 1e-4, unit * np.array(sizes), np.zeros((3, 3)), neuron, source
    )
    np.testing.assert_allclose(simulated, mean, rtol=0, atol=1e-9 * simulated.max())
    assert np.all(spread == 0)


def test_scatter_of_the_summed_potential() -> None:
    """Against sums of sampled responses: mean and SD over 4000 trains, 4 SE."""
    settings = from_texts(stp_train.Settings, {"repeats": "4000", "recovery": "none"})
    steps = settings.pulse_steps
    played = trains.play(settings, np.broadcast_to(steps, (4000, len(steps))), Running(seed=13))
    exact = settings.prediction()
    neuron = LIF.preset("lif-vogels-abbott-2005")
    times, pulses = np.array([0.02, 0.06, 0.3, 0.47]), steps * settings.time_step
    mean, spread = summation.summed_potential(
        times, pulses, exact.response_mean, exact.response_covariance, neuron, DeltaInput()
    )
    shape = neuron.psp(times[:, None] - pulses, DeltaInput(), 1.0)
    summed = played.response @ shape.T
    assert np.all(np.abs(summed.mean(axis=0) - mean) < 4 * spread / np.sqrt(4000))
    np.testing.assert_allclose(summed.std(axis=0, ddof=1), spread, rtol=4 / np.sqrt(2 * 4000) * 1.5)


def test_variance_error_is_that_of_every_outcome() -> None:
    from tests.reference import release

    for n, p in ((1, 0.3), (2, 0.5), (3, 0.9)):
        joint = release.binomial_pmf(n, p)
        exact = release.joint_standard_errors(joint, 50).covariance[0, 0]
        assert float(trains.variance_error(n, p, 50)) == pytest.approx(exact, rel=1e-12)


def test_one_synapse_has_the_sites_that_are_predicted() -> None:
    """With every site released and no other scatter, the response is the sum of the sizes."""
    settings = from_texts(
        amplitude_histogram.Settings,
        {"n": "6", "p": "1", "cv_within": "0", "s0": "none", "cv_between": "0.5", "repeats": "3"},
    )
    found = amplitude_histogram.run(settings, Running(seed=4))
    exact = 0.4 * trains.site_sizes(settings, 4).sum()
    np.testing.assert_allclose(found.columns["amplitude_mV"], exact, rtol=1e-9)
    assert not np.allclose(trains.site_sizes(settings, 5).sum() * 0.4, exact)


def test_largest_deviation_leaves_out_what_cannot_deviate() -> None:
    assert trains.largest_deviation([1.0, 2.0], [1.0, 2.5], [0.0, 0.25]) == 2
    assert trains.largest_deviation([1.0], [1.0], [0.0]) == 0
    assert trains.largest_deviation([1.1], [1.0], [0.0]) == np.inf


def test_units_of_columns() -> None:
    for q, mean, variance in (
        ("1mV", "mean_mV", "var_mV2"),
        ("10pA", "mean_pA", "var_pA2"),
        (2.0, "mean_response", "var_response"),
    ):
        unit = trains.ResponseUnit.of(Synapse(p=0.5, q=q))
        assert (unit.column("mean"), unit.column("var", 2)) == (mean, variance)
    for name, symbol in (("mV", ""), ("pA", "I"), ("nS", "g")):
        made = summation.membrane(trains.ResponseUnit(name))
        assert made is not None and made.source.symbol == symbol
    assert summation.membrane(trains.ResponseUnit("1")) is None
