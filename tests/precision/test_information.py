"""The estimator of information on channels whose information is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import digamma, ndtr

from synsim.component import InputError
from synsim.predict.information import (
    channel_information,
    entropy,
    mutual_information,
    plug_in_entropy,
)
from synsim.predict.precision import unknown_start_channel


def h(*p: float) -> float:
    return float(-sum(q * np.log2(q) for q in p if q > 0))


def draw(channel: np.ndarray, times: int, rng: np.random.Generator) -> tuple:
    meant = np.tile(np.arange(len(channel)), times)
    edges = np.cumsum(channel, axis=1)
    read = (rng.random(meant.size)[:, None] > edges[meant]).sum(axis=1)
    return meant, np.minimum(read, channel.shape[1] - 1)


def scattered(levels: int, cv: float) -> np.ndarray:
    """Level k read with normal scatter cv sqrt(k), rounded, clipped at the ends."""
    k = np.arange(levels)[:, None]
    s = np.maximum(cv * np.sqrt(k), 1e-9)
    edges = np.concatenate([[-np.inf], np.arange(levels - 1) + 0.5, [np.inf]])
    return ndtr((edges[1:] - k) / s) - ndtr((edges[:-1] - k) / s)


@pytest.mark.parametrize("flip", [0.0, 0.05, 0.11, 0.5])
def test_binary_symmetric_channel(flip: float) -> None:
    """1 - h(flip)."""
    channel = np.array([[1 - flip, flip], [flip, 1 - flip]])
    exact = 1 - h(flip, 1 - flip)
    assert channel_information(channel) == pytest.approx(exact, abs=1e-12)
    found = mutual_information(*draw(channel, 3000, np.random.default_rng(1)))
    assert abs(found.bits - exact) < 4 * found.error + 3e-3  # the floor is for no information
    assert (flip == 0.0) == (found.error < 1e-9)


def test_z_channel_and_a_useless_one() -> None:
    exact = h(0.75, 0.25) - 0.5 * h(0.5, 0.5)
    assert channel_information([[1, 0], [0.5, 0.5]]) == pytest.approx(exact, abs=1e-12)
    assert channel_information(np.full((7, 5), 0.2)) == pytest.approx(0, abs=1e-12)
    assert channel_information(np.eye(8)) == pytest.approx(3, abs=1e-12)


def test_entropy_is_grassbergers() -> None:
    """G in its other form, psi(n) + (-1)^n/2 (psi((n + 1)/2) - psi(n/2))."""
    n = np.arange(1, 60)
    g = digamma(n) + 0.5 * (-1.0) ** n * (digamma((n + 1) / 2) - digamma(n / 2))
    counts = np.concatenate([n, [0, 0]])
    expected = (np.log(n.sum()) - np.sum(n * g) / n.sum()) / np.log(2)
    assert entropy(counts) == pytest.approx(expected, abs=1e-12)
    assert plug_in_entropy([1, 1, 2, 0]) == pytest.approx(1.5, abs=1e-12)
    assert entropy([[4000, 4000], [8000, 0]]) == pytest.approx([1, 0], abs=1e-4)


def test_levels_that_are_undersampled_are_taken_together() -> None:
    """A start that is unknown: every value meant is read as half of all values."""
    rng = np.random.default_rng(5)
    for levels, width in ((16, 1), (64, 2), (256, 4)):
        channel = unknown_start_channel(levels)
        exact, times = channel_information(channel), max(32, 1024 // levels)
        found = [mutual_information(*draw(channel, times, rng)) for _ in range(6)]
        assert {f.width for f in found} == {width}
        bits = np.array([f.bits for f in found])
        assert abs(bits.mean() - exact) < 0.08 + 4 * bits.std(ddof=1) / np.sqrt(6)
    # the bits of the coarser levels are no more than those of the fine ones
    coarse = channel.reshape(64, 4, 64, 4).sum(axis=(1, 3)) / 4
    assert 0 < exact - channel_information(coarse) < 0.02


# levels, scatter, samples a level, the bias that the docstring promises, in bits
CASES = [(16, 0.3, 32, 0.03), (64, 0.3, 32, 0.03), (256, 0.1, 32, 0.03), (256, 0.3, 32, 0.03),
         (256, 1.0, 32, 0.1), (256, 1.0, 64, 0.06)]  # fmt: skip


@pytest.mark.parametrize(("levels", "cv", "times", "promised"), CASES)
def test_bias_of_the_corrected_value(levels: int, cv: float, times: int, promised: float) -> None:
    channel, rng = scattered(levels, cv), np.random.default_rng(2)
    exact = channel_information(channel)
    found = [mutual_information(*draw(channel, times, rng)) for _ in range(6)]
    bits = np.array([f.bits for f in found])
    plug_in = np.mean([f.plug_in for f in found]) - exact
    miller_madow = np.mean([f.miller_madow for f in found]) - exact
    standard = max(np.std(bits, ddof=1), found[0].error) / np.sqrt(len(found))
    assert abs(bits.mean() - exact) < promised + 4 * standard
    assert abs(bits.mean() - exact) < 0.5 * abs(plug_in)
    assert plug_in > miller_madow > 0  # both too high, one the more


def test_first_order_bias_of_the_plug_in_value() -> None:
    """With many samples its bias is [sum of (m_x - 1) - (m - 1)]/(2 N ln 2)."""
    channel, rng, times = np.full((4, 8), 1 / 8), np.random.default_rng(3), 100
    found = [mutual_information(*draw(channel, times, rng)) for _ in range(300)]
    plug_in = np.array([f.plug_in for f in found])
    expected = (4 * 7 - 7) / (2 * 4 * times * np.log(2))
    assert abs(plug_in.mean() - expected) < 4 * plug_in.std() / np.sqrt(300) + 0.02 * expected
    bits = np.array([f.bits for f in found])
    assert abs(bits.mean()) < 4 * bits.std() / np.sqrt(300)


def test_standard_error_is_that_of_repeats() -> None:
    channel, rng = scattered(16, 0.3), np.random.default_rng(4)
    found = [mutual_information(*draw(channel, 64, rng)) for _ in range(300)]
    ratio = np.std([f.bits for f in found]) / np.mean([f.error for f in found])
    assert 0.8 < ratio < 1.6  # the extrapolation costs some


@pytest.mark.parametrize(
    ("meant", "read", "problem"),
    [
        ([0, 1], [0], "expected as many"),
        ([0] * 8 + [1] * 4, [0] * 12, "meant 4 to 8 times"),
        ([0, 0, 1, 1], [0, 0, 1, 1], "at least 4 times"),
        ([0] * 4, [-1] * 4, "found a value below 0"),
        ([], [], "expected as many"),
    ],
)
def test_refused(meant: list, read: list, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        mutual_information(meant, read)


def test_a_channel_that_is_none() -> None:
    with pytest.raises(InputError, match="does not sum to 1"):
        channel_information([[0.5, 0.4]])
