"""Trafficking: every released vesicle is replaced, and brought to its site along actin.

A motor pays for each vesicle the same, whatever it holds, so a spike that releases k costs

    cost = atp_trafficking k,      in the mean atp_trafficking n p

As n varies and q compensates, the mean cost goes as n and sigma as n^(-1/2): rho = 2. Where p is
varied instead, n p = cost and sigma^2 ~ (1 - p)/p give the local exponent

    rho(p) = -d ln cost / d ln sigma = 2 (1 - p)

which is 2 only while p is small and falls to 0 at p = 1: no power law.

Symbols
    atp_trafficking  1 (ATP)  cost of one released vesicle
    n, p, k          1        sites, release probability, quanta released by a spike

Sources: Malkin, O'Donnell, Houghton & Aitchison 2024, eLife 12:RP92595, Fig. 1c IV, appendix 1.
Deviates from them: the meter counts the vesicles that are released, so its cost scatters from
spike to spike; the paper has the mean. The exponent with p varied is ours (and exact). No number
in ATP per vesicle was found: atp_trafficking has no default.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from synsim.component import parameter
from synsim.models.energy import MALKIN_2024, EnergyCost, SpikeNames


class Trafficking(EnergyCost):
    """Bringing up a new vesicle for each that is released."""

    name = "vesicle-trafficking"
    key = "trafficking"
    variable = "n"
    exponent = 2.0
    citations = (MALKIN_2024,)

    atp_trafficking: float = parameter("1", "ATP per released vesicle", low=0, array=True)

    def per_spike(self, names: SpikeNames) -> str:
        return f"atp_trafficking*{names.released}"

    def expected(self, n: ArrayLike, p: ArrayLike, q: ArrayLike, released: ArrayLike) -> Any:
        return np.asarray(self.atp_trafficking) * np.asarray(released, dtype=float)


def local_exponent_by_p(p: ArrayLike) -> Any:
    """-d ln(n p)/d ln sigma at fixed n and mean: 2 (1 - p)."""
    return 2 * (1 - np.asarray(p, dtype=float))
