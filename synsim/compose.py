"""Putting the parts of a synapse together, as text: states, statements, functions, words.

The order of a presynaptic spike:

    1  what long-term plasticity has made of n, p (or U) and q
    2  recovery of x over the interval, then facilitation of u
    3  release, with that u and x
    4  response, what it costs, and what is recorded of it
    5  long-term plasticity
    6  the time of the spike is kept

(5 comes before 1 when the response is to take the weight after its own spike's plasticity.)
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synsim.component import InputError, Parameters
from synsim.component.code import LONG_AGO, CodeFunction, Fragment, State
from synsim.component.parameters import Quantity
from synsim.models.energy import SpikeNames

if TYPE_CHECKING:
    from synsim.synapse import Synapse

_RECORDABLE = ("released", "quanta", "response", "recorded")
_PRE_TIME = State("pre_time", "last presynaptic spike", "second", LONG_AGO)
_POST_TIME = State("post_time", "last postsynaptic spike", "second", LONG_AGO)


@dataclass(frozen=True)
class Value:
    """A parameter of a composed synapse."""

    name: str
    doc: str
    unit: str  # Brian2's SI unit
    value: Any  # SI; a number, or an array with one entry per synapse
    text: str  # as people write it
    shared: bool  # one scalar for all synapses
    integer: bool


@dataclass(frozen=True)
class SynapseCode:
    """A composed synapse as text: all that decides what is compiled."""

    parameters: tuple[Value, ...]
    states: tuple[State, ...]
    on_pre: str
    on_post: str
    functions: tuple[CodeFunction, ...]
    post_first: bool

    @property
    def model(self) -> str:
        """Brian2 equations that declare parameters and states."""
        lines = []
        for p in self.parameters:
            kind = "integer" if p.integer else p.unit
            lines.append(f"{p.name} : {kind} ({'shared, ' if p.shared else ''}constant)")
        for s in self.states:
            lines.append(f"{s.name} : {'integer' if s.integer else s.unit}")
        return "\n".join(lines)


def compose(synapse: Synapse) -> SynapseCode:
    """The code of a synapse."""
    pieces = _Pieces(synapse)
    return SynapseCode(
        parameters=tuple(_parameters(synapse)),
        states=tuple(_unique(pieces.states, "state")),
        on_pre=pieces.on_pre,
        on_post=pieces.on_post,
        functions=tuple({f.name: f for f in pieces.functions}.values()),
        post_first=synapse.plasticity is not None and synapse.plasticity.post_first,
    )


class _Pieces:
    """Collects the fragments of a synapse in the order of the module's docstring."""

    def __init__(self, synapse: Synapse) -> None:
        self.states: list[State] = []
        self.functions: list[CodeFunction] = []
        learning = self._take(synapse.plasticity.learn()) if synapse.plasticity else Fragment()
        release = "\n".join(self._release(synapse))
        learned = learning.on_pre
        ordered = (
            (release, learned)
            if synapse.contacts.response_weight == "before"
            else (learned, release)
        )
        if synapse.plasticity is not None:
            self.states.insert(0, State("w", "weight", initial=synapse.contacts.w0))
        on_pre, on_post = "\n".join(ordered), learning.on_post
        if "pre_time" in on_pre + on_post:
            self.states.append(_PRE_TIME)
            on_pre += "\npre_time = t"
        if synapse.plasticity is not None:
            self.states.append(_POST_TIME)
            on_post += "\npost_time = t"
        self.on_pre, self.on_post = _tidy(on_pre), _tidy(on_post)

    def _take(self, fragment: Fragment) -> Fragment:
        self.states.extend(fragment.states)
        self.functions.extend(fragment.functions)
        return fragment

    def _release(self, synapse: Synapse) -> Iterable[str]:
        acts_on = synapse.contacts.acts_on if synapse.plasticity is not None else None
        probability = "p" if synapse.short_term is None else synapse.short_term.probability
        n, chance, q = "n", probability, "q"
        if acts_on == "n":
            n = "n_now"
            yield "n_now = int(floor(w*n + 0.5))"
        elif acts_on == "p":
            chance = f"{probability}_now"
            yield f"{chance} = w*{probability}"
        elif acts_on == "q":
            q = "w*q"
        available = None
        if synapse.short_term is not None:
            if not synapse.release.needs_recovery:
                yield self._take(synapse.short_term.deplete()).on_pre
                available = "x"
            yield self._take(synapse.short_term.facilitate(chance)).on_pre
            chance = "u"
        yield self._take(synapse.release.draw(n, chance, available)).on_pre
        quanta = "released"
        if synapse.variability is not None:
            yield self._take(synapse.variability.scatter(n)).on_pre
            quanta = "quanta"
        yield f"response = {q}*{quanta}"
        if synapse.target is not None:
            yield f"{synapse.target}_post += response"
        yield from self._metered(synapse, SpikeNames(n, chance, q, "released", quanta))
        if synapse.noise is not None:
            yield self._take(synapse.noise.record()).on_pre
        yield from self._recorded(synapse)

    def _metered(self, synapse: Synapse, names: SpikeNames) -> Iterable[str]:
        for cost in synapse.energy:
            self.states.append(State(cost.state, f"ATP for {cost.key} so far", double=True))
            yield f"cost_{cost.key} = {cost.per_spike(names)}"
            yield f"{cost.state} += cost_{cost.key}"

    def _recorded(self, synapse: Synapse) -> Iterable[str]:
        made = {"released": "1", "response": _brian_unit(synapse.contacts, "q")}
        made |= {f"cost_{cost.key}": "1" for cost in synapse.energy}
        if synapse.variability is not None:
            made["quanta"] = "1"
        if synapse.noise is not None:
            made["recorded"] = made["response"]
        for name in synapse.record:
            if name not in made:
                raise InputError(
                    f"Synapse.record: found {name!r}, expected some of {', '.join(made)}"
                )
            self.states.append(State(f"last_{name}", f"{name} at the last spike", made[name]))
            yield f"last_{name} = {name}"


def _parameters(synapse: Synapse) -> Iterable[Value]:
    used = ["n", "q"] + (["p"] if synapse.short_term is None else [])
    parts: list[tuple[Parameters, Iterable[str]]] = [(synapse.contacts, used)]
    for mechanism in synapse.mechanisms:
        parts.append((mechanism, [n for n in mechanism.specs() if n not in mechanism.idle]))
    found: dict[str, Value] = {}
    for part, names in parts:
        for name in names:
            spec = part.specs()[name]
            if not isinstance(spec, Quantity):
                continue
            value = getattr(part, name)
            if name in found:
                raise InputError(f"Synapse: two parts have a parameter {name!r}")
            found[name] = Value(
                name=name,
                doc=spec.doc,
                unit=_brian_unit(part, name),
                value=value,
                text=part.text(name),
                shared=not np.ndim(value) and name not in synapse.per_synapse,
                integer=spec.integer,
            )
    for name in synapse.per_synapse:
        if name not in found:
            raise InputError(
                f"Synapse.per_synapse: found {name!r}, expected some of {', '.join(found)}"
            )
    return found.values()


def _brian_unit(part: Parameters, name: str) -> str:
    return part.dimension(name).brian_unit


def _unique(states: Iterable[State], what: str) -> list[State]:
    found: dict[str, State] = {}
    for state in states:
        if found.setdefault(state.name, state) != state:
            raise InputError(f"Synapse: two parts have a {what} {state.name!r}")
    return list(found.values())


def _tidy(statements: str) -> str:
    return "\n".join(line.strip() for line in statements.splitlines() if line.strip())


def within_unit_interval(value: Any) -> None:
    """Refuse weights outside [0, 1]."""
    bad = (np.asarray(value) < 0) | (np.asarray(value) > 1)
    if np.any(bad):
        first = np.ravel(value)[np.argmax(np.ravel(bad))]
        raise InputError(f"found {first:g}, expected a value at least 0 and at most 1")


def conventions(synapse: Synapse) -> dict[str, str]:
    """Every switch that could have stood otherwise, in words."""
    contacts = synapse.contacts
    said = {
        "q": "response to one quantum; mean response n p q",
        "lag": "t_post - t_pre, as the spikes arrive at the synapse",
        "delays": f"axonal {contacts.text('delay')}, dendritic {contacts.text('dendritic_delay')}",
        "release": synapse.release.summary(),
    }
    if synapse.short_term is not None:
        said["short-term order"] = (
            "u and x recover, u facilitates, release uses u and x, x depletes; "
            "first spike from rest: u = U, x = 1"
        )
    if synapse.energy:
        said["energy"] = (
            "ATP of each presynaptic spike, at the n, p (or u) and q that it finds: "
            + ", ".join(cost.key for cost in synapse.energy)
        )
    if synapse.plasticity is not None:
        said |= synapse.plasticity.conventions
        said["amplitudes of the rule"] = "changes of w by one pairing, not by a whole protocol"
        said["plasticity acts on"] = {
            "q": "q: response w q per quantum",
            "p": "p (or U): release probability w p",
            "n": "n: floor(w n + 1/2) release sites",
        }[contacts.acts_on]
        said["response takes the weight"] = (
            f"{contacts.response_weight} the same spike's own plasticity"
        )
    return said


def describe(synapse: Synapse) -> str:
    """Equations, parameters with units, conventions and citations, as text."""
    code = synapse.code
    parts = ", ".join(m.name for m in synapse.mechanisms)
    rows = [
        (p.name, p.text, p.doc + ("" if p.shared else " (one value per synapse)"))
        for p in code.parameters
    ]
    rows += [(s.name, "state", s.doc) for s in code.states]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    table = "\n".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows)
    sections = {
        f"Synapse of {parts}": "",
        "Parameters and states": table,
        "At a presynaptic spike": code.on_pre,
        "At a postsynaptic spike": code.on_post,
        "Conventions": "\n".join(f"{k}: {v}" for k, v in synapse.conventions.items()),
        "Sources": "\n".join(synapse.citations),
    }
    return "\n".join(
        f"{title}\n{textwrap.indent(body, '    ')}" if body else title
        for title, body in sections.items()
        if body or title.startswith("Synapse")
    )
