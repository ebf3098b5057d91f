"""What can be said about how to measure: flags as text with units, checked, in SI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from synsim.component import InputError, units
from synsim.component.units import DIMENSIONS

_TIME = (DIMENSIONS["time"],)
_RESPONSE = (DIMENSIONS["voltage"], DIMENSIONS["current"])

BASELINE = "-5ms:0ms"
WINDOW = "1ms:25ms"
WIDTH = "0.5ms"
THRESHOLD = 2.5


@dataclass(frozen=True)
class Options:
    """How responses are measured; times in s, see `synsim.extract.extract` for each.

    `given` names the flags that were said; everything else is a default.
    """

    baseline: tuple[float, float]
    window: tuple[float, float]
    width: float
    latency: float | None
    own_peak: bool
    sign: int | None
    decay: float | str
    noise: tuple[float, str] | None  # value in V or A, and its dimension
    threshold: float
    sweep_gap: float | None
    given: frozenset[str]

    def how(self, flag: str) -> str:
        """Whether something was said or is the default, in words."""
        return f"given by {flag}" if flag in self.given else "default"


def options(
    *,
    baseline: str | None,
    window: str | None,
    width: str | float | None,
    latency: str | float | None,
    peak: str,
    sign: str | None,
    decay: str | float | None,
    noise: str | None,
    threshold: str | float | None,
    sweep_gap: str | float | None,
) -> Options:
    """Check and convert; parameters as of `synsim.extract.extract`.

    Raises
    ------
    InputError
        one line that names the flag.
    """
    said = {
        "--baseline": baseline, "--window": window, "--width": width, "--latency": latency,
        "--sign": sign, "--decay": decay, "--noise": noise, "--threshold": threshold,
        "--sweep-gap": sweep_gap,
    }  # fmt: skip
    low, high = span("--baseline", BASELINE if baseline is None else baseline)
    if high > 0:
        raise InputError(
            f"--baseline: found {baseline!r}, expected a range before the stimulus, such as "
            f"{BASELINE}"
        )
    begin, end = span("--window", WINDOW if window is None else window)
    if begin < 0:
        raise InputError(
            f"--window: found {window!r}, expected a range after the stimulus, such as {WINDOW}"
        )
    if peak not in ("latency", "own"):
        raise InputError(
            f"--peak: found {peak!r}, expected latency (the average's) or own (each response's)"
        )
    signs = {None: None, "auto": None, "positive": 1, "negative": -1}
    if sign not in signs:
        raise InputError(f"--sign: found {sign!r}, expected positive, negative or auto")
    if latency is not None and peak == "own":
        raise InputError("--latency is for --peak latency, --peak own looks in the --window")
    if latency is not None and sign in (None, "auto"):
        raise InputError("--latency needs --sign positive or negative: nothing is looked for")
    return Options(
        baseline=(low, high),
        window=(begin, end),
        width=above("--width", WIDTH if width is None else width),
        latency=None if latency is None else above("--latency", latency),
        own_peak=peak == "own",
        sign=signs[sign],
        decay=_decay(decay),
        noise=None if noise is None else _noise(noise),
        threshold=_threshold(threshold),
        sweep_gap=None if sweep_gap is None else above("--sweep-gap", sweep_gap),
        given=frozenset(flag for flag, value in said.items() if value is not None),
    )


def time(flag: str, value: str | float) -> float:
    """A time in s, from text with a unit or a number in s."""
    if not isinstance(value, str):
        return float(value)
    try:
        return units.parse(value, _TIME)[0]
    except InputError as error:
        raise InputError(f"{flag}: {error}") from None


def above(flag: str, value: str | float) -> float:
    """A time above 0, in s."""
    found = time(flag, value)
    if not found > 0:
        raise InputError(f"{flag}: found {value!r}, expected a time above 0")
    return found


def span(flag: str, text: str) -> tuple[float, float]:
    """Two times, such as -5ms:0ms, in s."""
    parts = str(text).split(":")
    if len(parts) != 2:
        raise InputError(f"{flag}: found {text!r}, expected two times, such as -5ms:0ms")
    low, high = (time(flag, part) for part in parts)
    if not low < high:
        raise InputError(f"{flag}: found {text!r}, expected the earlier time first")
    return low, high


def _decay(value: str | float | None) -> float | str:
    if value is None or value in ("fit", "none"):
        return "fit" if value is None else str(value)
    try:
        return above("--decay", value)
    except InputError:
        raise InputError(
            f"--decay: found {value!r}, expected fit, none or a time such as 6ms"
        ) from None


def _noise(value: str) -> tuple[float, str]:
    """A standard deviation in V or A, and which of them."""
    try:
        found, dimension = units.parse(str(value), _RESPONSE)
    except InputError as error:
        raise InputError(f"--noise: {error}") from None
    if not found > 0:
        raise InputError(f"--noise: found {value!r}, expected a standard deviation above 0")
    return found, dimension.name


def _threshold(value: str | float | None) -> float:
    if value is None:
        return THRESHOLD
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if not 0 < found < 100:
        raise InputError(
            f"--threshold: found {value!r}, expected how many standard deviations of the noise a "
            "response has to reach, such as 2.5"
        )
    return found


def numbers(flag: str, text: str | Sequence[int]) -> list[int]:
    """Numbers of sweeps, from ``1-10,15`` or a sequence."""
    if not isinstance(text, str):
        return [int(n) for n in text]
    found: list[int] = []
    for part in text.split(","):
        ends = [end.strip() for end in part.split("-")]
        if not all(end.isascii() and end.isdigit() for end in ends) or len(ends) > 2:
            raise InputError(f"{flag}: found {text!r}, expected numbers such as 1-10,15")
        low, high = int(ends[0]), int(ends[-1])
        if high < low or high - low > 1_000_000:
            raise InputError(f"{flag}: found {part!r}, expected a range such as 1-10")
        found += range(low, high + 1)
    if len(set(found)) < len(found):
        raise InputError(f"{flag}: found {text!r}, expected each sweep once")
    return found


def as_text(value: Any) -> Any:
    """A setting as it is written into a summary."""
    return list(value) if isinstance(value, (tuple, range)) else value
