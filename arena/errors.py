"""One tree of errors for people. Each carries the HTTP status and the exit status it ends with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class ArenaError(Exception):
    """Something went wrong that a person can act upon; the message says what, where and what to do."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1


class BadInput(ArenaError):
    """What was given cannot be used as it is: a file, a field, an option, a setting."""

    status = 422
    exit_code = 2


class NotFound(ArenaError):
    """There is no such thing, or not for the one who asks."""

    status = 404
    exit_code = 2


class NotAllowed(ArenaError):
    """The one who asks has not the role for it."""

    status = 403
    exit_code = 1


class NotSignedIn(ArenaError):
    """A session or token is needed and there is none that is valid."""

    status = 401
    exit_code = 1


class Conflict(ArenaError):
    """It contradicts what is already recorded, or the state that the study is in."""

    status = 409
    exit_code = 1


class Incomplete(ArenaError):
    """The work was understood and not completed: a check failed, a server refused to start."""

    status = 500
    exit_code = 1


class Busy(ArenaError):
    """Somebody else holds the database for longer than can be waited; the same will work later."""

    status = 503
    exit_code = 1


@dataclass(frozen=True)
class Problem:
    """One bad record of a file: where it is ("line 3", "row 7"), which field (or none), and what is wrong."""

    where: str
    field: str | None
    reason: str

    def __str__(self) -> str:
        return f"{self.where}, {self.field}: {self.reason}" if self.field else f"{self.where}: {self.reason}"


class BadRecords(BadInput):
    """A file with bad records: nothing of it was stored. `problems` holds the first of them."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{source}, {problem}" for problem in self.problems))
