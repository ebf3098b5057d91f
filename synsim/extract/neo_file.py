"""Files that Neo reads: ABF, Spike2, AxoGraph, WinWCP, ...

One segment is one sweep. Of an ABF file the protocol's commands and digital outputs are added.
Left out are formats whose unit, rate or layout Neo would have to guess (plain text, raw binary),
and pickles, which run whatever code is in them.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from synsim.component import InputError
from synsim.component.errors import MissingExtraError
from synsim.component.units import UNITS
from synsim.extract import abf1_header, abf_protocol
from synsim.extract.recording import Recording, Sweep, Trace

_TEXT = {"txt", "tsv", "asc", "json", "xml"}
_LEFT_OUT = {
    "AsciiSignalIO",
    "AsciiSpikeTrainIO",
    "ExampleIO",
    "NeoMatlabIO",
    "NWBIO",
    "PickleIO",
    "RawBinarySignalIO",
}


def read(path: Path, digest: str) -> Recording:
    """Read a file with Neo; `digest` is its SHA-256.

    Raises
    ------
    InputError
        when no reader takes the file, or the one that does finds it damaged.
    MissingExtraError
        without Neo.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from neo.io import io_by_extension
    except ImportError:
        raise MissingExtraError(
            f"{path}: reading it needs Neo, which is not installed: "
            "pip install 'synsim[recordings]'"
        ) from None
    suffix = path.suffix[1:].lower()
    known = [] if suffix in _TEXT else io_by_extension.get(suffix, [])
    readers = [r for r in known if r.__name__ not in _LEFT_OUT]
    if not readers:
        raise InputError(
            f"{path}: recordings that end in {path.suffix or 'nothing'!r} are not read, expected "
            ".abf, .nwb, .csv (a time column and a column per sweep) or another format of Neo's"
        )
    problems = []
    for reader in dict.fromkeys(readers):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                opened = reader(str(path))
                sweeps = _sweeps(opened)
        except Exception as error:  # a damaged file makes a reader raise whatever it likes
            problems.append(f"{reader.__name__}: {' '.join(str(error).split())[:160]}")
            continue
        return _with_protocol(path, digest, suffix, opened, sweeps)
    raise InputError(f"{path}: no reader takes it: {'; '.join(problems)}")


def _sweeps(opened: Any) -> list[Sweep]:
    """One sweep per segment of every block."""
    if hasattr(opened, "block_count"):
        count = opened.block_count()
        blocks = [opened.read_block(i, signal_group_mode="split-all") for i in range(count)]
    else:
        blocks = opened.read()
    segments = [segment for block in blocks for segment in block.segments]
    sweeps = [_sweep(number, segment) for number, segment in enumerate(segments, start=1)]
    sweeps = [sweep for sweep in sweeps if sweep.recorded]
    if not sweeps:
        raise ValueError("it holds no sampled signal")
    return sweeps


def _sweep(number: int, segment: Any) -> Sweep:
    signals = segment.analogsignals
    start = min((float(s.t_start.rescale("s")) for s in signals), default=0.0)
    stop = max((float(s.t_stop.rescale("s")) for s in signals), default=0.0)
    recorded: dict[str, Trace] = {}
    for at, signal in enumerate(signals):
        names = signal.array_annotations.get("channel_names", [])
        for column in range(signal.shape[1]):
            name = str(names[column]) if column < len(names) else signal.name or f"signal {at + 1}"
            if name in recorded:
                name = f"{name} ({len(recorded) + 1})"
            recorded[name] = Trace(
                np.asarray(signal.magnitude[:, column], dtype=float),
                unit_name(signal.units.dimensionality.string),
                1.0 / float(signal.sampling_rate.rescale("Hz")),
                float(signal.t_start.rescale("s")) - start,
            )
    events = {}
    for event in (*segment.events, *segment.epochs):
        times = np.asarray(event.times.rescale("s"), dtype=float)
        # Tags of an ABF file are given with every one of its sweeps.
        times = np.unique(times[(times >= start) & (times < stop)]) - start
        if event.name:
            events[str(event.name)] = times
    return Sweep(number, start, recorded, {}, events)


def unit_name(text: str) -> str | None:
    """Neo's name of a unit as one of ours; None for dimensionless and for what is unknown."""
    return text if text in UNITS and text != "1" else None


def _with_protocol(
    path: Path, digest: str, suffix: str, opened: Any, sweeps: list[Sweep]
) -> Recording:
    kind = suffix.upper()
    notes: list[str] = []
    header = getattr(opened, "_axon_info", None)
    if header is not None:
        kind = f"ABF {float(header['fFileVersionNumber']):.2g}"
        if header["fFileVersionNumber"] < 2:
            header = abf1_header.read(path)
        done = []
        for sweep in sweeps:
            trace = next(iter(sweep.recorded.values()))
            commands = abf_protocol.commands(
                header, sweep.number - 1, trace.values.size, trace.dt, notes
            )
            done.append(Sweep(sweep.number, sweep.start, sweep.recorded, commands, sweep.events))
        sweeps = done
    return Recording(
        str(path),
        digest,
        kind,
        tuple(sweeps),
        "the segments of the file",
        tuple(dict.fromkeys(notes)),
    )
