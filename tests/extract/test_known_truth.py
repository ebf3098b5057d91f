"""From a file with known truth to amplitudes, to averages, to n, p and q."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from scipy import stats

from synsim.component import InputError
from synsim.extract import Extracted, extract
from synsim.extract.recording import Recording, Sweep, Trace
from synsim.fit.quantal import fit_quantal
from synsim.fit.stp_data import read_pulses
from synsim.tables import read_table
from tests.extract.simulated import RATE, Truth, kernel, simulate, write_csv, write_nwb

pytest.importorskip("pynwb")


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate(seed=11, sweeps=80)


@pytest.fixture(scope="module")
def file(truth: Truth, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nwb(tmp_path_factory.mktemp("nwb") / "cell.nwb", truth)


@pytest.fixture(scope="module")
def found(file: Path) -> Extracted:
    return extract(file)


def again(found: Extracted, **how: Any) -> Extracted:
    """Measured in another way, without reading the file again."""
    with mock.patch("synsim.extract.run.read", return_value=found.recording):
        return extract(found.recording.source, **how)


def amplitudes(found: Extracted) -> np.ndarray:
    return np.array(found.per_sweep(found.measured.amplitude))


def at_peak(found: Extracted) -> float:
    """What the mean over the samples around the lag of the peak is of a response of 1."""
    half = found.windows.half
    lags = found.measured.latency + np.arange(-half, half + 1)
    return float(kernel(lags / RATE).mean())


def test_amplitudes_are_those_released(truth: Truth, found: Extracted) -> None:
    """Every pulse to 4 standard errors; the residuals are normal with the noise reported."""
    scale = at_peak(found)
    assert 0.98 < scale < 1.0
    left = amplitudes(found) - scale * truth.amplitude
    error = left.std(axis=0, ddof=1) / np.sqrt(len(left))
    assert np.all(np.abs(left.mean(axis=0)) < 4 * error)
    assert found.measured.noise is not None
    assert stats.kstest(left[:, 0] / found.measured.noise, "norm").pvalue > 0.01
    assert left[:, 1:].std() < 1.1 * found.measured.noise


def test_overlap_without_correction_is_wrong_by_what_is_left(
    truth: Truth, found: Extracted
) -> None:
    """After 20 ms of a decay of 6 ms there is a bias, seen with --decay none and not without."""
    raw = again(found, decay="none")
    left = amplitudes(raw) - at_peak(raw) * truth.amplitude
    error = left.std(axis=0, ddof=1) / np.sqrt(len(left))
    assert np.all(left.mean(axis=0)[1:] > 4 * error[1:])
    assert abs(left.mean(axis=0)[0]) < 4 * error[0]


def test_decay_and_noise_are_the_true_ones(truth: Truth, found: Extracted) -> None:
    """The noise is a box of 5 over white noise: the variance of any weights is known."""
    assert found.measured.decay is not None
    tau, se = found.results["tau_decay_ms"], found.results["tau_decay_se_ms"]
    assert abs(tau - 6.0) < 4 * se < 0.5
    low, high = found.windows.baseline
    half, lag = found.windows.half, found.measured.latency
    weights = np.zeros(lag + half + 1 - low)
    weights[: high - low] -= 1 / (high - low)
    weights[lag - half - low :] += 1 / (2 * half + 1)
    sd = truth.s0 * np.linalg.norm(np.convolve(weights, np.ones(5) / np.sqrt(5)))
    places = found.measured.noise_places
    assert places > 400
    assert found.measured.noise == pytest.approx(sd, rel=4 / np.sqrt(2 * places))


def test_failures_are_those_that_were(truth: Truth, found: Extracted) -> None:
    """q is 9 SDs of the noise: at 2.5 SDs, 0.6 % of the failures are taken for responses."""
    assert found.measured.failure is not None
    failed = np.array(found.per_sweep(found.measured.failure))
    none = truth.quanta == 0
    assert not np.any(failed & ~none)
    assert np.count_nonzero(none & ~failed) <= stats.binom.ppf(0.9999, none.sum(), 0.0062)
    doubled = found.results["failure_rate_doubled"]
    assert abs(doubled - none.mean()) < 4 * np.sqrt(2 * none.mean() / none.size)


def test_fit_quantal_recovers_n_p_q(truth: Truth, found: Extracted, tmp_path: Path) -> None:
    """The table is read without a flag; 95 % intervals (here: of one experiment) hold the truth."""
    out = found.save(tmp_path / "out", plot=False)
    fit = fit_quantal(out / "data.csv", models="constant")
    params = fit.results["fits"][0]["models"]["constant"]["params"]
    taken = fit.results["data"]["columns"]
    assert (taken["amplitude"], taken["time"], taken["sweep"]) == ("amplitude_pA", "t_ms", "sweep")
    assert params["n"]["value"] == 5
    for name, value in (("p", truth.quanta.mean() / 5), ("q", 12.0 * at_peak(found))):
        low, high = params[name]["ci95"]
        assert low - 0.01 * value < value < high + 0.01 * value
    assert params["s0"]["value"] == pytest.approx(found.measured.noise, rel=0.15)


def test_averages_are_read_by_fit_stp(found: Extracted, tmp_path: Path) -> None:
    out = found.save(tmp_path / "out", plot=False)
    pulses = read_pulses(read_table(out / "averages.csv"))
    own = amplitudes(found)
    assert pulses.taken["sem"] == "amplitude_sem_pA" and pulses.taken["amplitude"] == "amplitude_pA"
    np.testing.assert_allclose(pulses.amplitude, own.mean(axis=0))
    np.testing.assert_allclose(pulses.sem, own.std(axis=0, ddof=1) / np.sqrt(len(own)))
    np.testing.assert_allclose(pulses.time, [0, 20, 40, 60, 80], atol=1e-6)


def test_own_peaks_are_too_large(truth: Truth, found: Extracted) -> None:
    """What --peak own measures where nothing was released is away from 0; latency does not."""
    own = again(found, peak="own", decay="6ms")
    none = truth.quanta == 0
    sd = found.measured.noise or 0.0
    assert amplitudes(own)[none].mean() < -sd
    assert abs(amplitudes(found)[none].mean()) < 4 * sd / np.sqrt(none.sum())
    assert own.measured.noise_mean < -sd


def test_weak_responses_are_pointed_out() -> None:
    """q of 2 SDs of the noise: failures by threshold are too many, twice those beyond 0 are not."""
    truth = simulate(seed=21, sweeps=60, n=3, p=0.15, q=-3.0)
    traces = [{"x": Trace(s, "pA", 1 / RATE)} for s in truth.sweeps]
    sweeps = tuple(
        Sweep(k + 1, 10.0 * k, t, {}, {"shocks": truth.stimuli}) for k, t in enumerate(traces)
    )
    made = Recording("simulated", "", "CSV", sweeps, "columns")
    with mock.patch("synsim.extract.run.read", return_value=made):
        found = extract("simulated", stimulus_channel="shocks", decay="6ms")
    none = (truth.quanta == 0).mean()
    assert found.results["failure_rate"] > none + 0.1
    error = np.sqrt(none * (2 - none) / truth.quanta.size)
    beyond = 2 * stats.norm.cdf(-3.0 / (found.measured.noise or 1.0)) * (1 - none)
    assert abs(found.results["failure_rate_doubled"] - none - beyond) < 4 * error
    assert any("not clear of the noise" in note for note in found.warnings)


def small(**changes: Any) -> Truth:
    return simulate(**({"seed": 3, "sweeps": 6, "before": 60e-3} | changes))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Extracted:
    """A few sweeps from an NWB file as the others of this module are."""
    return extract(write_nwb(tmp_path_factory.mktemp("few") / "few.nwb", small()), decay="6ms")


@pytest.mark.parametrize(
    "how",
    [
        {"stimulus": "events"},
        {"factor": 2.5e-12, "values": 0.4},
        {"factor": 1e-9, "values": 1e-3},
        {"numbered": False},
        {"numbered": False, "interval": 0.0},
        {"numbered": False, "interval": 0.0, "name": "sweep {} epsc"},
    ],
    ids=["events", "gain", "nA", "by time", "by name", "by any name"],
)
def test_nwb_in_other_ways_gives_the_same(
    how: dict[str, Any], few: Extracted, tmp_path: Path
) -> None:
    if how.get("interval") == 0.0:
        how = how | {"stimulus": None}
    given: dict[str, Any] = {}
    if how.get("stimulus", "command") is None:
        given = {"stimulus_times": "60ms:140ms:20ms"}
    elif how.get("stimulus") == "events":
        given = {"stimulus_channel": "shocks"}
    path = write_nwb(tmp_path / "other.nwb", small(), **how)
    other = extract(path, **given, decay="6ms")
    np.testing.assert_allclose(other.measured.amplitude, few.measured.amplitude, rtol=1e-9)


def test_commands_that_cannot_be_matched_are_not(tmp_path: Path) -> None:
    """Six responses and two commands that all begin at 0 s: the times are asked for."""
    truth = small()

    def commands(file: Any, electrode: Any) -> None:
        from pynwb.icephys import VoltageClampStimulusSeries

        for k in range(2):
            pulse = np.zeros(truth.sweeps.shape[1])
            pulse[round(truth.stimuli[0] * RATE)] = 1.0
            file.add_stimulus(
                VoltageClampStimulusSeries(
                    name=f"command {k}", data=pulse, unit="volts", electrode=electrode,
                    gain=1.0, rate=RATE, starting_time=0.0,
                )
            )  # fmt: skip

    how: dict[str, Any] = {"stimulus": None, "interval": 0.0, "numbered": False}
    path = write_nwb(tmp_path / "cell.nwb", truth, extra=commands, **how)
    with pytest.raises(InputError, match="the file shows no stimulus"):
        extract(path)


def test_csv_gives_the_same(few: Extracted, tmp_path: Path) -> None:
    truth = small()
    times = "60ms,80ms,100ms,120ms,140ms"
    for unit, factor in (("pA", 1.0), ("nA", 1e-3), ("A", 1e-12)):
        path = write_csv(tmp_path / "cell.csv", truth, unit, factor)
        found = extract(path, stimulus_times=times, decay="6ms")
        assert found.unit == "pA"
        np.testing.assert_allclose(found.measured.amplitude, few.measured.amplitude, atol=1e-4)


def test_nwb_written_by_neo(few: Extracted, tmp_path: Path) -> None:
    """Neo writes the series of a segment with its name in front, and the segment as a comment."""
    neo = pytest.importorskip("neo")
    import quantities as pq

    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    block = neo.Block(name="cell", session_start_time=start)
    for k, sweep in enumerate(small().sweeps):
        segment = neo.Segment(name=f"segment {k}")
        segment.analogsignals.append(
            neo.AnalogSignal(sweep, units="pA", sampling_rate=RATE * pq.Hz, name="epsc")
        )
        segment.block = block
        segment.analogsignals[0].segment = segment
        block.segments.append(segment)
    path = tmp_path / "neo.nwb"
    writer = neo.io.NWBIO(str(path), mode="w")
    writer.write_all_blocks([block], validate=False)
    found = extract(path, stimulus_times="60ms:140ms:20ms", decay="6ms")
    assert found.chosen["channel"]["value"] == "epsc"
    np.testing.assert_allclose(found.measured.amplitude, few.measured.amplitude, rtol=1e-6)


def test_stimuli_in_a_recorded_channel(few: Extracted, tmp_path: Path) -> None:
    """A TTL line with noise and a slow edge, recorded beside the responses."""
    truth = small()

    def with_ttl(file: Any, electrode: Any) -> None:
        import pynwb

        rng = np.random.default_rng(2)
        for k, sweep in enumerate(truth.sweeps):
            line = 0.05 * rng.standard_normal(sweep.size)
            for t in truth.stimuli:
                at = round(t * RATE)
                line[at : at + 20] += 5.0
            file.add_acquisition(
                pynwb.TimeSeries(
                    name=f"ttl_{k}", data=line, unit="V", rate=RATE, starting_time=10.0 * k
                )
            )

    path = write_nwb(tmp_path / "ttl.nwb", truth, stimulus=None, extra=with_ttl)
    found = extract(path, channel="pipette", stimulus_channel="ttl", decay="6ms")
    np.testing.assert_array_equal(found.measured.amplitude, few.measured.amplitude)
    how = {"channel": "pipette", "stimulus_channel": "ttl", "decay": "6ms"}
    for threshold in ("4000mV", 1.0):
        again = extract(path, **how, stimulus_threshold=threshold)
        np.testing.assert_array_equal(again.measured.amplitude, few.measured.amplitude)


def test_a_recording_without_sweeps_is_cut_where_stimuli_pause(tmp_path: Path) -> None:
    truth = small()
    pause = 0.4
    step = truth.sweeps.shape[1] / RATE + pause
    rng = np.random.default_rng(6)
    rest = np.zeros(round(pause * RATE))
    joined = [np.concatenate([s - s.mean(), rest]) for s in truth.sweeps]
    line = np.concatenate(joined) + 0.5 * rng.standard_normal(truth.sweeps.size + 6 * rest.size)
    stimuli = np.concatenate([truth.stimuli + k * step for k in range(6)])
    path = write_nwb(
        tmp_path / "long.nwb", Truth(line[None, :], stimuli, truth.quanta, truth.q, truth.s0)
    )
    found = extract(path, sweep_gap="200ms")
    assert found.results["n_sweeps"] == 6 and found.results["n_pulses"] == 5
    left = amplitudes(found) - at_peak(found) * truth.amplitude
    assert np.abs(left).max() < 5 * (found.measured.noise or 0.0)
    part = extract(path, sweep_gap="200ms", sweeps="2-3", decay="6ms")
    assert part.columns()["sweep"] == [2] * 5 + [3] * 5


def test_epsps_in_volts(tmp_path: Path) -> None:
    """Depolarising responses of a CurrentClampSeries would be in V: mV come out, positive."""
    truth = small(q=0.4, s0=0.05, sweeps=12)
    path = write_csv(tmp_path / "cell.csv", truth, "V", 1e-3)
    found = extract(path, stimulus_times="60ms:140ms:20ms")
    assert found.unit == "mV" and found.measured.sign == 1
    left = amplitudes(found) - at_peak(found) * truth.amplitude
    assert np.abs(left).max() < 5 * (found.measured.noise or 0.0)


def test_patterns_are_kept_apart(tmp_path: Path) -> None:
    """Sweeps of other intervals go into a column protocol, which the fits group by."""
    truth = small()
    path = write_csv(tmp_path / "cell.csv", truth)
    times = tmp_path / "times.csv"
    rows = [
        f"{k + 1},{t * 1e3:g}"
        for k in range(6)
        for t in (truth.stimuli if k % 2 else truth.stimuli[:4])
    ]
    times.write_text("sweep,t_ms\n" + "\n".join(rows) + "\n")
    found = extract(path, stimulus_times=str(times), decay="6ms", cell="a")
    out = found.save(tmp_path / "out", plot=False)
    with (out / "averages.csv").open() as file:
        listed = list(csv.DictReader(file))
    kinds = ["4 pulses every 20 ms"] * 4 + ["5 pulses every 20 ms"] * 5
    assert [row["protocol"] for row in listed] == kinds
    assert {row["n"] for row in listed} == {"3"} and {row["cell"] for row in listed} == {"a"}
    assert any("2 patterns" in note for note in found.warnings)


def test_one_pulse_and_one_sweep(tmp_path: Path) -> None:
    single = small(stimuli=np.array([60e-3]), p=0.8)
    found = extract(write_csv(tmp_path / "one.csv", single), stimulus_times="60ms")
    assert found.chosen["overlap"]["value"] == "not corrected"
    left = amplitudes(found) - at_peak(found) * single.amplitude
    assert np.abs(left).max() < 5 * (found.measured.noise or 0.0)
    sweep = small(sweeps=1, p=0.9, before=200e-3)
    found = extract(write_csv(tmp_path / "sweep.csv", sweep), stimulus_times="200ms:280ms:20ms")
    assert "amplitude_sem_pA" not in found.averages() and found.averages()["n"] == [1] * 5
