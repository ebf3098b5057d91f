"""What a train of responses sums to in a leaky membrane: in closed form, and as it was simulated.

A response in mV is a jump of the potential, one in pA an exponential current, one in nS an
exponential conductance; the membrane is that of Vogels & Abbott 2005 and does not spike. Currents
and jumps superpose, so that mean and variance of the sum have a closed form; conductances do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim import engine, style
from synsim.component.spike_trains import on_grid
from synsim.models.lif import LIF
from synsim.models.synaptic_currents import (
    DeltaInput,
    ExponentialConductance,
    ExponentialCurrent,
    SynapticInput,
)
from synsim.predict.train import Prediction
from synsim.stimuli.trains import ResponseUnit, largest_deviation
from synsim.synapse import Synapse

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

TAIL = 4.0  # membrane time constants after the last pulse
_GRID = 200  # samples of a run, besides those at the pulses


def membrane(unit: ResponseUnit) -> engine.Membrane | None:
    """The membrane for responses of that unit; None for bare numbers.

    Time constant and reversal potential are those of the paper's excitatory synapses.
    """
    constants: dict[str, Any] = {"tau": "5ms"}
    reversal: dict[str, Any] = {"E_rev": "0mV"}
    sources: dict[str, SynapticInput] = {
        "mV": DeltaInput(),
        "pA": ExponentialCurrent(**constants),
        "nS": ExponentialConductance(**constants, **reversal),
    }
    if unit.name not in sources:
        return None
    return engine.Membrane(LIF.preset("lif-vogels-abbott-2005"), sources[unit.name])


def superposes(made: engine.Membrane) -> bool:
    """Whether potentials add up, so that there is a closed form."""
    return made.source.symbol != "g"


def summed_potential(
    times: ArrayLike,
    pulses: ArrayLike,
    mean: ArrayLike,
    covariance: ArrayLike,
    neuron: LIF,
    source: SynapticInput,
) -> tuple[Array, Array]:
    """Mean and standard deviation of the depolarisation by a train of responses.

    Below threshold the membrane is linear: the potential is the superposition of the responses'
    PSPs, V(t) = sum a_i k(t - t_i), so its mean and variance follow from those of the a_i.

    Parameters
    ----------
    times : s, shape (m,)
    pulses : s, when the responses come, shape (k,)
    mean, covariance : of the responses in SI, shapes (k,) and (k, k)

    Returns
    -------
    mean and SD in V, shape (m,) each
    """
    since = np.asarray(times, dtype=float)[:, None] - np.asarray(pulses, dtype=float)
    # `psp` of an exponential current is 0 at t = 0, so 0 before the event as well
    shape = neuron.psp(since, source, 1.0)
    variance = np.einsum("ti,ij,tj->t", shape, np.asarray(covariance), shape)
    return shape @ np.asarray(mean), np.sqrt(np.maximum(variance, 0))


def noise_free(synapse: Synapse, exact: Prediction) -> Array:
    """Covariance of the responses as the membrane gets them, without the amplifier's noise."""
    noise = 0.0 if synapse.noise is None else float(synapse.noise.s0)
    return exact.response_covariance - noise**2 * np.eye(exact.mean.shape[-1])


def peaks(made: engine.Membrane, arrivals: NDArray[np.int64], dt: float) -> NDArray[np.int64]:
    """The time step after each response in which its own PSP is highest, shape (k,)."""
    late = made.neuron.psp_peak(made.source, 1.0)[0] if superposes(made) else 0.0
    return arrivals + int(on_grid(late, dt))


def sample_steps(
    made: engine.Membrane, arrivals: NDArray[np.int64], dt: float
) -> NDArray[np.int64]:
    """Time steps at which a run is sampled: evenly, around every response, and at its peak."""
    end = int(arrivals[-1]) + int(on_grid(TAIL * made.neuron.tau_m, dt))
    evenly = on_grid(np.linspace(0, end, _GRID), 1.0)
    chosen = np.concatenate([evenly, arrivals - 1, arrivals, peaks(made, arrivals, dt)])
    return np.unique(chosen[(chosen >= 0) & (chosen <= end)])


def columns(
    made: engine.Membrane,
    potential: Array,
    steps: NDArray[np.int64],
    arrivals: NDArray[np.int64],
    synapse: Synapse,
    exact: Prediction,
    dt: float,
) -> dict[str, Array]:
    """The depolarisation over repeats beside its closed form (NaN where there is none).

    Parameters
    ----------
    potential : V, as `engine.Run.potential`, shape (samples, repeats)
    steps : that were sampled
    arrivals : time steps in which the responses come
    """
    rise = 1e3 * (potential - made.neuron.E_L)
    mean = spread = np.full(steps.size, np.nan)
    if superposes(made):
        mean, spread = summed_potential(
            steps * dt, arrivals * dt, exact.response_mean, noise_free(synapse, exact),
            made.neuron, made.source,
        )  # fmt: skip
    return {
        "t_ms": np.round(steps * dt * 1e3, 9),
        "mean_mV": rise.mean(axis=1),
        "var_mV2": rise.var(axis=1, ddof=1),
        "mean_exact_mV": 1e3 * mean,
        "var_exact_mV2": (1e3 * spread) ** 2,
    }


def agreement(
    made: engine.Membrane,
    potential: Array,
    table: Mapping[str, Array],
    at: NDArray[np.int64],
    scatters: bool,
) -> dict[str, Any]:
    """How far simulated potentials are from the closed form at some samples, for results.

    Parameters
    ----------
    at : numbers of the samples that are compared; none where the closed form is of other synapses
    scatters : whether repeats differ
    """
    repeats = potential.shape[1]
    rise = 1e3 * (potential - made.neuron.E_L)
    over = 1e3 * (made.neuron.V_th - made.neuron.E_L)
    found: dict[str, Any] = {
        "peak_potential_mV": float(table["mean_mV"].max()),
        "share_above_threshold": float(np.mean(np.any(rise > over, axis=0))),
    }
    if not superposes(made) or not at.size:
        return found
    away = table["mean_mV"][at] - table["mean_exact_mV"][at]
    if not scatters:
        return found | {"largest_deviation_of_potential_mV": float(np.abs(away).max())}
    exact = table["var_exact_mV2"][at]
    centred = rise[at] - rise[at].mean(axis=1, keepdims=True)
    fourth = np.maximum(np.mean(centred**4, axis=1), 3 * exact**2)
    error = np.sqrt((fourth - exact**2 * (repeats - 3) / (repeats - 1)) / repeats)
    name = "largest_deviation_of_potential_{}_in_standard_errors"
    return found | {
        name.format("mean"): largest_deviation(
            table["mean_mV"][at], table["mean_exact_mV"][at], np.sqrt(exact / repeats)
        ),
        name.format("variance"): largest_deviation(table["var_mV2"][at], exact, error),
    }


def draw(
    ax: Axes,
    synapse: Synapse,
    arrivals: Array,
    exact: Prediction,
    table: Mapping[str, Any] | None = None,
) -> None:
    """The summed potential, mean and SD: the closed form over the simulation.

    Parameters
    ----------
    arrivals : s, when the responses come
    exact : the closed form of the responses
    table : `columns` of a run, where there was one
    """
    made = membrane(ResponseUnit.of(synapse))
    if made is None or (table is None and not superposes(made)):
        ax.text(0.5, 0.5, "no closed form\nfor this unit of q", ha="center", va="center",
                transform=ax.transAxes)  # fmt: skip
        ax.set_axis_off()
        return
    if superposes(made):
        times = np.linspace(0, arrivals[-1] + TAIL * made.neuron.tau_m, 1500)
        times = np.unique(np.concatenate([times, arrivals, arrivals - 1e-9]))
        mean, spread = 1e3 * np.array(
            summed_potential(times, arrivals, exact.response_mean, noise_free(synapse, exact),
                             made.neuron, made.source)
        )  # fmt: skip
        ax.fill_between(
            1e3 * times, mean - spread, mean + spread, color=style.COLOURS["band"], lw=0,
            label="closed form, ± SD",
        )  # fmt: skip
    if table is not None:
        time, found = (np.asarray(table[name], dtype=float) for name in ("t_ms", "mean_mV"))
        sd = np.sqrt(np.asarray(table["var_mV2"], dtype=float))
        colour = style.COLOURS["simulation"]
        ax.plot(time, found, color=colour, label="simulation, mean")
        for side in (-1, 1):
            ax.plot(time, found + side * sd, color=colour, lw=0.6, ls=":",
                    label="simulation, ± SD" if side > 0 else None)  # fmt: skip
    if superposes(made):
        ax.plot(1e3 * times, mean, "--" if table is not None else "-",
                color=style.COLOURS["model"], lw=1, label="closed form, mean")  # fmt: skip
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("summed potential (mV)")
    ax.legend()
