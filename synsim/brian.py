"""From a composed synapse to `brian2.Synapses`. The one file that knows both."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2 import Quantity, Synapses, second
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.units.allunits import amp, hertz, siemens, volt

from synsim.component import InputError
from synsim.component.code import CodeFunction

if TYPE_CHECKING:
    from synsim.synapse import Synapse

UNITS = {"1": 1, "second": second, "hertz": hertz, "volt": volt, "amp": amp, "siemens": siemens}


@cache
def function(code: CodeFunction) -> Function:
    """A Brian2 function with an implementation for each target."""
    made = Function(
        code.numpy,
        arg_units=[UNITS[u] for u in code.units or ("1",) * len(code.arguments)],
        arg_names=list(code.arguments),
        return_unit=1,
        return_type="integer" if code.integer else "float",
        # Draws of different synapses are exchangeable, so no order of them is special.
        stateless=True,
        auto_vectorise=code.random,
    )
    needs = {
        name: DEFAULT_FUNCTIONS[name.strip("_")]
        for name in ("_rand", "_randn")
        if f"{name}(" in code.cpp
    }
    for target, text in (("cpp", code.cpp), ("cython", code.cython)):
        made.implementations.add_implementation(
            target, text, dependencies=needs or None, name=code.name
        )
    return made


def synapses(
    synapse: Synapse,
    source: Any,
    target: Any,
    *,
    name: str,
    clock: Any = None,
    dt: Any = None,
    on_pre: str | None = None,
) -> Synapses:
    """The Synapses object, without connections; `on_pre` replaces its own statements."""
    code = synapse.code
    contacts = synapse.contacts
    namespace = {f.name: function(f) for f in code.functions}
    pathways: dict[str, Any] = {"on_pre": {"pre": code.on_pre if on_pre is None else on_pre}}
    delays = {"pre": contacts.delay * second}
    if code.on_post:
        pathways["on_post"] = {"post": code.on_post}
        delays["post"] = contacts.dendritic_delay * second
    made = Synapses(
        source,
        target,
        model=code.model,
        namespace=namespace,
        delay=delays,
        name=name,
        clock=clock,
        dt=dt,
        **pathways,
    )
    # Said, not left to the alphabet: it decides what coincident spikes do.
    made.pre.order = 0
    if code.on_post:
        made.post.order = -1 if code.post_first else 1
    return made


def initialise(synapse: Synapse, made: Synapses) -> None:
    """Set parameters and initial states after the connections are made."""
    for parameter in synapse.code.parameters:
        if parameter.shared or np.ndim(parameter.value) or parameter.value is not None:
            _set(made, parameter.name, parameter.value, parameter.unit)
    for state in synapse.code.states:
        if isinstance(state.initial, str):
            setattr(made, state.name, state.initial)
        elif np.any(np.asarray(state.initial) != 0):
            _set(made, state.name, state.initial, state.unit)


def _set(made: Synapses, name: str, value: Any, unit: str) -> None:
    if np.ndim(value):
        _check_length(made, name, value)
    quantity = value if unit == "1" else Quantity(value, dim=UNITS[unit].dim)
    setattr(made, name, quantity)


def _check_length(made: Synapses, name: str, value: Any) -> None:
    try:
        count = len(made)
    except NotImplementedError:  # standalone: the number is known only to the compiled code
        return
    if len(value) != count:
        raise InputError(
            f"Synapse.{name}: found {len(value)} values, expected one for each of the "
            f"{count} synapses"
        )
