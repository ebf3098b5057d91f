"""Pair-based spike-timing-dependent plasticity by explicit enumeration of spike pairs.

Symbols
-------
w                    -    weight as a fraction of its maximum
dt = t_post - t_pre  s    at the synapse
A+, A-               -    a_plus, a_minus: change per pair at dt -> 0, positive magnitudes
tau+, tau-           s    tau_plus, tau_minus
mu+, mu-             -    exponents of the weight dependence (0 additive, 1 multiplicative)

Rule
----
    LTP, dt > 0:  dw = +A+ (1 - w)^mu+ exp(-dt / tau+)     applied at the post spike
    LTD, dt < 0:  dw = -A- w^mu-       exp(+dt / tau-)     applied at the pre spike
A spike is one event: the exponentials of all its pairs are added up first, the sum is multiplied
by the weight dependence at the weight before the event, then the bounds are applied, once:
    post spike:  w -> clip(w + A+ (1 - w)^mu+ S),  S = sum over its pairs of exp(-dt / tau+)
    pre spike:   w -> clip(w - A- w^mu- S),        S = sum over its pairs of exp(+dt / tau-)
(this is what traces do). Bounds: 'hard' clips to [0, 1]; 'none' does not clip. 0^0 = 1.

Delays
------
An axonal delay is added to the pre times and a dendritic delay to the post times, before
anything else: pairs, intervals, the order of events and the event times reported are all those
at the synapse.

Which spike is "before" which
-----------------------------
Two spikes of different sides coincide when their times at the synapse differ by no more than
``tolerance``; then their dt counts as exactly 0. Otherwise the earlier one is before the later.
For coincident spikes the convention ``coincidence`` decides:
    'none'        neither is before the other: the pair is dropped, and either spike pairs with
                  the next earlier partner;
    'pre-first'   the pre is before the post: LTP with dt = 0, exp(0) = 1;
    'post-first'  the post is before the pre: LTD with dt = 0, exp(0) = 1.
All pairing schemes below are defined by this one relation, "a before b".

Pairing schemes
---------------
The pairs of a post spike (LTP) are formed with pre spikes before it, those of a pre spike (LTD)
with post spikes before it:
    'all-to-all'           all of them;
    'nearest-symmetric'    (7A) the latest of them, in both directions;
    'nearest-pre-centred'  (7B) LTP: all pre spikes before it since the previous post spike, that is
                           those which are not before the previous post spike;
                           LTD: the latest post spike before it;
    'nearest-reduced'      (7C) the latest of them, and only if no spike of one's own side lies
                           between: for LTP no other post spike that has the partner before it and
                           is itself earlier; for LTD no other pre spike that has the partner
                           before it and is itself earlier.
It follows that, in 7B, a pre spike coincident with the previous post still counts as since it
under 'none' and under 'post-first', and is used up by that post under 'pre-first'; and that, in
7C, an own-side spike coincident with the partner does not block under 'none', blocks LTP under
'pre-first' and blocks LTD under 'post-first'.

Order of the updates
--------------------
Events run in the order of their times at the synapse. At one time stamp: 'none' and 'pre-first'
do the pre spike's LTD first and then the post spike's LTP; 'post-first' the LTP first and then
the LTD. For 'none' this matters only with a weight dependence or at a bound.

N pairs at a regular period (linear: mu+ = mu- = 0, no bounds, all-to-all)
--------------------------------------------------------------------------
Pre spikes at 0, T, ..., (N-1) T, post spikes dt later; W(dt) the rule at mu = 0, W(0) = 0 under
'none', A+ under 'pre-first', -A- under 'post-first':
    sum form, any dt:   sum over m = -(N-1) .. N-1 of (N - |m|) W(dt + m T)
    geometric, 0 < dt < T:    A+ e^(-dt/tau+) G+(N)       - A- e^(-(T-dt)/tau-) G-(N-1)
               -T < dt < 0:   A+ e^(-(T+dt)/tau+) G+(N-1) - A- e^(dt/tau-) G-(N)
    G(N) = (N - (N+1) r + r^(N+1)) / (1 - r)^2,   r = e^(-T/tau)
G loses digits when r is close to 1 (relative error about 1e-16 / (1 - r)^2): T / tau > 0.1 is
safe to about 1e-14.

Sources
-------
Song, Miller & Abbott 2000, Nat Neurosci 3:919 (additive). Guetig, Aharonov, Rotter & Sompolinsky
2003, J Neurosci 23:3697 (power-law weight dependence). Morrison, Diesmann & Gerstner 2008, Biol
Cybern 98:459, Fig. 7 (pairing schemes).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Pairing = Literal["all-to-all", "nearest-symmetric", "nearest-pre-centred", "nearest-reduced"]
Coincidence = Literal["none", "pre-first", "post-first"]
Bounds = Literal["hard", "none"]
Side = Literal["pre", "post"]

PAIRINGS: tuple[Pairing, ...] = (
    "all-to-all",
    "nearest-symmetric",
    "nearest-pre-centred",
    "nearest-reduced",
)
COINCIDENCES: tuple[Coincidence, ...] = ("none", "pre-first", "post-first")
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Spike:
    """One spike at the synapse: its side, its index in that train and its time there (s)."""

    side: Side
    index: int
    time: float


@dataclass(frozen=True)
class WeightEvent:
    """One spike and the weight after it; ``partners`` are indices into the other train."""

    time: float
    side: Side
    index: int
    weight: float
    partners: tuple[int, ...]


# --- order and pairs --------------------------------------------------------------------


def coincide(a: Spike, b: Spike, tolerance: float) -> bool:
    """Whether two spikes have the same time at the synapse."""
    return abs(a.time - b.time) <= tolerance


def is_before(a: Spike, b: Spike, coincidence: Coincidence, tolerance: float) -> bool:
    """Whether ``a`` counts as before ``b``."""
    if not coincide(a, b, tolerance):
        return a.time < b.time
    if a.side == b.side:
        return False
    if coincidence == "pre-first":
        return a.side == "pre"
    if coincidence == "post-first":
        return a.side == "post"
    return False


def partners_of(
    spike: Spike,
    own: Sequence[Spike],
    other: Sequence[Spike],
    pairing: Pairing,
    coincidence: Coincidence,
    tolerance: float,
) -> list[Spike]:
    """The spikes of the ``other`` side that ``spike`` pairs with when it arrives."""
    earlier = [s for s in other if is_before(s, spike, coincidence, tolerance)]
    own_earlier = [s for s in own if is_before(s, spike, coincidence, tolerance)]
    if not earlier:
        return []
    if pairing == "all-to-all":
        return earlier
    latest = max(earlier, key=lambda s: s.time)
    if pairing == "nearest-symmetric":
        return [latest]
    if pairing == "nearest-pre-centred":
        if spike.side == "pre":
            return [latest]
        if not own_earlier:
            return earlier
        previous_post = max(own_earlier, key=lambda s: s.time)
        return [s for s in earlier if not is_before(s, previous_post, coincidence, tolerance)]
    if pairing == "nearest-reduced":
        for s in own_earlier:
            if is_before(latest, s, coincidence, tolerance):
                return []
        return [latest]
    raise ValueError(f"unknown pairing {pairing!r}")


def _trains_at_synapse(
    pre: Sequence[float] | FloatArray,
    post: Sequence[float] | FloatArray,
    axonal_delay: float,
    dendritic_delay: float,
    tolerance: float,
) -> tuple[list[Spike], list[Spike]]:
    pre_spikes = [Spike("pre", i, float(t) + axonal_delay) for i, t in enumerate(pre)]
    post_spikes = [Spike("post", i, float(t) + dendritic_delay) for i, t in enumerate(post)]
    for train in (pre_spikes, post_spikes):
        for a, b in itertools.pairwise(train):
            if b.time - a.time <= 2.0 * tolerance:
                raise ValueError("spike times of one side must increase strictly")
    return pre_spikes, post_spikes


def _in_order_of_events(
    pre: Sequence[Spike], post: Sequence[Spike], coincidence: Coincidence, tolerance: float
) -> list[Spike]:
    """All spikes in the order in which the weight is updated."""
    order: list[Spike] = []
    waiting_pre, waiting_post = list(pre), list(post)
    while waiting_pre and waiting_post:
        a, b = waiting_pre[0], waiting_post[0]
        if coincide(a, b, tolerance):
            take_pre = coincidence != "post-first"
        else:
            take_pre = a.time < b.time
        order.append(waiting_pre.pop(0) if take_pre else waiting_post.pop(0))
    return order + waiting_pre + waiting_post


# --- the weight -------------------------------------------------------------------------


def _power(base: float, exponent: float) -> float:
    if exponent == 0:
        return 1.0
    if base < 0 and exponent != round(exponent):
        raise ValueError("the weight left [0, 1] under a fractional exponent: use bounds='hard'")
    return float(base**exponent)


def weight_events(
    pre: Sequence[float] | FloatArray,
    post: Sequence[float] | FloatArray,
    *,
    a_plus: float,
    a_minus: float,
    tau_plus: float,
    tau_minus: float,
    w0: float = 0.5,
    mu_plus: float = 0.0,
    mu_minus: float = 0.0,
    bounds: Bounds = "hard",
    pairing: Pairing = "all-to-all",
    coincidence: Coincidence = "none",
    axonal_delay: float = 0.0,
    dendritic_delay: float = 0.0,
    tolerance: float = TOLERANCE,
) -> list[WeightEvent]:
    """Every spike in the order of updates, with the weight after it. Times and delays in s."""
    if pairing not in PAIRINGS or coincidence not in COINCIDENCES or bounds not in ("hard", "none"):
        raise ValueError(f"unknown convention among {pairing!r}, {coincidence!r}, {bounds!r}")
    pre_spikes, post_spikes = _trains_at_synapse(
        pre, post, axonal_delay, dendritic_delay, tolerance
    )
    w = w0
    events: list[WeightEvent] = []
    for spike in _in_order_of_events(pre_spikes, post_spikes, coincidence, tolerance):
        own, other = (pre_spikes, post_spikes) if spike.side == "pre" else (post_spikes, pre_spikes)
        partners = partners_of(spike, own, other, pairing, coincidence, tolerance)
        tau = tau_minus if spike.side == "pre" else tau_plus
        total = 0.0
        for partner in partners:
            lag = 0.0 if coincide(spike, partner, tolerance) else spike.time - partner.time
            total += math.exp(-lag / tau)
        if partners:
            if spike.side == "post":
                w = w + a_plus * _power(1.0 - w, mu_plus) * total
            else:
                w = w - a_minus * _power(w, mu_minus) * total
            if bounds == "hard":
                w = min(1.0, max(0.0, w))
        events.append(
            WeightEvent(spike.time, spike.side, spike.index, w, tuple(s.index for s in partners))
        )
    return events


def weight_after_pre(events: Sequence[WeightEvent]) -> FloatArray:
    """Weight just after each pre spike's own update, in the order of the pre train."""
    return np.array([e.weight for e in events if e.side == "pre"])


def weight_after_time_of_pre(
    events: Sequence[WeightEvent], tolerance: float = TOLERANCE
) -> FloatArray:
    """Weight after everything that happens at the time stamp of each pre spike.

    Differs from ``weight_after_pre`` only where a post spike coincides.
    """
    weights = []
    for e in events:
        if e.side == "pre":
            until = [f.weight for f in events if f.time <= e.time + tolerance]
            weights.append(until[-1])
    return np.array(weights)


def final_weight(events: Sequence[WeightEvent], w0: float = 0.5) -> float:
    """Weight after the last event (``w0`` if there was none)."""
    return events[-1].weight if events else w0


# --- N pairs at a regular period, linear case -------------------------------------------


def window(
    dt: float,
    a_plus: float,
    a_minus: float,
    tau_plus: float,
    tau_minus: float,
    coincidence: Coincidence = "none",
    tolerance: float = TOLERANCE,
) -> float:
    """Change of the weight by one pair at lag ``dt`` (s), linear case."""
    if abs(dt) <= tolerance:
        return {"none": 0.0, "pre-first": a_plus, "post-first": -a_minus}[coincidence]
    if dt > 0:
        return a_plus * math.exp(-dt / tau_plus)
    return -a_minus * math.exp(dt / tau_minus)


def regular_pairs_sum(
    dt: float,
    n_pairs: int,
    period: float,
    a_plus: float,
    a_minus: float,
    tau_plus: float,
    tau_minus: float,
    coincidence: Coincidence = "none",
    tolerance: float = TOLERANCE,
) -> float:
    """Total change by ``n_pairs`` pairs at lag ``dt`` every ``period`` (s): the sum form."""
    total = 0.0
    for m in range(-(n_pairs - 1), n_pairs):
        lag = dt + m * period
        total += (n_pairs - abs(m)) * window(
            lag, a_plus, a_minus, tau_plus, tau_minus, coincidence, tolerance
        )
    return total


def geometric_factor(n: int, period: float, tau: float) -> float:
    """G(n) = sum over m = 0..n-1 of (n - m) r^m = (n - (n+1) r + r^(n+1)) / (1 - r)^2."""
    r = math.exp(-period / tau)
    return (n - (n + 1) * r + r ** (n + 1)) / (1.0 - r) ** 2


def regular_pairs_geometric(
    dt: float,
    n_pairs: int,
    period: float,
    a_plus: float,
    a_minus: float,
    tau_plus: float,
    tau_minus: float,
) -> float:
    """The same, geometric form; 0 < abs(dt) < period."""
    if not 0 < abs(dt) < period:
        raise ValueError("the geometric form needs 0 < abs(dt) < period")
    if dt > 0:
        ltp_lag, ltp_n = dt, n_pairs
        ltd_lag, ltd_n = period - dt, n_pairs - 1
    else:
        ltp_lag, ltp_n = period + dt, n_pairs - 1
        ltd_lag, ltd_n = -dt, n_pairs
    ltp = a_plus * math.exp(-ltp_lag / tau_plus) * geometric_factor(ltp_n, period, tau_plus)
    ltd = a_minus * math.exp(-ltd_lag / tau_minus) * geometric_factor(ltd_n, period, tau_minus)
    return ltp - ltd
