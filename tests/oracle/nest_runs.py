"""NEST 3.10 as an oracle: functions that run one synapse model and return arrays.

NEST runs in a process of its own (``nest_worker``), started at the first call and stopped when
Python exits: a test process never holds NEST and Brian2 together, pays the slow import once, and
keeps a quiet stdout. ``require_nest`` skips the test that calls it when NEST is not installed; an
installed NEST that does not work is an error, not a skip. Every function calls it.

Times are in ms, as in NEST, and must lie on the grid of ``resolution_ms`` (NEST refuses others).
Rounding: NEST keeps times in integer steps, so intervals agree with those of the arguments to
about 1e-13 of the time constants.

What NEST does differently
--------------------------
* stdp_*: the weight changes only when a pre spike arrives, so it is returned at pre spikes only,
  as it is then sent: after the LTP by all post spikes up to and including that moment, then the
  LTD by the pre spike. Post spikes after the last pre spike leave no trace: add a pre spike to
  read them out (it adds its own LTD).
* stdp_*: for a post spike that coincides with a pre spike this is LTP before LTD, where
  ``pair_stdp`` under 'none' has LTD before LTP: compare at the end of the time stamp
  (``pair_stdp.weight_after_time_of_pre``), and only additive rules away from the bounds.
* stdp_*: the whole delay is dendritic (at least one resolution step); a post spike is at the
  synapse one delay after it was fired, a pre spike at once.
* stdp_*: clips at Wmax after LTP and at 0 after LTD (there is no unbounded rule). Wmax = 1 here,
  lambda = a_plus, alpha = a_minus / a_plus.
* stdp_nn_symm_synapse, stdp_nn_restr_synapse treat t = 0 as a presynaptic spike. Here all trains
  start after a lead of at least 60 tau_plus, which leaves e^-60 of that spurious pair; the first
  post spike of nn_restr still uses it up, with no other effect on the weight.
* stdp_nn_restr_synapse departs from Morrison et al. 2008, Fig. 7C, on coincident spikes, in two
  ways. The pre spike that follows a coincident pair does not pair with that post spike (no LTD).
  And a pre spike that coincides with a post spike pairs with the post spike before that even if
  a pre spike lies between (LTD that is not in 7C). The other three treat coincident spikes
  as 'none' does.
* tau_minus is a parameter of the postsynaptic neuron.
* tsodyks2_synapse and quantal_stp_synapse start with u as set (here u = U), x = 1 or a = n.
  ``weight`` of quantal_stp_synapse is the weight of one vesicle, whatever its documentation says.
* tsodyks_synapse calls tau_inact tau_psc; tau_psc = tau_rec gives nan.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import math
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

STDP_MODELS = (
    "stdp_synapse",
    "stdp_nn_symm_synapse",
    "stdp_nn_pre_centered_synapse",
    "stdp_nn_restr_synapse",
)
SCHEME_OF_PAIRING = {
    "all-to-all": "stdp_synapse",
    "nearest-symmetric": "stdp_nn_symm_synapse",
    "nearest-pre-centred": "stdp_nn_pre_centered_synapse",
    "nearest-reduced": "stdp_nn_restr_synapse",
}
RESOLUTION_MS = 0.1
TIMEOUT_S = 120.0


def nest_is_installed() -> bool:
    """Whether a module called nest can be found (it is not imported)."""
    return importlib.util.find_spec("nest") is not None


def require_nest() -> None:
    """Skip the calling test if NEST is not installed."""
    if not nest_is_installed():
        pytest.skip("NEST is not installed (pip install nest-simulator, or the extra 'oracle')")


class _Worker:
    """One NEST process and the pipe to it."""

    def __init__(self) -> None:
        self._errors = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nest_worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, run: str, args: dict[str, Any]) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        request = json.dumps({"run": run, "args": args}) + "\n"
        try:
            self._process.stdin.write(request.encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the process is gone: the empty answer below says why
        ready, _, _ = select.select([self._process.stdout], [], [], TIMEOUT_S)
        if not ready:
            self.stop()
            raise RuntimeError(f"NEST gave no answer within {TIMEOUT_S:g} s")
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            raise RuntimeError(f"the NEST process died:\n{self._errors.read()[-4000:]}")
        answer = json.loads(line)
        if not answer["ok"]:
            raise RuntimeError(f"NEST failed:\n{answer['error']}")
        return answer["result"]

    def stop(self) -> None:
        if self.alive():
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass


_worker: _Worker | None = None


def _ask(run: str, **args: Any) -> Any:
    global _worker
    require_nest()
    if _worker is None or not _worker.alive():
        if _worker is not None:
            _worker.stop()
        _worker = _Worker()
        atexit.register(_worker.stop)
    return _worker.ask(run, args)


def _times(values: Sequence[float] | FloatArray) -> list[float]:
    return [float(t) for t in values]


def nest_version() -> str:
    """Version of the NEST that answers."""
    return str(_ask("version"))


def nest_stdp(
    pre_ms: Sequence[float] | FloatArray,
    post_ms: Sequence[float] | FloatArray,
    scheme: str,
    *,
    a_plus: float,
    a_minus: float,
    tau_plus_ms: float,
    tau_minus_ms: float,
    w0: float = 0.5,
    mu_plus: float = 0.0,
    mu_minus: float = 0.0,
    dendritic_delay_ms: float = RESOLUTION_MS,
    resolution_ms: float = RESOLUTION_MS,
) -> FloatArray:
    """Weight (0..1, hard bounds) at each pre spike, shape (n_pre,); see the module docstring.

    ``scheme`` is one of STDP_MODELS. Pre spikes reach the synapse at ``pre_ms``, post spikes at
    ``post_ms + dendritic_delay_ms``. Needs a_plus > 0 (NEST has A- as a multiple of A+).
    """
    if scheme not in STDP_MODELS:
        raise ValueError(f"unknown scheme {scheme!r}: one of {', '.join(STDP_MODELS)}")
    if not a_plus > 0:
        raise ValueError("NEST needs a_plus > 0")
    lead_ms = math.ceil(60.0 * max(tau_plus_ms, tau_minus_ms) / 100.0) * 100.0
    weights = _ask(
        "stdp",
        model=scheme,
        pre_ms=_times(pre_ms),
        post_ms=_times(post_ms),
        parameters={
            "weight": w0,
            "Wmax": 1.0,
            "lambda": a_plus,
            "alpha": a_minus / a_plus,
            "mu_plus": mu_plus,
            "mu_minus": mu_minus,
            "tau_plus": tau_plus_ms,
        },
        tau_minus_ms=tau_minus_ms,
        delay_ms=dendritic_delay_ms,
        lead_ms=lead_ms,
        resolution_ms=resolution_ms,
    )
    found: FloatArray = np.array(weights, dtype=float)
    return found


def _short_term(
    model: str,
    times_ms: Sequence[float] | FloatArray,
    parameters: dict[str, Any],
    n_synapses: int,
    seed: int,
    resolution_ms: float,
) -> FloatArray:
    sent = _ask(
        "short_term",
        model=model,
        times_ms=_times(times_ms),
        parameters={"weight": 1.0, **parameters},
        n_synapses=n_synapses,
        seed=seed,
        resolution_ms=resolution_ms,
    )
    found: FloatArray = np.array(sent, dtype=float)
    return found


def nest_tsodyks2(
    times_ms: Sequence[float] | FloatArray,
    U: float,
    tau_rec_ms: float,
    tau_facil_ms: float,
    *,
    resolution_ms: float = RESOLUTION_MS,
) -> FloatArray:
    """u * x at each spike (two-state model, first spike from rest), shape (n_spikes,)."""
    parameters = {"U": U, "u": U, "x": 1.0, "tau_rec": tau_rec_ms, "tau_fac": tau_facil_ms}
    found = _short_term("tsodyks2_synapse", times_ms, parameters, 1, 1, resolution_ms)
    return found.reshape(-1)


def nest_tsodyks3(
    times_ms: Sequence[float] | FloatArray,
    U: float,
    tau_rec_ms: float,
    tau_facil_ms: float,
    tau_inact_ms: float,
    *,
    resolution_ms: float = RESOLUTION_MS,
) -> FloatArray:
    """u * x at each spike (three-state model, first spike from rest), shape (n_spikes,)."""
    parameters = {
        "U": U,
        "u": 0.0,
        "x": 1.0,
        "y": 0.0,
        "tau_rec": tau_rec_ms,
        "tau_fac": tau_facil_ms,
        "tau_psc": tau_inact_ms,
    }
    found = _short_term("tsodyks_synapse", times_ms, parameters, 1, 1, resolution_ms)
    return found.reshape(-1)


def nest_quantal(
    times_ms: Sequence[float] | FloatArray,
    U: float,
    n: int,
    tau_rec_ms: float,
    tau_facil_ms: float,
    *,
    n_synapses: int,
    seed: int,
    resolution_ms: float = RESOLUTION_MS,
) -> IntArray:
    """Vesicles released by ``n`` discrete sites, shape (n_synapses, n_spikes).

    The synapses are independent, each with all sites full at the first spike. ``seed`` >= 1.
    """
    parameters = {
        "U": U,
        "u": U,
        "n": n,
        "a": n,
        "tau_rec": tau_rec_ms,
        "tau_fac": tau_facil_ms,
    }
    sent = _short_term("quantal_stp_synapse", times_ms, parameters, n_synapses, seed, resolution_ms)
    return np.rint(sent).astype(np.int64)
