"""Scatter of the changes of pair STDP: its law on every target, and that 0 costs nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from synsim import PairSTDP, Synapse
from synsim.component import InputError
from synsim.engine import BACKENDS, Program, Spikes, simulate
from synsim.predict.pairing import pairing_course
from synsim.protocol import Running
from synsim.protocols import pairing, stdp_window

DT = 1e-4
RULE = {"a_plus": 0.01, "a_minus": 0.02, "tau_plus": "17ms", "tau_minus": "34ms"}
CVS = (0.0, 0.2, 1.5)
EACH = 1000


def program(**rule: object) -> Program:
    return Program(
        Synapse(p=1.0, plasticity=PairSTDP(**{**RULE, **rule})), EACH * len(CVS), final=("w",)
    )


def final_weights(made: Program, lag: int, pairs: int, backend: str, seed: int) -> np.ndarray:
    """Weights after pairings 2 s apart, where nothing overlaps; shape (cv, copies)."""
    first = 1 + 20_000 * np.arange(pairs)
    copies = np.arange(made.copies)
    trains = [
        Spikes.of(np.tile(first + shift, made.copies), np.repeat(copies, pairs))
        for shift in (max(-lag, 0), max(lag, 0))
    ]
    done = simulate(
        made,
        pre=trains[0],
        post=trains[1],
        steps=20_000 * pairs,
        dt=DT,
        seed=seed,
        values={"scatter_cv": np.repeat(CVS, EACH)},
        backend=backend,
    )
    return done.final["w"].reshape(len(CVS), EACH)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("lag", [50, -50])
def test_pairings_add_up_to_a_normal_variable(backend: str, lag: int) -> None:
    """N isolated updates: Normal(w0 + N d, N (cv d)^2), d the change without scatter."""
    pairs = 4
    made = program(scatter_cv=[*CVS, 0.1] * (EACH * len(CVS) // 4), bounds="none")
    w = final_weights(made, lag, pairs, backend, seed=41)
    change = 0.01 * np.exp(-5 / 17) if lag > 0 else -0.02 * np.exp(-5 / 34)
    np.testing.assert_allclose(w[0], 0.5 + pairs * change, rtol=0, atol=1e-12)
    for found, cv in zip(w[1:], CVS[1:], strict=True):
        law = stats.norm(0.5 + pairs * change, np.sqrt(pairs) * cv * abs(change))
        assert stats.kstest(found, law.cdf).pvalue > 1e-3
    assert abs(np.corrcoef(w[1], w[2])[0, 1]) < 4 / np.sqrt(EACH)


def test_overlapping_pairings_scatter_by_their_updates() -> None:
    """At 50 Hz one spike's sum over partners is one update: variance cv^2 times its square."""
    made = program(scatter_cv=np.repeat(CVS, EACH), bounds="none")
    first = 1 + 200 * np.arange(10)
    trains = [
        Spikes.of(np.tile(first + s, made.copies), np.repeat(np.arange(made.copies), 10))
        for s in (0, 50)
    ]
    done = simulate(made, pre=trains[0], post=trains[1], steps=3000, dt=DT, seed=42)
    w = done.final["w"].reshape(len(CVS), EACH)
    rule = PairSTDP(**RULE, bounds="none")
    assert w[0, 0] == pytest.approx(pairing_course(rule, 50, 200, 10, DT, 0.5)[0, -1], abs=1e-12)
    k = np.arange(10)
    ltp = [0.01 * np.sum(np.exp(-(5 + 20 * k[: i + 1]) / 17)) for i in k]
    ltd = [0.02 * np.sum(np.exp(-(15 + 20 * k[:i]) / 34)) for i in k]
    total = np.sum(np.square(ltp)) + np.sum(np.square(ltd))
    for found, cv in zip(w[1:], CVS[1:], strict=True):
        law = stats.norm(w[0, 0], cv * np.sqrt(total))
        assert stats.kstest(found, law.cdf).pvalue > 1e-3


def test_bounds_hold_whatever_is_drawn() -> None:
    w = final_weights(program(scatter_cv=np.repeat(CVS, EACH), a_plus=0.6), 50, 3, "numpy", 43)
    assert w.min() >= 0 and w.max() <= 1
    assert np.all(w[0] == 1) and w[2].min() == 0


def test_without_scatter_nothing_is_drawn_or_kept() -> None:
    plain = Synapse(p=1.0, plasticity=PairSTDP(**RULE))
    assert "fresh_normal" not in plain.code.on_pre + plain.code.on_post
    assert "scatter_cv" not in plain.code.model
    assert not any(f.random for f in plain.code.functions)
    scattered = Synapse(p=1.0, plasticity=PairSTDP(**RULE, scatter_cv=0.1))
    assert scattered.code.on_pre.count("fresh_normal(j)") == 1
    assert scattered.code.on_post.count("fresh_normal(j)") == 1
    assert "scatter" in scattered.conventions and "scatter" not in plain.conventions


def test_a_scatter_that_the_code_has_no_place_for_is_refused() -> None:
    rule = PairSTDP(**RULE)
    with pytest.raises(InputError, match="per_synapse: found 'scatter_cv'"):
        Synapse(p=1.0, plasticity=rule, per_synapse=("scatter_cv",))
    with pytest.raises(InputError, match="no parameter or state 'scatter_cv'"):
        simulate(
            Program(Synapse(p=1.0, plasticity=rule), 1, final=("w",)),
            pre=Spikes.of([], []), post=Spikes.of([], []), steps=1, dt=DT, seed=1,
            values={"scatter_cv": 0.1}, backend="numpy",
        )  # fmt: skip
    with pytest.raises(InputError, match=r"scatter_cv: found -0.1, expected a value at least 0"):
        PairSTDP(**RULE, scatter_cv=-0.1)


def test_no_closed_form_is_claimed_for_scattered_pairings() -> None:
    rule = PairSTDP(**RULE, scatter_cv=0.2)
    with pytest.raises(InputError, match=r"found scatter_cv = 0.2, expected 0"):
        pairing_course(rule, 50, 200, 3, DT, 0.5)
    done = pairing.run(pairing.Settings(rule=rule, n_pairs=3), Running(backend="numpy"))
    assert not any("closed_form" in name for name in done.results)
    assert done.figure().axes


def test_repeats_of_a_window_scatter() -> None:
    """60 pairings at 1 Hz, each repeat with draws of its own: CV scatter_cv/sqrt(60)."""
    rule = PairSTDP(a_plus=0.001, a_minus=0.001, tau_plus="17ms", tau_minus="34ms", scatter_cv=0.5)
    settings = stdp_window.Settings(rule=rule, delta_t="-10ms,10ms", repeats=400)
    done = stdp_window.run(settings, Running(seed=9))
    assert not any("repeats are the same" in text for text in done.warnings)
    change = np.asarray(done.columns["dw_rel"]).reshape(2, 400)
    exact = np.array([-np.exp(-10 / 34), np.exp(-10 / 17)]) * 60 * 0.001 / 0.5
    for found, expected in zip(change, exact, strict=True):
        spread = abs(expected) * 0.5 / np.sqrt(60)
        assert stats.kstest(found, stats.norm(expected, spread).cdf).pvalue > 1e-3
