"""Replay: every number of the table against the blind references, in the order of the spikes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synsim import PairSTDP, protocol
from synsim.component import InputError
from synsim.component.errors import FieldError
from synsim.protocol import Result, Running
from synsim.protocols import replay
from tests.protocols.base import ProtocolTests, write_trains
from tests.reference import pair_stdp as reference
from tests.reference.tsodyks_markram import two_state

COLUMNS = ("t_ms", "event", "w", "u", "x", "released")
NUMPY = Running(seed=3, backend="numpy")


class TestReplay(ProtocolTests):
    module = replay
    small = "pre={files}/pre.csv post={files}/post.csv U=0.4 tau_rec=300ms tau_facil=150ms"
    columns = COLUMNS


class TestStochasticReplay(ProtocolTests):
    module = replay
    small = TestReplay.small + " release=sites n=9"
    columns = COLUMNS
    deterministic = False


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trains(tmp_path_factory.mktemp("trains"))


def times(file: Path) -> np.ndarray[Any, Any]:
    """Of `write_trains`, s."""
    return np.array([float(t) for t in file.read_text().split("\n")[2:-1]]) / 1e3


def train(place: Path, name: str, *times: float, unit: str = "ms") -> Path:
    file = place / name
    file.write_text(f"t_{unit}\n" + "".join(f"{t!r}\n" for t in times))
    return file


def column(done: Result, name: str, side: str | None = None) -> np.ndarray[Any, Any]:
    values = np.asarray(done.columns[name])
    return values if side is None else values[np.asarray(done.columns["event"]) == side]


def expected_weights(settings: replay.Settings, pre: Any, post: Any) -> list[reference.WeightEvent]:
    rule = settings.rule
    assert isinstance(rule, PairSTDP)
    return reference.weight_events(
        pre,
        post,
        a_plus=rule.a_plus,
        a_minus=rule.a_minus,
        tau_plus=rule.tau_plus,
        tau_minus=rule.tau_minus,
        mu_plus=rule.mu_plus,
        mu_minus=rule.mu_minus,
        pairing=rule.pairing,  # type: ignore[arg-type]
        coincidence=rule.coincident,  # type: ignore[arg-type]
        axonal_delay=settings.delay,
        dendritic_delay=settings.dendritic_delay,
        w0=settings.w0,
    )


STRONG = PairSTDP(
    a_plus=0.08, a_minus=0.09, tau_plus="20ms", tau_minus="40ms", mu_plus=0.5, mu_minus=1
)


@pytest.mark.parametrize(
    ("delay", "dendritic", "scheme"),
    [
        ("0ms", "0ms", "all-to-all"),
        ("0ms", "0ms", "nearest-reduced"),
        ("2.5ms", "0ms", "nearest-symmetric"),
        ("0ms", "7ms", "nearest-pre-centred"),
        ("30ms", "1ms", "nearest-reduced"),
    ],
)
def test_every_number(files: Path, delay: str, dendritic: str, scheme: str) -> None:
    settings = replay.Settings(
        pre=files / "pre.csv",
        post=files / "post.csv",
        rule=STRONG.replace(pairing=scheme),
        n=6,
        U=0.4,
        tau_rec="300ms",
        tau_facil="150ms",
        delay=delay,
        dendritic_delay=dendritic,
    )
    done = replay.run(settings, NUMPY)
    pre, post = times(files / "pre.csv"), times(files / "post.csv")
    events = expected_weights(settings, pre, post)
    np.testing.assert_allclose(column(done, "t_ms"), [e.time * 1e3 for e in events], atol=1e-9)
    assert done.columns["event"] == [e.side for e in events]
    np.testing.assert_allclose(column(done, "w"), [e.weight for e in events], rtol=0, atol=1e-12)
    found = two_state(pre, 0.4, 0.3, 0.15)
    np.testing.assert_allclose(column(done, "u", "pre"), found.u, rtol=0, atol=1e-12)
    np.testing.assert_allclose(column(done, "x", "pre"), found.x, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        column(done, "released", "pre"), 6 * found.u * found.x, rtol=0, atol=1e-11
    )
    for name in ("u", "x", "released"):
        assert np.all(np.isnan(column(done, name, "post")))
    assert done.results["n_pre"] == 15 and done.results["n_post"] == 12
    assert done.results["w_final"] == column(done, "w")[-1]
    assert done.conventions["times"] == "of arrival at the synapse"


def test_without_a_rule(files: Path) -> None:
    """Postsynaptic spikes stay in the table, in their places, and change nothing."""
    settings = replay.Settings(
        pre=files / "pre.csv", post=files / "post.csv", rule=None, U=0.4, tau_rec="300ms",
        tau_facil="150ms", dendritic_delay="3ms",
    )  # fmt: skip
    done = replay.run(settings, NUMPY)
    assert tuple(done.columns) == COLUMNS
    pre, post = times(files / "pre.csv"), times(files / "post.csv") + 0.003
    assert column(done, "t_ms").tolist() == sorted(column(done, "t_ms").tolist())
    np.testing.assert_allclose(column(done, "t_ms", "pre"), pre * 1e3, atol=1e-9)
    np.testing.assert_allclose(column(done, "t_ms", "post"), post * 1e3, atol=1e-9)
    assert np.all(column(done, "w") == 1)
    found = two_state(pre, 0.4, 0.3, 0.15)
    np.testing.assert_allclose(column(done, "x", "pre"), found.x, rtol=0, atol=1e-12)
    assert np.all(np.isnan(column(done, "u", "post")))


@pytest.mark.parametrize("rule", [STRONG, None], ids=["rule", "none"])
def test_without_a_postsynaptic_train(files: Path, rule: PairSTDP | None) -> None:
    done = replay.run(replay.Settings(pre=files / "pre.csv", rule=rule, p=0.3, n=4), NUMPY)
    assert done.columns["event"] == ["pre"] * 15
    assert done.results["n_post"] == 0
    assert np.all(column(done, "w") == (0.5 if rule else 1))
    assert np.all(column(done, "u") == 0.3) and np.all(column(done, "x") == 1)
    np.testing.assert_allclose(column(done, "released"), 1.2, rtol=1e-15)
    assert done.plot().lines and done.figure().axes


@pytest.mark.parametrize(
    ("coincident", "order"),
    [("none", ["pre", "post"]), ("pre-first", ["pre", "post"]), ("post-first", ["post", "pre"])],
)
def test_coincident_spikes(tmp_path: Path, coincident: str, order: list[str]) -> None:
    """In the order of working off."""
    pre, post = np.array([12.0, 27.0, 52.0]), np.array([12.0, 40.0, 52.0])
    settings = replay.Settings(
        pre=train(tmp_path, "pre.csv", *pre.tolist()),
        post=train(tmp_path, "post.csv", *post.tolist()),
        rule=STRONG.replace(coincident=coincident),
    )
    done = replay.run(settings, NUMPY)
    pre, post = pre / 1e3, post / 1e3
    events = expected_weights(settings, pre, post)
    assert done.columns["event"] == [*order, "pre", "post", *order]
    assert done.columns["event"] == [e.side for e in events]
    np.testing.assert_allclose(column(done, "t_ms"), [12, 12, 27, 40, 52, 52], atol=1e-9)
    np.testing.assert_allclose(column(done, "w"), [e.weight for e in events], rtol=0, atol=1e-12)


@pytest.mark.parametrize("response", ["before", "after"])
def test_plasticity_of_p(files: Path, response: str) -> None:
    """The release uses w p, with the weight as the spike found it or as it left it."""
    settings = replay.Settings(
        pre=files / "pre.csv", post=files / "post.csv", rule=STRONG, acts_on="p", p=0.6, n=5,
        response_weight=response,
    )  # fmt: skip
    done = replay.run(settings, NUMPY)
    events = expected_weights(settings, times(files / "pre.csv"), times(files / "post.csv"))
    after = np.array([e.weight for e in events])
    before = np.concatenate([[0.5], after[:-1]])
    used = (before if response == "before" else after)[column(done, "event") == "pre"]
    np.testing.assert_allclose(column(done, "u", "pre"), 0.6 * used, rtol=0, atol=1e-12)
    np.testing.assert_allclose(column(done, "released", "pre"), 3 * used, rtol=0, atol=1e-12)
    assert np.ptp(used) > 0.05


def test_plasticity_of_U(files: Path) -> None:
    """u facilitates towards w U; w stands at what it was just before the spike."""
    settings = replay.Settings(
        pre=files / "pre.csv", post=files / "post.csv", rule=STRONG, acts_on="p", U=0.6,
        tau_rec="300ms", tau_facil="150ms",
    )  # fmt: skip
    done = replay.run(settings, NUMPY)
    pre, post = times(files / "pre.csv"), times(files / "post.csv")
    w, u, x, last, us, xs = 0.5, 0.0, 1.0, -np.inf, [], []
    for event in expected_weights(settings, pre, post):
        if event.side == "pre":
            interval = event.time - last
            x = 1 - (1 - x * (1 - u)) * np.exp(-interval / 0.3)
            u = w * 0.6 + u * (1 - w * 0.6) * np.exp(-interval / 0.15)
            last = event.time
            us.append(u)
            xs.append(x)
        w = event.weight
    np.testing.assert_allclose(column(done, "u", "pre"), us, rtol=0, atol=1e-12)
    np.testing.assert_allclose(column(done, "x", "pre"), xs, rtol=0, atol=1e-12)


def test_plasticity_of_n(files: Path) -> None:
    settings = replay.Settings(
        pre=files / "pre.csv", post=files / "post.csv", rule=STRONG, acts_on="n", p=0.5, n=11
    )
    done = replay.run(settings, NUMPY)
    after = column(done, "w")
    before = np.concatenate([[0.5], after[:-1]])[column(done, "event") == "pre"]
    sites = np.floor(before * 11 + 0.5)
    assert len(set(sites)) > 1
    np.testing.assert_array_equal(column(done, "released", "pre"), sites / 2)
    assert np.all(column(done, "x", "pre") == 1)


def test_sites_are_counted(files: Path) -> None:
    """x is the fraction of full sites that the release could use."""
    settings = replay.Settings(
        pre=files / "pre.csv", rule=None, U=0.7, n=8, tau_rec="400ms", release="sites"
    )
    full, released, u = [], [], []
    for seed in range(40):
        done = replay.run(settings, Running(seed=seed))
        full.append(column(done, "x") * 8)
        released.append(column(done, "released"))
        u.append(column(done, "u"))
    full, released = np.array(full), np.array(released)
    np.testing.assert_allclose(full, np.rint(full), atol=1e-12)
    assert np.all(full[:, 0] == 8)
    assert np.all((released >= 0) & (released <= full))
    assert np.all(np.array(u) == 0.7)
    exact = two_state(times(files / "pre.csv"), 0.7, 0.4, 0.0)
    error = np.sqrt(exact.x * (1 - exact.x) / 8 / 40)
    assert np.all(np.abs(full.mean(axis=0) / 8 - exact.x) <= 4 * error + 1e-12)
    error = np.sqrt(8 * exact.response * (1 - exact.response) / 40)
    assert np.all(np.abs(released.mean(axis=0) - 8 * exact.response) <= 4 * error)


def test_off_grid_spikes_are_moved_and_said(tmp_path: Path) -> None:
    pre = train(tmp_path, "pre.csv", 1.04, 20.0, 33.333)
    post = train(tmp_path, "post.csv", 0.005, 0.04, unit="s")
    done = replay.run(replay.Settings(pre=pre, post=post, rule=STRONG), NUMPY)
    assert column(done, "t_ms").tolist() == [1.0, 5.0, 20.0, 33.3, 40.0]
    assert done.warnings == (
        f"--pre {pre}: spikes were put on the grid of 0.1 ms, the furthest moved by 0.04 ms",
    )
    fine = replay.Settings(pre=pre, post=post, rule=STRONG, time_step="0.001ms")
    done = replay.run(fine, NUMPY)
    assert column(done, "t_ms").tolist() == [1.04, 5.0, 20.0, 33.333, 40.0]
    assert done.warnings == ()


def test_spike_at_time_zero(tmp_path: Path) -> None:
    pre, post = train(tmp_path, "pre.csv", 0.0), train(tmp_path, "post.csv", 0.0, 5.0)
    settings = replay.Settings(pre=pre, post=post, rule=STRONG)
    done = replay.run(settings, NUMPY)
    events = expected_weights(settings, [0.0], [0.0, 0.005])
    assert done.columns["event"] == ["pre", "post", "post"]
    np.testing.assert_allclose(column(done, "w"), [e.weight for e in events], rtol=0, atol=1e-15)


@pytest.mark.parametrize("text", ["t_ms\n10\n20\n", "# comment\n\n t_s \n0.01\n\n0.02\n",
                                  '"t_ms"\r\n10.0\r\n2e1\r\n', "\ufeffcell,t_ms\na,10\nb,20\n",
                                  "t (ms)\n10\n20\n"])  # fmt: skip
def test_ways_to_write_a_train(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pre.csv"
    file.write_bytes(text.encode())
    done = replay.run(replay.Settings(pre=file, rule=None), NUMPY)
    assert column(done, "t_ms").tolist() == [10.0, 20.0]


BAD_TRAINS = {
    "unsorted": ("t_ms\n10\n30\n20\n", ", line 4, column 't_ms': found '20', expected a time later "
                 "than that of the line before"),
    "twice": ("t_ms\n10\n10\n", ", line 3, column 't_ms': found '10', expected a time later than "
              "that of the line before"),
    "negative": ("t_ms\n-1\n10\n", ", line 2, column 't_ms': found '-1', expected no negative "
                 "time"),
    "text": ("t_ms\n10\nlate\n", ", line 3, column 't_ms': found 'late', expected a finite number"),
    "nan": ("# x\nt_ms\nnan\n", ", line 3, column 't_ms': found 'nan', expected a finite number"),
    "infinite": ("t_s\n1\ninf\n", ", line 3, column 't_s': found 'inf', expected a finite number"),
    "empty cell": ("a,t_ms\n1,10\n2,\n", ", line 3, column 't_ms': found an empty cell, expected a "
                   "finite number"),
    "empty file": ("", ": the file is empty, expected a header line and data"),
    "header alone": ("t_ms\n", ": no data below the header in line 1"),
    "comments alone": ("# a\n# b\n", ": no header line, expected column names and data below"),
    "no header": ("10\n20\n", ", line 1: found only numbers, expected a header with column names"),
    "no unit": ("t\n10\n", ": found the columns t, expected one column t_ms or t_s"),
    "other columns": ("lag_ms,dw\n1,2\n", ": found the columns lag_ms, dw, expected one column "
                      "t_ms or t_s"),
    "two units": ("t_ms,t_s\n1,2\n", ": found the columns t_ms, t_s, expected one column t_ms or "
                  "t_s"),
    "short row": ("a,t_ms\n1,2\n3\n", ", line 3: found 1 cells, expected 2 as in the header (a, "
                  "t_ms)"),
    "one step": ("t_ms\n10\n10.02\n", ": found 10 ms and 10.02 ms (index 0 and 1) in the same time "
                 "step of 0.1 ms, expected at most one spike per step: use a time step below 0.02 "
                 "ms"),
    "bytes": ("t_ms\n10\n\udcff\n", ", line 3: found byte 0xff, expected text in UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("side", ["pre", "post"])
@pytest.mark.parametrize("text", BAD_TRAINS)
def test_wrong_trains(tmp_path: Path, side: str, text: str) -> None:
    content, problem = BAD_TRAINS[text]
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content.encode("utf-8", "surrogateescape"))
    good = train(tmp_path, "good.csv", 5.0)
    given = {"pre": good, "post": good} | {side: bad}
    with pytest.raises(InputError) as error:
        replay.run(replay.Settings(**given, rule=None), NUMPY)
    assert str(error.value) == f"--{side} {bad}{problem}"


def test_files_that_are_none(tmp_path: Path) -> None:
    for path, problem in (
        (tmp_path / "none.csv", "no such file"),
        (tmp_path, "found a directory, expected a CSV file"),
        (tmp_path / "good.csv" / "x.csv", "cannot be read: Not a directory"),
    ):
        good = train(tmp_path, "good.csv", 5.0)
        for given in ({"pre": path}, {"pre": good, "post": path}):
            with pytest.raises(InputError) as error:
                replay.run(replay.Settings(**given), NUMPY)
            assert str(error.value) == f"--{list(given)[-1]} {path}: {problem}"
    with pytest.raises(FieldError) as missing:
        replay.Settings()
    assert (missing.value.field, missing.value.problem) == (
        "pre",
        "found nothing, expected presynaptic spike times: CSV with one column, t_ms or t_s",
    )


def test_results_load_when_the_recordings_have_gone(tmp_path: Path) -> None:
    file = train(tmp_path, "pre.csv", 5.0)
    place = replay.run(replay.Settings(pre=file, rule=None), NUMPY).save(tmp_path / "out")
    file.unlink()
    assert column(protocol.load(place), "t_ms").tolist() == [5.0]
