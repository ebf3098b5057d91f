"""`fit stp`: many pulses, units, signs, and means that are noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synsim.component import InputError
from synsim.fit.stp import fit_stp
from synsim.models.tsodyks_markram import train

TIMES = np.arange(10) * 20.0


def table(
    sweeps: int = 1, scale: float = 100.0, column: str = "epsc_pA", noise: float = 0.02
) -> pd.DataFrame:
    """Trains of ten pulses: U = 0.4, tau_rec = 300 ms."""
    rng = np.random.default_rng(7)
    u, x = train(TIMES, 0.4, 300.0, 0.0)
    rows = [
        (sweep, t, scale * (m + noise * rng.standard_normal()))
        for sweep in range(sweeps)
        for t, m in zip(TIMES, u * x, strict=True)
    ]
    return pd.DataFrame(rows, columns=["train", "t_ms", column])


def found(data: pd.DataFrame, **more: object) -> dict[str, tuple[float, list[float]]]:
    fit = fit_stp(data, models="depression", **more)  # type: ignore[arg-type]
    params = fit.results["fits"][0]["models"]["depression"]["params"]
    return {name: (p["value"], p["ci95"]) for name, p in params.items()}


@pytest.mark.parametrize("sweeps", [1, 21, 30])
def test_hundreds_of_pulses(sweeps: int) -> None:
    """More pulses than a search begins with: none of a train may be left out."""
    params = found(table(sweeps))
    for name, truth in (("A", 100.0), ("U", 0.4), ("tau_rec", 300.0)):
        value, (low, high) = params[name]
        assert (low is None or low <= truth) and (high is None or truth <= high), name
        error = 0.5 / np.sqrt(sweeps)
        assert value == pytest.approx(truth, rel=error), name


def test_volts_and_amperes_become_what_they_are_fitted_in() -> None:
    plain = found(table())
    ampere = found(table(scale=1e-10, column="epsc_A"))
    assert ampere["A"][0] == pytest.approx(plain["A"][0], rel=1e-6)
    said = found(table(scale=1e-10, column="epsc"), amplitude_unit="A")
    assert said["A"][0] == pytest.approx(plain["A"][0], rel=1e-6)


@pytest.mark.parametrize(
    ("scale", "column", "words"),
    [
        (1e-10, "epsc_pA", "which is hardly possible; are the values in A?"),
        (1e-2, "epsp_mV", "which is hardly possible; are the values in V?"),
        (10.0, "epsp_V", "which is hardly possible; are the values in other than V?"),
    ],
)
def test_units_that_cannot_be_are_asked_about(scale: float, column: str, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        fit_stp(table(scale=scale, column=column))


def test_signs() -> None:
    """All negative is an EPSC; a train, or a pulse, of the other sign is a mistake."""
    assert found(table(scale=-100.0))["A"][0] == pytest.approx(found(table())["A"][0], rel=1e-9)
    data = table(2)
    data.loc[data["train"] == 1, "epsc_pA"] *= -0.9
    with pytest.raises(
        InputError, match=r"row 10: found -.* that are positive in all, expected one"
    ):
        fit_stp(data)
    data = table(1)
    data.loc[3, "epsc_pA"] *= -1
    data["sem"] = 1.0
    with pytest.raises(InputError, match=r"row 3: found -.* expected one sign"):
        fit_stp(data)


def test_nothing_but_failures() -> None:
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"t_ms": TIMES, "epsc_pA": rng.standard_normal(10), "sem": 1.0})
    with pytest.raises(
        InputError, match="differ from 0 by less than 3 standard errors: found fail"
    ):
        fit_stp(data)


def swept(*sweeps: list[float], protocol: str = "a") -> str:
    """A file of sweeps of one protocol, a response of 50 at every time."""
    rows = [
        f"{protocol},{i + 1},{t:g},{50 - k}"
        for i, times in enumerate(sweeps)
        for k, t in enumerate(times)
    ]
    return "\n".join(["protocol,sweep,t_ms,epsc_pA", *rows, ""])


FULL = [0.0, 20, 40, 60, 80]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # a pulse without a response: it released, and what follows hangs on it
        (swept(FULL, FULL, [0, 20, 60, 80]), "line 14: found the next pulse at 60 ms where other"),
        # a pulse at another time than in the other sweeps
        (swept(FULL, [0, 20, 47, 60, 80], FULL), "line 9: found a pulse 47 ms after the first"),
        # the same time twice, once in a sweep
        (swept(FULL, [0, 20, 20, 60, 80]), "line 9, column 't_ms': found '20'"),
        # seconds in a column of milliseconds
        (swept([0, 0.02, 0.04, 0.06]), "found 0.02 ms after the stimulus before"),
        ("freq_hz,t_ms,epsc_pA\n20,0,50\n20,10,40\n20,20,30\n", "expected 50 ms"),
        ("freq_hz,t_s,epsc_pA\n20,0,50\n20,50,40\n20,100,30\n", "found intervals of 5e+04 ms"),
        ("t_ms,epsc\n0,5e-11\n20,4e-11\n40,3e-11\n", "are the values in V or A?"),
        ("t_ms,epsc_pA\n0,50\n20,\n40,30\n", "line 3, column 'epsc_pA': found an empty cell"),
    ],
)  # fmt: skip
def test_times_and_sweeps_that_do_not_fit(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "d.csv"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        fit_stp(path)
    assert words in str(error.value) and "\n" not in str(error.value)
    assert "expected" in str(error.value) or "say so with" in str(error.value)


@pytest.mark.parametrize(
    "sweeps",
    [
        (FULL, FULL),
        (FULL, [1000.0 + t for t in FULL]),  # in the time of the recording
        (FULL + [400.0], FULL + [900.0]),  # another recovery pulse
        ([0, 20, 40, 60, 80], [0, 40, 80, 120, 160]),  # another rate
        ([0, 13, 71, 90, 300], [0, 44, 62, 180, 210]),  # irregular, each its own
    ],
)
def test_sweeps_that_may_differ(tmp_path: Path, sweeps: tuple[list[float], ...]) -> None:
    path = tmp_path / "d.csv"
    path.write_text(swept(*sweeps))
    result = fit_stp(path, models="depression")
    assert len(result.fits[0].names) == 2
    assert not any("unequal" in text for text in result.warnings)


def test_sweeps_of_unequal_length_are_said(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text(swept(FULL, FULL, FULL[:3]))
    result = fit_stp(path, models="depression")
    assert any("unequal length of a" in t or "unequal length of protocol a" in t
               for t in result.warnings)  # fmt: skip


def test_irregular_trains_of_a_rate() -> None:
    """A mean rate is written beside them; only a wrong unit is refused."""
    times = np.cumsum([0, 30, 90, 12, 41, 77, 20, 60, 35, 55.0])
    u, x = train(times, 0.4, 300.0, 0.0)
    data = pd.DataFrame({"freq_hz": 20, "t_ms": times, "epsc_pA": 100 * u * x})
    data["epsc_pA"] += np.random.default_rng(1).standard_normal(10)
    fit_stp(data, models="depression")
    with pytest.raises(InputError, match="in a train of freq_hz 20"):
        fit_stp(data.assign(t_ms=times * 1e3), models="depression")
