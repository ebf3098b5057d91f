"""Wrong input: exit 2 and one plain line that says where, what was found and what is expected."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from synsim import catalogue
from tests.cli.conftest import Done, Synsim
from tests.protocols.base import SUMMARY_KEYS

PROTOCOLS = ", ".join(catalogue.protocols())
TIME = "expected a time with its unit, such as 20ms"
SCHEMES = "all-to-all, nearest-symmetric, nearest-pre-centred, nearest-reduced"


def summary(**changes: object) -> dict[str, object]:
    empty: dict[str, object] = {key: {} for key in SUMMARY_KEYS}
    return empty | {"schema": 1, "seed": 1, "backend": "cpp_standalone"} | changes


@pytest.fixture
def files(place: Path) -> Path:
    """What may be in the way, and trains of all kinds."""
    (place / "full").mkdir()
    (place / "full" / "notes.txt").write_text("kept")
    (place / "file").write_text("kept")
    (place / "no-summary.json").write_text('{"schema": 1')
    (place / "newer.json").write_text('{"schema": 99, "command": "run pairing"}')
    (place / "fit.json").write_text(json.dumps(summary(command="fit stdp")))
    for name, text in {
        "good": "t_ms\n10\n20\n",
        "empty": "",
        "header": "t_ms\n",
        "unsorted": "# pre\nt_ms\n10\n30\n20\n",
        "negative": "t_ms\n-1\n",
        "twice": "t_ms\n5\n5.0\n",
        "close": "t_ms\n5\n5.01\n",
        "text": "t_ms\n5\nsoon\n",
        "nan": "t_s\n0.5\nNaN\n",
        "infinite": "t_s\n0.5\ninf\n",
        "nounit": "t\n1\n",
        "window": "dt_ms,dw\n1,2\n",
    }.items():
        (place / f"{name}.csv").write_text(text)
    return place


def tree(place: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() if p.is_file() else b"" for p in sorted(place.rglob("*"))}


def refused(synsim: Synsim, place: Path, command: str) -> str:
    """The one line; nothing is printed, made or changed."""
    before = tree(place)
    done: Done = synsim(*shlex.split(command))
    assert done.code == 2, done.err
    assert done.out == ""
    assert done.err.count("\n") == 1 and done.err.endswith("\n"), done.err
    assert done.err.startswith("synsim: ")
    assert "Traceback" not in done.err
    assert not set("│╭╰─\x1b") & set(done.err)
    assert tree(place) == before
    assert os.listdir(place.parent / "tmp") == []
    return done.err.removeprefix("synsim: ").rstrip("\n")


RUN = {
    # units
    "stdp-window --tau-plus 16.8": f"--tau-plus: found '16.8' without a unit, {TIME}",
    "stdp-window --tau-plus 16.8mV": f"--tau-plus: found '16.8mV' which is a voltage, {TIME}",
    "stdp-window --tau-plus 16.8mins": f"--tau-plus: found '16.8mins' with an unknown unit, {TIME}",
    "stdp-window --tau-plus=": f"--tau-plus: found '', {TIME}",
    "stdp-window --rate 20": "--rate: found '20' without a unit, expected a frequency with its "
    "unit, such as 10Hz",
    "stdp-window --rate 20ms": "--rate: found '20ms' which is a time, expected a frequency with "
    "its unit, such as 10Hz",
    "stdp-window --n 5ms": "--n: found '5ms' which is a time, expected a plain number",
    "pairing --delta-t 10": f"--delta-t: found '10' without a unit, {TIME}",
    "stp-train --tau-rec 800": f"--tau-rec: found '800' without a unit, {TIME}",
    # numbers
    "stdp-window --n 2.5": "--n: found 2.5, expected a whole number",
    "stdp-window --n -1": "--n: found -1, expected a value at least 0 and ...",
    "stdp-window --n=-1": "--n: found -1, expected a value at least 0 and ...",
    "stdp-window --n many": "--n: found 'many', expected a plain number",
    "stdp-window --n nan": "--n: found 'nan', expected a plain number",
    "stdp-window --n 0": "--n: found a synapse without any response at the start, expected one: "
    "the change is relative to it",
    "stdp-window --n-pairs 0": "--n-pairs: found 0, expected a value at least 1",
    "stdp-window --n-pairs 1.5": "--n-pairs: found 1.5, expected a whole number",
    "stdp-window --p 1.5": "--p: found 1.5, expected a value at least 0 and at most 1",
    "stdp-window --p -0.1": "--p: found -0.1, expected a value at least 0 and at most 1",
    "stdp-window --p nan": "--p: found 'nan', expected a plain number",
    "stdp-window --p inf": "--p: found 'inf', expected a plain number",
    "stdp-window --p 50%": "--p: found '50%', expected a plain number",
    "stdp-window --U 2": "--U: found 2, expected a value at least 0 and at most 1",
    "stdp-window --p 0.5 --U 0.5": "--U: found 0.5 beside p = 0.5, expected one of the two: they "
    "are the same quantity",
    "stdp-window --tau-plus -5ms": "--tau-plus: found -5 ms, expected a value above 0 ms",
    "stdp-window --tau-plus 0ms": "--tau-plus: found 0 ms, expected a value above 0 ms",
    "stdp-window --tau-plus 1e999ms": "--tau-plus: found inf ms, expected a finite number",
    "stdp-window --tau-plus 1e99999999ms": "--tau-plus: found '1e99999999ms', expected a number of "
    "ordinary size",
    "stdp-window --a-minus -0.1": "--a-minus: found -0.1, expected a value at least 0",
    "stdp-window --mu-plus -1": "--mu-plus: found -1, expected a value at least 0",
    "stdp-window --w0 2": "--w0: found 2, expected a value at least 0 and at most 1",
    "stdp-window --rate 0Hz": "--rate: found 0 Hz, expected a value above 0 Hz",
    "stdp-window --rate 20kHz": "--rate: found 20000 Hz, expected at most one pairing per time "
    "step of 0.1 ms",
    "stdp-window --delay -1ms": "--delay: found -1 ms, expected a value at least 0 ms",
    "stdp-window --time-step 0ms": "--time-step: found 0 ms, expected a value at least ...",
    "replay --pre good.csv --tau-rec -1ms": "--tau-rec: found -1 ms, expected a value above 0 ms",
    "replay --pre good.csv --tau-facil 9ms": "--tau-facil: found 9 ms without tau_rec, expected "
    "both",
    # lists
    "stdp-window --delta-t=": "--delta-t: found an empty list, expected at least one value",
    "stdp-window --delta-t ,": "--delta-t: found an empty list, expected at least one value",
    "stdp-window --delta-t 0ms:9ms:-1ms": "--delta-t: found '0ms:9ms:-1ms', which is an empty "
    "list: the step leads away from the stop",
    "stdp-window --delta-t 0ms:9ms:0ms": "--delta-t: found '0ms:9ms:0ms' with a step of 0, "
    "expected another one",
    "stdp-window --delta-t 0ms:9ms": "--delta-t: found '0ms:9ms', expected start:stop:step or "
    "values with commas",
    "stdp-window --delta-t=-100:100:5": f"--delta-t: found '-100' without a unit, {TIME}",
    "pairing --delta-t 1ms,2ms": f"--delta-t: found '1ms,2ms', {TIME}",
    # names
    "stdp-window --pairing nearest": f"--pairing: found 'nearest', expected one of {SCHEMES} (did "
    "you mean 'nearest-reduced'?)",
    "stdp-window --release bionomial": "--release: found 'bionomial', expected one of mean-field, "
    "binomial, sites (did you mean 'binomial'?)",
    "stdp-window --rule none": "--rule: found none, expected a plasticity rule",
    "stdp-window --synapse lif-song-2000": "--synapse: found preset 'lif-song-2000' of lif, which "
    "this protocol does not use",
    "stdp-window --tuap-plus 5ms": "unknown argument '--tuap-plus'; did you mean --tau-plus?",
    "stdp-window --tau_plus=5ms": "unknown argument '--tau_plus'; did you mean --tau-plus?",
    "stdp-window --xyzzy 5ms": "unknown argument '--xyzzy' (see synsim run stdp-window --help)",
    "stdp-window stray": "unknown argument 'stray' (see synsim run stdp-window --help)",
    "stdp-window --tau-plus": "argument --tau-plus: expected one argument (see synsim run "
    "stdp-window --help)",
    # what does not fit together
    "stdp-window --release sites": "--release: found 'sites' without short-term plasticity, "
    "expected it with its tau_rec, which refills the sites",
    "stdp-window --cv-within 0.3": "--cv-within: found with mean-field release, expected binomial "
    "or sites: a mean has no scatter",
    "stdp-window --s0 1pA": "--s0: found s0 = 1 pA, expected the dimension of q = 1 mV",
    "stdp-window --acts-on p --bounds none": "--acts-on: found 'p' with a rule without bounds, "
    "expected 'q': only a weight in [0, 1] can scale p or n",
    "stdp-window --mu-plus 1 --bounds none": "--bounds: found none with mu_plus or mu_minus above "
    "0, expected hard: a weight-dependent rule is defined on [0, 1]",
    # seed and backend
    "stdp-window --seed x": "--seed: found 'x', expected a whole number, 0 to 2^32 - 1",
    "stdp-window --seed -1": "--seed: found '-1', expected a whole number, 0 to 2^32 - 1",
    "stdp-window --seed 4294967296": "--seed: found '4294967296', expected a whole number, 0 to "
    "2^32 - 1",
    "stdp-window --seed 1.5": "--seed: found '1.5', expected a whole number, 0 to 2^32 - 1",
    # spike trains
    "replay --pre none.csv": "--pre none.csv: no such file",
    "replay --pre full": "--pre full: found a directory, expected a CSV file",
    "replay --pre good.csv --post none.csv": "--post none.csv: no such file",
    "replay --pre empty.csv": "--pre empty.csv: the file is empty, expected a header line and data",
    "replay --pre header.csv": "--pre header.csv: no data below the header in line 1",
    "replay --pre unsorted.csv": "--pre unsorted.csv, line 5, column 't_ms': found '20', expected "
    "a time later than that of the line before",
    "replay --pre negative.csv": "--pre negative.csv, line 2, column 't_ms': found '-1', expected "
    "no negative time",
    "replay --pre twice.csv": "--pre twice.csv, line 3, column 't_ms': found '5.0', expected a "
    "time later than that of the line before",
    "replay --pre close.csv": "--pre close.csv: found 5 ms and 5.01 ms (index 0 and 1) in the same "
    "time step of 0.1 ms, expected at most one spike per step: use a time step below 0.01 ms",
    "replay --pre text.csv": "--pre text.csv, line 3, column 't_ms': found 'soon', expected a "
    "finite number",
    "replay --pre nan.csv": "--pre nan.csv, line 3, column 't_s': found 'NaN', expected a finite "
    "number",
    "replay --pre good.csv --post infinite.csv": "--post infinite.csv, line 3, column 't_s': "
    "found 'inf', expected a finite number",
    "replay --pre nounit.csv": "--pre nounit.csv: found the columns t, expected one column t_ms "
    "or t_s",
    "replay --pre window.csv": "--pre window.csv: found the columns dt_ms, dw, expected one column "
    "t_ms or t_s",
    "replay": "--pre: found nothing, expected presynaptic spike times: CSV with one column, "
    "t_ms or t_s",
    # summaries
    "pairing --from none.json": "none.json: cannot be read: No such file or directory",
    "pairing --from full": "full: cannot be read: Is a directory",
    "pairing --from no-summary.json": "no-summary.json: found something else, expected a summary "
    "of synsim",
    "pairing --from good.csv": "good.csv: found something else, expected a summary of synsim",
    "--from newer.json": "newer.json: found schema 99, expected 1",
    "--from fit.json": "--from fit.json: found a result of 'fit stdp', expected one of a run",
}


@pytest.mark.parametrize("words", RUN)
def test_settings(synsim: Synsim, files: Path, words: str) -> None:
    found, expected = refused(synsim, files, f"run {words} --out o --no-plot"), RUN[words]
    if expected.endswith("..."):
        assert found.startswith(expected.removesuffix("..."))
    else:
        assert found == expected


OUT = {
    "full": "--out full: the directory is not empty, expected a new one (or --force)",
    "full --force": "--out full: the directory holds no summary.json, so it is not a result of "
    "synsim and --force does not replace it",
    "file": "--out file: there is a file of that name, expected a directory",
    "file --force": "--out file: there is a file of that name, expected a directory",
    "file/o": "--out file/o: {place}/file is a file, expected a directory",
    "file/deep/o": "--out file/deep/o: {place}/file is a file, expected a directory",
    ".": "--out .: the directory is not empty, expected a new one (or --force)",
}


@pytest.mark.parametrize("words", OUT)
def test_out(synsim: Synsim, files: Path, words: str) -> None:
    found = refused(synsim, files, f"run pairing --n-pairs 2 --out {words}")
    assert found == OUT[words].format(place=files)


def test_out_is_checked_before_long_work(
    synsim: Synsim, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object) -> None:
        raise AssertionError("ran all the same")

    monkeypatch.setattr(catalogue.protocol("pairing"), "run", run)
    assert "is not empty" in refused(synsim, files, "run pairing --out full")


def test_out_is_missing(synsim: Synsim, files: Path) -> None:
    line = "--out is missing, expected a new directory for the results"
    assert refused(synsim, files, "run pairing") == line
    assert refused(synsim, files, "run pairing --out") == (
        "argument --out: expected one argument (see synsim run pairing --help)"
    )


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("run", f"run: found nothing for the protocol, expected one of {PROTOCOLS}"),
        ("run --out o", f"run: found '--out' for the protocol, expected one of {PROTOCOLS}"),
        ("run stdp-widow --out o", f"unknown protocol 'stdp-widow', expected one of {PROTOCOLS} "
         "(did you mean 'stdp-window'?)"),
        ("run qqqq --out o", f"unknown protocol 'qqqq', expected one of {PROTOCOLS}"),
        ("list all", "unknown argument 'all' (see synsim list --help)"),
        ("describe", "the following arguments are required: NAME (see synsim describe --help)"),
        ("cache all", "unknown argument 'all' (see synsim cache --help)"),
        ("cache --claer", "unknown argument '--claer'; did you mean --clear?"),
        ("cache --older-than 3", "--older-than: found '3' without --clear, expected a number of "
         "days, with --clear"),
        ("cache --clear --older-than x", "--older-than: found 'x', expected a number of days, with "
         "--clear"),
        ("cache --clear --older-than=-1", "--older-than: found '-1', expected a number of days, "
         "with --clear"),
        ("cache --clear --older-than nan", "--older-than: found 'nan', expected a number of days, "
         "with --clear"),
        ("", "the following arguments are required: COMMAND (see synsim --help)"),
    ],
)  # fmt: skip
def test_commands(synsim: Synsim, place: Path, command: str, line: str) -> None:
    assert refused(synsim, place, command) == line


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("bogus", ["'bogus'", "list", "describe", "run", "fit", "cache"]),
        ("run pairing --out o --backend fortran", ["--backend", "'fortran'", "cpp_standalone",
                                                   "cython", "numpy"]),
        ("run pairing --out o --rule pear", ["'pear'", "pair", "did you mean 'pair'?"]),
        ("run pairing --out o --synapse bi-poo-2002", ["'bi-poo-2002'",
                                                       "did you mean 'bi-poo-2001'?"]),
        ("fit stdp bi_poo_1998 --out o --model exp", ["--model: found 'exp'", "mean 'expon"]),
        ("fit quantal epsc_gontier_2023 --out o --model depresion", ["did you mean 'depression'?"]),
        ("fit stp pvbc_depressing --out o --model ,", ["--model: found none, expected some of"]),
        ("fit", ["found nothing", "stdp", "stp", "quantal"]),
        ("fit std my.csv --out o", ["'std'", "stdp", "stp", "quantal"]),
        ("describe bi_poo_1999", ["'bi_poo_1999'", "did you mean 'bi_poo_1998'?"]),
        ("describe stdp-widow", ["'stdp-widow'", "did you mean 'stdp-window'?"]),
        ("describe bi-poo", ["'bi-poo'", "did you mean 'bi-poo-2001'?"]),
        ("describe xxxxxxxx", ["'xxxxxxxx'", "expected one of the", "`synsim list`"]),
    ],
)  # fmt: skip
def test_names(synsim: Synsim, place: Path, command: str, words: list[str]) -> None:
    found = refused(synsim, place, command)
    for word in words:
        assert word in found


@pytest.mark.parametrize("flag", ["--rule pear", "--synapse bi-poo-2002"])
def test_flags_of_names_are_said(synsim: Synsim, place: Path, flag: str) -> None:
    found = refused(synsim, place, f"run pairing --out o {flag}")
    assert found.startswith(f"{flag.split()[0]}: ")


# Numbers that a machine has no room for
@pytest.mark.parametrize(
    "words",
    [
        "--n 3000000000",
        "--rate 1e-30Hz",
        "--rate 1e-9Hz",
        "--delta-t 1e300ms",
        "--delay 1e300ms",
        "--time-step 1e-300ms",
    ],
)
def test_numbers_out_of_reach(synsim: Synsim, place: Path, words: str) -> None:
    found = refused(synsim, place, f"run stdp-window --out o {words}")
    assert found.startswith(f"{words.split()[0]}: ")


@pytest.mark.parametrize("flag", ["--zzz", "--", "--rate"])
def test_suggestions_are_near(synsim: Synsim, files: Path, flag: str) -> None:
    found = refused(synsim, files, f"run replay --pre good.csv --out o {flag} 3")
    assert found == f"unknown argument {flag!r} (see synsim run replay --help)"


def test_an_empty_name_for_out(synsim: Synsim, files: Path) -> None:
    assert "--out" in refused(synsim, files, "run pairing --out ''")
    assert "empty" in refused(synsim, files, "run pairing --out ''")
    assert "not empty" not in refused(synsim, files, "run pairing --out ''")


TORN = [
    ({"schema": 1}, "found no 'backend'"),
    ({"schema": 1, "command": "run pairing"}, "found no 'backend'"),
    (summary(command="run pairing", seed=None), "seed"),
    (summary(command="run pairing", backend=7), "backend"),
    (summary(command=None), "torn.json"),
    (summary(command="run pairing", settings=["a"]), "torn.json"),
    (summary(command="run pairing", settings={"rule": None}), "rule"),
]


@pytest.mark.parametrize(("document", "words"), TORN)
def test_summaries_that_were_torn(
    synsim: Synsim, place: Path, document: dict[str, object], words: str
) -> None:
    (place / "torn.json").write_text(json.dumps(document))
    found = refused(synsim, place, "run --from torn.json --out o --no-plot")
    assert words in found


def test_summary_of_another_version(synsim: Synsim, place: Path) -> None:
    old = summary(command="run pairing", settings={"lag": "5 ms"})
    (place / "old.json").write_text(json.dumps(old))
    assert "no setting 'lag'" in refused(synsim, place, "run --from old.json --out o")
    old["command"] = "run of-2030"
    (place / "old.json").write_text(json.dumps(old))
    assert "unknown protocol 'of-2030'" in refused(synsim, place, "run --from old.json --out o")
