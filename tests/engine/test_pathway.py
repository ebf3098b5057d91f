"""`synsim_pathway.h`, held against Brian2's own spike queue; and whole networks that use it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import brian2
import numpy as np
import pytest

import synsim
from synsim.engine import compiler

SOURCE = Path(__file__).with_name("pathway_events.cpp")
SOURCES, PARTNERS, SYNAPSES = 12, 9, 300
DT = 1e-4


@pytest.fixture(scope="module")
def arrivals(tmp_path_factory):
    """arrivals(change, threads, pre, partners, runs) -> way -> list of (part, turn, step, synapse)

    `change`: whether synapses change their partners.
    """
    command = compiler.find()
    if command is None:
        pytest.skip("no C++ compiler")
    program = tmp_path_factory.mktemp("pathway") / "events"
    brian = Path(brian2.__file__).parent
    folders = [Path(synsim.__file__).parent / "engine", brian / "synapses"]
    folders.append(brian / "devices" / "cpp_standalone" / "brianlib")
    call = [*shlex.split(command), "-O1", "-w", "-std=c++11", *(f"-I{f}" for f in folders)]
    subprocess.run([*call, str(SOURCE), "-o", str(program)], check=True)

    def arrived(change, threads, pre, partners, runs):
        words = [int(change), threads, SOURCES, len(pre), *pre, *partners, len(runs)]
        for dt, delays, spikes in runs:
            words += [repr(dt), len(delays), *(repr(float(d)) for d in delays), len(spikes)]
            for now in spikes:
                words += [len(now), *now]
        done = subprocess.run(
            [program], input=" ".join(map(str, words)), capture_output=True, text=True, check=True
        )
        found = {"ours": [], "theirs": []}
        for line in done.stdout.splitlines():
            way, *numbers = line.split()
            found[way].append(tuple(map(int, numbers)))
        return found

    return arrived


def connections(kind, rng):
    """Numbers of the sources and partners of all synapses."""
    if kind == "all to all":
        return np.repeat(np.arange(SOURCES), PARTNERS), np.tile(np.arange(PARTNERS), SOURCES)
    if kind == "neuron k to neuron k":
        return np.arange(PARTNERS), np.arange(PARTNERS)
    pre = rng.integers(0, SOURCES - 1, SYNAPSES)  # the last source has none
    if kind == "by source":
        pre = np.sort(pre)
    return pre, rng.integers(0, PARTNERS, SYNAPSES)


def schedule(steps, rng):
    """Spikes of each step, in the order of the sources."""
    return [np.flatnonzero(rng.random(SOURCES) < 0.2) for _ in range(steps)]


@pytest.mark.parametrize("kind", ["all to all", "by source", "any order", "neuron k to neuron k"])
@pytest.mark.parametrize("delays", ["none", "one", "five", "all different"])
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("change", [True, False])
def test_what_arrives_is_what_brian2_delivers(arrivals, kind, delays, threads, change):
    """In three runs, the second with other delays and the third with half the time step; what is on
    its way when a run ends arrives in the next."""
    rng = np.random.default_rng(threads)
    pre, partners = connections(kind, rng)
    count = len(pre)

    def drawn():
        return {
            "none": [0.0],
            "one": [rng.integers(1, 30) * DT],
            "five": rng.choice(rng.integers(0, 30, 5), count) * DT,
            "all different": rng.permutation(count) * DT,
        }[delays]

    runs = [(DT, drawn(), schedule(60, rng)) for _ in range(2)]
    runs.append((DT / 2, drawn(), schedule(700, rng)))
    found = arrivals(change, threads, pre, partners, runs)
    ours, theirs = ([event[2:] for event in found[way]] for way in ("ours", "theirs"))
    assert len(theirs) > 10 * count
    assert sorted(ours) == sorted(theirs)
    if threads == 1:
        assert ours == theirs  # in this order too
        return
    parts_of = {}  # what no two parts may change -> the parts that do
    for part, turn, step, synapse in found["ours"]:
        changed = (turn, step, partners[synapse]) if change else synapse
        parts_of.setdefault(changed, set()).add(part)
    assert all(len(parts) == 1 for parts in parts_of.values())
    if threads == 2:
        share = np.bincount([part for part, *_ in found["ours"]], minlength=2) / len(ours)
        assert np.all(share > 0.3)


@pytest.mark.parametrize("threads", [2, 3])
def test_all_threads_work_for_every_spike(arrivals, threads):
    """Of either side: of a presynaptic one, and of a postsynaptic one of the same synapses."""
    pre, post = connections("all to all", None)
    owners = []
    for sources, partners in ((pre, post), (post, pre)):
        every = [(DT, [0.0], [np.arange(sources.max() + 1)])]
        found = arrivals(True, threads, sources, partners, every)["ours"]
        owners.append({synapse: part for part, *_, synapse in found})
        parts = np.array([owners[-1][synapse] for synapse in range(len(pre))])
        for source in range(sources.max() + 1):
            share = np.bincount(parts[sources == source], minlength=threads)
            assert share.max() - share.min() <= 1
    assert owners[0] == owners[1]  # a synapse stays with its part


def test_synapses_that_wait_when_a_run_begins(arrivals):
    """Delays are shorter in the second run: what is on its way keeps that of its spike."""
    rng = np.random.default_rng(8)
    pre, partners = connections("any order", rng)
    late = [(DT, [20 * DT], [np.arange(SOURCES)]), (DT, [3 * DT], [[]] * 40)]
    found = arrivals(True, 2, pre, partners, late)
    assert sorted(e[2:] for e in found["ours"]) == sorted(e[2:] for e in found["theirs"])
    assert {step for *_, step, _ in found["ours"]} == {20}


# --- in a network ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """network("numpy" or threads) -> what `tests.engine.pathway_network` leaves."""

    def left(threads):
        place = tmp_path_factory.mktemp("network")
        command = [sys.executable, "-m", "tests.engine.pathway_network", str(place)]
        root = Path(__file__).resolve().parents[2]
        subprocess.run([*command, str(threads)], cwd=root, check=True, capture_output=True)
        with np.load(place / "found.npz") as found:
            return dict(found)

    return left


def test_a_network_on_two_threads_is_the_same_as_on_numpy(network):
    """Weights, u, x and potentials after two runs; both threads work for every spike."""
    on_numpy, found = network("numpy"), network(2)
    assert found["own"] == len(found["pathways"]) == 4
    for name in ("w", "u", "x", "v", "pre_trace", "post_trace"):
        np.testing.assert_allclose(found[name], on_numpy[name], rtol=1e-9, err_msg=name)
    assert np.ptp(found["w"]) > 0.01 and np.all(found["v"] > 0)
