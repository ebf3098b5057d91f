"""Reading a weight by a burst onto a leaky integrate-and-fire neuron at rest.

The neuron's own spike is the reading of a bit. What it should be: below threshold the membrane is
linear, so a step after spike i it stands at w q d S_i,

    S_i = sum over j up to i of k_j r^(i - j),   r = exp(-interval/tau_m),   d = exp(-dt/tau_m)

with k_j the released quanta over their mean (1 without noise), and it fires where the largest S_i
takes that to the threshold. `Reader.q` is such that without noise this is just at `threshold`.
A number is read as w times the mean of the k_j.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.models.lif import LIF
from synsim.predict.precision import burst_sum

Array = NDArray[np.float64]
_BURSTS = 200_000  # drawn for what a noisy burst reads, where no closed form is at hand


@dataclass(frozen=True)
class Reader:
    """A burst, and the neuron that it is to fire.

    interval : time steps between its spikes;  dt : s
    n, p : release sites and probability; None for reading without noise
    """

    neuron: LIF
    spikes: int
    interval: int
    threshold: float
    dt: float
    n: int | None = None
    p: float = 1.0

    @property
    def q(self) -> float:
        """Response at w = 1, V. (The least bit larger: the threshold itself reads as 1.)"""
        return self._above / (self.threshold * float(self._sums[-1])) * (1 + 1e-9)

    @property
    def mean_quanta(self) -> float:
        """Quanta that a burst releases in the mean (a mean-field spike releases one)."""
        return self.spikes * (1.0 if self.n is None else self.n * self.p)

    @property
    def uncalibrated_q(self) -> float:
        """The same, chosen as if the membrane did not leak."""
        return float(self.neuron.V_th - self.neuron.E_L) / (self.threshold * self.spikes)

    @property
    def uncalibrated_threshold(self) -> float:
        """The weight that just reads as 1 with that."""
        return self._above / (self.uncalibrated_q * float(self._sums[-1]))

    @property
    def _above(self) -> float:
        # The threshold is met one step after the jump
        leak = np.exp(self.dt / self.neuron.tau_m)
        return float((self.neuron.V_th - self.neuron.E_L) * leak)

    @property
    def _sums(self) -> Array:
        return burst_sum(self.spikes, self.interval * self.dt, self.neuron.tau_m)

    def fires(self, w: ArrayLike, q: float | None = None) -> Array:
        """P(the burst makes the neuron fire) at weights `w`, any shape; q of the reader's own.

        0 or 1 without noise; else from many bursts drawn by themselves.
        """
        needed = self._above / ((self.q if q is None else q) * self._peaks())
        return np.asarray(np.searchsorted(np.sort(needed), w, side="right") / len(needed))

    def _peaks(self) -> Array:
        """The largest S_i, shape (bursts,)."""
        if self.n is None:
            return self._sums[-1:]
        quanta = np.random.default_rng(20).binomial(self.n, self.p, (self.spikes, _BURSTS))
        decay = np.exp(-self.interval * self.dt / self.neuron.tau_m)
        v, highest = np.zeros(_BURSTS), np.zeros(_BURSTS)
        for k in quanta / (self.n * self.p):
            v = v * decay + k
            highest = np.maximum(highest, v)
        return np.maximum(highest, 1e-300)
