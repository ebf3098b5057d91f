"""The job of `events.py`, stated once for all programs. Units: ms, mV, Hz.

Poisson sources reach every neuron of a layer of leaky integrate-and-fire neurons. The neurons have
different leak potentials, so that they fire at different rates and not together; a synapse's mean
response is small, so that the rates hardly depend on the kind of synapse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DT = 0.1
TAU_M, V_TH, V_RESET, T_REF = 20.0, 20.0, 0.0, 2.0
E_LOW, E_HIGH = 16.0, 20.0
# The spike is fired, reaches synapse and neuron together; a neuron's own spikes get back to its
# synapses later. NEST's one delay is dendritic: 1 ms of ours less the other.
DELAY, DENDRITIC_DELAY = 1.0, 2.0
DRIVE = 2.0  # mV: mean depolarisation by the synapses together
N_SITES, U, TAU_REC, TAU_FACIL = 5, 0.25, 100.0, 50.0
A_PLUS, A_MINUS, TAU_PLUS, TAU_MINUS, W0 = 0.005, 0.00525, 20.0, 20.0, 0.5

KINDS = ("none", "static", "tm", "sites", "stdp", "all")
NAMES = {
    "none": "no synapses",
    "static": "static",
    "tm": "deterministic TM",
    "sites": "5 sites + TM",
    "stdp": "pair STDP",
    "all": "5 sites + TM + STDP",
}
NEST_MODELS = {
    "static": "static_synapse",
    "tm": "tsodyks2_synapse",
    "sites": "quantal_stp_synapse",
    "stdp": "stdp_synapse",
}


@dataclass(frozen=True)
class Job:
    """One run of one program.

    fires : False: no threshold, and v is sampled every 10 ms; for comparing responses
    record : keep time and neuron of every spike, not only count them
    """

    program: str
    kind: str
    sources: int
    neurons: int
    rate: float
    seconds: float
    threads: int = 1
    seed: int = 1
    fires: bool = True
    float32: bool = False
    record: bool = False

    @property
    def synapses(self) -> int:
        return 0 if self.kind == "none" else self.sources * self.neurons

    def leak_potentials(self) -> np.ndarray:
        """mV, shape (neurons,)."""
        return np.linspace(E_LOW, E_HIGH, self.neurons)

    def response(self) -> float:
        """mV: mean of a static synapse, such that all together depolarise by `DRIVE`."""
        return DRIVE / (self.sources * self.rate * TAU_M * 1e-3)

    def quantum(self) -> float:
        """q in mV; at w = 1 under plasticity."""
        releases = N_SITES * U * 0.7 if self.kind in ("tm", "sites", "all") else 1.0
        weight = W0 if self.kind in ("stdp", "all") else 1.0
        return self.response() / (releases * weight)


def summary(job: Job, fired: int, arrived: int, v: np.ndarray, w: np.ndarray) -> dict:
    """What programs are compared by.

    Parameters
    ----------
    fired, arrived : spikes of the neurons, and of the sources
    v : samples in mV, less the leak potentials; empty when neurons fire
    w : final weights in [0, 1]; empty without plasticity
    """
    found = {
        "rate_in": arrived / (job.sources * job.seconds),
        "rate_out": fired / (job.neurons * job.seconds),
    }
    if len(v):
        found |= {"v_mean": float(np.mean(v)), "v_sd": float(np.mean(np.std(v, axis=0)))}
    if len(w):
        found |= {"w_mean": float(np.mean(w)), "w_sd": float(np.std(w))}
    return found
