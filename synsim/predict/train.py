"""Responses of a synapse to a spike train from rest, in closed form.

The equations are those of `synsim.predict.moments`; this is its face for a `Synapse`, with units.
The long-term weight stays at its start: a prediction says what a synapse does before it learns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from synsim.models.tsodyks_three_state import TsodyksThreeState
from synsim.predict.moments import Prediction, train_moments
from synsim.synapse import Synapse

__all__ = ["Prediction", "predict_train"]


def predict_train(synapse: Synapse, times: ArrayLike) -> Prediction:
    """What `synapse` does at every spike of a train from rest.

    Parameters
    ----------
    synapse : its parameters may be arrays, which broadcast to a shape S
    times : s, shape (m,), increasing

    Raises
    ------
    InputError
        when the times do not increase
    """
    n, q, p = _start(synapse)
    variability, noise = synapse.variability, synapse.noise
    scatter = {}
    if variability is not None:
        scatter = {"cv_within": variability.cv_within, "cv_between": variability.cv_between}
    if noise is not None:
        scatter["s0"] = noise.s0
    release = synapse.release.name
    return train_moments(times, n, p, **_times(synapse), q=q, release=release, **scatter)


def _times(synapse: Synapse) -> dict[str, Any]:
    """Time constants in s, those that the rule has."""
    rule = synapse.short_term
    if rule is None:
        return {}
    found = {"tau_rec": rule.tau_rec, "tau_facil": rule.tau_facil}
    if isinstance(rule, TsodyksThreeState):
        found["tau_inact"] = rule.tau_inact
    return found


def _start(synapse: Synapse) -> tuple[ArrayLike, ArrayLike, ArrayLike]:
    """n, q and p (or U) at the weight at the start."""
    contacts = synapse.contacts
    p = contacts.p if synapse.short_term is None else synapse.short_term.U
    assert p is not None
    if synapse.plasticity is None:
        return contacts.n, contacts.q, p
    w = np.asarray(contacts.w0)
    if contacts.acts_on == "p":
        return contacts.n, contacts.q, w * p
    if contacts.acts_on == "n":
        return np.floor(w * contacts.n + 0.5), contacts.q, p
    return contacts.n, w * contacts.q, p
