"""Closed forms of writing, reading and disturbance against enumeration and plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from synsim import PairSTDP
from synsim.component import InputError
from synsim.models.pair_stdp import repeated_pairing
from synsim.predict import precision
from synsim.predict.disturbance import Background
from synsim.predict.information import channel_information
from synsim.predict.pairing import pairing_course

LAG, PLUS, MINUS = 2e-3, 16.8e-3, 33.7e-3
COUNT = precision.Count(LAG, PLUS, MINUS)
A_PLUS, A_MINUS = np.exp(LAG / PLUS), np.exp(LAG / MINUS)  # of one level


# --- counting at a rate -------------------------------------------------------------------


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("rate", [0.5, 5.0, 40.0, 250.0])
def test_moved_is_the_sum_over_all_pairs(rate: float, up: bool) -> None:
    for k in (0, 1, 2, 7, 255):
        lag = LAG if up else -LAG
        enumerated = repeated_pairing(lag, 1 / rate, k, A_PLUS, A_MINUS, PLUS, MINUS) if k else 0
        found = COUNT.moved(k, 1 / rate, up) * (1 if up else -1)
        assert found == pytest.approx(float(enumerated), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("up", [True, False])
def test_settled_is_the_difference_of_late_counts(up: bool) -> None:
    for period in (0.004, 0.03, 0.3):
        late = COUNT.moved([4000, 4001], period, up)
        assert COUNT.settled(period, up) == pytest.approx(np.diff(late)[0], rel=1e-9)
    # at short periods it is the areas' difference
    fast = precision.Count(1e-6, PLUS, MINUS).settled(1e-4, up)
    assert fast == pytest.approx((PLUS - MINUS) / 1e-4 * (1 if up else -1), rel=0.02)


def test_highest_rate_is_where_a_count_goes_wrong() -> None:
    for pairings, tolerance in ((255, 1.0), (255, 0.5), (15, 1.0), (3, 0.2)):
        rate = COUNT.highest_rate(pairings, tolerance)
        k = np.arange(1, pairings + 1)
        assert np.max(np.abs(COUNT.moved(k, 1 / rate) - k)) == pytest.approx(tolerance, rel=1e-6)
        slower = np.max(np.abs(COUNT.moved(k, 1.05 / rate) - k))
        assert slower < tolerance < np.max(np.abs(COUNT.moved(k, 0.95 / rate) - k))
    assert COUNT.highest_rate(1) == np.inf  # one pairing has nothing to overlap with
    assert 4 < COUNT.highest_rate(255) < 6  # 256 levels: about 50 s, not one


def test_a_lag_beyond_the_period_is_refused() -> None:
    with pytest.raises(InputError, match="expected a lag above 0 and below the period"):
        COUNT.moved(3, 0.002)


# --- scatter ----------------------------------------------------------------------------


@pytest.mark.parametrize(("cv", "gain"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.1), (0.3, 0.1)])
def test_moments_and_channel_of_writing(cv: float, gain: float) -> None:
    """Against 20,000 synapses a level, drawn one pairing at a time."""
    levels, each = 12, 20_000
    rng = np.random.default_rng(7)
    gains = 1 + gain * rng.standard_normal((levels, each))
    steps = 1 + cv * rng.standard_normal((levels - 1, levels, each))
    counted = np.arange(1, levels)[:, None, None] <= np.arange(levels)[None, :, None]
    w = gains * np.sum(steps * counted, axis=0)
    mean, variance = precision.write_moments(np.arange(levels), cv, gain)
    error = np.sqrt(np.maximum(variance, 1e-30) / each)
    assert np.all(np.abs(w.mean(axis=1) - mean) < 4 * error + 1e-9)
    assert np.all(np.abs(w.var(axis=1) - variance) < 4 * variance * np.sqrt(3 / each) + 1e-12)
    rms = np.sqrt(np.mean((w - np.arange(levels)[:, None]) ** 2))
    assert precision.write_error(levels, cv, gain) == pytest.approx(rms, rel=0.02, abs=1e-12)
    read = np.clip(np.floor(w + 0.5), 0, levels - 1).astype(int)
    channel = precision.write_channel(levels, cv, gain)
    slack = 0.01 if cv * gain else 5e-4  # of both together it is not quite normal
    for k in range(levels):
        found = np.bincount(read[k], minlength=levels) / each
        assert np.all(np.abs(found - channel[k]) < 4.5 * np.sqrt(channel[k] / each) + slack)


def test_squared_error_of_what_is_clipped() -> None:
    rng = np.random.default_rng(12)
    for k, mean, variance in ((0, 0.3, 2.0), (7, 7.5, 4.0), (4, 4, 0.0), (3, 2.5, 0.01)):
        square = (np.clip(rng.normal(mean, np.sqrt(variance), 400_000), 0, 8) - k) ** 2
        exact = precision.clipped_square(k, mean, variance, 8)
        assert abs(square.mean() - exact) < 4 * square.std() / np.sqrt(square.size) + 1e-12


def test_levels_that_are_told_apart() -> None:
    for cv, gain in ((0.3, 0.0), (0.0, 0.05), (0.1, 0.02)):
        count = precision.levels_within(0.5, cv, gain) - 1
        assert precision.write_moments(count, cv, gain)[1] == pytest.approx(0.25, rel=1e-9)
    assert precision.levels_within(0.5, 0.3) == pytest.approx(1 + 1 / (4 * 0.09))
    assert precision.levels_within(0.5, 0) == np.inf


def test_scatter_alone_never_limits_the_range_but_a_gain_does() -> None:
    errors = [precision.write_error(n, 0.3) / n for n in (64, 256, 1024)]
    assert np.allclose(np.array(errors[:2]) / errors[1:], 2, rtol=0.01)
    gains = [precision.write_error(n, 0, 0.1) / n for n in (64, 256, 1024)]
    assert np.allclose(gains, 0.1 / np.sqrt(3), rtol=0.02)


def test_channel_of_reading_through_release() -> None:
    levels, n, p, reads, each = 8, 3, 0.4, 5, 200_000
    rng = np.random.default_rng(8)
    k = np.arange(levels)[:, None]
    w = k + 0.2 * np.sqrt(k) * rng.standard_normal((levels, each))
    w = w * rng.binomial(n * reads, p, (levels, each)) / (n * reads * p)
    read = np.clip(np.floor(w + 0.5), 0, levels - 1).astype(int)
    channel = precision.write_channel(levels, 0.2, n=n, p=p, reads=reads)
    assert np.allclose(channel.sum(axis=1), 1)
    for row in range(levels):
        found = np.bincount(read[row], minlength=levels) / each
        assert np.all(np.abs(found - channel[row]) < 4.5 * np.sqrt(channel[row] / each) + 1e-5)
    spread = (7 * rng.binomial(n * reads, p, each) / (n * reads * p)).std()
    assert precision.read_error(7, n, p, reads) == pytest.approx(spread, rel=0.01)


@pytest.mark.parametrize("cv", [0.0, 0.3])
def test_channel_of_an_unknown_start(cv: float) -> None:
    levels, each = 9, 100_000
    rng = np.random.default_rng(9)
    m = np.trunc(np.arange(levels) - levels / 2)[:, None]
    w = rng.uniform(0, levels, (levels, each)) + m
    w += cv * np.sqrt(np.abs(m)) * rng.standard_normal((levels, each))
    read = np.floor(np.clip(w, 0, levels) + 0.5).astype(int).clip(0, levels - 1)
    channel = precision.unknown_start_channel(levels, cv)
    for row in range(levels):
        found = np.bincount(read[row], minlength=levels) / each
        assert np.all(np.abs(found - channel[row]) < 4.5 * np.sqrt(channel[row] / each) + 1e-5)
    assert channel_information(channel) < 0.8 < channel_information(np.eye(levels))


# --- disturbance ------------------------------------------------------------------------


def drawn_changes(b: Background, steps: int, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """Every pair, by enumeration, in matrices."""
    x = (rng.random((repeats, steps)) < -np.expm1(-b.pre_rate * b.dt)).astype(float)
    y = (rng.random((repeats, steps)) < -np.expm1(-b.post_rate * b.dt)).astype(float)
    lag = (np.arange(steps)[None, :] - np.arange(steps)[:, None]) * b.dt
    up = np.where(lag > 0, b.a_plus * np.exp(-np.abs(lag) / b.tau_plus), 0.0)
    down = np.where(lag < 0, b.a_minus * np.exp(-np.abs(lag) / b.tau_minus), 0.0)
    ltp, ltd = (x @ up) * y, (y @ down.T) * x
    ltp *= 1 + b.scatter_cv * rng.standard_normal(ltp.shape)
    ltd *= 1 + b.scatter_cv * rng.standard_normal(ltd.shape)
    return (ltp - ltd).sum(axis=1)


@pytest.mark.parametrize(
    "b",
    [
        Background(1.0, 1.0, 0.02, 0.04, 10.0, 5.0, 2e-3),
        Background(1.0, 0.5, 0.02, 0.04, 8.0, 30.0, 2e-3),
        Background(0.7, 0.7, 0.02, 0.02, 20.0, 20.0, 2e-3, 0.8),
    ],
)
def test_mean_and_variance_of_the_disturbance(b: Background) -> None:
    rng, repeats = np.random.default_rng(10), 20_000
    for steps in (5, 60, 400):
        found = drawn_changes(b, steps, repeats, rng)
        mean, variance = b.moments(steps * b.dt)
        assert abs(found.mean() - mean) < 4 * np.sqrt(variance / repeats)
        fourth = np.mean((found - found.mean()) ** 4)
        assert abs(found.var() - variance) < 4 * np.sqrt((fourth - found.var() ** 2) / repeats)


def test_drift_and_diffusion_are_the_limits() -> None:
    b = Background(1.0, 0.8, 0.0168, 0.0337, 5.0, 3.0, 1e-6)
    (early, late), (small, large) = b.moments([100.0, 101.0])
    assert late - early == pytest.approx(b.drift, rel=1e-3)
    assert large - small == pytest.approx(b.diffusion, rel=1e-3)


def test_retention_does_not_depend_on_the_number_of_levels() -> None:
    times = []
    for levels in (4, 256):
        b = Background(A_PLUS / levels, A_MINUS / levels, PLUS, MINUS, 1.0, 1.0, 1e-4)
        times.append(b.retention(0.5 / levels))
        mean, variance = b.moments(times[-1])
        assert np.sqrt(mean**2 + variance) * levels == pytest.approx(0.5, rel=1e-3)
        assert b.retention(0.5 / levels, 0.5 / levels) == 0
        assert 0 < b.retention(0.5 / levels, 0.4 / levels) < times[-1]
    assert times[0] == pytest.approx(times[1], rel=1e-9)
    assert Background(1, 1, PLUS, MINUS, 0.0, 1.0, 1e-4).retention(0.5) == np.inf


@pytest.mark.parametrize("start", [0, 1])
def test_misread_of_separate_pairs(start: int) -> None:
    """The master equation against pairs drawn one by one; then its limit of small steps."""
    b = Background(0.2, 0.2, 0.02, 0.02, 2.0, 2.0, 1e-4, 0.2)
    rng, many, seconds = np.random.default_rng(11), 20_000, 30.0
    reach = 12 * b.tau_plus
    rate = 2 * 4.0 * reach
    counts = rng.poisson(rate * seconds, many)
    w = np.full(many, float(start))
    for i in range(counts.max()):
        alive = i < counts
        change = b.a_plus * np.exp(-rng.uniform(0, reach, many) / b.tau_plus)
        change *= rng.choice([-1.0, 1.0], many) * (1 + b.scatter_cv * rng.standard_normal(many))
        w = np.where(alive, np.clip(w + change, 0, 1), w)
    wrong = np.mean((w >= 0.2) != bool(start))
    found = b.misread([0.0, seconds], 0.2, [float(start)], start)
    assert found[0] == 0
    assert abs(found[1] - wrong) < 4 * np.sqrt(wrong * (1 - wrong) / many) + 0.02 * wrong


@pytest.mark.parametrize("start", [0, 1])
def test_misread_becomes_the_reflected_diffusion(start: int) -> None:
    """As steps get small against the distance, and drift and diffusion stay: error ~ step."""
    threshold, errors = (0.3, []) if start == 0 else (0.7, [])
    for size in (0.08, 0.04, 0.02):
        a_minus = size * (1 + 2.5 * size)  # drift/diffusion the same for all
        b = Background(size, a_minus, 0.02, 0.02, 1.0, 1.0, 1e-4)
        time = 1.6 / size**2
        exact = float(b.misread_diffusion(time, threshold, start))
        assert exact > 0.03
        errors.append(abs(b.misread(time, threshold, [float(start)], start)[0] - exact))
    assert errors[1] < 0.7 * errors[0] and errors[2] < 0.7 * errors[1]
    assert errors[2] < 0.02


def test_reflected_diffusion_without_drift_is_the_gaussian_tail_twice() -> None:
    from scipy.stats import norm

    b = Background(0.1, 0.1, 0.02, 0.02, 1.0, 1.0, 1e-4)
    t = np.array([1.0, 30.0, 300.0])
    expected = 2 * norm.sf(0.8 / np.sqrt(b.diffusion * t))
    assert b.misread_diffusion(t, 0.2, 1) == pytest.approx(expected, rel=1e-9)


# --- the burst ----------------------------------------------------------------------------


def test_burst_sum() -> None:
    assert precision.burst_sum(5, 0, 0.02).tolist() == [1, 2, 3, 4, 5]
    r = np.exp(-0.25)
    assert precision.burst_sum(3, 0.005, 0.02) == pytest.approx([1, 1 + r, 1 + r + r * r])


def test_a_burst_of_five_writes_a_bit_at_any_rate() -> None:
    """Steps of 0.2: whatever the overlap does, the last spike is the one that counts."""
    rule = PairSTDP(a_plus=0.2 * A_PLUS, a_minus=0.2 * A_MINUS, tau_plus="16.8ms",
                    tau_minus="33.7ms")  # fmt: skip
    for period in (40, 100, 1000):
        for w0 in (0.0, 0.5, 1.0):
            up, down = pairing_course(rule, [20, -20], period, 5, 1e-4, w0)[:, -1]
            assert down < 0.2 < up
