"""Numbers that the documentation says came out of the defaults: they still do, to the digit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from synsim.predict.precision import Count, levels_within
from synsim.protocol import Result, Running
from synsim.protocols import (
    energy_budget,
    energy_information,
    recordings,
    reliability_cost,
    weight_precision,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"


def said(page: str, *words: str) -> None:
    """The page says all of it; lines may break anywhere."""
    text = " ".join((DOCS / page).read_text(encoding="utf-8").split())
    missing = [one for one in words if " ".join(one.split()) not in text]
    assert not missing, f"{page} does not say: {missing}"


def default(protocol: Any) -> Result:
    return protocol.run(protocol.Settings(), Running(seed=1))


def percent(log_change: float) -> float:
    return 100 * abs(np.expm1(log_change))


def test_energy_budget() -> None:
    r = default(energy_budget).results
    share = {name: tuple(r[f"joint_share_{name}{end}"] for end in ("", "_low", "_high"))
             for name in ("calcium", "membrane", "actin", "turnover", "trafficking")}  # fmt: skip
    ltp, ltd = (
        sorted(percent(r[f"sjostrom_2001_{name}_log_change_calcium{end}"])
               for end in ("", "_low", "_high"))
        for name in ("ltp", "ltd")
    )  # fmt: skip
    said(
        "energy.md",
        f"shipped recordings ({r['n_cells']} connections",
        f"(AICc {r['aicc_turnover']:.1f} and {r['aicc_free']:.1f})",
        f"The slope of ln(1/CV^2) in ln E is {r['precision_energy_slope_turnover']:.2f} then, but "
        f"it is {r['precision_energy_slope_of_random_p_mean']:.2f} +- "
        f"{r['precision_energy_slope_of_random_p_sd']:.2f}",
        f"(AICc {r['aicc_membrane']:.1f}; weight {r['weight_membrane']:.2f}, "
        f"{r['weight_membrane_low']:.2f} to {r['weight_membrane_high']:.2f})",
        f"of its gain of {r['loglik_membrane_over_turnover']:.1f} in log likelihood over turnover, "
        f"{r['loglik_membrane_over_turnover_shuffled_mean']:.1f} +- "
        f"{r['loglik_membrane_over_turnover_shuffled_sd']:.1f} remain",
        f"does better still (AICc {r['aicc_free_by_mean']:.1f})",
        "calcium {:.2f} ({:.2f} to {:.2f})".format(*share["calcium"]),
        "membrane {:.2f} ({:.2f} to {:.2f})".format(*share["membrane"]),
        f"actin 0 (to {share['actin'][2]:.2f})",
        f"turnover 0 (to {share['turnover'][2]:.3f})",
        f"trafficking 0 (to {share['trafficking'][2]:.3f})",
        f"membrane alone (AICc {r['joint_aicc']:.1f})",
        f"(median {r['median_distance_before']:.2f} before, "
        f"{r['median_distance_after']:.2f} after)",
        f"calcium dearer by {ltp[1]:.0f} % ({ltp[0]:.0f} to {ltp[2]:.0f})",
        f"cheaper by {ltd[1]:.0f} % ({ltd[0]:.0f} to {ltd[2]:.0f})",
    )


def test_energy_information() -> None:
    def best(fixed: float, *sites: int) -> list[str]:
        settings = energy_information.Settings(
            tau_rec=None, release="binomial", p=0.3, atp_fixed=fixed
        )
        return [f"{settings.best(4.0, n=n, static=True)[0]:.2f}" for n in sites]

    one, two, four, ten = best(0.0, 1, 2, 4, 10)
    dear = best(1e5, 4, 10)
    said(
        "energy.md",
        f"the best p is {one} for one site, {two} for two, {four} for four and {ten} for ten",
        f"it is {dear[0]} at four sites and {dear[1]} at ten",
    )


def test_reliability_cost() -> None:
    r = default(reliability_cost).results
    names = ("calcium", "membrane", "actin", "trafficking")
    for name in names:  # at the defaults, as the command prints them
        low, high = r[f"rho_{name}_low"], r[f"rho_{name}_high"]
        assert low <= r[f"rho_{name}_law"] <= high and high - low < 0.05, name
    widest = max(r[f"rho_{name}_high"] - r[f"rho_{name}_low"] for name in names)
    found = ", ".join(f"{r[f'rho_{name}']:.3f}".lstrip("0") for name in names)
    said("validation.md", f"{found}; at most {widest:.2f} wide".replace(" 0.", " ."))


def test_recordings() -> None:
    r = default(recordings).results
    slope = [r[f"foopsi_mean_variance_slope{end}"] for end in ("", "_low", "_high")]
    shown = "{:.2f} ({:.2f} to {:.2f})".format(*slope).replace("-0.71", "-.71").replace("-0.", "-.")
    said(
        "learning.md",
        f"(rank correlation {r['ltp_spearman_relative_change']:.3f} of 30".replace("-0.", "-."),
        f"{r['ltd_spearman_relative_change']:.2f} of 14".replace("-0.", "-."),
        f"({r['ltp_spearman_built_in']:.2f} and {r['ltd_spearman_built_in']:.2f} in the "
        "median)".replace("-0.", "-."),
        f"slope {shown}",
    )


def test_weight_precision() -> None:
    outcome = default(weight_precision)
    r, rows = outcome.results, outcome.to_frame()
    reached = {
        r[f"reach_{i}_pairings_per_s"]: (r[f"reach_{i}_s"], r[f"reach_{i}_pairings"])
        for i in range(1, r["reach_compared_with_the_law"] + 1)
        if r[f"reach_{i}_levels"] == 256
        and r[f"reach_{i}_scatter_cv"] == 0
        and r[f"reach_{i}_part_that_got_there"] > 0
    }
    count = Count(lag=2e-3, tau_plus=16.8e-3, tau_minus=33.7e-3)
    numbers = rows[rows.scheme.eq("graded") & rows.retention_s.gt(0)].retention_s
    bits = rows[rows.scheme.eq("binary")]
    kept = bits.retention_s[bits.retention_s.gt(0)]
    budget = rows[rows.scheme.eq("graded-in-budget")].groupby("scatter_cv").bits.max()
    said(
        "precision.md",
        f"at 250 Hz a count of 255 ends {-r['claim_1_measured']:.0f} levels off",
        f"up to {count.highest_rate(255):.2f} Hz, where it takes 49 s",
        "{:.0f} s at 5 Hz ({:.0f} of them)".format(*reached[5.0]),
        "{:.0f} s at 10 Hz ({:.0f})".format(*reached[10.0]),
        f"{reached[20.0][0] + 1e-9:.1f} s at 20 Hz ({reached[20.0][1]:.0f})",
        f"(slope {r['claim_2_measured']:.2f})",
        f"256 levels from an unknown start: {r['claim_3_measured']:.2f} bits",
        f"half a level out within {numbers.min():.0f} to {numbers.max():.0f} s",
        f"fires the neuron from {r['claim_5_measured']:.3f} on",
        f"{100 * r['claim_6_measured']:.2f} % misread at a CV of 0.3",
        f"31.7 % misread after about {kept.min():.0f} to {round(kept.max(), -1):.0f} s",
        f"of the zeros {100 * r['hold_zeros_misread_at_last']:.0f} % are lost after 2000 s",
        f"of the ones {100 * r['hold_ones_misread_at_last']:.0f} %",
        f"holds up to {budget[0.0]:.1f} bits at 20 pairings a second without scatter, "
        f"{budget[0.3]:.1f} at a CV of 0.3",
        f"adds {r['reading_moves_a_one']:.2f} to a one in the mean",
        f"print(count.highest_rate(255))  # {count.highest_rate(255):.2f} Hz",
        f"print(count.moved(255, 1 / 250))  # {count.moved(255, 1 / 250):.1f} levels",
        f"print(round(levels_within(0.5, scatter_cv=0.1)))  # "
        f"{levels_within(0.5, scatter_cv=0.1):.0f} levels",
    )
