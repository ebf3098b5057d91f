"""Points run anywhere, in any order, interrupted at any time: the table is the same."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synsim.component import InputError
from synsim.component.errors import SynsimError
from synsim.protocol import Running
from synsim.protocols import pairing, stp_train
from synsim.sweep import make, run, sweep
from synsim.sweep.store import Store
from tests.engine.harness import ROOT, needs_compiler

VARY = {"tau_plus": "10ms,20ms", "delta_t": "-10ms,5ms,10ms"}
FIXED = {"n_pairs": "4"}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep by one process, without interruption."""
    out = tmp_path_factory.mktemp("reference") / "out"
    sweep("pairing", VARY, FIXED, jobs=1, out=out)
    return out


def same(a: Path, b: Path) -> bool:
    return all((a / f).read_bytes() == (b / f).read_bytes() for f in ("data.csv", "points.csv"))


def test_table_is_that_of_single_runs(reference: Path) -> None:
    table = pd.read_csv(reference / "data.csv")
    points = pd.read_csv(reference / "points.csv")
    assert list(table.columns) == ["point", "tau_plus_ms", "delta_t_ms", "pair", "t_s", "w_rel"]
    assert len(table) == 6 * 4 and len(points) == 6
    for point in points.itertuples():
        single = pairing.run(
            pairing.Settings(
                n_pairs=4,
                delta_t=f"{point.delta_t_ms}ms",
                rule=pairing.Settings().rule.replace(tau_plus=f"{point.tau_plus_ms}ms"),
            ),
            Running(seed=point.seed),
        )
        rows = table[table.point == point.point]
        assert np.array_equal(rows["w_rel"], single.columns["w_rel"])
        assert point.w_rel_final == single.results["w_rel_final"]
        assert set(rows["tau_plus_ms"]) == {point.tau_plus_ms}
    summary = json.loads((reference / "summary.json").read_text())
    assert summary["command"] == "sweep pairing"
    assert summary["results"]["varied"] == VARY and summary["results"]["n_points"] == 6
    assert summary["settings"] == FIXED and summary["backend"]
    assert len(summary["results"]["points"]) == 6
    assert sorted(os.listdir(reference)) == [
        "data.csv", "figure.png", "figure.svg", "points.csv", "summary.json"]  # fmt: skip
    assert os.listdir(reference.parent) == ["out"]


def test_two_processes_make_the_same_table(reference: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    out = tmp_path / "out"
    sweep("pairing", VARY, FIXED, jobs=2, out=out, progress=lambda *at: told.append(at))
    assert same(reference, out)
    assert told == [(i, 6) for i in range(7)]


def test_stochastic_points_are_independent_and_repeatable() -> None:
    """Equal settings at other points give other draws; the same point gives the same ones."""
    vary = {"repeats": "300,301", "rate": "20Hz"}
    fixed = {"pulses": "2", "n": "5", "p": "0.5"}
    first, again = (sweep("stp-train", vary, fixed, jobs=1) for _ in range(2))
    assert first.columns() == again.columns()
    one, other = (o["columns"]["mean"] for o in first.outcomes)
    assert one != other
    single = stp_train.run(
        stp_train.Settings(pulses=2, n=5, p=0.5, repeats=300, rate="20Hz"),
        Running(seed=first.plan.points[0].seed),
    )
    assert list(single.columns["mean"]) == one


def test_an_unfinished_sweep_goes_on(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure in the third point, two are kept and are not run again."""
    out = tmp_path / "out"
    ran: list[int] = []

    def counted(task: Any) -> Any:
        ran.append(task.number)
        if len(ran) == 3:
            raise SynsimError("out of luck")
        return point(task)

    from synsim.sweep.workers import run_point as point

    monkeypatch.setattr("synsim.sweep.workers.run_point", counted)
    with pytest.raises(SynsimError, match="out of luck"):
        sweep("pairing", VARY, FIXED, jobs=1, out=out)
    assert not out.exists()
    kept = out.with_name("out.unfinished")
    assert sorted(p.name for p in kept.glob("point-*")) == ["point-1.json", "point-2.json"]
    # what a killed process may leave of the third
    (kept / "point-3.half").write_text('{"columns": {"pair')
    sweep("pairing", VARY, FIXED, jobs=1, out=out)
    assert ran == [1, 2, 3, 3, 4, 5, 6]
    assert same(reference, out)
    assert os.listdir(tmp_path) == ["out"]


def test_points_of_another_sweep_are_not_mixed_in(tmp_path: Path) -> None:
    out = tmp_path / "out"
    store = Store(out, make("pairing", VARY, FIXED))
    with pytest.raises(InputError, match=r"out\.unfinished: another process is at work on this"):
        run(make("pairing", VARY, FIXED), jobs=1, out=out)
    store.close(remove=False)
    with pytest.raises(InputError, match=r"found the points of another sweep, expected those of"):
        run(make("pairing", VARY, FIXED, seed=2), jobs=1, out=out)
    run(make("pairing", VARY, FIXED), jobs=1, out=out, plot=False)
    assert os.listdir(tmp_path) == ["out"]


def test_a_point_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(settings: Any, running: Any) -> Any:
        raise SynsimError("it broke")

    monkeypatch.setattr(pairing, "run", broken)
    with pytest.raises(
        SynsimError, match=r"^point 1 \(n_pairs = 4, tau_plus = 10ms, .*\): it broke$"
    ):
        sweep("pairing", VARY, FIXED, jobs=1)


def start(place: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "synsim", "sweep", "pairing", *words],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


WORDS = [
    "--n-pairs",
    "3",
    "--vary",
    "tau_plus=10ms:33ms:1ms",
    "--jobs",
    "2",
    "--no-plot",
    "--out",
    "o",
]


@needs_compiler
def test_killed_at_any_time_it_goes_on(tmp_path: Path) -> None:
    """SIGKILL of the whole group, three times at random moments; then Ctrl-C; then to the end."""
    rng = np.random.default_rng(8)
    kept = tmp_path / "o.unfinished"
    sizes = []
    for how in (signal.SIGKILL, signal.SIGKILL, signal.SIGINT):
        process = start(tmp_path, *WORDS)
        want = min(len(list(kept.glob("point-*.json"))) + int(rng.integers(2, 8)), 23)
        until = time.monotonic() + 60
        while len(list(kept.glob("point-*.json"))) < want and process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.002)
        os.killpg(process.pid, how)
        _, err = process.communicate(timeout=30)
        if process.returncode == 0:
            break
        assert not (tmp_path / "o").exists()
        sizes.append(len(list(kept.glob("point-*.json"))))
        if how == signal.SIGINT:
            assert process.returncode == 130
            last = err.splitlines()[-1]
            assert last.startswith("synsim: interrupted; ") and "of 24 points are kept in" in last
            assert "Traceback" not in err
    assert sizes == sorted(sizes) and sizes[0] >= 2
    process = start(tmp_path, *WORDS)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert os.listdir(tmp_path) == ["o"]
    points = pd.read_csv(tmp_path / "o" / "points.csv")
    assert list(points["point"]) == list(range(1, 25))
    whole = sweep("pairing", {"tau_plus": "10ms:33ms:1ms"}, {"n_pairs": "3"}, jobs=1)
    assert list(points["w_rel_final"]) == whole.point_columns()["w_rel_final"]


@pytest.fixture
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and two workers, as processes of their own on the loopback."""
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    env = os.environ | {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}
    quiet: dict[str, Any] = {"env": env, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    processes = [
        subprocess.Popen(
            [*dask, "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"], **quiet
        )
    ]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
    processes += [
        subprocess.Popen([*worker, "--no-nanny", "--no-dashboard"], **quiet) for _ in range(2)
    ]
    from distributed import Client

    try:
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_cluster_whose_worker_dies(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    """Nothing is lost, nothing is there twice, and the table is that of one process."""
    address, processes = cluster
    told: list[int] = []

    def killing(done: int, of: int) -> None:
        told.append(done)
        if done == 5:
            processes[1].kill()

    vary = {"tau_plus": "10ms:39ms:1ms"}
    found = sweep("pairing", vary, FIXED, scheduler=address, out=tmp_path / "o", progress=killing)
    assert processes[1].poll() is not None
    assert told == list(range(31))
    alone = sweep("pairing", vary, FIXED, jobs=1)
    assert found.columns() == alone.columns()
    assert found.point_columns() == alone.point_columns()


def test_a_scheduler_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    for address, words in (("tcp://127.0.0.1:1", "no scheduler answers there"), ("nonsense:x", "")):
        with pytest.raises(InputError, match=f"^--scheduler {address}: {words}"):
            sweep("pairing", VARY, FIXED, scheduler=address, out=tmp_path / "o")


def test_columns_of_the_protocol_keep_their_names() -> None:
    """variance-mean has points of its own."""
    found = sweep("variance-mean", {"n": "3,5"}, {"repeats": "50"}, jobs=1, backend="numpy")
    table = found.to_frame()
    assert list(table.columns[:3]) == ["set_point", "n", "point"]
    assert list(table["set_point"].unique()) == [1, 2]
    assert len(table) == 2 * table["point"].nunique()


def test_files_are_read_before_anything_runs(tmp_path: Path) -> None:
    """Also one that only the last point wants."""
    good = tmp_path / "good.csv"
    good.write_text("t_ms\n10\n20\n")
    for vary, fixed in (
        ({"n": "3,5"}, {"pre": "nowhere.csv"}),
        ({"pre": f"{good},nowhere.csv"}, {}),
        ({"post": f"{good},nowhere.csv"}, {"pre": str(good)}),
    ):
        with pytest.raises(InputError, match=r"^--(pre|post) nowhere\.csv: no such file"):
            make("replay", vary, fixed)
        with pytest.raises(InputError, match="no such file"):
            sweep("replay", vary, fixed, jobs=1, out=tmp_path / "o")
    with pytest.raises(InputError, match=r"nowhere\.csv: no such file"):
        make("energy-budget", {"controls": "2,3"}, {"file": "nowhere.csv"})
    assert os.listdir(tmp_path) == ["good.csv"]


def test_figure_shows_results_that_differ(reference: Path) -> None:
    found = sweep("pairing", VARY, FIXED, jobs=1)
    assert "w_rel_final" in found.drawn()
    assert not [name for name in found.drawn() if name.startswith(("closed", "largest"))]
    ax = found.plot(y="w_rel_final")
    assert ax.get_xlabel() == "tau plus (ms)"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "delta t -10 ms", "delta t 5 ms", "delta t 10 ms"]  # fmt: skip
    assert len(ax.get_lines()) == 3
    with pytest.raises(InputError, match="found no result 'nope' to draw, expected one of"):
        found.plot(y="nope")


def test_colours_follow_the_values() -> None:
    """A grid's in the order of the values, however they were typed; a Latin plan's by a scale."""
    grid = sweep("pairing", {"delta_t": "5ms,10ms", "tau_plus": "30ms,10ms,20ms"}, FIXED, jobs=1)
    labels = [t.get_text() for t in grid.plot().get_legend().get_texts()]
    assert labels == ["tau plus 10 ms", "tau plus 20 ms", "tau plus 30 ms"]
    latin = sweep(
        "pairing", {"delta_t": "5ms:10ms", "tau_plus": "10ms:30ms"}, FIXED, plan="latin", points=4
    )
    ax = latin.plot()
    assert ax.get_legend() is None
    (points,) = ax.collections
    assert list(points.get_array()) == latin.point_columns()["tau_plus_ms"]
