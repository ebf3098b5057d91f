"""STDP and short-term plasticity as Brian2's documentation writes them, beside ours.

https://brian2.readthedocs.io: examples `synapses.STDP` (Song, Miller & Abbott 2000) and, for
short-term plasticity, `frompapers.Stimberg_et_al_2018`.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np
import pytest

from synsim import PairSTDP, Synapse, TsodyksMarkram

pytestmark = pytest.mark.usefixtures("on_numpy")

TAU, GMAX = 20 * b2.ms, 0.01
DA_PRE = 0.01
DA_POST = -DA_PRE * 1.05


def sides(cells=30, spikes=25):
    """Spikes of both sides, a third of them in the same time step."""
    rng = np.random.default_rng(2)
    pre = [np.sort(rng.choice(4000, spikes, replace=False)) for _ in range(cells)]
    post = [np.union1d(train[::3], rng.choice(4000, spikes)) for train in pre]
    return [
        b2.SpikeGeneratorGroup(
            cells, np.repeat(np.arange(cells), [len(t) for t in side]),
            np.concatenate(side) * 0.1 * b2.ms,
        )
        for side in (pre, post)
    ]  # fmt: skip


def test_stdp():
    """Their w is the conductance in [0, gmax], their traces carry the amplitudes; at one time the
    presynaptic spike comes first."""
    pre, post = sides()
    theirs = b2.Synapses(
        pre,
        post,
        """w : 1
        dApre/dt = -Apre/TAU : 1 (event-driven)
        dApost/dt = -Apost/TAU : 1 (event-driven)""",
        on_pre="Apre += DA_PRE*GMAX; w = clip(w + Apost, 0, GMAX)",
        on_post="Apost += DA_POST*GMAX; w = clip(w + Apre, 0, GMAX)",
    )
    theirs.connect(j="i")
    theirs.w = GMAX / 2
    rule = PairSTDP(
        a_plus=DA_PRE, a_minus=-DA_POST, tau_plus=TAU, tau_minus=TAU, coincident="pre-first"
    )
    ours = Synapse(p=1.0, plasticity=rule, w0=0.5).connect(pre, post, j="i")
    b2.Network(pre, post, theirs, ours).run(400 * b2.ms)
    np.testing.assert_allclose(ours.w[:], theirs.w[:] / GMAX, rtol=1e-10)
    assert np.ptp(ours.w[:]) > 0.02


def test_short_term_plasticity():
    """u jumps before release, x after it."""
    pre, post = sides()
    theirs = b2.Synapses(
        pre,
        post,
        """du_S/dt = -u_S/(150*ms) : 1 (event-driven)
        dx_S/dt = (1 - x_S)/(300*ms) : 1 (event-driven)
        r_S : 1""",
        on_pre="u_S += 0.4*(1 - u_S); r_S = u_S*x_S; x_S -= r_S",
    )
    theirs.connect(j="i")
    theirs.x_S = 1
    rule = TsodyksMarkram(U=0.4, tau_rec="300ms", tau_facil="150ms")
    ours = Synapse(short_term=rule, record=("released",)).connect(pre, post, j="i")
    b2.Network(pre, post, theirs, ours).run(400 * b2.ms)
    np.testing.assert_allclose(ours.last_released[:], theirs.r_S[:], rtol=1e-10)
