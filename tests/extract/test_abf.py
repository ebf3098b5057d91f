"""ABF files: two real ones, read beside another reader, and their header with other protocols."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from synsim.component import InputError
from synsim.extract import extract
from synsim.extract.recording import read
from synsim.extract.stimuli import candidates

pytest.importorskip("neo")
myokit = pytest.importorskip("myokit")

REAL = Path(myokit.__file__).parent / "tests" / "data" / "formats"
V1, V2 = REAL / "abf-v1.abf", REAL / "abf-v2.abf"


def other_reader(path: Path) -> list[dict[str, np.ndarray]]:
    from myokit.formats.axon import AbfFile

    return [{c.name(): np.asarray(c.values()) for c in sweep} for sweep in AbfFile(str(path))]


@pytest.mark.parametrize(("path", "sweeps", "rate"), [(V1, 9, 10e3), (V2, 37, 20e3)])
def test_samples_are_those_of_another_reader(path: Path, sweeps: int, rate: float) -> None:
    found, expected = read(path), other_reader(path)
    assert len(found.sweeps) == len(expected) == sweeps
    assert found.channels() == {"IN 0": "pA"}
    for sweep, other in zip(found.sweeps, expected, strict=True):
        trace = sweep.recorded["IN 0"]
        assert trace.dt == pytest.approx(1 / rate)
        np.testing.assert_allclose(trace.values, other["IN 0"], rtol=1e-6, atol=1e-6)


def test_commands_are_those_of_another_reader() -> None:
    for sweep, other in zip(read(V2).sweeps, other_reader(V2), strict=True):
        assert list(sweep.commands) == ["Cmd 0"] and sweep.commands["Cmd 0"].unit == "mV"
        np.testing.assert_array_equal(sweep.commands["Cmd 0"].values, other["Cmd 0"])


def test_protocol_of_abf_1_is_asked_for() -> None:
    with pytest.raises(InputError, match=r"when did the stimuli come\?.*ABF 1 is not read"):
        extract(V1)


def test_real_currents_are_measured() -> None:
    """Inward currents after the steps of sweeps 13 to 20, computed here from the other reader."""
    found = extract(
        V2, sweeps="13-20", baseline="-0.4ms:0ms", window="0.6ms:10ms", latency="1.5ms",
        sign="negative", width="0.2ms",
    )  # fmt: skip
    raw = np.array([s["IN 0"] for s in other_reader(V2)])[12:20]
    expected = raw[:, 8 + 30 - 2 : 8 + 30 + 3].mean(axis=1) - raw[:, :8].mean(axis=1)
    np.testing.assert_allclose(found.measured.amplitude, expected, rtol=1e-6)
    assert np.all(expected < -200) and found.chosen["stimulus"]["value"] == "Cmd 0"
    assert found.columns()["sweep"] == list(range(13, 21))


def rewritten(path: Path, protocol: dict[str, int], epoch: dict[str, int], out: dict) -> Path:
    """The real ABF 2 file with other fields in its protocol, analogue epoch and digital epoch."""
    from neo.rawio import axonrawio

    raw = bytearray(V2.read_bytes())
    sections = axonrawio.parse_axon_soup(str(V2))["sections"]
    for name, layout, values in (
        ("ProtocolSection", axonrawio.protocolInfoDescription, protocol),
        ("EpochPerDACSection", axonrawio.EpochInfoPerDACDescription, epoch),
        ("EpochSection", axonrawio.EpochInfoDescription, out),
    ):
        at = sections[name]["uBlockIndex"] * 512
        for field, form in layout:
            if field in values:
                struct.pack_into("<" + form, raw, at, values[field])
            at += struct.calcsize("<" + form)
    path.write_bytes(raw)
    return path


TRAIN = {"nEpochType": 3, "lEpochPulsePeriod": 90, "lEpochPulseWidth": 6}


def onsets(path: Path) -> dict[str, np.ndarray]:
    """Stimulus -> samples at which it begins, in the first sweep."""
    return {k: np.rint(t[0] * 20e3).astype(int) for k, t in candidates(read(path).sweeps).items()}


def test_digital_outputs(tmp_path: Path) -> None:
    """516 samples: epochs begin at sample 516 // 64 = 8. Bits 0 and 3 are up for the epoch."""
    path = rewritten(tmp_path / "a.abf", {"nDigitalEnable": 1}, {}, {"nDigitalValue": 9})
    found = onsets(path)
    assert {k: v.tolist() for k, v in found.items()} == {
        "Cmd 0": [8], "digital 0": [8], "digital 3": [8],
    }  # fmt: skip
    with pytest.raises(InputError, match=r"it may be.*'digital 3' with 1 per sweep"):
        extract(path)


def test_trains(tmp_path: Path) -> None:
    """500 samples hold five whole periods of 90: a pulse begins each, in both outputs."""
    digital = {"nDigitalValue": 0, "nDigitalTrainValue": 4}
    for logic in (0, 1):
        change = {"nDigitalEnable": 1, "nDigitalTrainActiveLogic": logic}
        found = onsets(rewritten(tmp_path / f"{logic}.abf", change, TRAIN, digital))
        assert found["Cmd 0"].tolist() == [8, 98, 188, 278, 368]
        # Active low, the line is up at first between pulses: it goes up after each of them.
        low = [14, 104, 194, 284, 374]
        assert found["digital 2"].tolist() == ([8, 98, 188, 278, 368] if logic else low)


def test_protocols_that_are_not_read(tmp_path: Path) -> None:
    ramp = rewritten(tmp_path / "ramp.abf", {}, {"nEpochType": 2}, {})
    assert onsets(ramp) == {}
    assert any("ramps" in note for note in read(ramp).notes)
    # Two fields name the output that times the digital ones, and here they disagree.
    other = {"nDigitalEnable": 1, "nDigitalDACChannel": 1}
    single = rewritten(tmp_path / "one.abf", other, {}, {"nDigitalValue": 1})
    assert "digital 0" in onsets(single)  # output 1 has no epochs, so that nothing is in doubt


def test_damaged_files_are_one_line(tmp_path: Path) -> None:
    short = tmp_path / "short.abf"
    short.write_bytes(V2.read_bytes()[:20000])
    noise = tmp_path / "noise.abf"
    noise.write_bytes(bytes(range(256)) * 20)
    for path in (short, noise):
        with pytest.raises(InputError, match="no reader takes it") as error:
            read(path)
        assert "\n" not in str(error.value)
