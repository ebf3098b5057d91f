"""One burst of pairings that sets a bit: how often it leaves the weight on the wrong side.

R pairings up at lag d every T, each worth a step s where they are far apart. The postsynaptic
spike of pairing i changes the weight by s A_i, the presynaptic one by -s D_i, in the order of time:

    A_i = sum over m = 0 .. i of e^(-m T/tau_plus)
    D_i = sum over m = 1 .. i of e^((2 d - m T)/tau_minus)

(a burst down: the same with plus and minus exchanged, and the other way). Every one of these
updates scatters by c of itself, and all of a synapse by its gain g; after each the weight is
clipped to [0, 1]. Away from the bounds the whole moves by

    mean s M, variance s^2 c^2 V,   M = sum of A_i - D_i,   V = sum of A_i^2 + D_i^2

The bounds are not away: at 100 Hz LTP and LTD of one burst are both larger than what is left of
them. So the distribution of the weight, which begins anywhere in [0, 1], is taken through the 2 R
updates one by one, on a grid of `_CELLS`: a convolution with a normal law, then the clipping.

Source: derived here; the sums over pairs are those of `synsim.predict.precision`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_CELLS = 1000


@dataclass(frozen=True)
class Burst:
    """Pairings that set a bit; times in s.

    step : change by one separate pairing;  period : from pairing to pairing, above the lag
    scatter_cv, gain_cv : of each update, and of the synapse
    """

    pairings: int
    step: float
    period: float
    lag: float
    tau_plus: float
    tau_minus: float
    scatter_cv: float = 0.0
    gain_cv: float = 0.0

    def updates(self, up: bool) -> Array:
        """Mean changes of the weight in the order of time, shape (2 R,)."""
        own, other = (self.tau_plus, self.tau_minus)[:: 1 if up else -1]
        m = np.arange(self.pairings)
        with_own = np.cumsum(np.exp(-m * self.period / own))
        with_other = np.cumsum(np.exp((2 * self.lag - m * self.period) / other) * (m > 0))
        # The first spike of a pairing meets the pairings before it, the second its own as well
        towards = np.column_stack([-with_other, with_own]).ravel()
        return np.asarray(self.step * towards * (1 if up else -1))

    def moments(self, up: bool) -> tuple[float, float]:
        """Mean and variance of the change, away from the bounds and without gain."""
        changes = self.updates(up)
        return float(changes.sum()), float(self.scatter_cv**2 * np.sum(changes**2))

    def misread(self, threshold: float) -> tuple[float, float]:
        """Probabilities that a zero is read as one, and a one as zero."""
        above = np.clip(np.arange(_CELLS + 1) - threshold * _CELLS + 0.5, 0, 1)  # cuts a cell
        # Gains end at 0, where Gauss's rule would be out
        nodes = np.linspace(-5, 5, 51) if self.gain_cv else np.zeros(1)
        weights, wrong = np.exp(-0.5 * nodes**2), np.zeros(2)
        weights /= weights.sum()
        for node, weight in zip(nodes, weights, strict=True):
            gain = max(1 + self.gain_cv * node, 0.0)
            wrong[0] += weight * (self._written(up=False, gain=gain) @ above)
            wrong[1] += weight * (self._written(up=True, gain=gain) @ (1 - above))
        return float(wrong[0]), float(wrong[1])

    def _written(self, up: bool, gain: float) -> Array:
        """Distribution of the weight over the grid after the burst."""
        state = np.ones(_CELLS + 1)
        state[[0, -1]] = 0.5
        state /= state.sum()
        for change in gain * self.updates(up):
            state = _moved(state, change * _CELLS, abs(change) * self.scatter_cv * _CELLS)
        return state


def _moved(state: Array, mean: float, spread: float) -> Array:
    """The state after a normal change, clipped; all in cells."""
    from scipy.special import ndtr

    reach = int(np.ceil(abs(mean) + 8 * spread)) + 1
    offsets = np.arange(-reach, reach + 1)
    if spread > 0.5:
        kernel = np.diff(ndtr((np.append(offsets, reach + 1) - 0.5 - mean) / spread))
    else:  # between two cells, so that the mean is kept
        kernel = np.maximum(1 - np.abs(offsets - mean), 0.0)
    full = np.convolve(state, kernel / kernel.sum())
    inside = full[reach : reach + len(state)].copy()
    inside[0] += full[:reach].sum()
    inside[-1] += full[reach + len(state) :].sum()
    return np.asarray(inside)
