"""Information through an unreliable synapse, and what a bit costs.

Time is cut into bins of the smallest interval that matters (2.5 ms in Harris et al.). In each a
spike comes with probability s = rate x bin, independently, and a spike is transmitted, that is at
least one quantum released, with probability P. Nothing is released without a spike, so this is
Shannon's Z-channel, and a reader of single bins learns from each

    I = H(s P) - s H(P) bits,   H(p) = -p log2 p - (1 - p) log2(1 - p)

(that k quanta came says nothing that "some came" does not). With n sites of release probability p,
P = 1 - (1 - p)^n; where u and x change from spike to spike, P is the mean of 1 - (1 - u x)^n
over the spikes: the reader does not know the history (one who did would learn more).

With a cost of E ATP per spike, a bit costs s E/I. Per ATP most information comes through at a
release probability that is the lower the more sites there are, and at one site near 1 if calcium
were free (Harris, Jolivet & Attwell 2012). For comparison, a neuron that sums many inputs is most
efficient at a failure rate near 4^(-H(s)) (Levy & Baxter 2002), another question: of the
information in the sum, not in the input.

Sources: Shannon 1948; Levy & Baxter 2002, J Neurosci 22:4746; Harris, Jolivet & Attwell 2012,
Neuron 75:762 (bins, input entropy, optimal p against number of sites).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation
from synsim.models.tsodyks_markram import train

LEVY_BAXTER = Citation(
    "Levy & Baxter 2002, J Neurosci 22:4746", "10.1523/JNEUROSCI.22-11-04746.2002"
)
HARRIS = Citation(
    "Harris, Jolivet & Attwell 2012, Neuron 75:762", "10.1016/j.neuron.2012.08.019", "Fig. 3"
)

LOWEST_P = 1e-3  # where the search for a best release probability ends
Array = NDArray[np.float64]


def entropy(p: ArrayLike) -> Array:
    """Bits of a yes or no of probability p; 0 at both ends."""
    from scipy.special import entr

    p = np.asarray(p, dtype=float)
    return np.asarray((entr(p) + entr(1 - p)) / np.log(2), dtype=float)


def bits_per_bin(s: ArrayLike, success: ArrayLike) -> Array:
    """What a reader learns of a spike of probability s that is transmitted with P = `success`."""
    s, success = np.asarray(s, dtype=float), np.asarray(success, dtype=float)
    return np.asarray(entropy(s * success) - s * entropy(success), dtype=float)


def bits_per_spike(s: ArrayLike, success: ArrayLike) -> Array:
    """`bits_per_bin` over s."""
    return bits_per_bin(s, success) / np.asarray(s, dtype=float)


def success_rate(n: ArrayLike, chance: ArrayLike) -> Array:
    """Probability that at least one of n sites releases."""
    return 1 - (1 - np.asarray(chance, dtype=float)) ** np.asarray(n)


def levy_baxter_failures(s: ArrayLike) -> Array:
    """4^(-H(s)), the failure rate that Levy & Baxter 2002 find optimal for summed inputs."""
    return np.asarray(4.0 ** -entropy(s), dtype=float)


def typical_train(s: float, bin_width: float, spikes: int, warm_up: int, seed: int = 0) -> Array:
    """Times (s) of a long train with a spike in each bin with probability s.

    The seed fixes the train, so that curves over release probabilities are smooth.
    """
    rng = np.random.default_rng([seed, 3])
    bins = np.cumsum(rng.geometric(s, warm_up + spikes))
    return np.asarray(bin_width * bins, dtype=float)


def dynamics(
    times: ArrayLike, U: ArrayLike, tau_rec: float, tau_facil: float, warm_up: int
) -> tuple[Array, Array]:
    """u and x at the spikes of a train after the first `warm_up`, shape of U + (spikes,)."""
    u, x = train(times, U, tau_rec, tau_facil)
    return u[..., warm_up:], x[..., warm_up:]


def best_probability(
    efficiency: Callable[[Array], Any], low: float = LOWEST_P
) -> tuple[float, float]:
    """The release probability at which `efficiency` is largest, and what it is there.

    Parameters
    ----------
    efficiency : of an array of probabilities between `low` and 1 - 1e-6

    Returns
    -------
    probability, to about 1e-4, and efficiency
    """
    grid = np.unique(np.append(np.linspace(low, 1 - low, 80), 1 - np.geomspace(1e-6, low, 10)))
    for _ in range(3):
        found = np.asarray(efficiency(grid))
        top = int(np.argmax(found))
        ends = grid[max(top - 1, 0)], grid[min(top + 1, len(grid) - 1)]
        best = float(grid[top]), float(found[top])
        grid = np.linspace(*ends, 30)
    return best
