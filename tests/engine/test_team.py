"""Threads that go on alone (`synsim.team`), held against numpy, which takes one step at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(module, *arguments):
    command = [sys.executable, "-m", f"tests.engine.{module}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """network(way, threads, delay, job) -> what `team_network` leaves, and what it said."""
    known = {}

    def left(*arguments):
        if arguments not in known:
            place = tmp_path_factory.mktemp("network")
            said = run("team_network", place, *arguments).stderr
            with np.load(place / "found.npz") as found:
                known[arguments] = dict(found), said, place
        return known[arguments]

    return left


# Windows of 15 steps, of one, and none; two and three threads; and threads that meet at every step.
@pytest.mark.parametrize(
    ("way", "threads", "delay"),
    [("team", 2, 1.5), ("team", 3, 0.1), ("team", 2, 0), ("together", 2, 1.5)],
)
def test_a_network_is_the_same_as_on_numpy(network, way, threads, delay):
    """Every spike, and all state after two runs, which cut windows and what is on its way."""
    expected, *_ = network("numpy", 1, delay)
    found, said, place = network(way, threads, delay)
    assert len(expected["i"]) > 300 and np.ptp(expected["fired"]) > 3
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, err_msg=name)
    codes = (place / "project" / "code_objects").glob("*.cpp")
    assert any("synsim::team(" in code.read_text() for code in codes) == (way == "team")
    assert ("StateMonitor 'statemonitor' may look at any variable" in said) == (way == "together")


def test_a_run_that_ends_between_two_steps(network):
    """Of 50.000001 ms, where the compiled program makes a step more than Python reckons with."""
    expected, *_ = network("together", 2, 1.5, "rounded")
    found, *_ = network("team", 2, 1.5, "rounded")
    assert len(expected["rate"]) == 601
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("delay", [0.8, 0])
def test_neurons_that_only_hear_others(network, delay):
    """From a source that belongs to no part, and with nothing to do before its spikes arrive."""
    expected, *_ = network("numpy", 1, delay, "listed")
    found, *_ = network("team", 2, delay, "listed")
    assert len(expected["i"]) > 100
    np.testing.assert_allclose(found["v"], expected["v"], rtol=1e-9)


@pytest.mark.parametrize("delay", [0.8, 0])
def test_noise_of_different_threads_is_independent(network, delay):
    """400 Poisson sources at 50 Hz, and binomial numbers of 300 x 400 synapses, on two threads.

    Given the spikes that have arrived, what a neuron sums is Binomial(n times these, p). SE of a
    variance from 300 neurons: its sqrt(2/299); tolerances are 4 SE.
    """
    found, *_ = network("team", 2, delay, "noisy")
    n, p, rate, seconds, dt = 4, 0.3, 50.0, 0.1009, 1e-4
    arrived = found["step"] + round(delay / 0.1) < round(seconds / dt)
    trials = n * np.count_nonzero(arrived)
    mean, variance = trials * p, trials * p * (1 - p)
    assert abs(found["v"].mean() - mean) < 4 * np.sqrt(variance / 300)
    assert abs(found["v"].var(ddof=1) - variance) < 4 * variance * np.sqrt(2 / 299)
    # Equal numbers on both threads would show as pairs of equal neurons 64 or more apart.
    assert len(np.unique(found["v"])) > 100
    counts = np.bincount(found["i"], minlength=400)
    steps = round(seconds / dt)
    expected, spread = steps * rate * dt, steps * rate * dt * (1 - rate * dt)
    assert abs(counts.mean() - expected) < 4 * np.sqrt(spread / 400)
    assert abs(counts.var(ddof=1) - spread) < 4 * spread * np.sqrt(2.2 / 399)
    both = np.corrcoef(counts[:200], counts[200:])[0, 1]
    assert abs(both) < 4 / np.sqrt(200)


def test_what_keeps_threads_from_going_on_alone():
    """One line says what it is, by its name."""
    said = run("team_reasons").stdout.splitlines()
    assert dict(line.split(": ", 1) for line in said) == {
        "alone": "1 group, 4 objects",
        "bystanders": "1 group, 7 objects",
        "one noise": "'group' draws noise once for all neurons",
        "linked": "'neurongroup_1' is linked to variables of 'known'",
        "linked within": "'group' is linked to variables of others of its neurons",
        "no threshold": "'group' has a threshold that is not active",
        "late source": "'source' comes after synapses or resets",
        "gsl": "'group' is integrated by the GSL",
        "gsl in a list": "'group' is integrated by the GSL",
        "shared": "'counting' changes count, which all neurons share",
        "part": "'operation' works on a part of its group",
        "own clock": "'operation' has a clock of its own",
        "plain": "'plain' was not made by synsim",
        "at spikes": "'meter' records v at spikes",
        "two events": "'group' has events other than spikes",
        "late threshold": "'group_spike_thresholder' comes after synapses or resets",
        "repaired": "taken",
    }
