"""Brian2 asked for 32 bits: what that costs, and that what must not be short is not."""

from __future__ import annotations

import brian2 as b2
import numpy as np
import pytest

from synsim import PairSTDP, Synapse, TsodyksMarkram, VesicleMembrane

CELLS, SECONDS, RATE = 40, 4, 100


@pytest.fixture(autouse=True)
def as_before():
    before = b2.prefs.codegen.target, b2.prefs.core.default_float_dtype
    b2.prefs.codegen.target = "numpy"
    yield
    b2.prefs.codegen.target, b2.prefs.core.default_float_dtype = before


def trains():
    """Steps of both sides; half of the postsynaptic spikes coincide with presynaptic ones."""
    rng = np.random.default_rng(1)
    count, steps = SECONDS * RATE, np.arange(SECONDS * 10_000 - 10)
    pre = [np.sort(rng.choice(steps, count, replace=False)) for _ in range(CELLS)]
    post = [np.union1d(train[::2], rng.choice(steps, count // 2)) for train in pre]
    return pre, post


def source(spikes):
    numbers = np.repeat(np.arange(CELLS), [len(train) for train in spikes])
    return b2.SpikeGeneratorGroup(CELLS, numbers, np.concatenate(spikes) * 0.1 * b2.ms)


def states_after(bits, share):
    b2.start_scope()
    b2.prefs.core.default_float_dtype = {32: np.float32, 64: np.float64}[bits]
    synapse = Synapse(
        n=5,
        q="1mV",
        short_term=TsodyksMarkram(U=0.4, tau_rec="300ms", tau_facil="150ms"),
        plasticity=PairSTDP(
            a_plus=0.005,
            a_minus=0.006,
            tau_plus="20ms",
            tau_minus="20ms",
            mu_plus=0.5,
            mu_minus=0.5,
        ),
        energy=VesicleMembrane(atp_membrane=410.0),
    )
    pre, post = (source(spikes) for spikes in trains())
    made = synapse.connect(pre, post, share=share)
    b2.Network(pre, post, made).run(SECONDS * b2.second)
    return {state.name: np.array(getattr(made, f"{state.name}_")[:]) for state in synapse.states}


@pytest.mark.parametrize("share", ["terminal", "synapse"])
def test_error_of_32_bits(share):
    """After 400 spikes on each side, with coincidences (docs/speed.md)."""
    exact, short = states_after(64, share), states_after(32, share)
    errors = {name: np.max(np.abs(short[name] / exact[name] - 1)) for name in exact}
    assert short["w"].dtype == short["u"].dtype == np.float32
    assert np.ptp(exact["w"]) > 0.02
    assert 1e-8 < errors["w"] < 1e-5
    assert errors["u"] < 1e-6 and errors["x"] < 1e-5
    # sums of many small numbers and times keep their 64 bits
    assert short["energy_membrane"].dtype == short["pre_time"].dtype == np.float64
    assert errors["energy_membrane"] < 1e-6
    assert np.array_equal(short["pre_time"], exact["pre_time"])
