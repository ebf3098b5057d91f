"""What the protocol of an ABF file commanded: analogue outputs and digital outputs by sample.

From the header, as Neo parses that of ABF 2 and `abf1_header` that of ABF 1. The epochs of an
output follow one another from 1/64 of the sweep on (Clampex holds before); in sweep s (from 0) an
epoch lasts `lEpochInitDuration + s lEpochDurationInc` samples and has the level `fEpochInitLevel +
s fEpochLevelInc`. An epoch that is off takes no time. Pulse trains (type 3) repeat a pulse of
`lEpochPulseWidth` samples every `lEpochPulsePeriod`. Outside the epochs an output holds, or stays
at the level of the last one until the next sweep's first (`nInterEpisodeLevel`). Digital outputs
keep the times of the epochs of one analogue output; a bit of `nDigitalValue` is up for the whole
epoch, a bit of `nDigitalTrainValue` pulses like a train.

Left out with a note: ramps, triangles, cosines and waveforms from a file, which are no stimuli with
a beginning; protocols with user lists; and those that alternate between outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component.units import UNITS
from synsim.extract.recording import Trace

Array = NDArray[np.float64]

_OFF, _STEP, _PULSE = 0, 1, 3
_EPISODIC = 5
_EPOCHS = 1  # nWaveformSource: the waveform is a table of epochs


def commands(
    header: Mapping[str, Any], sweep: int, samples: int, dt: float, notes: list[str]
) -> dict[str, Trace]:
    """Commands of one sweep: name of the output -> Trace.

    Parameters
    ----------
    header : `_axon_info` of Neo's AxonIO (ABF 2), or what `abf1_header.read` gives (ABF 1)
    sweep : its number, from 0
    samples : of the sweep, per channel
    dt : s between them
    notes : where remarks are added, one line each
    """
    protocol = header["protocol"]
    if protocol["nOperationMode"] != _EPISODIC:
        return {}
    if header["sections"].get("UserListSection", {}).get("llNumEntries", 0):
        notes.append("the protocol has user lists, which change it from sweep to sweep: not read")
        return {}
    if protocol["nAlternateDACOutputState"] or protocol["nAlternateDigitalOutputState"]:
        notes.append("the protocol alternates between outputs from sweep to sweep: not read")
        return {}
    tables = header.get("dictEpochInfoPerDAC", {})
    found: dict[str, Trace] = {}
    for number, dac in enumerate(header.get("listDACInfo", [])):
        if not dac["nWaveformEnable"] or number not in tables:
            continue
        name = _text(dac["DACChNames"]) or f"output {number}"
        if dac["nWaveformSource"] != _EPOCHS:
            notes.append(f"the waveform of {name!r} comes from a file of its own and is not read")
            continue
        level = _analogue(_epochs(tables[number]), sweep, samples, dac)
        if level is None:
            notes.append(f"the protocol of {name!r} has ramps or other shapes and is not read")
            continue
        unit = _text(dac["DACChUnits"])
        found[name] = Trace(level, unit if unit in UNITS else None, dt)
    return found | _digital(header, tables, sweep, samples, dt, notes)


def _epochs(table: Mapping[int, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The epochs of an output in their order, without those that are off."""
    return [table[number] for number in sorted(table) if table[number]["nEpochType"] != _OFF]


def _spans(epochs: list[Mapping[str, Any]], sweep: int, samples: int) -> list[tuple[int, int]]:
    """First sample and the one after the last of every epoch, within the sweep."""
    at, spans = max(samples // 64, 1), []
    for epoch in epochs:
        end = at + max(int(epoch["lEpochInitDuration"] + sweep * epoch["lEpochDurationInc"]), 0)
        spans.append((min(at, samples), min(end, samples)))
        at = end
    return spans


def _analogue(
    epochs: list[Mapping[str, Any]], sweep: int, samples: int, dac: Mapping[str, Any]
) -> Array | None:
    """Level by sample, shape (samples,); None where an epoch is neither step nor pulses."""
    if any(epoch["nEpochType"] not in (_STEP, _PULSE) for epoch in epochs):
        return None
    before = float(dac["fDACHoldingLevel"])
    stays = bool(dac["nInterEpisodeLevel"] and epochs)
    if stays and sweep:
        before = float(epochs[-1]["fEpochInitLevel"] + (sweep - 1) * epochs[-1]["fEpochLevelInc"])
    level = np.full(samples, before)
    for epoch, (begin, end) in zip(epochs, _spans(epochs, sweep, samples), strict=True):
        own = float(epoch["fEpochInitLevel"] + sweep * epoch["fEpochLevelInc"])
        if epoch["nEpochType"] == _STEP:
            level[begin:end] = before = own
        else:
            level[begin:end] = np.where(_pulses(epoch, end - begin), own, before)
        if stays and epoch is epochs[-1]:
            level[end:] = before
    return level


def _pulses(epoch: Mapping[str, Any], samples: int) -> NDArray[np.bool_]:
    """Whether each sample of a train is in a pulse; only whole periods are played."""
    period, width = int(epoch["lEpochPulsePeriod"]), int(epoch["lEpochPulseWidth"])
    at = np.arange(samples)
    if period < 1:
        return np.zeros(samples, bool)
    return (at % period < width) & (at < samples // period * period)


def _digital(
    header: Mapping[str, Any],
    tables: Mapping[int, Mapping[int, Mapping[str, Any]]],
    sweep: int,
    samples: int,
    dt: float,
    notes: list[str],
) -> dict[str, Trace]:
    """Digital outputs that change during the sweep: ``digital 0`` -> Trace of 0 and 1."""
    protocol = header["protocol"]
    if not protocol["nDigitalEnable"]:
        return {}
    # Two fields may name the output whose epochs time the digital ones; sources differ in which.
    named = {int(protocol[k]) for k in ("nDigitalDACChannel", "nActiveDACChannel")}
    lines = [_digital_lines(header, tables.get(n, {}), sweep, samples) for n in named]
    lines = [line for line in lines if line]
    if any(not _same(lines[0], other) for other in lines[1:]):
        notes.append(
            "the header does not say for certain which output times the digital ones: they are "
            "not read, give the times (--stimulus-times)"
        )
        return {}
    return {name: Trace(level, None, dt) for line in lines[:1] for name, level in line.items()}


def _digital_lines(
    header: Mapping[str, Any], table: Mapping[int, Mapping[str, Any]], sweep: int, samples: int
) -> dict[str, Array]:
    protocol = header["protocol"]
    values = {int(e["nEpochNum"]): e for e in header.get("EpochInfo", [])}
    epochs = _epochs(table)
    spans = _spans(epochs, sweep, samples)
    found = {}
    for bit in range(max(int(protocol["nDigitizerSynchDigitalOuts"]), 8)):
        rest = float(int(protocol["nDigitalHolding"]) >> bit & 1)
        level = np.full(samples, rest)
        for epoch, (begin, end) in zip(epochs, spans, strict=True):
            value = values.get(int(epoch["nEpochNum"]))
            if value is None:
                continue
            if int(value["nDigitalTrainValue"]) >> bit & 1:
                up = _pulses(epoch, end - begin)
                level[begin:end] = up if protocol["nDigitalTrainActiveLogic"] else ~up
            else:
                level[begin:end] = int(value["nDigitalValue"]) >> bit & 1
        if np.any(level != rest):
            found[f"digital {bit}"] = level
    return found


def _same(a: Mapping[str, Array], b: Mapping[str, Array]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def _text(raw: Any) -> str:
    return (raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)).strip()
