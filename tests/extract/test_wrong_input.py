"""What is wrong with a recording or a flag is said in one line that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synsim.component import InputError
from synsim.extract import extract
from synsim.extract.recording import read
from tests.extract.simulated import RATE, Truth, simulate, write_csv, write_nwb

TIMES = "60ms:140ms:20ms"


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate(seed=5, sweeps=5)


@pytest.fixture(scope="module")
def good(truth: Truth, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("good") / "cell.csv", truth)


def refused(said: str, path: Path, **how: Any) -> str:
    """The one line, which has to say that."""
    with pytest.raises(InputError) as error:
        extract(path, **how)
    text = str(error.value)
    assert said in text and "\n" not in text
    return text


def changed(truth: Truth, tmp_path: Path, sweeps: np.ndarray, **how: Any) -> Path:
    """A CSV file of other samples."""
    other = Truth(sweeps, truth.stimuli, truth.quanta, truth.q, truth.s0)
    return write_csv(tmp_path / "changed.csv", other, **how)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "when did the stimuli come? the file shows no stimulus"),
        ({"stimulus_times": "60,80"}, "--stimulus-times: found '60' without a unit"),
        ({"stimulus_times": ""}, "--stimulus-times: found an empty list"),
        ({"stimulus_times": "60ms,60ms"}, "found 60 ms twice"),
        ({"stimulus_times": "80ms,60ms"}, "found 60 ms after 80 ms"),
        ({"stimulus_times": "60ms,900ms"}, "found a stimulus at 900 ms, but the sweep lasts"),
        ({"stimulus_times": "60ms,190ms"}, "is looked for until"),
        ({"stimulus_times": "2ms"}, "begins before the sweep does"),
        ({"stimulus_times": "no_such.csv"}, "no_such.csv: no such file"),
        ({"stimulus_channel": "ttl"}, "no stimulus 'ttl' (--stimulus-channel)"),
        ({"stimulus_channel": "sweeps"}, "is the channel of the responses"),
        ({"stimulus_times": TIMES, "stimulus_channel": "x"}, "give one of them"),
        ({"stimulus_times": TIMES, "stimulus_threshold": 1.0}, "needs the channel it is for"),
        ({"stimulus_times": TIMES, "channel": "Vm"}, "no channel 'Vm' (--channel)"),
        ({"stimulus_times": TIMES, "sweeps": "1-9"}, "no sweep 6 (--sweeps), it has 5"),
        ({"stimulus_times": TIMES, "sweeps": "one"}, "--sweeps: found 'one'"),
        ({"stimulus_times": TIMES, "sweeps": "1,1"}, "expected each sweep once"),
        ({"stimulus_times": TIMES, "unit": "ms"}, "--unit: found 'ms'"),
        ({"stimulus_times": TIMES, "unit": "A"}, "are the values in another unit?"),
        ({"stimulus_times": TIMES, "sign": "up"}, "--sign: found 'up'"),
        ({"stimulus_times": TIMES, "sign": "positive"}, "largest where the window begins"),
        ({"stimulus_times": TIMES, "baseline": "5ms"}, "--baseline: found '5ms'"),
        ({"stimulus_times": TIMES, "baseline": "0ms:5ms"}, "a range before the stimulus"),
        ({"stimulus_times": TIMES, "baseline": "-19ms:0ms"}, "in the peak of the response before"),
        ({"stimulus_times": TIMES, "window": "5ms:1ms"}, "expected the earlier time first"),
        ({"stimulus_times": TIMES, "window": "1ms:30ms"}, "the next one comes after 20 ms"),
        ({"stimulus_times": TIMES, "window": "1ms:1.1ms"}, "holds less than 3 samples"),
        ({"stimulus_times": TIMES, "window": "5ms:15ms"}, "largest where the window begins"),
        ({"stimulus_times": TIMES, "window": "0.5ms:2ms"}, "largest where the window ends"),
        ({"stimulus_times": TIMES, "width": "0ms"}, "--width: found '0ms', expected a time above"),
        ({"stimulus_times": TIMES, "latency": "3ms"}, "--latency needs --sign"),
        (
            {"stimulus_times": TIMES, "latency": "30ms", "sign": "negative"},
            "--latency: found 30 ms",
        ),
        ({"stimulus_times": TIMES, "peak": "max"}, "--peak: found 'max'"),
        ({"stimulus_times": TIMES, "decay": "-3ms"}, "--decay: found '-3ms'"),
        ({"stimulus_times": TIMES, "decay": "fast"}, "--decay: found 'fast'"),
        ({"stimulus_times": TIMES, "noise": "3"}, "--noise: found '3' without a unit"),
        ({"stimulus_times": TIMES, "threshold": "-1"}, "--threshold: found '-1'"),
    ],
)
def test_flags(good: Path, how: dict[str, Any], said: str) -> None:
    refused(said, good, **how)


def test_noise_of_another_dimension(good: Path) -> None:
    refused("--noise: found a voltage", good, stimulus_times=TIMES, decay="6ms", noise="3mV")


def test_files(tmp_path: Path) -> None:
    refused("no such file", tmp_path / "none.abf")
    refused("found a directory", tmp_path)
    empty = tmp_path / "empty.nwb"
    empty.write_bytes(b"")
    refused("the file is empty", empty)
    for name in ("notes.docx", "data.txt", "data.pkl"):
        other = tmp_path / name
        other.write_bytes(b"some text")
        refused("are not read, expected", other)
    torn = tmp_path / "torn.nwb"
    torn.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(300))
    refused("not read as NWB", torn)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("t_ms\n0\n1\n", "no column beside 't_ms'"),
        ("x,a_pA\n0,1\n1,2\n", "which column is the time of the samples? there is none"),
        ("t_ms,t_s,a_pA\n0,0,1\n1,1,2\n", "more than one may be"),
        ("t_ms,a_pA\n0,1\n0.1,2\n0.1,3\n0.3,4\n", "line 4, column 't_ms'"),
        ("t_ms,a_pA\n0,1\n0.1,2\n0.2,3\n0.9,4\n1.0,5\n", "even steps of 0.1 ms"),
        ("t_ms,a_pA\n0,1\n0.1,\n0.2,3\n", "line 3, column 'a_pA': found an empty cell"),
        ("t_ms,a_pA\n0,1\n0.1,nan\n0.2,3\n", "line 3, column 'a_pA': found 'nan'"),
        ("t_ms,a_pA\n0,1\n0.1,x\n0.2,3\n", "line 3, column 'a_pA': found 'x'"),
        ("t_ms,a_pA,b_pA\n0,1,\n0.1,2,\n", "column 'b_pA': it is empty"),
        ("t_ms,a_pA,b_mV\n0,1,1\n0.1,2,1\n", "columns in different units (a_pA (pA), b_mV (mV))"),
        ("t_ms,a_pA\n0,1\n", "one row of samples"),
    ],
)
def test_csv_tables(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "cell.csv"
    path.write_text(text)
    refused(said, path, stimulus_times="1ms")


def test_units_are_asked_for(truth: Truth, tmp_path: Path) -> None:
    """Amperes in a column called pA, and a column that does not say its unit."""
    path = changed(truth, tmp_path, truth.sweeps * 1e-12)
    refused("which is hardly possible; are the values in A, not pA?", path, stimulus_times=TIMES)
    assert extract(path, stimulus_times=TIMES, unit="A").unit == "pA"
    path = changed(truth, tmp_path, truth.sweeps, unit="")
    refused("does not say its unit; say it with --unit", path, stimulus_times=TIMES)
    assert extract(path, stimulus_times=TIMES, unit="pA").unit == "pA"


def test_nwb_units(truth: Truth, tmp_path: Path) -> None:
    """pA written as if they were amperes, the commonest slip in NWB files."""
    pytest.importorskip("pynwb")
    path = write_nwb(tmp_path / "slip.nwb", truth, factor=1.0)
    refused("are the values in another unit?", path)
    found = extract(path, unit="pA")
    assert found.chosen["unit"] == {"value": "pA", "how": "given by --unit (the file says A)"}


def test_sweeps_of_unequal_length(truth: Truth, tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    lines = write_csv(path, truth).read_text().splitlines()
    cut = [",".join([*row.split(",")[:-1], ""]) for row in lines[2900:]]
    path.write_text("\n".join([*lines[:2900], *cut]) + "\n")
    text = refused("sweep 5: it ends at 144.95 ms", path, stimulus_times=TIMES)
    assert "--skip-incomplete" in text
    found = extract(path, stimulus_times=TIMES, skip_incomplete=True)
    assert found.left_out == (5,) and found.results["n_sweeps"] == 4
    refused("no sweep holds all", path, stimulus_times=TIMES, sweeps="5", skip_incomplete=True)


def test_holes_in_the_samples(truth: Truth, tmp_path: Path) -> None:
    pytest.importorskip("pynwb")
    sweeps = truth.sweeps.copy()
    sweeps[2, round(101e-3 * RATE)] = np.nan
    other = Truth(sweeps, truth.stimuli, truth.quanta, truth.q, truth.s0)
    path = write_nwb(tmp_path / "hole.nwb", other)
    refused("sweep 3: found no number at 101 ms", path)


def test_mixed_signs(truth: Truth, tmp_path: Path) -> None:
    """Two of five sweeps go the other way (the holding potential was changed)."""
    sweeps = truth.sweeps - np.median(truth.sweeps, axis=1, keepdims=True)
    sweeps[3:] *= -1
    path = changed(truth, tmp_path, sweeps)
    refused("responses of both signs", path, stimulus_times=TIMES, window="1ms:15ms")
    found = extract(path, stimulus_times=TIMES, sign="negative", decay="6ms")
    assert any("go the other way" in note for note in found.warnings)


def test_both_ways_after_each_stimulus(truth: Truth, tmp_path: Path) -> None:
    """An inward current and an outward one after it: which is meant?"""
    sweeps = truth.sweeps - 1.2 * np.roll(truth.sweeps, round(8e-3 * RATE), axis=1)
    path = changed(truth, tmp_path, sweeps)
    refused("goes both ways after the stimulus", path, stimulus_times=TIMES)


def test_all_failures(tmp_path: Path) -> None:
    """Nothing was released: refused, unless it is said where and which way to measure."""
    truth = simulate(seed=9, sweeps=20, p=0.0)
    path = write_csv(tmp_path / "silent.csv", truth)
    refused("no response is seen: the average of 100 is", path, stimulus_times=TIMES)
    found = extract(path, stimulus_times=TIMES, latency="2.6ms", sign="negative", decay="none")
    amplitude, noise = found.measured.amplitude, found.measured.noise
    assert noise is not None and found.measured.failure is not None
    assert abs(amplitude.mean()) < 4 * noise / np.sqrt(amplitude.size)
    assert found.measured.failure.mean() > 0.97


def test_decay_that_is_not_seen(truth: Truth, tmp_path: Path) -> None:
    """Sweeps that end right after the last peak: the decay is asked for."""
    path = changed(truth, tmp_path, truth.sweeps[:, : round(0.1445 * RATE)])
    how = {"stimulus_times": TIMES, "window": "1ms:4ms"}
    text = refused("responses may overlap, and how they decay is not seen", path, **how)
    assert "--decay none" in text
    assert extract(path, **how, decay="6ms").measured.tau == pytest.approx(6e-3)


def test_no_room_for_the_noise(tmp_path: Path) -> None:
    """Stimuli 6 ms after the beginning of the sweep: failures are not told, and it is said."""
    truth = simulate(seed=2, sweeps=9, before=6e-3)
    path = write_csv(tmp_path / "early.csv", truth)
    times = "6ms:86ms:20ms"
    found = extract(path, stimulus_times=times, decay="6ms")
    assert found.measured.failure is None and "failure" not in found.columns()
    assert any("give it with --noise" in note for note in found.warnings)
    given = extract(path, stimulus_times=times, decay="6ms", noise="1.3pA")
    assert given.measured.failure is not None


def test_several_channels(truth: Truth, tmp_path: Path) -> None:
    """A second electrode and a command that is not a stimulus: both are asked about."""
    pynwb = pytest.importorskip("pynwb")

    def second(file: Any, electrode: Any) -> None:
        other = file.create_icephys_electrode(
            name="second", description="another", device=electrode.device
        )
        for k, sweep in enumerate(truth.sweeps):
            file.add_acquisition(
                pynwb.icephys.CurrentClampSeries(
                    name=f"vm_{k}", data=sweep, conversion=1e-3, electrode=other, gain=1.0,
                    rate=RATE, starting_time=10.0 * k, sweep_number=np.uint64(k),
                )
            )  # fmt: skip
        file.add_trial(0.05, 0.2)

    path = write_nwb(tmp_path / "two.nwb", truth, extra=second)
    refused("which channel holds the responses? name it with --channel", path)
    refused("it may be 'pipette command' with 5 per sweep", path, channel="pipette")
    text = refused(
        "sweep 2: no stimulus in it (trials)", path, channel="pipette", stimulus_channel="trials"
    )
    assert "--sweeps" in text
    found = extract(path, channel="pipette", stimulus_channel="pipette command")
    assert found.results["n_responses"] == 25
    noisy = refused("it may be", path, channel="second")
    assert "recorded beside the responses: pipette" in noisy


def test_a_channel_without_stimuli(truth: Truth, tmp_path: Path) -> None:
    """Noise has no clear departure from its median: it is no line of stimuli."""
    pynwb = pytest.importorskip("pynwb")
    rng = np.random.default_rng(0)

    def line(file: Any, electrode: Any) -> None:
        for k, sweep in enumerate(truth.sweeps):
            file.add_acquisition(
                pynwb.TimeSeries(
                    name=f"line_{k}", data=rng.standard_normal(sweep.size), unit="V", rate=RATE,
                    starting_time=10.0 * k,
                )
            )  # fmt: skip

    path = write_nwb(tmp_path / "line.nwb", truth, stimulus=None, extra=line)
    how = {"channel": "pipette", "stimulus_channel": "line"}
    refused("shows no clear stimulus", path, **how)
    refused("--stimulus-threshold: found -1", path, **how, stimulus_threshold=-1.0)
    refused("found '2' without a unit", path, **how, stimulus_threshold="2")
    refused("found '2pA' which is a current", path, **how, stimulus_threshold="2pA")
    assert "5 sweep(s) told apart by their" in read(path).describe()
