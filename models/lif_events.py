"""The leaky integrate-and-fire neuron of `lif`, worked out only at inputs that jump its potential.

Between such inputs v can do nothing but decay, so it is known at any time from the last input.
An input of size J at t makes it

    v <- E_L + (v - E_L) exp(-(t - t_v)/tau_m) + J
    t_v <- t

and the neuron fires one step h later where it will then still be above the threshold:

    E_L + (v - E_L) exp(-h/tau_m) >= V_th

When it fires, v is V_reset and held up to t + t_ref; jumps up to then are lost.

That is `LIF` with `DeltaInput` to rounding, spikes and all, at no cost for steps without input.

Symbols
    v        voltage  membrane potential as it was at t_v
    t_v      time     of the last input, or the end of being refractory
    t_free   time     end of being refractory
    due      1        1 where the neuron fires at the next step
    fired    1        spikes so far
    tau_m    time     membrane time constant C/g_L
    kick     voltage  jump by a spike of the neuron's other input
and E_L, V_th, V_reset, t_ref of `lif`.

Sources: those of `lif`; exact solution from event to event as in Rotter & Diesmann 1999, Biol
Cybern 81:381, and Brette 2006, Neural Comput 18:2004.
Deviates from them: spikes lie on the time grid, as those of `lif` do.
"""

from __future__ import annotations

from synsim.component.code import LONG_AGO, State
from synsim.models.lif import LIF

PARAMETERS = {
    "E_L": ("volt", "leak potential of the neuron"),
    "V_th": ("volt", "threshold of the neuron"),
    "V_reset": ("volt", "potential of the neuron after a spike"),
    "t_ref": ("second", "refractory period of the neuron"),
    "tau_m": ("second", "membrane time constant of the neuron"),
    "kick": ("volt", "jump of the neuron's potential by its other input"),
}
"""Name -> Brian2's SI unit and what it is; one number for all neurons."""

THRESHOLD = "due > 0"
RESET = """
v = V_reset
t_free = t + floor(t_ref/dt + 0.001)*dt
t_v = t_free
due = 0
fired += 1
"""

_DECAYED = "E_L_post + (v_post - E_L_post)*exp(-int(t > t_v_post)*(t - t_v_post)/tau_m_post)"
# v_held is not set from v: for numpy both would then be one array, and an addition in place
_BEFORE = f"v_held_post = {_DECAYED}\nv_post = {_DECAYED}\n"
_AFTER = """
v_post = v_held_post + int(t > t_free_post + 0.5*dt)*(v_post - v_held_post)
t_v_post = t_v_post + int(t > t_v_post)*(t - t_v_post)
due_post = int(E_L_post + (v_post - E_L_post)*exp(-dt/tau_m_post) >= V_th_post)
"""


def at_input(jump: str) -> str:
    """Statements at an input, around those that add to ``v_post``."""
    return _BEFORE + jump + _AFTER


KICK = at_input("v_post += kick_post")
"""Statements at a spike of the other input."""


def states(neuron: LIF) -> tuple[State, ...]:
    """The state variables of a neuron at rest."""
    return (
        State("v", "membrane potential at the neuron's last input", "volt", float(neuron.E_L)),
        State("v_held", "the same without that input", "volt", float(neuron.E_L)),
        State("t_v", "the neuron's last input, or the end of being refractory", "second", LONG_AGO),
        State("t_free", "end of the neuron's being refractory", "second", LONG_AGO),
        State("due", "1 where the neuron fires at the next step", integer=True),
        State("fired", "spikes of the neuron", integer=True),
    )


def values(neuron: LIF, kick: float) -> dict[str, float]:
    """The numbers behind `PARAMETERS`, SI."""
    own = {name: float(getattr(neuron, name)) for name in ("E_L", "V_th", "V_reset", "t_ref")}
    return own | {"tau_m": float(neuron.tau_m), "kick": float(kick)}


def brian2_equations() -> str:
    """Brian2's lines that declare parameters and states of a group."""
    lines = [f"{name} : {unit} (shared, constant)" for name, (unit, _) in PARAMETERS.items()]
    some = states(LIF.preset("lif-vogels-abbott-2005"))
    lines += [f"{s.name} : {'integer' if s.integer else s.unit}" for s in some]
    return "\n".join(lines)
