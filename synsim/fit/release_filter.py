"""The exact likelihood of response amplitudes under release from discrete sites.

Of n sites some are full. At a stimulus, an interval h after the one before, every empty site
refills with probability 1 - exp(-h/tau_rec), then every full site releases with probability
u_i, and the amplitude measured is

    y_i ~ Normal(k_i q, s0^2 + k_i (cv q)^2),      k_i released quanta

u_i follows `synsim.models.tsodyks_markram`, sites follow `synsim.models.release_sites`. The
number of full sites is hidden, so the likelihood is a sum over its histories, done by one
forward pass. Refill and release are two steps of binomial thinning, O(n^2) per response each,
where one transition over pairs of states and releases would be O(n^4). The derivatives by all
parameters come from one backward pass (Fisher's identity).

    interval infinite       rest: all sites full, u = U
    tau_facil 0             no facilitation, u = U always
    all intervals infinite  constant p: independent draws from Binomial(n, p)

Symbols
    n          1     release sites
    U          1     release probability of a full site at rest; p where it is constant
    q          a     amplitude of one quantum
    tau_rec    time  mean time to refill a site
    tau_facil  time  decay of facilitation
    s0         a     standard deviation of the recording noise
    cv         1     coefficient of variation of one site's quantum from release to release

Sources: the discrete model of Fuhrmann, Segev, Markram & Tsodyks 2002; its likelihood by a
forward pass as in Barri et al. 2016 and Bird, Wall & Richardson 2016; the pass itself Rabiner
1989. Deviates from them: in the factored steps only; the sum is the same.
Fixed differences between the quantal sizes of sites are not in the likelihood: which of the
sites are full would have to be hidden, too. They make single responses spread like cv, but not
where all sites release; what that does to the estimates is in the documentation of the fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation

Array = NDArray[Any]

#: Order of the parameters. Derivatives are by these, the last by cv^2: that by cv is 0 at 0.
NAMES = ("U", "q", "tau_rec", "tau_facil", "s0", "cv")

BARRI = Citation("Barri, Wang, Hansel & Mongillo 2016, eNeuro 3:ENEURO.0113-15.2016")
BIRD = Citation(
    "Bird, Wall & Richardson 2016, Front Comput Neurosci 10:116", "10.3389/fncom.2016.00116"
)
RABINER = Citation("Rabiner 1989, Proc IEEE 77:257", "10.1109/5.18626")


@dataclass(frozen=True)
class Prediction:
    """What a model expects of each response, shape (m,) each.

    `mean` and `variance` given only the stimuli; `mean_past` and `variance_past` given the
    responses before, too: under the model, (y - mean_past)/sqrt(variance_past) are uncorrelated.
    `released` is the chance u x of a site to release.
    """

    mean: Array
    variance: Array
    mean_past: Array
    variance_past: Array
    released: Array


class ReleaseFilter:
    """The likelihood of one set of responses, for any parameters.

    Parameters
    ----------
    amplitudes : shape (m,), positive for a response
    intervals : time since the stimulus before, shape (m,), above 0, in the unit of the time
        constants; infinity (as for the first) means that the synapse was at rest. Sweeps follow
        one another; the first response of each has the interval since the last of the sweep before.
        The very first starts from rest whatever its interval.
    """

    def __init__(self, amplitudes: ArrayLike, intervals: ArrayLike) -> None:
        self.y = np.ascontiguousarray(amplitudes, dtype=float)
        self.h = np.array(intervals, dtype=float)
        if self.y.ndim != 1 or self.y.shape != self.h.shape or not self.y.size:
            raise ValueError("amplitudes and intervals must be arrays of the same length above 0")
        if not np.all(self.h > 0) or not np.all(np.isfinite(self.y)):
            raise ValueError("intervals must be above 0 and amplitudes finite")
        self.h[0] = math.inf
        self._room: dict[int, tuple[Array, ...]] = {}

    def _work(self, n: int) -> tuple[Array, ...]:
        """Table of binomials and arrays to work in; kept, as one fit calls often."""
        from synsim.fit import release_kernel

        if n not in self._room:
            if len(self._room) > 4:
                self._room.clear()
            wide = [np.empty((self.y.size, n + 1)) for _ in range(3)]
            self._room[n] = (
                release_kernel.binomials(n), *wide, np.empty(self.y.size), np.empty(self.y.size)
            )  # fmt: skip
        return self._room[n]

    def log_likelihood(
        self,
        n: int,
        U: float,
        q: float,
        tau_rec: float = 1.0,
        tau_facil: float = 0.0,
        s0: float = 1.0,
        cv: float = 0.0,
    ) -> float:
        """Logarithm of the density of all amplitudes.

        Parameters
        ----------
        n : 1 or more
        U : 0 < U < 1
        q, s0 : above 0, in the unit of the amplitudes
        tau_rec : above 0; tau_facil : 0 or more
        cv : 0 or more
        """
        from synsim.fit import release_kernel

        theta = np.array([U, q, tau_rec, tau_facil, s0, cv], dtype=float)
        return float(release_kernel.forward(self.y, self.h, n, theta, *self._work(n)))

    def with_gradient(self, n: int, theta: Array) -> tuple[float, Array]:
        """Log likelihood at theta (6,), in the order of `NAMES`, and its derivatives (6,)."""
        from synsim.fit import release_kernel

        work = self._work(n)
        found = release_kernel.forward(self.y, self.h, n, theta, *work)
        gradient = np.zeros(6)
        if np.isfinite(found):
            release_kernel.backward(self.y, self.h, n, theta, *(*work, gradient))
        return float(found), gradient

    def predict(self, n: int, theta: Array) -> Prediction:
        """Mean and variance of each response, without and with the responses before it."""
        from synsim.fit import release_kernel

        U, q, tau_rec, tau_facil, s0, cv = (float(v) for v in theta)
        u, x = release_kernel.mean_field(self.h, U, tau_rec, tau_facil)
        work = self._work(n)
        release_kernel.forward(self.y, self.h, n, np.asarray(theta, dtype=float), *work)
        full = np.arange(n + 1)
        mean_full = work[1] @ full
        spread = np.maximum(work[1] @ full**2 - mean_full**2, 0)
        mean_k = u * mean_full
        variance_k = u**2 * spread + u * (1 - u) * mean_full
        P = u * x
        return Prediction(
            mean=n * q * P,
            variance=n * P * (1 - P + cv**2) * q**2 + s0**2,
            mean_past=q * mean_k,
            variance_past=q**2 * (variance_k + cv**2 * mean_k) + s0**2,
            released=P,
        )
