"""What is what in a table of averaged trains: time, amplitude, errors, trains, groups.

    time        t_ms, t_s, time_ms: when the stimulus came, from anywhere
    amplitude   the one column whose name ends in a unit of voltage or current, or mean,
                amplitude, amp, amp_norm, response, epsc, epsp
    sem         sem, se, or a name that ends in _sem, in the unit of the amplitude
    sd, n       sd, std, or a name that ends in _sd; n: then sem = sd/sqrt(n)
    train       protocol, freq_hz, rate_hz, train, pattern, sweep: rows of the same values are one
                train; where time goes back, a new one begins
    cell        one fit for each; all trains of a fit share their parameters

Every train starts from rest. Amplitudes whose mean is negative (inward currents) are turned.

Instead of time and amplitude a table may have the ratio of the second response to the first of
pairs of pulses (recovery), one row per interval:

    interval    interval_s, interval_ms, isi, ipi, pause with the unit
    ratio       ratio, ppr, recovery, paired_pulse_ratio
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.fit.quantal_data import amplitudes
from synsim.fit.stp_check import check_times
from synsim.fit.sweeps import check_sweeps
from synsim.tables import Table, dimension_of, scale, split_unit

Array = NDArray[Any]

_TIMES = ("t", "time", "stimulus", "t_stim", "stimulus_time")
_AMPLITUDES = (
    "mean", "amplitude", "amp", "amp_norm", "amplitude_norm", "response", "epsc", "epsp", "ipsc",
    "ipsp", "psc", "psp", "mean_norm",
)  # fmt: skip
_INTERVALS = ("interval", "isi", "ipi", "inter_pulse_interval", "pause", "delay")
_RATIOS = ("ratio", "ppr", "recovery", "paired_pulse_ratio", "ratio_2_1")
_TRAINS = ("protocol", "freq_hz", "frequency_hz", "rate_hz", "train", "pattern", "sweep")


@dataclass(frozen=True)
class Pulses:
    """Averaged responses, one row per pulse: time in ms, amplitude, sem (0: not given), (m,) each.

    Of `pairs` the time is the interval between the two pulses, and the amplitude their ratio.
    `groups` and `trains` hold one tuple or label per row. `rows` is where each stands.
    """

    time: Array
    amplitude: Array
    sem: Array
    unit: str
    group_by: tuple[str, ...]
    groups: list[tuple[str, ...]]
    trains: list[str]
    rows: list[Any]
    row_word: str
    source: str
    sha256: str | None
    taken: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    pairs: bool = False


def read_pulses(
    table: Table,
    *,
    time_column: str | None = None,
    interval_column: str | None = None,
    amplitude_column: str | None = None,
    amplitude_unit: str | None = None,
    sem_column: str | None = None,
    sd_column: str | None = None,
    n_column: str | None = None,
    train_column: Sequence[str] | None = None,
    group_by: Sequence[str] | None = None,
    cell_column: str = "cell",
) -> Pulses:
    """Pulses of a table; parameters are those of `synsim.fit.stp.fit_stp`.

    Raises
    ------
    InputError
        one line: a column is missing, not certain, or holds something else than it should.
    """
    notes: list[str] = []
    if interval_column is not None and time_column is not None:
        raise InputError("--interval-column and --time-column: give one of them")
    timed, paired = _named(table, _TIMES), _named(table, _INTERVALS)
    ratios = [n for n in table.names if n.lower() in _RATIOS]
    pairs = interval_column is not None or (
        time_column is None and not timed and bool(paired) and bool(ratios)
    )
    if pairs:
        what = "the interval between the two pulses, as interval_ms"
        time_name = _one(table, interval_column, paired, what, "--interval-column")
        what = "the ratio of the second response to the first"
        name = _one(table, amplitude_column, ratios, what, "--amplitude-column")
    else:
        what = "the time of the stimulus, as t_ms"
        time_name = _one(table, time_column, timed, what, "--time-column")
        name = _amplitude(table, amplitude_column)
    time = table.times(time_name, "ms")
    own = split_unit(name)[1] or "1"
    amplitude, unit = (
        (table.numbers(name), "1") if pairs else amplitudes(table, name, amplitude_unit)
    )
    if pairs:
        for row in np.flatnonzero(time <= 0):
            raise table.refuse(int(row), time_name, "an interval above 0")
        for row in np.flatnonzero(amplitude < 0):
            raise table.refuse(int(row), name, "a ratio, not below 0")
    sem, errors = _errors(table, sem_column, sd_column, n_column, notes)
    if not pairs and (amplitude_unit or own) != unit:  # the errors are in the amplitude's unit
        sem = scale(sem, amplitude_unit or own, unit)
    by = tuple(group_by or ())
    if group_by is None and cell_column in table.columns:
        by = (cell_column,)
    by = tuple(table.require(column, "--group-by") for column in by)
    if pairs:
        split: list[str] = []
        if train_column is not None:
            raise InputError("--train-column: pairs of pulses have no trains, expected none")
    elif train_column is None:
        split = [c for c in _TRAINS if c in table.columns and c not in (*by, name, time_name)]
    else:
        split = [table.require(column, "--train-column") for column in train_column]
    group_texts = [table.texts(column) for column in by]
    train_texts = [table.texts(column) for column in split]
    groups = [tuple(texts[i] for texts in group_texts) for i in range(len(table))]
    labels = [
        ", ".join(f"{c} {texts[i]}" for c, texts in zip(split, train_texts, strict=True))
        for i in range(len(table))
    ]
    if pairs:
        trains = [f"interval {v:g} ms" for v in time]
    else:
        trains = _split(table, time_name, time, groups, labels, bool(split), notes)
        _check(table, time_name, time, groups, trains, split, train_column is None, notes)
    used = {time_name, name, *by, *split, *(v for v in errors.values() if v)}
    taken: dict[str, Any] = {"amplitude": name, **errors}
    taken |= {"time": None if pairs else time_name, "interval": time_name if pairs else None}
    taken |= {"train": split, "group_by": list(by)}
    taken["not_used"] = [c for c in table.names if c not in used]
    notes += _pooled(table, taken["not_used"])
    return Pulses(
        time, amplitude, sem, unit, by, groups, trains, list(table.lines), table.row_word,
        table.source, table.sha256, taken, notes, pairs,
    )  # fmt: skip


def _check(
    table: Table,
    name: str,
    time: Array,
    groups: list[tuple[str, ...]],
    trains: list[str],
    split: list[str],
    guessed: bool,
    notes: list[str],
) -> None:
    """Refuse times that cannot be, and sweeps of one stimulus that disagree."""
    rows: dict[tuple[Any, str], list[int]] = {}
    for row, key in enumerate(zip(groups, trains, strict=True)):
        rows.setdefault(key, []).append(row)
    own = [np.array(found) for found in rows.values()]
    check_times(table, name, time, own, split if guessed else ())
    stimulus = [c for c in split if c != "sweep"]
    if split and stimulus == split:
        return  # every train is a stimulus of its own
    texts = [table.texts(column) for column in stimulus]
    kinds = [
        ", ".join([*group, *(f"{c} {t[found[0]]}" for c, t in zip(stimulus, texts, strict=True))])
        for (group, _), found in zip(rows, own, strict=True)
    ]
    notes += check_sweeps(table, time, own, kinds)


def _named(table: Table, names: tuple[str, ...]) -> list[str]:
    """Columns of these names with a unit."""
    parts = {n: split_unit(n) for n in table.names}
    return [n for n, (stem, unit) in parts.items() if unit and stem.lower() in names]


def _pooled(table: Table, columns: list[str]) -> list[str]:
    """A note on each column of words that is not used: its values may be different synapses."""
    notes = []
    for column in columns:
        words = dict.fromkeys(table.texts(column))
        if 1 < len(words) < len(table) and not any(_is_number(word) for word in words):
            notes.append(
                f"column {column!r} is not used, its values are pooled; --group-by {column} fits "
                "each by itself"
            )
    return notes


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _one(table: Table, given: str | None, found: list[str], what: str, flag: str) -> str:
    if given is not None:
        return table.require(given, flag)
    if len(found) == 1:
        return found[0]
    have = f"more than one may be ({', '.join(found)})" if found else "none is recognised"
    raise InputError(
        f"{table.source}: which column is {what}? {have}; name it with {flag} "
        f"(there are {', '.join(table.names)})"
    )


def _amplitude(table: Table, given: str | None) -> str:
    measured = [
        n
        for n in table.names
        if (d := dimension_of(n)) is not None
        and d.name in ("voltage", "current")
        and split_unit(n)[0].lower().rpartition("_")[2] not in ("sem", "sd", "se", "std")
    ]
    plain = [n for n in table.names if n.lower() in _AMPLITUDES]
    return _one(table, given, measured or plain, "the amplitude", "--amplitude-column")


def _errors(
    table: Table,
    sem_column: str | None,
    sd_column: str | None,
    n_column: str | None,
    notes: list[str],
) -> tuple[Array, dict[str, str | None]]:
    """Standard errors (0 where there are none), and the columns they are from."""
    if sem_column is not None and sd_column is not None:
        raise InputError("--sem-column and --sd-column: give one of them")

    def guess(given: str | None, flag: str, names: tuple[str, ...]) -> str | None:
        if given is not None:
            return table.require(given, flag)
        endings = tuple(f"_{n}" for n in names)
        found = [
            c
            for c in table.names
            if c.lower() in names or split_unit(c)[0].lower().endswith(endings)
        ]
        return found[0] if len(found) == 1 else None

    sem = None if sd_column is not None else guess(sem_column, "--sem-column", ("sem", "se"))
    if sem is not None:
        return _not_negative(table, sem), {"sem": sem, "sd": None, "n": None}
    sd = guess(sd_column, "--sd-column", ("sd", "std"))
    n = table.require(n_column, "--n-column") if n_column is not None else None
    if n is None:
        n = next((c for c in table.names if c.lower() in ("n", "n_sweeps", "n_cells")), None)
    if sd is not None and n is not None:
        count = table.numbers(n)
        for row in np.flatnonzero((count < 1) | (count != np.floor(count))):
            raise table.refuse(int(row), n, "a whole number, at least 1")
        return _not_negative(table, sd) / np.sqrt(count), {"sem": None, "sd": sd, "n": n}
    if sd_column is not None:
        raise InputError(
            f"{table.source}: --sd-column {sd_column} needs how many responses were averaged, "
            "sem = sd/sqrt(n): name it with --n-column"
        )
    if sd is not None:
        notes.append(f"column {sd!r} not used: a standard error needs how many there were, too")
    return np.zeros(len(table)), {"sem": None, "sd": None, "n": None}


def _not_negative(table: Table, name: str) -> Array:
    values = table.numbers(name)
    for row in np.flatnonzero(values < 0):
        raise table.refuse(int(row), name, "a number not below 0")
    return values


def _split(
    table: Table,
    name: str,
    time: Array,
    groups: list[tuple[str, ...]],
    labels: list[str],
    named: bool,
    notes: list[str],
) -> list[str]:
    """The train of each row; times within one increase."""
    last: dict[tuple[Any, str], float] = {}
    count: dict[tuple[Any, str], int] = {}
    found = []
    for row, (group, label) in enumerate(zip(groups, labels, strict=True)):
        key = (group, label)
        if key in last and time[row] <= last[key]:
            if time[row] == last[key] or named:
                raise table.refuse(
                    row,
                    name,
                    "a time after that of the row before in its train (single responses are for "
                    "`fit quantal`; --train-column names what tells trains apart)",
                )
            count[key] = count.get(key, 1) + 1
        last[key] = float(time[row])
        number = count.get(key, 1)
        found.append(label if named else f"train {number}")
    if count:
        notes.append(
            f"column {name!r} goes back: taken for the beginning of a new train, from rest "
            f"({max(count.values())} trains)"
        )
    return found
