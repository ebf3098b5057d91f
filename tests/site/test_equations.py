"""Equations of docstrings as TeX."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed: `make docs-test` brings it")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "_ext"))

from docutils.utils.math.latex2mathml import tex2mathml

from synsim_docs.docstrings import escape, to_rst
from synsim_docs.equations import Writer

KNOWN = Writer(frozenset({"U", "tau_rec", "offset"}))


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("u_i = U + u_{i-1}", "u_{i} = U + u_{i - 1}"),
        ("exp(-h / tau_facil)", r"\exp (- h / \tau_{\mathrm{facil}})"),
        ("A_plus (1 - w)^mu_plus", r"A_{+} (1 - w)^{\mu_{+}}"),
        ("(p/(1 - p))^(1/4)", r"\left(\frac{p}{1 - p}\right)^{1 / 4}"),
        (
            "du/dt = -u / tau_facil",
            r"\frac{\mathrm{d}u}{\mathrm{d}t} = - u / \tau_{\mathrm{facil}}",
        ),
        ("k ~ Binomial(n, P)", r"k \sim \mathrm{Binomial} (n ,\; P)"),
        ("mean = n p q", r"\text{mean} = n p q"),
        ("x <- x - u x", r"x \leftarrow x - u x"),
        ("1.2e4 ATP", r"1.2 \times 10^{4} \ \text{ATP}"),
        ("s0^2", r"s_{0}^{2}"),
        ("e^(-h/tau)", r"e^{- h / \tau}"),
    ],
)
def test_formula(text: str, tex: str) -> None:
    assert KNOWN.formula(text).replace("( ", "(") == tex
    assert "<math" in tex2mathml(KNOWN.formula(text))


def test_a_fraction_is_what_the_program_would_compute() -> None:
    """a b/c d is (a (b/c)) d to a program, and so it is built up."""
    assert KNOWN.formula("a b/c d") == r"a \frac{b}{c} d"
    assert KNOWN.formula("a/b^2") == r"a / b^{2}"
    assert KNOWN.formula("a/b/c") == r"a / \frac{b}{c}" or "frac" not in KNOWN.formula("a/b/c")


def test_conditions_stand_at_the_side() -> None:
    block = KNOWN.block(["dw = +a exp(-dt/tau)   for dt > 0", "dw = -a exp(dt/tau)    for dt < 0"])
    assert block is not None
    assert block.count(r"&& \text{for}") == 2


def test_words_stay_words() -> None:
    assert KNOWN.block(["all-to-all   every pre spike with every post spike"]) is None
    rows = to_rst("    none   the two do not pair\n    both   they pair", lambda name: name)
    assert rows == ["none", "    the two do not pair", "", "both", "    they pair", ""]


def test_nothing_of_a_docstring_is_markup() -> None:
    assert escape("2 * x and |y| and tau_ of a_b") == r"2 \* x and \|y\| and tau\_ of a_b"
    made = to_rst("Takes *args and `x`.\n\nParameters\n----------\n*args : values\nx : a number",
                  lambda name: f"``{name}``")  # fmt: skip
    assert made[0] == r"Takes \*args and ``x``."
    assert "``*args``" in made and "    a number" in made


def test_sources_begin_a_paragraph() -> None:
    made = to_rst("One.\nSources: A.\nDeviates from them: never.", lambda name: name)
    assert made[2:] == ["**Sources:** A.", "", "**Deviates from them:** never.", ""]
