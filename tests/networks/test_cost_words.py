"""Costs as they are written on a command line: what is understood, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from synsim import InputError
from synsim.networks import Cost, cost_words, entropic, power_law
from tests.cli.conftest import Synsim, place, synsim

__all__ = ["place", "synsim"]

RUN = ("run", "tradeoff", "--preset", "quick", "--epochs", "2", "--hidden", "4", "--noise",
       "homogeneous", "--no-plot")  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("power", power_law(0.7, 3)),
        ("entropic", entropic(3)),
        ("sigma^-2", power_law(2, 3)),
        ("sigma**(-2)", power_law(2, 3)),
        ("0.5*sigma^-1/2", power_law(0.5, 1.5)),
        ("1e+2 sigma ^ -4/3", power_law(4 / 3, 300)),
        ("sigma^-2 + 1e-1*sigma^-1/2+.2 entropic",
         power_law(2, 3) + power_law(0.5, 0.3) + entropic(0.6)),
    ],
)  # fmt: skip
def test_what_is_said(text: str, expected: Cost) -> None:
    sigma = np.geomspace(1e-3, 2, 7)
    made = cost_words.cost(cost_words.checked(text), 0.7, 3.0)
    np.testing.assert_allclose(made(sigma), expected(sigma), rtol=1e-12)


@pytest.mark.parametrize(
    "text", ["", "sigma^2", "sigma^-", "-sigma^-2", "2", "sigma^-2 +", "entropics", "a.txt:mine"]
)
def test_what_is_not_understood(text: str) -> None:
    with pytest.raises(InputError, match=r"expected power, entropic, a sum like"):
        cost_words.checked(text)


def test_a_function_of_a_file(synsim: Synsim, place: Path) -> None:
    """The law of power written by hand gives what the power law gives."""
    (place / "costs.py").write_text("def mine(sigma):\n    return sigma**-2.0\n")
    own = synsim(*RUN, "--c", "0.01", "--cost", "costs.py:mine", "--out", "own")
    assert own.code == 0, own.err
    assert synsim(*RUN, "--c", "0.01", "--rho", "2", "--out", "power").code == 0
    a, b = (
        np.genfromtxt(place / n / "data.csv", delimiter=",", names=True) for n in ("own", "power")
    )
    assert np.isnan(a["rho"])
    for name in ("accuracy_percent", "sigma_rms", "nll", "balance"):
        assert a[name] == pytest.approx(b[name], rel=1e-3)
    assert a["reliability_cost"] == pytest.approx(2 * b["reliability_cost"], rel=1e-3)


def test_a_summary_of_another_function(synsim: Synsim, place: Path) -> None:
    """Run again with the file as it was, and refused once it has changed."""
    (place / "costs.py").write_text("def mine(sigma):\n    return sigma**-2.0\n")
    assert synsim(*RUN, "--c", "0.01", "--cost", "costs.py:mine", "--out", "own").code == 0
    again = ("run", "--from", "own/summary.json", "--no-plot", "--out")
    assert synsim(*again, "same").code == 0
    (place / "costs.py").write_text("def mine(sigma):\n    return sigma**-1.0\n")
    done = synsim(*again, "other")
    assert done.code == 2 and len(done.err.splitlines()) == 1
    assert "found another cost file" in done.err and not (place / "other").exists()


def test_an_unfinished_run_is_not_gone_on_with_another_function(place: Path) -> None:
    from synsim.protocols import tradeoff

    (place / "costs.py").write_text("def mine(sigma):\n    return sigma**-2.0\n")
    settings = tradeoff.Settings(preset="quick", cost=str(place / "costs.py") + ":mine")
    before, one = settings.outside(), settings.networks(1)[0]
    stamp = (place / "costs.py").stat()
    (place / "costs.py").write_text("def mine(sigma):\n    return sigma**-1.0\n")
    # of the same length and within the same second: Python's own imports would not see it
    os.utime(place / "costs.py", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert settings.outside() != before
    assert settings.networks(1)[0].kind != one.kind  # what was compiled for it is not taken
    assert settings.networks(1)[0].cost(np.float32(0.5)) == pytest.approx(1e-5 * 2)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("def other(sigma):\n    return sigma\n", "no function 'mine', expected one of other"),
        ("x = 1\n", "expected one of its functions, and there is none"),
        ("def mine(sigma)\n", "costs.py: cannot be loaded: SyntaxError"),
        ("def mine(sigma):\n    return 3\n", "returns shape () for two sigmas"),
        ("import numpy as np\ndef mine(sigma):\n    return np.log(sigma)\n",
         "cannot be evaluated with arrays of JAX"),
    ],
)  # fmt: skip
def test_wrong_files(program: str, words: str, synsim: Synsim, place: Path) -> None:
    (place / "costs.py").write_text(program)
    done = synsim(*RUN, "--cost", "costs.py:mine", "--out", "o")
    assert done.code == 2
    assert words in done.err and len(done.err.splitlines()) == 1
    assert [path.name for path in place.iterdir() if path.name != "__pycache__"] == ["costs.py"]
