"""Meters against a recount from what was recorded, and against their expectation."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import brian2 as b2
import numpy as np
import pytest
from scipy import stats

from synsim import (
    Actin,
    CalciumEfflux,
    InputError,
    PairSTDP,
    PostsynapticCurrents,
    QuantalVariability,
    Recycling,
    Synapse,
    Trafficking,
    TsodyksMarkram,
    VesicleMembrane,
)
from synsim.engine import Program, Run, Spikes, simulate
from synsim.models.tsodyks_three_state import TsodyksThreeState
from synsim.predict.energy import (
    poisson_energy,
    poisson_quanta,
    predict_energy,
    steady_energy,
)
from synsim.predict.train import predict_train
from tests.agreement.user_network import quick_compilation
from tests.energy.reference import COSTS

DT = 1e-4
STANDARD_ERRORS = 4
LAWS = (
    CalciumEfflux(atp_calcium=1),
    VesicleMembrane(atp_membrane=1),
    Actin(atp_actin=1),
    Trafficking(atp_trafficking=1),
)
KEYS = tuple(cost.key for cost in LAWS)
RULE = PairSTDP(a_plus=0.05, a_minus=0.06, tau_plus="17ms", tau_minus="34ms")


def poisson_steps(copies: int, rate: float, duration: float, seed: int) -> Spikes:
    """Independent Poisson trains on the grid, at most one spike a step."""
    rng = np.random.default_rng(seed)
    steps = round(duration / DT)
    copy, step = np.nonzero(rng.random((copies, steps)) < rate * DT)
    return Spikes.of(step, copy)


def run(synapse: Synapse, copies: int, pre: Spikes, duration: float, **options: Any) -> Run:
    program = Program(synapse, copies, events=options.pop("events", ()), final=synapse.meters)
    return simulate(
        program,
        pre=pre,
        post=options.pop("post", Spikes.of([], [])),
        steps=round(duration / DT),
        dt=DT,
        seed=options.pop("seed", 3),
        **options,
    )


def test_off_is_free() -> None:
    """Without meters a synapse is, to the letter, what it was before there were any."""
    plain = Synapse(n=3, p=0.4, q="1mV", release="binomial")
    metered = Synapse(n=3, p=0.4, q="1mV", release="binomial", energy=LAWS)
    assert plain.meters == () and not any("energy" in s.name for s in plain.states)
    assert "energy" not in plain.code.on_pre and "cost" not in plain.code.on_pre
    kept = [s for s in metered.code.on_pre.splitlines() if "cost" not in s and "energy" not in s]
    assert kept == plain.code.on_pre.splitlines()
    assert {p.name for p in plain.code.parameters} == {"n", "p", "q"}
    assert "energy" not in plain.conventions and "energy" in metered.conventions


@cache
def learning(acts_on: str, short_term: bool) -> Synapse:
    return Synapse(
        n=6,
        p=None if short_term else 0.4,
        q="0.8mV",
        short_term=TsodyksMarkram(U=0.3, tau_rec="100ms", tau_facil="80ms") if short_term else None,
        release="sites" if short_term else "binomial",
        plasticity=RULE,
        acts_on=acts_on,
        response_weight="after",  # the weight recorded after a spike is the one it released with
        energy=LAWS,
        record=("released", *(f"cost_{key}" for key in KEYS)),
    )


@pytest.mark.parametrize(
    ("acts_on", "short_term", "backend"),
    [
        ("q", True, None),
        ("p", True, "numpy"),
        ("n", True, "numpy"),
        ("p", False, "numpy"),
        ("q", True, "cython"),
    ],
)
def test_meters_are_a_recount_of_what_was_recorded(
    acts_on: str, short_term: bool, backend: str | None
) -> None:
    """Spike by spike and in all, from spikes, weights, u and releases."""
    synapse = learning(acts_on, short_term)
    copies, duration = 64, 1.0
    kept = ("w", "last_released", *(f"last_cost_{key}" for key in KEYS), *synapse.meters)
    done = run(
        synapse,
        copies,
        poisson_steps(copies, 20, duration, 5),
        duration,
        post=poisson_steps(copies, 20, duration, 6),
        events=kept + (("u",) if short_term else ()),
        backend=backend,
    )
    events = done.events["pre"]
    w, k = events.states["w"], events.states["last_released"]
    u = events.states["u"] if short_term else (w if acts_on == "p" else 1.0) * 0.4 * np.ones(len(w))
    n = np.floor(6 * w + 0.5) if acts_on == "n" else np.full(len(w), 6.0)
    q = 0.8 * w if acts_on == "q" else np.full(len(w), 0.8)
    assert len(w) > 1000 and np.ptp(w) > 0.1 and np.ptp(k) > 2
    for key, cost in COSTS.items():
        each = cost(n, u, q, k)
        np.testing.assert_allclose(events.states[f"last_cost_{key}"], each, rtol=1e-12)
        recount = np.bincount(events.copies, each, copies)
        meter = done.final[f"energy_{key}"]
        np.testing.assert_allclose(meter, recount, rtol=1e-12)
        assert meter.sum() == pytest.approx(each.sum(), rel=1e-12)
        # accumulated: the meter just after a spike is the sum of the costs up to it
        one = events.copies == 3
        np.testing.assert_allclose(
            events.states[f"energy_{key}"][one], np.cumsum(each[one]), rtol=1e-12
        )


@pytest.mark.parametrize("standalone", [False, True], ids=["numpy", "cpp_standalone"])
def test_meters_in_a_network_of_ones_own(standalone: bool, tmp_path: Any) -> None:
    """Twelve synapses between a Poisson group and neurons, recounted from monitors."""
    target = b2.prefs.codegen.target
    if standalone:
        b2.set_device("cpp_standalone", build_on_run=False)
    else:
        b2.set_device("runtime")
        b2.prefs.codegen.target = "numpy"
    try:
        b2.seed(11)
        clock = b2.Clock(dt=0.1 * b2.ms)
        sources = b2.PoissonGroup(4, 60 * b2.Hz, clock=clock)
        neurons = b2.NeuronGroup(3, "v : volt", clock=clock)
        synapse = Synapse(
            n=5,
            q="0.5mV",
            short_term=TsodyksMarkram(U=0.3, tau_rec="100ms", tau_facil="50ms"),
            release="sites",
            target="v",
            energy=(*LAWS, Recycling.preset("attwell-laughlin-recycling")),
            record=("released",),
        )
        made = synapse.connect(sources, neurons, clock=clock)
        spikes = b2.SpikeMonitor(sources)
        watch = b2.StateMonitor(
            made, ("u", "last_released"), record=np.arange(12), when="end", clock=clock
        )
        network = b2.Network(sources, neurons, made, spikes, watch)
        network.run(0.3 * b2.second)
        if standalone:
            with quick_compilation():
                b2.device.build(directory=str(tmp_path), compile=True, run=True, with_output=False)
        step = np.rint(np.asarray(spikes.t_[:]) / DT).astype(int)
        source = np.asarray(spikes.i[:])
        u, released = np.array(watch.u), np.array(watch.last_released)
        begin = np.asarray(made.i[:])
        totals = {state: np.array(getattr(made, state)[:]) for state in synapse.meters}
    finally:
        if standalone:
            b2.device.reinit()
        b2.set_device("runtime")
        b2.prefs.codegen.target = target
    assert len(step) > 30
    for key, cost in COSTS.items():
        recount = [
            sum(cost(5, u[s, t], 0.5, released[s, t]) for t in step[source == begin[s]])
            for s in range(12)
        ]
        np.testing.assert_allclose(totals[f"energy_{key}"], recount, rtol=1e-12)
    np.testing.assert_allclose(
        totals["energy_recycling"], 1.1e4 * totals["energy_trafficking"], rtol=1e-12
    )


# --- expectations -----------------------------------------------------------------------

MANY, RATE, TIME = 1000, 20.0, 1.0
STRUCTURES = {
    "constant": dict(p=0.3, release="binomial"),
    "depressing": dict(short_term=TsodyksMarkram(U=0.4, tau_rec="200ms"), release="sites"),
    "facilitating": dict(
        short_term=TsodyksMarkram(U=0.1, tau_rec="100ms", tau_facil="300ms"), release="sites"
    ),
}


@cache
def spent(name: str) -> tuple[Synapse, Run, Spikes]:
    """A thousand synapses of one kind, each with a Poisson train of its own."""
    absolute = (
        Recycling.preset("attwell-laughlin-recycling"),
        PostsynapticCurrents.preset("attwell-laughlin-currents", q_postsynaptic="1mV"),
    )
    synapse = Synapse(n=4, q="1.5mV", energy=(*LAWS, *absolute), **STRUCTURES[name])
    pre = poisson_steps(MANY, RATE, TIME, 8)
    return synapse, run(synapse, MANY, pre, TIME, seed=9), pre


@pytest.mark.parametrize("name", STRUCTURES)
def test_meters_agree_with_the_expectation_over_poisson_trains(name: str) -> None:
    """All six; but calcium of a facilitating synapse, which has no closed form over random trains,
    train by train (below)."""
    synapse, done, _ = spent(name)
    priced = synapse
    if name == "facilitating":
        priced = Synapse(n=4, q="1.5mV", energy=synapse.energy[1:], **STRUCTURES[name])
    exact = poisson_energy(priced, RATE, TIME)
    assert set(exact) == {cost.key for cost in priced.energy}
    for key, expected in exact.items():
        found = done.final[f"energy_{key}"]
        error = found.std(ddof=1) / np.sqrt(MANY)
        assert 0 < error < 0.05 * expected
        assert abs(found.mean() - expected) < STANDARD_ERRORS * error, key


def test_the_distribution_of_a_meter() -> None:
    """n p r T Poisson trains thinned: the cost at constant p is a compound Poisson number.

    Each of the N spikes releases Binomial(4, 0.3); mixed over N it is compared bin by bin.
    """
    _, done, _ = spent("constant")
    found = np.rint(done.final["energy_trafficking"]).astype(int)
    spikes = np.arange(60)
    weight = stats.poisson.pmf(spikes, RATE * TIME)
    k = np.arange(0, 240)
    mass = weight @ stats.binom.pmf(k[None, :], 4 * spikes[:, None], 0.3)
    edges = [0, 14, 17, 20, 22, 24, 26, 29, 32, 36, 240]
    observed = np.histogram(found, edges)[0]
    expected = MANY * np.array([mass[a:b].sum() for a, b in pairwise(edges)])
    assert np.all(expected > 20)
    chi2 = np.sum((observed - expected) ** 2 / expected)
    assert stats.chi2.sf(chi2, len(expected) - 1) > 1e-4


@pytest.mark.parametrize("name", ["depressing", "facilitating"])
def test_given_trains_have_their_own_expectation(name: str) -> None:
    """Trial by trial: what is left after each train's expectation has mean zero. Calcium of
    facilitating synapses follows u, and so the train, without chance."""
    synapse, done, pre = spent(name)
    keys = (*KEYS, "recycling", "postsynaptic")
    left = {key: [] for key in keys}
    for copy in range(300):
        steps = pre.steps[pre.sources == copy]
        exact = predict_energy(synapse, steps * DT)
        for key in keys:
            left[key].append(done.final[f"energy_{key}"][copy] - exact[key].sum())
    for key in KEYS[:3]:  # no chance in them
        np.testing.assert_allclose(left[key], 0, atol=1e-9)
    for key in keys[3:]:
        away = np.array(left[key])
        assert abs(away.mean()) < STANDARD_ERRORS * away.std(ddof=1) / np.sqrt(len(away)), key


def test_costs_that_scatter_cost_the_same_on_average() -> None:
    """Quantal variability moves the currents from spike to spike, not their mean."""
    synapse = Synapse(
        n=4,
        p=0.3,
        q="2mV",
        release="binomial",
        variability=QuantalVariability(cv_within=0.5),
        energy=PostsynapticCurrents.preset("attwell-laughlin-currents", q_postsynaptic="1mV"),
        record=("quanta",),
    )
    pre = Spikes.of(np.tile(np.arange(1, 101), 64), np.repeat(np.arange(64), 100))
    done = run(synapse, 64, pre, 0.011, events=("last_quanta",), backend="numpy")
    quanta = done.events["pre"].states["last_quanta"]
    meter = done.final["energy_postsynaptic"]
    np.testing.assert_allclose(meter.sum(), 2 * 1.37e5 * quanta.sum(), rtol=1e-12)
    expected = 64 * predict_energy(synapse, np.arange(100.0))["postsynaptic"].sum()
    error = 2 * 1.37e5 * np.sqrt(6400 * 4 * 0.3 * (0.7 + 0.25))
    assert abs(meter.sum() - expected) < STANDARD_ERRORS * error


# --- closed forms against other closed forms -----------------------------------------------


def test_poisson_quanta_without_facilitation_is_the_known_mean_field() -> None:
    """n U r (x_inf T + (1 - x_inf)(1 - e^(-g T))/g), g = 1/tau_rec + U r."""
    for U, tau, rate, T in ((0.5, 0.8, 20, 2.0), (0.1, 0.05, 100, 0.3)):
        synapse = Synapse(n=3, short_term=TsodyksMarkram(U=U, tau_rec=f"{tau}s"))
        g = 1 / tau + U * rate
        settled = 1 / (g * tau)
        exact = 3 * U * rate * (settled * T + (1 - settled) * (1 - np.exp(-g * T)) / g)
        assert poisson_quanta(synapse, rate, T) == pytest.approx(exact, rel=1e-12)


def test_poisson_quanta_with_facilitation_is_the_mean_over_trains() -> None:
    """Each train's own expectation is exact; 1500 of them scatter around the closed form."""
    rng = np.random.default_rng(4)
    rule = TsodyksMarkram(U=0.05, tau_rec="130ms", tau_facil="530ms")
    synapse = Synapse(n=2, short_term=rule)
    found = []
    for _ in range(1500):
        times = np.sort(rng.uniform(0, 0.8, rng.poisson(0.8 * 40)))
        found.append(predict_train(synapse, times).mean.sum())
    error = np.std(found) / np.sqrt(len(found))
    assert error < 0.005 * np.mean(found)
    assert abs(np.mean(found) - poisson_quanta(synapse, 40, 0.8)) < STANDARD_ERRORS * error


def test_a_long_regular_train_ends_in_its_steady_cost() -> None:
    rule = TsodyksMarkram(U=0.2, tau_rec="100ms", tau_facil="200ms")
    synapse = Synapse(n=3, q="2mV", short_term=rule, energy=LAWS)
    train = predict_energy(synapse, np.arange(200) / 25.0)
    steady = steady_energy(synapse, np.array([25.0, 50.0]))
    for key in KEYS:
        assert train[key].shape == (200,) and steady[key].shape == (2,)
        assert train[key][-1] == pytest.approx(steady[key][0], rel=1e-10)


def test_what_has_no_closed_form_says_so() -> None:
    rule = TsodyksMarkram(U=0.2, tau_rec="100ms", tau_facil="200ms")
    with pytest.raises(InputError, match="calcium of a facilitating synapse has no closed form"):
        poisson_energy(Synapse(short_term=rule, energy=LAWS[0]), 20, 1)
    three = TsodyksThreeState.preset("tsodyks-1998-depressing")
    with pytest.raises(InputError, match="three-state model has no closed form"):
        poisson_energy(Synapse(short_term=three, energy=LAWS[3]), 20, 1)
    many = Synapse(p=0.5, energy=Trafficking(atp_trafficking=[1.0, 2.0]))
    with pytest.raises(InputError, match="one value per synapse"):
        predict_energy(many, [0.0, 1.0])
