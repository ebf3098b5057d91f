"""Leaky integrate-and-fire neuron: f-I curve and the shapes of postsynaptic potentials.

Symbols
-------
C          F    capacitance            g_leak    S    leak conductance, R = 1 / g_leak (ohm)
tau_m      s    C / g_leak             e_leak    V    resting potential EL
v_th       V    threshold              v_reset   V    reset potential
t_ref      s    refractory period      current   A    constant injected current I
tau_s      s    synaptic time constant (exponential and alpha)
tau_rise, tau_decay   s    of the bi-exponential

Neuron
------
    C dv/dt = -g_leak (v - e_leak) + I,  spike when v reaches v_th, then v = v_reset for t_ref
    rate = 1 / (t_ref + tau_m ln((R I + e_leak - v_reset) / (R I + e_leak - v_th)))
and 0 when R I + e_leak <= v_th.

Synaptic kernels, s(t) = 0 for t < 0
------------------------------------
All have peak 1, so an amplitude (A or S) is the peak current or conductance:
    exponential      exp(-t / tau_s)                                       peak at t = 0
    alpha            (t / tau_s) exp(1 - t / tau_s)                        peak at t = tau_s
    bi-exponential   (exp(-t / tau_decay) - exp(-t / tau_rise)) / peak,    peak at
                     t = tau_rise tau_decay / (tau_decay - tau_rise) ln(tau_decay / tau_rise);
                     tau_rise = tau_decay is its limit, the alpha kernel
The "delta" synapse lifts v by a fixed number of volts at once.

Postsynaptic potentials (v - e_leak) of a passive membrane at rest, current-based
---------------------------------------------------------------------------------
    C dv/dt = -g_leak v + i_peak s(t), v(0) = 0. With D(t; tau) the response to exp(-t / tau),
    D = (i_peak / C) (exp(-t/tau_m) - exp(-t/tau)) / (1/tau - 1/tau_m),
    and (i_peak / C) t exp(-t/tau) where tau = tau_m:
    delta            jump exp(-t / tau_m)
    exponential      D(t; tau_s)
    alpha            (e i_peak / (C tau_s)) exp(-t/tau_m) (1 - (1 + a t) e^(-a t)) / a^2,
                     a = 1/tau_s - 1/tau_m, limit t^2 / 2 for the fraction at a = 0
    bi-exponential   (D(t; tau_decay) - D(t; tau_rise)) / peak
Linear, so trains superpose.

Conductance-based
-----------------
    C dv/dt = -g_leak (v - e_leak) - g_peak sum over arrivals of s(t - t_arrival) (v - e_rev)
integrated numerically (DOP853, rtol 1e-11), piecewise between arrivals and times asked for.

Conventions decided here
------------------------
* t = 0 is the arrival at the synapse; delays are the caller's. The delta jump belongs to t = 0:
  v(0) = jump.
* At R I + e_leak = v_th exactly, the threshold is never reached: rate 0.
* v is held at v_reset during t_ref; the first interval of ``spike_times`` starts at v0 with no
  refractory period before it.

Source: the textbook solution of a linear equation (e.g. Gerstner, Kistler, Naud & Paninski 2014,
Neuronal Dynamics, ch. 1 and 3).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

FloatArray = NDArray[np.float64]
KernelName = Literal["exponential", "alpha", "biexponential"]


# --- f-I curve --------------------------------------------------------------------------


def interspike_interval(
    current: float,
    *,
    resistance: float,
    tau_m: float,
    e_leak: float,
    v_th: float,
    v_reset: float,
    t_ref: float,
) -> float:
    """Interval (s) between spikes at a constant ``current`` (A); infinite below threshold."""
    v_inf = resistance * current + e_leak
    if v_inf <= v_th:
        return math.inf
    return t_ref + tau_m * math.log((v_inf - v_reset) / (v_inf - v_th))


def firing_rate(
    current: float,
    *,
    resistance: float,
    tau_m: float,
    e_leak: float,
    v_th: float,
    v_reset: float,
    t_ref: float,
) -> float:
    """Firing rate (Hz) at a constant ``current`` (A)."""
    interval = interspike_interval(
        current,
        resistance=resistance,
        tau_m=tau_m,
        e_leak=e_leak,
        v_th=v_th,
        v_reset=v_reset,
        t_ref=t_ref,
    )
    return 0.0 if math.isinf(interval) else 1.0 / interval


def spike_times(
    current: float,
    duration: float,
    v0: float,
    *,
    resistance: float,
    tau_m: float,
    e_leak: float,
    v_th: float,
    v_reset: float,
    t_ref: float,
) -> FloatArray:
    """Spike times (s) up to ``duration`` from the start potential ``v0`` (below threshold)."""
    v_inf = resistance * current + e_leak
    if v_inf <= v_th:
        return np.array([])
    interval = interspike_interval(
        current,
        resistance=resistance,
        tau_m=tau_m,
        e_leak=e_leak,
        v_th=v_th,
        v_reset=v_reset,
        t_ref=t_ref,
    )
    first = tau_m * math.log((v_inf - v0) / (v_inf - v_th))
    times = []
    k = 0
    while first + k * interval <= duration:
        times.append(first + k * interval)
        k += 1
    return np.array(times)


# --- kernels ----------------------------------------------------------------------------


def exponential_kernel(t: ArrayLike, tau_s: float) -> FloatArray:
    """exp(-t / tau_s), 0 for t < 0."""
    return _causal(t, lambda s: math.exp(-s / tau_s))


def alpha_kernel(t: ArrayLike, tau_s: float) -> FloatArray:
    """(t / tau_s) exp(1 - t / tau_s), 0 for t < 0: peak 1 at tau_s."""
    return _causal(t, lambda s: (s / tau_s) * math.exp(1.0 - s / tau_s))


def biexponential_kernel(t: ArrayLike, tau_rise: float, tau_decay: float) -> FloatArray:
    """Difference of exponentials scaled to peak 1, 0 for t < 0."""
    if tau_rise == tau_decay:
        return alpha_kernel(t, tau_decay)
    peak = biexponential_peak(tau_rise, tau_decay)
    return _causal(t, lambda s: (math.exp(-s / tau_decay) - math.exp(-s / tau_rise)) / peak)


def biexponential_peak_time(tau_rise: float, tau_decay: float) -> float:
    """Time (s) of the peak of exp(-t/tau_decay) - exp(-t/tau_rise)."""
    return tau_rise * tau_decay / (tau_decay - tau_rise) * math.log(tau_decay / tau_rise)


def biexponential_peak(tau_rise: float, tau_decay: float) -> float:
    """Value of exp(-t/tau_decay) - exp(-t/tau_rise) at its peak."""
    t = biexponential_peak_time(tau_rise, tau_decay)
    return math.exp(-t / tau_decay) - math.exp(-t / tau_rise)


def _causal(t: ArrayLike, shape: Callable[[float], float]) -> FloatArray:
    """``shape`` at every element of ``t`` that is not negative, and 0 elsewhere."""
    times = np.asarray(t, dtype=float)
    values = np.zeros(times.shape)
    for index in np.ndindex(times.shape):
        if times[index] >= 0:
            values[index] = shape(float(times[index]))
    return values


# --- current-based PSPs, closed form ----------------------------------------------------


def psp_delta(t: ArrayLike, jump: float, tau_m: float) -> FloatArray:
    """Depolarisation (V) at ``t`` (s) after a jump of ``jump`` (V)."""
    return _causal(t, lambda s: jump * math.exp(-s / tau_m))


def _response_to_exponential(s: float, tau_m: float, tau: float) -> float:
    """Solution at s of dv/dt = -v / tau_m + exp(-t / tau), v(0) = 0 (in s)."""
    if tau == tau_m:
        return s * math.exp(-s / tau_m)
    return (math.exp(-s / tau_m) - math.exp(-s / tau)) / (1.0 / tau - 1.0 / tau_m)


def _integral_of_s_exp(a: float, t: float) -> float:
    """Integral of s exp(-a s) over s from 0 to t: (1 - (1 + a t) exp(-a t)) / a^2.

    For small a t, where that cancels, the power series t^2 sum (-a t)^k / (k! (k + 2)).
    """
    x = a * t
    if abs(x) < 0.5:
        return t**2 * math.fsum((-x) ** k / (math.factorial(k) * (k + 2)) for k in range(25))
    return (1.0 - (1.0 + x) * math.exp(-x)) / a**2


def psp_exponential(
    t: ArrayLike, i_peak: float, capacitance: float, tau_m: float, tau_s: float
) -> FloatArray:
    """Depolarisation (V) by the current i_peak exp(-t / tau_s)."""
    return _causal(t, lambda s: i_peak / capacitance * _response_to_exponential(s, tau_m, tau_s))


def psp_alpha(
    t: ArrayLike, i_peak: float, capacitance: float, tau_m: float, tau_s: float
) -> FloatArray:
    """Depolarisation (V) by the current i_peak (t / tau_s) exp(1 - t / tau_s)."""
    a = 1.0 / tau_s - 1.0 / tau_m
    scale = i_peak * math.e / (capacitance * tau_s)
    return _causal(t, lambda s: scale * math.exp(-s / tau_m) * _integral_of_s_exp(a, s))


def psp_biexponential(
    t: ArrayLike,
    i_peak: float,
    capacitance: float,
    tau_m: float,
    tau_rise: float,
    tau_decay: float,
) -> FloatArray:
    """Depolarisation (V) by the bi-exponential current of peak i_peak."""
    if tau_rise == tau_decay:
        return psp_alpha(t, i_peak, capacitance, tau_m, tau_decay)
    scale = i_peak / (capacitance * biexponential_peak(tau_rise, tau_decay))
    return _causal(
        t,
        lambda s: (
            scale
            * (
                _response_to_exponential(s, tau_m, tau_decay)
                - _response_to_exponential(s, tau_m, tau_rise)
            )
        ),
    )


def superpose(
    psp: Callable[[FloatArray], FloatArray],
    t: ArrayLike,
    arrivals: Sequence[float],
    weights: Sequence[float] | None = None,
) -> FloatArray:
    """Sum of ``weights[i] * psp(t - arrivals[i])`` (weights 1 if not given)."""
    times = np.asarray(t, dtype=float)
    total = np.zeros(times.shape)
    for i, arrival in enumerate(arrivals):
        total += (1.0 if weights is None else weights[i]) * psp(times - arrival)
    return total


# --- numerical integration --------------------------------------------------------------


def integrate_membrane(
    t: ArrayLike,
    *,
    capacitance: float,
    g_leak: float,
    e_leak: float,
    kernel: Callable[[float], float],
    arrivals: Sequence[float] = (0.0,),
    weights: Sequence[float] | None = None,
    i_peak: float = 0.0,
    g_peak: float = 0.0,
    e_rev: float = 0.0,
    v0: float | None = None,
    rtol: float = 1e-11,
) -> FloatArray:
    """Depolarisation v - e_leak (V) at the increasing times ``t`` >= 0 (s), from v0 at time 0.

    C dv/dt = -g_leak (v - e_leak) + i_peak S(t) - g_peak S(t) (v - e_rev), with
    S(t) = sum of weights[i] * kernel(t - arrivals[i]) over the arrivals that have come (at
    times >= 0). No threshold. ``v0`` is an absolute potential, e_leak if not given. Integration
    restarts at every arrival, so that no step crosses a discontinuity of the kernel, and at
    every time asked for, so that nothing is interpolated.
    """
    times = np.asarray(t, dtype=float)
    factors = [1.0] * len(arrivals) if weights is None else [float(w) for w in weights]
    depolarised = 0.0 if v0 is None else v0 - e_leak
    values = np.full(times.shape, np.nan)
    values[times == 0.0] = depolarised
    end = float(times[-1])
    inner = [float(moment) for moment in (*arrivals, *times) if 0.0 < moment < end]
    edges = sorted({0.0, end, *inner})
    for start, stop in itertools.pairwise(edges):
        active = [(a, f) for a, f in zip(arrivals, factors, strict=True) if a <= start]

        def derivative(
            now: float, state: FloatArray, active: list[tuple[float, float]] = active
        ) -> list[float]:
            drive = sum(factor * float(kernel(now - arrival)) for arrival, factor in active)
            current = -g_leak * state[0] + i_peak * drive
            current -= g_peak * drive * (state[0] + e_leak - e_rev)
            return [current / capacitance]

        solution = solve_ivp(
            derivative, (start, stop), [depolarised], method="DOP853", rtol=rtol, atol=1e-18
        )
        if not solution.success:
            raise RuntimeError(solution.message)
        depolarised = float(solution.y[0][-1])
        values[times == stop] = depolarised
    return values


def psp_conductance(
    t: ArrayLike,
    *,
    g_peak: float,
    e_rev: float,
    kernel: Callable[[float], float],
    capacitance: float,
    g_leak: float,
    e_leak: float,
    arrivals: Sequence[float] = (0.0,),
    weights: Sequence[float] | None = None,
) -> FloatArray:
    """Depolarisation v - e_leak (V) of a membrane at rest by a conductance of peak ``g_peak``."""
    return integrate_membrane(
        t,
        capacitance=capacitance,
        g_leak=g_leak,
        e_leak=e_leak,
        kernel=kernel,
        arrivals=arrivals,
        weights=weights,
        g_peak=g_peak,
        e_rev=e_rev,
    )
