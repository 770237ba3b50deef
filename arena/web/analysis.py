"""How far a study's leaderboard can be relied on: one page of analyses, each computed once for every ledger head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query
from numpy.linalg import LinAlgError
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse

from arena.domain.study import Study
from arena.domain.views import Overview
from arena.domain.vocabulary import HUMAN
from arena.errors import BadInput, Conflict, Incomplete
from arena.ratings.agreement.result import Agreement
from arena.ratings.covariates import Controlled
from arena.ratings.fragility.result import Fragility
from arena.ratings.prediction_powered.result import Combined
from arena.ratings.raters import Raters
from arena.ratings.settled import Settled
from arena.services import agreement, combine, counted, fragility, planning, raters, studies, style
from arena.services.agreement import AgreementRequest
from arena.services.combine import CombineRequest
from arena.services.counted import Counted
from arena.web.asked import DeskCaller, readable_study
from arena.web.context import Context, Here
from arena.web.findings.order import first_place, settling
from arena.web.findings.people import agreeing, on_raters
from arena.web.findings.ratings import in_style, together
from arena.web.findings.section import Absent, Section, each_once
from arena.web.pages import sentence

T = TypeVar("T")

MOST_VOTES = 20_000
"""Votes, and answers, above which nothing is computed for a page. The command has no such bound."""
MOST_CONTENDERS = 60
TOO_LARGE = f"With more than {MOST_VOTES:,} votes or answers, or {MOST_CONTENDERS} contenders, this is not for a page."
LEVEL = 0.95
ROUNDS = 1_000
CONTROLLED = ("length", "position")
LEAST_RATERS = 3
"""Raters below whom none can be told from the others."""
LEAST_STYLED = 30
"""Votes below which length and side can tell every vote, so that no effect can be estimated."""

router = APIRouter(include_in_schema=False)


class AnalysisQuery(BaseModel):
    """What is asked for in the address of the page."""

    model_config = ConfigDict(extra="ignore")

    study: str = ""
    source: str = Field(default="", max_length=210, description="Whose votes; by default people's, where they voted.")
    judge: str = Field(default="", max_length=210, description="The judge beside people; by default the first.")


@dataclass(frozen=True)
class Asked:
    """The study, whose votes of it, which judge beside people, and whether the reader analyses the study."""

    here: Context
    study: Study
    overview: Overview
    source: str
    judge: str | None
    named: bool

    def section(
        self, name: str, sources: tuple[str, ...], compute: Callable[[], T], show: Callable[[T], Section]
    ) -> Section | Absent:
        """A section on the votes of `sources`, or of all: from what is kept, or computed now; or why there is none."""
        votes = sum(count.votes for count in self.overview.sources if not sources or count.source in sources)
        if max(votes, self.overview.answers) > MOST_VOTES or self.overview.contenders > MOST_CONTENDERS:
            return Absent(TOO_LARGE, f"arena {name} --study {self.study.name}" if self.named else "")
        key = (name, self.study.id, studies.head(self.here.db, self.study.id), sources)
        try:
            found: T = self.here.boards.get(key, lambda: _completed(compute))
        except (BadInput, Conflict) as reason:
            return Absent(sentence(str(reason)))
        return show(found)

    def votes(self, source: str | None = None) -> Counted:
        """The votes that count. Raises Conflict where there are none."""
        found = counted.of_study(self.here.db, self.study, source or self.source)
        found.require_votes()
        return found


def _completed(compute: Callable[[], T]) -> T:
    """What is computed. What the same votes can never complete is a Conflict, which is told and kept."""
    try:
        return compute()
    except (Incomplete, LinAlgError) as reason:
        raise Conflict("this could not be computed from these votes") from reason


@router.get("/analysis")
def analysis_page(here: Here, who: DeskCaller, query: Annotated[AnalysisQuery, Query()]) -> HTMLResponse:
    """The analyses of a study that is published, or that the desk seat belongs to; no rater but for analysts."""
    study = readable_study(here, who, query.study)
    asked = _asked(here, study, query, named=who.analyses(study))
    shown = _sections(asked) if asked.overview.votes else {}
    return here.pages(
        "analysis.html",
        study=study,
        desk=who.role is not None,
        named=asked.named,
        source=asked.source,
        sources=tuple(count.source for count in asked.overview.sources),
        judge=asked.judge,
        judges=_judges(asked.overview),
        votes=asked.overview.votes,
        simulated=sum(count.simulated for count in asked.overview.sources),
        sections=shown,
        warnings=dict(zip(shown, each_once(list(shown.values())), strict=True)),
    )


def _asked(here: Context, study: Study, query: AnalysisQuery, *, named: bool) -> Asked:
    """What the query says, of what there is. Raises BadInput for a source without votes: what is kept is bounded."""
    overview = studies.overview(here.db, study)
    judges, sources = _judges(overview), [count.source for count in overview.sources]
    for name, given, known in (("source", query.source, sources), ("judge", query.judge, judges)):
        if given and given not in known:
            raise BadInput(f"{name}: the study has no votes from '{given}'")
    usual = HUMAN if HUMAN in sources or not sources else sources[0]
    judge = (query.judge or judges[0]) if judges and HUMAN in sources else None
    return Asked(here, study, overview, query.source or usual, judge, named)


def _judges(overview: Overview) -> list[str]:
    return [count.source for count in overview.sources if count.source != HUMAN]


def _sections(asked: Asked) -> dict[str, Section | Absent]:
    """All that there is to say, by name. The report on raters is made for those only who may read it."""
    found = {"fragility": _fragility(asked), "agreement": _agreement(asked), "settled": _settled(asked)}
    if asked.named:
        found["raters"] = _raters(asked)
    if asked.judge is not None:
        found["combine"] = _combined(asked, asked.judge)
    found["style"] = _style(asked)
    return found


def _fragility(asked: Asked) -> Section | Absent:
    def compute() -> Fragility:
        return fragility.of_counted(asked.votes(), pair=None, both_bad="half")

    return asked.section("fragility", (asked.source,), compute, lambda found: first_place(found, named=asked.named))


def _agreement(asked: Asked) -> Section | Absent:
    def compute() -> Agreement:
        return agreement.of_study(asked.here.db, asked.study, AgreementRequest(rounds=ROUNDS, level=LEVEL))

    return asked.section("agreement", (), compute, agreeing)


def _settled(asked: Asked) -> Section | Absent:
    def compute() -> Settled:
        return planning.settled(asked.votes(), LEVEL, ())

    return asked.section("plan settled", (asked.source,), compute, settling)


def _raters(asked: Asked) -> Section | Absent:
    def compute() -> Raters:
        votes = asked.votes()
        if len(votes.votes.raters) < LEAST_RATERS:
            raise Conflict(f"raters can be compared where at least {LEAST_RATERS} have voted")
        return raters.of_counted(votes, rounds=ROUNDS, seed=0, level=LEVEL)[0]

    return asked.section("raters", (asked.source,), compute, on_raters)


def _combined(asked: Asked, judge: str) -> Section | Absent:
    def compute() -> Combined:
        return combine.combined(asked.votes(HUMAN), asked.votes(judge), CombineRequest(rounds=ROUNDS, level=LEVEL))

    return asked.section("combine", (HUMAN, judge), compute, together)


def _style(asked: Asked) -> Section | Absent:
    def compute() -> Controlled:
        votes = asked.votes()
        if len(votes) < LEAST_STYLED:
            raise Conflict(f"length and side can be told apart from chance with at least {LEAST_STYLED} votes")
        measured = style.of_counted(votes)
        return style.controlled(measured, style.texts_of(asked.here.db, asked.study), CONTROLLED, level=LEVEL)[0]

    return asked.section("style", (asked.source,), compute, in_style)
