"""A recurrent network inside this process, on Brian2's numpy or cython target. Imports Brian2.

For networks small enough: connections, the drive and the spikes are made by numpy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2 import NetworkOperation, Quantity, second
from brian2 import seed as brian_seed
from brian2.devices.device import RuntimeDevice
from numpy.typing import NDArray

from synsim.component.spike_trains import on_grid
from synsim.engine.execute import Progress
from synsim.engine.network import active
from synsim.engine.recurrent import BINS, Job, Projection, Ran, Recurrent, Watch, Weights, unit
from synsim.engine.recurrent_network import Assembled, Joined, assemble
from synsim.engine.runtime import PREFERENCES, quiet_compiler, users_buffers_kept


def run(
    target: str, program: Recurrent, job: Job, watch: Watch, progress: Progress | None = None
) -> Ran:
    """One run on a runtime target.

    numpy's global random state, which Brian2's seed() rules, is put back as it was found.
    """
    random_state = np.random.get_state()  # noqa: NPY002
    preferences = PREFERENCES | {"codegen.target": target}
    try:
        with (
            active(RuntimeDevice(), **preferences),
            users_buffers_kept(),
            quiet_compiler(target) as built,
        ):
            brian_seed(job.seed)
            made = assemble(program)
            _prepare(program, made, job)
            meters = _Meters(made)
            made.network.add(_after_each_step(made, job, watch, meters, progress))
            built()
            made.network.run(
                Quantity((job.settle + job.steps) * job.dt, dim=second.dim), namespace={}
            )
    finally:
        np.random.set_state(random_state)  # noqa: NPY002
    weights = {
        joined.projection.name: _weights(joined.variable("w").get_value())
        for joined in made.joined
        if "w" in joined.synapses.variables
    }
    synapses = {joined.projection.name: len(joined.synapses) for joined in made.joined}
    return Ran(synapses, meters.spent(), weights, target)


def _prepare(program: Recurrent, made: Assembled, job: Job) -> None:
    rng = np.random.default_rng([job.seed, 2])
    made.clock.dt = job.dt * second
    v = made.neurons.variables["v"].get_value()
    v[:] = rng.uniform(program.neuron.V_reset, program.neuron.V_th, len(v))
    for joined in made.joined:
        sources, targets = _connections(joined.projection, rng)
        joined.synapses.connect(i=sources, j=targets)
        for kind in program.numbers(joined.projection):
            variable = joined.variable(kind.name)
            value = unit(kind)
            variable.set_value(value if variable.scalar else np.full(variable.size, value))
        for state in joined.projection.synapse.states:
            if isinstance(state.initial, str):
                setattr(joined.synapses, state.name, state.initial)
        contacts = joined.projection.synapse.contacts
        joined.synapses.pre.variables["delay"].set_value(on_grid(contacts.delay, job.dt) * job.dt)
        if joined.projection.synapse.code.on_post:
            joined.synapses.post.variables["delay"].set_value(
                on_grid(contacts.dendritic_delay, job.dt) * job.dt
            )


def _connections(
    projection: Projection, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers within the two sides; every target has different sources, none of them itself."""
    (first, sources), (begin, targets) = projection.source, projection.target
    chosen = np.empty((targets, projection.inputs), dtype=np.int64)
    for target in range(targets):
        itself = begin + target - first
        if 0 <= itself < sources:
            others = rng.choice(sources - 1, projection.inputs, replace=False)
            chosen[target] = others + (others >= itself)
        else:
            chosen[target] = rng.choice(sources, projection.inputs, replace=False)
    pre = chosen.ravel()
    post = np.repeat(np.arange(targets), projection.inputs)
    order = np.argsort(pre, kind="stable")
    return pre[order], post[order]


def _after_each_step(
    made: Assembled, job: Job, watch: Watch, meters: _Meters, progress: Progress | None
) -> NetworkOperation:
    """Drive, spikes and meters, as the compiled loop has them."""
    rng = np.random.default_rng([job.seed, 3])
    variables = made.neurons.variables
    v, responsive = (variables[name].get_value() for name in ("v", "not_refractory"))
    timestep = made.clock.variables["timestep"].get_value()
    events, total = job.drive.events(job.dt), job.settle + job.steps
    each = max(total // 100, 1)

    def after() -> None:
        step = int(timestep[0])
        v[:] += np.where(responsive, rng.poisson(events, len(v)) * job.drive.jump, 0.0)
        spikes = np.array(made.neurons.spikes, dtype=np.int32)
        if step >= job.settle and len(spikes):
            watch(np.full(len(spikes), step - job.settle, dtype=np.int32), spikes)
        if step == job.settle - 1:
            meters.begin()
        if progress is not None and (step + 1) % each == 0:
            progress((step + 1) / total)

    return NetworkOperation(after, clock=made.clock, when="end", name="synsim_after")


class _Meters:
    """Sums over synapses of what they have cost since settling."""

    def __init__(self, made: Assembled) -> None:
        self._joined = made.joined
        self._before: dict[tuple[str, str], float] = {}

    def begin(self) -> None:
        for joined in self._joined:
            for cost in joined.projection.synapse.energy:
                self._before[joined.projection.name, cost.key] = self._sum(joined, cost.state)

    def spent(self) -> dict[str, dict[str, float]]:
        return {
            joined.projection.name: {
                cost.key: self._sum(joined, cost.state)
                - self._before.get((joined.projection.name, cost.key), 0.0)
                for cost in joined.projection.synapse.energy
            }
            for joined in self._joined
        }

    def _sum(self, joined: Joined, state: str) -> float:
        values = joined.variable(state).get_value()
        if state in joined.kept:  # once for all synapses of a terminal
            synapses = joined.synapses.variables["N_outgoing"].get_value()
            return float(np.dot(values[: len(synapses)], synapses[: len(values)]))
        return float(np.sum(values))


def _weights(w: NDArray[Any]) -> Weights:
    counts = np.bincount(np.clip((w * BINS).astype(np.int64), 0, BINS - 1), minlength=BINS)
    return Weights(float(w.mean()), float(w.std(ddof=1)) if len(w) > 1 else 0.0, counts)
