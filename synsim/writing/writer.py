"""Writing numbers into many weights in spikes, and leaving them to background activity.

Every copy in one compiled run is one synapse onto a leaky integrate-and-fire neuron of its own, and
one number that is written once. A strong second input (`Writer.kick`) makes the neuron fire at the
lag that is wanted; where the synapse is strong enough the neuron fires by itself, and it does not
while it is refractory. Plasticity takes the spikes that the neuron really fires. What should come
of it in closed form: `synsim.predict.precision`, `.burst` and `.disturbance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim import engine
from synsim.models.energy_recycling import Recycling
from synsim.models.lif import LIF
from synsim.models.pair_stdp import PairSTDP
from synsim.protocol import Running
from synsim.synapse import Synapse
from synsim.writing.rows import Row, pairing_steps

Array = NDArray[np.float64]
Steps = NDArray[np.int64]

# What is compiled has a place for scatter and for values of its own for every copy; these
# numbers are replaced by those of the run.
_PLACE = {"a_plus": 0.01, "a_minus": 0.01, "scatter_cv": 0.1}
_LONG_BEFORE = -1.0  # s; states that say "never" are earlier


@dataclass(frozen=True)
class Written:
    """What a run leaves, shape (copies,) each.

    w : weights;  fired : spikes of the neuron;  last : time of the last spike of either side, s,
    0 where there was none;  quanta : released in all
    """

    w: Array
    fired: NDArray[np.int64]
    last: Array
    quanta: Array


@dataclass(frozen=True)
class Writer:
    """The rule that writes: pair STDP, additive within [0, 1], all-to-all; and who fires.

    lag : time steps;  dt : s
    n, p : release sites and probability; None for mean release without noise
    """

    tau_plus: float
    tau_minus: float
    lag: int
    dt: float
    neuron: LIF
    gain_cv: float = 0.0
    n: int | None = None
    p: float = 1.0

    @property
    def kick(self) -> float:
        """Jump by the strong input, V: from wherever the neuron is, it fires."""
        return 3 * float(self.neuron.V_th - min(self.neuron.E_L, self.neuron.V_reset))

    @property
    def dead_time(self) -> float:
        """How long a further kick is lost after one that made the neuron fire, s."""
        return (int(self.neuron.t_ref / self.dt + 1e-3) + 1) * self.dt

    @property
    def mean_quanta(self) -> float:
        """Quanta that a spike releases in the mean."""
        return 1.0 if self.n is None else self.n * self.p

    def fires_alone(self, response: float) -> float:
        """The weight from which one spike fires the neuron at rest; the threshold is met a step
        later."""
        above = float(self.neuron.V_th - self.neuron.E_L) * np.exp(self.dt / self.neuron.tau_m)
        return float(above / response) if response > 0 else float("inf")

    def rule(self, **values: Any) -> PairSTDP:
        """The rule with its time constants; `values` replace the places for the rest."""
        taus = {"tau_plus": f"{self.tau_plus!r}s", "tau_minus": f"{self.tau_minus!r}s"}
        return PairSTDP(**{**_PLACE, **taus, **values})

    def synapse(self) -> Synapse:
        """What every copy is."""
        release: dict[str, Any] = {"p": self.p}
        if self.n is not None:
            release |= {"n": self.n, "release": "binomial"}
        return Synapse(
            **release,
            q="1mV",
            target="v",
            plasticity=self.rule(),
            per_synapse=(*_PLACE, "q"),
            energy=Recycling(atp_recycling=1.0),  # its meter counts quanta
        )

    def amplitudes(self, step: ArrayLike) -> tuple[Array, Array]:
        """a_plus and a_minus for which a separate pairing at the lag is one step."""
        step, lag = np.asarray(step, dtype=float), self.lag * self.dt
        return step * np.exp(lag / self.tau_plus), step * np.exp(lag / self.tau_minus)

    def program(self, copies: int, events: tuple[str, ...] = ()) -> engine.Program:
        return engine.Program(
            self.synapse(),
            copies,
            events=events,
            final=("w", "pre_time", "post_time", "energy_recycling", "fired"),
            target=engine.Target(self.neuron, self.kick),
        )

    def write(
        self, program: engine.Program, rows: Sequence[Row], running: Running
    ) -> tuple[list[Written], engine.Run]:
        """What every copy of every row has become when all its pairings are done."""
        sizes = [len(row.meant) for row in rows]
        first = np.cumsum([0, *sizes])
        parts = [pairing_steps(row, self.lag) for row in rows]
        copy = np.concatenate([at + part[0] for at, part in zip(first, parts, strict=False)])
        pre, post = (np.concatenate([part[side] for part in parts]) for side in (1, 2))
        rng = np.random.default_rng([running.seed, 11])
        gain = np.maximum(1 + self.gain_cv * rng.standard_normal(first[-1]), 0.0)
        gain[np.repeat([row.scheme == "check" for row in rows], sizes)] = 1.0
        done, run = self.run(
            program,
            # The neuron fires a step after it is kicked
            (engine.Spikes.of(pre + 1, copy), engine.Spikes.of(post, copy)),
            int(max(pre.max(initial=0), post.max(initial=0))) + 2,
            w=np.concatenate([row.start for row in rows]),
            step=np.repeat([row.step for row in rows], sizes) * gain,
            scatter_cv=np.repeat([row.scatter_cv for row in rows], sizes),
            response=np.repeat([row.response for row in rows], sizes),
            running=running,
            stream=12,
        )
        columns = {name: np.split(value, first[1:-1]) for name, value in vars(done).items()}
        return [Written(**{k: v[i] for k, v in columns.items()}) for i in range(len(rows))], run

    def hold(
        self,
        program: engine.Program,
        duration: Steps,
        rates: tuple[float, float],
        *,
        w: Array,
        step: Array,
        scatter_cv: Array,
        response: Array,
        running: Running,
    ) -> Array:
        """Weights after background activity, each for a time of its own, from rest.

        Parameters
        ----------
        duration : time steps, shape (copies,)
        rates : Hz, of presynaptic spikes and of kicks
        w, step, scatter_cv, response : of each copy, shape (copies,)
        """
        rng = np.random.default_rng([running.seed, 13])
        trains = [poisson_spikes(rate * self.dt, duration, rng) for rate in rates]
        return self.run(
            program, (trains[0], trains[1]), int(duration.max(initial=0)) + 2, w=w, step=step,
            scatter_cv=scatter_cv, response=response, running=running, stream=14,
        )[0].w  # fmt: skip

    def run(
        self,
        program: engine.Program,
        trains: tuple[engine.Spikes, engine.Spikes],
        steps: int,
        *,
        w: Array,
        step: Array,
        scatter_cv: Array,
        response: Array,
        running: Running,
        stream: int,
    ) -> tuple[Written, engine.Run]:
        """Any spikes: presynaptic ones, and kicks."""
        plus, minus = self.amplitudes(step)
        values = {
            "w": w, "a_plus": plus, "a_minus": minus, "scatter_cv": scatter_cv,
            "q": response / self.mean_quanta,
        }  # fmt: skip
        spare = program.copies - len(w)
        values = {name: np.pad(v, (0, spare), mode="edge") for name, v in values.items()}
        # The runs of a protocol draw from streams of their own
        seed = int(np.random.SeedSequence([running.seed, stream]).generate_state(1)[0])
        run = engine.simulate(
            program,
            pre=trains[0],
            post=trains[1],
            steps=steps,
            dt=self.dt,
            values=values,
            **{**running.options(), "seed": seed},
        )
        final = {name: value[: len(w)] for name, value in run.final.items()}
        last = np.maximum(final["pre_time"], final["post_time"])
        found = Written(
            w=final["w"],
            fired=final["fired"].astype(np.int64),
            last=np.where(last > _LONG_BEFORE, last, 0.0),
            quanta=final["energy_recycling"],
        )
        return found, run


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
