"""The few synapses that these tests compile, and how they are run.

A structure is compiled once; parameter values, initial weights, delays, spikes and the number of
steps are data. So the structures are chosen such that each choice of one switch (pairing scheme,
coincidence, what plasticity acts on, which weight the response takes, short-term rule) occurs
with others, and every test passes its own numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from synsim import (
    PairSTDP,
    QuantalVariability,
    RecordingNoise,
    Synapse,
    TsodyksMarkram,
    TsodyksThreeState,
)
from synsim.engine import Events, Program, Run, Spikes, simulate

DT = 1e-4
PAIRINGS = ("all-to-all", "nearest-symmetric", "nearest-pre-centred", "nearest-reduced")
COINCIDENT = ("none", "pre-first", "post-first")

# (pairing, coincident) -> acts_on, response_weight, short-term rule
COMPOSITIONS = {
    ("all-to-all", "none"): ("q", "before", "two-state"),
    ("all-to-all", "pre-first"): ("p", "after", "two-state"),
    ("all-to-all", "post-first"): ("n", "before", None),
    ("nearest-symmetric", "none"): ("q", "after", "three-state"),
    ("nearest-symmetric", "pre-first"): ("p", "before", None),
    ("nearest-symmetric", "post-first"): ("n", "after", "two-state"),
    ("nearest-pre-centred", "none"): ("n", "after", None),
    ("nearest-pre-centred", "pre-first"): ("q", "before", None),
    ("nearest-pre-centred", "post-first"): ("p", "before", "three-state"),
    ("nearest-reduced", "none"): ("p", "after", "three-state"),
    ("nearest-reduced", "pre-first"): ("n", "before", "two-state"),
    ("nearest-reduced", "post-first"): ("q", "after", None),
}
# The two whose short-term rule goes on whatever the weight does.
TWO_STATE = ("all-to-all", "none")
THREE_STATE = ("nearest-symmetric", "none")

STDP = {"a_plus": 0.01, "a_minus": 0.012, "tau_plus": "17ms", "tau_minus": "34ms"}
_SHORT_TERM = {
    "two-state": TsodyksMarkram(U=0.4, tau_rec="300ms", tau_facil="150ms"),
    "three-state": TsodyksThreeState(U=0.4, tau_rec="300ms", tau_facil="150ms", tau_inact="7ms"),
    None: None,
}


@cache
def plastic(
    pairing: str, coincident: str, delay: str = "0ms", dendritic_delay: str = "0ms"
) -> Program:
    """64 bounded plastic synapses that release without noise; every parameter is one per copy.

    Delays, as all values, do not make another structure.
    """
    acts_on, response_weight, short_term = COMPOSITIONS[pairing, coincident]
    synapse = Synapse(
        n=9,
        q="0.2mV",
        p=0.6 if short_term is None else None,
        short_term=_SHORT_TERM[short_term],
        plasticity=PairSTDP(**STDP, pairing=pairing, coincident=coincident),
        acts_on=acts_on,
        response_weight=response_weight,
        delay=delay,
        dendritic_delay=dendritic_delay,
        record=("released", "response"),
        per_synapse=("n", "q", "a_plus", "a_minus", "tau_plus", "tau_minus")
        + {
            "two-state": ("U", "tau_rec", "tau_facil"),
            "three-state": ("U", "tau_rec", "tau_facil", "tau_inact"),
            None: ("p",),
        }[short_term],
    )
    kept = ("w", "last_released", "last_response") + (("u", "x") if short_term else ())
    return Program(synapse, 64, events=kept)


@cache
def unbounded(pairing: str, coincident: str) -> Program:
    """64 linear synapses without bounds; every parameter is one for all."""
    rule = PairSTDP(**STDP, pairing=pairing, coincident=coincident, bounds="none")
    return Program(Synapse(p=1.0, w0=0.0, plasticity=rule), 64, events=("w",), final=("w",))


CONSTANT = {"tau_rec": 1e-5, "tau_facil": 0.0}  # s: over 1 ms u = U and x = 1 to the last bit


@cache
def binomial_short_term() -> Program:
    """Binomial release of u x, scatter within sites and recording noise; all one per synapse.

    With `CONSTANT` it releases with the constant probability U.
    """
    synapse = Synapse(
        n=5,
        q="0.2mV",
        short_term=_SHORT_TERM["two-state"],
        release="binomial",
        variability=QuantalVariability(cv_within=0.3),
        noise=RecordingNoise(s0="0.1mV"),
        record=("released", "quanta", "response", "recorded"),
        per_synapse=("n", "q", "U", "tau_rec", "tau_facil", "cv_within", "s0"),
    )
    kept = ("last_released", "last_quanta", "last_response", "last_recorded")
    return Program(synapse, 8000, events=kept)


@cache
def sites() -> Program:
    """Sites that empty and refill; n, U and time constants one per synapse."""
    synapse = Synapse(
        n=4,
        short_term=_SHORT_TERM["two-state"],
        release="sites",
        record=("released",),
        per_synapse=("n", "U", "tau_rec", "tau_facil"),
    )
    return Program(synapse, 14000, events=("last_released",))


@cache
def between_sites() -> Program:
    """Sites that differ for good; every parameter is one for all."""
    synapse = Synapse(
        n=3,
        p=0.5,
        release="binomial",
        variability=QuantalVariability(cv_within=0.2, cv_between=0.4),
        record=("released", "quanta"),
    )
    return Program(synapse, 2048, events=("last_released", "last_quanta"), final=("site_key",))


def train_spikes(trains: Sequence[Any]) -> Spikes:
    """Spikes of copies 0, 1, ... from a list of arrays of steps."""
    steps = [np.asarray(train, dtype=np.int64) for train in trains]
    return Spikes.of(
        np.concatenate(steps or [np.empty(0)]),
        np.repeat(np.arange(len(steps)), [len(s) for s in steps]),
    )


def together(steps: Any, copies: int) -> Spikes:
    """The same train for every copy."""
    return train_spikes([steps] * copies)


NO_SPIKES = Spikes.of([], [])


def run(
    program: Program,
    pre: Spikes,
    post: Spikes = NO_SPIKES,
    *,
    backend: str,
    seed: int = 1,
    steps: int | None = None,
    values: Mapping[str, Any] | None = None,
) -> Run:
    """A run that lasts until all spikes have arrived."""
    values = dict(values or {})
    if steps is None:
        late = max(values.get("delay", 0.0), values.get("dendritic_delay", 0.0))
        last = max(int(s.steps.max(initial=0)) for s in (pre, post))
        steps = last + round(late / DT) + 2
    return simulate(
        program, pre=pre, post=post, steps=steps, dt=DT, seed=seed, values=values, backend=backend
    )


def of_copy(events: Events, copy: int, name: str) -> tuple[Any, Any]:
    """Steps and a state at one copy's events, in the order of time."""
    mine = events.copies == copy
    return events.steps[mine], events.states[name][mine]


def table(events: Events, name: str, copies: int) -> Any:
    """A state at every event of copies that spike together, shape (copies, events)."""
    order = np.lexsort((events.steps, events.copies))
    return events.states[name][order].reshape(copies, -1)
