"""What a presynaptic event does to the postsynaptic membrane: current, conductance or jump.

    I(t) = q k(t)                 current-based
    g(t) = q k(t),  I(t) = g(t) (E_rev - v)                       conductance-based
    v -> v + q                    delta

k(t) is the time course after one event at t = 0, scaled to peak 1, so that q is the peak of
the current (or conductance) of one event. Events add up: each is a jump of `target` by q.

    exponential    k(t) = exp(-t/tau)                                              t_peak = 0
                   dI/dt = -I/tau,  I -> I + q
    alpha          k(t) = (t/tau) exp(1 - t/tau)                                   t_peak = tau
                   dI/dt = (e s - I)/tau,  ds/dt = -s/tau,  s -> s + q
    biexponential  k(t) = a tau_decay/(tau_decay - tau_rise)
                          (exp(-t/tau_decay) - exp(-t/tau_rise))
                   dI/dt = (a s - I)/tau_rise,  ds/dt = -s/tau_decay,  s -> s + q
                   t_peak = ln(tau_decay/tau_rise) tau_rise tau_decay/(tau_decay - tau_rise)
                   a = exp(t_peak/tau_decay), which makes the peak 1
                   tau_rise = tau_decay is the alpha function, with a = e

Over a time step h the states move exactly (Rotter & Diesmann 1999), with f[x, y] the divided
difference of exp, which has no singularity where time constants are equal:

    s(h) = s exp(-h/tau_decay),   f[x, y] = (e^x - e^y)/(x - y), e^x for x = y
    I(h) = I exp(-h/tau_rise) + a s (h/tau_rise) f[-h/tau_rise, -h/tau_decay]

Symbols
    label      name that sets one input of a neuron apart from the others
    q          A, S or V  response to one event (one quantum): peak current, peak conductance, jump
    tau        time       time constant of decay (exponential), of rise and decay (alpha)
    tau_rise   time       time constant of the rise (biexponential), at most tau_decay
    tau_decay  time       time constant of the decay (biexponential)
    E_rev      voltage    reversal potential (conductance-based)
    I, g       A, S       current, conductance of all events; variables I_<label>, g_<label>
    s          A, S       what events add to (alpha, biexponential); variable s_<label>

Sources: alpha function: Rall 1967, J Neurophysiol 30:1138; time courses: Roth & van Rossum 2009,
ch. 6 of Computational Modeling Methods for Neuroscientists; exact steps: Rotter & Diesmann 1999,
Biol Cybern 81:381. Deviations: the scaling to peak 1 by the jump of s is ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation, InputError, Mechanism, Preset, parameter
from synsim.component.parameters import Quantity, Spec, custom

RALL = Citation("Rall 1967, J Neurophysiol 30:1138", "10.1152/jn.1967.30.5.1138")
ROTH = Citation(
    "Roth & van Rossum 2009, in De Schutter (ed.), Computational Modeling Methods for "
    "Neuroscientists, MIT Press",
    where="ch. 6",
)
ROTTER = Citation("Rotter & Diesmann 1999, Biol Cybern 81:381", "10.1007/s004220050570")
VOGELS_ABBOTT = Citation(
    "Vogels & Abbott 2005, J Neurosci 25:10786", "10.1523/JNEUROSCI.3508-05.2005", "Methods"
)
SONG = Citation("Song, Miller & Abbott 2000, Nat Neurosci 3:919", "10.1038/78829", "Methods")


@dataclass(frozen=True)
class Label(Spec):
    """A word that may end the name of a Brian2 variable."""

    def convert(self, value: Any) -> str:
        if not (isinstance(value, str) and re.fullmatch(r"[A-Za-z]\w*", value, re.ASCII)):
            raise InputError(f"found {value!r}, expected a word of letters, digits and _")
        # Brian2 takes I_pre and I_post for variables of the other side of a synapse.
        if re.search(r"(^|_)(pre|post)$", value):
            raise InputError(f"found {value!r}, expected a word that does not end in pre or post")
        return value

    @property
    def allowed(self) -> str:
        return "letters, digits and _, beginning with a letter"


class SynapticInput(Mechanism):
    """One kind of synapse on a neuron: what an event adds to, and how that acts on v.

    The Brian2 texts name variables and parameters ``<symbol>_<label>``, so that a neuron may
    have any number of inputs. ``brian2_equations()`` is for any integration method;
    ``advance()``, ``at()``, ``integral()`` and ``depolarisation()`` are the exact step of
    `lif`, in Brian2's abstract code.
    """

    role = "synaptic input"
    citations: ClassVar[tuple[Citation, ...]] = (ROTTER,)

    symbol: ClassVar[str] = ""  # I or g, what the membrane sees; "" for a jump of v
    unit: ClassVar[str] = ""  # Brian2's SI unit of a response
    jump: ClassVar[float] = 1.0  # of `target`, per unit of response

    label: str = custom(Label("name that sets this input apart from others"), default="syn")

    @property
    def variable(self) -> str:
        """The current or conductance: ``I_exc``, ``g_exc``."""
        return f"{self.symbol}_{self.label}"

    @property
    def target(self) -> str:
        """The postsynaptic variable that an event adds its response to."""
        return self.variable

    def current(self, value: str) -> str:
        """Expression of the current into the membrane when `variable` is `value`."""
        return value

    def parameters(self) -> dict[str, str]:
        """Name in the equations -> name of the field, of every parameter with a unit."""
        return {
            f"{name}_{self.label}": name
            for name, spec in self.specs().items()
            if isinstance(spec, Quantity)
        }

    def brian2_equations(self) -> str:
        """Differential equations of the states, one a line, without the parameters."""
        raise NotImplementedError

    def advance(self) -> str:
        """Statements that move the states by dt, exactly."""
        raise NotImplementedError

    def at(self, time: str) -> str:
        """Expression of the current or conductance a `time` (at most dt) after now."""
        raise NotImplementedError

    def integral(self, time: str) -> str:
        """Expression of its integral from now to `time`."""
        raise NotImplementedError

    def depolarisation(self) -> str:
        """Expression of what it adds to v within dt (current-based inputs)."""
        raise NotImplementedError

    def kernel(self, t: ArrayLike) -> NDArray[np.float64]:
        """Time course k(t) of one event of response 1, 0 for t < 0; `t` in s, any shape."""
        raise NotImplementedError

    @property
    def peak_time(self) -> float:
        """Time of the peak of `kernel`, s (of one time constant, not an array of them)."""
        raise NotImplementedError

    @property
    def area(self) -> float:
        """Integral of `kernel` over all t, s: the charge of a current of peak 1 A."""
        raise NotImplementedError

    def filtered(self, t: ArrayLike, tau_m: float) -> NDArray[np.float64]:
        """`kernel` through a membrane, s, shape of `t`.

        The integral from 0 to t of exp(-(t - s)/tau_m) k(s) ds; over C, the PSP of a current
        of peak 1. Any time constants, equal ones too.
        """
        raise NotImplementedError


class _Exponential(SynapticInput):
    """Jump and exponential decay."""

    citations = (ROTH, ROTTER)

    tau: float = parameter("ms", "decay time constant", low=0, low_open=True, array=True)

    def brian2_equations(self) -> str:
        return f"d{self.variable}/dt = -{self.variable}/tau_{self.label} : {self.unit}"

    def advance(self) -> str:
        return f"{self.variable} = {self.at('dt')}"

    def at(self, time: str) -> str:
        return f"{self.variable}*exp(-{time}/tau_{self.label})"

    def integral(self, time: str) -> str:
        tau = f"tau_{self.label}"
        return f"{self.variable}*(-{tau}*expm1(-{time}/{tau}))"

    def depolarisation(self) -> str:
        rates = f"dt*(g_L/C - 1/tau_{self.label})"
        return f"{self.variable}*(dt/C*exp(-dt*g_L/C)*exprel({rates}))"

    def kernel(self, t: ArrayLike) -> NDArray[np.float64]:
        return np.where(np.asarray(t) < 0, 0.0, np.exp(-_since_event(t) / self.tau))

    @property
    def peak_time(self) -> float:
        return 0.0

    @property
    def area(self) -> float:
        return self.tau

    def filtered(self, t: ArrayLike, tau_m: float) -> NDArray[np.float64]:
        s = _since_event(t)
        return s * divided_exp2(-s / tau_m, -s / self.tau)


class _TwoStage(SynapticInput):
    """Rise and decay by two stages; the alpha function is the case of equal ones."""

    stages: ClassVar[tuple[str, str]]  # parameters of rise and decay

    @property
    def target(self) -> str:
        return f"s_{self.label}"

    @property
    def _texts(self) -> tuple[str, str, str]:
        """Names of the time constants of rise and decay, expression of the scale a."""
        rise, decay = (f"{stage}_{self.label}" for stage in self.stages)
        if rise == decay:
            return rise, decay, "exp(1)"
        # exp(ln r/(r - 1)) with r = decay/rise, and with 1/1 for 0/0
        equal, ratio = f"int({decay} == {rise})", f"{decay}/{rise}"
        return rise, decay, f"exp((log({ratio}) + {equal})/({ratio} - 1 + {equal}))"

    @property
    def _values(self) -> tuple[Any, Any]:
        rise, decay = (getattr(self, stage) for stage in self.stages)
        return rise, decay

    def brian2_equations(self) -> str:
        rise, decay, scale = self._texts
        return (
            f"d{self.variable}/dt = ({scale}*{self.target} - {self.variable})/{rise} "
            f": {self.unit}\n"
            f"d{self.target}/dt = -{self.target}/{decay} : {self.unit}"
        )

    def advance(self) -> str:
        _, decay, _ = self._texts
        return f"{self.variable} = {self.at('dt')}\n{self.target} = {self.target}*exp(-dt/{decay})"

    def at(self, time: str) -> str:
        rise, decay, scale = self._texts
        # The argument of exprel is never positive, so that nothing overflows.
        mixed = f"{time}/{rise}*exp(-{time}/{decay})*exprel({time}/{decay} - {time}/{rise})"
        return f"({self.variable}*exp(-{time}/{rise}) + {self.target}*({scale}*{mixed}))"

    def integral(self, time: str) -> str:
        # Of the equation of I itself: the integral of a s, less what I has risen by.
        rise, decay, scale = self._texts
        inflow = f"{self.target}*(-{scale}*{decay}*expm1(-{time}/{decay}))"
        return f"({inflow} - {rise}*({self.at(time)} - {self.variable}))"

    def depolarisation(self) -> str:
        rise, decay, scale = self._texts
        direct = f"dt/C*exp(-dt*g_L/C)*exprel(dt*(g_L/C - 1/{rise}))"
        return (
            f"{self.variable}*({direct}) + "
            f"{self.target}*({scale}*dt*dt/(C*{rise})*({_quadrature(rise, decay)}))"
        )

    def kernel(self, t: ArrayLike) -> NDArray[np.float64]:
        rise, decay = self._values
        s = _since_event(t)
        return _scale(rise, decay) * s / rise * divided_exp2(-s / rise, -s / decay)

    @property
    def peak_time(self) -> float:
        rise, decay = self._values
        return float(decay * np.log(_scale(rise, decay)))

    @property
    def area(self) -> float:
        rise, decay = self._values
        return float(_scale(rise, decay) * decay)

    def filtered(self, t: ArrayLike, tau_m: float) -> NDArray[np.float64]:
        rise, decay = self._values
        s = _since_event(t)
        return _scale(rise, decay) * s**2 / rise * divided_exp3(-s / tau_m, -s / rise, -s / decay)


class _Alpha(_TwoStage):
    """Alpha function."""

    citations = (RALL, ROTH, ROTTER)
    stages = ("tau", "tau")

    tau: float = parameter("ms", "time to peak", low=0, low_open=True, array=True)


class _Biexponential(_TwoStage):
    """Difference of two exponentials."""

    citations = (ROTH, ROTTER)
    stages = ("tau_rise", "tau_decay")

    tau_rise: float = parameter("ms", "rise time constant", low=0, low_open=True, array=True)
    tau_decay: float = parameter("ms", "decay time constant", low=0, low_open=True, array=True)

    def check(self) -> None:
        if np.any(np.asarray(self.tau_rise) > np.asarray(self.tau_decay)):
            raise InputError(
                f"{type(self).__name__}: found tau_rise {self.text('tau_rise')} above tau_decay "
                f"{self.text('tau_decay')}, expected tau_rise at most tau_decay"
            )


class _Conductance(SynapticInput):
    """A conductance in series with a battery E_rev."""

    symbol = "g"
    unit = "siemens"

    E_rev: float = parameter("mV", "reversal potential", array=True)

    def current(self, value: str) -> str:
        return f"{value}*(E_rev_{self.label} - v)"


class _Current(SynapticInput):
    """A current that does not depend on v."""

    symbol = "I"
    unit = "amp"


class ExponentialCurrent(_Exponential, _Current):
    """Current that jumps and decays exponentially."""

    name = "exponential-current"


class AlphaCurrent(_Alpha, _Current):
    """Current with the time course of an alpha function."""

    name = "alpha-current"


class BiexponentialCurrent(_Biexponential, _Current):
    """Current that rises and decays exponentially."""

    name = "biexponential-current"


class ExponentialConductance(_Exponential, _Conductance):
    """Conductance that jumps and decays exponentially."""

    name = "exponential-conductance"
    presets = MappingProxyType(
        {
            "vogels-abbott-2005-exc": Preset({"tau": "5ms", "E_rev": "0mV"}, VOGELS_ABBOTT),
            "vogels-abbott-2005-inh": Preset({"tau": "10ms", "E_rev": "-80mV"}, VOGELS_ABBOTT),
            "song-2000-exc": Preset({"tau": "5ms", "E_rev": "0mV"}, SONG),
            "song-2000-inh": Preset({"tau": "5ms", "E_rev": "-70mV"}, SONG),
        }
    )


class AlphaConductance(_Alpha, _Conductance):
    """Conductance with the time course of an alpha function."""

    name = "alpha-conductance"


class BiexponentialConductance(_Biexponential, _Conductance):
    """Conductance that rises and decays exponentially."""

    name = "biexponential-conductance"


class DeltaInput(SynapticInput):
    """Jump of the membrane potential; lost while the neuron is refractory."""

    name = "delta"
    unit = "volt"
    citations = (
        Citation("Brunel 2000, J Comput Neurosci 8:183", "10.1023/A:1008925309027", "eqs 1-2"),
    )

    @property
    def target(self) -> str:
        return "v"


def _quadrature(rise: str, decay: str) -> str:
    """f[-h/tau_m, -h/rise, -h/decay] at h = dt as an expression of Brian2.

    As the integral over u from 0 to 1 of exp(-(1-u) h/tau_m) u f[-u h/rise, -u h/decay], by
    Gauss and Legendre: with 8 points exact to rounding while dt is below twice the shortest
    time constant, and 2e-12 off at five times it. (The closed form is 0/0 for equal time
    constants and loses digits for near ones; Brian2 has no function for it.)
    """
    nodes, weights = np.polynomial.legendre.leggauss(8)
    terms = []
    for u, weight in zip((1 + nodes) / 2, weights / 2, strict=True):
        h = f"{float(u)!r}*dt"
        terms.append(
            f"{float(weight * u)!r}*exp(-{float(1 - u)!r}*dt*g_L/C - {h}/{decay})"
            f"*exprel({h}*(1/{decay} - 1/{rise}))"
        )
    return " + ".join(terms)


def _since_event(t: ArrayLike) -> NDArray[np.float64]:
    """`t`, and 0 before the event."""
    return np.maximum(np.asarray(t, dtype=np.float64), 0.0)


def _scale(rise: ArrayLike, decay: ArrayLike) -> NDArray[np.float64]:
    """a = exp(t_peak/tau_decay) = exp(ln r/(r - 1)) with r = decay/rise; e for r = 1."""
    return np.exp(1 / _exprel(np.log(np.asarray(decay) / np.asarray(rise))))


def _exprel(x: ArrayLike) -> NDArray[np.float64]:
    """(exp(x) - 1)/x, 1 for x = 0."""
    x = np.asarray(x, dtype=float)
    return np.where(x == 0, 1.0, np.expm1(x) / np.where(x == 0, 1.0, x))


def divided_exp2(x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """Divided difference of exp over two points: (e^x - e^y)/(x - y), e^x for x = y."""
    low, high = np.minimum(x, y), np.maximum(x, y)
    return np.exp(high) * _exprel(low - high)


def divided_exp3(x: ArrayLike, y: ArrayLike, z: ArrayLike) -> NDArray[np.float64]:
    """Divided difference of exp over three points, equal ones too; arguments broadcast.

    Within a spread of 1 by its power series (complete homogeneous polynomials over (k+2)!),
    beyond by the recursion, which there loses no more than a digit.
    """
    low, middle, high = np.sort(np.stack(np.broadcast_arrays(x, y, z)).astype(float), axis=0)
    spread = high - low
    near = spread < 1
    a, b = np.where(near, -spread, 0.0), np.where(near, middle - high, 0.0)
    polynomial, power, factor = np.ones_like(a), np.ones_like(a), 0.5
    series = np.full_like(a, 0.5)
    for k in range(1, 18):
        power = power * b
        polynomial = a * polynomial + power
        factor /= k + 2
        series = series + factor * polynomial
    recursion = (divided_exp2(middle, high) - divided_exp2(low, middle)) / np.where(
        near, 1.0, spread
    )
    return np.where(near, np.exp(high) * series, recursion)
