"""`fit stp`: many pulses, units, signs, and means that are noise."""

from __future__ import annotations

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
