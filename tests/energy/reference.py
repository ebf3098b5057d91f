"""The costs of a spike, written from SCIENCE's table and nothing else; plain numbers.

Every function takes what a spike found and did: sites n, release probability u of an available
site, quantal size q (mV), released quanta k. Coefficients are 1, sizes are relative to 1 mV.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def calcium(n: Any, u: Any, q: Any, k: Any) -> Any:
    return np.sqrt(np.sqrt(u / (1 - u))) + 0 * q


def membrane(n: Any, u: Any, q: Any, k: Any) -> Any:
    return n * np.cbrt(np.abs(q)) ** 2 + 0 * u


def actin(n: Any, u: Any, q: Any, k: Any) -> Any:
    return n * np.cbrt(np.abs(q)) + 0 * u


def trafficking(n: Any, u: Any, q: Any, k: Any) -> Any:
    return 1.0 * k + 0 * u


COSTS = {"calcium": calcium, "membrane": membrane, "actin": actin, "trafficking": trafficking}


def sigma(n: Any, p: Any, mean: Any, cv: float = 0.0) -> Any:
    """SD of a response with mean n p q, with scatter of the quantal size within sites."""
    q = mean / (n * p)
    return np.sqrt(n * q**2 * (p * (1 + cv**2) - p**2))
