"""Bad files, by the command: each fault is one line with file, place and field, and nothing at all is stored."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from arena.store.engine import open_database
from arena.store.tables import Question
from tests.cli import shells
from tests.cli.material import answers, jsonl, load, questions, vote, votes
from tests.cli.running import Shell

make_shell, shell = shells.make_shell, shells.shell

GOOD: dict[str, list[dict[str, Any]]] = {
    "questions": [{"id": f"new{n}", "text": "Another?"} for n in range(3)],
    "answers": [{"question_id": f"q{n}", "contender": "delta", "text": "Another."} for n in range(3)],
    "votes": [{"id": n, **row} for n, row in enumerate(votes()[:3])],
}
"""Files that would be taken; each fault is put into the second record of three."""
MEGABYTE = "x" * (1024 * 1024)


@pytest.fixture
def study(shell: Shell) -> Shell:
    """A shell with a draft that has questions, answers and votes."""
    load(shell)
    vote(shell)
    return shell


def stored(shell: Shell) -> dict[str, object]:
    """How many rows every table has, and the study's whole ledger."""
    db = open_database(shell.url)
    try:
        with db.read() as tx:
            counts: dict[str, object] = {
                table.name: tx.scalar(select(func.count()).select_from(table))
                for table in Question.metadata.sorted_tables
            }
    finally:
        db.close()
    return counts | {"": shell.ok("export", "ledger", "--study", "s").data}


def refused(shell: Shell, kind: str, file: str, *more: str, code: int = 2, **env: str) -> list[str]:
    """What the command says to a file of which nothing may be stored."""
    before = stored(shell)
    assert before["vote"] == 72, "the study that must not change is not empty"
    where = () if kind == "ledger" else ("--study", "s")
    said = shell.fails(code, "import", kind, file, *where, *more, stdin=b"", **env)
    assert stored(shell) == before
    return said.splitlines()


def changed(kind: str, **fields: object) -> str:
    """The good file with other fields in its second record; what is `...` is left out."""
    rows = [dict(row) for row in GOOD[kind]]
    rows[1] |= fields
    rows[1] = {name: value for name, value in rows[1].items() if value is not ...}
    return jsonl(rows)


@pytest.mark.parametrize("kind", GOOD)
def test_the_files_are_good_but_for_their_faults(kind: str, study: Shell) -> None:
    said = study.ok("import", kind, study.write("good.jsonl", jsonl(GOOD[kind])), "--study", "s").said
    assert said == f"imported 3 {kind} into 's'\n"


FIELDS: list[tuple[str, dict[str, object], str]] = [
    ("questions", {"id": ...}, "id: is missing or empty"),
    ("questions", {"text": None}, "text: is missing or empty"),
    ("questions", {"text": "  "}, "text: is missing or empty"),
    ("questions", {"text": 5}, "text: must be text, not 5"),
    ("questions", {"id": "new0"}, "id: 'new0' stands in line 1 already"),
    ("questions", {"id": "q0"}, "id: the study has another question 'q0'"),
    ("questions", {"text": "a\0b"}, "text: holds a NUL character; remove it"),
    ("questions", {"must_have": "one"}, "must_have: must be a list of texts"),
    ("questions", {"text": "x" * 200_001}, "text: has 200,001 characters; at most 200,000 are allowed"),
    ("questions", {"other": float("nan")}, "other: holds a number that cannot be kept: NaN"),
    ("answers", {"contender": ...}, "contender: is missing or empty"),
    ("answers", {"question_id": ""}, "question_id: is missing or empty"),
    ("answers", {"text": ...}, "text: is missing or empty"),
    ("answers", {"question_id": "q99"}, "question_id: the study has no question 'q99'"),
    ("answers", {"question_id": "q0"}, "contender: an answer of 'delta' to the question 'q0' stands in line 1 already"),
    ("answers", {"contender": "alpha"}, "text: the study has another answer of 'alpha' on the question 'q1'"),
    ("answers", {"text": "a\0b"}, "text: holds a NUL character; remove it"),
    ("answers", {"contender": "two\nlines"}, "contender: must be on one line"),
    ("votes", {"model_a": ...}, "model_a: is missing or empty"),
    ("votes", {"winner": ...}, "winner: is missing or empty; it must be one of model_a, model_b, tie, both_bad"),
    ("votes", {"winner": None}, "winner: is missing or empty; it must be one of model_a, model_b, tie, both_bad"),
    ("votes", {"winner": "left"}, "winner: is 'left'; it must be one of model_a, model_b, tie, both_bad"),
    ("votes", {"winner": "Tie"}, "winner: is 'Tie'; it must be one of model_a, model_b, tie, both_bad"),
    ("votes", {"winner": "alpha"}, "winner: is 'alpha'; it must be one of model_a, model_b, tie, both_bad"),
    ("votes", {"winner": float("nan")}, "winner: holds a number that cannot be kept: NaN"),
    ("votes", {"winner": 1}, "winner: must be text, not 1"),
    ("votes", {"winner": True}, "winner: must be text, not True"),
    ("votes", {"model_b": "alpha"}, "model_b: is 'alpha', as model_a is; a vote compares two contenders"),
    ("votes", {"model_b": "delta"}, "model_b: the study has no contender 'delta'; import its answers first"),
    ("votes", {"question_id": "q99"}, "question_id: the study has no question 'q99'"),
    ("votes", {"id": 0}, "id: '0' stands in line 1 already"),
    ("votes", {"tstamp": "yesterday"}, "tstamp: is 'yesterday'; it must be Unix seconds or a time in ISO 8601"),
    ("votes", {"judge": "a\0b"}, "judge: holds a NUL character; remove it"),
    ("votes", {"source": "judge:gpt-4"}, "source: is judge:gpt-4, and these votes are imported as human; see --as"),
]


@pytest.mark.parametrize(("kind", "fields", "told"), FIELDS, ids=[f"{row[0]}-{row[2][:40]}" for row in FIELDS])
def test_a_wrong_field(kind: str, fields: dict[str, object], told: str, study: Shell) -> None:
    [line] = refused(study, kind, study.write("bad.jsonl", changed(kind, **fields)))
    assert line.startswith(f"error: bad.jsonl, line 2, {told}")


def test_a_vote_on_an_answer_that_is_not_there(study: Shell) -> None:
    row = {"question_id": "q5", "contender": "delta", "text": "One more."}
    study.ok("import", "answers", study.write("delta.jsonl", jsonl([row])), "--study", "s")
    [line] = refused(study, "votes", study.write("bad.jsonl", changed("votes", model_b="delta")))
    assert line == "error: bad.jsonl, line 2, model_b: 'delta' has no answer to the question 'q0'"


def spoilt(kind: str, spoil: Callable[[bytes], bytes]) -> bytes:
    """The good file with its second line spoilt."""
    first, second, third = jsonl(GOOD[kind]).encode().splitlines(keepends=True)
    return first + spoil(second) + third


BYTES: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("broken JSON", lambda line: line.replace(b'"', b"", 1), "is not valid JSON: "),
    ("cut short", lambda line: line[: len(line) // 2] + b"\n", "is not valid JSON: "),
    ("no object", lambda line: b"[1, 2]\n", "must be a JSON object, not an array"),
    ("a key twice", lambda line: line.replace(b"}", b', "z": 1, "z": 2}'), "z: stands twice in one object"),
    ("NUL", lambda line: line.replace(b"}", b"\0}"), "holds a NUL byte"),
    ("one megabyte", lambda line: line.replace(b"}", f', "z": "{MEGABYTE}"}}'.encode()), "is longer than 1,000,000 b"),
    ("Latin-1", lambda line: line.replace(b"}", b', "z": "\xe9"}'), "byte "),
    ("deep", lambda line: line.replace(b"}", b', "z": ' + b"[" * 5000 + b"]" * 5000 + b"}"), "is nested more than 20"),
    ("surrogate", lambda line: line.replace(b"}", b', "z": "\\ud800"}'), "z: holds half of a surrogate pair U+D800"),
]


@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize(("spoil", "told"), [row[1:] for row in BYTES], ids=[row[0] for row in BYTES])
def test_a_spoilt_line(kind: str, spoil: Callable[[bytes], bytes], told: str, study: Shell) -> None:
    lines = refused(study, kind, study.write("bad.jsonl", spoilt(kind, spoil)))
    assert len(lines) == 1
    assert lines[0].startswith(("error: bad.jsonl, line 2: " + told, "error: bad.jsonl, line 2, " + told))


@pytest.mark.parametrize("kind", GOOD)
def test_a_file_that_is_wrong_as_a_whole(kind: str, study: Shell) -> None:
    text = jsonl(GOOD[kind])
    for name, content, told in (
        ("bad.jsonl", b"", "bad.jsonl: is empty"),
        ("bad.jsonl", b"\n\n", "bad.jsonl: holds no records"),
        ("bad.csv", b"id,text\n", "bad.csv: holds no records"),
        ("bad.jsonl", text.encode("utf-16"), "bad.jsonl, line 1: byte 1 begins a UTF-16 file; save it as UTF-8"),
        ("bad.csv", text.encode("utf-16-le"), "bad.csv, line 1: "),
        ("bad.jsonl", gzip.compress(text.encode()), "bad.jsonl, line 1: is compressed with gzip; give it an ending"),
        ("bad.jsonl.gz", text.encode(), "bad.jsonl.gz, line 1: the gzip data is broken"),
        ("bad.jsonl.gz", gzip.compress(text.encode())[:-9], "bad.jsonl.gz, line "),
        ("bad.parquet", text.encode(), "bad.parquet: "),
        ("bad.txt", text.encode(), "bad.txt: the ending tells no format"),
        ("bad.csv", b"id;text\n1;2\n", "bad.csv, line 1: the columns must be separated by commas"),
        ("bad.csv", b"a,a\n1,2\n", "bad.csv, line 1, a: stands twice in the header"),
        ("bad.csv", b'a,b\n1,2\n"1,2\n', "bad.csv, line 3: field 1 opens a quotation mark that is never closed"),
    ):
        lines = refused(study, kind, study.write(name, content))
        assert lines[-1].startswith(f"error: {told}"), lines
    assert refused(study, kind, "nowhere.jsonl") == ["error: nowhere.jsonl: cannot be read: No such file or directory"]
    (study.folder / "folder.jsonl").mkdir()
    assert refused(study, kind, "folder.jsonl") == ["error: folder.jsonl: cannot be read: Is a directory"]
    assert refused(study, kind, "folder.jsonl/")[0].startswith("error: folder.jsonl")


@pytest.mark.parametrize("kind", GOOD)
def test_the_limits_of_the_settings_hold(kind: str, study: Shell) -> None:
    bomb = gzip.compress(jsonl(GOOD[kind]).encode() + b" " * 50_000_000)
    [line] = refused(study, kind, study.write("bomb.jsonl.gz", bomb), ARENA_IMPORT_DECOMPRESSED_BYTES="1000000")
    assert line.startswith("error: bomb.jsonl.gz, line 4: ")
    newlines = gzip.compress(jsonl(GOOD[kind]).encode() + b"\n" * 2_000_000)
    [line] = refused(study, kind, study.write("bomb.jsonl.gz", newlines), ARENA_IMPORT_DECOMPRESSED_BYTES="1000000")
    assert line.endswith(": holds more than 1,000,000 bytes in all")
    file = study.write("good.jsonl", jsonl(GOOD[kind]))
    [line] = refused(study, kind, file, ARENA_IMPORT_FILE_BYTES="100")
    assert line == "error: good.jsonl: has more than 100 bytes; split it"
    [line] = refused(study, kind, file, ARENA_IMPORT_ROWS="2")
    assert line == "error: good.jsonl, line 3: the file has more than 2 records; split it"
    lines = refused(study, kind, file, ARENA_IMPORT_FIELD_CHARS="1")
    assert "error: good.jsonl, line 1" in lines[0]
    study.ok("import", kind, file, "--study", "s")


@pytest.mark.parametrize("kind", GOOD)
def test_all_bad_lines_are_named_up_to_ten(kind: str, study: Shell) -> None:
    [first, *_] = GOOD[kind]
    missing = {"questions": "text", "answers": "text", "votes": "winner"}[kind]
    bad = {name: value for name, value in first.items() if name != missing}
    good = jsonl(GOOD[kind]).splitlines()
    mixed = [good[0], json.dumps(bad), good[1], "{", json.dumps(bad), good[2]]
    lines = refused(study, kind, study.write("bad.jsonl", "\n".join(mixed)))
    assert [line.partition(",")[2].partition(":")[0] for line in lines] == [
        f" line 2, {missing}",
        " line 4",
        f" line 5, {missing}",
    ]
    many = study.write("many.jsonl", jsonl([bad] * 50))
    assert len(refused(study, kind, many)) == 10


@pytest.mark.parametrize("kind", GOOD)
def test_columns_of_csv_and_parquet_are_named_too(kind: str, study: Shell) -> None:
    import polars as pl

    rows = [dict(row) for row in GOOD[kind]]
    [*_, field] = rows[1]
    rows[1][field] = None
    wanted = {"questions": "text", "answers": "text"}.get(kind)
    if wanted is None:
        field = wanted = "winner"
        rows[1] = {**GOOD[kind][1], "winner": None}
    pl.DataFrame(rows).write_csv(study.folder / "bad.csv")
    pl.DataFrame(rows).write_parquet(study.folder / "bad.parquet")
    [line] = refused(study, kind, "bad.csv")
    assert line.startswith(f"error: bad.csv, line 3, {wanted}: is missing or empty")
    [line] = refused(study, kind, "bad.parquet")
    assert line.startswith(f"error: bad.parquet, row 2, {wanted}: is missing or empty")


def test_the_same_record_with_another_text_is_named(study: Shell) -> None:
    other = [*questions()[:2], {**questions()[2], "text": "Changed?"}]
    [line] = refused(study, "questions", study.write("q.jsonl", jsonl(other)))
    assert line == "error: q.jsonl, line 3, id: the study has another question 'q2'"
    texts = [*answers()[:1], {**answers()[1], "text": "Changed."}]
    [line] = refused(study, "answers", study.write("a.jsonl", jsonl(texts)))
    assert line == "error: a.jsonl, line 2, text: the study has another answer of 'beta' on the question 'q0'"
    file = study.write("v.jsonl", jsonl([{**votes()[0], "id": "mine", "winner": "tie"}]))
    study.ok("import", "votes", file, "--study", "s")
    before = stored(study)
    file = study.write("v.jsonl", jsonl([{**votes()[0], "id": "mine", "winner": "both_bad"}]))
    said = study.fails(2, "import", "votes", file, "--study", "s")
    assert said == "error: v.jsonl, line 1, id: the study has another vote with this id\n"
    assert stored(study) == before


def test_a_name_of_a_file_or_a_field_acts_upon_no_terminal(study: Shell) -> None:
    name = study.write("\x1b[31mred\u202e.jsonl", changed("questions", **{"\x1b[2J": "a\0b"}))
    [line] = refused(study, "questions", name)
    assert line.startswith("error: \\x1b[31mred\\u202e.jsonl, line 2, ")
    assert line.isprintable()


def ledger(folder: Path, make_shell: shells.MakeShell) -> bytes:
    """The ledger of another study."""
    other = make_shell("sqlite")
    load(other, "other")
    vote(other, "other")
    other.ok("export", "ledger", "--study", "other", "--output", "ledger.jsonl")
    return (folder / "ledger.jsonl").read_bytes()


def test_a_damaged_ledger_is_named_by_entry_and_not_restored(
    study: Shell, make_shell: shells.MakeShell, tmp_path: Path
) -> None:
    content = ledger(tmp_path, make_shell)
    lines = content.splitlines(keepends=True)
    seventh = lines[7]
    broken: list[tuple[bytes, int]] = [
        (seventh.replace(b"Question", b"question", 1), 7),
        (seventh.replace(b"{", b"", 1), 7),
        (b"", 7),
        (seventh * 2, 8),
        (seventh.replace(b"}", b"\0}", 1), 7),
        (seventh.replace(b"Question", b"Qu\xe9stion", 1), 7),
        (b"[" * 100_000 + b"\n", 7),
        (b'{"entry":1,"hash":"' + MEGABYTE.encode() + b'"}\n', 7),
        (b"\n", 7),
    ]
    for line, entry in broken:
        file = study.write("bad.jsonl", b"".join([*lines[:7], line, *lines[8:]]))
        [said] = refused(study, "ledger", file, code=1)
        assert f"ledger entry {entry}: " in said, (line[:80], said)
    for cut, told in ((b"".join(lines[:-3]), "it is missing"), (content[:-5], "the file is cut off")):
        [said] = refused(study, "ledger", study.write("bad.jsonl", cut), code=1)
        assert told in said
    study.ok("import", "ledger", study.write("good.jsonl", content))


def test_what_is_no_ledger_at_all_is_bad_input(study: Shell, make_shell: shells.MakeShell, tmp_path: Path) -> None:
    content = ledger(tmp_path, make_shell)
    newer = content.replace(b'"version":1', b'"version":2', 1)
    for bad in (
        b"",
        b"\n",
        b"{}\n",
        jsonl(votes()).encode(),
        gzip.compress(content),
    ):
        [said] = refused(study, "ledger", study.write("bad.jsonl", bad))
        assert said == "error: bad.jsonl: is not a ledger; `arena export ledger` writes one"
    [said] = refused(study, "ledger", study.write("bad.jsonl", content.decode().encode("utf-16")), code=1)
    assert said == "error: ledger: the file's first line is not as it was written"
    [said] = refused(study, "ledger", study.write("bad.jsonl", newer))
    assert said == "error: bad.jsonl: has ledger version 2; this arena reads 1"
    [said] = refused(study, "ledger", study.write("bad.jsonl", content[:-1] + b" " * 17 * 1024 * 1024))
    assert "longer than 16,777,216 bytes; this is no ledger entry" in said
    [said] = refused(
        study,
        "ledger",
        study.write(
            "own.jsonl", study.ok("export", "ledger", "--study", "s").data.replace(b'"study":"s"', b'"study":"t"', 1)
        ),
        code=1,
    )
    assert "ledger" in said
    assert refused(study, "ledger", "nowhere.jsonl") == [
        "error: nowhere.jsonl: cannot be read: No such file or directory"
    ]


def test_another_study_of_the_name_is_not_overwritten(study: Shell, make_shell: shells.MakeShell) -> None:
    other = make_shell("sqlite")
    load(other)
    other.ok("export", "ledger", "--study", "s", "--output", "ledger.jsonl")
    [said] = refused(study, "ledger", "ledger.jsonl", code=1)
    assert said == "error: ledger.jsonl: this database has a study 's' already, and its ledger differs"
