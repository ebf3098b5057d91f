"""An argument parser whose mistakes are one line each."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, NoReturn

from synsim.component.errors import InputError
from synsim.style import STYLES


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose mistakes are one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        kwargs["allow_abbrev"] = False
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's, with negative values of flags as they are typed."""
        return super().parse_known_args(None if args is None else self._joined(args), namespace)

    def parse_all(self, arguments: list[str]) -> argparse.Namespace:
        """Parse, where every argument must be known; the nearest flag is suggested."""
        parsed, rest = self.parse_known_args(arguments)
        if rest:
            refuse(rest[0], list(self._option_string_actions), self.prog)
        return parsed

    def _joined(self, arguments: Sequence[str]) -> list[str]:
        """``--delta-t -10ms`` as ``--delta-t=-10ms``, which argparse would take for a flag."""
        joined: list[str] = []
        for argument in arguments:
            action = self._option_string_actions.get(joined[-1]) if joined else None
            negative = argument[:1] == "-" and argument[1:2] in "0123456789." and argument[1:2]
            if action is not None and action.nargs is None and negative:
                joined[-1] += f"={argument}"
            else:
                joined.append(argument)
        return joined


def refuse(argument: str, known: list[str], prog: str) -> NoReturn:
    """Refuse an argument nobody knows."""
    flag = argument.split("=", 1)[0]
    names = {name.lstrip("-"): name for name in known}
    close = difflib.get_close_matches(flag.lstrip("-"), names, 1, 0.6) if flag[:1] == "-" else []
    hint = f"; did you mean {names[close[0]]}?" if close else f" (see {prog} --help)"
    raise InputError(f"unknown argument {flag!r}{hint}")


def figure_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of every command that draws a figure."""
    parser.add_argument("--no-plot", action="store_true", help="write no figure")
    parser.add_argument(
        "--style",
        choices=list(STYLES),
        default="light",
        help="look of the figure: light (default), dark, print or projector",
    )
