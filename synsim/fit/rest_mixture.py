"""The likelihood of responses from rest: a binomial mixture of normals.

    y ~ sum over k of C(n, k) p^k (1 - p)^(n-k) Normal(k q, s0^2 + k (cv q)^2)

is what `release_filter` computes where every interval is infinite. The filter takes O(n^2) a
response, this O(n).
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.fit.release_filter import ReleaseFilter

Array = NDArray[Any]


class RestMixture(ReleaseFilter):
    """The likelihood of one set of responses, each from rest; amplitudes (m,)."""

    def __init__(self, amplitudes: ArrayLike) -> None:
        y = np.asarray(amplitudes, dtype=float)
        super().__init__(y, np.full(y.shape, math.inf))
        self._choices: dict[int, Array] = {}  # log C(n, k), shape (n + 1,)

    def with_gradient(self, n: int, theta: Array) -> tuple[float, Array]:
        """Log likelihood at theta (6,), in the order of `release_filter.NAMES`, and derivatives."""
        from scipy.special import gammaln

        if n not in self._choices:
            k = np.arange(n + 1.0)
            self._choices[n] = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        gradient = np.zeros(6)
        return float(_kernel()(self.y, theta, self._choices[n], gradient)), gradient


@functools.cache
def _kernel() -> Any:
    from synsim.fit.rest_kernel import mixture

    return mixture
