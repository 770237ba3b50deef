"""A rater's pages: consent, vote, thanks. Nothing here reads a desk seat; no view names a contender before a vote."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import HTMLResponse, RedirectResponse

from arena.domain.access import Seat
from arena.domain.blinding import BlindMatchup, Sitting
from arena.domain.vocabulary import CannotJudgeReason, StudyState
from arena.errors import BadInput, Conflict, NotFound
from arena.services import access, studies, voting
from arena.web.ballots import Filled, FilledForm
from arena.web.context import Context, Here, see_other
from arena.web.pages import sentence
from arena.web.sessions import RaterSeat

router = APIRouter(include_in_schema=False)


@router.get("/consent", response_model=None)
def consent_page(here: Here, seat: RaterSeat) -> HTMLResponse | RedirectResponse:
    """Say what taking part means."""
    if seat.consented:
        return see_other("/vote")
    return here.pages("consent.html", seat=seat, study=studies.by_id(here.db, seat.study_id))


@router.post("/consent")
def consent(here: Here, seat: RaterSeat) -> RedirectResponse:
    """Record the consent and issue the first matchup."""
    seat = access.consent(here.db, seat, now=here.now)
    _issue(here, seat)
    return see_other("/vote")


@router.post("/vote/next")
def next_pair(here: Here, seat: RaterSeat) -> RedirectResponse:
    """Issue the next matchup, where the study is open and one is left."""
    if seat.consented:
        _issue(here, seat)
    return see_other("/vote")


@router.get("/vote", response_model=None)
def vote_page(here: Here, seat: RaterSeat) -> HTMLResponse | RedirectResponse:
    """Show the open matchup; where none is open, how to get one, or thanks."""
    if not seat.consented:
        return see_other("/consent")
    now = voting.sitting(here.db, seat)
    if now.matchup:
        return _ballot_page(here, now, now.matchup)
    return here.pages(
        "done.html",
        study=now.study,
        progress=now.progress,
        waiting=now.study.state is StudyState.OPEN and now.progress.remaining > 0,
        receipt=now.receipt,
        reveals=voting.reveals(here.db, seat),
    )


@router.post("/vote", response_model=None)
def vote(here: Here, seat: RaterSeat, form: FilledForm) -> HTMLResponse | RedirectResponse:
    """Record a vote; what cannot be recorded comes back with its comment and the reason beside the choices."""
    if not seat.consented:
        return see_other("/consent")
    try:
        voting.cast_and_go_on(here.db, seat, form.ballot(), now=here.now)
    except BadInput as problem:
        now = voting.sitting(here.db, seat)
        if now.matchup is None or now.matchup.token != form.token:
            raise NotFound(voting.NO_PAIR) from problem
        return _ballot_page(here, now, now.matchup, problem=sentence(str(problem)), form=form)
    except Conflict:
        now = voting.sitting(here.db, seat)
        if now.study.state is StudyState.OPEN:
            raise
        return here.pages("late.html", Conflict.status, study=now.study, progress=now.progress, comment=form.comment)
    return see_other("/vote")


def _issue(here: Context, seat: Seat) -> None:
    """Issue the next matchup; where the study is not open the voting page says why there is none."""
    try:
        voting.next_matchup(here.db, seat, now=here.now)
    except Conflict:
        return


def _ballot_page(
    here: Context, now: Sitting, matchup: BlindMatchup, *, problem: str | None = None, form: Filled | None = None
) -> HTMLResponse:
    form = form or Filled()
    return here.pages(
        "vote.html",
        422 if problem else 200,
        matchup=matchup,
        choices=now.study.plan.choices,
        reasons=list(CannotJudgeReason),
        progress=now.progress,
        receipt=None if problem else now.receipt,
        problem=problem,
        chosen=form.choice,
        given_reason=form.reason,
        comment=form.comment,
    )
