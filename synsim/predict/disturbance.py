"""What background activity does to a weight: drift and diffusion, and how long a number stays.

Pre and post spikes come independently, at most one a time step, with probability p = 1 -
exp(-rate dt); the weight is additive, all-to-all, without bounds, and starts without traces. With
x_i and y_j the spikes (0 or 1), W the window, v = p (1 - p), and dt of t = N steps,

    dw = sum over i, j of W(j - i) x_i y_j
    mean     p q S,   S = sum of W(j - i)
    variance q^2 v_x sum A_i^2 + p^2 v_y sum B_j^2 + v_x v_y sum W^2 + scatter
    A_i = sum over j of W(j - i),  B_j = sum over i of W(j - i)
    scatter = c^2 (sum of the mean squares of all updates)

(write x = p + xi, y = q + eta and multiply out: the terms are uncorrelated; each sum is
geometric). For long times and small steps these are the drift and diffusion of Kempter, Gerstner
& van Hemmen 1999 and of Rubin, Lee & Sompolinsky 2001: with the areas P = a_plus tau_plus, M =
a_minus tau_minus,

    drift      r_pre r_post (P - M)
    diffusion  r_pre r_post [(a_plus P + a_minus M)/2 + (r_pre + r_post) (P - M)^2]

the latter a variance a second.

A number of L levels is kept while the rms error, written or come by since, is below half a level.
In units of one level neither drift nor diffusion has L in it: how long a counted number stays
does not depend on how many levels there are.

A binary weight is misread when it lies on the wrong side of the threshold. Beside a bound that it
is clipped at, as a diffusion reflected there (z its distance from the bound, m its drift away
from it, V the variance a second),

    P(z > h) = Phi((m t - h)/s) + exp(2 m h/V) Phi((-h - m t)/s),   s = sqrt(V t)

(Harrison 1985, Brownian Motion and Stochastic Flow Systems). Steps that are not small against the
distance h are no diffusion: `Background.misread` solves the master equation of separate pairs
(`synsim.predict.master_equation`), which has weights too that fire their neuron by themselves.

Sources: Kempter, Gerstner & van Hemmen 1999, Phys Rev E 59:4498; Rubin, Lee & Sompolinsky 2001,
Phys Rev Lett 86:364. They have small learning rates in view; the sums in discrete time are
derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation
from synsim.predict import master_equation

KEMPTER = Citation(
    "Kempter, Gerstner & van Hemmen 1999, Phys Rev E 59:4498", "10.1103/PhysRevE.59.4498"
)
RUBIN = Citation(
    "Rubin, Lee & Sompolinsky 2001, Phys Rev Lett 86:364", "10.1103/PhysRevLett.86.364"
)
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Background:
    """Independent spikes at a plastic synapse; SI throughout.

    a_plus, a_minus : changes at lag 0, in any unit of the weight
    own : weight from which each presynaptic spike fires the neuron; `misread` alone regards it
    tau_m : s, membrane time constant over which two of them add up; 0 where they do not
    """

    a_plus: float
    a_minus: float
    tau_plus: float
    tau_minus: float
    pre_rate: float
    post_rate: float
    dt: float
    scatter_cv: float = 0.0
    own: float = float("inf")
    tau_m: float = 0.0

    @property
    def drift(self) -> float:
        """Change a second, for long times and small steps."""
        return self.pre_rate * self.post_rate * self._area

    @property
    def diffusion(self) -> float:
        """Variance a second, for long times and small steps, without scatter."""
        squares = self.a_plus**2 * self.tau_plus + self.a_minus**2 * self.tau_minus
        both = self.pre_rate + self.post_rate
        return self.pre_rate * self.post_rate * (squares / 2 + both * self._area**2)

    @property
    def pairs(self) -> float:
        """Pairs a second that are near enough to change anything, to e^-12."""
        return self.pre_rate * self.post_rate * 12 * (self.tau_plus + self.tau_minus)

    @property
    def _area(self) -> float:
        return self.a_plus * self.tau_plus - self.a_minus * self.tau_minus

    def moments(self, time: ArrayLike) -> tuple[Array, Array]:
        """Mean and variance of the change after `time` (s, any shape, rounded to steps), exact."""
        n = np.rint(np.asarray(time, dtype=float) / self.dt)
        x, y = (-np.expm1(-rate * self.dt) for rate in (self.pre_rate, self.post_rate))
        r, s = np.exp(-self.dt / self.tau_plus), np.exp(-self.dt / self.tau_minus)
        plus, minus = self.a_plus * r / (1 - r), self.a_minus * s / (1 - s)
        ones_plus, ones_minus = n - _powers(r, n), n - _powers(s, n)  # sums of 1 - r^i
        mean = x * y * (plus * ones_plus - minus * ones_minus)
        square_plus = n - 2 * _powers(r, n) + _powers(r * r, n)  # sums of (1 - r^i)^2
        square_minus = n - 2 * _powers(s, n) + _powers(s * s, n)
        cross = ones_plus - _powers(s, n) + _convolved(r, s, n)
        shared = plus**2 * square_plus + minus**2 * square_minus - 2 * plus * minus * cross
        alone_plus = r * r / (1 - r * r) * (n - _powers(r * r, n))
        alone_minus = s * s / (1 - s * s) * (n - _powers(s * s, n))
        of_x, of_y = x * (1 - x), y * (1 - y)
        alone = self.a_plus**2 * alone_plus + self.a_minus**2 * alone_minus
        variance = (y**2 * of_x + x**2 * of_y) * shared + of_x * of_y * alone
        updates = y * ((x * plus) ** 2 * square_plus + of_x * self.a_plus**2 * alone_plus)
        updates += x * ((y * minus) ** 2 * square_minus + of_y * self.a_minus**2 * alone_minus)
        return mean, variance + self.scatter_cv**2 * updates

    def retention(self, tolerance: float, written: float = 0.0) -> float:
        """Time (s) until the rms error reaches `tolerance`, from `written` at the start.

        Writing and disturbance are independent, and squares add. 0 where the writing alone is
        worse; infinite where nothing disturbs.
        """
        if written >= tolerance:
            return 0.0
        if self.pre_rate * self.post_rate * max(self.a_plus, self.a_minus) == 0:
            return float("inf")

        def error(time: float) -> float:
            mean, variance = self.moments(time)
            return float(np.sqrt(written**2 + mean**2 + variance))

        high = self.dt
        while error(high) < tolerance:
            high *= 2
        return _bisect(lambda t: error(t) >= tolerance, high / 2, high)

    def misread_diffusion(self, time: ArrayLike, threshold: float, start: int) -> Array:
        """P(a bit is misread) after `time`, as a reflected diffusion from its bound, 0 or 1."""
        from scipy.special import log_ndtr, ndtr

        time = np.asarray(time, dtype=float)
        away = -self.drift if start else self.drift
        far = 1 - threshold if start else threshold
        s = np.sqrt(self.diffusion * time)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            first = ndtr((away * time - far) / s)
            second = np.exp(2 * away * far / self.diffusion + log_ndtr((-far - away * time) / s))
        return np.asarray(np.where(time > 0, first + second, 0.0))

    def misread(self, time: ArrayLike, threshold: float, start: ArrayLike, bit: int) -> Array:
        """P(a bit is on the wrong side of the threshold) after `time`, for separate pairs.

        Parameters
        ----------
        time : s, shape (m,)
        threshold : at and above it the weight reads as 1
        start : weights at time 0, each equally likely, shape (k,)
        bit : 0 or 1, what they should be

        Returns
        -------
        shape (m,)
        """
        time = np.atleast_1d(np.asarray(time, dtype=float))
        starts = np.atleast_1d(np.asarray(start, dtype=float))
        flow = master_equation.flow(self)
        state = np.zeros(flow.cells + 1)
        master_equation.deposit(state, starts * flow.cells, np.full(len(starts), 1 / len(starts)))
        above = master_equation.reached(threshold, flow.cells)
        wrong = 1 - above if bit else above
        return np.array([flow.after(t, state) @ wrong for t in time])


def _powers(r: float, n: Array) -> Array:
    """1 + r + ... + r^(n-1)."""
    return np.asarray(-np.expm1(n * np.log(r)) / (1 - r))


def _convolved(r: float, s: float, n: Array) -> Array:
    """Sum over i = 0 .. n - 1 of r^(n-1-i) s^i."""
    if abs(r - s) < 1e-9 * r:
        return np.asarray(n * r ** (n - 1))
    return np.asarray((r**n - s**n) / (r - s))


def _bisect(reached: Any, low: float, high: float) -> float:
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
