"""The posterior of the best release model, n among its parameters.

The likelihood is that of the fit, and the priors are flat where that is proper:

    n                  uniform on the whole numbers from 1 to n_max (one value where n is known)
    p (U)              uniform from 0 to 1
    cv                 uniform from 0 to 1
    s0                 uniform over the range that the fit tries
    q, tau_rec, tau_facil    uniform in the logarithm over the range that the fit tries

Where the data do not bound n, so do the prior and n_max: the posterior then moves with n_max, as
the interval of the fit stays open.

n is sampled with everything else: a continuous nu stands for it, n = nu rounded, and the
coordinates are log nu, the logarithm of the mean n p q at rest, the logit of p, and the rest. So a
step to another n keeps the mean, along the ridge of the likelihood. Sampling is by ensembles of
walkers (emcee), four of them, independent and begun at different n of the 95 % set. The first
third is thrown away; the number of steps is doubled until every parameter has a rank-normalised
split R-hat between ensembles below 1.01 and an effective sample of 400, or the steps run out,
which is said.

Sources: Goodman & Weare 2010, ter Braak & Vrugt 2008 (moves); Foreman-Mackey et al. 2013 (emcee);
Vehtari et al. 2021 (R-hat and its limits).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import Citation, InputError
from synsim.fit.quantal_draws import ENSEMBLES, Marginal, Posterior
from synsim.fit.quantal_models import ModelFit
from synsim.fit.quantal_target import Target
from synsim.fit.release_filter import NAMES

FOREMAN_MACKEY = Citation(
    "Foreman-Mackey, Hogg, Lang & Goodman 2013, Publ Astron Soc Pac 125:306", "10.1086/670067"
)
VEHTARI = Citation(
    "Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021, Bayesian Anal 16:667", "10.1214/20-BA1221"
)

Array = NDArray[Any]

PRIORS = {
    "n": "uniform on 1 to n_max",
    "p": "uniform on 0 to 1 (U, too)",
    "cv": "uniform on 0 to 1",
    "s0": "uniform over the range tried",
    "q, tau_rec, tau_facil": "uniform in the logarithm over the range tried",
}
_FIRST = 600  # steps before the first look


def sample(
    fit: ModelFit,
    n_max: int,
    unit: str,
    rng: np.random.Generator,
    most: int = 9600,
    progress: Callable[[int], None] | None = None,
) -> Posterior:
    """Sample the posterior of a fitted model.

    Parameters
    ----------
    n_max : the largest n of its prior
    most : steps of an ensemble, at most
    progress : called with the steps done

    Raises
    ------
    InputError
        when the libraries of the extra `bayes` are not installed.
    """
    emcee, _ = libraries()
    target = Target(fit.release, n_max, fit.n if fit.n_fixed else None)
    walkers = 2 * (len(target.names) + 3)
    moves = [(emcee.moves.DEMove(), 0.6), (emcee.moves.StretchMove(), 0.4)]
    samplers, states = [], []
    for _ in range(ENSEMBLES):
        sampler = emcee.EnsembleSampler(
            walkers, len(target.names), target.log_posterior, moves=moves
        )  # fmt: skip
        seed = np.random.SeedSequence(int(rng.integers(2**63)))
        sampler.random_state = np.random.MT19937(seed).state
        samplers.append(sampler)
        states.append(_begin(fit, target, walkers, rng))
    done, goal = 0, min(_FIRST, most)
    while True:
        for i, sampler in enumerate(samplers):
            states[i] = sampler.run_mcmc(states[i], goal - done)
        done = goal
        if progress is not None:
            progress(done)
        found = _summary(fit, target, samplers, unit)
        if found.converged or done >= most:
            return found
        goal = min(2 * done, most)


def libraries() -> tuple[Any, Any]:
    """emcee and arviz; InputError that names the extra where they are missing."""
    try:
        import emcee

        with warnings.catch_warnings():  # arviz announces its next version
            warnings.simplefilter("ignore", FutureWarning)
            import arviz
    except ImportError as error:
        raise InputError(
            f"--posterior needs {error.name}, which is not installed: pip install 'synsim[bayes]'"
        ) from None
    return emcee, arviz


def _begin(fit: ModelFit, target: Target, walkers: int, rng: np.random.Generator) -> Array:
    """Walkers around the maxima of every n within the 95 % set or near it, (walkers, k)."""
    near = [f for f in fit.maxima.values() if f.loglik > fit.loglik - 3 and f.n <= target.n_max]
    x: list[Array] = []
    for _ in range(1000 * walkers):
        f = near[int(rng.integers(len(near)))]
        spread = np.linalg.inv(f.bend) if np.all(np.isfinite(f.bend)) else np.eye(f.z.size)
        spread = np.clip(np.diag(spread), 1e-6, 0.5)
        z = f.z + np.sqrt(spread) * rng.standard_normal(f.z.size)
        z = np.clip(z, fit.release.low + 1e-6, fit.release.high - 1e-6)
        one = target.coordinates(f.n, fit.release.theta(z))
        if target.n is None:
            one[0] = math.log(f.n + rng.uniform(-0.4, 0.4))
        one += 1e-6 * rng.standard_normal(one.size) * (1 + np.abs(one))
        if math.isfinite(target.log_posterior(one)):
            x.append(one)
        if len(x) == walkers:
            return np.array(x)
    raise InputError("--posterior: no place to start from near the best fit")


def correlation_time(walkers: Array, mean: float) -> float:
    """Integrated autocorrelation time of an ensemble, in steps, 1 or more.

    The autocorrelation is averaged over walkers, around the mean of all of them, and summed up to
    the first lag beyond five times the sum (Sokal's window).

    Parameters
    ----------
    walkers : shape (steps, walkers)
    """
    steps = len(walkers)
    transform = np.fft.rfft(walkers - mean, 2 * steps, axis=0)
    acf = np.fft.irfft(np.abs(transform) ** 2, axis=0)[:steps].mean(axis=1)
    if acf[0] <= 0:
        return float(steps)
    time = 2 * np.cumsum(acf / acf[0]) - 1
    window = int(np.argmax(np.arange(steps) > 5 * time))
    return max(float(time[window if window else -1]), 1.0)


def _summary(fit: ModelFit, target: Target, samplers: list[Any], unit: str) -> Posterior:
    _, arviz = libraries()
    shown = "p" if fit.name == "constant" else "U"
    names = ("n",) * (target.n is None) + (shown, "q", *target.rest, "mean_at_rest")
    chains = []
    for sampler in samplers:
        chain = sampler.get_chain()[sampler.iteration // 3 :]
        values = np.empty((*chain.shape[:2], len(names)))
        for i, j in np.ndindex(chain.shape[:2]):
            n, theta = target.theta(chain[i, j])
            row = [theta[0], theta[1], *(theta[NAMES.index(x)] for x in target.rest)]
            values[i, j] = ([n] if target.n is None else []) + row + [n * theta[0] * theta[1]]
        chains.append(values)
    kept = np.array(chains)  # ensemble, step, walker, parameter
    units = {"q": unit, "s0": unit, "tau_rec": "ms", "tau_facil": "ms", "mean_at_rest": unit}
    marginals = []
    for place, name in enumerate(names):
        of_one = kept[..., place]
        flat = of_one.reshape(ENSEMBLES, -1)
        low, median, high = np.quantile(flat, [0.025, 0.5, 0.975])
        alike = float(np.ptp(flat)) == 0
        ess = 0.0 if alike else sum(v.size / correlation_time(v, flat.mean()) for v in of_one)
        marginals.append(
            Marginal(
                name,
                float(median),
                float(flat.mean()),
                float(flat.std()),
                (float(low), float(high)),
                1.0 if alike else float(arviz.rhat(flat)),
                float(flat.size) if alike else ess,
                units.get(name, "1"),
            )
        )
    draws = kept.reshape(-1, len(names))
    number, count = np.unique(draws[:, 0], return_counts=True)
    sites = (
        {int(n): float(c / len(draws)) for n, c in zip(number, count, strict=True)}
        if target.n is None
        else {target.n: 1.0}
    )
    return Posterior(
        model=fit.name,
        names=names,
        draws=draws,
        ensemble=np.repeat(np.arange(ENSEMBLES), len(draws) // ENSEMBLES),
        marginals=tuple(marginals),
        sites=sites,
        steps=int(samplers[0].iteration),
        walkers=int(kept.shape[2]),
        acceptance=float(np.mean([s.acceptance_fraction.mean() for s in samplers])),
        n_max=target.n_max,
    )
