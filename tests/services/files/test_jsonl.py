"""Bad JSON Lines are named by line and field; good ones are taken as they are."""

from __future__ import annotations

import json

import pytest

from arena.services.files import RawRecord
from tests.services.files.helping import SMALL, complaint, entries, questions

GOOD = b'{"id":"q1","text":"Is it safe?"}\n'

BAD_LINES = {
    "broken JSON": (b'{"id":"q2", "text": }', "line 3: is not valid JSON: Expecting value (character 21)"),
    "cut short": (b'{"id":"q2", "text": "a', "line 3: is not valid JSON: Unterminated string"),
    "two values": (b'{"id":"q2","text":"a"} {}', "line 3: is not valid JSON: Extra data"),
    "an array": (b'["q2","text"]', "line 3: must be a JSON object, not an array"),
    "null": (b"null", "line 3: must be a JSON object, not null"),
    "a number": (b"17", "line 3: must be a JSON object, not a number"),
    "doubled key": (b'{"id":"q2","text":"a","id":"q3"}', "line 3, id: stands twice in one object"),
    "doubled key inside": (b'{"id":"q2","text":"a","x":{"y":1,"y":1}}', "line 3, y: stands twice in one object"),
    "NaN": (b'{"id":"q2","text":"a","score":NaN}', "line 3, score: holds a number that cannot be kept"),
    "Infinity": (b'{"id":"q2","text":"a","score":[-Infinity]}', "line 3, score: holds a number that cannot be kept"),
    "float overflow": (b'{"id":"q2","text":"a","score":1e999}', "line 3, score: holds a number that cannot be kept"),
    "huge integer": (
        b'{"id":"q2","text":"a","n":' + b"9" * 5000 + b"}",
        "line 3, n: holds a number that cannot be kept",
    ),
    "lone surrogate": (b'{"id":"q2","text":"ab\\ud800"}', "line 3, text: holds half of a surrogate pair U+D800"),
    "NUL": (b'{"id":"q2","text":"a\\u0000"}', "line 3, text: holds a NUL character"),
    "NUL within a list": (b'{"id":"q2","text":"a","x":["b",{"c":"\\u0000"}]}', "line 3, x: holds a NUL character"),
    "NUL in a key": (b'{"id":"q2","text":"a","x\\u0000":1}', "line 3, 'x\\x00': holds a NUL character"),
    "raw NUL": (b'{"id":"q2","text":"a\0"}', "line 3: holds a NUL byte"),
    "escape": (b'{"id":"q2","text":"\\u001b[31m"}', "line 3, text: holds the control character U+001B at character 1"),
    "raw control": (b'{"id":"q2","text":"\x1b"}', "line 3: is not valid JSON: Invalid control character"),
    "long field": (
        b'{"id":"q2","text":"' + b"a" * 2001 + b'"}',
        "line 3, text: has 2,001 characters; at most 2,000 are allowed",
    ),
    "long field name": (b'{"id":"q2","text":"a","' + b"k" * 201 + b'":1}', "a field's name may have at most 200"),
    "deep": (b'{"id":"q2","text":"a","x":[[[[1]]]]}', "line 3: is nested more than 4 levels deep"),
    "Latin-1": ('{"id":"q2","text":"naïve"}'.encode("latin-1"), "line 3: byte 22 of the line (0xEF) is not UTF-8"),
    "missing field": (b'{"id":"q2"}', "line 3, text: is missing or empty"),
    "null field": (b'{"id":null,"text":"a"}', "line 3, id: is missing or empty"),
    "blank field": (b'{"id":"q2","text":" \\n"}', "line 3, text: is missing or empty"),
    "wrong type": (b'{"id":"q2","text":["a"]}', "line 3, text: must be text, not list"),
    "float id": (b'{"id":2.0,"text":"a"}', "line 3, id: must be text or an integer, not 2.0"),
    "true id": (b'{"id":true,"text":"a"}', "line 3, id: must be text or an integer, not True"),
    "doubled id": (b'{"id":"q1","text":"b"}', "line 3, id: 'q1' stands in line 1 already"),
}


@pytest.mark.parametrize(("line", "message"), BAD_LINES.values(), ids=BAD_LINES)
def test_the_bad_line_and_field_are_named(line: bytes, message: str) -> None:
    told = complaint(GOOD + b"\n" + line + b'\n{"id":"q9","text":"c"}\n', limits=SMALL)
    assert told.startswith("f, line 3")
    assert message in told
    assert len(told.splitlines()) == 1, "good lines beside it are not complained about"


def test_the_same_lines_without_the_fault_are_taken() -> None:
    data = GOOD + b'\n{"id":"q2","text":"tab\\t, line\\n, \\ud83d\\ude00","x":[[1]]}\n'
    assert [(q.where, q.record.id, q.record.extra) for q in questions(data, limits=SMALL)] == [
        ("line 1", "q1", "{}"),
        ("line 3", "q2", '{"x":[[1]]}'),
    ]


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_a_recursion_bomb_is_told_as_nesting(bracket: bytes) -> None:
    bomb = b'{"id":"q","text":' + bracket * 150_000
    assert complaint(bomb) == "f, line 1: is nested more than 20 levels deep"


def test_brackets_within_text_are_no_nesting() -> None:
    text = '[{"' * 50 + "\\"
    line = json.dumps({"id": "q", "text": text}).encode()
    assert questions(line)[0].record.text == text


def test_nesting_up_to_the_limit_is_taken() -> None:
    line = b'{"id":"q","text":"a","x":' + b"[" * 19 + b"]" * 19 + b"}"
    assert questions(line)
    assert "nested" in complaint(line.replace(b"[]", b"[[]]"))


def test_a_line_of_one_megabyte_is_refused_by_its_number() -> None:
    record = json.dumps({"id": "q2", "text": "a", **{f"k{n}": "b" * 99_990 for n in range(11)}}).encode()
    assert complaint(GOOD + record) == "f, line 2: is longer than 1,000,000 bytes"


def test_more_records_than_the_limit_are_refused() -> None:
    lines = b"".join(b'{"id":%d,"text":"a"}\n' % n for n in range(51))
    assert complaint(lines, limits=SMALL) == "f, line 51: the file has more than 50 records; split it"
    assert len(questions(lines[: lines.rindex(b"{")], limits=SMALL)) == 50


def test_blank_lines_do_not_escape_the_limit() -> None:
    assert complaint(b"\n" * 100, limits=SMALL) == "f, line 51: the file has more than 50 records; split it"


def test_the_first_problems_are_told_and_no_more() -> None:
    data = b"\n".join([b"{}"] * 4 + [b"x"] * 30)
    told = complaint(data).splitlines()
    assert len(told) == 10
    assert told[3] == "f, line 4, id: is missing or empty"
    assert told[9].startswith("f, line 10: is not valid JSON")


def test_a_byte_order_mark_and_crlf_are_accepted() -> None:
    assert entries(b'\xef\xbb\xbf{"id":1}\r\n{"id":2}') == [
        RawRecord("line 1", {"id": 1}),
        RawRecord("line 2", {"id": 2}),
    ]


def test_utf16_is_told_by_its_mark_and_without_it() -> None:
    assert "line 1: byte 1 begins a UTF-16 file; save it as UTF-8" in complaint('{"id":1}'.encode("utf-16"))
    assert "line 1: holds a NUL byte, which JSON does not allow; if the file is UTF-16" in complaint(
        '{"id":1}'.encode("utf-16-le")
    )


@pytest.mark.parametrize("data", [b"\n", b" \r\n\n", b"\xef\xbb\xbf"])
def test_a_file_without_records(data: bytes) -> None:
    assert complaint(data) == "f: holds no records"


def test_messages_hold_nothing_that_a_terminal_acts_upon() -> None:
    line = b'{"id":"q","text":"a","x\\u001b]0;title\\u0007\xe2\x80\xae":"\\u0000"}'
    told = complaint(line)
    assert "holds" in told
    assert told.isprintable()
