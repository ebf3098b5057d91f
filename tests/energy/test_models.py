"""The laws: exponents, scales, and the statements that a simulation runs."""

from __future__ import annotations

import numpy as np
import pytest

from synsim import (
    Actin,
    CalciumEfflux,
    InputError,
    PostsynapticCurrents,
    Recycling,
    Synapse,
    Trafficking,
    TsodyksMarkram,
    VesicleMembrane,
    catalogue,
)
from synsim.models.energy import EnergyCost, SpikeNames
from synsim.models.energy_trafficking import local_exponent_by_p
from tests.energy.reference import COSTS, sigma

UNIT = {
    "calcium": CalciumEfflux(atp_calcium=1),
    "membrane": VesicleMembrane(atp_membrane=1),
    "actin": Actin(atp_actin=1),
    "trafficking": Trafficking(atp_trafficking=1),
}
MEAN = 2e-3  # V
RHO = {"calcium": 1 / 2, "membrane": 2 / 3, "actin": 4 / 3, "trafficking": 2.0}


def swept(cost: EnergyCost) -> tuple[np.ndarray, np.ndarray]:
    """n and p as the mechanism's variable is changed."""
    if cost.variable == "p":
        p = np.linspace(0.02, 0.98, 40)
        return np.full_like(p, 7.0), p
    n = np.arange(1.0, 60)
    return n, np.full_like(n, 0.3)


@pytest.mark.parametrize("key", RHO)
def test_the_law_is_a_power_with_its_exponent(key: str) -> None:
    """Every pair of neighbouring points has the exponent, not only the fit."""
    cost = UNIT[key]
    n, p = swept(cost)
    paid = cost.expected(n, p, MEAN / (n * p), n * p)
    np.testing.assert_allclose(
        -np.diff(np.log(paid)) / np.diff(np.log(sigma(n, p, MEAN))), RHO[key], rtol=1e-9
    )
    assert cost.exponent == RHO[key]


@pytest.mark.parametrize("key", COSTS)
def test_expected_cost_is_the_table(key: str) -> None:
    rng = np.random.default_rng(1)
    n, p, q = rng.integers(1, 20, 50), rng.uniform(0.01, 0.99, 50), rng.uniform(0.1, 3, 50)
    k = n * p
    np.testing.assert_allclose(
        UNIT[key].expected(n, p, q * 1e-3, k), COSTS[key](n, p, q, k), rtol=1e-13
    )


def test_trafficking_by_p_has_the_local_exponent_2_of_1_minus_p() -> None:
    p = np.linspace(0.01, 0.99, 30)
    h = 1e-6
    slope = -(np.log(p * (1 + h)) - np.log(p * (1 - h))) / (
        np.log(sigma(5, p * (1 + h), MEAN)) - np.log(sigma(5, p * (1 - h), MEAN))
    )
    np.testing.assert_allclose(local_exponent_by_p(p), slope, rtol=1e-6)


def test_scatter_within_sites_bends_the_calcium_law() -> None:
    """cv = 0.3 moves the fitted exponent from .50 to .57."""
    p = np.linspace(0.05, 0.95, 19)
    cost = UNIT["calcium"].expected(5, p, 1e-3, 5 * p)
    slope = [-np.polyfit(np.log(sigma(5, p, MEAN, cv)), np.log(cost), 1)[0] for cv in (0, 0.3)]
    assert slope[0] == pytest.approx(0.5, abs=1e-12)
    assert slope[1] == pytest.approx(0.57, abs=0.02)


@pytest.mark.parametrize("per", ["synapse", "site"])
def test_statements_say_what_the_closed_form_says(per: str) -> None:
    """The Brian2 expression, read as Python, with other names and every coefficient in use."""
    rng = np.random.default_rng(2)
    names = SpikeNames(n="n_now", p="u", q="w*q", released="k", quanta="scattered")
    costs = [
        CalciumEfflux(atp_calcium=7, p_calcium=0.3, calcium_per=per),
        VesicleMembrane(atp_membrane=3, q_membrane="0.2mV"),
        Actin(atp_actin=3, q_actin="0.2mV"),
        Trafficking(atp_trafficking=5),
        Recycling(atp_recycling=11),
        PostsynapticCurrents(atp_postsynaptic=13, q_postsynaptic="0.4mV"),
    ]
    for cost in costs:
        n, u, q, w, k = rng.integers(1, 9, 9), *rng.uniform(0.1, 0.9, (3, 9)), rng.integers(0, 5, 9)
        q = q * 1e-3 - 5e-4  # of either sign: inhibition costs too
        space = {"n_now": n, "u": u, "w": w, "q": q, "k": k, "scattered": k, "abs": np.abs}
        space |= {name: getattr(cost, name) for name in cost.specs()}
        np.testing.assert_allclose(
            eval(cost.per_spike(names), {"__builtins__": {}}, space),
            cost.expected(n, u, w * q, k),
            rtol=1e-13,
        )


def test_absolute_scales() -> None:
    """Per released vesicle, as cited: calcium 1.2e4 at p = 0.25, recycling, currents."""
    calcium = CalciumEfflux.preset("attwell-laughlin-calcium")
    assert calcium.expected(4, 0.25, 1e-3, 1.0) / (4 * 0.25) == pytest.approx(1.2e4)
    assert Recycling.preset("attwell-laughlin-recycling").expected(1, 1, 1, 1.0) == 1.1e4
    currents = PostsynapticCurrents.preset("attwell-laughlin-currents")
    assert currents.expected(1, 1, 1e-3, 1.0) == 1.37e5
    assert PostsynapticCurrents.preset("attwell-laughlin-nmda").atp_postsynaptic == 7e4


def test_certain_release_costs_endless_calcium() -> None:
    assert UNIT["calcium"].expected(1, 1.0, 1e-3, 1.0) == np.inf
    assert UNIT["calcium"].expected(1, 0.0, 1e-3, 0.0) == 0


def test_the_catalogue_shows_them() -> None:
    found = {m.key: m for m in catalogue.mechanisms() if m.role == "energy"}
    assert set(found) == {*UNIT, "recycling", "postsynaptic"}


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"p": 1.0, "energy": UNIT["calcium"]}, "Synapse.p: found 1 with a meter of calcium"),
        ({"p": [0.5, 1.0], "energy": UNIT["calcium"]}, "Synapse.p: found 1 with a meter"),
        ({"short_term": TsodyksMarkram(U=1, tau_rec="1s"), "energy": UNIT["calcium"]},
         "Synapse.U: found 1 with a meter of calcium"),
        ({"p": 0.5, "q": "1pA", "energy": UNIT["membrane"]},
         "Synapse.energy: found q_membrane = 1 mV, expected the dimension of q = 1 pA"),
        ({"p": 0.5, "energy": [UNIT["actin"], UNIT["actin"]]}, "found two meters of actin"),
        ({"p": 0.5, "energy": "calcium"}, "Synapse.energy: found 'c', expected a EnergyCost"),
        ({"p": 0.5, "energy": 3}, "Synapse.energy: found 3, expected energy models"),
        ({"p": 0.5, "record": ("cost_calcium",)}, "Synapse.record: found 'cost_calcium'"),
    ],
)  # fmt: skip
def test_wrong_meters_are_refused(wrong: dict, line: str) -> None:
    with pytest.raises(InputError) as error:
        Synapse(**({"q": "1mV"} | wrong))
    assert line in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(("kind", "name"), [(CalciumEfflux, "atp_calcium"), (Actin, "atp_actin")])
def test_a_negative_price_is_refused(kind: type[EnergyCost], name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: found -1, expected a value at least 0"):
        kind(**{name: -1})
