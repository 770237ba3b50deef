"""`arena study`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from arena import settings as configuration
from arena.cli.answers import looked_through
from arena.cli.common import count, now, opened, say, write
from arena.domain import plan as plans
from arena.domain.plan import Plan
from arena.domain.study import Act, Study
from arena.domain.text import printable
from arena.domain.views import Overview
from arena.errors import BadInput
from arena.reports.scan import provenance
from arena.services import exclusions, studies

LISTED = 20
"""Entries of excluded votes that are listed for each reason."""
Name = Annotated[str, typer.Argument(metavar="STUDY", help="The study's name.", show_default=False)]


def create(
    name: Annotated[str, typer.Argument(metavar="STUDY", help="A short name: a-z, 0-9, - and _.", show_default=False)],
    title: Annotated[str, typer.Option(help="The title that raters and readers see.", show_default=False)],
    plan: Annotated[Path | None, typer.Option(help="The study's settings, as TOML.", show_default=False)] = None,
) -> None:
    """Create a study as a draft; the database is created or upgraded first.

    Example: arena study create kqa --title "K-QA" --plan plan.toml
    """
    settings = read_plan(plan) if plan else Plan()
    with opened(create=True) as db:
        study = studies.create(db, name=name, title=title, plan=settings, now=now())
    say(f"created the study '{study.name}'; next: arena import questions FILE --study {study.name}")


def read_plan(path: Path) -> Plan:
    """Read a plan from a file. Raises BadInput naming the file."""
    try:
        return plans.from_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text (byte {error.start})") from error
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def list_() -> None:
    """List the studies: name, state, title.

    Example: arena study list
    """
    with opened() as db:
        found = studies.listed(db)
    if not found:
        say('there is no study yet; begin with: arena study create NAME --title "…"')
    for study in found:
        write(f"{study.name}\t{study.state}\t{printable(study.title)}\n")


def show(
    name: Name,
    answers: Annotated[
        bool, typer.Option("--answers", help="Where each contender's answers come from; not for raters' eyes.")
    ] = False,
) -> None:
    """Show what is in a study, and where it stands; with --answers, where each contender's answers come from.

    Example: arena study show kqa
    """
    with opened() as db:
        if answers:
            write(provenance(looked_through(db, studies.get(db, name)).rows))
            return
        view = studies.overview(db, studies.get(db, name))
        excluded = exclusions.excluded(db, view.study)
    lines = [
        f"study       {view.study.name}: {printable(view.study.title)}",
        f"state       {view.study.state}",
        f"content     {count(view.questions, 'question')}, {count(view.contenders, 'contender')}, "
        f"{count(view.answers, 'answer')}",
        f"plan        {count(view.pairings, 'pairing')}, {_coverage(view)}",
        f"raters      {view.raters:,} who have voted",
    ]
    for source in view.sources:
        notes = f"{source.cannot_judge:,} could not judge"
        notes += f", {source.simulated:,} simulated" if source.simulated else ""
        notes += f", {source.set_aside:,} excluded or withdrawn" if source.set_aside else ""
        lines.append(f"votes       {count(source.votes, 'vote')} from {printable(source.source)} ({notes})")
    for reason, entries in sorted(excluded.items()):
        more = f" and {len(entries) - LISTED:,} more" if len(entries) > LISTED else ""
        lines.append(f"excluded    {', '.join(map(str, entries[:LISTED]))}{more}: {printable(reason)}")
    lines.append(f"ledger      {view.head.position}:{view.head.hash}")
    write("\n".join(lines) + "\n")


def open_(name: Name) -> None:
    """Open a study for votes: its plan is committed to the ledger and its pairings are made.

    Example: arena study open kqa
    """
    with opened() as db:
        study = studies.open_(db, name, now=now())
        view = studies.overview(db, study)
    if view.unpaired:
        none = f"{count(view.unpaired, 'question')} of {view.questions:,}"
        say(f"note: {none} will be shown to nobody: fewer than two contenders have answered")
    say(f"'{name}' is open with {count(view.pairings, 'pairing')}; invite raters: {_invitation(study)}")


def close(name: Name) -> None:
    """Close a study: no more votes of raters are taken. It can be opened again.

    Example: arena study close kqa
    """
    with opened() as db:
        view = studies.overview(db, studies.close(db, name, now=now()))
    say(f"'{name}' is closed with {_coverage(view)}; next: arena study publish {name}, or open it again")


def publish(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first; a pipe is never asked.")] = False,
) -> None:
    """Publish a closed study: its boards are public from now on. This cannot be undone.

    Example: arena study publish kqa
    """
    settings = configuration.load()
    with opened(settings=settings) as db:
        study = studies.get(db, name)
        study.allow(Act.PUBLISH)
        view = studies.overview(db, study)
        say(f"'{name}' has {_coverage(view)}, by {count(view.raters, 'rater')}; all its boards become public for good")
        if not yes and sys.stdin.isatty():
            typer.confirm("Publish it?", abort=True, err=True)
        studies.publish(db, name, now=now())
    say(f"'{name}' is published: {settings.public_url}/leaderboard?study={name}")


def _coverage(view: Overview) -> str:
    return f"{view.filled:,} of {count(view.places, 'place')} voted on"


def plan_show(name: Name) -> None:
    """Write a study's plan as TOML.

    Example: arena study plan show kqa > plan.toml
    """
    with opened() as db:
        write(plans.to_toml(studies.get(db, name).plan))


def plan_set(
    name: Name,
    settings: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE…", help="Settings to change.", show_default=False)
    ],
    reason: Annotated[str | None, typer.Option(help="Why; needed once the study is open.", show_default=False)] = None,
) -> None:
    """Change a study's plan: freely while it is a draft, later with a reason that the ledger keeps.

    Example: arena study plan set kqa raters_per_pairing=3 reveal=when_published
    """
    with opened() as db:
        study = studies.change_plan(db, name, settings, reason=reason, now=now())
    say(f"the plan of '{name}' has the digest {study.plan.digest}")


def _invitation(study: Study) -> str:
    return f'arena invite --study {study.name} --role rater --name "…"'
