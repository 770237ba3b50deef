"""Faults at system calls: strace breaks one call of one vote, and what is left is judged."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from arena.domain.access import Seat
from arena.domain.blinding import Ballot
from arena.domain.vocabulary import Choice
from arena.errors import ArenaError
from arena.services import backup, voting
from arena.store.engine import Database
from tests.reliability import driver
from tests.reliability.crowd import PATIENCE
from tests.reliability.server import PROCESSES
from tests.studies import later

FAULTS = ("error=EIO", "error=ENOSPC", "signal=SIGKILL")
_CALL = re.compile(r"(?:\d+ +)?(\w+)\(")


@dataclass(frozen=True)
class Call:
    """A system call of one vote: its name, and how many of that name there were up to it."""

    name: str
    number: int


@dataclass(frozen=True)
class Outcome:
    """What a driver said, whether the fault was put in, and the calls that were traced."""

    said: tuple[str, ...]
    exitcode: int | None
    was_hit: bool
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Driver:
    """How the vote is cast: the arena's way, or a control's."""

    cast: driver.Cast = driver.honest
    keeps: bool = False
    early: bool = False


HONEST = Driver()


def need_strace() -> None:
    """Pass the test over where there is no strace; under CI it is a failure."""
    if shutil.which("strace") is None:
        assert not os.environ.get("CI"), "continuous integration must have strace"
        pytest.skip("needs strace")


def ballot(db: Database, seat: Seat) -> Ballot:
    """A ballot, with a comment, for the rater's next matchup."""
    matchup = voting.next_matchup(db, seat, now=later(1))
    assert matchup is not None
    return Ballot(matchup.token, Choice.B_BETTER, comment="the dose is wrong")


def vote(
    url: str,
    seat: Seat,
    given: Ballot,
    log: Path,
    *tracing: str,
    how: Driver = HONEST,
    of_server: bool = False,
) -> Outcome:
    """Cast one vote in a process of its own, traced by strace with the options `tracing`.

    With `of_server` it is the connection's PostgreSQL process that is traced.
    """
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(
        target=driver.drive, args=(url, seat, given, how.cast, how.keeps, how.early, theirs), daemon=True
    )
    process.start()
    theirs.close()
    pid, backend = ours.recv()
    argv = ["strace", "-qq", "-y", "-o", str(log), "-p", str(backend if of_server else pid), *tracing]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as tracer:
        _wait_for_tracer(backend if of_server else pid, tracer)
        ours.send("go")
        said = _heard(ours, process)
        process.join(PATIENCE)
        if of_server:
            tracer.terminate()
        tracer.wait(PATIENCE)
    ours.close()
    traced = log.read_text(errors="replace")
    return Outcome(said, process.exitcode, "(INJECTED)" in traced or "SIGKILL" in traced, _calls(traced))


def _wait_for_tracer(pid: int, tracer: subprocess.Popen[str]) -> None:
    status = Path(f"/proc/{pid}/status")
    while f"\nTracerPid:\t{tracer.pid}\n" not in status.read_text():
        assert tracer.poll() is None, f"strace: {tracer.stderr.read() if tracer.stderr else ''}"


def _heard(pipe: Any, process: BaseProcess) -> tuple[str, ...]:
    said = []
    try:
        while pipe.poll(PATIENCE):
            said.append(pipe.recv())
    except (EOFError, ConnectionResetError):
        return tuple(said)
    process.kill()
    return (*said, "hung")


def _calls(traced: str) -> tuple[Call, ...]:
    counts: dict[str, int] = {}
    calls = []
    for line in traced.splitlines():
        found = _CALL.match(line)
        if found:
            counts[found[1]] = counts.get(found[1], 0) + 1
            calls.append(Call(found[1], counts[found[1]]))
    return tuple(calls)


def wrongs(db: Database, seat: Seat, given: Ballot, outcome: Outcome) -> list[str]:
    """What is not as it must be after a vote that may have been broken; it is cast again to see that it can be."""
    found = []
    if not outcome.said and outcome.exitcode != -signal.SIGKILL:
        found.append("ended without a word for people")
    if "hung" in outcome.said:
        found.append("hung")
    rows, entries = _counts(db, given)
    if rows != entries:
        found.append(f"{rows} rows and {entries} ledger entries")
    if "acknowledged" in outcome.said and not rows:
        found.append("acknowledged and not stored")
    try:
        backup.audited(db)
        first = voting.cast_vote(db, seat, given, now=later(9))
        if voting.cast_vote(db, seat, given, now=later(9)) != first or _counts(db, given) != (1, 1):
            found.append("cast again, it is not one vote")
        backup.audited(db)
    except ArenaError as error:
        found.append(str(error))
    return found


def _counts(db: Database, given: Ballot) -> tuple[int, int]:
    """How many votes on the ballot's matchup there are in the table, and in the ledger."""
    query = text("SELECT count(*) FROM vote JOIN matchup ON matchup.id = vote.matchup_id WHERE token = :token")
    in_ledger = text(
        "SELECT count(*) FROM ledger_entry JOIN matchup ON matchup.token = :token WHERE kind = 'vote' "
        "AND body LIKE '%\"matchup\":' || matchup.seq || ',%'"
    )
    with db.read() as tx:
        token = {"token": given.token}
        return tx.execute(query, token).scalar_one(), tx.execute(in_ledger, token).scalar_one()


def injected(call: Call, fault: str) -> Sequence[str]:
    """strace's options that put a fault into one call."""
    return ("-e", f"trace={call.name}", "-e", f"inject={call.name}:{fault}:when={call.number}")
