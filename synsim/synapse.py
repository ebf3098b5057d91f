"""A synapse, stated once: what it is made of, before anything simulates, predicts or fits it.

    from synsim import PairSTDP, Synapse, TsodyksMarkram

    synapse = Synapse(
        n=5, q="0.2mV", release="sites", target="v",
        short_term=TsodyksMarkram.preset("tm-depressing"),
        plasticity=PairSTDP.preset("song-2000"),
    )
    S = synapse.connect(sources, neurons, p=0.1)     # a plain brian2.Synapses
    print(synapse)                                   # equations, parameters, conventions, sources

Nothing here imports Brian2 until `connect` is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import compose
from synsim.component import InputError, Mechanism, Parameters, option, parameter
from synsim.component.code import State
from synsim.component.errors import FieldError
from synsim.models.energy import EnergyCost
from synsim.models.pair_stdp import PlasticityRule
from synsim.models.quantal_release import ReleaseRule
from synsim.models.quantal_variability import QuantalVariability
from synsim.models.recording_noise import RecordingNoise
from synsim.models.tsodyks_markram import TsodyksMarkram

if TYPE_CHECKING:
    from brian2 import Synapses

RESPONSE_UNITS = ("mV", "pA", "nS", "1")


class Contacts(Parameters):
    """The numbers of a synapse that belong to no mechanism."""

    n: int = parameter("1", "number of release sites", default=1, low=0, integer=True, array=True)
    p: float | None = parameter(
        "1", "release probability of a site", low=0, high=1, array=True, optional=True, default=None
    )
    q: float = parameter(
        RESPONSE_UNITS,
        "response to one quantum (under a bounded rule, at w = 1)",
        default=1.0,
        array=True,
    )
    w0: float = parameter("1", "weight at the start", default=0.5, array=True)
    delay: float = parameter("ms", "axonal delay, of the presynaptic spike", default="0ms", low=0)
    dendritic_delay: float = parameter(
        "ms", "dendritic delay, of the postsynaptic spike", default="0ms", low=0
    )
    acts_on: str = option(("q", "p", "n"), "what long-term plasticity changes", default="q")
    response_weight: str = option(
        ("before", "after"),
        "the response takes the weight as it was before or after the same spike's plasticity",
        default="before",
    )


class Synapse:
    """A synapse composed of its mechanisms.

    Parameters
    ----------
    n : number of release sites, whole; one for all or one per synapse
    p : release probability of a site in [0, 1], unless `short_term` gives U, the same quantity
    q : response to one quantum, with the unit of what it adds to: mV, pA, nS, or a bare number.
        Under a plasticity rule the response to one quantum is ``w q``.
    short_term : `TsodyksMarkram`, `TsodyksThreeState` or None
    release : ``"mean-field"``, ``"binomial"``, ``"sites"``, or a `ReleaseRule`
    variability : `QuantalVariability` or None; stochastic release only
    noise : `RecordingNoise` or None; adds to what is recorded, not to what arrives
    plasticity : a long-term rule such as `PairSTDP`, or None
    acts_on : what the rule's weight w scales: ``"q"`` (w q), ``"p"`` (w p, or w U), or ``"n"``:
        floor(w n + 1/2) sites, the nearest whole number
    w0 : weight at the start; within [0, 1] under a bounded rule
    delay, dendritic_delay : delays of the presynaptic and the postsynaptic spike
    response_weight : ``"before"``: the response takes w as the spike found it;
        ``"after"``: with this spike's own plasticity applied (as NEST's stdp_synapse does)
    target : postsynaptic variable that responses add to, such as ``"v"``; None for none
    energy : energy models such as `CalciumEfflux`, each of which keeps a meter, the state
        ``energy_<key>``: ATP so far of every synapse. None are kept unless asked for
    record : names out of ``released``, ``quanta``, ``response``, ``recorded`` and of metered
        costs ``cost_<key>`` to be kept as state variables, to be read after a spike
    per_synapse : names of parameters to be kept one value per synapse although one value is
        given here, to be set on the `brian2.Synapses` afterwards; a parameter that is given
        as an array is kept so anyway, every other one is a shared scalar

    Raises
    ------
    InputError
        for values out of bounds and parts that do not fit together
    """

    def __init__(
        self,
        *,
        n: Any = 1,
        q: Any = 1.0,
        p: Any = None,
        short_term: TsodyksMarkram | None = None,
        release: str | ReleaseRule = "mean-field",
        variability: QuantalVariability | None = None,
        noise: RecordingNoise | None = None,
        plasticity: PlasticityRule | None = None,
        acts_on: str = "q",
        w0: Any = 0.5,
        delay: Any = "0ms",
        dendritic_delay: Any = "0ms",
        response_weight: str = "before",
        target: str | None = None,
        energy: EnergyCost | Sequence[EnergyCost] = (),
        record: Sequence[str] = (),
        per_synapse: Sequence[str] = (),
    ) -> None:
        self.contacts = Contacts(
            n=n,
            p=p,
            q=q,
            w0=w0,
            delay=delay,
            dendritic_delay=dendritic_delay,
            acts_on=acts_on,
            response_weight=response_weight,
        )
        self.short_term = _of_kind(short_term, TsodyksMarkram, "short_term")
        self.release = release_rule(release)
        self.variability = _of_kind(variability, QuantalVariability, "variability")
        self.noise = _of_kind(noise, RecordingNoise, "noise")
        self.plasticity = _of_kind(plasticity, PlasticityRule, "plasticity")
        self.target = target
        self.energy = _energy(energy)
        self.record = tuple(record)
        self.per_synapse = tuple(per_synapse)
        self._check()
        self.code = compose.compose(self)

    def _check(self) -> None:
        contacts = self.contacts
        if (contacts.p is None) == (self.short_term is None):
            found = "neither" if contacts.p is None else "both"
            raise FieldError(
                "Synapse",
                "p",
                f"found {found} of p and short-term plasticity (with its U), expected one of them: "
                "p and U are the same quantity, said once",
            )
        if self.release.needs_recovery and self.short_term is None:
            raise FieldError(
                "Synapse",
                "release",
                f"found {self.release.name!r} without short-term plasticity, expected it with "
                "its tau_rec, which refills the sites",
            )
        if self.release.needs_recovery and self.short_term and not self.short_term.two_state:
            raise FieldError(
                "Synapse",
                "release",
                f"found {self.release.name!r} with the three-state model, expected mean-field or "
                "binomial: a site is full or empty, without an inactive state between",
            )
        if self.variability is not None:
            self._check_variability(self.variability)
        if self.noise is not None and self.noise.dimension("s0") != contacts.dimension("q"):
            raise FieldError(
                "Synapse",
                "noise",
                f"found s0 = {self.noise.text('s0')}, expected the dimension of "
                f"q = {contacts.text('q')}",
            )
        self._check_plasticity()
        self._check_energy()

    def _check_energy(self) -> None:
        keys = [cost.key for cost in self.energy]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise FieldError("Synapse", "energy", f"found two meters of {twice}, expected one")
        for cost in self.energy:
            reference = cost.q_reference
            if reference and cost.dimension(reference) != self.contacts.dimension("q"):
                raise FieldError(
                    "Synapse",
                    "energy",
                    f"found {reference} = {cost.text(reference)}, expected the dimension of "
                    f"q = {self.contacts.text('q')}",
                )
        name, chance = ("p", self.contacts.p)
        if self.short_term is not None:
            name, chance = ("U", self.short_term.U)
        if "calcium" in keys and np.any(np.asarray(chance) == 1):
            raise FieldError(
                "Synapse",
                name,
                "found 1 with a meter of calcium, expected a value below 1: certain release takes "
                "endless calcium, and its cost is infinite",
            )

    def _check_plasticity(self) -> None:
        acts_on = self.contacts.acts_on
        if self.plasticity is None:
            if acts_on != "q":
                raise FieldError(
                    "Synapse", "acts_on", f"found {acts_on!r} without a plasticity rule"
                )
        elif self.plasticity.bounded:
            try:
                compose.within_unit_interval(self.contacts.w0)
            except InputError as error:
                raise FieldError("Synapse", "w0", str(error)) from None
        elif acts_on != "q":
            raise FieldError(
                "Synapse",
                "acts_on",
                f"found {acts_on!r} with a rule without bounds, expected 'q': only a weight in "
                "[0, 1] can scale p or n",
            )

    def _check_variability(self, variability: QuantalVariability) -> None:
        if not self.release.stochastic:
            raise FieldError(
                "Synapse",
                "variability",
                "found with mean-field release, expected binomial or sites: a mean has no scatter",
            )
        if self.release.needs_recovery and np.any(np.asarray(variability.cv_between) > 0):
            raise FieldError(
                "Synapse",
                "cv_between",
                "found above 0 with release sites, expected 0: connect n synapses of one site "
                "each, each with its own q",
            )

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """The parts, in the order in which a presynaptic spike meets them."""
        parts = (self.short_term, self.release, self.variability, self.noise, self.plasticity)
        return (*(part for part in parts if part is not None), *self.energy)

    @property
    def states(self) -> tuple[State, ...]:
        """The state variables of every synapse."""
        return self.code.states

    @property
    def meters(self) -> tuple[str, ...]:
        """The state variables that accumulate what the synapse has cost, in ATP."""
        return tuple(cost.state for cost in self.energy)

    @property
    def conventions(self) -> dict[str, str]:
        """Every switch that could have stood otherwise, in words."""
        return compose.conventions(self)

    @property
    def citations(self) -> tuple[str, ...]:
        """The sources of the parts, each once."""
        return tuple(dict.fromkeys(str(c) for m in self.mechanisms for c in m.sources))

    def connect(
        self,
        source: Any,
        target: Any,
        condition: Any = None,
        *,
        name: str = "synapses*",
        clock: Any = None,
        dt: Any = None,
        share: str = "terminal",
        **connections: Any,
    ) -> Synapses:
        """Make a plain `brian2.Synapses` between two Brian2 groups.

        Parameters
        ----------
        source, target : Brian2 groups that spike
        condition, connections : as of `brian2.Synapses.connect`: a condition, ``i=``, ``j=``,
            ``p=``, ``n=``; all to all where nothing is given
        name : of the Synapses object
        clock, dt : as of `brian2.Synapses`
        share : ``"terminal"``: state that all synapses of a presynaptic terminal, or of a
            postsynaptic neuron, have in common (u and x, times and traces of spikes, where all
            their parameters are one number for all) is kept once for them, and writing it at one
            synapse writes it at all of these; ``"synapse"``: every synapse keeps its own

        Returns
        -------
        brian2.Synapses with the pathways ``pre`` and, with plasticity, ``post``; parameters and
        initial states set. Works in runtime and in standalone mode. Parameters that were given
        as arrays need as many values as there are synapses, in Brian2's order.
        """
        from synsim import brian, pathways, team

        if share not in ("terminal", "synapse"):
            raise FieldError("Synapse", "share", f"found {share!r}, expected terminal or synapse")
        options = {"name": name, "clock": clock, "dt": dt}
        if share == "terminal":
            made, kept = brian.sharing_synapses(self, source, target, **options)
        else:
            made, kept = brian.synapses(self, source, target, **options), {}
        brian.seed_before_runs(self.code)
        brian.large_pages(made)
        pathways.own(made)
        team.own(made)
        # names in conditions are those that the caller sees, unless a namespace is given
        connections.setdefault("level", 1)
        made.connect(condition, **connections)
        brian.initialise(self, made, kept)
        return made

    def describe(self) -> str:
        """Equations, parameters with units, conventions and citations, as text."""
        return compose.describe(self)

    __str__ = describe


def release_rule(given: str | ReleaseRule) -> ReleaseRule:
    """The release rule of that name; a rule passes through."""
    if isinstance(given, ReleaseRule):
        return given
    from synsim.catalogue import find

    return find("release", given)()  # type: ignore[return-value]


def _energy(given: Any) -> tuple[EnergyCost, ...]:
    parts = (given,) if isinstance(given, EnergyCost) else given
    try:
        return tuple(_of_kind(part, EnergyCost, "energy") for part in parts)
    except TypeError:
        raise FieldError(
            "Synapse", "energy", f"found {given!r}, expected energy models, such as CalciumEfflux"
        ) from None


def _of_kind(part: Any, kind: type, name: str) -> Any:
    if part is not None and not isinstance(part, kind):
        raise FieldError("Synapse", name, f"found {part!r}, expected a {kind.__name__} or None")
    return part
