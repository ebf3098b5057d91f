"""What a synapse does to the rate of its input, in closed form.

Steady state of a regular train at rate r (u, x as used at a spike; h = 1/r, E = e^(-h/tau)):

    u = U / (1 - (1 - U) E_facil),   x = (1 - E_rec) / (1 - (1 - u) E_rec)
    quanta per pulse n u x, per second r n u x

Per second, release saturates at n/tau_rec, the rate at which sites refill: with depression alone
the response per pulse falls as 1/r above the limiting frequency

    lambda = 1/(U tau_rec)                          (Tsodyks & Markram 1997)

at which a Poisson input, for which x = 1/(1 + U r tau_rec) in the mean, gives half of that. A
facilitating synapse responds most at a peak frequency. In the mean over Poisson inputs, with u
and x taken as independent,

    u(r) = U (1 + r tau_facil)/(1 + U r tau_facil),   x(r) = 1/(1 + u(r) r tau_rec)
    u x is largest at  r = (sqrt((1 - U) tau_facil/(U tau_rec)) - 1)/tau_facil

which for small U becomes 1/sqrt(U tau_facil tau_rec) (Markram, Wang & Tsodyks 1998); where it is
not above 0 there is no peak. That of a regular train is found by search.

After a step of rate from r_0 to r_1 the responses go from one steady state to the other. With
depression alone, k pulses after the first one at the new interval,

    x_k = x_inf + (x_0 - x_inf) ((1 - U) E_rec)^k

and the first responses to the new rate are in proportion to r_1/r_0 while r_0 is well above
lambda: the synapse signals relative changes of rate (Abbott, Varela, Sen & Nelson 1997).

Which of several rates or states holds is told by k quanta, Binomial(n, P) with a P of each, by as
many bits as

    I = sum over k of sum over s of w_s p(k|s) log2(p(k|s)/p(k)),   p(k) = sum over s of w_s p(k|s)

an exact sum over n + 1 terms (mutual information; of such responses first Fuhrmann et al. 2002).

Sources: Tsodyks & Markram 1997, PNAS 94:719; Markram, Wang & Tsodyks 1998, PNAS 95:5323; Abbott,
Varela, Sen & Nelson 1997, Science 275:220; Fuhrmann, Segev, Markram & Tsodyks 2002, J Neurophysiol
87:140. The form of the peak without small U, and the steady state of three states, are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation
from synsim.models.tsodyks_markram import steady_state
from synsim.models.tsodyks_three_state import TsodyksThreeState
from synsim.synapse import Synapse

ABBOTT = Citation(
    "Abbott, Varela, Sen & Nelson 1997, Science 275:220", "10.1126/science.275.5297.220"
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SteadyState:
    """Of a regular train; all of the shape of the rates and parameters, broadcast.

    u, x : release probability and availability as used at a pulse
    mean, variance, failures : of the released quanta at a pulse
    mean_per_s, failures_per_s : times the rate
    response_mean : in the unit of q (SI)
    """

    u: Array
    x: Array
    mean: Array
    variance: Array
    failures: Array
    mean_per_s: Array
    failures_per_s: Array
    response_mean: Array


def predict_steady_state(synapse: Synapse, rate: ArrayLike) -> SteadyState:
    """What a synapse does at every pulse of a regular train that has lasted for long.

    Parameters
    ----------
    synapse : without long-term plasticity; its parameters may be arrays
    rate : Hz, above 0; broadcasts with the parameters
    """
    rate = np.asarray(rate, dtype=float)
    rule, contacts = synapse.short_term, synapse.contacts
    if rule is None:
        assert contacts.p is not None
        u = np.asarray(contacts.p, dtype=float) + 0 * rate
        x = np.ones_like(u)
    elif isinstance(rule, TsodyksThreeState):
        u, x = three_state(rate, rule.U, rule.tau_rec, rule.tau_facil, rule.tau_inact)
    else:
        u, x = steady_state(rate, rule.U, rule.tau_rec, rule.tau_facil)
    n, chance = np.asarray(contacts.n, dtype=float), u * x
    mean = n * chance
    if synapse.release.stochastic:
        variance, failures = mean * (1 - chance), (1 - chance) ** n
    else:
        variance, failures = np.zeros_like(mean), (mean == 0).astype(float)
    return SteadyState(
        u=u,
        x=x,
        mean=mean,
        variance=variance,
        failures=failures,
        mean_per_s=mean * rate,
        failures_per_s=failures * rate,
        response_mean=mean * np.asarray(contacts.q),
    )


def three_state(
    rate: ArrayLike, U: ArrayLike, tau_rec: ArrayLike, tau_facil: ArrayLike, tau_inact: ArrayLike
) -> tuple[Array, Array]:
    """u and x in the steady state of the three-state model; arguments broadcast.

    The fixed point of its (linear) map from pulse to pulse.
    """
    rate = np.asarray(rate, dtype=float)
    tau_rec, tau_inact = np.asarray(tau_rec, dtype=float), np.asarray(tau_inact, dtype=float)
    u = steady_state(rate, U, tau_rec, tau_facil)[0]
    kept, active = np.exp(-1 / (rate * tau_rec)), np.exp(-1 / (rate * tau_inact))
    returned = 1 + (tau_inact * active - tau_rec * kept) / (tau_rec - tau_inact)
    # just after a pulse the active fraction is u x/(1 - active), for one that was left over
    gained = u * (returned - 1 + kept) / (1 - active)
    return u, (1 - kept) / (1 - (1 - u) * kept - gained)


def settling_pulses(
    synapse: Synapse, rate: float, tolerance: float = 1e-6, most: int = 100_000
) -> int:
    """Pulses of a regular train after which it is within `tolerance` of its steady state.

    Of a synapse whose parameters are single numbers; of u and x, both between 0 and 1.
    """
    rule = synapse.short_term
    if rule is None:
        return 1
    U, h = float(rule.U), 1 / rate
    facil = (1 - U) * np.exp(-h / rule.tau_facil) if rule.tau_facil > 0 else 0.0
    u = U / (1 - facil)
    factors = [facil, (1 - min(U, u)) * np.exp(-h / rule.tau_rec)]
    if isinstance(rule, TsodyksThreeState):
        factors += [np.exp(-h / rule.tau_rec), np.exp(-h / rule.tau_inact)]
    slowest = max(factors)
    if slowest <= 0:
        return 2
    # a little more than the slowest factor asks for: u and x settle one upon the other
    return int(min(most, np.ceil(1.5 * np.log(tolerance) / np.log(slowest)) + 2))


def limiting_frequency(U: ArrayLike, tau_rec: ArrayLike) -> Array:
    """lambda = 1/(U tau_rec), Hz: above it the response of a depressing synapse falls as 1/rate."""
    return 1 / (np.asarray(U, dtype=float) * np.asarray(tau_rec))


def poisson_mean_field(
    rate: ArrayLike, U: ArrayLike, tau_rec: ArrayLike, tau_facil: ArrayLike
) -> tuple[Array, Array]:
    """u and x as found by a spike of a Poisson input, in the mean, taken as independent.

    Exact for u, and for x without facilitation. Arguments broadcast; times in s.
    """
    rate, U = np.asarray(rate, dtype=float), np.asarray(U, dtype=float)
    u = U * (1 + rate * tau_facil) / (1 + U * rate * tau_facil)
    return u, 1 / (1 + u * rate * tau_rec)


def peak_frequency_mean_field(U: ArrayLike, tau_rec: ArrayLike, tau_facil: ArrayLike) -> Array:
    """Rate (Hz) at which `poisson_mean_field` responds most per pulse; NaN where there is none."""
    U, tau_rec, tau_facil = (np.asarray(a, dtype=float) for a in (U, tau_rec, tau_facil))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (np.sqrt((1 - U) * tau_facil / (U * tau_rec)) - 1) / tau_facil
    return np.where((tau_facil > 0) & (found > 0), found, np.nan)


def peak_frequency(U: float, tau_rec: float, tau_facil: float) -> float:
    """Rate (Hz) of the regular train with the largest steady response per pulse; NaN for none."""
    if tau_facil <= 0:
        return float("nan")
    from scipy.optimize import minimize_scalar

    def response(log_rate: ArrayLike) -> Array:
        u, x = steady_state(np.exp(log_rate), U, tau_rec, tau_facil)
        return u * x

    grid = np.linspace(np.log(1e-3 / max(tau_rec, tau_facil)), np.log(1e3 / tau_rec), 2000)
    top = int(np.argmax(response(grid)))
    # at low rates u x is U to the last digit or two: that is no peak
    if top in (0, len(grid) - 1) or response(grid[top]) <= U * (1 + 1e-12):
        return float("nan")
    found = minimize_scalar(
        lambda log_rate: -float(response(log_rate)),
        bounds=(grid[top - 1], grid[top + 1]),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return float(np.exp(found.x))


def step_response(
    before: ArrayLike,
    after: ArrayLike,
    pulses: int,
    U: ArrayLike,
    tau_rec: ArrayLike,
    tau_facil: ArrayLike,
) -> tuple[Array, Array]:
    """u and x at the pulses that follow a step in the rate of a regular train.

    Parameters
    ----------
    before, after : rates in Hz; the first pulse comes 1/after later than the last at `before`,
        which is in its steady state. All arguments broadcast to a shape S.
    pulses : how many to follow

    Returns
    -------
    u, x : shape S + (pulses,); the postsynaptic drive is after n q u x
    """
    before, after, U, tau_rec, tau_facil = np.broadcast_arrays(
        *(np.asarray(a, dtype=float) for a in (before, after, U, tau_rec, tau_facil))
    )
    with np.errstate(divide="ignore"):
        facil, rec = np.exp(-1 / (after * tau_facil)), np.exp(-1 / (after * tau_rec))
    u, x = steady_state(before, U, tau_rec, tau_facil)
    found = np.empty((2, *U.shape, pulses))
    for k in range(pulses):
        x = 1 - (1 - x * (1 - u)) * rec
        u = U + u * (1 - U) * facil
        found[0, ..., k], found[1, ..., k] = u, x
    return found[0], found[1]


def depression_after_step(
    before: ArrayLike, after: ArrayLike, pulse: ArrayLike, U: ArrayLike, tau_rec: ArrayLike
) -> Array:
    """x at pulse number `pulse` (from 0) after a step of rate, without facilitation.

    x_k = x_inf + (x_0 - x_inf) ((1 - U) E)^k, as `step_response` without its loop.
    """
    before, after, U = (np.asarray(a, dtype=float) for a in (before, after, U))
    rec = np.exp(-1 / (after * np.asarray(tau_rec)))
    settled = steady_state(after, U, tau_rec, 0.0)[1]
    first = 1 - (1 - steady_state(before, U, tau_rec, 0.0)[1] * (1 - U)) * rec
    return settled + (first - settled) * ((1 - U) * rec) ** np.asarray(pulse)


def information(n: ArrayLike, chance: ArrayLike, weights: ArrayLike | None = None) -> Array:
    """Bits that the quanta of one release tell about which of several states holds.

    Parameters
    ----------
    n : number of release sites, a number or an array that broadcasts with (...)
    chance : release probability of a site (u x) in each state, shape (..., states)
    weights : probabilities of the states, shape (states,); all the same by default

    Returns
    -------
    mutual information, shape (...); at most log2(states) and log2(n + 1)
    """
    from scipy.special import gammaln, xlog1py, xlogy

    n, chance = np.asarray(n, dtype=float)[..., None, None], np.asarray(chance, dtype=float)
    count = chance.shape[-1]
    w = np.full(count, 1 / count) if weights is None else np.asarray(weights, dtype=float)
    k = np.arange(int(n.max()) + 1)
    rest = np.maximum(n - k, 0)
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(rest + 1)
    p = chance[..., None]
    given = np.where(k <= n, np.exp(ways + xlogy(k, p) + xlog1py(rest, -p)), 0.0)
    joint = w[:, None] * given  # (..., states, n + 1)
    whole = joint.sum(axis=-2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = joint * np.log2(given / whole)
    return np.where(joint > 0, bits, 0.0).sum(axis=(-2, -1))


def step_information(
    before: ArrayLike,
    after: ArrayLike,
    pulses: int,
    n: ArrayLike,
    U: ArrayLike,
    tau_rec: ArrayLike,
    tau_facil: ArrayLike,
    weights: ArrayLike | None = None,
) -> Array:
    """Bits that the release at each pulse after a step tells about which rate it stepped to.

    The synapse was in the steady state of the rate `before`; then comes one of the rates `after`,
    and one among them may be `before` itself (no step). Each pulse is read by itself: what the
    pulses tell together is less than the sum. When the pulses come is not counted as known.

    Parameters
    ----------
    before : rate in Hz
    after : rates in Hz, shape (states,)
    pulses : how many after the step
    n, U, tau_rec, tau_facil : numbers, or arrays that broadcast to a shape S; times in s
    weights : probabilities of the rates, shape (states,); all the same by default

    Returns
    -------
    shape S + (pulses,)
    """
    own = [np.asarray(a, dtype=float)[..., None] for a in (U, tau_rec, tau_facil)]
    u, x = step_response(np.asarray(before, dtype=float)[..., None], after, pulses, *own)
    chance = np.swapaxes(u * x, -1, -2)
    return information(np.asarray(n, dtype=float)[..., None], chance, weights)
