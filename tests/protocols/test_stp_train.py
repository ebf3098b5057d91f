"""Regular trains: moments at each pulse against the blind reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synsim.component.errors import FieldError
from synsim.protocol import Running
from synsim.protocols import stp_train
from synsim.protocols.stp_train import Settings
from tests.protocols.base import ProtocolTests
from tests.reference.tsodyks_markram import two_state


class TestStpTrain(ProtocolTests):
    module = stp_train
    small = "pulses=4 repeats=600"
    columns = (
        "pulse",
        "t_ms",
        "mean",
        "var",
        "failure_rate",
        "mean_exact",
        "var_exact",
        "mean_mV",
        "var_mV2",
    )
    deterministic = False


def table(settings: Settings, **running: Any) -> dict[str, np.ndarray[Any, Any]]:
    done = stp_train.run(settings, Running(**running))
    return {name: np.asarray(values) for name, values in done.columns.items()}


def test_moments_within_four_standard_errors() -> None:
    """k ~ Binomial(n, u x): mean, variance and failures of 1000 repeats."""
    n, q, repeats = 5, 0.4, 1000
    found = table(
        Settings(U=0.3, tau_rec="400ms", tau_facil="120ms", n=n, q=f"{q}mV", repeats=repeats),
        seed=2,
    )
    times = np.append(np.arange(10) / 20, 9 / 20 + 0.5)
    np.testing.assert_allclose(found["t_ms"], times * 1e3, atol=1e-9)
    assert found["pulse"].tolist() == list(range(1, 12))
    P = two_state(times, 0.3, 0.4, 0.12).response
    variance = n * P * (1 - P)
    np.testing.assert_allclose(found["mean_exact"], n * P, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["var_exact"], variance, rtol=0, atol=1e-12)
    assert np.all(np.abs(found["mean"] - n * P) < 4 * np.sqrt(variance / repeats))
    fourth = variance * (1 + 3 * (n - 2) * P * (1 - P))
    error = np.sqrt((fourth - variance**2 * (repeats - 3) / (repeats - 1)) / repeats)
    assert np.all(np.abs(found["var"] - variance) < 4 * error)
    failures = (1 - P) ** n
    error = np.sqrt(failures * (1 - failures) / repeats)
    assert np.all(np.abs(found["failure_rate"] - failures) < 4 * error)
    np.testing.assert_allclose(found["mean_mV"], q * found["mean"], rtol=1e-12)
    np.testing.assert_allclose(found["var_mV2"], q**2 * found["var"], rtol=1e-12)


def test_mean_field_is_exact() -> None:
    settings = Settings(
        release="mean-field", U=0.25, tau_rec="700ms", tau_facil="20ms", n=3, recovery=None,
        pulses=6, rate="33Hz", repeats=2, q="50pA",
    )  # fmt: skip
    found = table(settings, backend="numpy")
    assert list(found)[-2:] == ["mean_pA", "var_pA2"]
    P = two_state(found["t_ms"] / 1e3, 0.25, 0.7, 0.02).response
    np.testing.assert_allclose(found["mean"], 3 * P, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["mean_pA"], 150 * P, rtol=0, atol=1e-10)
    assert np.all(found["var"] == 0)
    assert len(found["pulse"]) == 6


def test_the_membrane_of_the_run_is_what_the_closed_form_says() -> None:
    """Mean and variance of 1000 repeats after every response, 4 SE; the table at every sample."""
    repeats = 1000
    settings = Settings(
        U=0.3, tau_rec="400ms", tau_facil="120ms", n=5, q="0.4mV", s0="2mV", repeats=repeats
    )
    done = stp_train.run(settings, Running(seed=2))
    table = {name: np.asarray(values) for name, values in done.tables["membrane"].items()}
    assert list(table) == ["t_ms", "mean_mV", "var_mV2", "mean_exact_mV", "var_exact_mV2"]
    pulses = np.append(np.arange(10) / 20, 9 / 20 + 0.5) * 1e3
    P = two_state(pulses / 1e3, 0.3, 0.4, 0.12).response
    # tau_m of Vogels & Abbott 2005 is 20 ms; the noise s0 of the amplifier is not in a membrane
    since = table["t_ms"][:, None] - pulses
    shape = np.where(since < -1e-9, 0.0, np.exp(-np.maximum(since, 0) / 20))
    np.testing.assert_allclose(table["mean_exact_mV"], shape @ (0.4 * 5 * P), rtol=0, atol=1e-9)
    covariance = 0.4**2 * settings.prediction().covariance
    spread = np.einsum("ti,ij,tj->t", shape, covariance, shape)
    np.testing.assert_allclose(table["var_exact_mV2"], spread, rtol=0, atol=1e-9)
    at = np.array([int(np.flatnonzero(np.abs(table["t_ms"] - t) < 1e-6)[0]) for t in pulses])
    error = np.sqrt(spread[at] / repeats)
    assert np.all(np.abs(table["mean_mV"] - table["mean_exact_mV"])[at] < 4 * error)
    # the fourth moment of quanta of five sites: 3 + (1 - 6 P (1 - P))/(n P (1 - P)) variances^2
    kurtosis = 3 + (1 - 6 * P * (1 - P)) / (5 * P * (1 - P))
    assert np.all(np.abs(table["var_mV2"][at] / spread[at] - 1) < 4 * np.sqrt(kurtosis / repeats))
    # before the recovery pulse the potential has decayed, and at the end as well
    top = table["mean_mV"].max()
    assert table["mean_mV"][at[-1] - 1] < 1e-6 * top and table["mean_mV"][-1] < 0.02 * top
    for what in ("mean", "variance"):
        found = done.results[f"largest_deviation_of_potential_{what}_in_standard_errors"]
        assert 0 < found < 4
    assert done.results["share_above_threshold"] == 0
    assert "lif-vogels-abbott-2005 without threshold" in done.conventions["membrane"]


def test_membranes_of_every_unit() -> None:
    """Currents superpose, to rounding; conductances have no closed form; bare numbers no membrane.

    An axonal delay moves the potential, and what goes above threshold is said.
    """
    constant: dict[str, Any] = {
        "release": "mean-field", "U": 0.25, "tau_rec": "700ms", "n": 3, "pulses": 2,
        "recovery": None, "repeats": 2, "delay": "2ms",
    }  # fmt: skip
    current = stp_train.run(Settings(q="50pA", **constant), Running(backend="numpy"))
    assert current.results["largest_deviation_of_potential_mV"] < 1e-9
    table = current.tables["membrane"]
    time, mean = (np.asarray(table[name]) for name in ("t_ms", "mean_mV"))
    assert np.all(mean[time < 2] == 0) and np.all(mean[(time > 2.05) & (time < 50)] > 0)
    conductance = stp_train.run(Settings(q="2nS", **constant), Running(backend="numpy"))
    table = conductance.tables["membrane"]
    assert np.max(table["mean_mV"]) > 1 and np.all(np.isnan(table["mean_exact_mV"]))
    assert not any("deviation_of_potential" in name for name in conductance.results)
    bare = stp_train.run(Settings(q=2.0, **constant), Running(backend="numpy"))
    assert bare.tables == {} and "peak_potential_mV" not in bare.results
    large = stp_train.run(Settings(q="20mV", **constant), Running(backend="numpy"))
    assert any("a neuron would fire" in text for text in large.warnings)
    for one in (conductance, bare, large):
        one.figure().draw_without_rendering()


def test_off_grid_pulses_are_said() -> None:
    settings = Settings(rate="33Hz", pulses=3, repeats=2, release="mean-field", recovery=None)
    done = stp_train.run(settings, Running(backend="numpy"))
    assert np.asarray(done.columns["t_ms"]).tolist() == [0.0, 30.3, 60.6]
    assert done.warnings == (
        "the pulses at 33 Hz were put on the grid of 0.1 ms; the table shows them as they ran",
    )


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"rate": "20kHz"}, "rate"),
        ({"recovery": "0.01ms"}, "recovery"),
        ({"pulses": 0}, "pulses"),
        ({"repeats": 1}, "repeats"),
        ({"tau_rec": None}, "release"),
        ({"U": 1.2}, "U"),
    ],
)
def test_refused(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError) as error:
        Settings(**settings)
    assert error.value.field == field
