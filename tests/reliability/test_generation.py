"""`arena generate` killed again and again while its server fails: every answer once, and little asked for in vain."""

from __future__ import annotations

import os
import signal
import subprocess
import threading

import pytest
from sqlalchemy import func, select

from arena.contenders.catalogue import find
from arena.services import generation, studies
from arena.store import tables
from arena.store.engine import Database
from tests.backends.scripted import Answer, Body, completion, echo, serving
from tests.cli.running import COMMAND
from tests.conftest import MakeDatabase
from tests.scale import scaled
from tests.studies import NOW, draft

pytestmark = pytest.mark.reliability

NAME = "Llama3-8B-Instruct"
IN_FLIGHT = 16
QUESTIONS = scaled(80, 2000)
KILLS = scaled(3, 20)
HANG_SECONDS = 1


class Faulty:
    """Of 100 requests 20 are refused with 500, 10 hang; 5 each get broken JSON, no text, or megabytes of rubbish."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answered = 0
        self.failed = 0
        self.reached: dict[int, threading.Event] = {}

    def __call__(self, number: int, body: Body) -> Answer:
        place = number * 37 % 100
        with self.lock:
            self.answered += place >= 45
            self.failed += place < 45
            if number in self.reached:
                self.reached[number].set()
        if place < 20:
            return Answer(b"engine died", 500)
        if place < 30:
            return Answer(b"", hold=threading.Event())
        if place < 35:
            return Answer(b'{"choices": [')
        if place < 40:
            return completion(body, "")
        if place < 45:
            return Answer(b"\xff\x00" * 3_000_000)
        return echo(number, body)


def command(db: Database, url: str) -> subprocess.Popen[bytes]:
    options = ["--study", "s", "--base-url", url, "--concurrency", str(IN_FLIGHT), "--tries", "50"]
    address = db.engine.url.render_as_string(hide_password=False)
    return subprocess.Popen(
        [*COMMAND, "generate", *options, "--timeout", str(HANG_SECONDS)],
        env={**os.environ, "ARENA_DATABASE_URL": address},
        stderr=subprocess.PIPE,
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, make_db: MakeDatabase) -> Database:
    db = make_db(request.param)
    draft(db, questions=QUESTIONS)
    generation.add_contenders(db, "s", [find(NAME)], now=NOW)
    return db


def stored(db: Database) -> int:
    with db.read() as tx:
        contender = select(tables.Contender.id).where(tables.Contender.name == NAME)
        return tx.scalar(select(func.count()).where(tables.Answer.contender_id.in_(contender))) or 0


def test_every_answer_is_there_once_however_often_the_command_is_killed(filled: Database) -> None:
    faulty = Faulty()
    kills = 0
    with serving(faulty, models={NAME: 8192}) as there:
        for kill in range(1, KILLS + 1):
            faulty.reached = {len(there.asked) + QUESTIONS // KILLS // 2 + kill % 7: (reached := threading.Event())}
            process = command(filled, there.url)
            if not reached.wait(60):
                break
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
        process = command(filled, there.url)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said.decode()
    assert kills >= KILLS * 3 // 4
    assert stored(filled) == QUESTIONS
    wasted = len(there.asked) - QUESTIONS
    assert wasted <= kills * IN_FLIGHT + faulty.failed
    study = studies.get(filled, "s")
    assert generation.missing(filled, study)[0].questions == {}
