"""A membrane behind every copy of a synapse: what its responses sum to.

It is the neuron of `synsim.models.lif` without threshold, and moves by that file's own exact step
at every time step of the run, whether anything comes or not. A response that comes in a time step
acts at its end, so a value kept at the end of step k + m is that of m steps after a response in
step k, whatever the length of a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from synsim.component import InputError
from synsim.component.code import State
from synsim.compose import Value
from synsim.models.lif import LIF
from synsim.models.synaptic_currents import SynapticInput

PREFIX = "membrane."


@dataclass(frozen=True)
class Membrane:
    """A leaky membrane and what a response does to it.

    Parameters
    ----------
    neuron : its parameters single numbers; it does not spike
    source : the synaptic input whose `target` the synapse's responses are added to
    """

    neuron: LIF
    source: SynapticInput

    def __post_init__(self) -> None:
        for part in (self.neuron, self.source):
            for name in part.parameters().values():
                if np.ndim(getattr(part, name)):
                    raise InputError(f"Membrane: found an array of {name}, expected one number")

    @property
    def target(self) -> str:
        """The variable that responses are added to."""
        return self.source.target

    @property
    def text(self) -> dict[str, str]:
        """All that decides what is compiled."""
        return {
            "equations": self.neuron.brian2_equations(self.source, passive=True),
            "step": self.neuron.step(self.source),
        }

    def inputs(self) -> dict[str, Value | State]:
        """Name -> what the compiled program reads under it: parameters, and v at the start."""
        read: dict[str, Value | State] = {}
        for part in (self.neuron, self.source):
            for variable, name in part.parameters().items():
                read[PREFIX + variable] = Value(
                    name=variable,
                    doc=part.specs()[name].doc,
                    unit=part.dimension(name).brian_unit,
                    value=getattr(part, name),
                    text=part.text(name),
                    shared=True,
                    integer=False,
                )
        at_rest = float(self.neuron.E_L)
        return read | {f"{PREFIX}v": State("v", "membrane potential", "volt", at_rest)}

    def group(self, count: int, **kw: Any) -> Any:
        """The `brian2.NeuronGroup`."""
        return self.neuron.group(count, [self.source], passive=True, **kw)
