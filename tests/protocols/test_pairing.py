"""Pairing: one row per pairing, each with the weight of the closed form."""

from __future__ import annotations

import numpy as np
import pytest

from synsim import PairSTDP
from synsim.component.errors import FieldError
from synsim.models.pair_stdp import PAIRINGS
from synsim.predict.pairing import pairing_course
from synsim.protocol import Running
from synsim.protocols import pairing
from tests.protocols.base import ProtocolTests
from tests.reference import pair_stdp as reference


class TestPairing(ProtocolTests):
    module = pairing
    small = "n_pairs=5 rate=20Hz delta_t=-7.3ms"
    columns = ("pair", "t_s", "w_rel")


def reference_course(settings: pairing.Settings, lag: float) -> list[float]:
    """The weight after both spikes of each pairing, by enumeration; `lag` at the synapse, s."""
    rule = settings.rule
    assert isinstance(rule, PairSTDP)
    period = round(1 / settings.rate / settings.time_step) * settings.time_step
    pre = 1.0 + np.arange(settings.n_pairs) * period
    events = reference.weight_events(
        pre,
        pre + lag,
        a_plus=rule.a_plus,
        a_minus=rule.a_minus,
        tau_plus=rule.tau_plus,
        tau_minus=rule.tau_minus,
        mu_plus=rule.mu_plus,
        mu_minus=rule.mu_minus,
        bounds=rule.bounds,  # type: ignore[arg-type]
        pairing=rule.pairing,  # type: ignore[arg-type]
        coincidence=rule.coincident,  # type: ignore[arg-type]
        w0=settings.w0,
    )
    done = np.maximum(pre, pre + lag) + reference.TOLERANCE
    return [[e.weight for e in events if e.time <= until][-1] for until in done]


def test_the_default_is_a_point_of_bi_and_poo() -> None:
    done = pairing.run(pairing.Settings())
    assert done.columns["pair"].tolist() == list(range(1, 61))
    np.testing.assert_allclose(done.columns["t_s"], np.arange(60) + 0.01, rtol=0, atol=1e-12)
    expected = np.array(reference_course(done.settings, 0.01)) / 0.5
    np.testing.assert_allclose(done.columns["w_rel"], expected, rtol=0, atol=1e-12)
    assert done.results["w_rel_final"] == done.columns["w_rel"][-1]
    assert done.results["largest_deviation_from_closed_form"] < 1e-12
    assert done.results["lag_at_synapse_ms"] == 10
    # .777 exp(-10/16.8) of the mean response, by construction of the preset
    assert done.results["w_rel_final"] - 1 == pytest.approx(0.777 * np.exp(-10 / 16.8), rel=1e-9)
    assert done.warnings == ()


@pytest.mark.parametrize(
    ("scheme", "coincident"),
    [
        *((scheme, "none") for scheme in PAIRINGS),
        ("all-to-all", "pre-first"),
        ("nearest-pre-centred", "post-first"),
    ],
)
def test_every_scheme_about_the_period(scheme: str, coincident: str) -> None:
    """At 20 Hz the pairings overlap; lags of whole periods bring spikes together."""
    rule = PairSTDP.preset(
        "bi-poo-2001", pairing=scheme, coincident=coincident, mu_plus=0.5, mu_minus=1.0
    )
    for lag in ("-3ms", "0ms", "50ms"):
        settings = pairing.Settings(rule=rule, n_pairs=7, rate="20Hz", delta_t=lag)
        done = pairing.run(settings, Running(backend="numpy"))
        expected = np.array(reference_course(settings, settings.delta_t)) / 0.5
        assert len(done.columns["w_rel"]) == 7
        np.testing.assert_allclose(done.columns["w_rel"], expected, rtol=0, atol=1e-12)
        exact = pairing_course(rule, round(settings.delta_t / 1e-4), 500, 7, 1e-4, 0.5)[0] / 0.5
        np.testing.assert_allclose(done.columns["w_rel"], exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_pairs", [1, 2, 300])
def test_number_of_rows(n_pairs: int) -> None:
    done = pairing.run(pairing.Settings(n_pairs=n_pairs, rate="50Hz"))
    assert [len(v) for v in done.columns.values()] == [n_pairs] * 3
    assert done.results["largest_deviation_from_closed_form"] < 1e-10


def test_a_bound_is_reached_and_kept() -> None:
    rule = PairSTDP.preset("bi-poo-2001", a_plus=0.2)
    done = pairing.run(pairing.Settings(rule=rule, n_pairs=10))
    assert done.columns["w_rel"][0] < 2
    assert done.columns["w_rel"].tolist()[-6:] == [2.0] * 6


@pytest.mark.parametrize(
    ("delays", "at", "lag"),
    [
        (("0ms", "0ms"), "synapse", 10.0),
        (("3ms", "0ms"), "synapse", 10.0),
        (("3ms", "0ms"), "soma", 7.0),
        (("0ms", "15ms"), "soma", 25.0),
        (("14ms", "1.5ms"), "soma", -2.5),
        (("14ms", "1.5ms"), "synapse", 10.0),
    ],
)
def test_delays(delays: tuple[str, str], at: str, lag: float) -> None:
    settings = pairing.Settings(
        delay=delays[0], dendritic_delay=delays[1], lag_at=at, n_pairs=4, rate="10Hz"
    )
    done = pairing.run(settings)
    assert done.results["lag_at_synapse_ms"] == pytest.approx(lag, abs=1e-9)
    expected = np.array(reference_course(settings, lag * 1e-3)) / 0.5
    np.testing.assert_allclose(done.columns["w_rel"], expected, rtol=0, atol=1e-12)
    assert done.conventions["lag is meant at the"] == at
    assert (
        done.conventions["delays"] == f"axonal {delays[0][:-2]} ms, dendritic {delays[1][:-2]} ms"
    )


def test_what_is_moved_to_the_grid_is_said() -> None:
    done = pairing.run(pairing.Settings(delta_t="7.26ms", rate="3Hz", delay="0.33ms", n_pairs=3))
    assert done.results["lag_at_synapse_ms"] == pytest.approx(7.3, abs=1e-9)
    np.testing.assert_allclose(np.diff(done.columns["t_s"]), 0.3333, rtol=0, atol=1e-12)
    assert len(done.warnings) == 3
    assert done.warnings[0].startswith(
        "1 lags were put on the grid of 0.1 ms, the furthest by 0.04"
    )
    assert done.warnings[1] == (
        "the period of 3 Hz was put on the grid of 0.1 ms: it ran at 3.0003 Hz"
    )
    assert done.warnings[2] == "delay 0.33 ms was put on the grid of 0.1 ms: it ran as 0.3 ms"


@pytest.mark.parametrize(
    ("settings", "field", "problem"),
    [
        ({"rule": None}, "rule", "found none, expected a plasticity rule"),
        ({"rate": "20kHz"}, "rate", "found 20000 Hz, expected at most one pairing per time step of "
         "0.1 ms"),
        ({"n_pairs": 0}, "n_pairs", "found 0, expected a value at least 1"),
        ({"rate": "0Hz"}, "rate", "found 0 Hz, expected a value above 0 Hz"),
        ({"rule": "pair"}, "rule", "found 'pair', expected a mechanism of role 'plasticity'"),
    ],
)  # fmt: skip
def test_refused(settings: dict[str, object], field: str, problem: str) -> None:
    with pytest.raises(FieldError) as error:
        pairing.Settings(**settings)
    assert (error.value.field, error.value.problem) == (field, problem)
