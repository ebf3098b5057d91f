"""Quantal release (Katz): vesicles are released whole, each of n sites on its own.

    k ~ Binomial(n, P),   response = k q
    mean = n P q,  variance = n P (1 - P) q^2,  failures (1 - P)^n,  CV^2 = (1 - P)/(n P)

with P the release probability of a site: p when it is constant, u x of `tsodyks_markram`
when it is not. Three rules say how the quanta come about at a presynaptic spike:

    mean-field   k = n P exactly: no noise; what averages over many trials show
    binomial     k ~ Binomial(n, P): P follows the mean-field x, spikes are independent
    sites        each of n sites is full or empty, see `release_sites`: spikes are correlated,
                 because a site that has released stays empty until it is refilled

Symbols
    n  1  number of release sites, a whole number
    P  1  release probability of a site
    k  1  released quanta (vesicles)
    q  response to one quantum

Sources: del Castillo & Katz 1954, J Physiol 124:560; the binomial form after Kuno 1964.
Deviates from them: never. The draw is exact for every n and P (in C++ up to 20 trials by comparing
random bits with those of P; else by inversion of the distribution function, in pieces small
enough that no term underflows), never a normal approximation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation, Mechanism
from synsim.component.code import CodeFunction, Fragment

KATZ = Citation("del Castillo & Katz 1954, J Physiol 124:560", "10.1113/jphysiol.1954.sp005129")
KUNO = Citation("Kuno 1964, J Physiol 175:81", "10.1113/jphysiol.1964.sp007504")


def _numpy_binomial(n: Any, p: Any, synapse: Any, _vectorisation_idx: Any) -> NDArray[np.int64]:
    """numpy's legacy generator is the one that Brian2's seed() rules; its binomial is exact."""
    n = np.maximum(np.asarray(n, dtype=np.int64), 0)
    p = np.clip(np.asarray(p, dtype=float), 0.0, 1.0)
    shape = np.broadcast_shapes(n.shape, p.shape, np.shape(synapse))
    return np.random.binomial(n, p, size=shape)  # noqa: NPY002


EXACT_BINOMIAL = CodeFunction(
    name="exact_binomial",
    arguments=("n", "p", "synapse"),
    integer=True,
    random=True,
    numpy=_numpy_binomial,
    # A few random bits a trial: see the header.
    headers=("synsim_random.h",),
    cpp="""
    static inline int32_t exact_binomial(const int32_t n, const double p,
                                         const int32_t synapse, const int _vectorisation_idx)
    {
        return synsim::binomial(
            n, p, synsim::random_words([&]() { return _rand(_vectorisation_idx); }));
    }
    """,
    cython="""
    cdef int exact_binomial(int n, double p, int synapse, int _vectorisation_idx):
        if n <= 0 or not p > 0.0:
            return 0
        if p >= 1.0:
            return n
        cdef double r = 1.0 - p if p > 0.5 else p
        cdef double odds = r / (1.0 - r)
        cdef int piece = <int>(16.0 / r) if r * n > 16.0 else n
        cdef int drawn = 0
        cdef int left = n
        cdef int m
        cdef int k
        cdef double term
        cdef double uniform
        while left > 0:
            m = left if left < piece else piece
            term = (1.0 - r) ** m
            uniform = _rand(_vectorisation_idx)
            k = 0
            while uniform > term and k < m:
                uniform -= term
                k += 1
                term *= odds * (m - k + 1) / k
            drawn += k
            left -= piece
        return n - drawn if p > 0.5 else drawn
    """,
)


class ReleaseRule(Mechanism):
    """How many quanta a presynaptic spike releases."""

    role = "release"
    stochastic = True
    needs_recovery = False

    @staticmethod
    def draw(n: str, probability: str, available: str | None) -> Fragment:
        """Statements that set ``released``.

        `n`, `probability` and `available` are names of what holds at this spike; `available`
        is None where sites are always full.
        """
        raise NotImplementedError


class MeanFieldRelease(ReleaseRule):
    """The mean number of quanta, without noise."""

    name = "mean-field"
    citations = (KATZ,)
    stochastic = False

    @staticmethod
    def draw(n: str, probability: str, available: str | None) -> Fragment:
        return Fragment(
            on_pre=f"released = {' * '.join(filter(None, (n, probability, available)))}"
        )


class BinomialRelease(ReleaseRule):
    """A binomial number of quanta, independent from spike to spike."""

    name = "binomial"
    citations = (KATZ, KUNO)

    @staticmethod
    def draw(n: str, probability: str, available: str | None) -> Fragment:
        chance = " * ".join(filter(None, (probability, available)))
        return Fragment(
            on_pre=f"released = exact_binomial({n}, {chance}, j)", functions=(EXACT_BINOMIAL,)
        )


def moments(n: ArrayLike, P: ArrayLike, q: ArrayLike = 1.0) -> tuple[Any, Any, Any]:
    """Mean, variance and failure rate of the response k q; arguments broadcast."""
    n, P, q = (np.asarray(a, dtype=float) for a in (n, P, q))
    return n * P * q, n * P * (1 - P) * q**2, (1 - P) ** n
