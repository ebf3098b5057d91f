"""What a presynaptic spike costs: the base of the energy models.

Each mechanism has a file of its own (``energy_*.py``) and says what one presynaptic spike costs,
given the sites n, the release probability p of an available site, the quanta k that are released
and the quantal size q as this spike finds them. A synapse composed with such parts keeps a meter
for each: a state ``energy_<key>`` that every spike adds to.

When one variable is changed and q compensates so that the mean n p q stays, the cost is a power
of the standard deviation sigma of the response,

    cost ~ sigma^-rho,   sigma^2 = n p (1 - p) q^2 = mean^2 (1 - p)/(n p)

    mechanism         variable  cost of a spike       rho
    calcium efflux    p         (p/(1 - p))^(1/4)     1/2
    vesicle membrane  n         n q^(2/3)             2/3
    actin             n         n q^(1/3)             4/3
    trafficking       n         k, in the mean n p    2
    trafficking       p         k, in the mean n p    none: 2 (1 - p) locally, 2 while p is small

Symbols
    n      1    release sites
    p      1    release probability of an available site at this spike (u with facilitation)
    k      1    quanta released by this spike
    q      unit of the response   quantal size
    sigma  unit of the response   standard deviation of the response from spike to spike
    rho    1    reliability exponent

Units: a meter counts molecules of ATP, which is a plain number. Where no coefficient in ATP has
been published, a coefficient of 1 makes the cost the formula above, to be read relative only.

Sources: Malkin, O'Donnell, Houghton & Aitchison 2024, eLife 12:RP92595, Fig. 1 and appendix 1;
Attwell & Laughlin 2001, J Cereb Blood Flow Metab 21:1133, for molecules of ATP.
Deviates from them: never in the laws; each mechanism says where its scale comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation, Mechanism

MALKIN_2024 = Citation(
    "Malkin, O'Donnell, Houghton & Aitchison 2024, eLife 12:RP92595",
    "10.7554/eLife.92595",
    "Fig. 1, appendix 1",
)
ATTWELL_LAUGHLIN = Citation(
    "Attwell & Laughlin 2001, J Cereb Blood Flow Metab 21:1133",
    "10.1097/00004647-200110000-00001",
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SpikeNames:
    """What a presynaptic spike finds and does, by the names its statements give it."""

    n: str = "n"
    p: str = "p"
    q: str = "q"
    released: str = "released"
    quanta: str = "released"  # with quantal variability, in units of q


class EnergyCost(Mechanism):
    """Base of the energy models: the cost of one presynaptic spike."""

    role = "energy"
    key: ClassVar[str] = ""  # names the meter's state and the rows of tables
    variable: ClassVar[str] = ""  # what is changed for reliability: "p", "n" or nothing
    exponent: ClassVar[float | None] = None  # rho, where the law is a power
    q_reference: ClassVar[str] = ""  # the parameter that has to have the dimension of q

    @property
    def state(self) -> str:
        """The state variable that accumulates this cost."""
        return f"energy_{self.key}"

    def per_spike(self, names: SpikeNames) -> str:
        """The cost of a spike as a Brian2 expression."""
        raise NotImplementedError

    def expected(self, n: ArrayLike, p: ArrayLike, q: ArrayLike, released: ArrayLike) -> Any:
        """The mean cost of a spike.

        Parameters
        ----------
        n, p, q : sites, release probability of an available site, quantal size (SI)
        released : mean quanta of the spike (n p where all sites are available); all broadcast

        Returns
        -------
        ATP per spike; infinite where release is certain and calcium is paid for
        """
        raise NotImplementedError


def release_odds(p: ArrayLike) -> Array:
    """p/(1 - p); infinite at p = 1."""
    p = np.asarray(p, dtype=float)
    with np.errstate(divide="ignore"):
        return p / (1 - p)
