"""A rater's own record: the votes with their receipts, a correction of one, and leaving the study."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Form, Query
from starlette.background import BackgroundTask
from starlette.responses import HTMLResponse, RedirectResponse

from arena.domain.access import Seat
from arena.domain.blinding import BlindMatchup
from arena.domain.plan import WithdrawalRule
from arena.domain.vocabulary import CannotJudgeReason, StudyState
from arena.errors import ArenaError, BadInput, Conflict, NotFound
from arena.services import erasure, record, studies, voting
from arena.web.ballots import Filled, FilledForm, check_token
from arena.web.context import Context, Here, see_other
from arena.web.pages import sentence
from arena.web.sessions import RATER_COOKIE, MaybeRater, RaterSeat

router = APIRouter(include_in_schema=False)
_BY_HAND = "run `arena db scrub`"


@router.get("/receipt", response_model=None)
def receipts(
    here: Here, seat: RaterSeat, receipt: Annotated[str, Query(max_length=200)] = ""
) -> HTMLResponse | RedirectResponse:
    """The rater's own votes, and whether a receipt is that of one of them."""
    if not seat.consented:
        return see_other("/consent")
    study = studies.by_id(here.db, seat.study_id)
    own = record.own_votes(here.db, seat)
    found, problem = None, None
    if receipt.strip():
        try:
            found = record.find_receipt(own, receipt)
        except (BadInput, NotFound) as error:
            problem = error
    return here.pages(
        "receipt.html",
        problem.status if problem else 200,
        study=study,
        seat=seat,
        own=own,
        asked=receipt.strip(),
        found=found,
        is_change=found is not None and found.corrected is not None and found.corrected.hash in receipt.lower(),
        problem=sentence(str(problem)) if problem else None,
        can_correct=study.state is StudyState.OPEN,
        head=studies.head(here.db, seat.study_id),
    )


@router.get("/correct/{token}", response_model=None)
def correction_page(here: Here, seat: RaterSeat, token: str) -> HTMLResponse:
    """Show a pair again that the rater voted on, as blind as it was."""
    check_token(token)
    matchup, ballot = record.shown_again(here.db, seat, token)
    return _page(here, seat, matchup, Filled.again(ballot))


@router.post("/correct", response_model=None)
def correct(here: Here, seat: RaterSeat, form: FilledForm) -> HTMLResponse | RedirectResponse:
    """Record the correction; what cannot be recorded comes back with the reason."""
    try:
        saved = record.correct(here.db, seat, form.ballot(), now=here.now)
    except BadInput as problem:
        matchup, _ = record.shown_again(here.db, seat, form.token)
        return _page(here, seat, matchup, form, problem=sentence(str(problem)))
    except Conflict:
        now = voting.sitting(here.db, seat)
        if now.study.state is StudyState.OPEN:
            raise
        view = {"study": now.study, "progress": now.progress, "comment": form.comment, "is_change": True}
        return here.pages("late.html", Conflict.status, **view)
    return see_other(f"/receipt?receipt={saved.position}%3A{saved.hash}")


@router.get("/withdraw")
def withdrawal_page(here: Here, seat: RaterSeat) -> HTMLResponse:
    """Say what leaving the study means."""
    return _withdrawal_page(here, seat)


@router.post("/withdraw", response_model=None)
def withdraw(here: Here, seat: RaterSeat, sure: Annotated[str, Form()] = "") -> HTMLResponse | RedirectResponse:
    """Erase who the rater is, and close the seat; the erased texts are overwritten after the answer."""
    if sure != "yes":
        return _withdrawal_page(here, seat, problem="Tick the box first: this cannot be undone.")
    erasure.withdraw(here.db, seat.study_name, seat.pseudonym, now=here.now, actor=seat.pseudonym)
    # Said before the work: who finds no line after it knows that the server was stopped in between.
    structlog.get_logger("arena.web").info("erased texts are being overwritten; if no outcome follows, " + _BY_HAND)
    response = see_other("/withdrawn")
    response.delete_cookie(RATER_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    response.background = BackgroundTask(_scrub, here)
    return response


@router.get("/withdrawn", response_model=None)
def withdrawn(here: Here, seat: MaybeRater) -> HTMLResponse | RedirectResponse:
    """Confirm it to one who is nobody any more; whoever has a seat has not left."""
    return see_other("/vote") if seat else here.pages("withdrawn.html")


def _scrub(here: Context) -> None:
    log = structlog.get_logger("arena.web")
    try:
        remains = erasure.scrub(here.db)
    except ArenaError as error:
        remains = [str(error)]
    except Exception as error:
        # The answer is given: nobody but the log can be told, and of the words that are to go nothing may be in it.
        remains = [f"the overwriting broke off ({type(error).__name__})"]
    for where in remains:
        log.warning(f"erased texts may be left in the database's files; {_BY_HAND}", where=where)
    if not remains:
        log.info("erased texts are overwritten")


def _page(
    here: Context, seat: Seat, matchup: BlindMatchup, form: Filled, *, problem: str | None = None
) -> HTMLResponse:
    study = studies.by_id(here.db, seat.study_id)
    return here.pages(
        "correct.html",
        422 if problem else 200,
        matchup=matchup,
        choices=study.plan.choices,
        reasons=list(CannotJudgeReason),
        problem=problem,
        chosen=form.choice,
        given_reason=form.reason,
        comment=form.comment,
    )


def _withdrawal_page(here: Context, seat: Seat, *, problem: str | None = None) -> HTMLResponse:
    study = studies.by_id(here.db, seat.study_id)
    own = record.own_votes(here.db, seat) if seat.consented else []
    return here.pages(
        "withdraw.html",
        422 if problem else 200,
        study=study,
        seat=seat,
        foreseen=erasure.foreseen(here.db, study.name, seat.pseudonym),
        excluded=sum(vote.excluded is not None for vote in own),
        votes_go=study.plan.withdrawal is WithdrawalRule.WITHDRAW_VOTES,
        problem=problem,
    )
