"""Writing numbers into many weights by pairings, leaving them to background activity, reading them.

Every copy of the synapse in one compiled run is one number that is written once. `Row` says how
the copies of a scheme are written, `Writer` runs them, and `Reader` says what a burst tells of a
weight. What should come of it in closed form: `synsim.predict.precision` and `.disturbance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim import engine
from synsim.models.lif import LIF
from synsim.models.pair_stdp import PairSTDP
from synsim.predict.precision import burst_sum
from synsim.protocol import Running
from synsim.stimuli.induction import spikes
from synsim.synapse import Synapse

Array = NDArray[np.float64]
Steps = NDArray[np.int64]

# What is compiled has a place for scatter and for values of its own for every copy; these
# numbers are replaced by those of the run.
_PLACE = {"a_plus": 0.01, "a_minus": 0.01, "scatter_cv": 0.1}


@dataclass(frozen=True, eq=False)
class Row:
    """Copies that are written alike.

    scheme : one of the protocol's, or "check", whose synapses are all alike: without gains
    step : what a separate pairing changes the weight by, up or down
    period : time steps from pairing to pairing
    meant : level meant by each copy, shape (copies,)
    reset : pairings down before the count
    count : pairings of each copy, shape (copies,), up where positive
    start : weight before, shape (copies,)
    """

    scheme: str
    levels: int
    scatter_cv: float
    step: float
    period: int
    meant: Steps
    reset: int
    count: Steps
    start: Array

    @property
    def pairings(self) -> int:
        """The most that any of its numbers takes."""
        return self.reset + int(np.abs(self.count).max())

    @property
    def values(self) -> Array:
        """The values meant: k/L, or a bit."""
        return self.meant / (1 if self.scheme == "binary" else self.levels)


def pairing_steps(row: Row, lag: int) -> tuple[Steps, Steps, Steps]:
    """Copy, presynaptic step and postsynaptic step of every pairing of a row, shape (m,) each.

    The earlier spike of pairing i is at i periods.
    """
    total = row.reset + np.abs(row.count)
    copy = np.repeat(np.arange(len(total)), total)
    i = np.arange(len(copy)) - np.repeat(np.cumsum(total) - total, total)
    up = (i >= row.reset) & (row.count[copy] > 0)
    first = i * row.period
    return copy, first + np.where(up, 0, lag), first + np.where(up, lag, 0)


@dataclass(frozen=True)
class Writer:
    """The rule that writes: pair STDP, additive within [0, 1], all-to-all.

    lag : time steps;  dt : s
    """

    tau_plus: float
    tau_minus: float
    lag: int
    dt: float
    gain_cv: float = 0.0

    def rule(self, **values: Any) -> PairSTDP:
        """The rule with its time constants; `values` replace the places for the rest."""
        taus = {"tau_plus": f"{self.tau_plus!r}s", "tau_minus": f"{self.tau_minus!r}s"}
        return PairSTDP(**{**_PLACE, **taus, **values})

    def synapse(self) -> Synapse:
        """What every copy is; the weight is read by `Reader`."""
        return Synapse(p=1.0, plasticity=self.rule(), per_synapse=tuple(_PLACE))

    def amplitudes(self, step: ArrayLike) -> tuple[Array, Array]:
        """a_plus and a_minus for which a separate pairing at the lag is one step."""
        step, lag = np.asarray(step, dtype=float), self.lag * self.dt
        return step * np.exp(lag / self.tau_plus), step * np.exp(lag / self.tau_minus)

    def program(self, copies: int) -> engine.Program:
        return engine.Program(self.synapse(), copies, final=("w",))

    def write(
        self, program: engine.Program, rows: Sequence[Row], running: Running
    ) -> tuple[list[Array], engine.Run]:
        """The weight of every copy of every row when all its pairings are done."""
        sizes = [len(row.meant) for row in rows]
        first = np.cumsum([0, *sizes])
        parts = [pairing_steps(row, self.lag) for row in rows]
        copy = np.concatenate([at + part[0] for at, part in zip(first, parts, strict=False)])
        pre, post = (np.concatenate([part[side] for part in parts]) for side in (1, 2))
        rng = np.random.default_rng([running.seed, 11])
        gain = np.maximum(1 + self.gain_cv * rng.standard_normal(first[-1]), 0.0)
        gain[np.repeat([row.scheme == "check" for row in rows], sizes)] = 1.0
        steps = np.repeat([row.step for row in rows], sizes) * gain
        done = self._run(
            program,
            (engine.Spikes.of(pre, copy), engine.Spikes.of(post, copy)),
            int(max(pre.max(initial=0), post.max(initial=0))) + 1,
            np.concatenate([row.start for row in rows]),
            steps,
            np.repeat([row.scatter_cv for row in rows], sizes),
            running,
            12,
        )
        return np.split(done.final["w"][: first[-1]], first[1:-1]), done

    def hold(
        self,
        program: engine.Program,
        weights: Array,
        steps: Array,
        scatter: Array,
        duration: Steps,
        rates: tuple[float, float],
        running: Running,
    ) -> Array:
        """Weights after background activity, each for a time of its own, from rest.

        Parameters
        ----------
        weights, steps, scatter : of each copy, shape (copies,)
        duration : time steps, shape (copies,)
        rates : Hz, of presynaptic and postsynaptic spikes
        """
        rng = np.random.default_rng([running.seed, 13])
        trains = [poisson_spikes(rate * self.dt, duration, rng) for rate in rates]
        last = int(duration.max(initial=0)) + 1
        return self._run(
            program, (trains[0], trains[1]), last, weights, steps, scatter, running, 14
        ).final["w"][: len(weights)]

    def _run(
        self,
        program: engine.Program,
        trains: tuple[engine.Spikes, engine.Spikes],
        last: int,
        weights: Array,
        steps: Array,
        scatter: Array,
        running: Running,
        stream: int,
    ) -> engine.Run:
        plus, minus = self.amplitudes(steps)
        values = {"w": weights, "a_plus": plus, "a_minus": minus, "scatter_cv": scatter}
        spare = program.copies - len(weights)
        values = {name: np.pad(v, (0, spare), mode="edge") for name, v in values.items()}
        # Both runs of a protocol draw from streams of their own
        seed = int(np.random.SeedSequence([running.seed, stream]).generate_state(1)[0])
        return engine.simulate(
            program,
            pre=trains[0],
            post=trains[1],
            steps=last,
            dt=self.dt,
            values=values,
            **{**running.options(), "seed": seed},
        )


def poisson_spikes(expected: float, duration: Steps, rng: np.random.Generator) -> engine.Spikes:
    """Poisson spikes of each copy for its own time, at most one a step.

    Parameters
    ----------
    expected : spikes a step
    duration : time steps, shape (copies,)
    """
    counts = rng.poisson(expected * duration)
    copies = np.repeat(np.arange(len(duration)), counts)
    at = (rng.random(len(copies)) * duration[copies]).astype(np.int64)
    width = int(duration.max(initial=0)) + 1
    alone = np.sort(copies * width + at)
    alone = alone[np.diff(alone, prepend=-1) > 0]
    return engine.Spikes.of(alone % width, alone // width)


@dataclass(frozen=True)
class Reader:
    """Reading a weight by a burst onto a leaky integrate-and-fire neuron at rest.

    Below threshold the membrane is linear, so after spike i it stands at q w sum of k_j r^(i - j),
    r = exp(-interval/tau_m), with k_j the released quanta over their mean (1 without noise); a bit
    reads as 1 where that reaches the threshold. `q` is such that it does, without noise, just at
    `threshold`. A number is read as w times the mean of the k_j. (In a network with time step dt a
    jump meets the threshold one step later: there q has to be larger by exp(dt/tau_m).)

    Parameters
    ----------
    interval : s, between the spikes
    n, p : release sites and probability; None for reading without noise
    """

    neuron: LIF
    spikes: int
    interval: float
    threshold: float
    n: int | None = None
    p: float = 1.0

    @property
    def q(self) -> float:
        """Response at w = 1, V."""
        above = float(self.neuron.V_th - self.neuron.E_L)
        return above / (self.threshold * float(self._sums[-1]))

    @property
    def uncalibrated_threshold(self) -> float:
        """The weight that just reads as 1 where q is chosen as if the membrane did not leak."""
        return self.threshold * self.spikes / float(self._sums[-1])

    @property
    def _sums(self) -> Array:
        return burst_sum(self.spikes, self.interval, self.neuron.tau_m)

    def released(self, copies: int, running: Running) -> Array:
        """Released quanta over their mean, shape (copies, spikes)."""
        if self.n is None:
            return np.ones((copies, self.spikes))
        synapse = Synapse(n=self.n, p=self.p, release="binomial", record=("released",))
        steps = np.broadcast_to(np.arange(self.spikes), (copies, self.spikes))
        seed = int(np.random.SeedSequence([running.seed, 15]).generate_state(1)[0])
        done = engine.simulate(
            engine.Program(synapse, copies, events=("last_released",)),
            pre=spikes(steps.astype(np.int64)),
            post=engine.Spikes.of([], []),
            steps=self.spikes,
            dt=1e-4,
            **{**running.options(), "seed": seed},
        )
        events = done.events["pre"]
        order = np.lexsort((events.steps, events.copies))
        quanta = events.states["last_released"][order].reshape(copies, self.spikes)
        return np.asarray(quanta / (self.n * self.p))

    def number(self, w: Array, released: Array) -> Array:
        """The weight as it is read, shape (copies,)."""
        return w * released.mean(axis=1)

    def bit(self, w: Array, released: Array) -> NDArray[np.bool_]:
        """Whether the burst makes the neuron fire, shape (copies,)."""
        decay = np.exp(-self.interval / self.neuron.tau_m)
        above = float(self.neuron.V_th - self.neuron.E_L)
        potential, fired = np.zeros(len(w)), np.zeros(len(w), dtype=bool)
        for quanta in released.T:
            potential = potential * decay + self.q * w * quanta
            fired |= potential >= above * (1 - 1e-12)  # the threshold itself reads as 1
        return fired
