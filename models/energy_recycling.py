"""Recycling: taking transmitter up again and packing it into vesicles.

    cost = atp_recycling k

for the k vesicles of a spike. Per vesicle of some 4000 molecules of glutamate, uptake by glia,
conversion to glutamine, its export and the filling of vesicles come to about 1.1e4 ATP.

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
                "from memory, not checked against the paper",
            )
        }
    )

    atp_recycling: float = parameter("1", "ATP per released vesicle", low=0, array=True)

    def per_spike(self, names: SpikeNames) -> str:
        return f"atp_recycling*{names.released}"

    def expected(self, n: ArrayLike, p: ArrayLike, q: ArrayLike, released: ArrayLike) -> Any:
        return np.asarray(self.atp_recycling) * np.asarray(released, dtype=float)
