"""From a composed synapse to `brian2.Synapses`. The one file that knows both."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2 import Quantity, Synapses, get_device, get_dimensions, second
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.variables import DynamicArrayVariable
from brian2.units.allunits import amp, hertz, siemens, volt

from synsim import terminals
from synsim.component import InputError
from synsim.component.code import CodeFunction, dtypes
from synsim.share import share

if TYPE_CHECKING:
    from synsim.compose import SynapseCode
    from synsim.synapse import Synapse

_HEADERS = Path(__file__).parent / "engine"
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
    headers = {
        "headers": [f'"{header}"' for header in code.headers],
        "include_dirs": [str(_HEADERS)],
    }
    for target, text, keywords in (
        ("cpp", code.cpp, headers if code.headers else None),
        ("cython", code.cython, None),
    ):
        made.implementations.add_implementation(
            target, text, dependencies=needs or None, name=code.name, compiler_kwds=keywords
        )
    return made


def seed_before_runs(code: SynapseCode) -> None:
    """In standalone mode, have every run begin where Brian2's seed says.

    synsim's own random bits (synsim_random.h) are otherwise drawn on from run to run, as if no
    seed had been set in between.
    """
    device = get_device()
    header = '"synsim_random.h"'
    wanted = any(header.strip('"') in f.headers for f in code.functions)
    if wanted and hasattr(device, "headers") and header not in device.headers:
        device.headers.append(header)
        device.insert_code("before_network_run", "synsim::reset_random();")


def large_pages(made: Synapses) -> None:
    """In standalone mode, ask for large pages for what each synapse keeps (synsim_memory.h)."""
    device = get_device()
    if not hasattr(device, "headers"):
        return
    header = f'"{_HEADERS / "synsim_memory.h"}"'
    if header not in device.headers:
        device.headers.append(header)
    for variable in made.variables.values():
        if (
            isinstance(variable, DynamicArrayVariable)
            and variable.owner.name == made.name
            and not variable.scalar
        ):
            array = device.get_array_name(variable, access_data=False)
            device.insert_code("before_network_run", f"synsim::large_pages({array});")


def synapses(
    synapse: Synapse,
    source: Any,
    target: Any,
    *,
    name: str,
    clock: Any = None,
    dt: Any = None,
    on_pre: str | None = None,
    code: SynapseCode | None = None,
) -> Synapses:
    """The Synapses object, without connections; `on_pre` and `code` replace its own."""
    code = synapse.code if code is None else code
    contacts = synapse.contacts
    namespace = _functions(synapse)
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
        # t in the statements is that of the synapses' own clock: by default not Brian2's
        # default clock, but that of the spikes
        clock=source.clock if clock is None and dt is None else clock,
        dt=dt,
        dtype=dtypes(code.states),
        **pathways,
    )
    # Said, not left to the alphabet: it decides what coincident spikes do. Before each pathway
    # there is a place for what terminals share.
    made.pre.order = 0
    if code.on_post:
        made.post.order = -2 if code.post_first else 2
    return made


def sharing_synapses(
    synapse: Synapse,
    source: Any,
    target: Any,
    *,
    name: str,
    clock: Any = None,
    dt: Any = None,
) -> tuple[Synapses, Mapping[str, Any]]:
    """The Synapses object where what synapses of one terminal have in common is kept once.

    Returns
    -------
    the synapses, without connections, and the objects that keep it, by the names of their variables
    """
    if not terminals.possible(source, target, clock, dt):
        return synapses(synapse, source, target, name=name, clock=clock, dt=dt), {}
    shared = share(synapse.code)
    made = synapses(synapse, source, target, name=name, code=shared.synapse)
    dimensions = {s.name: get_dimensions(UNITS[s.unit]) for s in synapse.code.states}
    return made, terminals.keep(shared, made, _functions(synapse), dimensions)


def _functions(synapse: Synapse) -> dict[str, Function]:
    return {f.name: function(f) for f in synapse.code.functions}


def initialise(synapse: Synapse, made: Synapses, kept: Mapping[str, Any] | None = None) -> None:
    """Set parameters and initial states when the connections are made.

    `kept` is what `sharing_synapses` returns.
    """
    kept = kept or {}
    for parameter in synapse.code.parameters:
        if parameter.shared or np.ndim(parameter.value) or parameter.value is not None:
            _set(made, parameter.name, parameter.value, parameter.unit)
    for state in synapse.code.states:
        if isinstance(state.initial, str):
            setattr(made, state.name, state.initial)
        elif state.name in kept:
            _set(kept[state.name], state.name, state.initial, state.unit)
        elif np.any(np.asarray(state.initial) != 0):
            _set(made, state.name, state.initial, state.unit)


def _set(made: Any, name: str, value: Any, unit: str) -> None:
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
