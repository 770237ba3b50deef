"""Seats: who may do what, in which study. A person's name is kept elsewhere, in a row that can be deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from arena.domain.vocabulary import Role


@dataclass(frozen=True)
class Seat:
    """One person's place in one study, under a pseudonym."""

    id: int
    study_id: int
    study_name: str
    role: Role
    pseudonym: str
    consented: bool


@dataclass(frozen=True)
class Invitation:
    """What an invitation link opens, as shown before it is redeemed."""

    study_title: str
    role: Role
    expires_at: datetime


@dataclass(frozen=True)
class Issued:
    """A secret that was just made. It is shown once and stored only as a hash."""

    secret: str
    pseudonym: str
    expires_at: datetime


@dataclass(frozen=True)
class ApiToken:
    """The rights of an API token: a role in one study, or in all of them (`study_id` None)."""

    id: int
    name: str
    role: Role
    study_id: int | None
    label: str
