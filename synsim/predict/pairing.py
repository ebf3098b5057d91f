"""What pair-based STDP does in N regular pairings, for every scheme, lag and period.

In a regular train the partners of every spike are known, so the sum over them is a geometric
series (or one term), and the weight follows by one update per spike:

    pre spike k :  w <- w - a_minus w^mu_minus    D_k,   D_k = sum of exp(-(t_k - post_j)/tau_minus)
    post spike k:  w <- w + a_plus (1-w)^mu_plus  P_k,   P_k = sum of exp(-(t_k - pre_i)/tau_plus)

over the partners that the scheme of `models/pair_stdp.py` allows. Spike times are whole time
steps here, so that "at the same time" is exact. Nothing is shared with the traces that the
simulation keeps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import InputError
from synsim.models.pair_stdp import PairSTDP


def pairing_course(
    rule: PairSTDP, lag: ArrayLike, period: int, n_pairs: int, dt: float, w0: float
) -> NDArray[np.float64]:
    """Weight after each of N pairings: pre spikes at k period, post spikes at k period + lag.

    Parameters
    ----------
    rule : the pair rule, with one value for each parameter
    lag : time steps of t_post - t_pre, whole, shape (m,)
    period : time steps from pairing to pairing, whole, at least 1
    n_pairs : N
    dt : length of a time step, in seconds
    w0 : weight at the start

    Returns
    -------
    array of shape (m, N): the weight when both spikes of pairing k have come (and all
    that came before them)

    Raises
    ------
    InputError
        when a parameter of the rule is an array, or its changes scatter
    """
    if rule.scattered:
        raise InputError(
            f"prediction of a pairing: found scatter_cv = {rule.text('scatter_cv')}, expected 0: "
            "there is no one course"
        )
    for name in ("a_plus", "a_minus", "tau_plus", "tau_minus"):
        if np.ndim(getattr(rule, name)):
            raise InputError(f"prediction of a pairing: {name} is an array, expected one value")
    lag = np.atleast_1d(np.asarray(lag, dtype=np.int64))
    k = np.arange(n_pairs)
    depression = _partner_sum(rule, "pre", -lag, period, n_pairs, rule.tau_minus / dt)
    potentiation = _partner_sum(rule, "post", lag, period, n_pairs, rule.tau_plus / dt)
    course = np.empty((len(lag), n_pairs))
    for row, shift in enumerate(lag):
        times = np.concatenate([k * period, k * period + shift])
        is_post = np.repeat([0, 1], n_pairs)
        first = 1 - is_post if rule.post_first else is_post
        order = np.lexsort((first, times))
        factors = np.concatenate([depression[row], potentiation[row]])[order]
        weights = _follow(rule, factors, is_post[order], w0)
        # the last event not later than the later spike of pairing k
        done = np.searchsorted(times[order], np.maximum(k * period, k * period + shift), "right")
        course[row] = weights[done - 1]
    return course


def _follow(
    rule: PairSTDP, factors: NDArray[np.float64], is_post: NDArray[Any], w0: float
) -> NDArray[np.float64]:
    weights = np.empty(len(factors))
    w = w0
    for i, (factor, post) in enumerate(zip(factors.tolist(), is_post.tolist(), strict=True)):
        if post:
            w += (
                rule.a_plus * max(1 - w, 0.0) ** rule.mu_plus * factor
                if rule.mu_plus
                else (rule.a_plus * factor)
            )
        else:
            w -= (
                rule.a_minus * max(w, 0.0) ** rule.mu_minus * factor
                if rule.mu_minus
                else (rule.a_minus * factor)
            )
        if rule.bounded:
            w = min(max(w, 0.0), 1.0)
        weights[i] = w
    return weights


def _partner_sum(
    rule: PairSTDP, side: str, ahead: NDArray[np.int64], period: int, n: int, tau: float
) -> NDArray[np.float64]:
    """Sum over the partners of each spike of `side`, shape (m, n).

    `ahead` is by how many steps a spike of `side` comes after the partner of the same number;
    partner j is then k period + ahead - j period before spike k. tau is in steps.
    """
    k = np.arange(n)[None, :]
    ahead = ahead[:, None]
    # A coincident partner counts as earlier only where the convention puts it first.
    includes_now = rule.coincident == ("pre-first" if side == "post" else "post-first")
    last = np.floor_divide(k * period + ahead - (0 if includes_now else 1), period)
    last = np.minimum(last, n - 1)  # the latest partner that came before
    first = np.zeros_like(last)
    if rule.pairing == "nearest-pre-centred" and side == "post":
        # Pre spikes since the post spike before: at its very time they count, except where
        # the convention has the pre spike come first.
        before = (k - 1) * period + ahead
        consumed = np.floor_divide(before - (0 if rule.coincident == "pre-first" else 1), period)
        first = np.where(k > 0, np.maximum(consumed + 1, 0), 0)
    elif rule.pairing != "all-to-all":
        first = np.maximum(last, 0)
    blocked = last < first
    if rule.pairing == "nearest-reduced":
        blocked |= _own_spike_between(rule, side, k, last, ahead, period)
    nearest = k * period + ahead - last * period  # steps since the latest partner
    count = np.maximum(last - first + 1, 0)
    ratio = np.exp(-period / tau)
    total = np.exp(-np.maximum(nearest, 0) / tau) * _geometric(ratio, count)
    return np.where(blocked, 0.0, total)


def _geometric(ratio: float, count: NDArray[Any]) -> NDArray[np.float64]:
    """1 + ratio + ... with that many terms; a period of no length has ratio 1."""
    if ratio == 1.0:
        return count.astype(float)
    return (
        -np.expm1(count * np.log(ratio)) / (1 - ratio) if ratio > 0 else (count > 0).astype(float)
    )


def _own_spike_between(
    rule: PairSTDP,
    side: str,
    k: NDArray[Any],
    partner: NDArray[Any],
    ahead: NDArray[Any],
    period: int,
) -> NDArray[np.bool_]:
    """Whether spike k - 1 of the same side came after the partner of spike k."""
    since = (k - 1) * period + ahead - partner * period  # own last spike minus partner
    # At the partner's very time it lies after it only where the convention says so.
    own_comes_second = rule.coincident == ("pre-first" if side == "post" else "post-first")
    return (k > 0) & (since >= 0 if own_comes_second else since > 0)
