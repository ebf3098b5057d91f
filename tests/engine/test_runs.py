"""A build is run with other data, in any order, and gives the same as anywhere else."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import numpy as np
import pytest

from synsim import PairSTDP, Synapse
from synsim.component import InputError, SynsimWarning
from synsim.component.errors import CompilerMissingError
from synsim.engine import Program, Run, Spikes, cache
from tests.engine.harness import (
    DT,
    NO_SPIKES,
    additive,
    calls,
    needs_compiler,
    pairs,
    plastic,
    python,
    run_plastic,
    run_stochastic,
    stand_in,
    stochastic,
)

RULE = {"a_plus": 0.006475, "tau_plus": 0.0168, "a_minus": 0.002275, "tau_minus": 0.0337}
RELEASED = "last_released"


def released(run: Run) -> np.ndarray[Any, Any]:
    return run.events["pre"].states[RELEASED]


def same(a: Run, b: Run) -> bool:
    """Whether two runs left the same bytes."""
    arrays = [[*r.final.values()] for r in (a, b)]
    for run, found in zip((a, b), arrays, strict=True):
        for events in run.events.values():
            found += [events.steps, events.copies, *events.states.values()]
    return [x.tobytes() for x in arrays[0]] == [x.tobytes() for x in arrays[1]]


@needs_compiler
def test_other_data_never_call_the_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Values, initial states, delays, seed, time step, duration, spikes, number of copies."""
    run_plastic(), run_stochastic()
    command = stand_in(tmp_path, "exit 1")
    monkeypatch.setenv("CXX", command)
    monkeypatch.setattr("synsim.engine.codegen", None, raising=False)
    told: list[str] = []
    plain: dict[str, Any] = {"building": told.append}

    base = run_plastic(**plain).final["w"]
    assert base == pytest.approx(0.5 + additive(20, 3, **RULE), abs=1e-14)
    larger = run_plastic(values={"a_plus": 0.02, "tau_minus": 0.01}, **plain).final["w"]
    rule = RULE | {"a_plus": 0.02, "tau_minus": 0.01}
    assert larger == pytest.approx(0.5 + additive(20, 3, **rule), abs=1e-14)
    own = run_plastic(plastic(101, w0=0.25, a_plus=0.02), **plain).final["w"]
    assert own == pytest.approx(0.25 + additive(20, 3, **RULE | {"a_plus": 0.02}), abs=1e-14)

    starts = np.linspace(0.1, 0.9, 101)
    each = run_plastic(values={"w": starts}, **plain).final["w"]
    assert each == pytest.approx(starts + base[0] - 0.5, abs=1e-14)

    # 5 ms of axonal delay take the 2 ms that the pre spike was ahead, and 3 more
    late = run_plastic(values={"delay": 0.005}, **plain).final["w"]
    assert late == pytest.approx(0.5 + additive(-30, 3, **RULE), abs=1e-14)
    dendritic = run_plastic(values={"dendritic_delay": 0.001}, **plain).final["w"]
    assert dendritic == pytest.approx(0.5 + additive(30, 3, **RULE), abs=1e-14)

    pre, post = pairs(101, count=50, lag=-70)
    long = run_plastic(pre=pre, post=post, steps=12000, seed=99, **plain).final["w"]
    assert long == pytest.approx(0.5 + additive(-70, 50, **RULE), abs=1e-13)
    none = run_plastic(pre=NO_SPIKES, post=NO_SPIKES, **plain).final["w"]
    assert none == pytest.approx(0.5, abs=0)
    short = run_plastic(steps=100, **plain).final["w"]  # before the second pairing
    assert short == pytest.approx(0.5 + additive(20, 1, **RULE), abs=1e-14)
    coarse = run_plastic(dt=2 * DT, values={"tau_plus": 2 * 0.0168, "tau_minus": 2 * 0.0337})
    assert coarse.final["w"] == pytest.approx(base, abs=1e-14)
    few = run_plastic(plastic(70), **plain).final["w"]
    assert few.shape == (70,)
    np.testing.assert_array_equal(few, base[:70])

    first, second = run_stochastic(seed=1, **plain), run_stochastic(seed=2, **plain)
    assert not same(first, second)
    certain = run_stochastic(values={"p": 1.0, "n": 11}, **plain)
    assert np.all(released(certain) == 11)
    assert calls(command) == 0
    assert told == []


@needs_compiler
def test_a_run_of_a_cached_build_does_not_import_brian2() -> None:
    run_plastic(), run_stochastic()
    code = """
import sys
from tests.engine import harness
print(repr(harness.run_plastic().final["w"][0]), len(harness.run_stochastic().events["pre"].steps))
heavy = ("brian2", "sympy", "scipy", "pandas", "matplotlib", "filelock", "jinja2")
print(*(name for name in heavy if name in sys.modules))
"""
    # pytest is not needed by what is tried here, so the harness may bring it.
    first, heavy = python(code).splitlines()
    assert first == f"{run_plastic().final['w'][0]!r} {64 * 20}"
    assert heavy == ""


BACKENDS = [pytest.param("cpp_standalone", marks=needs_compiler), "numpy"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_seed_gives_the_same_bytes(backend: str) -> None:
    first = run_stochastic(seed=7, backend=backend)
    assert same(run_stochastic(seed=7, backend=backend), first)
    assert not same(run_stochastic(seed=8, backend=backend), first)
    assert (first.backend, first.threads) == (backend, 1)
    for seed in (0, 2**32 - 1):
        extreme = run_stochastic(seed=seed, backend=backend)
        assert same(run_stochastic(seed=seed, backend=backend), extreme)
        assert not same(extreme, first)


@pytest.mark.parametrize("backend", BACKENDS)
def test_neither_order_nor_process_matters(backend: str) -> None:
    """Two programs in one process, one after the other and back, against a process for each.

    (On the numpy target against each other only: a process there takes Brian2's two seconds.)
    """
    code = """
import hashlib, sys
from tests.engine import harness
which, backend = {which!r}, {backend!r}
if which == "plastic":
    print(harness.run_plastic(backend=backend).final["w"].tobytes().hex()[:2000])
else:
    events = harness.run_stochastic(backend=backend, seed=5).events["pre"]
    print(events.states["last_released"].tobytes().hex()[:2000])
"""
    alone = () if backend == "numpy" else ("plastic", "stochastic")
    apart = {which: python(code.format(which=which, backend=backend)).strip() for which in alone}

    def here(which: str) -> str:
        if which == "plastic":
            return run_plastic(backend=backend).final["w"].tobytes().hex()[:2000]
        return released(run_stochastic(backend=backend, seed=5)).tobytes().hex()[:2000]

    for which in ("stochastic", "plastic", "plastic", "stochastic"):
        found = here(which)
        assert found == apart.setdefault(which, found)


@needs_compiler
def test_backends_agree() -> None:
    one, other = run_plastic(backend="cpp_standalone"), run_plastic(backend="numpy")
    np.testing.assert_allclose(one.final["w"], other.final["w"], rtol=0, atol=1e-15)
    events = [run_stochastic(backend=b).events["pre"] for b in ("cpp_standalone", "numpy")]
    np.testing.assert_array_equal(events[0].steps, events[1].steps)
    np.testing.assert_array_equal(events[0].copies, events[1].copies)


@pytest.mark.parametrize("backend", BACKENDS)
def test_delays_of_the_synapse_itself(backend: str) -> None:
    """Not given as values, but part of the synapse: 3 ms more for the pre spike, 2 for the post."""
    rule = PairSTDP.preset("bi-poo-2001")
    synapse = Synapse(q="1mV", p=0.5, plasticity=rule, delay="3ms", dendritic_delay="2ms")
    run = run_plastic(Program(synapse, 101, final=("w",)), steps=600, backend=backend)
    assert run.final["w"] == pytest.approx(0.5 + additive(20 - 30 + 20, 3, **RULE), abs=1e-14)
    later = run_plastic(
        Program(synapse, 101, final=("w",)), steps=600, backend=backend, values={"delay": 0.0}
    )
    assert later.final["w"] == pytest.approx(0.5 + additive(20 + 20, 3, **RULE), abs=1e-14)


@pytest.mark.parametrize("backend", BACKENDS)
def test_released_quanta_are_binomial(backend: str) -> None:
    """Mean, variance and failures of 64 x 300 draws, within 4 standard errors."""
    pre, _ = pairs(64, count=300)
    found = released(run_stochastic(pre=pre, steps=60001, backend=backend, seed=3))
    count, n, p = found.size, 5, 0.3
    assert count == 64 * 300
    variance = n * p * (1 - p)
    assert abs(found.mean() - n * p) < 4 * np.sqrt(variance / count)
    fourth = variance * (1 + 3 * (n - 2) * p * (1 - p))
    assert abs(found.var() - variance) < 4 * np.sqrt((fourth - variance**2) / count)
    failures = (1 - p) ** n
    assert abs((found == 0).mean() - failures) < 4 * np.sqrt(failures * (1 - failures) / count)


@needs_compiler
def test_progress_goes_from_nothing_to_all() -> None:
    seen: list[float] = []
    run_plastic(steps=3_000_000, progress=seen.append)
    assert len(seen) >= 100
    assert seen == sorted(seen)
    assert seen[0] < 0.02 and seen[-1] == 1.0
    seen.clear()
    run_plastic(progress=seen.append)  # over before anybody looks
    assert seen == []


@pytest.mark.parametrize("backend", ["cython", "numpy"])
def test_progress_on_runtime_targets(backend: str) -> None:
    seen: list[float] = []
    run_plastic(backend=backend, progress=seen.append)
    assert seen and seen == sorted(seen) and seen[-1] == 1.0


@pytest.mark.parametrize("backend", BACKENDS)
def test_spikes_that_would_arrive_after_the_end_are_not_played(backend: str) -> None:
    """The last post spike, of three: arriving in the last step it counts, one later it does not."""
    post = pairs(101, count=3)[1]
    last = int(post.steps[-1])
    whole = run_plastic(steps=last + 1, backend=backend).final["w"]
    assert whole == pytest.approx(0.5 + additive(20, 3, **RULE), abs=1e-14)
    without = run_plastic(
        post=Spikes.of(post.steps[:-101], post.sources[:-101]), steps=last + 1, backend=backend
    ).final["w"]
    assert abs(whole[0] - without[0]) > 1e-3
    cut = run_plastic(steps=last, backend=backend).final["w"]
    late = run_plastic(steps=last + 1, backend=backend, values={"dendritic_delay": DT}).final["w"]
    assert cut == pytest.approx(without, abs=1e-14)
    two_late = run_plastic(
        post=Spikes.of(post.steps[:-101] + 1, post.sources[:-101]), steps=last + 1, backend=backend
    ).final["w"]
    assert late == pytest.approx(two_late, abs=1e-14)


def test_no_compiler_is_a_warning_and_the_numpy_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler-g++-99")
    with pytest.warns(SynsimWarning, match=r"no C\+\+ compiler was found \(g\+\+, clang\+\+ or \$CX"
                      r"X\): running on the numpy target, which is slower") as caught:  # fmt: skip
        run = run_plastic()
    assert run.backend == "numpy"
    ours = [str(w.message) for w in caught if w.category is SynsimWarning]
    assert ours == list(run.warnings)
    assert "\n" not in run.warnings[0]
    assert run.final["w"] == pytest.approx(0.5 + additive(20, 3, **RULE), abs=1e-14)
    with pytest.raises(CompilerMissingError) as error:
        run_plastic(backend="cpp_standalone")
    assert error.value.exit_code == 2
    assert str(error.value).startswith("--backend cpp_standalone needs a C++ compiler")
    assert "\n" not in str(error.value)


def test_no_compiler_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompilerMissingError):
        run_plastic(backend="cpp_standalone")
    assert run_plastic(backend="numpy").warnings == ()  # asked for by name: nothing to be told


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"backend": "fortran"}, "found backend 'fortran', expected one of cpp_standalone, cython, "
         "numpy"),
        ({"seed": -1}, "found seed -1, expected 0 to 4294967295"),
        ({"seed": 2**32}, "found seed 4294967296, expected 0 to 4294967295"),
        ({"values": {"tau": 1}}, "no parameter or state 'tau'"),
        ({"values": {"w": [0.5, 0.5]}}, "w: found 2 values, expected one for each of the 101"),
        ({"values": {"a_plus": [0.5] * 101}}, "a_plus: found 101 values, expected one for all "
         "copies"),
    ],
)  # fmt: skip
def test_wrong_calls(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as error:
        run_plastic(**changes)
    assert str(error.value) == line


@pytest.mark.parametrize("step", [-1, 2**31])
def test_spikes_that_cannot_be_counted(step: int) -> None:
    with pytest.raises(InputError, match=f"spike at time step {step}, expected 0 to 2147483647"):
        Spikes.of([5, step], [0, 0])


def test_spikes_are_put_in_order() -> None:
    made = Spikes.of([[5, 1], [1, 3]], [[0, 0], [1, 1]])
    assert made.steps.tolist() == [1, 1, 3, 5]
    assert made.sources.tolist() == [0, 1, 1, 0]
    assert Spikes.of([], []).steps.size == 0


def test_brian2_is_left_as_it_was_found() -> None:
    """In a process of its own: preferences, device, random numbers, a network half-way through."""
    code = """
import brian2 as b2, numpy as np
from tests.engine import harness

def script(between):
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = 0.5*b2.ms
    b2.seed(3)
    group = b2.NeuronGroup(5, "dv/dt = (1.1 - v)/(10*ms) + 0.3*xi/sqrt(10*ms) : 1",
                           threshold="v > 1", reset="v = 0", method="euler")
    network = b2.Network(group)
    network.run(30*b2.ms)
    between()
    network.run(30*b2.ms)
    return group.v[:].tolist(), float(b2.defaultclock.dt), b2.prefs.as_file

def synsim_runs():
    state = np.random.get_state()[1].tolist()
    harness.run_plastic(backend="numpy")
    harness.run_stochastic(backend="numpy", seed=8)
    if harness.REAL:
        harness.run_plastic(backend="cpp_standalone")
        import pathlib, tempfile
        from synsim.engine import codegen
        with tempfile.TemporaryDirectory() as place:
            codegen.generate(harness.plastic(), pathlib.Path(place))
    assert np.random.get_state()[1].tolist() == state, "random state"

device = b2.get_device()
alone = script(lambda: None)
assert script(synsim_runs) == alone
assert b2.get_device() is device
assert len(set(alone[0])) == 5

b2.set_device("cpp_standalone", build_on_run=False)
device = b2.get_device()
group = b2.NeuronGroup(2, "v : 1", name="mine")
group.v = "i + 0.5"
b2.run(1*b2.ms)
queued = list(device.main_queue)
arrays = dict(device.arrays)
synsim_runs()
assert b2.get_device() is device
assert list(device.main_queue) == queued and len(queued) > 0
assert dict(device.arrays) == arrays
assert device.has_been_run is False
print("as it was")
"""
    assert python(code).strip().endswith("as it was")


def unnumbered(text: str) -> str:
    """Brian2 numbers a code object when another of its name is still about."""
    return re.sub(r"(codeobject|push_spikes)_\d+", r"\1", text)


@needs_compiler
def test_the_same_program_is_generated_to_the_letter() -> None:
    """So that a key tells all: twice in a process, after other work, and where it was built."""
    code = """
import hashlib, pathlib, tempfile
import brian2 as b2
from synsim.engine import codegen
from tests.engine import harness
from tests.engine.test_runs import unnumbered

def text(program):
    with tempfile.TemporaryDirectory() as place:
        codegen.generate(program, pathlib.Path(place))
        return unnumbered(pathlib.Path(place, codegen.MERGED).read_text())

first = text(harness.stochastic())
mine = b2.NeuronGroup(1, "v : 1")
b2.Network(mine).run(0*b2.ms)
text(harness.plastic())
assert text(harness.stochastic()) == first
assert text(harness.stochastic(n=9, p=0.7, copies=50)) == first, "data in the text"
print(hashlib.sha256(first.encode()).hexdigest())
"""
    here = python(code, PYTHONHASHSEED="4711")
    command = cache.compiler.find()
    assert command is not None
    built = unnumbered(cache.get(stochastic(), command).with_name("program.cpp").read_text())
    assert here.strip() == hashlib.sha256(built.encode()).hexdigest()


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
def test_spikes_of_a_source_without_a_copy_are_refused(backend: str) -> None:
    for sources, found in (([64], "64 to 64"), ([0, -1], "-1 to 0")):
        with pytest.raises(InputError, match=f"found a spike of source {found}, expected 0 to 63"):
            run_stochastic(pre=Spikes.of([1] * len(sources), sources), backend=backend)
