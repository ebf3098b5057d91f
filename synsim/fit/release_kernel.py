"""The loops of the release filter, compiled by numba. What they compute: `release_filter`.

numba, because one likelihood has to take about a millisecond: the loops run over responses and
within each over numbers of sites, and neither can be done by numpy's whole-array operations
without making arrays of every response and pair of states. The machine code is kept
between runs (``cache=True``), so that only the first run of a version pays for the compiler.

A state is a number of full sites. Refill and release are both binomial thinning, of the empty
sites and of the full ones: of j + k, k go and j stay, with weight C(j + k, k) g_k s_j. `_thin`
does one such step in (n + 1)(n + 2)/2 multiplications, `_thin_back` its transpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]

# Sums may be reordered and multiplications fused; NaN and infinity keep their meaning.
_FAST = {"reassoc", "contract"}
# What cannot matter is left out, and left in where an amplitude comes as a surprise to the past.
_SURPRISE = 1e-60  # chance of an amplitude's quanta, given the past
_UNLIKELY = -200.0  # log density of an amplitude, against the best number of quanta
_RARE = 1e-60  # probability of a number of refills


@njit(cache=True)
def binomials(n: int) -> Array:  # pragma: no cover
    """C(j + k, k) at [k, j], shape (n + 1, n + 1)."""
    table = np.ones((n + 1, n + 1))
    for k in range(1, n + 1):
        for j in range(1, n + 1 - k):
            table[k, j] = table[k - 1, j] + table[k, j - 1]
    return table


@njit(cache=True)
def mean_field(h: Array, U: float, tau_rec: float, tau_facil: float) -> Any:  # pragma: no cover
    """u and x at every response, shape (m,) each; an infinite interval is rest."""
    u, x = np.empty(h.size), np.empty(h.size)
    u_last, x_last = 0.0, 1.0
    for i in range(h.size):
        x_last = 1 - (1 - x_last * (1 - u_last)) * np.exp(-h[i] / tau_rec)
        fade = np.exp(-h[i] / tau_facil) if tau_facil > 0 else 0.0
        u_last = U + u_last * (1 - U) * fade
        u[i], x[i] = u_last, x_last
    return u, x


@njit(cache=True, fastmath=_FAST)
def _powers(base: float, out: Array) -> None:  # pragma: no cover
    out[0] = 1.0
    for k in range(1, out.size):
        out[k] = out[k - 1] * base


@njit(cache=True)
def _refills(r: float, out: Array) -> None:  # pragma: no cover
    """Powers of r, 0 from where even C(n, g) r^g is too rare to matter."""
    n = out.size - 1
    power, bound = 1.0, 1.0
    out[:] = 0.0
    out[0] = 1.0
    for g in range(1, n + 1):
        power *= r
        bound *= r * (n - g + 1) / g
        if bound < _RARE and g > n * r:
            break
        out[g] = power


@njit(cache=True, fastmath=_FAST)
def _thin(
    source: Array, go: Array, stay: Array, table: Array, out: Array
) -> None:  # pragma: no cover
    n = source.size - 1
    out[:] = 0.0
    for k in range(n + 1):
        weight = go[k]
        if weight > 0.0:
            for j in range(n + 1 - k):
                out[j] += weight * table[k, j] * source[j + k]
    for j in range(n + 1):
        out[j] *= stay[j]


@njit(cache=True, fastmath=_FAST)
def _thin_back(go: Array, stayed: Array, table: Array, out: Array) -> None:  # pragma: no cover
    n = out.size - 1
    out[:] = 0.0
    for k in range(n + 1):
        weight = go[k]
        if weight > 0.0:
            for j in range(n + 1 - k):
                out[j + k] += weight * table[k, j] * stayed[j]


@njit(cache=True)
def _emission(y: float, q: float, s0: float, cv: float, out: Array) -> None:  # pragma: no cover
    """Log densities of an amplitude for every number of quanta."""
    for k in range(out.size):
        variance = s0 * s0 + k * (cv * q) ** 2
        z = y - k * q
        out[k] = -0.5 * (z * z / variance + np.log(2 * np.pi * variance))


@njit(cache=True)
def forward(
    y: Array,
    h: Array,
    n: int,
    theta: Array,
    table: Array,
    before: Array,
    after: Array,
    go: Array,
    scale: Array,
    us: Array,
) -> float:  # pragma: no cover
    """Log likelihood. Fills, per response: P(full sites | past) before the release and, with
    the response itself, after it, shape (m, n + 1) each; the weights of releasing k (m, n + 1);
    the scale and u, (m,).

    theta : U, q, tau_rec, tau_facil, s0, cv
    """  # fmt: skip
    U, q, tau_rec, tau_facil, s0, cv = theta
    size = n + 1
    stay, gain, turned, log_e = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    thinned = np.empty(size)
    total_log = 0.0
    u = 0.0
    for i in range(y.size):
        empty = np.exp(-h[i] / tau_rec)
        fade = np.exp(-h[i] / tau_facil) if tau_facil > 0 else 0.0
        u = U + u * (1 - U) * fade
        us[i] = u
        if empty == 0.0 or i == 0:
            before[i, :] = 0.0
            before[i, n] = 1.0
        else:
            for m in range(size):
                turned[m] = after[i - 1, n - m]
            _refills(-np.expm1(-h[i] / tau_rec), gain)
            _powers(empty, stay)
            _thin(turned, gain, stay, table, thinned)
            for m in range(size):
                before[i, m] = thinned[n - m]
        _emission(y[i], q, s0, cv, log_e)
        shift = log_e.max()
        _powers(u, go[i])
        _powers(1 - u, stay)
        for k in range(size):
            far = log_e[k] - shift
            gain[k] = go[i, k] * np.exp(far) if far > _UNLIKELY else 0.0
        _thin(before[i], gain, stay, table, after[i])
        total = after[i].sum()
        if total < _SURPRISE:
            # What is likely from the past and what is likely from the amplitude are far apart:
            # scale by the best compromise instead of by the amplitude alone.
            shift = -np.inf
            for k in range(size):
                chance = 0.0
                for j in range(size - k):
                    chance += table[k, j] * before[i, j + k] * stay[j]
                chance *= go[i, k]
                if chance > 0.0:
                    shift = max(shift, np.log(chance) + log_e[k])
            for k in range(size):
                gain[k] = go[i, k] * np.exp(min(log_e[k] - shift, 640.0))
            _thin(before[i], gain, stay, table, after[i])
            total = after[i].sum()
            if not total > 0.0:
                return -np.inf
        for k in range(size):
            go[i, k] = gain[k]
            after[i, k] /= total
        scale[i] = total
        total_log += np.log(total) + shift
    return total_log


@njit(cache=True, fastmath=_FAST)
def backward(
    y: Array,
    h: Array,
    n: int,
    theta: Array,
    table: Array,
    before: Array,
    after: Array,
    go: Array,
    scale: Array,
    us: Array,
    gradient: Array,
) -> None:  # pragma: no cover
    """Derivatives of the log likelihood by theta (the last by cv^2), from what `forward` left.

    Fisher's identity: they are the expectations, given all data, of the derivatives of the
    likelihood with k and full sites known, sums over binomials and normals.
    """  # fmt: skip
    U, q, tau_rec, tau_facil, s0, cv = theta
    size = n + 1
    beta, stayed, earlier = np.ones(size), np.empty(size), np.empty(size)
    stay, gain, turned, chance = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    by_u = np.empty(y.size)
    gradient[:] = 0.0
    for i in range(y.size - 1, -1, -1):
        u = us[i]
        _powers(1 - u, stay)
        for j in range(size):
            stayed[j] = stay[j] * beta[j] / scale[i]
        mean_k = 0.0
        for k in range(size):
            found = 0.0
            if go[i, k] > 0.0:
                for j in range(size - k):
                    found += table[k, j] * before[i, j + k] * stayed[j]
            chance[k] = found * go[i, k]
            mean_k += k * chance[k]
        _thin_back(go[i], stayed, table, earlier)
        mean_full = 0.0
        for m in range(size):
            mean_full += m * before[i, m] * earlier[m]
        by_u[i] = mean_k / u - (mean_full - mean_k) / (1 - u)
        for k in range(size):
            if chance[k] > 0.0:
                variance = s0 * s0 + k * (cv * q) ** 2
                z = y[i] - k * q
                by_variance = (z * z / variance - 1) / variance
                gradient[1] += chance[k] * (z * k / variance + k * cv * cv * q * by_variance)
                gradient[4] += chance[k] * s0 * by_variance
                gradient[5] += 0.5 * chance[k] * k * q * q * by_variance
        empty = np.exp(-h[i] / tau_rec)
        if i == 0:
            break
        if empty == 0.0:
            beta[:] = 1.0
            continue
        refill = -np.expm1(-h[i] / tau_rec)
        _refills(refill, gain)
        _powers(empty, stay)
        for j in range(size):
            stayed[j] = stay[j] * earlier[n - j]
        _thin_back(gain, stayed, table, turned)
        mean_left = 0.0
        for m in range(size):
            beta[m] = turned[n - m]
            mean_left += m * after[i - 1, m] * beta[m]
        gained = mean_full - mean_left
        gradient[2] += (gained * empty / refill - (n - mean_full)) * -h[i] / (tau_rec * tau_rec)
    # u_i = U + u_{i-1} (1 - U) fade_i, forwards
    u_last, by_U, by_tau = 0.0, 0.0, 0.0
    for i in range(y.size):
        fade = np.exp(-h[i] / tau_facil) if tau_facil > 0 and h[i] < np.inf else 0.0
        slope = h[i] / (tau_facil * tau_facil) if fade > 0.0 else 0.0
        by_tau = (1 - U) * fade * (by_tau + u_last * slope)
        by_U = 1 + fade * (by_U * (1 - U) - u_last)
        u_last = us[i]
        gradient[0] += by_u[i] * by_U
        gradient[3] += by_u[i] * by_tau
