"""Recycling: taking transmitter up again and packing it into vesicles.

    cost = atp_recycling k

for the k vesicles of a spike. Each molecule of glutamate takes 1 ATP for the Na+ that comes with
it into glia and 1/3 for the H+, 1 for its conversion to glutamine and 1/3 for filling the vesicle:
2.67 ATP, and for the 4000 of a vesicle 1.07e4, which the paper rounds to 1.1e4.

Symbols
    atp_recycling  1 (ATP)  cost of one released vesicle
    k              1        quanta released by a spike

Sources: Attwell & Laughlin 2001, J Cereb Blood Flow Metab 21:1133.
Deviates from them: the transmitter of a vesicle is taken as the same for every q.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from synsim.component import Preset, parameter
from synsim.models.energy import ATTWELL_LAUGHLIN, EnergyCost, SpikeNames


class Recycling(EnergyCost):
    """Uptake of released transmitter and refilling of vesicles."""

    name = "transmitter-recycling"
    key = "recycling"
    citations = (ATTWELL_LAUGHLIN,)
    presets = MappingProxyType(
        {
            "attwell-laughlin-recycling": Preset(
                {"atp_recycling": 1.1e4},
                ATTWELL_LAUGHLIN,
                "2.67 ATP for each of 4000 molecules of glutamate; checked against an independent "
                "summary of the paper and by its arithmetic, not against the page itself",
            )
        }
    )

    atp_recycling: float = parameter("1", "ATP per released vesicle", low=0, array=True)

    def per_spike(self, names: SpikeNames) -> str:
        return f"atp_recycling*{names.released}"

    def expected(self, n: ArrayLike, p: ArrayLike, q: ArrayLike, released: ArrayLike) -> Any:
        return np.asarray(self.atp_recycling) * np.asarray(released, dtype=float)
