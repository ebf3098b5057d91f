"""Calcium efflux: pumping out what a spike lets in to release vesicles.

The odds of release go as the fourth power of the calcium that enters,

    p/(1 - p) ~ [Ca]^4,      so   [Ca] ~ (p/(1 - p))^(1/4)

and every ion is pumped out again at the same price (by 3 Na+/Ca2+ exchange, 3 Na+ of which cost
one ATP). The cost of a spike, whether it releases or not, is therefore

    cost = atp_calcium [(p/(1 - p)) / (p_calcium/(1 - p_calcium))]^(1/4)

per synapse, or per site where every site has a calcium entry of its own. As p varies and q
compensates, sigma^2 = mean^2 (1 - p)/(n p), so cost ~ sigma^(-1/2) exactly, for every p.

Symbols
    atp_calcium  1 (ATP)  cost of a spike at p = p_calcium
    p_calcium    1        release probability at which atp_calcium holds; 1/2, even odds, makes
                          the law atp_calcium (p/(1 - p))^(1/4)
    p            1        release probability of an available site; with facilitation u, whose
                          growth is calcium as well

Certain release (p = 1) would need endless calcium and is refused.

Sources: Malkin, O'Donnell, Houghton & Aitchison 2024, eLife 12:RP92595, appendix 1; per synapse
also Malkin, O'Donnell & Houghton 2026, arXiv:2602.15787. Scale: Attwell & Laughlin 2001, p. 1136:
1.2e4 Ca2+ enter per vesicle released (after Helmchen, Borst & Sakmann 1997), so 1.2e4 ATP.
Deviates from them: the papers' law is per synapse; `calcium_per = site` is ours, for connections
whose sites lie in different boutons. A vesicle's 1.2e4 ATP becomes the cost of a spike by
multiplication with the release probability that it is quoted at.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from synsim.component import Citation, Preset, option, parameter
from synsim.models.energy import (
    ATTWELL_LAUGHLIN,
    MALKIN_2024,
    EnergyCost,
    SpikeNames,
    release_odds,
)

MALKIN_2026 = Citation("Malkin, O'Donnell & Houghton 2026, arXiv:2602.15787")


class CalciumEfflux(EnergyCost):
    """Pumping out the calcium that triggers release; odds of release go as [Ca]^4."""

    name = "calcium-efflux"
    key = "calcium"
    variable = "p"
    exponent = 1 / 2
    citations = (MALKIN_2024, MALKIN_2026, ATTWELL_LAUGHLIN)
    presets = MappingProxyType(
        {
            "attwell-laughlin-calcium": Preset(
                {"atp_calcium": 0.25 * 1.2e4, "p_calcium": 0.25, "calcium_per": "site"},
                Citation(ATTWELL_LAUGHLIN.text, ATTWELL_LAUGHLIN.doi, "p. 1136"),
                "1.2e4 ATP per vesicle released, that is 3000 per site and spike at p = 0.25; that "
                "the vesicle's calcium is quoted at 0.25 is our assumption",
            )
        }
    )

    atp_calcium: float = parameter("1", "ATP of a spike at p = p_calcium", low=0, array=True)
    p_calcium: float = parameter(
        "1",
        "release probability at which atp_calcium holds",
        default=0.5,
        low=0,
        high=1,
        low_open=True,
        high_open=True,
    )
    calcium_per: str = option(
        ("synapse", "site"),
        "whether all sites share one calcium entry or each has its own",
        default="synapse",
    )

    def per_spike(self, names: SpikeNames) -> str:
        sites = f"{names.n}*" if self.calcium_per == "site" else ""
        p = names.p
        return f"{sites}atp_calcium*({p}/(1 - {p})*(1 - p_calcium)/p_calcium)**0.25"

    def expected(self, n: ArrayLike, p: ArrayLike, q: ArrayLike, released: ArrayLike) -> Any:
        sites = np.asarray(n, dtype=float) if self.calcium_per == "site" else 1.0
        odds = release_odds(p) * (1 - self.p_calcium) / self.p_calcium
        return sites * np.asarray(self.atp_calcium) * odds**0.25
