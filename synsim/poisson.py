"""Sources of Poisson spikes that draw once a spike, not once a step. Imports Brian2.

    from synsim import PoissonSources

    sources = PoissonSources(1000, 10 * Hz)      # in place of brian2.PoissonGroup

Brian2's `PoissonGroup` draws a random number for every source at every step; where synapses are
worked off quickly, this is most of a simulation's time. Here each source draws the number of
steps to its next spike, whose distribution is geometric. The spikes are the same process:
in every step, independently, a source spikes with probability rate times dt.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2 import NeuronGroup, Quantity, hertz
from brian2.units.fundamentalunits import DimensionMismatchError, fail_for_dimension_mismatch

from synsim import brian
from synsim.component.code import CodeFunction
from synsim.component.errors import FieldError

_NEVER = 2**62  # steps


def _numpy_steps(p: Any, source: Any, size: Any) -> Any:
    chance = np.broadcast_to(np.asarray(p, dtype=float), np.shape(source))
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.log1p(-np.random.random(chance.shape))  # noqa: NPY002
        steps = np.floor(left / np.log1p(-np.minimum(chance, 1))) + 1
    steps = np.where(chance >= 1, 1, steps)
    return np.where((chance > 0) & (steps < _NEVER), steps, _NEVER).astype(np.int64)


STEPS_TO_SPIKE = CodeFunction(
    name="steps_to_spike",
    arguments=("p", "source"),
    integer=True,
    random=True,
    numpy=_numpy_steps,
    cpp=f"""
    static inline int64_t steps_to_spike(const double p, const int32_t source,
                                         const int _vectorisation_idx)
    {{
        if (!(p > 0.0))
            return {_NEVER}LL;
        if (p >= 1.0)
            return 1;
        const double steps = floor(log1p(-_rand(_vectorisation_idx)) / log1p(-p)) + 1.0;
        return steps < {_NEVER}.0 ? (int64_t)steps : {_NEVER}LL;
    }}
    """,
    cython=f"""
    cdef long long steps_to_spike(double p, int source, int _vectorisation_idx):
        if not p > 0.0:
            return {_NEVER}
        if p >= 1.0:
            return 1
        cdef double steps = floor(log1p(-_rand(_vectorisation_idx)) / log1p(-p)) + 1.0
        return <long long>steps if steps < {_NEVER}.0 else {_NEVER}
    """,
)
"""How many steps it takes until an event that happens at each with probability p: 1 at least."""


class PoissonSources(NeuronGroup):
    """Independent Poisson sources of constant rates, as a Brian2 group.

    Parameters
    ----------
    N : number of sources
    rates : Hz, one for all or one for each source, shape (N,); may be set between runs
        (``sources.rates = ...``)
    options : ``clock``, ``dt``, ``name`` as of `brian2.NeuronGroup`

    Raises
    ------
    InputError
        for rates that are negative, of another dimension or number, or above 1/dt

    Notes
    -----
    What has not happened yet is forgotten and drawn anew when a run begins; the process has no
    memory, so this changes nothing but lets rates and dt change between runs.
    """

    def __init__(self, N: int, rates: Any, **options: Any) -> None:
        values = _checked(rates, N)
        super().__init__(
            N,
            f"""rates : Hz{" (shared)" if values.ndim == 0 else ""}
            next_spike : integer""",
            threshold="t_in_timesteps >= next_spike",
            reset="next_spike = t_in_timesteps + steps_to_spike(rates*dt, i)",
            namespace={"steps_to_spike": brian.function(STEPS_TO_SPIKE)},
            dtype={"next_spike": np.int64},
            **options,
        )
        self.rates = Quantity(values, dim=hertz.dim)

    def before_run(self, run_namespace: Any = None) -> None:
        self._check_rates()
        self.next_spike = "t_in_timesteps + steps_to_spike(rates*dt, i) - 1"
        super().before_run(run_namespace)

    def _check_rates(self) -> None:
        try:
            rates = np.asarray(self.variables["rates"].get_value())
        except NotImplementedError:  # standalone, set by an expression: only the program knows
            return
        _refuse_above(rates, self.dt_)


def _checked(rates: Any, count: int) -> Any:
    """Rates in Hz as an array of shape () or (count,)."""
    try:
        fail_for_dimension_mismatch(rates, hertz)
    except DimensionMismatchError:
        raise FieldError(
            "PoissonSources", "rates", f"found {rates}, expected rates in Hz, such as 10*Hz"
        ) from None
    values = np.asarray(rates, dtype=float)
    if values.shape not in ((), (count,)):
        raise FieldError(
            "PoissonSources",
            "rates",
            f"found {values.size} values, expected one, or one for each of the {count} sources",
        )
    wrong = values[~(values >= 0)]
    if wrong.size:
        raise FieldError(
            "PoissonSources", "rates", f"found {wrong[0]:g} Hz, expected at least 0 Hz"
        )
    return values


def _refuse_above(rates: Any, dt: float) -> None:
    if np.any(rates * dt > 1 + 1e-9):
        raise FieldError(
            "PoissonSources",
            "rates",
            f"found {np.max(rates):g} Hz, expected at most {1 / dt:g} Hz: one spike in each step "
            f"of {dt * 1e3:g} ms",
        )
