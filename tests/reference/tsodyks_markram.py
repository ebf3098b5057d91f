"""Short-term plasticity of Tsodyks and Markram: response per spike of one train.

Symbols
-------
U          -    use of resources by a spike that comes at rest (0 <= U <= 1)
tau_rec    s    recovery time constant (0: recovers at once, x = 1 at every spike)
tau_facil  s    facilitation time constant (0: no facilitation, u = U at every spike)
tau_inact  s    inactivation time constant of the three-state model (> 0)
h          s    interval since the last spike
u_i        -    use (release probability) at spike i
x_i        -    recovered (available) fraction found by spike i
y, z       -    active and inactive fraction, x + y + z = 1

Two-state model
---------------
First spike, from rest:        u = U, x = 1
Every later spike i:           u_i = U + u_{i-1} (1 - U) exp(-h / tau_facil)
                               x_i = 1 - (1 - x_{i-1} (1 - u_{i-1})) exp(-h / tau_rec)
Response (one site, q = 1):    u_i x_i

Order at a spike: u and x recover over the interval, then u facilitates, then the release takes
that u and that x, then x is depleted by u x.

Steady state at a regular rate, interval h, E_f = exp(-h/tau_facil), E_d = exp(-h/tau_rec):
    u = U / (1 - (1 - U) E_f),   x = (1 - E_d) / (1 - (1 - u) E_d)

Three-state model
-----------------
Between spikes:   dx/dt = z / tau_rec,   dy/dt = -y / tau_inact,   dz/dt = y/tau_inact - z/tau_rec
                  du/dt = -u / tau_facil
At a spike:       u -> u + U (1 - u), then x -> x - u x and y -> y + u x with that new u.
Start:            x = 1, y = z = 0, u = 0, hence u = U at the first spike.
The solution between spikes, over an interval h, with e_i = exp(-h/tau_inact) and
e_r = exp(-h/tau_rec), is
    y -> y e_i
    z -> z e_r + y tau_rec / (tau_inact - tau_rec) (e_i - e_r)
    x -> 1 - y - z
and for tau_inact = tau_rec = tau the bracket's limit, z -> (z + y h / tau) exp(-h / tau).
The fraction is ill-conditioned when the two time constants differ by less than about 1e-4 of
themselves (relative rounding error about 1e-16 / that difference).

Conventions decided here
------------------------
* u and x are reported as the release uses them: after facilitation, before depletion.
* The three-state form lets u decay to 0 and jump by U (1 - u) at a spike; with u_i counted after
  the jump that is the recursion of the two-state form.
* The three-state model with tau_inact -> 0 is the two-state model.

Sources
-------
Tsodyks & Markram 1997, PNAS 94:719. Markram, Wang & Tsodyks 1998, PNAS 95:5323 (its eq. 2
misprints u_{n+1} for u_n). Maass & Markram 2002, Neural Networks 15:155, eqs 4 and 5 (two-state
form used here). Three-state: Tsodyks, Uziel & Markram 2000, J Neurosci 20:RC50.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class TwoState(NamedTuple):
    """Per-spike values as used in the release; ``response`` is u * x."""

    u: FloatArray
    x: FloatArray
    response: FloatArray


class ThreeState(NamedTuple):
    """Per-spike values found by the spike (before depletion); ``response`` is u * x."""

    u: FloatArray
    x: FloatArray
    y: FloatArray
    z: FloatArray
    response: FloatArray


def decay(interval: float, tau: float) -> float:
    """exp(-interval / tau), and 0 for tau = 0."""
    if tau < 0:
        raise ValueError("time constants must not be negative")
    if tau == 0:
        return 0.0
    return math.exp(-interval / tau)


def _check_train(times: Sequence[float] | FloatArray) -> list[float]:
    train = [float(t) for t in times]
    for earlier, later in itertools.pairwise(train):
        if not later > earlier:
            raise ValueError("spike times must increase strictly")
    return train


def two_state(
    times: Sequence[float] | FloatArray, U: float, tau_rec: float, tau_facil: float
) -> TwoState:
    """u, x and u*x at every spike of ``times`` (s, strictly increasing; the first from rest)."""
    train = _check_train(times)
    us: list[float] = []
    xs: list[float] = []
    for i, t in enumerate(train):
        if i == 0:
            u, x = U, 1.0
        else:
            h = t - train[i - 1]
            u_last, x_last = us[-1], xs[-1]
            u = U + u_last * (1.0 - U) * decay(h, tau_facil)
            x = 1.0 - (1.0 - x_last * (1.0 - u_last)) * decay(h, tau_rec)
        us.append(u)
        xs.append(x)
    u_all, x_all = np.array(us), np.array(xs)
    return TwoState(u_all, x_all, u_all * x_all)


def two_state_steady(
    rate: float, U: float, tau_rec: float, tau_facil: float
) -> tuple[float, float]:
    """(u, x) at the spikes of an endless regular train of ``rate`` (Hz)."""
    h = 1.0 / rate
    e_facil = decay(h, tau_facil)
    e_rec = decay(h, tau_rec)
    u = U / (1.0 - (1.0 - U) * e_facil)
    x = (1.0 - e_rec) / (1.0 - (1.0 - u) * e_rec)
    return u, x


def propagate_three_state(
    y: float, z: float, h: float, tau_rec: float, tau_inact: float
) -> tuple[float, float, float]:
    """(x, y, z) after an interval ``h`` (s) without spikes, from y and z (x = 1 - y - z)."""
    if tau_rec <= 0 or tau_inact <= 0:
        raise ValueError("the three-state model needs tau_rec > 0 and tau_inact > 0")
    e_i = math.exp(-h / tau_inact)
    e_r = math.exp(-h / tau_rec)
    if tau_inact == tau_rec:
        z_new = z * e_r + y * (h / tau_rec) * e_r
    else:
        z_new = z * e_r + y * tau_rec / (tau_inact - tau_rec) * (e_i - e_r)
    y_new = y * e_i
    return 1.0 - y_new - z_new, y_new, z_new


def three_state(
    times: Sequence[float] | FloatArray,
    U: float,
    tau_rec: float,
    tau_facil: float,
    tau_inact: float,
) -> ThreeState:
    """u, x, y, z found by every spike of ``times`` (s), and the release u*x."""
    train = _check_train(times)
    rows: list[tuple[float, float, float, float]] = []
    u, x, y, z = 0.0, 1.0, 0.0, 0.0
    for i, t in enumerate(train):
        if i > 0:
            h = t - train[i - 1]
            u = u * decay(h, tau_facil)
            x, y, z = propagate_three_state(y, z, h, tau_rec, tau_inact)
        u = u + U * (1.0 - u)
        rows.append((u, x, y, z))
        released = u * x
        x -= released
        y += released
    u_all, x_all, y_all, z_all = (np.array(column, dtype=float) for column in _columns(rows, 4))
    return ThreeState(u_all, x_all, y_all, z_all, u_all * x_all)


def _columns(rows: list[tuple[float, float, float, float]], n: int) -> list[list[float]]:
    return [[row[k] for row in rows] for k in range(n)]


def three_state_steady(
    rate: float, U: float, tau_rec: float, tau_facil: float, tau_inact: float
) -> tuple[float, float, float, float]:
    """(u, x, y, z) found by the spikes of an endless regular train of ``rate`` (Hz).

    u is that of the two-state model. After a release the state is x (1 - u), y + u x, z; the
    propagation over h is linear in (y, z), and its fixed point is a 2 x 2 linear system, here
    with the propagator's coefficients read off by propagating unit vectors.
    """
    h = 1.0 / rate
    u = U / (1.0 - (1.0 - U) * decay(h, tau_facil))
    _, y_from_y, z_from_y = propagate_three_state(1.0, 0.0, h, tau_rec, tau_inact)
    _, _, z_from_z = propagate_three_state(0.0, 1.0, h, tau_rec, tau_inact)
    # after the release: y' = y + u (1 - y - z), z' = z
    # found by the next spike: y = y_from_y y', z = z_from_y y' + z_from_z z'
    matrix = np.array(
        [
            [1.0 - y_from_y * (1.0 - u), y_from_y * u],
            [-z_from_y * (1.0 - u), 1.0 + z_from_y * u - z_from_z],
        ]
    )
    y, z = np.linalg.solve(matrix, np.array([y_from_y * u, z_from_y * u]))
    return u, float(1.0 - y - z), float(y), float(z)
