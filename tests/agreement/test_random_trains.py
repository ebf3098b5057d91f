"""Random spike trains through plastic synapses: the weight after every spike, and what it does.

Every pairing scheme with every coincidence convention, additive (also clipped), multiplicative
and power-law rules, axonal and dendritic delays; then the release and response of each
presynaptic spike, for every quantity that the weight may act on.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest

from synsim import engine
from synsim.engine import BACKENDS
from tests.agreement.structures import (
    COINCIDENT,
    COMPOSITIONS,
    DT,
    PAIRINGS,
    STDP,
    THREE_STATE,
    TWO_STATE,
    of_copy,
    plastic,
    run,
    train_spikes,
    unbounded,
)
from tests.reference import pair_stdp as reference
from tests.reference.tsodyks_markram import decay, propagate_three_state

TOLERANCE = 1e-12
COPIES = 6
SCHEMES = [(pairing, coincident) for pairing in PAIRINGS for coincident in COINCIDENT]
# mu_plus, mu_minus, and the size of one change; with 0.3 the additive rule meets both bounds
RULES = {
    "additive": (0.0, 0.0, 0.01),
    "clipped": (0.0, 0.0, 0.3),
    "multiplicative": (1.0, 1.0, 0.1),
    "power": (0.4, 0.7, 0.1),
}
DELAYS = {
    "none": (0.0, 0.0),
    "axonal": (3e-3, 0.0),
    "dendritic": (0.0, 2e-3),
    "both": (1e-3, 4e-3),
    "long": (0.12, 0.1),
}
# The unbounded rule differs by one clip() in the text: compiled for one, the rest run on numpy.
COMPILED_UNBOUNDED = [("all-to-all", "none")]
# Cython compiles for seconds each: every pairing and every coincidence once, and q, p and n.
CYTHON = [
    TWO_STATE,
    THREE_STATE,
    ("nearest-pre-centred", "post-first"),
    ("nearest-reduced", "pre-first"),
]


@dataclass
class Case:
    """Trains (steps) and parameters of every copy."""

    pre: list[np.ndarray]
    post: list[np.ndarray]
    values: dict
    delays: tuple[float, float]
    mu: tuple[float, float]

    def per_copy(self, name, copy):
        value = self.values[name]
        return float(value[copy]) if np.ndim(value) else float(value)

    def events(self, copy, scheme, bounds):
        return reference.weight_events(
            self.pre[copy] * DT,
            self.post[copy] * DT,
            **{name: self.per_copy(name, copy) for name in STDP},
            w0=self.per_copy("w", copy),
            mu_plus=self.mu[0],
            mu_minus=self.mu[1],
            bounds=bounds,
            pairing=scheme[0],
            coincidence=scheme[1],
            axonal_delay=self.delays[0],
            dendritic_delay=self.delays[1],
        )


def random_case(rng, rule, delays, heterogeneous=True) -> Case:
    """About 30 spikes a side in 150 ms, most on a grid of 1 ms, so that many coincide."""
    pre, post = [], []
    for trains in (pre, post):
        for _ in range(COPIES):
            coarse = rng.choice(150, 22, replace=False) * 10
            fine = rng.choice(1500, 10, replace=False)
            trains.append(np.union1d(coarse, fine))
    mu_plus, mu_minus, size = RULES[rule]
    count = 64 if heterogeneous else None

    def draw(low, high):
        return rng.uniform(low, high, count)

    values = {
        "a_plus": size * draw(0.5, 1.5),
        "a_minus": size * draw(0.5, 1.5),
        "tau_plus": draw(0.005, 0.04),
        "tau_minus": draw(0.005, 0.04),
        "mu_plus": mu_plus,
        "mu_minus": mu_minus,
        "w": np.append(0.5, rng.uniform(0, 1, 63)),
        "delay": DELAYS[delays][0],
        "dendritic_delay": DELAYS[delays][1],
    }
    return Case(pre, post, values, DELAYS[delays], (mu_plus, mu_minus))


def compare_weights(case, done, scheme, bounds) -> list[float]:
    """Holds the weight after every spike to the reference; returns all weights met."""
    met = []
    for copy in range(COPIES):
        expected = case.events(copy, scheme, bounds)
        for side in ("pre", "post"):
            steps, weights = of_copy(done.events[side], copy, "w")
            mine = [e for e in expected if e.side == side]
            assert np.array_equal(steps, [round(e.time / DT) for e in mine])
            known = [e.weight for e in mine]
            np.testing.assert_allclose(weights, known, rtol=0, atol=TOLERANCE)
            met += known
    return met


def simulate(program, case, backend):
    return run(
        program,
        train_spikes(case.pre),
        train_spikes(case.post),
        backend=backend,
        values=case.values,
    )


# --- the weight -------------------------------------------------------------------------


@pytest.mark.parametrize("delays", ["none", "axonal", "dendritic"])
@pytest.mark.parametrize("scheme", SCHEMES, ids=" ".join)
def test_weight_after_every_spike_compiled(scheme, delays):
    for rule in RULES:
        rng = np.random.default_rng([SCHEMES.index(scheme), list(RULES).index(rule)])
        case = random_case(rng, rule, delays)
        done = simulate(plastic(*scheme), case, "cpp_standalone")
        met = compare_weights(case, done, scheme, "hard")
        assert np.ptp(met) > 0.1
        if rule == "clipped":
            assert met.count(0.0) > 5 and met.count(1.0) > 5


@pytest.mark.parametrize("scheme", SCHEMES, ids=" ".join)
def test_weight_without_bounds(scheme):
    backend = "cpp_standalone" if scheme in COMPILED_UNBOUNDED else "numpy"
    case = random_case(np.random.default_rng(22), "clipped", "long", heterogeneous=False)
    met = compare_weights(case, simulate(unbounded(*scheme), case, backend), scheme, "none")
    assert min(met) < 0 or max(met) > 1


def test_conventions_are_told_apart():
    """The trains hold enough coincident spikes for every wrong switch to show by far."""
    case = random_case(np.random.default_rng(23), "multiplicative", "none")
    courses = [
        reference.weight_after_time_of_pre(case.events(0, scheme, "hard")) for scheme in SCHEMES
    ]
    for one, other in itertools.combinations(courses, 2):
        assert np.max(np.abs(one - other)) > 1e-3


def test_a_delay_between_two_steps_is_rounded_alike_on_all_targets():
    case = random_case(np.random.default_rng(24), "power", "none")
    case.values["delay"], case.values["dendritic_delay"] = 0.00104, 0.00216
    case.delays = (10 * DT, 22 * DT)
    scheme = ("all-to-all", "none")
    for backend in BACKENDS:
        compare_weights(case, simulate(plastic(*scheme), case, backend), scheme, "hard")


@pytest.mark.parametrize("backend", BACKENDS)
def test_delays_of_the_synapse_itself(backend):
    """Said where the synapse is composed, and not with the values of a run."""
    case = random_case(np.random.default_rng(27), "power", "both")
    assert case.values.pop("delay") == 1e-3 and case.values.pop("dendritic_delay") == 4e-3
    program = plastic("all-to-all", "none", delay="1ms", dendritic_delay="4ms")
    done = run(
        program,
        train_spikes(case.pre),
        train_spikes(case.post),
        steps=2000,
        backend=backend,
        values=case.values,
    )
    compare_weights(case, done, ("all-to-all", "none"), "hard")


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_time_step_is_data(backend):
    """Everything twice as slow, in steps twice as long: the same weights."""
    case = random_case(np.random.default_rng(25), "power", "both")
    done = engine.simulate(
        plastic("all-to-all", "none"),
        pre=train_spikes(case.pre),
        post=train_spikes(case.post),
        steps=2000,
        dt=2 * DT,
        seed=1,
        values={
            name: 2 * value if name.startswith("tau") or "delay" in name else value
            for name, value in case.values.items()
        },
        backend=backend,
    )
    compare_weights(case, done, ("all-to-all", "none"), "hard")


# --- what the weight does ---------------------------------------------------------------


def weights_taken(events, w0, response_weight):
    """The weight that each presynaptic spike's response takes."""
    before = [w0, *(e.weight for e in events[:-1])]
    taken = before if response_weight == "before" else [e.weight for e in events]
    return np.array([w for e, w in zip(events, taken, strict=True) if e.side == "pre"])


def probabilities(rule, times, U, tau_rec, tau_facil, tau_inact=None):
    """u and x at every spike, with a resting probability U of its own at every spike."""
    u = np.empty(len(times))
    x = np.empty(len(times))
    level, full, active, inactive = 0.0, 1.0, 0.0, 0.0
    for k, time in enumerate(times):
        if k:
            h = time - times[k - 1]
            level *= decay(h, tau_facil)
            if rule == "two-state":
                full = 1 - (1 - full) * decay(h, tau_rec)
            else:
                full, active, inactive = propagate_three_state(
                    active, inactive, h, tau_rec, tau_inact
                )
        level += U[k] * (1 - level)
        u[k], x[k] = level, full
        active += level * full
        full -= level * full
    return u, x


def expected_release(case, copy, scheme):
    """released, response (in units of q), u, x at every presynaptic spike of a copy."""
    acts_on, response_weight, short_term = COMPOSITIONS[scheme]
    w = weights_taken(case.events(copy, scheme, "hard"), case.per_copy("w", copy), response_weight)
    n = np.full(len(w), case.per_copy("n", copy))
    if acts_on == "n":
        assert np.min(np.abs((w * n) % 1 - 0.5)[w != 0.5]) > 1e-9  # else rounding decides
        n = np.array([math.floor(a * b + 0.5) for a, b in zip(w, n, strict=True)])
    resting = np.full(len(w), case.per_copy("p" if short_term is None else "U", copy))
    if acts_on == "p":
        resting = w * resting
    if short_term is None:
        u, x = resting, np.ones(len(w))
    else:
        constants = ["tau_rec", "tau_facil"] + ["tau_inact"] * (short_term == "three-state")
        given = [case.per_copy(name, copy) for name in constants]
        u, x = probabilities(short_term, case.pre[copy] * DT, resting, *given)
    released = n * u * x
    return released, (w if acts_on == "q" else 1.0) * released, u, x


def release_case(seed, rule="multiplicative") -> Case:
    rng = np.random.default_rng(seed)
    case = random_case(rng, rule, "both")
    case.values |= {
        "n": np.append(9, rng.integers(1, 30, 63)),  # w = 1/2 of 9 sites: 5
        "q": rng.uniform(1e-4, 1e-3, 64),
        "p": rng.uniform(0, 1, 64),
        "U": rng.uniform(0, 1, 64),
        "tau_rec": rng.uniform(0.05, 0.5, 64),
        "tau_facil": np.append([0.1, 0.0], rng.uniform(0.0, 0.5, 62)),
        "tau_inact": rng.uniform(1e-3, 2e-2, 64),
    }
    return case


def of_program(program, case):
    """Without the numbers that this synapse has no parameter for."""
    known = program.inputs()
    values = {name: value for name, value in case.values.items() if name in known}
    return Case(case.pre, case.post, values, case.delays, case.mu)


def compare_release(case, scheme, backend):
    program = plastic(*scheme)
    done = simulate(program, of_program(program, case), backend)
    compare_weights(case, done, scheme, "hard")
    for copy in range(COPIES):
        released, response, u, x = expected_release(case, copy, scheme)
        q = case.per_copy("q", copy)
        events = done.events["pre"]
        for name, expected, scale in (
            ("last_released", released, 30.0),
            ("last_response", response * q, 30.0 * q),
            ("u", u, 1.0),
            ("x", x, 1.0),
        ):
            if name in events.states:
                _, found = of_copy(events, copy, name)
                np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * scale)
        assert np.ptp(response) > 0


def described(scheme):
    return " ".join(map(str, (*scheme, *COMPOSITIONS[scheme])))


@pytest.mark.parametrize("rule", ["multiplicative", "clipped"])
@pytest.mark.parametrize("scheme", SCHEMES, ids=described)
def test_release_and_response_compiled(scheme, rule):
    compare_release(release_case(30, rule), scheme, "cpp_standalone")


@pytest.mark.parametrize("scheme", SCHEMES, ids=described)
def test_weight_release_and_response_numpy(scheme):
    compare_release(release_case(31, "power"), scheme, "numpy")


@pytest.mark.parametrize("rule", ["clipped", "power"])
@pytest.mark.parametrize("scheme", CYTHON, ids=described)
def test_weight_release_and_response_cython(scheme, rule):
    compare_release(release_case(32, rule), scheme, "cython")


def test_a_half_site_counts_as_one():
    """floor(w n + 1/2): half of nine sites are five, and just under a half is none of one."""
    scheme = ("all-to-all", "post-first")
    assert COMPOSITIONS[scheme] == ("n", "before", None)
    w = np.array([0.5, 0.5, 0.4999, 1.0, 0.0, 0.25, 0.2499])
    n = np.array([9, 1, 1, 7, 7, 6, 6])
    done = run(
        plastic(*scheme),
        train_spikes([[3]] * len(w)),
        backend="cpp_standalone",
        values={"w": np.pad(w, (0, 57)), "n": np.pad(n, (0, 57)), "p": 1.0},
    )
    assert done.events["pre"].states["last_released"].tolist() == [5, 1, 0, 7, 0, 2, 1]
