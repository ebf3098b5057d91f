"""Every result draws on the axes that it is given, and nowhere else."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import synsim
from synsim.component import InputError
from synsim.extract import extract
from synsim.fit import fit_locus, fit_quantal, fit_stdp, fit_stp
from synsim.sweep import sweep
from tests.extract.simulated import simulate, write_csv

NUMPY = {"backend": "numpy"}


def drawers() -> Iterator[type]:
    """Every class of the package that makes a figure."""
    for info in pkgutil.walk_packages(synsim.__path__, "synsim."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for value in vars(module).values():
            own = inspect.isclass(value) and value.__module__ == info.name
            if own and hasattr(value, "figure") and hasattr(value, "save"):
                yield value


def test_whatever_makes_a_figure_has_a_plot_that_takes_axes() -> None:
    found = list(drawers())
    assert len(found) >= 18, found
    for kind in found:
        plot = getattr(kind, "plot", None)
        assert plot is not None, kind
        ax = list(inspect.signature(plot).parameters.values())[1]
        assert (ax.name, ax.default) == ("ax", None), kind
        assert (plot.__doc__ or "").strip(), kind


def responses() -> dict[str, Any]:
    """Sixty single responses of a synapse with two sites."""
    rng = np.random.default_rng(3)
    k = rng.binomial(2, 0.5, 60)
    return {"amplitude_pA": 10 * k + rng.normal(0, 1, 60), "isi_s": np.full(60, 10.0)}


def results(name: str, place: Path) -> Any:
    """A small result of each kind that is no protocol's; those have their own tests."""
    import pandas as pd

    if name == "stdp":
        return fit_stdp("bi_poo_1998", models="exponential")
    if name == "stp":
        return fit_stp("pvbc_depressing", models="depression")
    if name == "quantal":
        return fit_quantal(pd.DataFrame(responses()), models="constant", n_max=4)
    if name == "locus":
        table = pd.DataFrame(responses()).assign(epoch=["before"] * 30 + ["after"] * 30)
        return fit_locus(table, n_max=3)
    if name == "estimates":
        return fit_locus("sjostrom_2001_ltd", assume_n=5)
    if name == "extract":
        truth = simulate(sweeps=6)
        times = ",".join(f"{1e3 * t:g}ms" for t in truth.stimuli)
        return extract(write_csv(place / "cell.csv", truth), stimulus_times=times, decay="6ms")
    return sweep("pairing", {"tau_plus": "10ms,20ms", "n_pairs": "2,3"}, jobs=1, **NUMPY)


@pytest.mark.parametrize(
    "name", ["stdp", "stp", "quantal", "locus", "estimates", "extract", "sweep"]
)
def test_plot(name: str, tmp_path: Path) -> None:
    result = results(name, tmp_path)
    more = {"group": 0, "train": 0} if name == "stp" else {}
    figure = Figure()
    mine, other = figure.subplots(1, 2)
    assert result.plot(mine, **more) is mine
    assert mine.lines or mine.collections or mine.containers
    assert mine.get_xlabel()
    assert mine.get_ylabel() or name == "locus", "names of parameters, not numbers"
    assert not (other.lines or other.collections or other.get_xlabel())
    assert figure.axes == [mine, other]
    assert result.plot(**more).figure is not figure
    figure.draw_without_rendering()
    if name == "stp":
        with pytest.raises(InputError, match=r"say plot\(train=0\)"):
            result.plot(mine)
        with pytest.raises(InputError, match="found train=99, expected 0 to"):
            result.plot(mine, train=99)
