"""The binomial numbers of `synsim_random.h`, held against the distribution itself."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import synsim
from synsim.engine import compiler

SOURCE = Path(__file__).with_name("random_counts.cpp")
DRAWS = 400_000
TRIALS = (1, 2, 4, 5, 6, 10, 11, 20, 21, 90)
# The lanes have 11 bits: at k/2048 they decide alone, halfway between they decide least.
CHANCES = (1e-5, 0.3 / 2048, 0.01, 1 / 3, 0.5, 1000.5 / 2048, 0.77, 1 - 1e-4, 1 - 2.0**-30)
P_VALUE = 1e-5  # of one test; there are 90


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """counts(pairs of n and p, seed, draws) -> list of arrays"""
    command = compiler.find()
    if command is None:
        pytest.skip("no C++ compiler")
    program = tmp_path_factory.mktemp("random") / "counts"
    headers = Path(synsim.__file__).parent / "engine"
    call = [*shlex.split(command), "-O2", "-std=c++11", f"-I{headers}", str(SOURCE), "-o"]
    subprocess.run([*call, str(program)], check=True)

    def drawn(pairs, seed=1, draws=DRAWS):
        lines = "".join(f"{n} {float(p).hex()}\n" for n, p in pairs)
        done = subprocess.run(
            [program], input=f"{seed} {draws}\n{lines}", capture_output=True, text=True, check=True
        )
        return [np.array(line.split(), dtype=int) for line in done.stdout.splitlines()]

    return drawn


@pytest.fixture(scope="module")
def all_counts(counts):
    pairs = [(n, p) for n in TRIALS for p in CHANCES]
    return dict(zip(pairs, counts(pairs), strict=True))


@pytest.mark.parametrize("n", TRIALS)
@pytest.mark.parametrize("p", CHANCES)
def test_every_number_comes_as_often_as_it_should(n, p, all_counts):
    """Chi-square over 0 .. n; numbers expected less than five times are taken together."""
    found = all_counts[n, p]
    expected = DRAWS * stats.binom(n, p).pmf(np.arange(n + 1))
    often = expected >= 5
    found = np.append(found[often], found[~often].sum())
    expected = np.append(expected[often], expected[~often].sum())
    if expected[-1] < 5:  # so few that even together they are no class of their own
        assert stats.poisson(expected[-1]).sf(found[-1] - 1) > P_VALUE
        found[np.argmax(expected)] += found[-1]
        expected[np.argmax(expected)] += expected[-1]
        found, expected = found[:-1], expected[:-1]
    if len(found) > 1:
        statistic = np.sum((found - expected) ** 2 / expected)
        assert stats.chi2(len(found) - 1).sf(statistic) > P_VALUE


@pytest.mark.parametrize("p", [2.0**-11, 2.0**-12, 2.0**-16, 5 * 2.0**-18])
def test_the_bits_beyond_the_first_eleven_count(p, counts):
    """Rare successes, each of which the further bits decide: 5e6 trials, 4 standard errors."""
    (found,) = counts([(5, p)], draws=1_000_000)
    successes = np.sum(found * np.arange(6))
    assert abs(successes - 5e6 * p) < 4 * np.sqrt(5e6 * p * (1 - p))


def test_certainty_and_impossibility(counts):
    """At the bounds and beyond them nothing is left to chance."""
    pairs = [(5, 0.0), (5, 1.0), (30, 0.0), (30, 1.0), (5, -0.1), (7, 1.1), (0, 0.5), (-2, 0.5)]
    found = [np.flatnonzero(c).tolist() for c in counts(pairs, draws=10_000)]
    assert found == [[0], [5], [0], [30], [0], [7], [0], [0]]


def test_the_seed_rules_the_draws(counts):
    once, again, other = (counts([(5, 0.4), (12, 0.4)], s, 1000) for s in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(once, other, strict=True))
