"""Times of predictions in closed form, beside loops that one would write without synsim.

    python benchmarks/predict.py [--runs 200]

Everything in one process: the best of `--runs` rounds, each of many calls, in microseconds. The
loops compute the same means and variances (checked before anything is timed).
"""

from __future__ import annotations

import argparse
import platform
import timeit
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np

from synsim import RecordingNoise, Synapse, TsodyksMarkram
from synsim.models.tsodyks_three_state import train as three_state
from synsim.predict.frequency import predict_steady_state, step_information
from synsim.predict.moments import train_moments
from synsim.predict.recovery import recovery_curve
from synsim.predict.train import predict_train

TIMES = np.arange(20) / 20
N, U, TAU_REC, TAU_FACIL = 5, 0.5, 0.8, 0.1


def numpy_loop(times: Any, n: Any, U: Any, tau_rec: Any, tau_facil: Any) -> tuple[Any, Any]:
    """Mean and variance of the quanta, pulse by pulse, as one writes it first."""
    u, x = U, 1.0 + 0 * U
    chance = [u * x]
    for h in np.diff(times):
        x = 1 - (1 - x * (1 - u)) * np.exp(-h / tau_rec)
        u = U + u * (1 - U) * np.exp(-h / tau_facil)
        chance.append(u * x)
    P = np.array(chance)
    return n * P, n * P * (1 - P)


def monte_carlo(repeats: int, rng: np.random.Generator) -> Any:
    """Covariance of the quanta from simulated repeats, vectorised over them."""
    full, u = np.full(repeats, N), U
    counts = np.empty((repeats, len(TIMES)))
    for i, h in enumerate(np.diff(TIMES, prepend=-np.inf)):
        full += rng.binomial(N - full, -np.expm1(-h / TAU_REC))
        u = U + u * (1 - U) * np.exp(-h / TAU_FACIL) if i else U
        counts[:, i] = rng.binomial(full, u)
        full -= counts[:, i].astype(int)
    return np.cov(counts, rowvar=False)


def best(call: Callable[[], Any], runs: int) -> float:
    """Microseconds of a call: the best round, of about 2 ms each."""
    once = max(min(timeit.repeat(call, number=1, repeat=3)), 1e-7)
    number = max(1, int(0.002 / once))
    return 1e6 * min(timeit.repeat(call, number=number, repeat=runs)) / number


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    many = np.linspace(0.05, 0.95, 1000)
    found = train_moments(TIMES, N, U, TAU_REC, TAU_FACIL)
    mean, variance = numpy_loop(TIMES, N, U, TAU_REC, TAU_FACIL)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-12)
    rule = TsodyksMarkram(U=U, tau_rec="800ms", tau_facil="100ms")
    synapse = Synapse(
        n=N, q="0.2mV", release="sites", short_term=rule, noise=RecordingNoise(s0="0.05mV")
    )
    rng = np.random.default_rng(1)
    pauses = np.geomspace(0.01, 5, 100)
    constants = U, TAU_REC, TAU_FACIL
    rows: list[tuple[str, Callable[[], Any], Callable[[], Any] | None]] = [
        (
            "20 pulses, one synapse, arrays",
            lambda: train_moments(TIMES, N, *constants),
            lambda: numpy_loop(TIMES, N, *constants),
        ),
        ("the same from a Synapse", lambda: predict_train(synapse, TIMES), None),
        (
            "the same with the covariance (beside 1,000 simulated repeats)",
            lambda: train_moments(TIMES, N, *constants).covariance,
            lambda: monte_carlo(1000, rng),
        ),
        ("three states, u and x", lambda: three_state(TIMES, *constants, 0.003), None),
        (
            "20 pulses, 1,000 synapses, arrays",
            lambda: train_moments(TIMES, N, many, TAU_REC, TAU_FACIL),
            lambda: [numpy_loop(TIMES, N, v, TAU_REC, TAU_FACIL) for v in many],
        ),
        ("recovery curve, 100 pauses", lambda: recovery_curve(pauses, *constants), None),
        ("steady state, 100 rates", lambda: predict_steady_state(synapse, 1 / pauses), None),
        (
            "information of a step of rate, 10 pulses, 2 rates",
            lambda: step_information(10.0, [10.0, 40.0], 10, N, *constants),
            None,
        ),
    ]
    print(f"{platform.machine()}, Python {platform.python_version()}, {date.today()}\n")
    print("| prediction | µs | loop, µs | ratio |\n|---|---|---|---|")
    for name, call, peer in rows:
        own = best(call, runs)
        other = best(peer, runs) if peer is not None else None
        beside = f"{other:.0f} | {own / other:.3g}" if other else "|"
        print(f"| {name} | {own:.0f} | {beside} |", flush=True)


if __name__ == "__main__":
    main()
