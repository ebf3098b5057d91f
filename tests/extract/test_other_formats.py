"""A format that only Neo knows: a continuous recording of two channels with markers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synsim.component import InputError
from synsim.extract import extract
from tests.extract.simulated import RATE, Truth, kernel, simulate

pytest.importorskip("neo")

PAUSE = 0.5

HEADER = """Brain Vision Data Exchange Header File Version 1.0

[Common Infos]
DataFile=cell.eeg
MarkerFile=cell.vmrk
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels=2
SamplingInterval=50

[Binary Infos]
BinaryFormat=IEEE_FLOAT_32

[Channel Infos]
Ch1=Vm,,1,mV
Ch2=TTL,,1,V
"""

MARKERS = """Brain Vision Data Exchange Marker File, Version 1.0

[Common Infos]
DataFile=cell.eeg

[Marker Infos]
"""


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate(seed=13, sweeps=8, q=0.5, s0=0.05)


@pytest.fixture(scope="module")
def file(truth: Truth, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweeps one after the other, half a second between them, a TTL line, and markers."""
    folder = tmp_path_factory.mktemp("brainvision")
    rest = np.zeros(round(PAUSE * RATE))
    vm = np.concatenate([np.concatenate([s - s[:200].mean(), rest]) for s in truth.sweeps]) - 70.0
    ttl = np.zeros(vm.size)
    step = truth.sweeps.shape[1] + rest.size
    at = (np.rint(truth.stimuli * RATE) + step * np.arange(8)[:, None]).astype(int).ravel()
    for i in at:
        ttl[i : i + 10] = 5.0
    np.column_stack([vm, ttl]).astype("<f4").tofile(folder / "cell.eeg")
    # Markers count samples from 1.
    marks = [f"Mk{n + 1}=Stimulus,S  1,{i + 1},1,0" for n, i in enumerate(at)]
    (folder / "cell.vmrk").write_text(MARKERS + "\n".join(marks) + "\n")
    path = folder / "cell.vhdr"
    path.write_text(HEADER)
    return path


@pytest.mark.parametrize("stimulus", ["TTL", "Stimulus"])
def test_amplitudes(file: Path, truth: Truth, stimulus: str) -> None:
    found = extract(file, channel="Vm", stimulus_channel=stimulus, sweep_gap="300ms", decay="6ms")
    assert found.unit == "mV" and found.results["n_sweeps"] == 8
    half, lag = found.windows.half, found.measured.latency
    scale = kernel((lag + np.arange(-half, half + 1)) / RATE).mean()
    left = np.array(found.per_sweep(found.measured.amplitude)) - scale * truth.amplitude
    assert np.abs(left).max() < 5 * (found.measured.noise or 0.0)
    np.testing.assert_allclose(found.columns()["t_ms"], [0, 20, 40, 60, 80] * 8, atol=0.026)


def test_questions(file: Path) -> None:
    with pytest.raises(InputError, match=r"which channel.*Vm \(mV\), TTL \(V\)"):
        extract(file)
    with pytest.raises(InputError, match="it may be 'Stimulus' with 40 per sweep"):
        extract(file, channel="Vm")
