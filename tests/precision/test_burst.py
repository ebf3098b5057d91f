"""Bits set by bursts, bits that keep themselves, and how long writing takes, in plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from synsim.predict.burst import Burst
from synsim.predict.disturbance import Background
from synsim.predict.precision import Count

PLUS, MINUS, LAG = 16.8e-3, 33.7e-3, 2e-3


def written(burst: Burst, up: bool, count: int, rng: np.random.Generator) -> np.ndarray:
    """Traces and clipped updates, one spike after another."""
    a_plus = burst.step * np.exp(burst.lag / burst.tau_plus)
    a_minus = burst.step * np.exp(burst.lag / burst.tau_minus)
    w, gain = rng.random(count), np.maximum(1 + burst.gain_cv * rng.standard_normal(count), 0)
    pre_trace = post_trace = now = 0.0
    for i in range(burst.pairings):
        for side, offset in (("pre", 0.0), ("post", burst.lag))[:: 1 if up else -1]:
            at = i * burst.period + (offset if up else burst.lag - offset)
            pre_trace *= np.exp(-(at - now) / burst.tau_plus)
            post_trace *= np.exp(-(at - now) / burst.tau_minus)
            now = at
            change = a_plus * pre_trace if side == "post" else -a_minus * post_trace
            scatter = 1 + burst.scatter_cv * rng.standard_normal(count)
            w = np.clip(w + gain * change * scatter, 0, 1)
            pre_trace, post_trace = pre_trace + (side == "pre"), post_trace + (side == "post")
    return w


@pytest.mark.parametrize(
    ("rate", "scatter", "gain"), [(100.0, 0.3, 0.0), (20.0, 0.5, 0.0), (100.0, 0.1, 0.6)]
)
def test_misread_after_a_burst(rate: float, scatter: float, gain: float) -> None:
    burst = Burst(5, 0.2, 1 / rate, LAG, PLUS, MINUS, scatter, gain)
    rng, count = np.random.default_rng(1), 400_000
    zero = float(np.mean(written(burst, False, count, rng) >= 0.2))
    one = float(np.mean(written(burst, True, count, rng) < 0.2))
    for found, exact in zip((zero, one), burst.misread(0.2), strict=True):
        error = np.sqrt(max(exact, 1e-5) * (1 - exact) / count)
        assert abs(found - exact) < 4 * error + 2e-4  # the grid's


def test_a_burst_without_scatter_is_the_count() -> None:
    count = Count(LAG, PLUS, MINUS)
    for up in (True, False):
        burst = Burst(5, 0.05, 0.01, LAG, PLUS, MINUS, 0.3)
        moved, variance = burst.moments(up)
        assert moved == pytest.approx(0.05 * float(count.moved(5, 0.01, up)) * (1 if up else -1))
        assert variance == pytest.approx(0.09 * np.sum(burst.updates(up) ** 2))
    assert Burst(5, 0.2, 0.1, LAG, PLUS, MINUS).misread(0.2) == pytest.approx((0, 0), abs=1e-12)


@pytest.mark.parametrize(("bit", "tau_m"), [(0, 0.0), (0, 0.02), (1, 0.02)])
def test_a_weight_that_fires_its_neuron_keeps_itself(bit: int, tau_m: float) -> None:
    """Spikes one by one: where their sum reaches 0.6, a post of the synapse's own a step later."""
    b = Background(0.22, 0.21, PLUS, MINUS, 3.0, 3.0, 1e-3, 0.2, own=0.6, tau_m=tau_m)
    rng, copies, steps = np.random.default_rng(2), 2000, 20_000
    w = np.full(copies, float(bit))
    v, pre_trace, post_trace, due = np.zeros((4, copies))
    decay = np.exp(-b.dt / tau_m) if tau_m else 0.0
    for _ in range(steps):
        pre_trace *= np.exp(-b.dt / PLUS)
        post_trace *= np.exp(-b.dt / MINUS)
        pre = rng.random(copies) < b.pre_rate * b.dt
        post = (due > 0) | (rng.random(copies) < b.post_rate * b.dt)
        v = np.where(post, 0.0, v * decay + pre * w)
        due = pre & (v >= 0.6)
        for at, change in ((pre, -b.a_minus * post_trace), (post, b.a_plus * pre_trace)):
            k = np.flatnonzero(at)
            scatter = 1 + b.scatter_cv * rng.standard_normal(len(k))
            w[k] = np.clip(w[k] + change[k] * scatter, 0, 1)
        pre_trace += pre
        post_trace += post
    found = np.mean((w >= 0.2) != bit)
    exact = float(b.misread([steps * b.dt], 0.2, [float(bit)], bit)[0])
    # separate pairs leave out what one spike's pairs have in common
    assert abs(found - exact) < 4 * np.sqrt(max(exact, 1e-3) / copies) + 0.02, (found, exact)
    alone = Background(0.22, 0.21, PLUS, MINUS, 3.0, 3.0, 1e-3, 0.2)
    lost = float(alone.misread([steps * b.dt], 0.2, [float(bit)], bit)[0])
    assert exact < lost - 0.2 if bit else exact > lost


@pytest.mark.parametrize("scatter", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("levels", [16, 256])
def test_pairings_that_reach_a_level(levels: int, scatter: float) -> None:
    """First passage of the walk itself; separate pairings."""
    count = Count(LAG, PLUS, MINUS)
    rng, copies = np.random.default_rng(3), 4000
    walk = np.cumsum(1 + scatter * rng.standard_normal((copies, 2 * levels)), axis=1)
    passed = 1 + np.argmax(walk >= levels - 1.5, axis=1)
    mean, variance = count.reached(levels, 2.0, scatter)
    if scatter == 0:
        assert mean == passed[0] == levels - 1 and variance == 0
        return
    error = np.sqrt(passed.var() / copies)
    assert abs(passed.mean() - mean) < 4 * error + 0.03
    # the excess over the level adds about a tenth of a pairing squared
    assert passed.var() == pytest.approx(variance, rel=0.12, abs=0.15)


def test_where_depression_wins_no_level_is_reached() -> None:
    count = Count(LAG, PLUS, MINUS)
    assert np.all(np.isnan(count.reached(256, 0.004)))
    mean, _ = count.reached(256, 1 / 20)
    k = np.arange(1, 800)
    moved = count.moved(k, 1 / 20)
    assert mean == k[np.argmax(moved >= 254.5)]
