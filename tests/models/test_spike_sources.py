"""Spike sources: to the step where they are regular, in standard errors where they are random."""

from __future__ import annotations

import warnings

import brian2 as b2
import numpy as np
import pytest
from scipy import stats

from synsim.component import InputError
from synsim.component.errors import SynsimWarning
from synsim.component.spike_trains import LAST_STEP, check_times, to_grid
from synsim.models.spike_sources import PoissonSource, RegularSource, ReplayedSource

DT = 1e-4
SIGMAS = 4.0


@pytest.fixture(autouse=True)
def _numpy_target():
    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    yield
    b2.prefs.codegen.target = before


def run(group, duration, seed=None):
    """Steps and neurons of all spikes of a Brian2 group."""
    monitor = b2.SpikeMonitor(group)
    if seed is not None:
        b2.seed(seed)
    b2.Network(group, monitor).run(duration * b2.second)
    return np.rint(np.asarray(monitor.t) / DT).astype(int), np.asarray(monitor.i)


def within(found, expected, standard_error):
    assert abs(found - expected) < SIGMAS * standard_error, (found, expected, standard_error)


# --- trains and grid --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "indices", "line"),
    [
        ([0.1, 0.3, 0.2], None, "found 200 ms at index 2 after 300 ms at index 1, "
         "expected increasing times"),
        ([0.1, 0.1], None, "found 100 ms twice, at index 0 and 1, expected one spike at a time"),
        ([0.1, -0.2], None, "found -200 ms at index 1, expected no negative time"),
        ([0.1, np.nan], None, "found nan at index 1, expected a finite time"),
        ([np.inf], None, "found inf at index 0, expected a finite time"),
        (["0.1"], None, "found ['0.1'], expected spike times as numbers"),
        ([[0.1]], None, "found an array of shape (1, 1), expected one row of spike times"),
        ([0.1, 0.2], [0], "found 1 indices for 2 times, expected as many"),
        ([0.1, 0.2], [0.5, 1], "found [0.5, 1], expected whole numbers as indices"),
        ([0.2, 0.1, 0.1], [0, 1, 0], "found 100 ms at index 2 after 200 ms at index 0 of neuron 0, "
         "expected increasing times"),
        ([1.0] * b2.volt, None,
         "found [1.] V, expected a time with its unit, such as 20ms"),
    ],
)  # fmt: skip
def test_what_is_no_spike_train(times, indices, line):
    with pytest.raises(InputError) as error:
        check_times(times, "pre.csv", indices=indices)
    assert str(error.value) == f"pre.csv: {line}"


def test_what_is_one():
    assert check_times([], "x").shape == (0,)
    np.testing.assert_array_equal(check_times([1, 20] * b2.ms, "x"), [1e-3, 20e-3])
    np.testing.assert_array_equal(check_times([0, 1], "x"), [0.0, 1.0])
    # neurons may share a time, and their trains may come one after the other
    check_times([0.2, 0.2, 0.1], "x", indices=[0, 1, 2])


def test_to_grid():
    steps, shift = to_grid([0.0, 1e-4, 0.00115, 0.3], DT)
    np.testing.assert_array_equal(steps, [0, 1, 12, 3000])
    assert steps.dtype == np.int64
    assert shift == pytest.approx(0.5e-4)
    steps, shift = to_grid(np.arange(100_000) * DT, DT)
    np.testing.assert_array_equal(steps, np.arange(100_000))
    assert shift == 0.0  # rounding is no shift
    assert to_grid([1.04e-3], DT)[1] == pytest.approx(0.04e-3)
    assert to_grid([], DT)[1] == 0.0


@pytest.mark.parametrize(
    ("times", "indices", "line"),
    [
        ([0.001, 0.10, 0.10002], None, "found 100 ms and 100.02 ms (index 1 and 2) in the same "
         "time step of 0.1 ms, expected at most one spike per step: use a time step below 0.02 ms"),
        ([0.10, 0.10, 0.10003], [0, 1, 0], "found 100 ms and 100.03 ms of neuron 0 (index 0 and 2) "
         "in the same time step of 0.1 ms, expected at most one spike per step: use a time step "
         "below 0.03 ms"),
        ([3e5], None, "found 300000000 ms at index 0, expected at most 214748364.7 ms, which is "
         f"{LAST_STEP} steps of 0.1 ms"),
        ([0.2, 0.1], None, "found 100 ms at index 1 after 200 ms at index 0, "
         "expected increasing times"),
    ],
)  # fmt: skip
def test_what_does_not_go_on_the_grid(times, indices, line):
    with pytest.raises(InputError) as error:
        to_grid(times, DT, what="post.csv", indices=indices)
    assert str(error.value) == f"post.csv: {line}"


@pytest.mark.parametrize("dt", [0.0, -1e-4, np.nan, np.inf])
def test_a_time_step_that_is_none(dt):
    with pytest.raises(InputError, match="expected a time above 0 s"):
        to_grid([0.1], dt)


def test_the_step_that_is_suggested_works():
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.exponential(0.01, 500))
    with pytest.raises(InputError, match="use a time step below") as error:
        to_grid(times, 1e-3)
    suggested = float(str(error.value).split("below ")[1].split(" ")[0]) * 1e-3
    steps, shift = to_grid(times, 0.999 * suggested)
    assert np.all(np.diff(steps) > 0)
    assert shift <= suggested / 2


# --- regular ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        RegularSource(rate="40Hz"),
        RegularSource(rate="81.37Hz", start="3.14ms"),
        RegularSource(rate="40Hz", start="25.05ms", n_spikes=5),
        RegularSource(rate="1kHz", start="10ms", duration="50ms"),
        RegularSource(rate="10kHz", n_spikes=100),
        RegularSource(rate="80Hz", n_spikes=0),
        RegularSource(rate="0.1Hz", start="299.9ms"),
        RegularSource(rate=1 / (0.01235 * b2.second)),  # every other spike half-way
    ],
    ids=repr,
)
def test_regular_spikes_to_the_step(source):
    duration = 0.3
    expected = source.start + np.arange(10_000) / source.rate
    expected = np.floor(expected[: source.limit] / DT + 0.5 + 1e-6).astype(int)
    expected = expected[expected < round(duration / DT)]
    times, indices = source.spikes(duration, N=2, dt=DT)
    np.testing.assert_array_equal(np.rint(times / DT), np.repeat(expected, 2))
    np.testing.assert_array_equal(indices, np.tile([0, 1], len(expected)))
    steps, neurons = run(source.group(2, dt=DT * b2.second), duration)
    np.testing.assert_array_equal(steps, np.repeat(expected, 2))
    np.testing.assert_array_equal(neurons, indices)


def test_regular_train_without_a_grid_does_not_drift():
    times, _ = RegularSource(rate="7Hz").spikes(1000.0)
    np.testing.assert_allclose(times, np.arange(7000) / 7, rtol=1e-15)
    assert len(RegularSource(rate="10Hz", duration="1s").spikes(10.0)[0]) == 10
    assert len(RegularSource(rate="10Hz", duration="1.0001s").spikes(10.0)[0]) == 11


# --- Poisson ----------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [None, DT])
def test_poisson_counts(dt):
    rate, duration, N = 50.0, 1.0, 4000
    _, indices = PoissonSource(rate=rate * b2.Hz).spikes(duration, 11, N=N, dt=dt)
    counts = np.bincount(indices, minlength=N)
    mean = rate * duration
    variance = mean if dt is None else mean * (1 - rate * dt)
    within(counts.mean(), mean, np.sqrt(variance / N))
    # the fourth moment of a Poisson count is 3 m^2 + m
    within(counts.var(ddof=1), variance, np.sqrt((2 * mean**2 + mean) / N))


@pytest.mark.parametrize("dead_time", [0.0, 0.005])
def test_poisson_intervals(dead_time):
    source = PoissonSource(rate="80Hz", dead_time=dead_time * b2.second)
    times, _ = source.spikes(500.0, 12)
    intervals = np.diff(times)
    n, mean = len(intervals), 1 / source.rate
    scale = mean - dead_time
    within(intervals.mean(), mean, scale / np.sqrt(n))
    cv = intervals.std() / intervals.mean()
    assert source.interval_cv() == pytest.approx(scale / mean)
    # sd has a relative standard error of sqrt(2/n), that of the mean is smaller and goes along
    within(cv, source.interval_cv(), source.interval_cv() * np.sqrt(2 / n))
    assert intervals.min() >= dead_time
    assert stats.kstest(intervals - dead_time, "expon", args=(0, scale)).pvalue > 1e-3
    # no memory from one interval to the next
    within(np.corrcoef(intervals[:-1], intervals[1:])[0, 1], 0.0, 1 / np.sqrt(n))


@pytest.mark.parametrize("dt", [None, DT])
def test_dead_time_from_the_start_is_stationary(dt):
    """The rate is the same in every part of the first intervals."""
    source = PoissonSource(rate="100Hz", dead_time="5ms")
    N, width = 8_000, 1e-3
    times, _ = source.spikes(0.02, 13, N=N, dt=dt)
    counts = np.histogram(times + 1e-9, np.arange(21) * width)[0]
    chance = source.rate * width
    z = (counts - N * chance) / np.sqrt(N * chance * (1 - chance))
    assert np.abs(z).max() < SIGMAS
    assert stats.chi2.sf(np.sum(z**2), 20) > 1e-3


def test_dead_time_on_the_grid():
    source = PoissonSource(rate="100Hz", dead_time="5ms")
    times, _ = source.spikes(300.0, 14, dt=DT)
    steps = np.rint(times / DT).astype(int)
    np.testing.assert_allclose(times, steps * DT, rtol=1e-14)
    intervals = np.diff(steps)
    p = 1 / (100 - 50 + 1)  # 100 steps on average, 50 of them dead
    within(intervals.mean(), 100, np.sqrt((1 - p) / p**2 / len(intervals)))
    assert intervals.min() == 50
    after = np.bincount(intervals - 50)[:3] / len(intervals)
    for k in range(3):
        chance = p * (1 - p) ** k
        within(after[k], chance, np.sqrt(chance * (1 - chance) / len(intervals)))


def test_brian2_group_with_dead_time_is_the_same_process():
    source = PoissonSource(rate="100Hz", dead_time="5ms")
    N, duration = 4000, 0.1
    steps, neurons = run(source.group(N, dt=DT * b2.second), duration, seed=15)
    # counts of one neuron have a variance below that of a Poisson process
    within(len(steps), N * source.rate * duration, np.sqrt(N * source.rate * duration))
    # stationary from the first step on
    counts = np.bincount(steps // 10, minlength=100)[:20]
    within(counts[0], N * 0.1, np.sqrt(N * 0.1 * 0.9))
    assert np.abs(counts - N * 0.1).max() < SIGMAS * np.sqrt(N * 0.1 * 0.9)
    order = np.lexsort((steps, neurons))
    gaps = np.diff(steps[order])[np.diff(neurons[order]) == 0]
    assert gaps.min() == 50


def test_brian2_poisson_group():
    N, duration = 2000, 0.2
    _, neurons = run(PoissonSource(rate="100Hz").group(N, dt=DT * b2.second), duration, 16)
    counts = np.bincount(neurons, minlength=N)
    within(counts.mean(), 20, np.sqrt(20 * 0.99 / N))
    within(counts.var(ddof=1), 20 * 0.99, np.sqrt((2 * 20**2 + 20) / N))
    assert isinstance(PoissonSource(rate="1Hz").group(2), b2.PoissonGroup)


def test_rates_that_differ():
    rates = np.array([0.0, 20, 200])
    source = PoissonSource(rate=rates * b2.Hz, dead_time="1ms")
    _, indices = source.spikes(100.0, 17)
    counts = np.bincount(indices, minlength=3)
    assert counts[0] == 0
    within(counts[1], 2000, np.sqrt(2000))
    within(counts[2], 20_000, np.sqrt(20_000))
    _, neurons = run(source.group(dt=DT * b2.second), 1.0, 18)
    assert not np.any(neurons == 0)
    within(np.sum(neurons == 2), 200, np.sqrt(200))
    assert len(PoissonSource(rate="0Hz").spikes(10.0)[0]) == 0


@pytest.mark.parametrize("dt", [None, DT])
def test_one_seed_one_train_whatever_N_and_duration(dt):
    source = PoissonSource(rate="100Hz", dead_time="2ms")
    times, indices = source.spikes(2.0, 5, N=3, dt=dt)
    again = source.spikes(2.0, 5, N=3, dt=dt)
    np.testing.assert_array_equal(times, again[0])
    longer, more = source.spikes(50.0, 5, N=7, dt=dt)
    for i in range(3):
        mine = times[indices == i]
        np.testing.assert_array_equal(mine, longer[more == i][: len(mine)])
    assert not np.array_equal(times[:50], source.spikes(2.0, 6, N=3, dt=dt)[0][:50])
    assert not np.array_equal(times[indices == 0], times[indices == 1])


# --- replayed ---------------------------------------------------------------------------


def test_replayed_trains():
    source = ReplayedSource(times=[1, 5, 2, 5, 0] * b2.ms, indices=[0, 0, 3, 3, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group = source.group(dt=DT * b2.second)
    assert len(group) == 4
    steps, neurons = run(group, 0.01)
    np.testing.assert_array_equal(steps, [0, 10, 20, 50, 50])
    np.testing.assert_array_equal(neurons, [1, 0, 3, 0, 3])
    times, indices = source.spikes(0.005, dt=DT)
    np.testing.assert_allclose(times, [0, 1e-3, 2e-3])
    np.testing.assert_array_equal(indices, [1, 0, 3])
    assert len(source.group(6)) == 6


def test_replayed_spikes_off_the_grid_go_to_the_nearest_step_and_say_so():
    recorded = np.array([0.00104, 0.00237, 0.00996])
    source = ReplayedSource.from_seconds(recorded)
    np.testing.assert_array_equal(source.times, recorded)
    with pytest.warns(SynsimWarning) as caught:
        group = source.group(dt=DT * b2.second)
    assert str(caught[0].message) == (
        "ReplayedSource: spikes were moved to the nearest step of 0.1 ms, by at most 0.04 ms"
    )
    steps, _ = run(group, 0.02)
    np.testing.assert_array_equal(steps, [10, 24, 100])
    np.testing.assert_array_equal(source.spikes(1.0)[0], recorded)


def test_a_train_without_spikes():
    for source in (ReplayedSource(times=[]), ReplayedSource.from_seconds([], [])):
        assert len(source.spikes(1.0)[0]) == 0
        assert len(run(source.group(dt=DT * b2.second), 0.01)[0]) == 0
        assert source.text("times") == "no spikes"
        assert source.replace().times.shape == (0,)


def test_a_copy_of_a_replayed_source():
    source = ReplayedSource.from_seconds([0.1, 0.123456789012345], [1, 0])
    again = source.replace(indices=[0, 0])
    np.testing.assert_array_equal(again.times, source.times)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: ReplayedSource(times=[0.1, 0.2]),
         "ReplayedSource.times: found [0.1, 0.2] without a unit, "
         "expected a time with its unit, such as 20ms"),
        (lambda: ReplayedSource(times=[2, 1] * b2.ms),
         "ReplayedSource.times: found 1 ms at index 1 after 2 ms at index 0, "
         "expected increasing times"),
        (lambda: ReplayedSource(times="3ms"),
         "ReplayedSource.times: found one number, expected an array"),
        (lambda: ReplayedSource.from_seconds([0.1, -0.1]),
         "ReplayedSource.times: found -100 ms at index 1, expected no negative time"),
        (lambda: ReplayedSource.from_seconds([0.1], [-1]),
         "ReplayedSource.indices: found -1 at index 0, expected a value at least 0"),
        (lambda: ReplayedSource.from_seconds([0.1, 0.2], [0, 3]).group(2),
         "ReplayedSource.indices: found 3, expected at most 1 for 2 neurons"),
        (lambda: ReplayedSource.from_seconds([0.1, 0.10001]).group(dt=DT * b2.second),
         "ReplayedSource.times: found 100 ms and 100.01 ms of neuron 0 (index 0 and 1) in the same "
         "time step of 0.1 ms, expected at most one spike per step: use a time step below 0.01 ms"),
        (lambda: RegularSource(rate="0Hz"),
         "RegularSource.rate: found 0 Hz, expected a value above 0 Hz"),
        (lambda: RegularSource(rate="10Hz", n_spikes=3, duration="1s"),
         "RegularSource: found both n_spikes 3 and duration 1000 ms, "
         "expected at most one of them"),
        (lambda: RegularSource(rate="10Hz", n_spikes=1.5),
         "RegularSource.n_spikes: found 1.5, expected a whole number"),
        (lambda: RegularSource(rate="20kHz").group(dt=DT * b2.second),
         "RegularSource: found rate 20000 Hz with a time step of 0.1 ms, "
         "expected at most one spike per step: use a smaller time step"),
        (lambda: PoissonSource(rate="-1Hz"),
         "PoissonSource.rate: found -1 Hz, expected a value at least 0 Hz"),
        (lambda: PoissonSource(rate="200Hz", dead_time="5ms"),
         "PoissonSource: found rate 200 Hz with dead_time 5 ms, "
         "expected a rate below 1/dead_time"),
        (lambda: PoissonSource(rate=[1, 2] * b2.Hz).group(3),
         "PoissonSource: found 2 rates, expected one for each of the 3 neurons"),
        (lambda: PoissonSource(rate="20kHz").spikes(1.0, dt=DT),
         "PoissonSource: found rate 20000 Hz with a time step of 0.1 ms, "
         "expected at most one spike per step: use a smaller time step"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line(make, line):
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value) == line
