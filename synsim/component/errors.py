"""Errors that a user can mend: one plain line each, and the exit code that goes with it."""

from __future__ import annotations


class SynsimError(Exception):
    """Base of every error that synsim raises on purpose; its text is one line for the user."""

    exit_code = 1


class InputError(SynsimError, ValueError):
    """The user's input is wrong: the text names where, what was found and what is expected."""

    exit_code = 2


class FieldError(InputError):
    """One parameter or setting is wrong; whoever knows its flag can say it in that name."""

    def __init__(self, owner: str, field: str, problem: str, text: str | None = None) -> None:
        super().__init__(text or f"{owner}.{field}: {problem}")
        self.field = field
        self.problem = problem


class MissingExtraError(SynsimError, ImportError):
    """An optional library is not installed; the text names the extra that brings it."""

    exit_code = 2


class CompilerMissingError(SynsimError):
    """C++ was asked for by name, and there is no compiler."""

    exit_code = 2


class BuildError(SynsimError):
    """The C++ compiler failed; the text says where its log is."""


class RunError(SynsimError):
    """The compiled simulation stopped with an error; the text says what it printed."""


class SynsimWarning(UserWarning):
    """Something was done otherwise than asked, or stands on weak ground."""
