"""Threads that own neurons and meet once in the shortest delay. Imports Brian2.

Brian2 lets threads meet around every loop of every step. Where a network has delays, a part of its
neurons can go on alone until spikes of others arrive: `engine/synsim_team.h` lets each thread own
some of the neurons and the synapses onto them, and work through as many steps at a time as the
shortest delay has. The statements are Brian2's own C++, in templates that let a part do its share.

This holds for a network all of whose state is read and changed by what a team knows: groups of
neurons with their equations, thresholds, resets and regular operations, and synapses made by
synsim. Whoever else looks at a step may see its spikes only. `Team` reads off a network whether
this is so; where not, threads meet as Brian2's do (`pathways`), and it says why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brian2 import (
    Network,
    NeuronGroup,
    PoissonGroup,
    PopulationRateMonitor,
    SpatialNeuron,
    SpikeGeneratorGroup,
    SpikeMonitor,
    Subgroup,
    Synapses,
    get_device,
    get_logger,
    prefs,
)
from brian2.codegen.generators.cpp_generator import CPPCodeGenerator
from brian2.core.clocks import Clock
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.variables import ArrayVariable
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import Resetter, StateUpdater, Thresholder
from brian2.synapses.synapses import SynapticPathway
from brian2.utils.stringtools import get_identifiers

from synsim.pathways import CHANGED, CodeObject, Pathway

_logger = get_logger(__name__)
_HEADER = f'"{Path(__file__).parent / "engine" / "synsim_team.h"}"'
_SPIKES_ONLY = (SpikeGeneratorGroup, PoissonGroup, PopulationRateMonitor)
_TEMPLATES = ("stateupdate", "threshold", "reset", "synsim_pathway")


class NotAlone(Exception):
    """Something of a network keeps its parts from going on by themselves; says what."""


@dataclass
class Plan:
    """What a team takes over, and what its templates ask.

    Parameters
    ----------
    name : of the team in the C++ code
    clock : of all that it takes over
    groups : the groups of neurons
    copied : arrays of state that belongs to sources, of which every part keeps a copy
    """

    name: str
    clock: Clock
    groups: list[NeuronGroup]
    copied: list[ArrayVariable] = field(default_factory=list)

    @property
    def neurons(self) -> list[int]:
        """How many each group has."""
        return [len(group) for group in self.groups]

    @property
    def end(self) -> int:
        """The step behind the last of this run."""
        return int(self.clock._i_end)

    def number(self, group: Any) -> int:
        """Of the group that a group is, or is a part of."""
        whole = _whole(group).name
        for number, known in enumerate(self.groups):
            if known.name == whole:
                return number
        raise NotAlone(f"'{whole}' receives synapses and is no group of neurons")

    def own(self, code: str | list[str]) -> str:
        """Statements with the part's time and copies in place of Brian2's."""
        text = "\n".join([code] if isinstance(code, str) else code)
        for name, mine in (("t", "_share->t"), ("timestep", "_share->step")):
            text = text.replace(f"{_array(self.clock.variables[name])}[0]", mine)
        for number, array in enumerate(map(_array, self.copied)):
            text = text.replace(f"{array}[", f"_copy{number}[")
        return text

    def copies(self, *codes: list[str]) -> str:
        """Definitions of those copies that statements use."""
        text = "\n".join(line for code in codes for line in code)
        return "\n".join(
            f"auto *const __restrict _copy{number} = _share->copy({number}, {array});"
            for number, array in enumerate(map(_array, self.copied))
            if f"{array}[" in text
        )


def _array(variable: ArrayVariable) -> str:
    return CPPCodeGenerator.get_array_name(variable)


def _whole(group: Any) -> Any:
    return group.source if isinstance(group, Subgroup) else group


class Team(CodeRunner):
    """Belongs to synapses; the first one of a network's works for all of it.

    Parameters
    ----------
    made : synapses whose pathways are synsim's
    """

    def __init__(self, made: Synapses) -> None:
        super().__init__(
            made,
            "synsim_team",
            clock=_whole(made.target).clock,
            when="before_start",
            order=-(2**30),
            name=f"{made.name}_team",
            codeobj_class=CodeObject,
        )
        self._before: list[tuple[CodeRunner, dict[str, Any]]] = []

    def before_run(self, run_namespace: Any) -> None:
        """Take the network over, if it can be, before its objects make their code."""
        self.code_objects[:] = []
        if prefs.devices.cpp_standalone.openmp_threads < 2:
            return
        try:
            network = _network_of(self)
            teams = [o for o in network.sorted_objects if isinstance(o, Team)]
            for team in teams:
                team._give_back()  # where a run was not begun because of an error
            if self is not next(team for team in teams if team.active):
                return
            plan, roles = read(self, network)
        except NotAlone as reason:
            _logger.warn(
                f"threads meet at every step, and are seldom faster than one: {reason}",
                name_suffix="team",
            )
            return
        _prepare_before_runs()
        for runner, words in roles:
            self._take(runner, words | {"team": plan})
        self.template_kwds = {"team": plan}
        super().before_run(run_namespace)

    def after_run(self) -> None:
        """Give back what was taken: the next run may be another network's."""
        super().after_run()
        self._give_back()

    def _give_back(self) -> None:
        for runner, attributes in self._before:
            vars(runner).update(attributes)
        self._before.clear()

    def _take(self, runner: CodeRunner, words: dict[str, Any]) -> None:
        before = {k: getattr(runner, k) for k in ("template", "template_kwds", "codeobj_class")}
        self._before.append((runner, before))
        runner.template = "synsim_team_" + runner.template.removeprefix("synsim_")
        runner.template_kwds = (runner.template_kwds or {}) | words
        runner.codeobj_class = CodeObject


def _prepare_before_runs() -> None:
    device = get_device()
    if _HEADER not in device.headers:
        device.headers.append(_HEADER)
        device.insert_code("before_network_run", "synsim::prepare_teams();")


def _network_of(team: Team) -> Network:
    """The network that is about to run."""
    found = [n for n in get_device().networks if any(o is team for o in n.sorted_objects)]
    if len(found) > 1:
        raise NotAlone(f"'{team.group.name}' belongs to {len(found)} networks")
    return found[0]


def read(team: Team, network: Network) -> tuple[Plan, list[tuple[CodeRunner, dict[str, Any]]]]:
    """What a team takes over of a network, each with words for its template.

    Raises
    ------
    NotAlone
        where it cannot take all
    """
    if get_device().enable_profiling:
        raise NotAlone("it is profiled")
    if getattr(get_device(), "_maximum_run_time", None) is not None:
        raise NotAlone("its running time is limited")
    objects = [o for o in network.sorted_objects if o.active]
    groups = [o for o in objects if isinstance(o, NeuronGroup)]
    for group in groups:
        _check_group(group)
    plan = Plan(f"{network.name}_{team.name}", team.clock, groups)
    synapses = {o.name: o for o in objects if isinstance(o, Synapses)}
    for made in synapses.values():
        if made.clock is not team.clock:
            raise NotAlone(f"'{made.name}' has a clock of its own")
        if getattr(made, "terminals_of", None) == "pre":
            plan.copied += [made.variables[name] for name in made.equations.names]
    roles: list[tuple[CodeRunner, dict[str, Any]]] = []
    begun = spiked = False
    for found in objects:
        begun = begun or found is team
        if isinstance(found, (Team, NeuronGroup, Synapses)):
            continue
        if isinstance(found, SpikeMonitor):
            _check_monitor(found)
            continue
        owner: Any = getattr(found, "group", None)
        if isinstance(found, _SPIKES_ONLY) or isinstance(owner, _SPIKES_ONLY):
            if spiked and isinstance(found, (SpikeGeneratorGroup, Thresholder)):
                raise NotAlone(f"'{found.name}' comes after synapses or resets")
            continue
        if isinstance(found, SynapticPathway) and not isinstance(found, Pathway):
            raise NotAlone(f"'{found.synapses.name}' was not made by synsim")
        if not isinstance(found, CodeRunner) or found.template not in _TEMPLATES:
            raise NotAlone(
                f"{type(found).__name__} '{found.name}' may look at any variable between two steps"
            )
        if found.clock is not team.clock:
            raise NotAlone(f"'{found.name}' has a clock of its own")
        if not begun:
            raise NotAlone(f"'{found.name}' comes before all others of a step")
        if spiked and isinstance(found, Thresholder):
            raise NotAlone(f"'{found.name}' comes after synapses or resets")
        spiked = spiked or isinstance(found, (Pathway, Resetter))
        if isinstance(found, Pathway):
            roles.append((found, _pathway(found, plan)))
        elif owner.name in synapses:
            roles.append((found, _terminals(found, synapses[owner.name], plan)))
        else:
            roles.append((found, _runner(found, owner, plan)))
    return plan, roles


def _check_group(group: NeuronGroup) -> None:
    if isinstance(group, SpatialNeuron):
        raise NotAlone(f"'{group.name}' is a spatial neuron")
    if set(group.events) - {"spike"}:
        raise NotAlone(f"'{group.name}' has events other than spikes")
    for equation in group.equations.values():
        named = get_identifiers(str(equation.expr)) if "shared" in equation.flags else set()
        if any(not DEFAULT_FUNCTIONS[name].stateless for name in named & set(DEFAULT_FUNCTIONS)):
            raise NotAlone(f"'{group.name}' draws {equation.varname} once for all neurons")
    if not all(thresholder.active for thresholder in group.thresholder.values()):
        raise NotAlone(f"'{group.name}' has a threshold that is not active")
    for name, variable in group.variables.items():
        if not isinstance(variable, ArrayVariable) or variable.constant:
            continue
        other = getattr(variable.owner, "name", None)
        if other not in (group.name, group.clock.name):
            raise NotAlone(f"'{group.name}' is linked to variables of '{other}'")
        if not variable.scalar and group.variables.indices[name] not in ("_idx", "0"):
            raise NotAlone(f"'{group.name}' is linked to variables of others of its neurons")


def _runner(runner: CodeRunner, group: NeuronGroup, plan: Plan) -> dict[str, Any]:
    """What is done for every neuron; what changes a variable of all neurons has no part."""
    words: dict[str, Any] = {"group": plan.number(group)}
    changed: Iterable[str] = ()
    if group.name != plan.groups[words["group"]].name:
        raise NotAlone(f"'{runner.name}' works on a part of its group")
    if isinstance(runner, StateUpdater):
        if "gsl" in repr(runner.method_choice).lower():
            raise NotAlone(f"'{group.name}' is integrated by the GSL")
        changed = group.equations.diff_eq_names
    elif isinstance(runner, Thresholder):
        # A function may draw random numbers, which asking twice would draw twice.
        words["pure"] = "(" not in str(group.events["spike"])
    elif isinstance(runner, Resetter):
        changed = CHANGED.findall(str(group.event_codes["spike"]))
    else:
        changed = CHANGED.findall(runner.abstract_code)
    for name in changed:
        if getattr(group.variables.get(name), "scalar", False):
            raise NotAlone(f"'{runner.name}' changes {name}, which all neurons share")
    return words


def _check_monitor(monitor: SpikeMonitor) -> None:
    further = set(monitor.record_variables) - {"i", "t"}
    if further:
        raise NotAlone(f"'{monitor.name}' records {', '.join(sorted(further))} at spikes")


def _terminals(runner: CodeRunner, kept: Synapses, plan: Plan) -> dict[str, Any]:
    """What fades with the clock at every terminal."""
    side = getattr(kept, "terminals_of", None)
    if side is None or isinstance(runner, StateUpdater):
        raise NotAlone(f"'{runner.name}' changes synapses with the clock")
    return {"group": None if side == "pre" else plan.number(kept.source)}


def _pathway(pathway: Pathway, plan: Plan) -> dict[str, Any]:
    """With which neurons a pathway's synapses go."""
    made = pathway.synapses
    side = getattr(made, "terminals_of", None)
    if side == "pre":
        return {"of": "none", "group": None}
    if side == "post":
        return {"of": "sources", "group": plan.number(made.source)}
    group = plan.number(made.target)
    for name in get_identifiers(pathway.code) & set(pathway.variables):
        variable = pathway.variables[name]
        if (
            pathway.variables.indices[name] == "_presynaptic_idx"
            and isinstance(variable, ArrayVariable)
            and not variable.constant
            and not any(variable is copy for copy in plan.copied)
        ):
            raise NotAlone(f"'{pathway.name}' uses {name}, which other threads may change")
    for name in CHANGED.findall(pathway.code):
        if getattr(pathway.variables.get(name), "scalar", False):
            raise NotAlone(f"'{pathway.name}' changes {name}, which all synapses share")
    return {
        "of": "partners" if pathway.prepost == "pre" else "sources",
        "group": group,
    }


def own(made: Synapses) -> None:
    """Have synapses belong to a team, where the device is Brian2's C++ standalone mode."""
    device = get_device()
    if not hasattr(device, "headers") or device.code_object_class() is not CPPStandaloneCodeObject:
        return
    made.contained_objects.append(Team(made))
    if prefs.devices.cpp_standalone.openmp_threads > 1:
        _prepare_before_runs()
