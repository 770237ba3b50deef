"""Who asks, what they may see, and the board they ask for: shared by pages and API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from arena.domain.study import BOARD_ROLES, Study
from arena.domain.vocabulary import HUMAN, Role, StudyState
from arena.errors import BadInput, NotAllowed, NotFound, NotSignedIn
from arena.ratings import Board
from arena.ratings.board import read_anchor
from arena.services import access, leaderboard, studies
from arena.services.leaderboard import BoardRequest
from arena.web.context import Context, Here
from arena.web.sessions import desk_or_none, rater_or_none

LEVELS = (0.8, 0.9, 0.95, 0.99)
"""The levels that anyone may ask for. Of a published study there are few boards for the public, and all are kept."""

Groups: TypeAlias = Mapping[str, "Board | str"]


class RatesHere(NotAllowed):
    """The browser that asks for a board before publication is also signed in as a rater of the study."""


@dataclass(frozen=True)
class Caller:
    """The rights that a request comes with: a role in one study, or in all of them (`study_id` None)."""

    role: Role | None = None
    study_id: int | None = None
    rates: int | None = None
    """The study in which this browser also holds a rater's seat."""

    def analyses(self, study: Study) -> bool:
        """Whether this caller sees boards and exports of `study` whatever its state."""
        return self.role in BOARD_ROLES and self.study_id in (None, study.id)

    def sees(self, study: Study) -> bool:
        """Whether `study` exists at all for this caller."""
        return study.state is StudyState.PUBLISHED or self.analyses(study)


BEARER = HTTPBearer(auto_error=False, description="A token made by `arena token create`.")


def caller(
    request: Request, here: Here, _described: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
) -> Caller:
    """Who asks: by bearer token where there is one, else by the desk cookie. Raises NotSignedIn for a bad token."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, secret = authorization.partition(" ")
        token = access.token_of(here.db, secret.strip(), now=here.now) if scheme.lower() == "bearer" else None
        if token is None:
            raise NotSignedIn("The token is unknown, revoked or expired. Make one with `arena token create`.")
        return Caller(token.role, token.study_id)
    return desk_caller(request, here)


def desk_caller(request: Request, here: Here) -> Caller:
    """Who looks at a page: a desk cookie or nobody. A rater's cookie gives no right here; it takes one away."""
    seat, rater = desk_or_none(request, here), rater_or_none(request, here)
    return Caller(seat.role, seat.study_id, rater.study_id if rater else None) if seat else Caller()


AnyCaller = Annotated[Caller, Depends(caller)]
DeskCaller = Annotated[Caller, Depends(desk_caller)]


def visible_study(here: Context, who: Caller, name: str) -> Study:
    """The study of that name. Raises NotFound in the same words where it is unknown and where it is not public."""
    study = next((study for study in visible_studies(here, who) if study.name == name), None)
    if study is None:
        raise NotFound("There is no study of this name, or it is not published yet.")
    return study


def readable_study(here: Context, who: Caller, name: str) -> Study:
    """The same for whoever wants its board or its votes. Raises RatesHere where they would unblind the rater."""
    study = visible_study(here, who, name)
    if who.rates == study.id and study.state is not StudyState.PUBLISHED:
        raise RatesHere(
            "You are signed in as a rater of this study in this browser. A board that moves with your own vote would "
            "unblind you. Sign out as rater, or open the analyst's link in another browser or a private window."
        )
    return study


def visible_studies(here: Context, who: Caller) -> list[Study]:
    """The studies that the caller sees."""
    return [study for study in studies.listed(here.db) if who.sees(study)]


_OURS = "for analysts and admins only"


class BoardQuery(BaseModel):
    """The settings of a leaderboard, as `arena leaderboard` has them."""

    model_config = ConfigDict(extra="ignore")

    method: Literal["bradley-terry", "elo"] = Field(default="bradley-terry", description="The rating method.")
    source: str = Field(
        default=HUMAN,
        pattern=r"^(human|judge:[^\x00-\x1f\x7f]{1,200})$",
        description="Whose votes: `human` or `judge:NAME`.",
        examples=["human"],
    )
    by: Literal["", "category"] = Field(default="", description="A board for each value of this field as well.")
    level: float = Field(
        default=0.95, ge=0.5, le=0.999, description=f"The level of the intervals; the public: {LEVELS}."
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description=f"The seed of the resampling; {_OURS}.")
    bootstrap: int = Field(default=1_000, ge=10, le=10_000, description=f"Rounds of resampling; {_OURS}.")
    both_bad: Literal["half", "drop"] = Field(default="half", description="Both bad: half a win each, or left out.")
    anchor: str = Field(default="", max_length=300, description=f"`NAME=VALUE`: a contender's fixed rating; {_OURS}.")
    at: int | None = Field(default=None, ge=1, lt=2**63, description=f"The ledger position that is rated; {_OURS}.")

    def request(self) -> BoardRequest:
        """The request for the leaderboard service. Raises BadInput for an anchor that cannot be used."""
        return BoardRequest(
            method=self.method,
            rounds=self.bootstrap,
            seed=self.seed,
            level=self.level,
            anchor=read_anchor(self.anchor) if self.anchor else None,
            source=self.source,
            both_bad=self.both_bad,
            by=self.by or None,
            at=self.at,
        )


def board_request(here: Context, who: Caller, study: Study, query: BoardQuery) -> BoardRequest:
    """What is asked for. Raises BadInput for settings that cannot be used, or not by this caller.

    Two boards one entry of the ledger apart tell what the vote between them was, and a setting with many values makes
    work without end: both are for those who analyse the study.
    """
    if not who.analyses(study):
        changed = query.model_fields_set & {"at", "seed", "bootstrap", "anchor"}
        if kept := sorted(name for name in changed if getattr(query, name) != BoardQuery.model_fields[name].default):
            raise BadInput(f"{', '.join(kept)}: only for the study's analysts and admins; leave it out")
        if query.level not in LEVELS:
            raise BadInput(
                f"level: one of {', '.join(map(str, LEVELS))}; others are for the study's analysts and admins"
            )
        if query.source != HUMAN and query.source not in sources(here, study):
            raise BadInput(f"source: the study has no votes from '{query.source}'")
    return query.request()


def sources(here: Context, study: Study) -> set[str]:
    """Whose votes the study has."""
    return {count.source for count in studies.overview(here.db, study).sources}


def computed(here: Context, study: Study, request: BoardRequest) -> tuple[Board, Groups]:
    """The board that is asked for and those of its groups. Raises BadInput or Conflict where the votes give none."""

    def compute() -> tuple[Board, Groups]:
        if request.by:
            return leaderboard.grouped(here.db, study, request)
        return leaderboard.board(here.db, study, request), {}

    found: tuple[Board, Groups] = here.boards.get((study.id, studies.head(here.db, study.id), request), compute)
    return found
