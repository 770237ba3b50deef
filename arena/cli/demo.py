"""`arena demo`."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

import typer

from arena import sample
from arena.cli.access import link
from arena.cli.common import now, opened, say, write
from arena.cli.serve import listening, run
from arena.cli.study import read_plan
from arena.domain.vocabulary import Role
from arena.errors import Conflict, Incomplete
from arena.services import access, imports, studies
from arena.services.files import Records, read_records
from arena.settings import Settings
from arena.store.engine import Database

STUDY = "sample"
DATABASE = "demo.db"


def demo(port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 8000) -> None:
    """Serve the sample study from the SQLite database demo.db in the working directory, and print the links to open.

    Its contenders are fictitious and its votes simulated. Delete demo.db to begin anew.

    Example: arena demo --port 8001
    """
    with _socket(port) as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        settings = Settings(database_url=f"sqlite:///{Path(DATABASE).absolute()}", public_url=url, trusted_proxies=())
        with opened(create=True, settings=settings) as db:
            if STUDY not in {study.name for study in studies.listed(db)}:
                load(db)
            rater, analyst = (_link(db, settings, role) for role in (Role.RATER, Role.ANALYST))
            write(f"Clinical Arena      {url}\nA rater's link      {rater}\nThe leaderboard     {analyst}\n")
            say("Open the leaderboard's link in a private window: a browser that votes is not shown the board.")
            say("The links work once each; run the demo again for new ones. Ctrl-C stops it. Not for clinical use.")
            say(f"For other commands on this database: export ARENA_DATABASE_URL={settings.database_url}")
            run(settings, db, sock)


def load(db: Database) -> None:
    """Make the sample study: invented questions, fictitious contenders, simulated votes; and open it."""
    plan = read_plan(sample.path("plan.toml"))
    studies.create(db, name=STUDY, title="Sample study of fictitious contenders", plan=plan, now=now())
    imports.import_questions(db, STUDY, _file("questions.jsonl"), now=now())
    imports.import_answers(db, STUDY, _file("answers.jsonl"), now=now())
    imports.import_votes(db, STUDY, _file("votes.jsonl"), source="human", now=now())
    studies.open_(db, STUDY, now=now())


def _file(name: str) -> Records:
    return read_records(sample.path(name), name=name)


def _socket(port: int) -> socket.socket:
    try:
        return listening("127.0.0.1", port)
    except Incomplete:
        say(f"port {port} is taken; using another")
        return listening("127.0.0.1", 0)


def _link(db: Database, settings: Settings, role: Role) -> str:
    name, days = f"Demo {role}", settings.invitation_days
    try:
        issued = access.invite(db, STUDY, role=role, name=name, days=days, now=now())
    except Conflict:
        issued = access.renew(db, STUDY, role=role, name=name, days=days, now=now())
    return link(settings.public_url, issued.secret)
