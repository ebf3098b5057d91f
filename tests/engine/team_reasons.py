"""What keeps parts of a network from going on alone, a line for each case; see `test_team`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import brian2 as b2
import numpy as np
from brian2.stateupdaters.GSL import gsl_rk4

from synsim import Synapse
from synsim.team import NotAlone, Team, read

SYNAPSE = Synapse(n=1, p=1.0, q=0.1, target="v", delay="1ms")


def neurons(model: str = "v : 1", **options: Any) -> b2.NeuronGroup:
    words = {"threshold": "v > 1", "reset": "v = 0"} | options
    return b2.NeuronGroup(10, model, **words)


def pair(group: b2.NeuronGroup, *others: Any, synapse: Synapse = SYNAPSE) -> list[Any]:
    return [group, synapse.connect(group, group), *others]


def linked() -> list[Any]:
    """A group whose variable is another's."""
    known, group = neurons(name="known"), neurons("v : 1\nw : 1 (linked)")
    group.w = b2.linked_var(known, "v")
    return pair(group, known)


def shared() -> list[Any]:
    group = neurons("v : 1\ncount : 1 (shared)")
    return pair(group, group.run_regularly("v *= 2; count += 1", name="counting"))


def part() -> list[Any]:
    group = neurons()
    return pair(group, group[2:4].run_regularly("v = 0", name="operation"))


def own_clock() -> list[Any]:
    group = neurons()
    return pair(group, group.run_regularly("v = 0", dt=1 * b2.ms, name="operation"))


def plain() -> list[Any]:
    group = neurons()
    made = b2.Synapses(group, group, on_pre="v += 0.1", name="plain")
    made.connect()
    return pair(group, made)


def at_spikes() -> list[Any]:
    group = neurons()
    return pair(group, b2.SpikeMonitor(group, variables="v", name="meter"))


def two_events() -> list[Any]:
    return pair(neurons(events={"bump": "v > 0.5"}, name="group"))


def late_threshold() -> list[Any]:
    group = neurons(name="group")
    group.thresholder["spike"].when = "end"
    return pair(group)


def bystanders() -> list[Any]:
    """All that may look at spikes, or send them."""
    group = neurons("v : 1\nnoise = randn() : 1 (constant over dt)", name="group")
    poisson = b2.PoissonGroup(10, 5 * b2.Hz)
    listed = b2.SpikeGeneratorGroup(10, [1], [1] * b2.ms)
    made = [SYNAPSE.connect(source, group) for source in (poisson, listed)]
    monitors = [b2.SpikeMonitor(group), b2.PopulationRateMonitor(group[:5])]
    return pair(group, poisson, listed, *made, *monitors)


def one_noise() -> list[Any]:
    return pair(neurons("v : 1\nnoise = randn() : 1 (shared)", name="group"))


def linked_within() -> list[Any]:
    """Every neuron reads another one of its group."""
    group = neurons("v : 1\nother : 1 (linked)", name="group")
    group.other = b2.linked_var(group, "v", index=np.arange(10)[::-1].copy())
    return pair(group)


def gsl(method: Any) -> list[Any]:
    return pair(neurons("dv/dt = -v/(10*ms) : 1", method=method, name="group"))


def no_threshold() -> list[Any]:
    group = neurons(name="group")
    group.thresholder["spike"].active = False
    return pair(group)


def late_source() -> list[Any]:
    group = neurons()
    source = b2.SpikeGeneratorGroup(10, [1], [1] * b2.ms, when="synapses", order=9, name="source")
    return pair(group, source, SYNAPSE.connect(source, group))


CASES: dict[str, Callable[[], list[Any]]] = {
    "alone": lambda: pair(neurons()),
    "bystanders": bystanders,
    "one noise": one_noise,
    "linked": linked,
    "linked within": linked_within,
    "no threshold": no_threshold,
    "late source": late_source,
    "gsl": lambda: gsl(gsl_rk4),
    "gsl in a list": lambda: gsl(["gsl_rk4", "euler"]),
    "shared": shared,
    "part": part,
    "own clock": own_clock,
    "plain": plain,
    "at spikes": at_spikes,
    "two events": two_events,
    "late threshold": late_threshold,
}


def reasons() -> Iterator[str]:
    b2.set_device("cpp_standalone", build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = 2
    for case, make in CASES.items():
        network = b2.Network(make())
        team = next(o for o in network.sorted_objects if isinstance(o, Team))
        try:
            plan, roles = read(team, network)
        except NotAlone as reason:
            yield f"{case}: {reason}"
        else:
            yield f"{case}: {len(plan.groups)} group, {len(roles)} objects"
    yield f"repaired: {repaired()}"


def repaired() -> str:
    """A run that an error has kept from beginning, and again."""
    network = b2.Network(pair(neurons(reset="v = lower")))
    team = next(o for o in network.sorted_objects if isinstance(o, Team))
    try:
        network.run(1 * b2.ms, namespace={})
    except b2.BrianObjectException:
        network.run(1 * b2.ms, namespace={"lower": 0})
    return "taken" if team.code_objects else "not taken"


if __name__ == "__main__":
    print(*reasons(), sep="\n")
