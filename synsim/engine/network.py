"""A program as a Brian2 network. Imports Brian2."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from brian2 import Clock, Network, SpikeGeneratorGroup, Synapses, ms, prefs
from brian2.devices.device import Device

from synsim import brian
from synsim.engine.program import Program

# The package's attribute of that name is a proxy for the active device, not the module.
brian_device: Any = importlib.import_module("brian2.devices.device")


@dataclass(frozen=True)
class Assembled:
    """The Brian2 objects of a program."""

    network: Network
    clock: Clock
    pre: SpikeGeneratorGroup
    post: SpikeGeneratorGroup
    synapses: Synapses

    def variable(self, name: str) -> Any:
        """A parameter's or a state's Brian2 variable."""
        return self.synapses.variables[name]

    def delay(self, pathway: str) -> Any:
        """A pathway's delay variable."""
        return getattr(self.synapses, pathway).variables["delay"]

    def pathway_code(self, pathway: str) -> str:
        """Name of the code object that works a pathway's spikes off (after a run)."""
        return getattr(self.synapses, pathway).codeobj.name

    def queue_code(self, pathway: str) -> str:
        """Name of the code object that queues a pathway's spikes (after a run)."""
        return getattr(self.synapses, pathway)._pushspikes_codeobj.name


def assemble(program: Program) -> Assembled:
    """Make the network under the Brian2 device that is active now."""
    # Names are said, so that two builds of one program are the same to the letter; the clock is
    # our own, so that nobody's defaultclock is read or set.
    clock = Clock(dt=0.1 * ms, name="synsim_clock")
    sources = [
        SpikeGeneratorGroup(program.capacity, [], [] * ms, clock=clock, name=f"synsim_{side}")
        for side in ("pre", "post")
    ]
    for source in sources:
        source.order = -1
    synapses = brian.synapses(program.synapse, *sources, name="synsim_synapses", clock=clock)
    try:
        synapses.connect(j="i")
    except BaseException:
        synapses._network = "synsim_network"  # else Brian2 complains that nobody used it
        raise
    network = Network(*sources, synapses, name="synsim_network")
    return Assembled(network, clock, sources[0], sources[1], synapses)


@contextmanager
def active(device: Device, **preferences: Any) -> Iterator[Device]:
    """Work on a Brian2 device; the user's device, its settings and preferences stay untouched.

    The module's own variable is set, because `set_device` would activate the user's device
    again afterwards, which resets what the user has set on it.
    """
    before = brian_device.active_device
    kept = {name: prefs[name] for name in preferences}
    brian_device.active_device = device
    try:
        for name, value in preferences.items():
            prefs[name] = value
        if device.defaultclock is None:
            device.activate(build_on_run=False)
        yield device
    finally:
        brian_device.active_device = before
        for name, value in kept.items():
            prefs[name] = value
