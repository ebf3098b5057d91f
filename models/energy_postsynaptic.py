"""Postsynaptic currents: pumping back the ions that a response lets through.

The charge of a response goes as its size, so

    cost = atp_postsynaptic |q| Q / q_postsynaptic

with Q the response in quanta (the k released, scattered where quantal size varies). Per vesicle,
Attwell & Laughlin 2001 count 2e5 Na+ through non-NMDA receptors (6.7e4 ATP, 3 Na+ to one) and
through NMDA receptors 1.8e5 Na+ and 1e4 Ca2+, pumped out for 7e4 ATP: 1.37e5 in all.

Symbols
    atp_postsynaptic  1 (ATP)  cost of the response to one quantum of size q_postsynaptic
    q_postsynaptic    unit of the response   quantal size at which atp_postsynaptic holds
    Q, q                       response in quanta, quantal size

Sources: Attwell & Laughlin 2001, J Cereb Blood Flow Metab 21:1133, p. 1136.
Deviates from them: the budget has one size of vesicle; here cost scales with q. What the neuron
does with the potential (spikes, voltage-gated currents) is not a cost of the synapse.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from synsim.component import Citation, Preset, parameter
from synsim.models.energy import ATTWELL_LAUGHLIN, EnergyCost, SpikeNames

_PAGE = Citation(ATTWELL_LAUGHLIN.text, ATTWELL_LAUGHLIN.doi, "p. 1136")


class PostsynapticCurrents(EnergyCost):
    """Pumping back the ions of the postsynaptic currents."""

    name = "postsynaptic-currents"
    key = "postsynaptic"
    q_reference = "q_postsynaptic"
    citations = (ATTWELL_LAUGHLIN,)
    presets = MappingProxyType(
        {
            "attwell-laughlin-currents": Preset(
                {"atp_postsynaptic": 6.7e4 + 7e4},
                _PAGE,
                "6.7e4 non-NMDA (2e5 Na+ at 3 to an ATP, from an independent summary of the paper) "
                "and 7e4 NMDA (quoted from the page), 137,000 in all; the quantal size that it "
                "holds for is not in the paper: q_postsynaptic is yours to say",
            ),
            "attwell-laughlin-nmda": Preset(
                {"atp_postsynaptic": 7e4}, _PAGE, "currents through NMDA receptors only"
            ),
        }
    )

    atp_postsynaptic: float = parameter(
        "1", "ATP per quantum of size q_postsynaptic", low=0, array=True
    )
    q_postsynaptic: float = parameter(
        ("mV", "pA", "nS", "1"),
        "quantal size at which atp_postsynaptic holds",
        default="1mV",
        low=0,
        low_open=True,
    )

    def per_spike(self, names: SpikeNames) -> str:
        return f"atp_postsynaptic*abs({names.q}/q_postsynaptic)*{names.quanta}"

    def expected(self, n: ArrayLike, p: ArrayLike, q: ArrayLike, released: ArrayLike) -> Any:
        size = np.abs(np.asarray(q, dtype=float)) / self.q_postsynaptic
        return np.asarray(self.atp_postsynaptic) * size * np.asarray(released, dtype=float)
