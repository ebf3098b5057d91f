"""Actin: filaments hold the pool of vesicles together, each vesicle by a length of its diameter.

With the vesicle's volume going as its quantal size, q ~ r^3, the filament for n vesicles is as
long as n r, and its turnover costs

    cost = atp_actin n (|q|/q_actin)^(1/3)

As n varies and q = mean/(n p) compensates, cost ~ n^(2/3) and sigma ~ n^(-1/2): rho = 4/3.

Symbols
    atp_actin  1 (ATP)  turnover of one vesicle's filament at size q_actin, shared out per spike
    q_actin    unit of the response   quantal size at which atp_actin holds
    n, q                sites (vesicles), quantal size

Sources: Malkin, O'Donnell, Houghton & Aitchison 2024, eLife 12:RP92595, Fig. 1c III, appendix 1;
that actin turnover is a major expense of neurons: Bernstein & Bamburg 2003, J Neurosci 23:1.
Deviates from them: turnover goes on between spikes; the meter books it per spike, as
`energy_membrane` does. No number in ATP per vesicle was found: atp_actin has no default.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from synsim.component import Citation, parameter
from synsim.models.energy import MALKIN_2024, EnergyCost, SpikeNames

BERNSTEIN_BAMBURG = Citation("Bernstein & Bamburg 2003, J Neurosci 23:1")


class Actin(EnergyCost):
    """Turnover of the actin that holds n vesicles of diameter q^(1/3)."""

    name = "actin-turnover"
    key = "actin"
    variable = "n"
    exponent = 4 / 3
    q_reference = "q_actin"
    citations = (MALKIN_2024, BERNSTEIN_BAMBURG)

    atp_actin: float = parameter(
        "1", "ATP per spike for one vesicle of size q_actin", low=0, array=True
    )
    q_actin: float = parameter(
        ("mV", "pA", "nS", "1"),
        "quantal size at which atp_actin holds",
        default="1mV",
        low=0,
        low_open=True,
    )

    def per_spike(self, names: SpikeNames) -> str:
        return f"atp_actin*{names.n}*abs({names.q}/q_actin)**(1.0/3.0)"

    def expected(self, n: ArrayLike, p: ArrayLike, q: ArrayLike, released: ArrayLike) -> Any:
        size = np.abs(np.asarray(q, dtype=float)) / self.q_actin
        return np.asarray(self.atp_actin) * np.asarray(n, dtype=float) * size ** (1 / 3)
