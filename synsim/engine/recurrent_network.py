"""A recurrent network as Brian2 objects, and as C++. Imports Brian2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brian2 import Clock, Network, NeuronGroup, Synapses, ms
from brian2.core.variables import DynamicArrayVariable
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

from synsim import brian, pathways
from synsim.component.code import State
from synsim.compose import Value
from synsim.engine.recurrent import BINS, Projection, Recurrent, plastic


@dataclass(frozen=True)
class Joined:
    """A projection's synapses, and the objects that keep what their terminals share."""

    projection: Projection
    synapses: Synapses
    kept: Mapping[str, Any]

    def variable(self, name: str) -> Any:
        """A parameter's or state's Brian2 variable, where it is kept."""
        return self.kept.get(name, self.synapses).variables[name]


@dataclass(frozen=True)
class Assembled:
    """The Brian2 objects, without connections."""

    network: Network
    clock: Clock
    neurons: NeuronGroup
    joined: tuple[Joined, ...]


def assemble(program: Recurrent) -> Assembled:
    """Make the network under the Brian2 device that is active now."""
    clock = Clock(dt=0.1 * ms, name="synsim_clock")
    neurons = program.neuron.group(
        program.neurons, [program.input], clock=clock, name="synsim_neurons"
    )
    made = Network(neurons, name="synsim_network")
    joined = []
    for projection in program.projections:
        (first, sources), (begin, targets) = projection.source, projection.target
        synapses, kept = brian.sharing_synapses(
            projection.synapse,
            neurons[first : first + sources],
            neurons[begin : begin + targets],
            name=f"synsim_{projection.name}",
        )
        pathways.own(synapses)
        made.add(synapses)
        joined.append(Joined(projection, synapses, kept))
    return Assembled(made, clock, neurons, tuple(joined))


def write(program: Recurrent, device: CPPStandaloneDevice) -> None:
    """Put the network into the device's C++: data in, connections, run, results out."""
    made = assemble(program)
    code = _Code(program, made, device)
    device.insert_code("main", code.head())
    for joined in made.joined:
        # Brian2 makes none; its arrays are there, and ours are put into them
        joined.synapses.connect(j="k for k in range(0, 0)")
        device.insert_code("main", code.connections(joined))
        for state in joined.projection.synapse.states:
            if isinstance(state.initial, str):
                setattr(joined.synapses, state.name, state.initial)
        brian.large_pages(joined.synapses)
    made.network.run(0 * ms, namespace={})
    device.insert_code("main", code.tail())


class _Code:
    """The C++ around Brian2's own."""

    def __init__(self, program: Recurrent, made: Assembled, device: CPPStandaloneDevice) -> None:
        self.program, self.made, self.device = program, made, device

    def name(self, variable: Any) -> str:
        return self.device.get_array_name(variable, access_data=False)

    def of_neurons(self, variable: str) -> str:
        return self.name(self.made.neurons.variables[variable])

    def head(self) -> str:
        """Seed, time, the neurons' parameters and where their potentials begin."""
        count = self.program.neurons
        lines = [
            "std::signal(SIGINT, SIG_DFL);",
            'synsim::Input input(brian::results_dir + "input.bin");',
            "brian::_random_generators[0].seed(input.number<uint32_t>());",
            "synsim::reset_random();",
            "const auto uniform = []() { return brian::_random_generators[0].rand(); };",
            "synsim::Words words;",
            "const int64_t settle = input.number<int64_t>(), steps = input.number<int64_t>();",
            f"{self.name(self.made.clock.variables['dt'])}[0] = input.number<double>();",
            "const double events = input.number<double>(), jump = input.number<double>();",
        ]
        lines += [f"input.array({self.of_neurons(v)}, 1);" for v in self.program.of_neurons()]
        v, low, high = (self.of_neurons(name) for name in ("v", "V_reset", "V_th"))
        lines += [
            f"for (int k = 0; k < {count}; k++)",
            f"    {v}[k] = {low}[0] + uniform() * ({high}[0] - {low}[0]);",
        ]
        return "\n".join(lines)

    def connections(self, joined: Joined) -> str:
        """Connect a projection, and read its parameters, states and delays."""
        own, projection = joined.synapses.variables, joined.projection
        (first, sources), (begin, targets) = projection.source, projection.target
        arrays = [own[v] for v in ("_synaptic_pre", "_synaptic_post", "N_incoming", "N_outgoing")]
        lines = [
            "synsim::begin(words, uniform);",
            f"synsim::connect({', '.join(self.name(a) for a in arrays)}, {{{first}, {sources}}}, "
            f"{{{begin}, {targets}}}, input.number<int64_t>(), words);",
        ]
        count = f"{self.name(own['_synaptic_pre'])}.size()"
        lines += [
            f"{array}.resize({count});"
            for array in sorted(self.name(v) for v in joined.synapses._registered_variables)
        ]
        lines.append(f"{self.name(own['N'])}[0] = {count};")
        lines += [
            self._read(joined.variable(kind.name), kind)
            for kind in self.program.numbers(projection)
        ]
        lines.append(f"input.vector({self.name(joined.synapses.pre.variables['delay'])});")
        if projection.synapse.code.on_post:
            lines.append(f"input.vector({self.name(joined.synapses.post.variables['delay'])});")
        return "\n".join(lines)

    def _read(self, variable: Any, kind: Value | State) -> str:
        number = f"input.number<{'int32_t' if kind.integer else 'double'}>()"
        name = self.name(variable)
        if isinstance(variable, DynamicArrayVariable):
            return f"std::fill({name}.begin(), {name}.end(), {number});"
        return f"{name}[0] = {number};"

    def _synapses_of(self, joined: Joined, state: str) -> str:
        """The number of synapses of each terminal, where a state is kept once for them."""
        if state not in joined.kept:
            return "nullptr"
        return f"&{self.name(joined.synapses.variables['N_outgoing'])}"

    def tail(self) -> str:
        """Run and write; comes after Brian2 has got everything ready."""
        made, count = self.made, self.program.neurons
        v, responsive, spikes = (
            self.of_neurons(name) for name in ("v", "not_refractory", "_spikespace")
        )
        meters = [
            f"{{&{self.name(joined.variable(state))}, {self._synapses_of(joined, state)}}}"
            for joined in made.joined
            for state in joined.projection.synapse.meters
        ]
        lines = [
            "std::vector<synsim::Step> objects;",
            f"for (const auto &object : {made.network.name}.objects)",
            "    objects.push_back(object.second);",
            "synsim::begin(words, uniform);",
            f"synsim::Drive drive({v}, {responsive}, {count}, events, jump, words);",
            'synsim::SpikeFile spikes(brian::results_dir + "spikes.bin");',
            f"synsim::Meters meters({{{', '.join(meters)}}});",
            f"synsim::run_network(objects, brian::{made.clock.name}, settle, steps, drive, "
            f"{spikes}, {count}, spikes, meters);",
            "spikes.close();",
            'synsim::Output output(brian::results_dir + "output.bin");',
        ]
        for joined in made.joined:
            pre = self.name(joined.synapses.variables["_synaptic_pre"])
            lines.append(
                f"{{ const int64_t size = (int64_t){pre}.size(); output.array(&size, 1); }}"
            )
        lines.append("meters.write(output);")
        lines += [
            f"synsim::write_distribution(output, {self.name(joined.variable('w'))}, {BINS});"
            for joined in made.joined
            if plastic(joined.projection)
        ]
        # Brian2 would now write every array to a file of its own.
        lines += ["output.close();", "std::exit(0);"]
        return "\n".join(lines)
