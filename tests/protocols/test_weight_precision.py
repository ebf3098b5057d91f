"""Weight precision: laws of writing, reading and keeping, held against simulation."""

from __future__ import annotations

import warnings
from typing import Any

import brian2 as b2
import numpy as np
import pytest

from synsim import Synapse
from synsim.component.errors import FieldError
from synsim.models.lif import LIF
from synsim.predict.disturbance import Background
from synsim.predict.precision import Count
from synsim.protocol import Result, Running
from synsim.protocols import weight_precision
from synsim.writing.claims import wilson
from synsim.writing.expected import crossing
from synsim.writing.rows import all_rows, budget_levels
from synsim.writing.writer import Reader, Row, Writer, pairing_steps, poisson_spikes
from tests.protocols.base import ProtocolTests

COLUMNS = (
    "scheme",
    "levels",
    "scatter_cv",
    "pairings",
    "write_time_ms",
    "rms_error",
    "bits",
    "retention_s",
)
CLAIMS = 7


class TestWeightPrecision(ProtocolTests):
    module = weight_precision
    small = (
        "levels=2,8 scatter_cv=0.2 rate=10Hz budget=300ms budget_rates=20Hz,50Hz repeats=4 "
        "background=50Hz time_step=1ms"
    )
    columns = COLUMNS
    deterministic = False

    def test_results_are_numbers(self, outcome: Result) -> None:
        """But for the words of the claims, each of which has its number and its verdict."""
        words = {
            f"claim_{i}{part}" for i in range(1, CLAIMS + 1) for part in ("", "_unit", "_when")
        }
        for name, value in outcome.results.items():
            if name in words:
                assert isinstance(value, str) and value
            else:
                assert isinstance(value, (int, float)), name
        for i in range(1, CLAIMS + 1):
            assert isinstance(outcome.results[f"claim_{i}_holds"], bool)  # all of them told
            assert isinstance(outcome.results[f"claim_{i}_measured"], float)
        assert words <= outcome.results.keys()


# --- the laws, in simulation ----------------------------------------------------------------


def column(done: Result, name: str, scheme: str) -> np.ndarray:
    keep = [s == scheme for s in done.columns["scheme"]]
    return np.asarray(done.columns[name], dtype=float)[keep]


@pytest.fixture(scope="module")
def written() -> weight_precision.Outcome:
    """Separate pairings: scatter alone, and a second run with gains."""
    settings = weight_precision.Settings(
        levels=[4, 64], scatter_cv=[0, 0.3], budget_rates="5Hz,250Hz", background="2Hz"
    )
    return weight_precision.run(settings, Running(seed=3))


def test_error_bits_and_disturbance_follow_their_laws(written: weight_precision.Outcome) -> None:
    found = written.results
    assert found["n_comparisons_of_rms_error"] == 3
    assert found["largest_deviation_of_rms_error_in_standard_errors"] < 4
    assert found["n_comparisons_of_bits"] >= 8
    assert found["largest_deviation_of_bits"] < 0.08 + 4 * found["largest_standard_error_of_bits"]
    assert found["count_largest_deviation_levels"] < 1e-9
    # two curves of twelve points
    assert found["hold_number_largest_deviation_in_standard_errors"] < 4
    assert found["hold_bit_largest_deviation_in_standard_errors"] < 4


def test_rms_error_of_a_walk(written: weight_precision.Outcome) -> None:
    """c sqrt((L - 1)/2) levels; nothing without scatter but the overlap."""
    error, levels = (column(written, name, "graded") for name in ("rms_error", "levels"))
    expected = 0.3 * np.sqrt((levels[2:] - 1) / 2) / levels[2:]
    assert error[2:] == pytest.approx(expected, rel=0.06)
    assert np.all(error[:2] * levels[:2] < 0.2)
    assert column(written, "bits", "graded")[:2] == pytest.approx([2, 6], abs=1e-6)


def test_write_times_and_pairings(written: weight_precision.Outcome) -> None:
    pairings = column(written, "pairings", "graded").astype(int).tolist()
    assert pairings == [4 + 3, 64 + 63, 6 + 3, 72 + 63]  # L + 3 c sqrt(L), then L - 1
    assert column(written, "write_time_ms", "graded").tolist() == [200 * n for n in pairings]
    assert column(written, "pairings", "binary").tolist() == [5, 5]
    assert column(written, "write_time_ms", "binary").tolist() == [50, 50]
    assert column(written, "pairings", "graded-unknown-start").tolist() == [2, 32, 2, 32]
    assert np.all(column(written, "write_time_ms", "graded-in-budget") <= 1000)


def test_claims(written: weight_precision.Outcome) -> None:
    found = written.results
    verdicts = [found[f"claim_{i}_holds"] for i in range(1, CLAIMS + 1)]
    assert [v for i, v in enumerate(verdicts, 1) if i != 6] == [
        False, False, True, True, False, False]  # fmt: skip
    low, high = wilson(found["claim_6_measured"], written.settings.copies(2))
    assert verdicts[5] is (None if low <= 0.01 < high else found["claim_6_measured"] <= 0.01)
    assert found["claim_1_measured"] == pytest.approx(
        float(Count(2e-3, 16.8e-3, 33.7e-3).moved(63, 0.0155)) - 63, abs=1e-9
    )
    assert found["claim_2_measured"] == pytest.approx(-0.5, abs=0.12)
    assert found["claim_5_measured"] == pytest.approx(0.2 * 5 / np.sum(np.exp(-np.arange(5) / 4)))


def test_a_gain_of_the_synapse_limits_the_range() -> None:
    settings = weight_precision.Settings(
        levels=[16, 64], scatter_cv=0.05, gain_cv=0.2, budget_rates="5Hz", background="0Hz"
    )
    done = weight_precision.run(settings, Running(seed=4))
    assert done.results["claim_2_holds"] and done.results["claim_2_measured"] > -0.1
    assert done.results["largest_deviation_of_rms_error_in_standard_errors"] < 4
    # nothing disturbs: nothing is lost but in writing
    retention = np.asarray(done.columns["retention_s"])
    assert np.all(np.isnan(retention) | (retention == 0)) and np.isnan(retention[-1])
    assert done.results["claim_7_holds"] is None and done.results["claim_4_holds"] is None
    assert done.results["count_largest_deviation_levels"] < 1e-9
    done.figure().draw_without_rendering()


def test_reading_by_release_costs_bits() -> None:
    settings = weight_precision.Settings(
        levels=[4, 16], scatter_cv=0.1, budget_rates="5Hz", background="0Hz",
        release="binomial", n=4, p=0.6,
    )  # fmt: skip
    done = weight_precision.run(settings, Running(seed=5))
    assert done.results["largest_deviation_of_rms_error_in_standard_errors"] < 4
    assert done.results["n_comparisons_of_rms_error"] == 2 + 1
    errors = done.results["largest_standard_error_of_bits"]
    assert done.results["largest_deviation_of_bits"] < 0.08 + 4 * errors
    assert column(done, "bits", "graded")[1] < 2.6  # of 4
    assert "binomial" in done.conventions["reading"]


@pytest.mark.parametrize("up", [True, False])
def test_pairings_of_a_row(up: bool) -> None:
    counts = np.array([0, 2, 3]) * (1 if up else -1)
    row = Row("x", 4, 0.0, 0.1, 50, np.arange(3), 1, counts, np.zeros(3))
    copy, pre, post = pairing_steps(row, 4)
    assert copy.tolist() == [0, 1, 1, 1, 2, 2, 2, 2]
    lag = post - pre
    assert lag.tolist() == ([-4, -4, 4, 4, -4, 4, 4, 4] if up else [-4] * 8)
    assert np.minimum(pre, post).tolist() == [0, 0, 50, 100, 0, 50, 100, 150]
    assert row.pairings == 4


def test_background_spikes_are_poisson() -> None:
    rng = np.random.default_rng(6)
    duration = np.repeat([500, 4000], 1000)
    found = poisson_spikes(0.02, duration, rng)
    counts = np.bincount(found.sources, minlength=2000)
    for part, steps in ((counts[:1000], 500), (counts[1000:], 4000)):
        chance = -np.expm1(-0.02)
        assert abs(part.mean() - steps * chance) < 4 * np.sqrt(steps * chance / 1000)
        assert part.var() == pytest.approx(steps * chance * (1 - chance), rel=0.2)
    assert np.all(found.steps < duration[found.sources])


def test_disturbance_in_spikes_has_its_exact_moments() -> None:
    """The compiled rule under 1,500 pairs of trains, clear of the bounds, with scatter."""
    writer, copies, seconds = Writer(0.0168, 0.0337, 2, 1e-3), 1500, 5.0
    program = writer.program(copies)
    step = 1e-4
    after = writer.hold(
        program, np.full(copies, 0.5), np.full(copies, step), np.full(copies, 0.5),
        np.full(copies, 5000), (8.0, 6.0), Running(seed=7),
    )  # fmt: skip
    plus, minus = writer.amplitudes(step)
    b = Background(float(plus), float(minus), 0.0168, 0.0337, 8.0, 6.0, 1e-3, 0.5)
    mean, variance = b.moments(seconds)
    change = after - 0.5
    assert abs(change.mean() - mean) < 4 * np.sqrt(variance / copies)
    fourth = np.mean((change - change.mean()) ** 4)
    assert abs(change.var() - variance) < 4 * np.sqrt((fourth - variance**2) / copies)


# --- the burst through a neuron ---------------------------------------------------------------


@pytest.mark.parametrize("rate", [100.0, 400.0])
def test_reading_a_bit_is_what_a_neuron_of_brian2_does(rate: float) -> None:
    """A real network: one synapse of each weight onto a leaky neuron of its own.

    There a jump meets the threshold one step later, so weights are larger by exp(dt/tau_m).
    """
    neuron = LIF.preset("lif-vogels-abbott-2005")
    reader = Reader(neuron, 5, 1 / rate, 0.2)
    w = np.concatenate([np.linspace(0, 1, 42), 0.2 + np.array([-1, 1]) * 1e-6])
    b2.start_scope()
    times = 1e-4 * (1 + np.rint(np.arange(5) / rate * 1e4))
    one_to_one = np.arange(len(w))
    source = b2.SpikeGeneratorGroup(
        len(w), np.repeat(one_to_one, 5), np.tile(times, len(w)) * b2.second
    )
    cells = neuron.group(len(w))
    jumps = [f"{float(x)!r}mV" for x in 1e3 * w * reader.q * np.exp(1e-4 / neuron.tau_m)]
    synapses = Synapse(p=1.0, q=jumps, target="v").connect(
        source, cells, i=one_to_one, j=one_to_one
    )
    monitor = b2.SpikeMonitor(cells)
    target = b2.prefs.codegen.target
    try:
        b2.prefs.codegen.target = "numpy"
        b2.Network(source, cells, synapses, monitor).run((0.01 + 5 / rate) * b2.second)
    finally:
        b2.prefs.codegen.target = target
    fired = np.asarray(monitor.count) > 0
    assert np.array_equal(fired, reader.bit(w, np.ones((len(w), 5))))
    assert fired[-2:].tolist() == [False, True]


# --- settings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "field", "problem"),
    [
        ({"levels": "1,4"}, "levels", "found 1 at index 0, expected a value at least 2"),
        ({"levels": "2.5"}, "levels", "found 2.5 at index 0, expected a whole number"),
        ({"levels": "4,4"}, "levels", "found 4 twice, expected it once"),
        ({"levels": ""}, "levels", "found an empty list, expected at least one value"),
        ({"scatter_cv": "-0.1"}, "scatter_cv", "found -0.1 at index 0, expected a value"),
        ({"budget": "-1s"}, "budget", "found -1000 ms, expected a value above 0 ms"),
        ({"budget": 1}, "budget", "found 1 without a unit, expected a time"),
        ({"rate": "0Hz"}, "rate", "found 0 Hz, expected a value above 0 Hz"),
        ({"rate": "600Hz"}, "rate", "found 600 Hz, expected a period longer than the lag of"),
        ({"burst_rate": "1kHz"}, "burst_rate", "found 1000 Hz, expected a period longer"),
        ({"lag": "0.1ms"}, "lag", "found 0.1 ms, expected at least half of the time step"),
        ({"lag": "-2ms"}, "lag", "found -2 ms, expected a value above 0 ms"),
        ({"repeats": 3}, "repeats", "found 3, expected a value at least 4"),
        ({"levels": "4096", "repeats": 1000}, "repeats", "found 1000 with 4096 levels, about"),
        ({"read_threshold": 1}, "read_threshold", "found 1, expected a value above 0 and below 1"),
        ({"background": "500Hz"}, "background", "found 500 Hz, expected at most a tenth"),
        ({"p": 0}, "p", "found 0, expected a value above 0"),
        ({"binary_step": 0}, "binary_step", "found 0, expected a value above 0"),
    ],
)  # fmt: skip
def test_refused(settings: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(FieldError) as error:
        weight_precision.Settings(**settings)
    assert error.value.field == field
    assert error.value.problem.startswith(problem)


def test_budget_levels_fill_the_time() -> None:
    settings = weight_precision.Settings(budget="1s")
    assert [budget_levels(settings, r, 0.0) for r in (2, 5, 10, 250)] == [0, 3, 5, 125]
    assert budget_levels(settings, 10, 0.3) == 4
    assert {r.scheme for r in all_rows(settings, 1)} == {
        "graded", "graded-unknown-start", "graded-in-budget", "binary",
    }  # fmt: skip


def test_what_is_moved_to_the_grid_is_said() -> None:
    settings = weight_precision.Settings(
        levels=2, scatter_cv=0, rate="30Hz", lag="2.2ms", budget_rates="20Hz", background="0Hz",
        repeats=4,
    )  # fmt: skip
    done = weight_precision.run(settings, Running(backend="numpy"))
    assert done.warnings == (
        "the period of rate 30 Hz was put on the grid of 0.5 ms: it ran at 29.8507 Hz",
        "the lag 2.2 ms was put on the grid of 0.5 ms: it ran as 2 ms",
    )


def test_the_least_there_can_be() -> None:
    """Nothing scatters, disturbs or fits the budget; what cannot be told is told by no verdict."""
    settings = weight_precision.Settings(
        levels=2, scatter_cv=0, background="0Hz", budget="10ms", repeats=4
    )
    done = weight_precision.run(settings, Running(backend="numpy"))
    assert done.columns["scheme"] == ["graded", "graded-unknown-start", "binary"]
    assert column(done, "bits", "graded") == pytest.approx([1], abs=1e-6)
    assert done.results["claim_2_holds"] is None
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        done.figure().draw_without_rendering()


def test_crossing_is_of_the_rising_fit() -> None:
    times = np.arange(5.0)
    assert crossing(times, np.array([0, 1, 2, 3, 4.0]), 2.5) == 2.5
    assert crossing(times, np.array([0, 3, 1, 3, 4.0]), 2.5) == pytest.approx(2.5)
    assert np.isnan(crossing(times, np.zeros(5), 0.1))
    assert crossing(times, np.ones(5), 0.5) == 0
