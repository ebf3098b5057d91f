"""The asynchronous state of a random network of excitatory and inhibitory neurons, in mean field.

Neurons are alike and all fire at the rate r (Brunel 2000, model A). A neuron gets C_E synapses from
excitatory neurons, C_I from inhibitory ones and Poisson events from outside; with responses a of
mean E[a] and second moment E[a^2], its input has

    mu      = E_L + tau_m sum over inputs of  C r E[a]
    sigma^2 =       tau_m sum over inputs of  C r E[a^2]

and as many small jumps are as good as white noise, it fires at the rate (Siegert 1951)

    1/rate = t_ref + tau_m sqrt(pi) integral from (V_reset - mu)/sigma to (V_th - mu)/sigma of
             e^(x^2) (1 + erf x) dx

which must be r: that is solved for r. The intervals between a neuron's spikes vary as

    CV^2 = 2 pi (r tau_m)^2 integral over the same of e^(x^2) F(x) dx,
           F(x) = integral from -inf to x of e^(y^2) (1 + erf y)^2 dy

Unreliable synapses have E[a^2] > E[a]^2: with n sites that release with probability u x at rate r,
E[a^2] = q^2 (1 + CV_within^2) n u x (1 - u x) + (q n u x)^2 and so on, u and x in the mean over
Poisson trains (`frequency.poisson_mean_field`). So release noise is noise of the input, as if there
were more and smaller events from outside.

What it leaves out: neurons that fire regularly or together, the memory from one response to the
next (a site that has just released has less to release), the size of single jumps, the time step.
`synsim run balanced-network` says how far the simulation is from it.

Sources: Siegert 1951, Phys Rev 81:617; Brunel 2000, J Comput Neurosci 8:183, eqs 4-5 and appendix
A.1; responses of unreliable plastic synapses put into it: ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation, InputError
from synsim.models.lif import LIF
from synsim.models.tsodyks_three_state import TsodyksThreeState
from synsim.predict.frequency import poisson_mean_field
from synsim.synapse import Synapse

SIEGERT = Citation("Siegert 1951, Phys Rev 81:617", "10.1103/PhysRev.81.617")

Array = NDArray[np.float64]
_POINTS = 4001


@dataclass(frozen=True)
class Moments:
    """Of the response to one presynaptic spike: mean (V) and second moment (V^2)."""

    mean: float
    square: float


@dataclass(frozen=True)
class Input:
    """A number of like synapses, and the rate of each one's source; Hz, None: the network's own."""

    synapse: Synapse
    count: float
    rate: float | None = None


@dataclass(frozen=True)
class State:
    """The asynchronous state.

    rate : Hz
    cv : of the intervals; NaN where nothing fires
    mu, sigma : of the input, V: mean potential without threshold, and the sigma above
    """

    rate: float
    cv: float
    mu: float
    sigma: float


def response_moments(synapse: Synapse, rate: float) -> Moments:
    """Of one response, over Poisson trains of a rate (Hz), weights as they are at the start.

    Raises
    ------
    InputError
        for the three-state model at a rate above 0, which has no such mean field
    """
    rule, contacts = synapse.short_term, synapse.contacts
    n, q, chance = float(contacts.n), float(contacts.q), 1.0
    if rule is None:
        assert contacts.p is not None
        u = float(contacts.p)
    elif isinstance(rule, TsodyksThreeState) and rate > 0:
        raise InputError(
            "the three-state model has no closed form over Poisson trains, expected two states"
        )
    else:
        u = float(rule.U)
    if synapse.plasticity is not None:
        w = float(contacts.w0)
        if contacts.acts_on == "q":
            q *= w
        elif contacts.acts_on == "p":
            u *= w
        else:
            n = np.floor(w * n + 0.5)
    if rule is not None and rate > 0:
        u, chance = (
            float(v)
            for v in poisson_mean_field(rate, u, float(rule.tau_rec), float(rule.tau_facil))
        )
    released = n * u * chance
    variance = 0.0
    if synapse.release.stochastic:
        variance = released * (1 - u * chance)
        if synapse.variability is not None:
            variance += released * float(synapse.variability.cv_within) ** 2
    return Moments(q * released, q**2 * (variance + released**2))


def siegert_rate(neuron: LIF, mu: float, sigma: float) -> float:
    """Firing rate (Hz) at white noise; sigma above 0, both in V."""
    low, high = (neuron.V_reset - mu) / sigma, (neuron.V_th - mu) / sigma
    x = np.linspace(low, high, _POINTS)
    if high > 26:  # e^(x^2) has no double: less than a spike in the age of the universe
        return 0.0
    return float(1 / (neuron.t_ref + neuron.tau_m * np.sqrt(np.pi) * _simpson(_kernel(x), x)))


def siegert_cv(neuron: LIF, mu: float, sigma: float) -> float:
    """CV of the intervals at white noise; NaN where nothing fires."""
    rate = siegert_rate(neuron, mu, sigma)
    if rate == 0:
        return float("nan")
    from scipy.special import erfcx

    low, high = (neuron.V_reset - mu) / sigma, (neuron.V_th - mu) / sigma
    # e^(y^2) (1 + erf y)^2 = erfcx(-y)^2 e^(-y^2), nothing below -8
    y = np.linspace(min(low, 0.0) - 8, high, 4 * _POINTS)
    inner = erfcx(-y) ** 2 * np.exp(-(y**2))
    F = np.concatenate([[0.0], np.cumsum((inner[1:] + inner[:-1]) / 2 * np.diff(y))])
    x = np.linspace(low, high, _POINTS)
    with np.errstate(under="ignore"):
        # far below 0 both factors are extreme; there F ~ e^(-x^2)/(2 pi |x|^3)
        outer = np.where(
            x < -5, 1 / (2 * np.pi * np.abs(np.minimum(x, -1)) ** 3),
            np.exp(np.minimum(x**2, 700)) * np.interp(x, y, F),
        )  # fmt: skip
    squared = 2 * np.pi * (rate * neuron.tau_m) ** 2 * _simpson(outer, x)
    return float(np.sqrt(squared))


def _kernel(x: Array) -> Array:
    from scipy.special import erfcx

    return erfcx(-x)  # e^(x^2) (1 + erf x)


def _simpson(values: Array, x: Array) -> float:
    from scipy.integrate import simpson

    return float(simpson(values, x=x))


def asynchronous_state(neuron: LIF, inputs: list[Input]) -> State:
    """The rate at which the network sustains itself, and the CV of intervals.

    Parameters
    ----------
    neuron : parameters single numbers
    inputs : of one neuron; those without a rate of their own come from the network

    Returns
    -------
    State; where there are several, that of the lowest rate that is stable (at a higher rate
    neurons would fire less than that)

    Raises
    ------
    InputError
        for responses that are not jumps of the potential, and the three-state model
    """
    for given in inputs:
        if given.synapse.contacts.dimension("q").brian_unit != "volt":
            raise InputError(
                f"found q = {given.synapse.contacts.text('q')}, expected jumps of the potential"
            )

    def excess(rate: float) -> float:
        return siegert_rate(neuron, *_input(neuron, inputs, rate)) - rate

    most = 1 / neuron.t_ref if neuron.t_ref > 0 else 1e4
    grid = np.concatenate([[0.0], np.geomspace(1e-3, most, 200)])
    found = np.array([excess(r) for r in grid])
    falls = np.flatnonzero((found[:-1] > 0) & (found[1:] <= 0))
    if found[0] <= 0:
        rate = 0.0
    elif not falls.size:
        rate = most
    else:
        from scipy.optimize import brentq

        rate = float(brentq(excess, grid[falls[0]], grid[falls[0] + 1], xtol=1e-10))
    mu, sigma = _input(neuron, inputs, rate)
    return State(rate, siegert_cv(neuron, mu, sigma), mu, sigma)


def _input(neuron: LIF, inputs: list[Input], rate: float) -> tuple[float, float]:
    mu, variance = neuron.E_L, 0.0
    for given in inputs:
        arriving = rate if given.rate is None else given.rate
        moments = response_moments(given.synapse, arriving)
        mu += neuron.tau_m * given.count * arriving * moments.mean
        variance += neuron.tau_m * given.count * arriving * moments.square
    return mu, max(np.sqrt(variance), 1e-9)


def threshold_rate(neuron: LIF, count: ArrayLike, response: ArrayLike) -> Array:
    """The rate (Hz) of each of `count` sources at which the mean input alone reaches threshold.

    nu_thr of Brunel 2000: (V_th - E_L)/(tau_m C J), with the mean response J in V.
    """
    return (neuron.V_th - neuron.E_L) / (neuron.tau_m * np.asarray(count) * np.asarray(response))
