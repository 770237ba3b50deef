"""`arena invite`, `arena seat` and `arena token`."""

from __future__ import annotations

from typing import Annotated

import typer

from arena import settings as configuration
from arena.cli.common import StudyOption, now, opened, say, write
from arena.domain.text import printable
from arena.domain.vocabulary import Role
from arena.services import access, studies


def invite(
    study: StudyOption,
    role: Annotated[Role, typer.Option(help="What the seat allows.", show_default=False)],
    name: Annotated[str, typer.Option(help="Who it is for; kept apart from every vote.", show_default=False)],
    renew: Annotated[bool, typer.Option("--renew", help="A new link to the seat that this person has.")] = False,
) -> None:
    """Print a link to a seat in a study. It works once; opening it shows a button, pressing that redeems it.

    Example: arena invite --study kqa --role rater --name "Dr A. Example"
    """
    settings = configuration.load()
    make = access.renew if renew else access.invite
    with opened(settings=settings) as db:
        issued = make(db, study, role=role, name=name, days=settings.invitation_days, now=now())
    write(f"{link(settings.public_url, issued.secret)}\n")
    say(
        f"a link for {printable(name)} ({issued.pseudonym}), for one use, "
        f"valid until {issued.expires_at:%Y-%m-%d %H:%M} UTC"
    )


def link(public_url: str, secret: str) -> str:
    """The address that redeems an invitation."""
    return f"{public_url}/join/{secret}"


def seat_list(study: StudyOption) -> None:
    """List a study's seats: pseudonym, role, whether it is in use, and the name, where that was not erased.

    Example: arena seat list --study kqa
    """
    with opened() as db:
        rows = access.seats(db, study)
    if not rows:
        say(f"nobody has a seat in '{study}'; arena invite --study {study} --role rater --name \"…\" makes one")
    for row in rows:
        write(f"{row.seat.pseudonym}\t{row.seat.role}\t{row.state}\t{printable(row.name or '')}\n")


def seat_revoke(
    pseudonym: Annotated[str, typer.Argument(help="The seat, as `arena seat list` names it.", show_default=False)],
    study: StudyOption,
) -> None:
    """Close a seat: its sessions end and its links become worthless. Its votes stay.

    Example: arena seat revoke rater-abcd2345 --study kqa
    """
    with opened() as db:
        access.revoke_seat(db, study, pseudonym, now=now())
    say(f"the seat {pseudonym} is revoked")


def token_create(
    role: Annotated[Role, typer.Option(help="What the token allows.", show_default=False)],
    study: Annotated[str | None, typer.Option("--study", "-s", help="For one study only.", show_default=False)] = None,
    label: Annotated[str, typer.Option(help="What it is for, to tell tokens apart.")] = "api",
) -> None:
    """Print a token for the API. It is shown once.

    Example: curl -H "Authorization: Bearer $(arena token create --role analyst)" http://127.0.0.1:8000/api/v1/studies
    """
    settings = configuration.load()
    with opened(settings=settings) as db:
        issued = access.create_token(db, role=role, study_name=study, label=label, days=settings.token_days, now=now())
    write(f"{issued.secret}\n")
    say(f"{issued.pseudonym}: {role}, valid until {issued.expires_at:%Y-%m-%d %H:%M} UTC")


def token_list() -> None:
    """List the valid tokens: name, role, study, when each expires, label. The secrets are not kept.

    Example: arena token list
    """
    with opened() as db:
        rows = access.tokens(db, now=now())
        names = {study.id: study.name for study in studies.listed(db)}
    for token, expires_at in rows:
        scope = "all studies" if token.study_id is None else f"study {names[token.study_id]}"
        write(f"{token.name}\t{token.role}\t{scope}\t{expires_at:%Y-%m-%d %H:%M}\t{printable(token.label)}\n")


def token_revoke(
    name: Annotated[str, typer.Argument(help="The token, as `arena token list` names it.", show_default=False)],
) -> None:
    """Make a token worthless.

    Example: arena token revoke token-1a2b3c4d
    """
    with opened() as db:
        access.revoke_token(db, name, now=now())
    say(f"{name} is revoked")
