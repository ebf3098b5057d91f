"""Quantal variability: one vesicle's response is not always the same.

    q_s = q (1 + cv_between z_s) (1 + cv_within xi)

is what one release of site s gives, with xi fresh at every release and z_s drawn once per site,
both standard normal. For constant P and sites that are always full, averaged over synapses:

    variance = n P q^2 (1 + cv_between^2) (1 - P + cv_within^2)

Symbols
    cv_within   1  coefficient of variation of one site's quantal size over releases
    cv_between  1  coefficient of variation of the mean quantal size over sites

Sources: Silver 2003, J Neurosci Methods 130:127 (types I and II of quantal variance, there
called intrasite and intersite); Clements & Silver 2000, Trends Neurosci 23:105.
Deviates from them: normal, so that a small quantum may come out negative when a cv is
large (at cv = 0.3, 4 in 10,000). The fixed sizes of the sites are not stored: they are
computed from one random key per synapse. With `release_sites` the identity of the full
sites would have to be stored as well, so between-site variability is refused there: connect
n synapses of one site each instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import Citation, Mechanism, parameter
from synsim.component.code import NORMAL, CodeFunction, Fragment, State

SILVER = Citation("Silver 2003, J Neurosci Methods 130:127", "10.1016/j.jneumeth.2003.09.005")
CLEMENTS_SILVER = Citation(
    "Clements & Silver 2000, Trends Neurosci 23:105", "10.1016/S0166-2236(99)01520-9"
)

_TWO_PI = 6.283185307179586


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea & Flood 2014): every bit depends on every bit."""
    with np.errstate(over="ignore"):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def site_deviation(key: Any, site: Any) -> NDArray[np.float64]:
    """z of a site: standard normal, the same at every call.

    Parameters
    ----------
    key : in [0, 1), one per synapse
    site : 0 to n - 1; both broadcast
    """
    seed = (np.asarray(key, dtype=float) * 2.0**53).astype(np.uint64)
    step = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        first = _mix(seed + step * (2 * np.asarray(site, dtype=np.uint64) + np.uint64(1)))
        second = _mix(seed + step * (2 * np.asarray(site, dtype=np.uint64) + np.uint64(2)))
    u = ((first >> np.uint64(11)).astype(float) + 1.0) * 2.0**-53
    v = (second >> np.uint64(11)).astype(float) * 2.0**-53
    return np.sqrt(-2.0 * np.log(u)) * np.cos(_TWO_PI * v)


def _numpy_quanta(
    k: Any, n: Any, key: Any, cv_within: Any, cv_between: Any, synapse: Any, _vectorisation_idx: Any
) -> NDArray[np.float64]:
    k, n, key = np.broadcast_arrays(k, n, key)
    shape = np.broadcast_shapes(k.shape, np.shape(synapse))
    left = np.broadcast_to(k, shape).astype(np.int64)
    n, key = np.broadcast_to(n, shape), np.broadcast_to(key, shape)
    total = np.zeros(shape)
    for site in range(int(n.max(initial=0))):
        chance = np.where(site < n, left / np.maximum(n - site, 1), 0.0)
        chosen = np.random.random_sample(shape) < chance  # noqa: NPY002
        size = 1 + cv_between * site_deviation(key, site)
        fresh = 1 + cv_within * np.random.standard_normal(shape)  # noqa: NPY002
        total += np.where(chosen, size * fresh, 0.0)
        left = left - chosen
    return total


SITE_QUANTA = CodeFunction(
    name="site_quanta",
    arguments=("k", "n", "key", "cv_within", "cv_between", "synapse"),
    random=True,
    numpy=_numpy_quanta,
    cpp="""
    static inline uint64_t synsim_mix(uint64_t z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    static inline double site_quanta(const int32_t k, const int32_t n, const double key,
                                     const double cv_within, const double cv_between,
                                     const int32_t synapse, const int _vectorisation_idx)
    {
        const uint64_t seed = (uint64_t)(key * 9007199254740992.0);
        const uint64_t step = 0x9E3779B97F4A7C15ULL;
        double total = 0.0;
        int32_t left = k;
        for (int32_t site = 0; site < n && left > 0; site++)
        {
            if (_rand(_vectorisation_idx) * (n - site) >= left)
                continue;
            left--;
            const uint64_t a = synsim_mix(seed + step * (2 * (uint64_t)site + 1));
            const uint64_t b = synsim_mix(seed + step * (2 * (uint64_t)site + 2));
            const double u = ((double)(a >> 11) + 1.0) * 1.1102230246251565e-16;
            const double v = (double)(b >> 11) * 1.1102230246251565e-16;
            const double z = sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
            const double fresh = cv_within > 0.0 ? cv_within * _randn(_vectorisation_idx) : 0.0;
            total += (1.0 + cv_between * z) * (1.0 + fresh);
        }
        return total;
    }
    """,
    cython="""
    cdef unsigned long long synsim_mix(unsigned long long z):
        z = (z ^ (z >> 30)) * <unsigned long long>0xBF58476D1CE4E5B9
        z = (z ^ (z >> 27)) * <unsigned long long>0x94D049BB133111EB
        return z ^ (z >> 31)

    cdef double site_quanta(int k, int n, double key, double cv_within, double cv_between,
                            int synapse, int _vectorisation_idx):
        cdef unsigned long long seed = <unsigned long long>(key * 9007199254740992.0)
        cdef unsigned long long step = <unsigned long long>0x9E3779B97F4A7C15
        cdef unsigned long long a
        cdef unsigned long long b
        cdef double total = 0.0
        cdef double u
        cdef double v
        cdef double z
        cdef double fresh
        cdef int left = k
        cdef int site
        for site in range(n):
            if left <= 0:
                break
            if _rand(_vectorisation_idx) * (n - site) >= left:
                continue
            left -= 1
            a = synsim_mix(seed + step * (2 * <unsigned long long>site + 1))
            b = synsim_mix(seed + step * (2 * <unsigned long long>site + 2))
            u = (<double>(a >> 11) + 1.0) * 1.1102230246251565e-16
            v = <double>(b >> 11) * 1.1102230246251565e-16
            z = sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v)
            fresh = cv_within * _randn(_vectorisation_idx) if cv_within > 0.0 else 0.0
            total += (1.0 + cv_between * z) * (1.0 + fresh)
        return total
    """,
)


class QuantalVariability(Mechanism):
    """Normal scatter of quantal size, within and between sites."""

    name = "quantal-variability"
    role = "quantal variability"
    citations = (SILVER, CLEMENTS_SILVER)

    cv_within: float = parameter(
        "1", "CV of a site's quantal size from release to release", default=0.0, low=0, array=True
    )
    cv_between: float = parameter(
        "1", "CV of the quantal size between sites, fixed", default=0.0, low=0, array=True
    )

    def scatter(self, n: str) -> Fragment:
        """Statements that turn ``released`` into ``quanta``, in units of q."""
        if np.any(np.asarray(self.cv_between) > 0):
            return Fragment(
                (
                    State(
                        "site_key", "fixes the sites' quantal sizes", initial="rand()", double=True
                    ),
                ),
                f"quanta = site_quanta(released, {n}, site_key, cv_within, cv_between, j)",
                functions=(SITE_QUANTA,),
            )
        # The sum of k scattered quanta, in one draw
        return Fragment(
            on_pre="quanta = released + cv_within*sqrt(released)*fresh_normal(j)",
            functions=(NORMAL,),
        )


def variance(
    n: float, P: float, q: float, cv_within: float = 0.0, cv_between: float = 0.0
) -> float:
    """Variance of the response for sites that are always full, averaged over synapses.

    n P q^2 (1 + cv_between^2) (1 - P + cv_within^2), in units of q^2.
    """
    return n * P * q**2 * (1 + cv_between**2) * (1 - P + cv_within**2)
