"""Signing in and out. Two cookies keep a rater's seat and a desk seat apart in one browser."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse

from arena.domain.access import Seat
from arena.domain.study import BOARD_ROLES
from arena.domain.vocabulary import Role
from arena.errors import NotAllowed, NotFound, NotSignedIn
from arena.services import access, studies
from arena.web.context import Context, Here, see_other
from arena.web.pages import sentence

RATER_COOKIE = "__Host-arena-rater"
DESK_COOKIE = "__Host-arena-desk"

router = APIRouter(include_in_schema=False)


def rater_or_none(request: Request, here: Here) -> Seat | None:
    """The rater signed in by this browser, if any."""
    seat = _seat(request, here, RATER_COOKIE)
    return seat if seat and seat.role is Role.RATER else None


def desk_or_none(request: Request, here: Here) -> Seat | None:
    """The reviewer, analyst or admin signed in by this browser, if any."""
    seat = _seat(request, here, DESK_COOKIE)
    return seat if seat and seat.role is not Role.RATER else None


def _seat(request: Request, here: Context, cookie: str) -> Seat | None:
    secret = request.cookies.get(cookie)
    return access.seat_of(here.db, secret, now=here.now) if secret else None


MaybeRater = Annotated[Seat | None, Depends(rater_or_none)]
MaybeDesk = Annotated[Seat | None, Depends(desk_or_none)]


async def rater(seat: MaybeRater) -> Seat:
    """The rater signed in by this browser. Raises NotSignedIn."""
    if seat is None:
        raise NotSignedIn("Open the link in your invitation to sign in as a rater.")
    return seat


async def desk(seat: MaybeDesk) -> Seat:
    """The desk seat signed in by this browser. Raises NotSignedIn."""
    if seat is None:
        raise NotSignedIn("Open the link in your invitation to sign in.")
    return seat


async def analyst(seat: Annotated[Seat, Depends(desk)]) -> Seat:
    """A desk seat that sees boards and exports. Raises NotSignedIn or NotAllowed."""
    if seat.role not in BOARD_ROLES:
        raise NotAllowed("This is for analysts and admins of the study.")
    return seat


RaterSeat = Annotated[Seat, Depends(rater)]
DeskSeat = Annotated[Seat, Depends(desk)]


@router.get("/join/{secret}")
def invitation(secret: str, here: Here, rater: MaybeRater, desk: MaybeDesk) -> HTMLResponse:
    """Show what the link is for. Mail scanners open links, so that only the button redeems it."""
    try:
        found = access.look_up(here.db, secret, now=here.now)
    except NotFound as problem:
        return _no_link(here, rater, desk, problem)
    seat = rater if found.role is Role.RATER else desk
    study = studies.by_id(here.db, seat.study_id) if seat else None
    return here.pages("join.html", invitation=found, secret=secret, seat=seat, seat_title=study.title if study else "")


def _no_link(here: Context, rater: Seat | None, desk: Seat | None, problem: NotFound) -> HTMLResponse:
    """A link used before is often opened again by the one who used it: the way on is another page."""
    steps = [("/vote", "Continue judging")] * (rater is not None) + [("/desk", "Open the desk")] * (desk is not None)
    return here.pages(
        "error.html",
        problem.status,
        status=problem.status,
        heading="This link does not work",
        message=sentence(str(problem)) + (" You are signed in on this browser already." if steps else ""),
        next_steps=steps or [("/", "Start page")],
    )


@router.post("/join", response_model=None)
def join(
    request: Request, here: Here, rater: MaybeRater, desk: MaybeDesk, secret: Annotated[str, Form()]
) -> RedirectResponse | HTMLResponse:
    """Redeem the invitation: a new session under a new random value, and an end to the browser's old one."""
    try:
        value, seat = access.redeem(here.db, secret, now=here.now, hours=here.settings.session_hours)
    except NotFound as problem:
        return _no_link(here, rater, desk, problem)
    cookie, first_page = (RATER_COOKIE, "/consent") if seat.role is Role.RATER else (DESK_COOKIE, "/desk")
    old = request.cookies.get(cookie)
    if old:
        access.sign_out(here.db, old, now=here.now)
    response = see_other(first_page)
    response.set_cookie(
        cookie,
        value,
        max_age=here.settings.session_hours * 3600,
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/signed-out")
def signed_out(here: Here) -> HTMLResponse:
    """Say how to come back."""
    return here.pages("signed_out.html")


@router.post("/sign-out")
def sign_out(request: Request, here: Here, seat: Annotated[str, Form()] = "") -> RedirectResponse:
    """End the rater's or the desk's session in this browser, or both where neither is named."""
    response = see_other("/signed-out")
    for name, cookie in (("rater", RATER_COOKIE), ("desk", DESK_COOKIE)):
        secret = request.cookies.get(cookie)
        if seat in ("", name):
            response.delete_cookie(cookie, path="/", secure=True, httponly=True, samesite="lax")
            if secret:
                access.sign_out(here.db, secret, now=here.now)
    return response
