"""Hostile texts in every field, followed to where they come out again: CSV, terminal, log, Markdown, JSON.

Pages are judged in `test_render` and, by a real browser, in `tests/browser/test_hostile`. The arena makes no prompt for
a judge yet: there is none to look at.
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

import polars as pl
import pytest
import structlog
from markdown_it import MarkdownIt

from arena.domain.plan import Plan
from arena.domain.study import check_title
from arena.domain.text import csv_restore, printable, refused_character
from arena.domain.vocabulary import Role
from arena.errors import BadInput, BadRecords
from arena.ratings import Board, rate
from arena.reports import tables
from arena.services import access, exports, imports, studies
from arena.services.exports import What
from arena.services.files import Limits, Records, read_records
from arena.services.files.raw import MAX_NAME_CHARS
from arena.store.engine import Database
from arena.web.logs import configure
from tests.cli.running import Shell
from tests.conftest import MakeDatabase
from tests.scale import scaled
from tests.studies import NOW
from tests.web.hostile import HOSTILE, UNSTORABLE

STORABLE = [text for text in HOSTILE if text.strip() and not refused_character(text)]
ONE_LINE = [text for text in STORABLE if text.splitlines() == [text] and text == text.strip()]
NAMES = [text for text in ONE_LINE if len(text) <= MAX_NAME_CHARS]
SIGNS = tuple("=+-@\t\r\n＝＋－＠")


def records(rows: list[dict[str, Any]]) -> Records:
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    return read_records(io.BytesIO(lines.encode()), name="rows", file_format="jsonl", limits=Limits())


def titled(text: str) -> bool:
    try:
        check_title(text)
    except BadInput:
        return False
    return True


def hostile_study(db: Database) -> None:
    """Each text as question, context, reference, answer and comment; each that can be one as a name of anything."""
    studies.create(db, name="s", title="<b>=Title</b> {{ 7 * 7 }}", plan=Plan(), now=NOW)
    questions = [
        {
            "id": f"q{i}",
            "text": text,
            "context": text,
            "reference": text,
            "must_have": [text],
            "category": NAMES[i % len(NAMES)],
            "source": NAMES[-i % len(NAMES)],
            "note": text,
        }
        for i, text in enumerate(STORABLE)
    ]
    pairs = [(NAMES[i % len(NAMES)], NAMES[(i + 1) % len(NAMES)]) for i in range(len(STORABLE))]
    answers = [
        {"question_id": f"q{i}", "contender": name, "text": text, "prompt": text}
        for i, text in enumerate(STORABLE)
        for name in pairs[i]
    ]
    votes = [
        {
            "id": f"v{i}",
            "question_id": f"q{i}",
            "model_a": pairs[i][0],
            "model_b": pairs[i][1],
            "winner": ("model_a", "model_b", "tie", "both_bad")[i % 4],
            "judge": NAMES[i % len(NAMES)],
            "comment": text,
            "remark": text,
        }
        for i, text in enumerate(STORABLE)
    ]
    imports.import_questions(db, "s", records(questions), now=NOW)
    imports.import_answers(db, "s", records(answers), now=NOW)
    imports.import_votes(db, "s", records(votes), source="human", now=NOW)
    studies.open_(db, "s", now=NOW)


def test_there_are_many_texts() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 200
    assert len(STORABLE) > 250
    assert len(NAMES) > 100


# CSV


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_csv_export_holds_no_formula_and_gives_every_text_back(make_db: MakeDatabase, kind: str) -> None:
    """By the readers of the standard library and of polars, against the JSON lines of the same export."""
    db = make_db(kind)
    hostile_study(db)
    kinds: tuple[What, ...] = ("questions", "answers", "votes")
    for what in kinds:
        data, lines = exported(db, what, "csv"), exported(db, what, "jsonl")
        read = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
        frame = pl.read_csv(io.BytesIO(data), infer_schema=False, empty_string_is_null=False).fill_null("")
        originals = [json.loads(line) for line in lines.decode().split("\n") if line]
        assert len(read) == frame.height == len(originals) >= len(STORABLE)
        for row, other, original in zip(read, frame.iter_rows(named=True), originals, strict=True):
            assert row == other
            assert not [cell for cell in row.values() if cell.startswith(SIGNS)]
            assert {name: csv_restore(cell) for name, cell in row.items()} == plain(original)


def exported(db: Database, what: What, file_format: Any) -> bytes:
    target = io.BytesIO()
    exports.export(db, studies.get(db, "s"), what, target, file_format)
    return target.getvalue()


def plain(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: cell_text(value) for name, value in row.items()}


def cell_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@cache
def board() -> Board:
    """A board of all names."""
    votes = {"model_a": NAMES, "model_b": [*NAMES[1:], NAMES[0]], "winner": ["tie"] * len(NAMES)}
    return rate(votes, rounds=10, method="elo")


def test_the_csv_of_a_board_holds_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(tables.board_csv(board()), newline="")))
    assert {csv_restore(row["model"]) for row in rows} == set(NAMES)
    # A number may be negative: only what is text is kept from looking like one.
    assert not [row["model"] for row in rows if row["model"].startswith(SIGNS)]


# Terminal


def steering(text: str) -> set[str]:
    """Characters that a terminal acts upon, that turn the text, or that cannot be seen; not line ends and tabs."""
    return {c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}


def test_no_command_prints_what_steers_a_terminal(make_db: MakeDatabase, tmp_path: Any) -> None:
    db = make_db("sqlite")
    hostile_study(db)
    titles = [text for text in STORABLE if titled(text)]
    for i, text in enumerate(titles):
        studies.create(db, name=f"t{i}", title=text, plan=Plan(), now=NOW)
        access.invite(db, "s", role=Role.RATER, name=text, days=1, now=NOW)
    access.create_token(db, role=Role.ANALYST, study_name=None, label=titles[0], days=9999, now=NOW)
    url = db.engine.url.render_as_string(hide_password=False)
    shell = Shell(tmp_path, {"ARENA_DATABASE_URL": url, "COLUMNS": "200"})
    board = ("leaderboard", "--study", "s", "--method", "elo", "--bootstrap", "10")
    shown = [
        shell.ok("study", "list"),
        shell.ok("study", "show", "s"),
        shell.ok("study", "plan", "show", "s"),
        shell.ok("seat", "list", "--study", "s"),
        shell.ok("token", "list"),
        shell.ok("audit", "--study", "s"),
        shell.ok(*board),
        shell.ok(*board, "--by", "category"),
        shell.ok(*board, "--format", "md"),
    ]
    for done in shown:
        assert steering(done.out) == set()
        assert steering(done.said) == set()
    assert len(titles) > 100
    assert len(shown[0].out.splitlines()) == 1 + len(titles)
    assert len(shown[3].out.splitlines()) == len(titles)
    assert all(printable(name) in shown[6].out for name in NAMES)


def test_no_refusal_prints_what_steers_a_terminal(make_db: MakeDatabase, tmp_path: Any) -> None:
    """Names of studies, files, anchors and judges, and what stands in a bad record."""
    url = make_db("sqlite").engine.url.render_as_string(hide_password=False)
    shell = Shell(tmp_path, {"ARENA_DATABASE_URL": url, "COLUMNS": "200"})
    shell.ok("study", "create", "s", "--title", "S")
    given = [text for text in HOSTILE if "\0" not in text and len(text) < 5000 and not text.startswith("-")]
    given = given[:: scaled(2, 1)]
    for i, text in enumerate(given):
        bad_vote = json.dumps({"model_a": "a", "model_b": "b", "winner": text})
        argv = (
            ("study", "show", text),
            ("study", "create", "s", "--title", text),
            ("import", "votes", shell.write("v.jsonl", bad_vote), "--study", "s"),
            ("leaderboard", "--study", "s", "--source", text, "--anchor", text),
        )[i % 4]
        done = shell.run(*argv)
        assert done.code in (1, 2), argv
        assert (done.data, steering(done.said)) == (b"", set()), argv


def test_the_terminal_check_sees_what_is_not_made_printable() -> None:
    """The control."""
    assert sum(bool(steering(text)) for text in HOSTILE) > 30


# Log


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_text_is_one_line_of_the_log(capsys: pytest.CaptureFixture[str], text: str) -> None:
    try:
        configure("json")
        structlog.get_logger().info("request", route=text)
        structured = capsys.readouterr().err
        configure("console")
        structlog.get_logger().info("request", route=text)
        console = capsys.readouterr().err
    finally:
        structlog.reset_defaults()
    for written in (structured, console):
        assert written.endswith("\n")
        assert len(written.splitlines()) == 1
        assert steering(written) == set()
    line = json.loads(structured)
    assert (set(line), line["route"]) == ({"event", "level", "timestamp", "route"}, printable(text))


# Documents of a board


def test_names_stay_text_in_a_markdown_board() -> None:
    """By a CommonMark parser with tables, and with raw HTML allowed, as a reader's may be."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(tables.board_markdown(board()))
    inside = [child for token in tokens for child in token.children or []]
    assert {child.type for child in inside} == {"text"}
    assert not [token.type for token in tokens if token.type.startswith(("html", "heading", "fence", "code", "block"))]
    cells = [token for token in tokens if token.type in ("th_open", "td_open")]
    assert len(cells) == 15 * (1 + len(NAMES))
    names = [tokens[i + 1] for i, token in enumerate(tokens) if token.type == "td_open"][2::15]
    shown = {"".join(child.content for child in name.children or []) for name in names}
    assert shown == {" ".join(printable(name).split(" ")).strip() for name in NAMES}


def test_a_json_board_gives_every_name_back() -> None:
    """The texts of names are data there: they come back as they were, and the document has no line of their making."""
    text = tables.board_json(board())
    assert {row["model"] for row in json.loads(text)["rows"]} == set(NAMES)


# What cannot be stored

FIELDS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "questions": (
        {"id": "q1", "text": "Q?"},
        ("id", "text", "context", "task", "category", "language", "source", "reference", "must_have", "further"),
    ),
    "answers": ({"question_id": "q0", "contender": "c", "text": "A."}, ("question_id", "contender", "text", "further")),
    "votes": (
        {"model_a": "a", "model_b": "b", "winner": "tie"},
        (
            "id",
            "question_id",
            "model_a",
            "model_b",
            "winner",
            "judge",
            "comment",
            "choice",
            "reason",
            "further",
        ),
    ),
}


@pytest.mark.parametrize(("what", "field"), [(what, field) for what, (_, fields) in FIELDS.items() for field in fields])
def test_what_cannot_be_stored_is_refused_with_its_line_and_field(make_db: MakeDatabase, what: str, field: str) -> None:
    """In a nested value and in a field's own name too."""
    db = make_db("sqlite")
    studies.create(db, name="s", title="S", plan=Plan(), now=NOW)
    good, _ = FIELDS[what]
    first = good if what == "answers" else good | {"id": "first"}
    for text in UNSTORABLE:
        values: dict[str, tuple[object, ...]] = {"must_have": ([text],), "further": (text, {"deep": [text]}, {text: 1})}
        for value in values.get(field, (text,)):
            with pytest.raises(BadRecords) as caught:
                read(db, what, [first, good | {field: value}])
            assert str(caught.value.problems[0]).startswith(f"line 2, {field}: ")
            assert steering(str(caught.value)) == set()
    with pytest.raises(BadRecords):
        read(db, what, [good | {UNSTORABLE[0]: "x"}])


def read(db: Database, what: str, rows: list[dict[str, Any]]) -> None:
    if what == "questions":
        imports.import_questions(db, "s", records(rows), now=NOW)
    elif what == "answers":
        imports.import_answers(db, "s", records(rows), now=NOW)
    else:
        imports.import_votes(db, "s", records(rows), source="human", now=NOW)
