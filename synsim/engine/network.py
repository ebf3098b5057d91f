"""A program as a Brian2 network. Imports Brian2."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from brian2 import Clock, Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms, prefs
from brian2.devices.device import Device

from synsim import brian
from synsim.engine.membrane import PREFIX
from synsim.engine.program import Program
from synsim.models import lif_events

# The package's attribute of that name is a proxy for the active device, not the module.
brian_device: Any = importlib.import_module("brian2.devices.device")


@dataclass(frozen=True)
class Assembled:
    """The Brian2 objects of a program.

    `pre` and `post` play the spikes that are given. With a target, `post` drives that neuron
    through `drive`, and the neuron's own spikes are the postsynaptic ones. A membrane has none.
    """

    network: Network
    clock: Clock
    pre: SpikeGeneratorGroup
    post: SpikeGeneratorGroup
    synapses: Synapses
    target: NeuronGroup | None = None
    drive: Synapses | None = None
    membrane: NeuronGroup | None = None

    @property
    def parts(self) -> tuple[Any, ...]:
        """All but network and clock."""
        every = (
            self.pre, self.post, self.synapses, self.target, self.drive, self.membrane,
        )  # fmt: skip
        return tuple(part for part in every if part is not None)

    def source(self, pathway: str) -> Any:
        """The group whose spikes a pathway works off."""
        if pathway == "pre":
            return self.pre
        return self.post if self.target is None else self.target

    def variable(self, name: str) -> Any:
        """A parameter's or a state's Brian2 variable."""
        if name.startswith(PREFIX) and self.membrane is not None:
            return self.membrane.variables[name.removeprefix(PREFIX)]
        own = self.synapses.variables
        return own[name] if self.target is None or name in own else self.target.variables[name]

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
    pre, post = sources
    target = drive = membrane = None
    on_pre = None
    if program.target is not None:
        on_pre = lif_events.at_input(program.synapse.code.on_pre)
        target = NeuronGroup(
            program.capacity,
            lif_events.brian2_equations(),
            threshold=lif_events.THRESHOLD,
            reset=lif_events.RESET,
            clock=clock,
            name="synsim_target",
        )
        drive = Synapses(post, target, on_pre=lif_events.KICK, clock=clock, name="synsim_drive")
    if program.membrane is not None:
        membrane = program.membrane.group(program.capacity, clock=clock, name="synsim_membrane")
    synapses = brian.synapses(
        program.synapse,
        pre,
        next(group for group in (target, membrane, post) if group is not None),
        name="synsim_synapses",
        clock=clock,
        on_pre=on_pre,
    )
    try:
        for joined in (synapses, drive):
            if joined is not None:
                joined.connect(j="i")
                # One synapse a neuron, so that no order of theirs decides anything
                joined.variables["_postsynaptic_idx"].unique = True
    except BaseException:
        synapses._network = "synsim_network"  # else Brian2 complains that nobody used it
        raise
    made = Assembled(
        Network(name="synsim_network"), clock, pre, post, synapses, target, drive, membrane
    )
    made.network.add(*made.parts)
    return made


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
