"""How spikes get to synapses in C++ standalone mode: by a pathway of our own. Imports Brian2.

Brian2 queues the number of every synapse that a spike will reach, and works off a pathway that
changes a neuron's variable on one thread. `engine/synsim_pathway.h` queues stretches of synapses,
and divides the synapses among threads; `team` has a better way to do so, where it can. The
statements are Brian2's own C++; on one thread, synapses are worked off in the same order, and
numbers differ by the rounding of the compiler's fast mathematics alone.
"""

from __future__ import annotations

import re
import weakref
from pathlib import Path
from typing import Any

from brian2 import Synapses, get_device
from brian2.core.variables import DynamicArrayVariable
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.synapses.synapses import SynapticPathway
from brian2.utils.stringtools import get_identifiers

_HEADER = f'"{Path(__file__).parent / "engine" / "synsim_pathway.h"}"'
CHANGED = re.compile(r"(?:^|;)\s*(\w+)\s*[-+*/]?=(?!=)", flags=re.MULTILINE)


class CodeObject(CPPStandaloneCodeObject):
    """Brian2's, with our template beside its own."""

    templater = CPPStandaloneCodeObject.templater.derive("synsim.engine")


class Pathway(SynapticPathway):
    """One code object, which queues and works off; Brian2 has one for each."""

    def create_code_objects(self, run_namespace: Any) -> None:
        self.code_objects[:] = [weakref.proxy(self.create_default_code_object(run_namespace))]


def own(made: Synapses) -> None:
    """Give the pathways of synapses to ours, where the device is Brian2's C++ standalone mode.

    Left to Brian2 is a pathway that sets what belongs to its source: threads divide the
    synapses by the neurons at the other end.
    """
    device = get_device()
    if not hasattr(device, "headers"):  # a runtime target, which is not looked for before a run
        return
    if device.code_object_class() is not CPPStandaloneCodeObject:
        return
    if _HEADER not in device.headers:
        device.headers.append(_HEADER)
    for pathway in made._pathways:
        source, partner = ("_pre", "_post") if pathway.prepost == "pre" else ("_post", "_pre")
        changed = CHANGED.findall(pathway.code)
        if any(name.endswith(source) for name in changed):
            continue
        pathway.__class__ = Pathway
        pathway.codeobj_class = CodeObject
        pathway.template = "synsim_pathway"
        pathway.template_kwds |= {
            "scattered": _of_synapses(made, pathway),
            "partners_change": any(name.endswith(partner) for name in changed),
        }
        pathway.needed_variables = [pathway.eventspace_name]


def _of_synapses(made: Synapses, pathway: SynapticPathway) -> list[DynamicArrayVariable]:
    """The arrays of one value for each synapse that the statements use."""
    used = (made.variables.get(name) for name in sorted(get_identifiers(pathway.code)))
    arrays = [v for v in used if isinstance(v, DynamicArrayVariable) and not v.scalar]
    return [v for v in arrays if v.owner.name == made.name]
