"""The settings of a synapse that protocols share: what it releases, and how it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from synsim.component import Parameters, option, parameter
from synsim.component.errors import FieldError
from synsim.component.spike_trains import LAST_STEP, on_grid
from synsim.component.units import show
from synsim.models.pair_stdp import PairSTDP, PlasticityRule
from synsim.models.quantal_variability import QuantalVariability
from synsim.models.recording_noise import RecordingNoise
from synsim.models.tsodyks_markram import TsodyksMarkram
from synsim.models.tsodyks_three_state import TsodyksThreeState
from synsim.settings import mechanism
from synsim.synapse import RESPONSE_UNITS, Synapse

# Where a part of the synapse is refused, the setting that brought it there.
_SETTING_OF = {"variability": "cv_within", "noise": "s0", "short_term": "tau_rec"}


class ReleaseSettings(Parameters):
    """A synapse without long-term plasticity."""

    release: str = option(
        ("mean-field", "binomial", "sites"),
        "mean release without noise; binomial; or sites that empty and refill",
        default="mean-field",
    )
    n: int = parameter(
        "1", "number of release sites", default=1, low=0, high=LAST_STEP, integer=True
    )
    p: float | None = parameter(
        "1",
        "release probability (the same quantity as U; 0.5 where neither is given)",
        default=None,
        low=0,
        high=1,
        optional=True,
    )
    U: float | None = parameter(
        "1",
        "release probability at rest (the same quantity as p)",
        default=None,
        low=0,
        high=1,
        optional=True,
    )
    q: float = parameter(RESPONSE_UNITS, "response to one quantum", default="1mV")
    tau_rec: float | None = parameter(
        "ms",
        "recovery of a released site; turns depression on",
        default=None,
        low=0,
        low_open=True,
        optional=True,
    )
    tau_facil: float | None = parameter(
        "ms", "decay of facilitation, with --tau-rec", default=None, low=0, optional=True
    )
    tau_inact: float | None = parameter(
        "ms",
        "inactive state of the three-state model, with --tau-rec",
        default=None,
        low=0,
        low_open=True,
        optional=True,
    )
    cv_within: float = parameter(
        "1", "CV of a site's quantal size from release to release", default=0.0, low=0
    )
    cv_between: float = parameter("1", "CV of quantal size between sites", default=0.0, low=0)
    s0: float | None = parameter(
        RESPONSE_UNITS,
        "standard deviation of the recording noise",
        default=None,
        low=0,
        optional=True,
    )
    delay: float = parameter("ms", "axonal delay of the presynaptic spike", default="0ms", low=0)
    time_step: float = parameter(
        "ms", "grid that spike times are put on", default="0.1ms", low=1e-9
    )

    def check(self) -> None:
        if self.p is not None and self.U is not None:
            raise FieldError(
                type(self).__name__,
                "U",
                f"found {self.text('U')} beside p = {self.text('p')}, expected one of the two: "
                "they are the same quantity",
            )
        for name in ("tau_facil", "tau_inact"):
            if getattr(self, name) is not None and self.tau_rec is None:
                raise FieldError(
                    type(self).__name__,
                    name,
                    f"found {self.text(name)} without tau_rec, expected both",
                )
        self.within_reach("delay", self.delay)
        try:
            self.synapse()
        except FieldError as error:
            field = _SETTING_OF.get(error.field, error.field)
            if field == "U" and self.U is None:
                field = "p"  # one quantity, under the name that was used
            raise FieldError(type(self).__name__, field, error.problem) from None

    def delay_notes(self) -> list[str]:
        """What has to be said of delays that do not lie on the time grid."""
        notes = []
        for name in ("delay", "dendritic_delay"):
            delay = getattr(self, name, 0.0)
            ran = float(on_grid(delay, self.time_step)) * self.time_step
            if abs(ran - delay) > 1e-6 * self.time_step:
                notes.append(
                    f"{name} {self.text(name)} was put on the grid of {self.text('time_step')}: "
                    f"it ran as {show(float(f'{ran:.9g}'), 'ms')}"
                )
        return notes

    def within_reach(self, field: str, seconds: ArrayLike) -> None:
        """Refuse a setting that stands for more time steps than can be counted."""
        if not np.all(np.abs(np.asarray(seconds)) < LAST_STEP * self.time_step):
            raise FieldError(
                type(self).__name__,
                field,
                f"found {self.text(field)}, expected no more than {LAST_STEP} time steps of "
                f"{self.text('time_step')} in all",
            )

    @property
    def release_probability(self) -> float:
        """p or U, whichever was said; 0.5 where nothing was."""
        return next((v for v in (self.p, self.U) if v is not None), 0.5)

    def resolved(self) -> dict[str, str]:
        said = self.p is not None or self.U is not None
        return {} if said else {"p": f"{self.release_probability:g}"}

    def synapse(self, record: tuple[str, ...] = (), target: str | None = None) -> Synapse:
        """The synapse that these settings describe; `record` and `target` as of `Synapse`."""
        noisy = self.cv_within > 0 or self.cv_between > 0
        return Synapse(
            n=self.n,
            p=self.release_probability if self.tau_rec is None else None,
            q=self.given("q"),
            short_term=self._short_term(),
            release=self.release,
            variability=(
                QuantalVariability(cv_within=self.cv_within, cv_between=self.cv_between)
                if noisy
                else None
            ),
            noise=None if self.s0 is None else RecordingNoise(s0=self.given("s0")),
            delay=self.given("delay"),
            record=record,
            target=target,
            **self._plasticity(),
        )

    def _short_term(self) -> TsodyksMarkram | None:
        if self.tau_rec is None:
            return None
        values = {
            "U": self.release_probability,
            "tau_rec": self.given("tau_rec"),
            "tau_facil": "0ms" if self.tau_facil is None else self.given("tau_facil"),
        }
        made = (
            TsodyksMarkram(**values)
            if self.tau_inact is None
            else TsodyksThreeState(**values, tau_inact=self.given("tau_inact"))
        )
        cited = [name for name in self.from_presets if name in type(made).presets]
        return made.starting_from(cited[0]) if cited else made

    def _plasticity(self) -> dict[str, Any]:
        """Arguments of `Synapse` for long-term plasticity."""
        return {}


class SynapseSettings(ReleaseSettings):
    """A synapse with a long-term rule."""

    rule: PlasticityRule | None = mechanism(
        "plasticity",
        "long-term rule; its parameters are settings too",
        default=PairSTDP.preset("bi-poo-2001"),
        optional=True,
    )
    acts_on: str = option(("q", "p", "n"), "what the rule's weight scales", default="q")
    w0: float = parameter("1", "weight at the start", default=0.5, low=0, low_open=True)
    dendritic_delay: float = parameter(
        "ms", "dendritic delay of the postsynaptic spike", default="0ms", low=0
    )
    response_weight: str = option(
        ("before", "after"),
        "the response takes the weight before or after its own spike's plasticity",
        default="before",
    )

    def check(self) -> None:
        super().check()
        self.within_reach("dendritic_delay", self.dendritic_delay)

    def _plasticity(self) -> dict[str, Any]:
        if self.rule is None:
            return {"dendritic_delay": self.given("dendritic_delay")}
        return {
            "plasticity": self.rule,
            "acts_on": self.acts_on,
            "w0": self.w0,
            "dendritic_delay": self.given("dendritic_delay"),
            "response_weight": self.response_weight,
        }
