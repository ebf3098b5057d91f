"""Connections, statistics of spikes, and the mean field, each against a direct computation."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import erf

import synsim
from synsim import InputError, QuantalVariability, Synapse, TsodyksMarkram
from synsim.activity import Activity
from synsim.engine import compiler
from synsim.models.lif import LIF
from synsim.predict.balanced import (
    Input,
    asynchronous_state,
    response_moments,
    siegert_cv,
    siegert_rate,
    threshold_rate,
)

CELL = LIF.preset("lif-brunel-2000")


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    """connected(seed, first_source, sources, first_target, targets, inputs) -> pre, post, out"""
    command = compiler.find()
    if command is None:
        pytest.skip("no C++ compiler")
    program = tmp_path_factory.mktemp("connections") / "connect"
    headers = Path(synsim.__file__).parent / "engine"
    source = Path(__file__).with_name("connections.cpp")
    call = [*shlex.split(command), "-O2", "-std=c++17", f"-I{headers}", str(source), "-o"]
    subprocess.run([*call, str(program)], check=True)

    def of(*numbers):
        done = subprocess.run(
            [program], input=" ".join(map(str, numbers)), capture_output=True, text=True, check=True
        )
        found = np.array(done.stdout.split(), dtype=int)
        pairs, outgoing = found[: -numbers[2]], found[-numbers[2] :]
        return pairs[::2], pairs[1::2], outgoing

    return of


@pytest.mark.parametrize("ranges", [(0, 80, 0, 100), (80, 20, 0, 100), (0, 80, 80, 20)])
def test_connections(ranges, connected):
    """Every target has so many different sources, not itself; synapses lie by source."""
    first, sources, begin, targets = ranges
    pre, post, outgoing = connected(3, *ranges, 15)
    assert np.all(np.diff(pre) >= 0)
    assert np.array_equal(np.bincount(pre - first, minlength=sources), outgoing)
    assert np.array_equal(np.bincount(post - begin, minlength=targets), np.full(targets, 15))
    assert len(set(zip(pre, post, strict=True))) == 15 * targets
    assert np.all(pre != post)
    assert pre.min() >= first and pre.max() < first + sources


def test_all_but_itself_is_the_most(connected):
    pre, post, _ = connected(1, 0, 9, 0, 9, 8)
    assert set(zip(pre, post, strict=True)) == {
        (i, j) for i in range(9) for j in range(9) if i != j
    }


def test_every_source_is_as_likely(connected):
    """Counts over 2,000 targets outside the sources: chi-square, inputs drawn without return."""
    _, _, outgoing = connected(5, 0, 40, 40, 2000, 10)
    # the variance of a count is that of 2000 Bernoulli trials of 1/4; counts sum to a constant
    square = np.sum((outgoing - 500) ** 2) / (2000 * 0.25 * 0.75 * 40 / 39)
    assert 1e-4 < stats.chi2(39).sf(square) < 1 - 1e-4
    assert not np.array_equal(outgoing, connected(6, 0, 40, 40, 2000, 10)[2])


@pytest.mark.parametrize("piece", [1, 37, 10**6])
def test_statistics_of_spikes_in_pieces(piece):
    rng = np.random.default_rng(1)
    steps, neurons, bin_steps = 20_010, 30, 50
    when, who = (a.astype(np.int32) for a in np.nonzero(rng.random((steps, neurons)) < 0.004))
    told = Activity(neurons, 20, steps, bin_steps, steps - 100)
    for begin in range(0, len(when), piece):
        told(when[begin : begin + piece], who[begin : begin + piece])
    trains = [when[who == k] for k in range(neurons)]
    assert told.count.tolist() == [len(t) for t in trains]
    assert told.cv() == pytest.approx([np.std(np.diff(t)) / np.mean(np.diff(t)) for t in trains])
    for part, found in zip((who < 20, who >= 20), told.synchrony(), strict=True):
        bins = np.bincount(when[part] // bin_steps, minlength=steps // bin_steps)
        bins = bins[: steps // bin_steps]
        assert found == pytest.approx(bins.var(ddof=1) / bins.mean())
    late, neurons_late = told.spikes()
    assert np.array_equal(late, when[when >= steps - 100])
    assert np.array_equal(neurons_late, who[when >= steps - 100])


def test_too_few_spikes():
    told = Activity(3, 2, 1000, 10, 900)
    told(np.array([5, 7], np.int32), np.array([0, 0], np.int32))
    assert np.all(np.isnan(told.cv())) and np.isnan(told.synchrony()[1])


@pytest.mark.parametrize(("mu", "sigma"), [(0.018, 0.004), (0.021, 0.004), (0.015, 0.006)])
def test_siegert(mu, sigma):
    """Rate and CV against their integrals, written out."""
    low, high = (CELL.V_reset - mu) / sigma, (CELL.V_th - mu) / sigma

    def inner(x):
        return quad(lambda y: np.exp(y * y) * (1 + erf(y)) ** 2, min(x, 0) - 6, x)[0]

    rate = 1 / (
        CELL.t_ref
        + CELL.tau_m * np.sqrt(np.pi) * quad(lambda x: np.exp(x * x) * (1 + erf(x)), low, high)[0]
    )
    spread = quad(lambda x: np.exp(x * x) * inner(x), low, high)[0]
    assert siegert_rate(CELL, mu, sigma) == pytest.approx(rate, rel=1e-6)
    assert siegert_cv(CELL, mu, sigma) == pytest.approx(
        np.sqrt(2 * np.pi * (rate * CELL.tau_m) ** 2 * spread), rel=2e-3
    )


def test_siegert_without_noise_is_the_rate_of_the_neuron():
    """Far above threshold and with little noise: LIF.rate of a constant current."""
    mu = 0.03
    current = (mu - CELL.E_L) * CELL.g_L
    assert siegert_rate(CELL, mu, 1e-4) == pytest.approx(float(CELL.rate(current)), rel=1e-4)
    assert siegert_cv(CELL, mu, 1e-4) < 0.02
    assert siegert_rate(CELL, 0.0, 1e-4) == 0 and np.isnan(siegert_cv(CELL, 0.0, 1e-4))


def test_moments_of_responses():
    """Binomial release with quantal variability: against draws, 4 standard errors."""
    synapse = Synapse(
        n=4, p=0.3, q="0.2mV", release="binomial", variability=QuantalVariability(cv_within=0.4)
    )
    rng, draws = np.random.default_rng(2), 400_000
    k = rng.binomial(4, 0.3, draws)
    response = 0.2e-3 * (k + 0.4 * np.sqrt(k) * rng.standard_normal(draws))
    found = response_moments(synapse, 10.0)
    for power, expected in ((1, found.mean), (2, found.square)):
        values = response**power
        error = values.std() / np.sqrt(draws)
        assert abs(values.mean() - expected) < 4 * error


def test_moments_under_depression_are_those_of_the_mean_field():
    synapse = Synapse(n=2, q="1mV", short_term=TsodyksMarkram(U=0.5, tau_rec="800ms",
                      tau_facil="0ms"), release="mean-field")  # fmt: skip
    assert response_moments(synapse, 5.0).mean == pytest.approx(1e-3 / (1 + 0.5 * 5 * 0.8))
    assert response_moments(synapse, 0.0).square == pytest.approx(1e-6)


def test_release_noise_is_noise_of_the_input():
    """p = 1/4 at four times q: the same mu, sigma^2 by sigma_E^2 larger, more spikes."""
    J, C = 0.2e-3, 400
    outside = Input(Synapse(n=1, p=1.0, q="0.2mV"), C, 2 * float(threshold_rate(CELL, C, J)))
    inhibition = Input(Synapse(n=1, p=1.0, q="-1mV"), C / 4)
    states = [
        asynchronous_state(
            CELL, [Input(Synapse(n=1, p=p, q=f"{0.2 / p}mV", release="binomial"), C), inhibition,
                   outside],
        )
        for p in (1.0, 0.25)
    ]  # fmt: skip
    for state, second in zip(states, (1.0, 4.0), strict=True):
        assert state.rate == pytest.approx(siegert_rate(CELL, state.mu, state.sigma), rel=1e-6)
        noise = C * state.rate * J**2 * (second + 0.25 * 25) + outside.rate * C * J**2
        assert state.sigma == pytest.approx(np.sqrt(CELL.tau_m * noise))
    assert states[1].rate > states[0].rate


def test_what_has_no_mean_field():
    with pytest.raises(InputError, match="jumps of the potential"):
        asynchronous_state(CELL, [Input(Synapse(n=1, p=1.0, q="1pA"), 10)])
