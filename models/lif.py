"""Leaky integrate-and-fire neuron with any number of synaptic inputs.

    C dv/dt = -g_L (v - E_L) + sum of I + sum of g (E_rev - v) + I_ext
    v >= V_th:  spike, v = V_reset, held there for t_ref

with the I and g of `synaptic_currents`. Divided by g_L it is eq. 1 of Brunel 2000 (whose leak
potential is 0) and eq. 1.5 of Gerstner et al. 2014:  tau_m dv/dt = -(v - E_L) + R I.

Symbols
    v        voltage      membrane potential
    C        capacitance  of the membrane
    g_L      conductance  leak; tau_m = C/g_L, R = 1/g_L
    E_L      voltage      leak (resting) potential
    V_th     voltage      threshold
    V_reset  voltage      potential after a spike, below V_th
    t_ref    time         refractory period; v is held, synaptic currents go on, jumps are lost
    I_ext    current      injected current, optional

One time step h, from the state at its start:
  currents only  v(h) = v_inf + (v - v_inf) e^(-h/tau_m) + what each current adds, exactly
                 (Rotter & Diesmann 1999), with v_inf = E_L + I_ext/g_L. Brian2's own 'exact'
                 is 0/0 where tau = tau_m and takes long to derive several inputs.
  conductances   v(h) = v + (1/C) integral from 0 to h of e^(A(s)-A(h)) J(s) ds,
                 A(s) = (g_L s + integral of the g)/C,  J(s) = all currents at the present v.
                 A and J are known exactly, so only the outer integral is a quadrature: two
                 Gauss points, error O(h^4), two exponentials per neuron and step. Exponential
                 Euler holds g over the step: error O(h), 1 to 5 % of a PSP at 0.1 ms where
                 this is 1e-11 to 2e-6, for 40 % of the time; method="exponential_euler".

Closed forms: rate(I) = 1/(t_ref + tau_m ln((R I + E_L - V_reset)/(R I + E_L - V_th))), 0 up to
the rheobase g_L (V_th - E_L); the PSP (q/C) k_tau_m(t), k_tau_m the time course filtered by the
membrane, which peaks where I(t)/C = v/tau_m, so at the height R I(t_peak).

Sources: Lapicque 1907; Brunel 2000, J Comput Neurosci 8:183, eqs 1-2; Gerstner, Kistler, Naud &
Paninski 2014, Neuronal Dynamics, eq. 1.5; Rotter & Diesmann 1999, Biol Cybern 81:381.
Deviations: spikes lie on the time grid and t_ref is taken in whole steps, so an interval is up
to one step longer than rate(I) says; an event acts from the next step on; I_ext is held over a
step.

Example, in a script of one's own:

    import brian2 as b2
    from synsim.models.lif import LIF
    from synsim.models.spike_sources import PoissonSource
    from synsim.models.synaptic_currents import ExponentialCurrent
    excitation = ExponentialCurrent(label="exc", tau="5ms")
    cells = LIF.preset("lif-vogels-abbott-2005").group(10, [excitation])
    source = PoissonSource(rate="50Hz").group(200)
    synapses = b2.Synapses(source, cells, on_pre=f"{excitation.target}_post += 20*pA")
    synapses.connect(p=0.5)
    spikes = b2.SpikeMonitor(cells)
    b2.run(500 * b2.ms)
    print(spikes.count[:])
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation, InputError, Mechanism, Preset, parameter
from synsim.component.parameters import Quantity
from synsim.models.synaptic_currents import (
    ROTTER,
    SONG,
    VOGELS_ABBOTT,
    DeltaInput,
    SynapticInput,
)

LAPICQUE = Citation("Lapicque 1907, J Physiol Pathol Gen 9:620")
BRUNEL = Citation("Brunel 2000, J Comput Neurosci 8:183", "10.1023/A:1008925309027", "eqs 1-2")
NEURONAL_DYNAMICS = Citation(
    "Gerstner, Kistler, Naud & Paninski 2014, Neuronal Dynamics, Cambridge University Press",
    "10.1017/CBO9781107447615",
    "eq. 1.5",
)

_INJECTED = Quantity("injected current", ("pA",), array=True)
_GAUSS = ("(0.5 - sqrt(3)/6)", "(0.5 + sqrt(3)/6)")  # nodes on [0, 1]; weights 1/2


class LIF(Mechanism):
    """Leaky integrate-and-fire neuron."""

    name = "lif"
    role = "neuron"
    citations = (LAPICQUE, BRUNEL, NEURONAL_DYNAMICS, ROTTER)
    presets = MappingProxyType(
        {
            "lif-brunel-2000": Preset(
                {
                    "C": "200pF",
                    "g_L": "10nS",
                    "E_L": "0mV",
                    "V_th": "20mV",
                    "V_reset": "10mV",
                    "t_ref": "2ms",
                },
                BRUNEL,
                "the paper states tau_m = 20 ms and voltages from rest; C and g_L are chosen "
                "here and matter to injected currents only (NEST's examples reset to 0 mV)",
            ),
            "lif-vogels-abbott-2005": Preset(
                {
                    "C": "200pF",
                    "g_L": "10nS",
                    "E_L": "-60mV",
                    "V_th": "-50mV",
                    "V_reset": "-60mV",
                    "t_ref": "5ms",
                },
                VOGELS_ABBOTT,
                "numbers as in benchmark 1 of Brette et al. 2007, J Comput Neurosci 23:349 "
                "(20000 um2 at 1 uF/cm2 and 5e-5 S/cm2)",
            ),
            "lif-song-2000": Preset(
                {
                    "C": "200pF",
                    "g_L": "10nS",
                    "E_L": "-70mV",
                    "V_th": "-54mV",
                    "V_reset": "-60mV",
                    "t_ref": "0ms",
                },
                SONG,
                "the paper states tau_m = 20 ms and conductances in units of the leak; C and "
                "g_L are chosen here (multiply its conductances by g_L)",
            ),
        }
    )

    C: float = parameter("pF", "membrane capacitance", low=0, low_open=True, array=True)
    g_L: float = parameter("nS", "leak conductance", low=0, low_open=True, array=True)
    E_L: float = parameter("mV", "leak potential", array=True)
    V_th: float = parameter("mV", "threshold", array=True)
    V_reset: float = parameter("mV", "potential after a spike", array=True)
    t_ref: float = parameter("ms", "refractory period", default="0ms", low=0, array=True)

    threshold = "v >= V_th"
    reset = "v = V_reset"
    # The step of a spike ends at its time; without that dt, v would be held t_ref - dt.
    refractory = "t_ref + dt"

    def check(self) -> None:
        if np.any(np.asarray(self.V_th) <= np.asarray(self.V_reset)):
            raise InputError(
                f"LIF: found V_reset {self.text('V_reset')} and V_th {self.text('V_th')}, "
                "expected V_th above V_reset"
            )

    def parameters(self) -> dict[str, str]:
        """Name in the equations -> name of the field."""
        return {name: name for name in self.specs()}

    def brian2_equations(
        self, *inputs: SynapticInput, I_ext: str = "", passive: bool = False
    ) -> str:
        """Equations for a NeuronGroup with these inputs.

        Parameters
        ----------
        inputs : synaptic inputs, with different labels
        I_ext : Brian2's line that declares an injected current, if there is one:
            ``"I_ext : amp (shared)"``, ``"I_ext = stimulus(t) : amp"``
        passive : without spikes, so that v is never held

        Returns
        -------
        Text. A parameter that is one number is declared (shared, constant), one that is an
        array (constant).

        Raises
        ------
        InputError
            when two inputs use one name.
        """
        _check_names(self, inputs)
        currents = [i.current(i.variable) for i in inputs if i.symbol]
        total = " + ".join(["g_L*(E_L - v)", *currents, *(["I_ext"] if I_ext else [])])
        held = "" if passive else " (unless refractory)"
        lines = [f"dv/dt = ({total})/C : volt{held}"]
        lines += [i.brian2_equations() for i in inputs if i.symbol]
        lines += [I_ext] if I_ext else []
        parts: tuple[LIF | SynapticInput, ...] = (self, *inputs)
        lines += [line for part in parts for line in _declarations(part)]
        return "\n".join(lines)

    def step(self, *inputs: SynapticInput, injected: bool = False) -> str:
        """One time step as abstract code of Brian2; see the module's docstring."""
        inputs = tuple(i for i in inputs if i.symbol)
        conductances = [i for i in inputs if i.symbol == "g"]
        code = []
        if not conductances:
            code.append(f"_v_inf = E_L{' + I_ext/g_L' if injected else ''}")
            added = "".join(f" + {i.depolarisation()}" for i in inputs)
            code.append(f"_v = _v_inf + (v - _v_inf)*exp(-dt*g_L/C){added}")
        else:
            for k, node in enumerate(_GAUSS):
                time = f"{node}*dt"
                currents = ["g_L*(E_L - v)", *(i.current(i.at(time)) for i in inputs)]
                currents += ["I_ext"] if injected else []
                left = [f"g_L*(1 - {node})*dt"]
                left += [f"{i.integral('dt')} - {i.integral(time)}" for i in conductances]
                code.append(f"_part_{k} = exp(-({' + '.join(left)})/C)*({' + '.join(currents)})")
            code.append("_v = v + dt/(2*C)*(_part_0 + _part_1)")
        return "\n".join([*code, *(i.advance() for i in inputs), "v = _v"])

    def group(
        self,
        N: int,
        inputs: Sequence[SynapticInput] = (),
        *,
        I_ext: Any = None,
        name: str | None = None,
        method: Any = None,
        passive: bool = False,
        **kw: Any,
    ) -> Any:
        """A plain brian2.NeuronGroup of these neurons, at rest.

        Parameters
        ----------
        N : number of neurons
        inputs : synaptic inputs; events are to add to their `target`
        I_ext : injected current: a quantity ("200pA", one for all or one for each neuron; the
            group's ``I_ext`` can be set anew between runs) or an expression of Brian2, such
            as "stimulus(t)". No such variable by default.
        name : of the group
        method : integration method of Brian2 instead of the exact step
        passive : without threshold, reset and refractory period: below threshold the same
        kw : of NeuronGroup: dt, clock, order, namespace, ...

        Returns
        -------
        NeuronGroup with v, the inputs' variables, and the parameters: one shared number each,
        or one for each neuron where an array was given. v starts at E_L, all else at 0.

        Raises
        ------
        InputError
            when an array of parameters is not of length N, or two inputs use one name.
        """
        from brian2 import NeuronGroup

        _check_names(self, inputs)
        parts: tuple[LIF | SynapticInput, ...] = (self, *inputs)
        values: dict[str, Any] = {
            in_equations: getattr(part, field)
            for part in parts
            for in_equations, field in part.parameters().items()
        }
        declared = ""
        if _is_expression(I_ext):
            declared = f"I_ext = {I_ext} : amp"
        elif I_ext is not None:
            values["I_ext"] = _injected(I_ext)
            declared = "I_ext : amp" + ("" if np.ndim(values["I_ext"]) else " (shared)")
        model = self.brian2_equations(*inputs, I_ext=declared, passive=passive)
        spiking = {
            "threshold": self.threshold,
            "reset": self.reset,
            "refractory": self.refractory,
        }
        for variable, value in values.items():
            if np.ndim(value) and len(value) != N:
                raise InputError(
                    f"LIF.group: found {len(value)} values of {variable}, expected one for each "
                    f"of the {N} neurons"
                )
        made = NeuronGroup(
            N,
            model,
            **{
                "method": method or _method(self.step(*inputs, injected=bool(declared))),
                **({} if passive else spiking),
                **({} if name is None else {"name": name}),
                **kw,
            },
        )
        for variable, value in values.items():
            setattr(made, f"{variable}_", value)  # the underscore: SI without unit
        made.v_ = self.E_L
        return made

    @property
    def tau_m(self) -> float:
        """Membrane time constant C/g_L, s."""
        return self.C / self.g_L

    @property
    def resistance(self) -> float:
        """Input resistance 1/g_L, ohm."""
        return 1 / self.g_L

    @property
    def rheobase(self) -> float:
        """Largest constant current that never elicits a spike, A."""
        return self.g_L * (self.V_th - self.E_L)

    def rate(self, I: ArrayLike) -> NDArray[np.float64]:  # noqa: E741
        """Firing rate at a constant current, Hz.

        Parameters
        ----------
        I : A, any shape (it broadcasts with parameters that are arrays)
        """
        above = np.asarray(I, dtype=float) / self.g_L + self.E_L - self.V_th
        with np.errstate(divide="ignore"):
            # ln((above + V_th - V_reset)/above); infinite, so rate 0, at and below threshold
            log = np.log1p((self.V_th - self.V_reset) / np.maximum(above, 0.0))
        return np.asarray(1 / (self.t_ref + self.tau_m * log))

    def psp(self, t: ArrayLike, source: SynapticInput, q: float) -> NDArray[np.float64]:
        """Depolarisation v - E_L after one event at t = 0, at rest and below threshold, V.

        Parameters
        ----------
        t : s, any shape; 0 before the event
        source : a current-based or delta input
        q : its response, A or V

        Raises
        ------
        InputError
            for a conductance-based input, which has no closed form.
        """
        t = np.asarray(t, dtype=float)
        if isinstance(source, DeltaInput):
            return np.where(t < 0, 0.0, q * np.exp(-np.maximum(t, 0) / self.tau_m))
        self._needs_current(source)
        return q / self.C * source.filtered(t, self.tau_m)

    def psp_peak(self, source: SynapticInput, q: float) -> tuple[float, float]:
        """Time to peak (s) and peak (V) of `psp`, parameters being single numbers."""
        if isinstance(source, DeltaInput):
            return 0.0, q
        self._needs_current(source)
        from scipy.optimize import brentq

        def rising(t: float) -> float:
            return float(source.kernel(t) - source.filtered(t, self.tau_m) / self.tau_m)

        # The PSP still rises when the current is at its peak.
        low = source.peak_time
        high = low + self.tau_m
        while rising(high) > 0:
            high = 2 * high
        peak = brentq(rising, low, high, xtol=1e-15 * high, rtol=4 * np.finfo(float).eps)
        return float(peak), float(q * self.resistance * source.kernel(peak))

    def _needs_current(self, source: SynapticInput) -> None:
        if source.symbol != "I":
            raise InputError(
                f"LIF.psp: found {source.name}, expected a current-based or delta input: with a "
                "conductance v has no closed form"
            )


def _declarations(part: LIF | SynapticInput) -> list[str]:
    """Brian2's lines for the parameters of a neuron or input."""
    lines = []
    for name, field in part.parameters().items():
        shared = "" if np.ndim(getattr(part, field)) else "shared, "
        lines.append(f"{name} : {part.dimension(field).brian_unit} ({shared}constant)")
    return lines


def _check_names(neuron: LIF, inputs: Sequence[SynapticInput]) -> None:
    taken = {"v", "I_ext", "t", "dt", "i", "N", *neuron.parameters()}
    for one in inputs:
        if not isinstance(one, SynapticInput):
            raise InputError(f"LIF: found {one!r} as an input, expected a synaptic input")
        if not one.symbol:  # several inputs may jump the same v
            continue
        names = {one.variable, one.target, *one.parameters()}
        if names & taken:
            raise InputError(
                f"LIF: two things are called {max(names & taken)}, expected inputs with "
                f"different labels (found {', '.join(repr(i.label) for i in inputs)})"
            )
        taken |= names


def _is_expression(value: Any) -> bool:
    """Text that is no number with a unit: a quantity begins with a digit, a sign or a point."""
    return isinstance(value, str) and re.match(r"\s*[-+.]?\s*\.?\d", value) is None


def _injected(value: Any) -> Any:
    try:
        return _INJECTED.convert(value)
    except InputError as error:
        raise InputError(f"LIF.group: I_ext: {error}") from None


def _method(code: str) -> Any:
    """A state updater for NeuronGroup(method=...) that runs this code."""

    def exact_step(equations: Any, variables: Any = None, method_options: Any = None) -> str:
        return code

    return exact_step
