"""NEST's side of ``nest_runs``: a script that answers one JSON line with one JSON line.

Run as a script in a process of its own; it imports nothing from this project, so NEST, its banner
and its libraries never share a process with the tests. Requests are {"run": name, "args": {..}},
answers {"ok": true, "result": ..} or {"ok": false, "error": traceback}. All times in ms here, as
in NEST. Trains reach the synapse through parrot neurons, so that their times are exact.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

# The banner and every message NEST prints go to stderr; the answers keep the real stdout.
_answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import nest  # noqa: E402

nest.verbosity = nest.VerbosityLevel.ERROR


def _reset(resolution_ms: float, seed: int = 1) -> None:
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = resolution_ms
    nest.local_num_threads = 1
    nest.rng_seed = seed


def _spike_source(times_ms: list[float], delay_ms: float) -> Any:
    """A parrot that fires at ``times_ms`` + ``delay_ms``."""
    generator = nest.Create("spike_generator", params={"spike_times": times_ms})
    parrot = nest.Create("parrot_neuron")
    nest.Connect(generator, parrot, syn_spec={"delay": delay_ms})
    return parrot


def _weight_at_spikes(
    model: str,
    parameters: dict[str, Any],
    times_ms: list[float],
    targets: Any,
    source: Any,
    delay_ms: float,
    shift_ms: float,
    duration_ms: float,
    resolution_ms: float,
) -> list[list[float]]:
    """The weight that each synapse sends at each spike of ``times_ms``; 0 where it sends none.

    ``shift_ms`` is the time by which the parrot lags behind ``times_ms``. Connects to the parrots'
    receptor 1, which takes spikes without acting on them.
    """
    recorder = nest.Create("weight_recorder")
    nest.CopyModel(model, "observed", {"weight_recorder": recorder})
    spec = {"synapse_model": "observed", "delay": delay_ms, "receptor_type": 1, **parameters}
    nest.Connect(source, targets, syn_spec=spec)
    nest.Simulate(duration_ms)
    events = recorder.events
    column = {round((t + shift_ms) / resolution_ms): i for i, t in enumerate(times_ms)}
    row = {int(target): i for i, target in enumerate(targets.tolist())}
    sent = [[0.0] * len(times_ms) for _ in row]
    for target, time, weight in zip(
        events["targets"], events["times"], events["weights"], strict=True
    ):
        sent[row[int(target)]][column[round(float(time) / resolution_ms)]] = float(weight)
    return sent


def stdp(
    model: str,
    pre_ms: list[float],
    post_ms: list[float],
    parameters: dict[str, float],
    tau_minus_ms: float,
    delay_ms: float,
    lead_ms: float,
    resolution_ms: float,
) -> list[float]:
    """Weight at each pre spike; the trains are shifted by ``lead_ms``."""
    _reset(resolution_ms)
    pre_shifted = [t + lead_ms for t in pre_ms]
    post_shifted = [t + lead_ms for t in post_ms]
    parrot_delay = 1.0
    source = _spike_source(pre_shifted, parrot_delay)
    target = _spike_source(post_shifted, parrot_delay)
    target.tau_minus = tau_minus_ms
    last = max([*pre_shifted, *post_shifted]) + parrot_delay + delay_ms
    weights = _weight_at_spikes(
        model,
        parameters,
        pre_shifted,
        target,
        source,
        delay_ms,
        parrot_delay,
        last + 10.0,
        resolution_ms,
    )
    return weights[0]


def short_term(
    model: str,
    times_ms: list[float],
    parameters: dict[str, Any],
    n_synapses: int,
    seed: int,
    resolution_ms: float,
) -> list[list[float]]:
    """Weight sent by each of ``n_synapses`` equal synapses at each spike."""
    _reset(resolution_ms, seed)
    shift = 1.0 + max(0.0, resolution_ms - times_ms[0])
    source = _spike_source([t + shift - 1.0 for t in times_ms], 1.0)
    targets = nest.Create("parrot_neuron", n_synapses)
    return _weight_at_spikes(
        model,
        parameters,
        times_ms,
        targets,
        source,
        1.0,
        shift,
        times_ms[-1] + shift + 10.0,
        resolution_ms,
    )


def version() -> str:
    """NEST's version."""
    return str(nest.__version__)


RUNS = {"stdp": stdp, "short_term": short_term, "version": version}


def main() -> None:
    """Answer requests until stdin closes."""
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = {"ok": True, "result": RUNS[request["run"]](**request["args"])}
        except Exception:
            answer = {"ok": False, "error": traceback.format_exc()}
        _answers.write(json.dumps(answer) + "\n")
        _answers.flush()


if __name__ == "__main__":
    main()
