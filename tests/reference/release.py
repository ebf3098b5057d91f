"""Quantal release: binomial moments, and discrete sites by brute force.

Symbols
-------
n          -    number of release sites of a synapse
p          -    release probability of a full site
q          V    response to one vesicle (any unit: everything scales with it)
cv         -    within-site quantal variability: the SD of one vesicle's response / q, drawn anew
                for every vesicle released (Normal, not truncated)
cv_between -    fixed differences between sites: site j has its own mean q_j for good, SD(q_j) / q
noise_sd   V    SD of the recording noise, added once to every response, released or not
k_i        -    number of vesicles released by spike i
m          -    hidden number of full sites
u_i, x_i   -    as in tsodyks_markram (two-state)
U, tau_rec (s), tau_facil (s)   as there

Binomial release (Katz)
-----------------------
k ~ Binomial(n, p), response = sum of k vesicles + noise.
    mean = n p q,   variance = n p (1-p) q^2,   CV^2 = (1-p)/(n p),   failures = (1-p)^n
    within-site variability:   variance = n p q^2 (1 - p + cv^2)
    between-site, fixed:       expected variance = n p (1-p) q^2 (1 + cv_between^2)
    recording noise:           adds noise_sd^2
Here they are computed by sums over outcomes, not by these formulas; the tests hold one against
the other. "Expected variance" is the variance over releases of one synapse with its own set of
q_j, averaged over synapses; it depends on the law of q_j only through mean and SD, so a
two-point law q (1 +- cv_between), each with probability 1/2, enumerates it exactly.

Discrete sites (Fuhrmann et al. 2002)
-------------------------------------
At the first spike all n sites are full. Over an interval h every empty site refills with
probability 1 - exp(-h/tau_rec), independently; then every full site releases with probability
u_i (deterministic: u depends on the spike times only, not on what was released) and is empty.
Brute force: carry the probability of every (m, k_1, ..., k_i), over all refills and all releases.
Closed forms to hold against it:
    k_i ~ Binomial(n, u_i x_i)
    Cov(k_i, k_j) = n u_i x_i u_j (y_j - x_j), i < j
with y_j the x recursion started from y = 0 just after spike i (a site that did release at i).

Conventions decided here
------------------------
* A response is the sum of its vesicles, so its mean is n p q (q is not the response of n sites).
* Failures are k = 0, whatever the noise.
* The quantal variability is drawn per vesicle: k vesicles have variance k (cv q)^2.
* Covariances are over trials of one synapse, each train starting with all sites full.

Sources
-------
Katz 1969, The Release of Neural Transmitter Substances. Fuhrmann, Segev, Markram & Tsodyks 2002,
J Neurophysiol 87:140. Silver 2003, J Neurosci Methods 130:127 (quantal variability).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.reference.tsodyks_markram import decay, two_state

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MAX_JOINT_STATES = 2_000_000


# --- one release, probability p ---------------------------------------------------------


class Moments(NamedTuple):
    """Moments of one response; ``cv2`` is variance / mean^2, ``failures`` is P(k = 0)."""

    mean: float
    variance: float
    cv2: float
    failures: float


def binomial_pmf(n: int, p: float) -> FloatArray:
    """P(k) for k = 0..n, straight from the definition."""
    return np.array([math.comb(n, k) * p**k * (1.0 - p) ** (n - k) for k in range(n + 1)])


def binomial_moments(
    n: int, p: float, q: float = 1.0, cv: float = 0.0, noise_sd: float = 0.0
) -> Moments:
    """Mean, variance, CV^2 and failures of one response, by a sum over k = 0..n."""
    return pmf_moments(binomial_pmf(n, p), q=q, cv=cv, noise_sd=noise_sd)


def pmf_moments(
    pmf: Sequence[float] | FloatArray, q: float = 1.0, cv: float = 0.0, noise_sd: float = 0.0
) -> Moments:
    """The same for any distribution ``pmf`` of the number of vesicles, k = 0..len(pmf)-1.

    Given k the response is Normal(k q, k (cv q)^2 + noise_sd^2), so
    E[a] = sum P(k) k q and E[a^2] = sum P(k) ((k q)^2 + k (cv q)^2 + noise_sd^2).
    """
    mean = 0.0
    for k, probability in enumerate(pmf):
        mean += float(probability) * k * q
    variance = 0.0
    for k, probability in enumerate(pmf):
        spread = k * (cv * q) ** 2 + noise_sd**2
        variance += float(probability) * ((k * q - mean) ** 2 + spread)
    cv2 = variance / mean**2 if mean != 0 else math.inf
    return Moments(mean, variance, cv2, float(pmf[0]))


def response_density(
    amplitude: float,
    pmf: Sequence[float] | FloatArray,
    q: float,
    cv: float = 0.0,
    noise_sd: float = 0.0,
) -> float:
    """Density of one response: the mixture of Normal(k q, k (cv q)^2 + noise_sd^2) over k."""
    if noise_sd <= 0:
        raise ValueError("without recording noise a failure has no density")
    density = 0.0
    for k, probability in enumerate(pmf):
        sd = math.sqrt(k * (cv * q) ** 2 + noise_sd**2)
        density += float(probability) * _normal_density(amplitude, k * q, sd)
    return density


def _normal_density(value: float, mean: float, sd: float) -> float:
    return math.exp(-0.5 * ((value - mean) / sd) ** 2) / (sd * math.sqrt(2.0 * math.pi))


def fixed_sites_moments(
    site_q: Sequence[float] | FloatArray, p: float, cv: float = 0.0
) -> tuple[float, float]:
    """(mean, variance) over releases of one synapse whose sites have the fixed sizes ``site_q``.

    By enumeration of all 2^n sets of releasing sites. ``cv`` is within-site variability relative
    to the site's own size: a vesicle of site j has SD cv * q_j.
    """
    n = len(site_q)
    mean = 0.0
    second_moment = 0.0
    for released in itertools.product((False, True), repeat=n):
        probability = 1.0
        total = 0.0
        spread = 0.0
        for size, does_release in zip(site_q, released, strict=True):
            probability *= p if does_release else 1.0 - p
            if does_release:
                total += float(size)
                spread += (cv * float(size)) ** 2
        mean += probability * total
        second_moment += probability * (total**2 + spread)
    return mean, second_moment - mean**2


def expected_fixed_sites_variance(
    n: int, p: float, q: float, cv_between: float, cv: float = 0.0
) -> float:
    """Variance over releases, averaged over synapses whose site sizes differ for good.

    By enumeration of all 2^n assignments of q (1 - cv_between) or q (1 + cv_between) to the
    sites (mean q, SD cv_between * q), each with all 2^n releases: small n only.
    With ``cv`` too it is n p q^2 (1 + cv_between^2) (1 - p + cv^2).
    """
    sizes = (q * (1.0 - cv_between), q * (1.0 + cv_between))
    total = 0.0
    for site_q in itertools.product(sizes, repeat=n):
        _, variance = fixed_sites_moments(site_q, p, cv)
        total += variance / 2**n
    return total


# --- discrete sites along a train, by brute force ---------------------------------------


def _refill_probability(h: float, tau_rec: float) -> float:
    return 1.0 - decay(h, tau_rec)


def full_sites_pmf(
    times: Sequence[float] | FloatArray, n: int, U: float, tau_rec: float, tau_facil: float
) -> FloatArray:
    """P(m full sites found by spike i), shape (n_spikes, n + 1).

    Propagates only the distribution of the hidden m, so any n and any number of spikes will do.
    """
    train = [float(t) for t in times]
    u = two_state(train, U, tau_rec, tau_facil).u
    found = np.zeros((len(train), n + 1))
    full = np.zeros(n + 1)
    full[n] = 1.0
    for i in range(len(train)):
        if i > 0:
            refilled = np.zeros(n + 1)
            refill = _refill_probability(train[i] - train[i - 1], tau_rec)
            for m in range(n + 1):
                for gained, probability in enumerate(binomial_pmf(n - m, refill)):
                    refilled[m + gained] += full[m] * probability
            full = refilled
        found[i] = full
        left = np.zeros(n + 1)
        for m in range(n + 1):
            for k, probability in enumerate(binomial_pmf(m, float(u[i]))):
                left[m - k] += full[m] * probability
        full = left
    return found


def released_pmf(
    times: Sequence[float] | FloatArray, n: int, U: float, tau_rec: float, tau_facil: float
) -> FloatArray:
    """P(k vesicles released by spike i), shape (n_spikes, n + 1), through ``full_sites_pmf``."""
    u = two_state(times, U, tau_rec, tau_facil).u
    found = full_sites_pmf(times, n, U, tau_rec, tau_facil)
    released = np.zeros_like(found)
    for i in range(len(found)):
        for m in range(n + 1):
            for k, probability in enumerate(binomial_pmf(m, float(u[i]))):
                released[i, k] += found[i, m] * probability
    return released


def released_joint_pmf(
    times: Sequence[float] | FloatArray, n: int, U: float, tau_rec: float, tau_facil: float
) -> FloatArray:
    """P(k_1, ..., k_S) of a whole train: array of shape (n + 1,) * n_spikes.

    Full joint enumeration of (hidden m, all releases so far): small n and short trains only.
    """
    train = [float(t) for t in times]
    if (n + 1) ** len(train) > MAX_JOINT_STATES:
        raise ValueError("too many outcomes to enumerate: fewer sites or fewer spikes, please")
    u = two_state(train, U, tau_rec, tau_facil).u
    states: dict[tuple[int, tuple[int, ...]], float] = {(n, ()): 1.0}
    for i in range(len(train)):
        if i > 0:
            refill = _refill_probability(train[i] - train[i - 1], tau_rec)
            after_refill: dict[tuple[int, tuple[int, ...]], float] = {}
            for (m, history), weight in states.items():
                for gained, probability in enumerate(binomial_pmf(n - m, refill)):
                    key = (m + gained, history)
                    after_refill[key] = after_refill.get(key, 0.0) + weight * float(probability)
            states = after_refill
        after_release: dict[tuple[int, tuple[int, ...]], float] = {}
        for (m, history), weight in states.items():
            for k, probability in enumerate(binomial_pmf(m, float(u[i]))):
                key = (m - k, (*history, k))
                after_release[key] = after_release.get(key, 0.0) + weight * float(probability)
        states = after_release
    joint = np.zeros((n + 1,) * len(train))
    for (_, history), weight in states.items():
        joint[history] += weight
    return joint


def joint_moments(
    joint: FloatArray, q: float = 1.0, cv: float = 0.0, noise_sd: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """(mean, covariance matrix) of the responses of a train, shapes (S,) and (S, S).

    By a sum over all outcomes of ``released_joint_pmf``. The defaults give those of k itself.
    Within-site variability and noise are independent between spikes: they enter the diagonal only.
    """
    n_spikes = joint.ndim
    mean = np.zeros(n_spikes)
    second = np.zeros((n_spikes, n_spikes))
    for outcome in np.ndindex(joint.shape):
        probability = float(joint[outcome])
        k = np.array(outcome, dtype=float)
        mean += probability * k * q
        second += probability * np.outer(k * q, k * q)
        second += probability * np.diag(k * (cv * q) ** 2 + noise_sd**2)
    return mean, second - np.outer(mean, mean)


class StandardErrors(NamedTuple):
    """Standard errors, at N independent trials, of the estimates from counts k of a train."""

    mean: FloatArray
    failures: FloatArray
    covariance: FloatArray


def joint_standard_errors(joint: FloatArray, n_trials: int) -> StandardErrors:
    """Exact standard errors of sample mean, failure rate and (unbiased) sample covariance.

    With N trials, central moments m22 = E[(a - Ea)^2 (b - Eb)^2] and c = Cov(a, b):
        Var(sample covariance) = m22 / N - (N-2) c^2 / (N (N-1)) + Var(a) Var(b) / (N (N-1)),
    the diagonal being that of the sample variance (divided by N - 1, ddof = 1).
    """
    mean, covariance = joint_moments(joint)
    n_spikes = joint.ndim
    fourth = np.zeros((n_spikes, n_spikes))
    failures = np.zeros(n_spikes)
    for outcome in np.ndindex(joint.shape):
        probability = float(joint[outcome])
        k = np.array(outcome, dtype=float)
        squared = (k - mean) ** 2
        fourth += probability * np.outer(squared, squared)
        failures += probability * (k == 0)
    variance = np.diag(covariance)
    big_n = float(n_trials)
    of_covariance = (
        fourth / big_n
        - (big_n - 2.0) * covariance**2 / (big_n * (big_n - 1.0))
        + np.outer(variance, variance) / (big_n * (big_n - 1.0))
    )
    return StandardErrors(
        mean=np.sqrt(variance / big_n),
        failures=np.sqrt(failures * (1.0 - failures) / big_n),
        covariance=np.sqrt(np.maximum(of_covariance, 0.0)),
    )


def train_likelihood(
    amplitudes: Sequence[float] | FloatArray,
    joint: FloatArray,
    q: float,
    cv: float = 0.0,
    noise_sd: float = 0.0,
) -> float:
    """Likelihood (density) of the measured ``amplitudes`` of one train.

    The sum over all outcomes (k_1, ..., k_S) of P(k_1, ..., k_S) times the product of
    Normal(k_i q, k_i (cv q)^2 + noise_sd^2) at the amplitudes; needs noise_sd > 0.
    """
    if noise_sd <= 0:
        raise ValueError("without recording noise a failure has no density")
    likelihood = 0.0
    for outcome in np.ndindex(joint.shape):
        term = float(joint[outcome])
        for k, amplitude in zip(outcome, amplitudes, strict=True):
            sd = math.sqrt(k * (cv * q) ** 2 + noise_sd**2)
            term *= _normal_density(float(amplitude), k * q, sd)
        likelihood += term
    return likelihood


# --- closed forms -----------------------------------------------------------------------


def closed_form_pmf(
    times: Sequence[float] | FloatArray, n: int, U: float, tau_rec: float, tau_facil: float
) -> FloatArray:
    """P(k released by spike i) as Binomial(n, u_i x_i), shape (n_spikes, n + 1)."""
    response = two_state(times, U, tau_rec, tau_facil).response
    return np.array([binomial_pmf(n, float(p)) for p in response])


def closed_form_moments(
    times: Sequence[float] | FloatArray,
    n: int,
    U: float,
    tau_rec: float,
    tau_facil: float,
    q: float = 1.0,
    cv: float = 0.0,
    noise_sd: float = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """(mean, covariance matrix) of the responses of a train by the closed forms, any n."""
    train = [float(t) for t in times]
    u, x, response = two_state(train, U, tau_rec, tau_facil)
    mean = n * response * q
    covariance = np.diag(n * response * (1.0 - response + cv**2) * q**2 + noise_sd**2)
    for i in range(len(train)):
        y = 0.0  # expected availability, just after spike i, of a site that released at i
        for j in range(i + 1, len(train)):
            y = 1.0 - (1.0 - y) * decay(train[j] - train[j - 1], tau_rec)
            covariance[i, j] = n * u[i] * x[i] * u[j] * (y - x[j]) * q**2
            covariance[j, i] = covariance[i, j]
            y = y * (1.0 - u[j])
    return mean, covariance


# --- Monte Carlo ------------------------------------------------------------------------


def monte_carlo_released(
    times: Sequence[float] | FloatArray,
    n: int,
    U: float,
    tau_rec: float,
    tau_facil: float,
    n_trials: int,
    rng: np.random.Generator,
) -> IntArray:
    """Vesicles released, shape (n_trials, n_spikes): every site is its own two-state chain."""
    train = [float(t) for t in times]
    u = two_state(train, U, tau_rec, tau_facil).u
    released = np.zeros((n_trials, len(train)), dtype=np.int64)
    full = np.ones((n_trials, n), dtype=bool)
    for i in range(len(train)):
        if i > 0:
            refill = _refill_probability(train[i] - train[i - 1], tau_rec)
            refills = rng.random((n_trials, n)) < refill
            full = full | refills
        releases = full & (rng.random((n_trials, n)) < u[i])
        full = full & ~releases
        released[:, i] = releases.sum(axis=1)
    return released


def monte_carlo_responses(
    released: IntArray,
    q: float,
    rng: np.random.Generator,
    cv: float = 0.0,
    noise_sd: float = 0.0,
) -> FloatArray:
    """Responses for the counts ``released``: one Normal(q, cv q) per vesicle, plus noise."""
    responses = np.zeros(released.shape)
    for index in np.ndindex(released.shape):
        vesicles = rng.normal(q, cv * q, size=int(released[index]))
        responses[index] = vesicles.sum() + rng.normal(0.0, noise_sd)
    return responses
