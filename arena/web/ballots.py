"""The form of a ballot: its fields, and what is made of them. The voting page and the correction's send the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form

from arena.domain.blinding import Ballot
from arena.domain.vocabulary import CannotJudgeReason, Choice
from arena.errors import BadInput, NotFound
from arena.services.voting import NO_PAIR

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True)
class Filled:
    """A ballot's form as it was filled in; a field that was not sent is empty."""

    token: str = ""
    choice: str = ""
    reason: str = ""
    comment: str = ""

    @classmethod
    def again(cls, ballot: Ballot) -> Filled:
        """The form that would give this ballot."""
        return cls(ballot.token, ballot.choice, ballot.reason or "", ballot.comment or "")

    def ballot(self) -> Ballot:
        """The ballot. The service checks the rest.

        Raises NotFound for what cannot be a token, BadInput where no known choice is made.
        """
        check_token(self.token)
        if self.choice not in list(Choice):
            raise BadInput("Choose one of the replies first.")
        known = CannotJudgeReason(self.reason) if self.reason in list(CannotJudgeReason) else None
        return Ballot(self.token, Choice(self.choice), known, self.comment or None)


async def _filled(
    token: Annotated[str, Form()] = "",
    choice: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    comment: Annotated[str, Form()] = "",
) -> Filled:
    return Filled(token, choice, reason, comment)


FilledForm = Annotated[Filled, Depends(_filled)]
"""A route's parameter for the form."""


def check_token(token: str) -> None:
    """Raise NotFound for what cannot be a matchup's token, in the words for one that is not this rater's."""
    if not _TOKEN.fullmatch(token):
        raise NotFound(NO_PAIR)
