"""Poisson sources that draw once a spike: in every step a spike with probability rate times dt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import brian2 as b2
import numpy as np
import pytest
from scipy import stats

from synsim import InputError, PoissonSources
from tests.agreement.poisson_spikes import DT, EACH, RATES, STEPS
from tests.agreement.samples import P_VALUE, STANDARD_ERRORS

pytestmark = pytest.mark.usefixtures("on_numpy")

ROOT = Path(__file__).resolve().parents[2]
MEASURED = RATES[1:-1]


@pytest.fixture(scope="module", params=["numpy", "cython", "cpp_standalone"])
def spikes(request, tmp_path_factory):
    """Whether each source (of a rate: rows) spikes at each step: rate -> (EACH, STEPS)."""
    result = tmp_path_factory.mktemp("poisson") / "spikes.npz"
    command = [sys.executable, "-m", "tests.agreement.poisson_spikes", request.param, str(result)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    found = np.zeros((EACH * len(RATES), STEPS), dtype=bool)
    with np.load(result) as saved:
        found[saved["sources"].astype(int), saved["steps"].astype(int)] = True
        assert found.sum() == len(saved["steps"])
    return dict(zip(RATES, found.reshape(len(RATES), EACH, STEPS), strict=True))


def test_never_and_always(spikes):
    assert not spikes[RATES[0]].any()
    assert spikes[RATES[-1]].all()


@pytest.mark.parametrize("rate", MEASURED)
def test_counts_are_binomial(rate, spikes):
    """Mean and variance over the sources."""
    p = rate * DT
    z = (spikes[rate].sum(axis=1) - STEPS * p) / np.sqrt(STEPS * p * (1 - p))
    assert abs(z.mean()) * np.sqrt(EACH) < STANDARD_ERRORS
    assert P_VALUE < stats.chi2(EACH).cdf(np.sum(z**2)) < 1 - P_VALUE


@pytest.mark.parametrize("rate", MEASURED)
def test_every_step_is_alike(rate, spikes):
    """The first as well, and none after another spikes more: counts of single steps over sources,
    and of pairs of steps one after the other."""
    p = rate * DT
    for pairs, chance in ((spikes[rate], p), (spikes[rate][:, 1:] & spikes[rate][:, :-1], p**2)):
        per_step = pairs.sum(axis=0)
        total, expected = per_step.sum(), pairs.size * chance
        # neighbouring pairs share a step: no more than three times the binomial variance
        assert abs(total - expected) < STANDARD_ERRORS * np.sqrt(3 * expected)
    first = spikes[rate][:, :100].sum()
    expected = 100 * EACH * p
    assert abs(first - expected) < STANDARD_ERRORS * np.sqrt(expected)


@pytest.mark.parametrize("rate", MEASURED)
def test_intervals_are_geometric(rate, spikes):
    """Chi-square over intervals of up to 40 steps that begin early enough not to be cut off."""
    p, longest = rate * DT, 40
    found = np.zeros(longest + 1)
    for train in spikes[rate]:
        steps = np.flatnonzero(train)
        intervals = np.diff(steps)[steps[:-1] < STEPS - longest]
        begun = np.count_nonzero(steps < STEPS - longest)
        short = intervals[intervals <= longest]
        found[:longest] += np.bincount(short - 1, minlength=longest)[:longest]
        found[longest] += begun - len(short)
    expected = found.sum() * np.append(
        stats.geom(p).pmf(np.arange(1, longest + 1)), stats.geom(p).sf(longest)
    )
    enough = expected >= 5
    found = np.append(found[enough], found[~enough].sum())
    expected = np.append(expected[enough], expected[~enough].sum())
    if expected[-1] == 0:
        found, expected = found[:-1], expected[:-1]
    distance = np.sum((found - expected) ** 2 / np.maximum(expected, 1e-9))
    assert stats.chi2(len(found) - 1).sf(distance) > P_VALUE


@pytest.mark.parametrize("rate", MEASURED)
def test_sources_are_independent(rate, spikes):
    """The number of sources that spike in one step has the variance of independent ones."""
    p = rate * DT
    together = spikes[rate].sum(axis=0)
    dispersion = np.sum((together - EACH * p) ** 2) / (EACH * p * (1 - p))
    assert P_VALUE < stats.chi2(STEPS).cdf(dispersion) < 1 - P_VALUE


# --- in one process, on numpy -------------------------------------------------------------


def counted(sources, monitor, network, seconds):
    before = np.array(monitor.count[:])
    network.run(seconds * b2.second)
    return np.array(monitor.count[:]) - before


def test_rates_and_time_step_may_change_between_runs():
    b2.seed(5)
    sources = PoissonSources(500, 1 * b2.Hz, dt=0.1 * b2.ms)
    monitor = b2.SpikeMonitor(sources)
    network = b2.Network(sources, monitor)
    for rate, dt in ((1.0, 1e-4), (400.0, 1e-4), (400.0, 1e-3), (0.0, 1e-3)):
        sources.rates = rate * b2.Hz
        sources.clock.dt = dt * b2.second
        count = counted(sources, monitor, network, 1.0).sum()
        error = np.sqrt(500 * rate * (1 - rate * dt))
        assert abs(count - 500 * rate) <= STANDARD_ERRORS * error


def test_a_seed_says_all():
    trains = []
    for _ in range(2):
        b2.start_scope()
        b2.seed(3)
        sources = PoissonSources(20, 300 * b2.Hz)
        monitor = b2.SpikeMonitor(sources)
        b2.Network(sources, monitor).run(50 * b2.ms)
        trains.append((monitor.t_[:].tolist(), monitor.i[:].tolist()))
    assert trains[0] == trains[1] and len(trains[0][0]) > 100


@pytest.mark.parametrize(
    ("rates", "found"),
    [
        (-1 * b2.Hz, "found -1 Hz, expected at least 0 Hz"),
        (np.nan * b2.Hz, "found nan Hz, expected at least 0 Hz"),
        (10, "found 10, expected rates in Hz"),
        (10 * b2.mV, "expected rates in Hz"),
        ([1, 2] * b2.Hz, "found 2 values, expected one, or one for each of the 3 sources"),
    ],
)
def test_wrong_rates_are_refused(rates, found):
    with pytest.raises(InputError, match=r"PoissonSources\.rates: ") as caught:
        PoissonSources(3, rates)
    assert found in str(caught.value)


def test_a_rate_of_more_than_a_spike_a_step_is_refused_when_a_run_begins():
    sources = PoissonSources(3, 20_000 * b2.Hz, dt=0.1 * b2.ms)
    with pytest.raises(b2.BrianObjectException) as caught:
        b2.Network(sources).run(1 * b2.ms)
    assert "found 20000 Hz, expected at most 10000 Hz" in str(caught.value.__cause__)
