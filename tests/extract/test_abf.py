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


@pytest.mark.parametrize(("path", "output"), [(V1, "OUT 0"), (V2, "Cmd 0")])
def test_commands_are_those_of_another_reader(path: Path, output: str) -> None:
    for sweep, other in zip(read(path).sweeps, other_reader(path), strict=True):
        assert list(sweep.commands) == [output] and sweep.commands[output].unit == "mV"
        np.testing.assert_array_equal(sweep.commands[output].values, other[output])


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


def test_real_currents_of_abf_1_are_measured() -> None:
    """Steps of -100 to -40 mV: the current 50 ms after they begin, at sample 5000 // 64 = 78."""
    found = extract(
        V1, sweeps="1-4", baseline="-5ms:0ms", window="1ms:90ms", latency="50ms", sign="negative",
        width="1ms",
    )  # fmt: skip
    raw = np.array([s["IN 0"] for s in other_reader(V1)])[:4]
    expected = raw[:, 78 + 500 - 5 : 78 + 500 + 6].mean(axis=1) - raw[:, 28:78].mean(axis=1)
    np.testing.assert_allclose(found.measured.amplitude, expected, rtol=1e-6)
    assert found.chosen["stimulus"]["value"] == "OUT 0"


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


#: Bytes before fields of an ABF 1 header, and their form: those that the other reader lacks are
#: counted from the sizes of the groups in Axon's ABFHEADR.H.
PLACES_1 = {
    "lClockChange": (194, "<i"), "fADCSecondSampleInterval": (126, "<f"),
    "nDigitalEnable": (1436, "<h"), "_nEpochType": (1444, "<10h"),
    "_fEpochInitLevel": (1464, "<10f"),
    "_nEpochInitDuration": (1544, "<10h"), "nDigitalValue": (1588, "<10h"),
    "lHeaderSize": (118 + 82 + 44 + 16 + 118 + 1044 + 14 + 184 + 98 + 44 + 82 + 36 + 52 + 34 + 68,
                    "<i"),
    "lEpochPulsePeriod": (2048 + 26 + 62, "<20i"),
    "lEpochPulseWidth": (2048 + 26 + 62 + 80, "<20i"),
    "nInterEpisodeLevel": (2304, "<2h"), "nEpochType": (2308, "<20h"),
    "lEpochInitDuration": (2508, "<20i"), "fEpochInitLevel": (2348, "<20f"),
    "lEpochDurationInc": (2588, "<20i"), "nDigitalTrainValue": (2668, "<10h"),
    "nDigitalTrainActiveLogic": (2688, "<h"), "nULEnable": (3360, "<4h"),
    "nAlternateDACOutputState": (2048 + 26 + 62 + 160 + 412 + 552 + 100 + 1096 + 56 + 898 + 388 + 16
                                 + 14 + 8 + 40, "<h"),
}  # fmt: skip


def rewritten_1(path: Path, **fields: list[float]) -> Path:
    """The real ABF 1 file with the first values of other fields in its header."""
    raw = bytearray(V1.read_bytes())
    for name, values in fields.items():
        place, form = PLACES_1[name]
        own = list(struct.unpack_from(form, raw, place))
        own[: len(values)] = values
        struct.pack_into(form, raw, place, *own)
    path.write_bytes(raw)
    return path


def test_header_of_abf_1_is_where_another_reader_has_it() -> None:
    from myokit.formats.axon import _abf

    from synsim.extract.abf1_header import LAYOUT

    theirs = {name.removeprefix("x"): place for name, place, _ in _abf.HEADER_FIELDS[1]}
    ours = {name: LAYOUT.fields[name][1] for name in LAYOUT.names}
    # Their digital values stand among the increments of duration.
    shared = (set(ours) & set(theirs)) - {"nDigitalValue"}
    assert len(shared) > 20 and all(ours[k] == theirs[k] for k in shared)
    assert all(ours[k] == place for k, (place, _) in PLACES_1.items())


def test_trains_of_abf_1(tmp_path: Path) -> None:
    """5,000 samples: epochs begin at 78. 900 samples hold four periods of 200; bit 2 pulses too."""
    path = rewritten_1(
        tmp_path / "a.abf", nEpochType=[3], lEpochInitDuration=[900], lEpochPulsePeriod=[200],
        lEpochPulseWidth=[20], nDigitalEnable=[1], nDigitalValue=[16 + 1],
        nDigitalTrainValue=[4], nDigitalTrainActiveLogic=[1],
    )  # fmt: skip
    found = {k: np.rint(t[0] * 10e3).tolist() for k, t in candidates(read(path).sweeps).items()}
    pulses = [78, 278, 478, 678]
    # Bit 4 is up between sweeps, too (nDigitalHolding is 16), so that nothing begins there.
    assert found == {"OUT 0": pulses, "digital 0": [78], "digital 2": pulses}


def test_epochs_that_grow_and_stay(tmp_path: Path) -> None:
    """The second epoch begins 30 samples later in each sweep; its level stays until the next."""
    path = rewritten_1(
        tmp_path / "a.abf", nEpochType=[1, 1], lEpochInitDuration=[100, 50],
        lEpochDurationInc=[30], fEpochInitLevel=[-100, 5], nInterEpisodeLevel=[1],
    )  # fmt: skip
    levels = [s.commands["OUT 0"].values for s in read(path).sweeps]
    assert levels[0][77] == 0 and levels[0][78] == -100
    for sweep, level in enumerate(levels):
        assert set(level[78 : 178 + 30 * sweep]) == {-100.0 + 20 * sweep}
        assert set(level[178 + 30 * sweep :]) == {5.0}
    assert all(set(level[:78]) == {5.0} for level in levels[1:])


def test_header_before_1_6(tmp_path: Path) -> None:
    """Its one output has other places, short durations, and no trains."""
    path = rewritten_1(
        tmp_path / "a.abf", lHeaderSize=[2048], _nEpochType=[0, 1],
        _fEpochInitLevel=[9, 40], _nEpochInitDuration=[500, 300], nEpochType=[3, 3],
    )  # fmt: skip
    level = read(path).sweeps[0].commands["OUT 0"].values
    assert np.flatnonzero(level == 40).tolist() == list(range(78, 378))  # off takes no time


def test_protocols_of_abf_1_that_are_not_read(tmp_path: Path) -> None:
    for name, fields, said in (
        ("list", {"nULEnable": [1]}, "user lists"),
        ("turns", {"nAlternateDACOutputState": [1]}, "alternates between outputs"),
        ("ramp", {"nEpochType": [2]}, "ramps"),
    ):
        path = rewritten_1(tmp_path / f"{name}.abf", **fields)
        with pytest.raises(InputError, match=rf"when did the stimuli come\?.*{said}"):
            extract(path)
    split = rewritten_1(
        tmp_path / "split.abf", lClockChange=[2000], fADCSecondSampleInterval=[500.0]
    )
    with pytest.raises(InputError, match=r"split clock\), from 100 to 500 us"):
        read(split)


def test_damaged_files_are_one_line(tmp_path: Path) -> None:
    short = tmp_path / "short.abf"
    short.write_bytes(V2.read_bytes()[:20000])
    noise = tmp_path / "noise.abf"
    noise.write_bytes(bytes(range(256)) * 20)
    for path in (short, noise):
        with pytest.raises(InputError, match="no reader takes it") as error:
            read(path)
        assert "\n" not in str(error.value)
