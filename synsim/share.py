"""What the synapses of one terminal have in common, taken out of each and kept once. Text only.

The state of a presynaptic terminal (u and x of short-term plasticity, the trace of its spikes) is
the same at all its synapses when it follows from the terminal's spikes and from parameters that are
the same everywhere; so is what a postsynaptic neuron's spikes leave at its synapses. Which states
those are is read off the statements:

1. A state belongs to a side when only that side's spikes change it, by expressions of the time,
   shared parameters and states of that side, and when it starts from one number.
2. The statements that set such states run once per terminal and spike. What the statements
   left for each synapse take from them is computed there too, at its place in the order.
3. Where a spike of one side looks at what is left of the other side's, exp(-(t - post_time)/tau),
   a variable that decays with the clock stands in for the exponential of each synapse.

The result is the same synapse: only the rounding of the decaying variables differs, by less than
1e-12.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from synsim.component.code import LONG_AGO, State
from synsim.compose import SynapseCode

_ALWAYS = {"t"}
_FADE = re.compile(r"exp\(-\(t - (\w+)\) / (\w+)\)")


@dataclass(frozen=True)
class Fade:
    """exp(-(t - T)/tau) as a variable: 1 at every spike, decaying with the clock."""

    name: str
    tau: str


@dataclass(frozen=True)
class Part:
    """An expression that is computed once for all synapses of a terminal."""

    name: str
    expression: str


@dataclass(frozen=True)
class Side:
    """What is kept once for each presynaptic terminal, or once for each postsynaptic neuron.

    statements : run at a spike that has arrived, before those of the synapses
    """

    states: tuple[State, ...] = ()
    parts: tuple[Part, ...] = ()
    fades: tuple[Fade, ...] = ()
    statements: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Of all its variables."""
        states, parts = [s.name for s in self.states], [p.name for p in self.parts]
        return (*states, *parts, *(f.name for f in self.fades))


@dataclass(frozen=True)
class SharedCode:
    """A synapse in three pieces: what each synapse keeps for itself, and the two sides."""

    synapse: SynapseCode
    pre: Side
    post: Side


@dataclass
class _Statement:
    target: str
    operator: str  # "=", "+=", ...
    value: ast.expr

    def __str__(self) -> str:
        return f"{self.target} {self.operator} {ast.unparse(self.value)}"


def share(code: SynapseCode) -> SharedCode:
    """Take out of a synapse what its terminals have in common."""
    pre, post = _parse(code.on_pre), _parse(code.on_post)
    common = {p.name for p in code.parameters if p.shared} | _ALWAYS
    random = {f.name for f in code.functions if f.random}
    mine = {
        "pre": _level(code.states, pre, post, common, random),
        "post": _level(code.states, post, pre, common, random),
    }
    sides, left = {}, {}
    for name, own in (("pre", pre), ("post", post)):
        level = mine[name]
        taken, parts, left[name] = _split(own, level, common, random, name)
        read = {n for s in left[name] for n in _names(s.value)}
        # Intermediate values that the synapses read are kept as well.
        known = {state.name for state in code.states} | {part.name for part in parts}
        kept = sorted((level - known) & read)
        sides[name] = Side(
            tuple(s for s in code.states if s.name in level),
            (*parts, *(Part(k, k) for k in kept)),
            (),
            "\n".join(map(str, taken)),
        )
    for name, other in (("pre", "post"), ("post", "pre")):
        sides[name] = _with_fades(sides[name], name, left[other], common)
    gone = mine["pre"] | mine["post"]
    rest = replace(
        code,
        states=tuple(s for s in code.states if s.name not in gone),
        on_pre="\n".join(map(str, left["pre"])),
        on_post="\n".join(map(str, left["post"])),
    )
    return SharedCode(rest, sides["pre"], sides["post"])


def _parse(statements: str) -> list[_Statement]:
    found = []
    for line in statements.splitlines():
        target, operator, value = re.fullmatch(r"(\w+) *([-+*/]?=) *(.*)", line).groups()  # type: ignore[union-attr]
        found.append(_Statement(target, operator, ast.parse(value, mode="eval").body))
    return found


def _names(node: ast.AST) -> set[str]:
    """Names of variables in an expression, without those of functions."""
    called = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in called}


def _calls(node: ast.AST) -> set[str]:
    calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
    return {f.id for f in calls if isinstance(f, ast.Name)}


def _level(
    states: Iterable[State],
    own: list[_Statement],
    other: list[_Statement],
    common: set[str],
    random: set[str],
) -> set[str]:
    """Names that `own` sets and that are the same at all synapses of a terminal."""
    by_name = {state.name: state for state in states}
    elsewhere = {s.target for s in other if s.target in by_name}
    level = {s.target for s in own if not s.target.endswith(("_pre", "_post"))} - elsewhere
    level -= {n for n in level if n in by_name and isinstance(by_name[n].initial, str)}
    level -= {n for n in level if n in by_name and hasattr(by_name[n].initial, "__len__")}
    while True:
        wrong = {
            s.target
            for s in own
            if s.target in level and (_names(s.value) - level - common or _calls(s.value) & random)
        }
        if not wrong:
            break
        level -= wrong
    # What follows from parameters alone is one number anyway, unless a state is made of it.
    found = level & set(by_name)
    while True:
        more = {s.target for s in own if s.target in level - found and _names(s.value) & found}
        more |= {n for s in own if s.target in found for n in _names(s.value)} & (level - found)
        if not more:
            return found
        found |= more


def _split(
    own: list[_Statement], level: set[str], common: set[str], random: set[str], side: str
) -> tuple[list[_Statement], list[Part], list[_Statement]]:
    """The statements of a terminal, the parts it computes, and what is left for each synapse."""
    last = {s.target: position for position, s in enumerate(own)}
    taken: list[_Statement] = []
    left: list[_Statement] = []
    parts: list[Part] = []
    for position, statement in enumerate(own):
        if statement.target in level:
            taken.append(statement)
            continue

        def common_part(node: ast.expr, position: int = position) -> ast.expr | None:
            names = _names(node)
            if not names & level or names - level - common or _calls(node) & random:
                return None
            if isinstance(node, ast.Name) and last[node.id] < position:
                return node
            part = Part(f"{side}_part_{len(parts) + 1}", ast.unparse(node))
            parts.append(part)
            taken.append(_Statement(part.name, "=", node))
            return ast.Name(part.name)

        left.append(replace(statement, value=_rewrite(statement.value, common_part)))
    return taken, parts, left


def _with_fades(side: Side, name: str, reading: list[_Statement], common: set[str]) -> Side:
    """Exponentials since this side's last spike in the other side's statements, as variables."""
    statements = _parse(side.statements)
    times = {
        state.name
        for state in side.states
        if state.initial == LONG_AGO
        and all(str(s) == f"{state.name} = t" for s in statements if s.target == state.name)
    }
    fades: dict[tuple[str, str], Fade] = {}

    def fade(node: ast.expr) -> ast.expr | None:
        match = _FADE.fullmatch(ast.unparse(node)) if isinstance(node, ast.Call) else None
        if match is None or match[1] not in times or match[2] not in common:
            return None
        found = fades.setdefault(
            (match[1], match[2]), Fade(f"{name}_fade_{len(fades) + 1}", match[2])
        )
        return ast.Name(found.name)

    for statement in reading:
        statement.value = _rewrite(statement.value, fade)
    begun = [f"{f.name} = 1" for f in fades.values()]
    return replace(
        side,
        fades=tuple(fades.values()),
        statements="\n".join(filter(None, (side.statements, *begun))),
    )


def _rewrite(node: ast.expr, change: Callable[[ast.expr], ast.expr | None]) -> ast.expr:
    """An expression with its largest parts for which `change` has something else replaced."""
    changed = change(node)
    if changed is not None:
        return changed
    for field, value in ast.iter_fields(node):
        if isinstance(value, ast.expr):
            setattr(node, field, _rewrite(value, change))
        elif isinstance(value, list):
            setattr(
                node, field, [_rewrite(v, change) if isinstance(v, ast.expr) else v for v in value]
            )
    return node
