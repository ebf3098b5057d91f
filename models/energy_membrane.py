"""Vesicle membrane: the surface of n vesicles has to be kept up.

The same transmitter fills few large vesicles or many small ones. A vesicle's volume goes as its
quantal size, q ~ r^3, and its surface as r^2, so a pool of n of them costs

    cost = atp_membrane n (|q|/q_membrane)^(2/3)

As n varies and q = mean/(n p) compensates, cost ~ n^(1/3) and sigma ~ n^(-1/2): rho = 2/3.

Symbols
    atp_membrane  1 (ATP)  upkeep of one vesicle of size q_membrane, shared out per spike
    q_membrane    unit of the response   quantal size at which atp_membrane holds
    n, q                   sites (vesicles), quantal size

Sources: Malkin, O'Donnell, Houghton & Aitchison 2024, eLife 12:RP92595, Fig. 1c II, appendix 1
(lipid metabolism); proton leak through the same surface: Pulido & Ryan 2021, Sci Adv 7:eabi9027.
Deviates from them: upkeep goes on between spikes. The meter books it per spike, at the n and q
that the spike finds; a power P of one vesicle (ATP/s) at a mean rate r is atp_membrane = P/r. No
number in ATP per vesicle was found that could be checked: atp_membrane has no default.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from synsim.component import Citation, parameter
from synsim.models.energy import MALKIN_2024, EnergyCost, SpikeNames

PULIDO_RYAN = Citation("Pulido & Ryan 2021, Sci Adv 7:eabi9027", "10.1126/sciadv.abi9027")


class VesicleMembrane(EnergyCost):
    """Upkeep of vesicle membrane: n vesicles of surface q^(2/3)."""

    name = "vesicle-membrane"
    key = "membrane"
    variable = "n"
    exponent = 2 / 3
    q_reference = "q_membrane"
    citations = (MALKIN_2024, PULIDO_RYAN)

    atp_membrane: float = parameter(
        "1", "ATP per spike for one vesicle of size q_membrane", low=0, array=True
    )
    q_membrane: float = parameter(
        ("mV", "pA", "nS", "1"),
        "quantal size at which atp_membrane holds",
        default="1mV",
        low=0,
        low_open=True,
    )

    def per_spike(self, names: SpikeNames) -> str:
        return f"atp_membrane*{names.n}*abs({names.q}/q_membrane)**(2.0/3.0)"

    def expected(self, n: ArrayLike, p: ArrayLike, q: ArrayLike, released: ArrayLike) -> Any:
        size = np.abs(np.asarray(q, dtype=float)) / self.q_membrane
        return np.asarray(self.atp_membrane) * np.asarray(n, dtype=float) * size ** (2 / 3)
