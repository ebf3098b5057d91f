"""Which programs are the same build: structure decides, data does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synsim import (
    PairSTDP,
    QuantalVariability,
    RecordingNoise,
    Synapse,
    TsodyksMarkram,
    TsodyksThreeState,
)
from synsim.component import InputError
from synsim.engine import Program, cache, compiler
from tests.engine import harness
from tests.engine.harness import REAL, needs_compiler, plastic, python, stand_in, stochastic

pytestmark = needs_compiler

STDP: dict[str, Any] = {"a_plus": 0.01, "a_minus": 0.012, "tau_plus": "17ms", "tau_minus": "34ms"}
TM = TsodyksMarkram(U=0.4, tau_rec="300ms", tau_facil="150ms")


def key(program: Program) -> str:
    assert REAL is not None
    return cache.key(program, REAL)


def with_rule(**changes: Any) -> Program:
    given = {"p": 0.5, "plasticity": PairSTDP(**STDP)} | changes
    return Program(Synapse(**given), 64, final=("w",))


def test_the_same_program_has_the_same_key() -> None:
    assert key(plastic()) == key(plastic())
    assert len({key(plastic()), key(stochastic())}) == 2


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_the_same_key_in_another_process(hash_seed: str) -> None:
    code = """
from synsim.engine import cache
from tests.engine import harness
print(cache.key(harness.plastic(), harness.REAL), cache.key(harness.stochastic(), harness.REAL))
"""
    found = python(code, PYTHONHASHSEED=hash_seed).split()
    assert found == [key(plastic()), key(stochastic())]


@pytest.mark.parametrize(
    "other",
    [
        with_rule(plasticity=PairSTDP(**STDP | {"a_plus": 0.5, "tau_minus": "1s"})),
        with_rule(plasticity=PairSTDP(**STDP, mu_plus=0.3, mu_minus=1)),
        with_rule(w0=0.9),
        with_rule(n=7, q=0.25),
        with_rule(p=1.0),
        with_rule(delay="3ms", dendritic_delay="1.7ms"),
        Program(with_rule().synapse, 1, final=("w",)),
        Program(with_rule().synapse, 63, final=("w",)),
    ],
    ids=["amplitude", "exponent", "w0", "n and q", "p", "delays", "one copy", "63 copies"],
)
def test_data_do_not_change_the_key(other: Program) -> None:
    assert key(other) == key(with_rule())


def test_number_of_copies_within_a_power_of_two() -> None:
    keys = {copies: key(plastic(copies)) for copies in (1, 64, 65, 101, 128, 129, 256)}
    assert keys[1] == keys[64]
    assert keys[65] == keys[101] == keys[128]
    assert keys[129] == keys[256]
    assert len(set(keys.values())) == 3
    assert [plastic(c).capacity for c in (1, 64, 65, 128, 129)] == [64, 64, 128, 128, 256]


def structures() -> dict[str, Program]:
    """Programs that differ from each other in one choice of structure."""
    noisy = {"release": "binomial", "record": ("released",)}
    short = {"p": None, "short_term": TM}
    three = TsodyksThreeState(U=0.4, tau_rec="300ms", tau_inact="7ms")
    synapse = with_rule().synapse
    found = {
        "plain": with_rule(),
        "no rule": Program(Synapse(p=0.5, record=("released",)), 64, final=("last_released",)),
        "noise": with_rule(noise=RecordingNoise(s0=0.1), record=("recorded",)),
        "recorded": with_rule(record=("released",)),
        "two recorded": with_rule(record=("released", "response")),
        "acts on p": with_rule(acts_on="p"),
        "acts on n": with_rule(acts_on="n"),
        "after": with_rule(response_weight="after"),
        "target": with_rule(target="v"),
        "unit of q": with_rule(q="1mV"),
        "another unit of q": with_rule(q="1pA"),
        "unbounded": with_rule(plasticity=PairSTDP(**STDP, bounds="none")),
        "a value per synapse": with_rule(per_synapse=("a_plus",)),
        "another value per synapse": with_rule(per_synapse=("a_minus",)),
        "binomial": with_rule(**noisy),
        "variability": with_rule(**noisy, variability=QuantalVariability(cv_within=0.3)),
        "short-term": with_rule(**short),
        "three states": with_rule(p=None, short_term=three),
        "sites": with_rule(**short, release="sites"),
        "events": Program(synapse, 64, events=("w",), final=("w",)),
        "events alone": Program(synapse, 64, events=("w",)),
        "another state": Program(synapse, 64, final=("pre_time",)),
        "order of states": Program(synapse, 64, final=("pre_time", "w")),
        "more copies": Program(synapse, 65, final=("w",)),
    }
    for pairing in ("nearest-symmetric", "nearest-pre-centred", "nearest-reduced"):
        found[pairing] = with_rule(plasticity=PairSTDP(**STDP, pairing=pairing))
    for coincident in ("pre-first", "post-first"):
        found[coincident] = with_rule(plasticity=PairSTDP(**STDP, coincident=coincident))
    return found


def test_every_structure_has_its_own_key() -> None:
    made = structures()
    keys = {name: key(program) for name, program in made.items()}
    twins = [
        (a, b) for a in keys for b in keys if a < b and keys[a] == keys[b]
    ]  # fmt: skip
    assert twins == []
    assert {name: key(p) for name, p in structures().items()} == keys


def test_arrays_and_scalars_of_a_parameter_are_two_structures() -> None:
    """A parameter that is the same everywhere is a shared scalar: other code, less memory."""
    one = Program(Synapse(p=0.5), 64)
    each = Program(Synapse(p=np.full(64, 0.5)), 64)
    asked = Program(Synapse(p=0.5, per_synapse=("p",)), 64)
    assert key(one) != key(each)
    assert key(each) == key(asked)


def test_everything_else_that_decides_a_build(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Versions of synsim and Brian2, the engine's own text, compiler, flags."""
    seen = [key(plastic())]

    def differs() -> bool:
        seen.append(key(plastic()))
        return seen[-1] not in seen[:-1]

    with monkeypatch.context() as m:
        m.setattr(cache, "__version__", "99.0")
        assert differs()
    with monkeypatch.context() as m:
        m.setattr(cache.metadata, "version", lambda package: "99.0")
        assert differs()
    with monkeypatch.context() as m:
        m.setattr(cache, "_engine_sources", lambda: b"other code")
        assert differs()
    with monkeypatch.context() as m:
        m.setattr(compiler, "FLAGS", (*compiler.FLAGS, "-funroll-loops"))
        assert differs()
    # One that defines a macro more, as another version or another -march would
    script = tmp_path / "older"
    script.write_text(f'#!/bin/sh\nexec {REAL} -DOLDER "$@"\n')
    script.chmod(0o755)
    assert cache.key(plastic(), str(script)) not in seen
    assert key(plastic()) == seen[0]
    # The same compiler by another name is the same compiler.
    assert cache.key(plastic(), stand_in(tmp_path, "exit 1")) == seen[0]


def test_the_text_of_the_engine_is_in_the_key() -> None:
    text = cache._engine_sources()
    for name in ("codegen.py", "network.py", "program.py", "synsim_run.h"):
        assert (harness.ROOT / "synsim" / "engine" / name).read_bytes() in text
    assert (harness.ROOT / "synsim" / "brian.py").read_bytes() in text


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: plastic(0), "found 0 copies of a synapse, expected at least 1"),
        (lambda: Program(with_rule().synapse, 3, final=("weight",)),
         "no state 'weight', expected some of "),
        (lambda: Program(with_rule().synapse, 3, events=("x",)),
         "no state 'x', expected some of "),
    ],
)  # fmt: skip
def test_programs_that_are_none(make: Any, line: str) -> None:
    with pytest.raises(InputError, match=line):
        make()
