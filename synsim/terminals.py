"""Brian2 objects that keep what `synsim.share` takes out of a synapse. Imports Brian2.

For each side there are synapses from every neuron to itself, one for each, which hold the state
and are worked off just before the others, with the same delay. The synapses read this state by the
number of their neuron, as they read a variable of the neuron. The objects belong to the
synapses: whoever adds these to a network adds them all.
"""

from __future__ import annotations

from typing import Any

from brian2 import Subgroup, Synapses, get_device, second
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.variables import Variable
from brian2.equations.equations import FLOAT, INTEGER, PARAMETER, Equations, SingleEquation
from brian2.parsing.expressions import parse_expression_dimensions
from brian2.units.fundamentalunits import Dimension

from synsim import pathways
from synsim.component.code import dtypes
from synsim.share import SharedCode, Side

_INDEX = {"pre": "_presynaptic_idx", "post": "_postsynaptic_idx"}


def possible(source: Any, target: Any, clock: Any, dt: Any) -> bool:
    """Whether both sides run on one clock and are groups of neurons."""
    return (
        clock is None
        and dt is None
        and source.clock is target.clock
        and not any(isinstance(end, Synapses) for end in (source, target))
    )


def keep(
    shared: SharedCode, made: Synapses, functions: dict[str, Any], dimensions: dict[str, Dimension]
) -> dict[str, Any]:
    """Make the objects of both sides; returns them by the names of their variables.

    Parameters
    ----------
    made : the synapses, without connections
    functions : name -> Brian2 function
    dimensions : of the states, by name
    """
    found: dict[str, Any] = {}
    for name in ("pre", "post"):
        side: Side = getattr(shared, name)
        if side.names:
            found |= dict.fromkeys(side.names, _keep(side, name, made, functions, dimensions))
    pathways = [made.pre, *([made.post] if shared.synapse.on_post else [])]
    for pathway in pathways:
        for variable in found:
            pathway.variables.add_reference(variable, made)
            pathway.variables.indices[variable] = made.variables.indices[variable]
    return found


def _keep(
    side: Side,
    name: str,
    made: Synapses,
    functions: dict[str, Any],
    dimensions: dict[str, Dimension],
) -> Synapses:
    neurons = made.source if name == "pre" else made.target
    if isinstance(neurons, Subgroup):
        neurons = neurons.source  # its numbers are those that the synapses know
    pathway = getattr(made, name)
    kept = Synapses(
        neurons,
        neurons,
        _equations(side, made, functions, dimensions),
        on_pre=side.statements,
        delay=0 * second,
        namespace=functions,
        dtype=dtypes(side.states),
        name=f"{made.name}_{name}_side",
        clock=neurons.clock,  # not the default one: what fades is read at its steps
    )
    kept.pre.order = pathway.order - 1
    kept.add_attribute("terminals_of")
    kept.terminals_of = name
    for variable, found in made.variables.items():
        if getattr(found, "scalar", False) and variable not in kept.variables:
            kept.variables.add_reference(variable, made)
            kept.pre.variables.add_reference(variable, made)
    # One delay for both: what is set on the synapses afterwards holds here as well.
    kept.pre.variables._variables["delay"] = pathway.variables["delay"]
    kept.pre._delays = pathway._delays
    kept.connect(j="i")
    pathways.own(kept)
    decay = [f"{f.name} = {f.name}*exp(-dt/{f.tau})*int({f.name} > 1e-100)" for f in side.fades]
    if decay:
        # Before all else: what is read at a spike is exp(-(t - time of last spike)/tau). Where
        # nothing is left it is 0, because processors are slow with numbers below 1e-308.
        kept.run_regularly("\n".join(decay), when="start", name=f"{kept.name}_fading")
    for variable in side.names:
        made.variables.add_reference(variable, kept, index=_INDEX[name])
    made.contained_objects.append(kept)
    device = get_device()
    if hasattr(device, "synapses"):  # standalone looks for synapses among a network's own objects
        device.synapses.add(kept)
    return kept


def _equations(
    side: Side, made: Synapses, functions: dict[str, Any], dimensions: dict[str, Dimension]
) -> Equations:
    """Every variable as a parameter of its own; the dimensions of parts follow from the text."""
    integer = {state.name for state in side.states if state.integer}
    found = {state.name: dimensions[state.name] for state in side.states}
    for line in side.statements.splitlines():
        target, value = line.split(" = ", 1) if " = " in line else ("", "")
        if target and target not in found:
            known = {n: Variable(n, dimensions=d) for n, d in found.items()}
            found[target] = parse_expression_dimensions(
                value, DEFAULT_FUNCTIONS | dict(made.variables) | functions | known
            )
    return Equations(
        [
            SingleEquation(PARAMETER, v, found[v], var_type=INTEGER if v in integer else FLOAT)
            for v in side.names
        ]
    )
