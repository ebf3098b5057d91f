"""Spike sources: regular, Poisson (with or without dead time), and recorded trains.

A regular train has spikes at

    t_j = start + j/rate,  j = 0, 1, ... n_spikes - 1

that are before start + duration. The intervals of a Poisson train are d + E, E exponential with
mean tau_E: rate is the rate of the train as it comes out, dead time included, and d = 0 is the
Poisson process. The train is stationary from t = 0 on (the first spike, at t_1, is that of an
equilibrium renewal process):

    tau_E = 1/rate - d
    P(t_1 > t) = 1 - rate t                          t <= d
    P(t_1 > t) = (1 - rate d) exp(-(t - d)/tau_E)    t > d
    CV = 1 - rate d                                  of the intervals

A replayed train has the times given, each with the index of its neuron.

On a time grid of step dt a spike goes to the nearest step (half-way: the later one). A Poisson
train is drawn on the grid by itself: from m steps after the last spike on, m the whole steps in d
and at least 1, every step has a spike with probability

    P = 1/(1/(rate dt) - m + 1)

which keeps the mean rate; without dead time P = rate dt.

Symbols
    rate       frequency  of each neuron's train
    start      time       of the first spike (regular)
    n_spikes   1          number of spikes (regular)
    duration   time       of the train, from start (regular); spikes at its very end are left out
    dead_time  time       d, least interval (Poisson)
    times      time       spike times (replayed)
    indices    1          their neurons, from 0 (replayed); left out: one neuron

Sources: Dayan & Abbott 2001, Theoretical Neuroscience, section 1.4 (Poisson trains); Cox 1962,
Renewal Theory, ch. 2 and 5 (equilibrium process); Deger, Helias, Boucsein & Rotter 2012,
J Comput Neurosci 32:443 (Poisson process with dead time); trains on a grid: Stimberg, Brette &
Goodman 2019, eLife 8:e47314. Deviations: on a grid, the discrete
process above; a neuron has at most one spike per step.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation, InputError, Mechanism, parameter
from synsim.component.errors import SynsimWarning
from synsim.component.parameters import Quantity, custom
from synsim.component.spike_trains import HALF, LAST_STEP, check_times, to_grid
from synsim.component.units import DIMENSIONS, Dimension, show

DAYAN_ABBOTT = Citation("Dayan & Abbott 2001, Theoretical Neuroscience, MIT Press", where="1.4")
COX = Citation("Cox 1962, Renewal Theory, Methuen", where="ch. 2 and 5")
DEGER = Citation(
    "Deger, Helias, Boucsein & Rotter 2012, J Comput Neurosci 32:443", "10.1007/s10827-011-0362-8"
)
BRIAN2 = Citation("Stimberg, Brette & Goodman 2019, eLife 8:e47314", "10.7554/eLife.47314")

Trains = tuple[NDArray[np.float64], NDArray[np.int64]]


class SpikeSource(Mechanism):
    """Neurons that spike by themselves."""

    role = "source"

    def spikes(
        self, duration: float, seed: int = 0, *, N: int | None = None, dt: float | None = None
    ) -> Trains:
        """Spikes as arrays, without Brian2.

        Parameters
        ----------
        duration : s; spikes in [0, duration)
        seed : of the random sources. Neuron i's train depends on the seed and i only: it is
            the same for every N, and the beginning of every longer one.
        N : number of neurons; 1, or as many as were recorded, if left out
        dt : time step, s: put the spikes on this grid. Without it they are anywhere in time.

        Returns
        -------
        times : s, shape (m,), in order
        indices : shape (m,), the neuron of each

        Raises
        ------
        InputError
            when two spikes of a neuron would share a time step.
        """
        raise NotImplementedError

    def group(
        self, N: int | None = None, *, name: str | None = None, dt: Any = None, clock: Any = None
    ) -> Any:
        """A plain Brian2 group that spikes like this.

        Parameters
        ----------
        N : number of neurons; 1, or as many as were recorded, if left out
        name, dt, clock : as everywhere in Brian2
        """
        raise NotImplementedError


class RegularSource(SpikeSource):
    """Spikes at a fixed rate."""

    name = "regular"
    citations = (BRIAN2,)

    rate: float = parameter("Hz", "firing rate", low=0, low_open=True)
    start: float = parameter("ms", "time of the first spike", default="0ms", low=0)
    n_spikes: int | None = parameter(
        "1", "number of spikes", default=None, low=0, integer=True, optional=True
    )
    duration: float | None = parameter(
        "ms", "of the train, instead of n_spikes", default=None, low=0, optional=True
    )

    def check(self) -> None:
        if self.n_spikes is not None and self.duration is not None:
            raise InputError(
                f"RegularSource: found both n_spikes {self.n_spikes} and duration "
                f"{self.text('duration')}, expected at most one of them"
            )

    @property
    def limit(self) -> int | None:
        """Number of spikes, None for no end."""
        if self.duration is None:
            return self.n_spikes
        # Rounding in the product is not to add a spike at the very end.
        return math.ceil(self.duration * self.rate * (1 - 1e-12))

    def spikes(
        self, duration: float, seed: int = 0, *, N: int | None = None, dt: float | None = None
    ) -> Trains:
        N = 1 if N is None else N
        count = max(0, math.ceil((duration - self.start) * self.rate) + 1)
        train: NDArray[Any] = self.start + np.arange(count)[: self.limit] / self.rate
        if dt is not None:
            _check_rate(self, self.rate, dt)
            train = to_grid(train, dt, what="RegularSource")[0] * dt
        train = train[_before(train, duration, dt)]
        return np.repeat(train, N), np.tile(np.arange(N), len(train))

    def group(
        self, N: int | None = None, *, name: str | None = None, dt: Any = None, clock: Any = None
    ) -> Any:
        """A NeuronGroup that spikes at the steps of ``spikes(..., dt=dt)``.

        `rate`, `start` and `n_spikes` are shared variables of the group (n_spikes is
        2**31 - 1 for no end), so that neither neurons nor spikes cost memory.
        """
        from brian2 import NeuronGroup

        _check_rate(self, self.rate, _step(dt, clock))
        made = NeuronGroup(
            1 if N is None else N,
            """rate : Hz (shared, constant)
            start : second (shared, constant)
            n_spikes : integer (shared, constant)
            nearest = floor((t - start)*rate + 0.5) : 1 (shared)""",
            # The spike nearest to this step, if this step is the nearest to it too.
            threshold="nearest >= 0 and nearest < n_spikes and "
            f"timestep(t, dt) == floor((start + nearest/rate)/dt + {HALF!r})",
            reset="",
            **_options(name, dt, clock),
        )
        made.rate_ = self.rate
        made.start_ = self.start
        made.n_spikes = LAST_STEP if self.limit is None else self.limit
        return made


class PoissonSource(SpikeSource):
    """Poisson spikes at a fixed rate, with a dead time if wanted."""

    name = "poisson"
    citations = (DAYAN_ABBOTT, COX, DEGER)

    rate: float = parameter("Hz", "firing rate, dead time included", low=0, array=True)
    dead_time: float = parameter("ms", "least interval between spikes", default="0ms", low=0)

    def check(self) -> None:
        if np.any(np.asarray(self.rate) * self.dead_time >= 1):
            raise InputError(
                f"PoissonSource: found rate {self.text('rate')} with dead_time "
                f"{self.text('dead_time')}, expected a rate below 1/dead_time"
            )

    def interval_cv(self) -> NDArray[np.float64]:
        """Coefficient of variation of the intervals, 1 - rate dead_time."""
        return np.asarray(1 - np.asarray(self.rate) * self.dead_time)

    def spikes(
        self, duration: float, seed: int = 0, *, N: int | None = None, dt: float | None = None
    ) -> Trains:
        rates = self._rates(N)
        if dt is not None:
            _check_rate(self, rates, dt, self.dead_time)
        trains = [
            _renewal(np.random.default_rng((seed, i)), float(rate), self.dead_time, duration, dt)
            for i, rate in enumerate(rates)
        ]
        times = np.concatenate([*trains, np.empty(0)])
        indices = np.repeat(np.arange(len(rates)), [len(train) for train in trains])
        order = np.lexsort((indices, times))
        return times[order], indices[order]

    def group(
        self, N: int | None = None, *, name: str | None = None, dt: Any = None, clock: Any = None
    ) -> Any:
        """A PoissonGroup; with a dead time a NeuronGroup. Brian2's seed() rules both."""
        from brian2 import Hz, NeuronGroup, PoissonGroup

        rates = self._rates(N)
        _check_rate(self, rates, _step(dt, clock), self.dead_time)
        options = _options(name, dt, clock)
        if not self.dead_time:
            return PoissonGroup(len(rates), rates=rates * Hz, **options)
        made = NeuronGroup(
            len(rates),
            f"""rate : Hz ({"" if np.ndim(self.rate) else "shared, "}constant)
            dead_time : second (shared, constant)
            dead_steps = clip(1.0*timestep(dead_time, dt), 1, inf) : 1 (shared)""",
            threshold="rand()*(1 + (1 - dead_steps)*rate*dt) < rate*dt",
            refractory="dead_time",
            **options,
        )
        made.rate_ = self.rate
        made.dead_time_ = self.dead_time
        # Stationary from the start: the age at step 0 is a + 1 steps with probability rate dt
        # for each a below dead_steps; above, it does not matter how old.
        made.lastspike = "-dt*(1 + floor(clip(rand()/clip(rate*dt, 1e-12, 1), 0, dead_steps)))"
        return made

    def _rates(self, N: int | None) -> NDArray[np.float64]:
        given = np.atleast_1d(self.rate)
        if np.ndim(self.rate) and N not in (None, len(given)):
            raise InputError(
                f"PoissonSource: found {len(given)} rates, expected one for each of the {N} neurons"
            )
        return np.broadcast_to(given, (N or 1,) if not np.ndim(self.rate) else given.shape)


@dataclass(frozen=True)
class _Seconds:
    """Plain numbers known to be seconds."""

    values: Any


@dataclass(frozen=True)
class SpikeTimes(Quantity):
    """Spike times: an array of any length, none included."""

    def _read(self, value: Any) -> tuple[Any, Dimension]:
        if isinstance(value, _Seconds):
            return value.values, DIMENSIONS["time"]
        if np.size(value) == 0:  # nothing needs no unit
            return np.empty(0), DIMENSIONS["time"]
        return super()._read(value)

    def show(self, value: Any, unit_name: str | None = None) -> str:
        return super().show(value, unit_name) if np.size(value) else "no spikes"


class ReplayedSource(SpikeSource):
    """Recorded spike trains, played again."""

    name = "replayed"
    citations = (BRIAN2,)

    times: NDArray[np.float64] = custom(
        SpikeTimes("spike times, increasing for each neuron", ("ms",), array=True)
    )
    indices: NDArray[np.int64] | None = parameter(
        "1",
        "neuron of each spike, from 0",
        default=None,
        low=0,
        integer=True,
        array=True,
        optional=True,
    )

    @classmethod
    def from_seconds(cls, times: ArrayLike, indices: ArrayLike | None = None) -> Self:
        """From plain numbers, in seconds; raises what the constructor raises."""
        what = f"{cls.__name__}.times"
        checked = check_times(times, what, indices=indices)
        return cls(times=_Seconds(checked), indices=indices)  # type: ignore[arg-type]

    def check(self) -> None:
        for name in ("times", "indices"):
            if np.ndim(getattr(self, name)) != 1 and getattr(self, name) is not None:
                raise InputError(f"ReplayedSource.{name}: found one number, expected an array")
        check_times(self.times, "ReplayedSource.times", indices=self.indices)

    def spikes(
        self, duration: float, seed: int = 0, *, N: int | None = None, dt: float | None = None
    ) -> Trains:
        indices = self._indices(N)
        times: NDArray[Any] = self.times
        if dt is not None:
            times = to_grid(times, dt, what="ReplayedSource.times", indices=indices)[0] * dt
        order = np.lexsort((indices, times))
        order = order[_before(times[order], duration, dt)]
        return times[order], indices[order]

    def group(
        self, N: int | None = None, *, name: str | None = None, dt: Any = None, clock: Any = None
    ) -> Any:
        """A SpikeGeneratorGroup.

        Spikes go to the nearest time step (Brian2 by itself takes the step before). A
        SynsimWarning says by how much they moved, unless all are on the grid.
        """
        from brian2 import SpikeGeneratorGroup, second

        indices = self._indices(N)
        step = _step(dt, clock)
        steps, shift = to_grid(self.times, step, what="ReplayedSource.times", indices=indices)
        if shift:
            warnings.warn(
                f"ReplayedSource: spikes were moved to the nearest step of {show(step, 'ms')}, "
                f"by at most {show(float(f'{shift:.3g}'), 'ms')}",
                SynsimWarning,
                stacklevel=2,
            )
        order = np.lexsort((indices, steps))
        return SpikeGeneratorGroup(
            self._count(N),
            indices[order],
            steps[order] * step * second,
            sorted=True,
            **_options(name, dt, clock),
        )

    def _count(self, N: int | None) -> int:
        return max(1, int(self._indices(None).max(initial=-1)) + 1) if N is None else N

    def _indices(self, N: int | None) -> NDArray[np.int64]:
        found = self.indices
        indices = np.zeros(len(self.times), dtype=np.int64) if found is None else found
        if N is not None and indices.max(initial=-1) >= N:
            raise InputError(
                f"ReplayedSource.indices: found {indices.max()}, expected at most {N - 1} for "
                f"{N} neurons"
            )
        return indices


def _renewal(
    rng: np.random.Generator, rate: float, dead_time: float, duration: float, dt: float | None
) -> NDArray[np.float64]:
    """One stationary train in [0, duration), on the grid of dt if there is one."""
    if rate == 0:
        return np.empty(0)
    block = int(rate * duration + 5 * math.sqrt(rate * duration)) + 10
    last = rng.random() / rate  # time from the last spike before 0 to 0; any, where beyond d
    if dt is None:
        mean = 1 / rate - dead_time
        first = max(dead_time - last, 0.0)
        intervals = [first + mean * rng.standard_exponential(1)]
        while sum(map(np.sum, intervals)) < duration:
            intervals.append(dead_time + mean * rng.standard_exponential(block))
        train = np.cumsum(np.concatenate(intervals))
    else:
        dead = _dead_steps(dead_time, dt)
        chance = 1 / (1 / (rate * dt) - dead + 1)
        first = max(dead - 1 - math.floor(last / dt), 0)
        gaps = [first - 1 + rng.geometric(chance, 1)]
        while sum(map(np.sum, gaps)) * dt < duration:
            gaps.append(dead - 1 + rng.geometric(chance, block))
        train = np.asarray(np.cumsum(np.concatenate(gaps)) * dt, dtype=np.float64)
    return train[_before(train, duration, dt)]


def _before(times: NDArray[Any], duration: float, dt: float | None) -> NDArray[np.bool_]:
    """Which times are below `duration`: on a grid by whole steps, as a run counts them."""
    return times < duration if dt is None else np.rint(times / dt) < np.rint(duration / dt)


def _dead_steps(dead_time: float, dt: float) -> int:
    """Steps of a dead time as Brian2 counts them: whole ones, rounding noise forgiven."""
    return max(1, int((dead_time + 1e-3 * dt) / dt))


def _step(dt: Any, clock: Any) -> float:
    """The time step, s, that a group with these arguments will have."""
    from brian2 import defaultclock

    return float(dt if dt is not None else (clock or defaultclock).dt)


def _options(name: str | None, dt: Any, clock: Any) -> dict[str, Any]:
    """Arguments of a Brian2 group; without a name it makes its own."""
    return {"dt": dt, "clock": clock, **({} if name is None else {"name": name})}


def _check_rate(source: SpikeSource, rate: ArrayLike, dt: float, dead_time: float = 0.0) -> None:
    """At most one spike a step, and none in the dead time as it is on the grid."""
    highest = float(np.max(rate, initial=0.0))
    if highest * dt * _dead_steps(dead_time, dt) > 1 + 1e-9:
        raise InputError(
            f"{type(source).__name__}: found rate {show(highest, 'Hz')} with a time step of "
            f"{show(dt, 'ms')}, expected at most one spike per step: use a smaller time step"
        )
