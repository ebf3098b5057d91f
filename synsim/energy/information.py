"""A synapse and its prices, and the release probability that carries most bits per ATP."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import option, parameter
from synsim.component.errors import FieldError
from synsim.component.units import show
from synsim.models.energy import EnergyCost
from synsim.models.energy_calcium import CalciumEfflux
from synsim.models.energy_postsynaptic import PostsynapticCurrents
from synsim.models.energy_recycling import Recycling
from synsim.predict.energy_information import (
    best_probability,
    bits_per_spike,
    dynamics,
    success_rate,
    typical_train,
)
from synsim.synapse import Synapse
from synsim.synapse_settings import ReleaseSettings

Array = NDArray[np.float64]
TYPICAL = 3000  # spikes of the train that release probabilities are compared on


class PricedSettings(ReleaseSettings):
    """A synapse in time bins, and what its spikes cost (Attwell & Laughlin 2001)."""

    release: str = option(
        ("binomial", "sites"), "binomial; or sites that empty and refill", default="sites"
    )
    n: int = parameter("1", "number of release sites", default=5, low=0, integer=True)
    q: float = parameter(("mV", "pA", "nS", "1"), "response to one quantum", default="1mV")
    tau_rec: float | None = parameter(
        "ms",
        "recovery of a released site; none for no depression",
        default="800ms",
        low=0,
        low_open=True,
        optional=True,
    )
    time_step: float = parameter(
        "ms", "bin in which a spike is there or not; also the grid", default="2.5ms", low=1e-9
    )
    atp_calcium: float = parameter(
        "1", "ATP for calcium of a site and spike at p = 0.25", default=3000.0, low=0
    )
    calcium_per: str = option(
        ("site", "synapse"), "whether each site or the synapse pays for calcium", default="site"
    )
    atp_recycling: float = parameter("1", "ATP per vesicle for recycling", default=1.1e4, low=0)
    atp_postsynaptic: float = parameter(
        "1", "ATP per vesicle for postsynaptic currents, at this q", default=1.37e5, low=0
    )
    atp_fixed: float = parameter("1", "ATP of a spike whatever it releases", default=0.0, low=0)

    def check(self) -> None:
        if self.n < 1:
            raise self._wrong("n", "found 0, expected at least 1: no sites transmit nothing")
        name = "U" if self.U is not None else "p"
        if self.release_probability == 0:
            raise self._wrong(name, "found 0, expected a value above 0: nothing is transmitted")
        if self.q == 0:
            raise self._wrong("q", "found 0, expected a response")
        if self.release == "sites" and self.tau_rec is None:
            raise self._wrong("release", "found sites without tau_rec, expected binomial or both")
        if self.tau_inact is not None:
            raise self._wrong(
                "tau_inact",
                f"found {self.text('tau_inact')}, expected none: release probabilities are "
                "compared with two states",
            )
        if not any((self.atp_calcium, self.atp_recycling, self.atp_postsynaptic, self.atp_fixed)):
            raise self._wrong("atp_fixed", "found no cost at all, expected one above 0")
        super().check()

    def _wrong(self, field: str, problem: str) -> FieldError:
        return FieldError(type(self).__name__, field, problem)

    @property
    def costs(self) -> tuple[EnergyCost, ...]:
        """The meters, those that cost nothing left out."""
        found: list[EnergyCost] = []
        if self.atp_calcium:
            found.append(
                CalciumEfflux(
                    atp_calcium=self.atp_calcium, p_calcium=0.25, calcium_per=self.calcium_per
                )
            )
        if self.atp_recycling:
            found.append(Recycling(atp_recycling=self.atp_recycling))
        if self.atp_postsynaptic:
            size: Any = abs(self.q) if self.unit_of("q") == "1" else show(
                abs(self.q), self.unit_of("q")
            )  # fmt: skip
            found.append(
                PostsynapticCurrents(atp_postsynaptic=self.atp_postsynaptic, q_postsynaptic=size)
            )
        return tuple(found)

    def synapse(self, record: tuple[str, ...] = (), target: str | None = None) -> Synapse:
        """The synapse with its meters."""
        plain = super().synapse()
        return Synapse(
            n=self.n,
            p=plain.contacts.p,
            q=self.given("q"),
            short_term=plain.short_term,
            release=plain.release,
            variability=plain.variability,
            noise=plain.noise,
            delay=self.given("delay"),
            target=target,
            energy=self.costs,
            record=record,
        )

    def warm_up(self, rate: Any) -> Any:
        """Spikes after which a synapse at a rate has settled."""
        slowest = (self.tau_rec or 0.0) + (self.tau_facil or 0.0) + (self.tau_inact or 0.0)
        return np.ceil(6 * slowest * np.asarray(rate)).astype(int) + 3

    def efficiency(self, n: int, U: Array, u: Array, x: Array, s: float) -> Array:
        """Bits per ATP, of synapses with u and x over a train: shape of U + (spikes,)."""
        success = success_rate(n, u * x).mean(axis=-1)
        spent = np.full(U.shape, self.atp_fixed)
        for cost in self.costs:
            spent = spent + cost.expected(n, u, self.q, n * u * x).mean(axis=-1)
        return bits_per_spike(s, success) / spent

    def best(self, rate: float, n: int | None = None, static: bool = False) -> tuple[float, float]:
        """Release probability that carries most bits per ATP at a rate, and bits per ATP."""
        n, s, rule = n or self.n, rate * self.time_step, super().synapse().short_term
        if static or rule is None:
            return best_probability(
                lambda p: self.efficiency(n, p, p[:, None], np.ones((len(p), 1)), s)
            )
        warm = int(self.warm_up(rate))
        times = typical_train(s, self.time_step, TYPICAL, warm)
        facil = float(rule.tau_facil)
        return best_probability(
            lambda U: self.efficiency(
                n, U, *dynamics(times, U, float(rule.tau_rec), facil, warm), s
            )
        )
