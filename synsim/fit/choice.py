"""Which models a fit is asked for, by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from synsim.component import InputError


def chosen(
    models: str | Sequence[str] | None, known: Iterable[str], default: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Names of models, each once, in the order asked for.

    Parameters
    ----------
    models : names, or one text with commas; None for `default`, or all that are known

    Raises
    ------
    InputError
        for a name that is not known, with the nearest one that is; and for none at all
    """
    names = list(known)
    if models is None:
        return tuple(names if default is None else default)
    asked = models.split(",") if isinstance(models, str) else list(models)
    found = tuple(dict.fromkeys(name.strip() for name in asked if name.strip()))
    if not found:
        raise InputError(f"--model: found none, expected some of {', '.join(names)}")
    for name in found:
        if name not in names:
            close = [n for n in names if n.startswith(name)] or difflib.get_close_matches(
                name, names, 1, 0.5
            )
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise InputError(f"--model: found {name!r}, expected some of {', '.join(names)}{hint}")
    return found
