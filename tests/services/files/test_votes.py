"""What a vote says is taken exactly or refused: an unknown outcome is never a tie."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime

import pytest

from arena.domain.vocabulary import CannotJudgeReason, Choice
from arena.errors import BadRecords
from tests.services.files.helping import answers, votes

BASE: dict[str, object] = {"model_a": "x", "model_b": "y", "winner": "tie"}


def line(**fields: object) -> bytes:
    return json.dumps(BASE | fields).encode() + b"\n"


def refused(data: bytes) -> list[str]:
    with pytest.raises(BadRecords) as caught:
        votes(data)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("winner", "choice"),
    [
        ("model_a", Choice.A_BETTER),
        ("model_b", Choice.B_BETTER),
        ("tie", Choice.TIE_GOOD),
        ("both_bad", Choice.TIE_BAD),
        ("tie (bothbad)", Choice.TIE_BAD),
    ],
)
def test_the_five_labels(winner: str, choice: Choice) -> None:
    assert votes(line(winner=winner))[0].record.choice is choice


@pytest.mark.parametrize(
    "winner", [None, "", "Tie", "TIE", "tie ", " tie", "model_A", "a", "A", "left", "draw", "nan", "tie(bothbad)",
               "both bad", 0, 1, True, 0.5, ["tie"], {}]
)  # fmt: skip
def test_any_other_winner_is_an_error(winner: object) -> None:
    (told,) = refused(line(winner=winner))
    assert told.startswith("line 1, winner: ")


def test_nan_as_winner_is_an_error() -> None:
    data = b'{"model_a":"x","model_b":"y","winner":NaN}'
    assert refused(data) == ["line 1, winner: holds a number that cannot be kept: NaN, infinite or too large"]


def test_a_winner_that_is_absent_is_an_error() -> None:
    assert refused(b'{"model_a":"x","model_b":"y"}') == [
        "line 1, winner: is missing or empty; it must be one of model_a, model_b, tie, both_bad"
    ]


WINNERS = {
    "a_much_better": "model_a",
    "a_better": "model_a",
    "tie_good": "tie",
    "tie_bad": "both_bad",
    "b_better": "model_b",
    "b_much_better": "model_b",
    "cannot_judge": None,
}


@pytest.mark.parametrize("choice", WINNERS)
@pytest.mark.parametrize("winner", ["model_a", "model_b", "tie", "both_bad", None])
def test_a_choice_must_agree_with_the_winner(choice: str, winner: str | None) -> None:
    data = line(winner=winner, choice=choice)
    if WINNERS[choice] == winner:
        assert votes(data)[0].record.choice == choice
    else:
        assert refused(data)[0].startswith("line 1, winner: is ")


def test_reason_comment_and_simulated() -> None:
    data = line(winner="", choice="cannot_judge", reason="outside_expertise", comment="Not my field.", simulated=True)
    vote = votes(data)[0].record
    assert (vote.reason, vote.comment, vote.simulated) == (
        CannotJudgeReason.OUTSIDE_EXPERTISE,
        "Not my field.",
        True,
    )
    assert votes(line())[0].record.simulated is False


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"choice": "A_better"}, "choice: is 'A_better'; it must be one of a_much_better"),
        ({"choice": 1}, "choice: is 1;"),
        ({"reason": "other"}, "reason: is given with the choice tie_good"),
        ({"winner": None, "choice": "cannot_judge", "reason": "tired"}, "reason: is 'tired'; it must be one of"),
        ({"simulated": "yes"}, "simulated: must be true or false, not 'yes'"),
        ({"simulated": 1}, "simulated: must be true or false, not 1"),
        ({"comment": 3}, "comment: must be text, not 3"),
        ({"model_b": "x"}, "model_b: is 'x', as model_a is"),
        ({"model_a": 1, "model_b": "1"}, "model_b: is '1', as model_a is"),
        ({"model_a": ""}, "model_a: is missing or empty"),
        ({"model_a": "a" * 201}, "model_a: has 201 characters; at most 200"),
        ({"model_a": "a\nb"}, "model_a: must be on one line"),
        ({"model_a": "a\u2028b"}, "model_a: must be on one line"),
        ({"model_a": "a "}, "model_a: begins or ends with white space: 'a '"),
        ({"id": 1.5}, "id: must be text or an integer, not 1.5"),
        ({"id": "i" * 201}, "id: has 201 characters"),
        ({"question_id": ["q"]}, "question_id: must be text or an integer, not list"),
        ({"judge": "j1", "worker": "j2"}, "judge: differs from worker"),
        ({"rater": "r", "judge": "r", "worker": "s"}, "rater: differs from judge and worker"),
        ({"tstamp": 1_700_000_000_000}, "tstamp: is 1700000000000: too large for seconds; if it is in milliseconds"),
        ({"tstamp": "1700000000000"}, "tstamp: is 1700000000000.0: too large for seconds"),
        ({"tstamp": -1}, "tstamp: is -1; Unix seconds are not negative"),
        ({"tstamp": "1e999"}, "tstamp: is inf: too large"),
        ({"tstamp": "yesterday"}, "tstamp: is 'yesterday'; it must be Unix seconds or a time in ISO 8601"),
        ({"tstamp": True}, "tstamp: is True; it must be"),
        ({"tstamp": [1]}, "tstamp: is list; it must be"),
        ({"tstamp": "0001-01-01T00:00:00+14:00"}, "tstamp: is '0001-01-01T00:00:00+14:00'; it must be"),
    ],
)
def test_bad_fields(fields: dict[str, object], message: str) -> None:
    (told,) = refused(line(**fields))
    assert told.startswith(f"line 1, {message}")


@pytest.mark.parametrize(
    "tstamp",
    [1700000000, 1700000000.0, "1700000000", "1.7e9", "2023-11-14T22:13:20Z", "2023-11-14 22:13:20",
     "2023-11-14T23:13:20+01:00", "20231114T221320Z"],
)  # fmt: skip
def test_times_are_utc(tstamp: object) -> None:
    voted_at = votes(line(tstamp=tstamp))[0].record.voted_at
    assert voted_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert voted_at is not None
    assert voted_at.tzinfo is UTC


def test_a_time_without_zone_is_utc_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Dubai")
    time.tzset()
    try:
        voted_at = votes(line(tstamp="2023-11-14T22:13:20"))[0].record.voted_at
    finally:
        monkeypatch.undo()
        time.tzset()
    assert voted_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("field", ["rater", "judge", "worker"])
def test_the_rater_by_any_of_its_names(field: str) -> None:
    assert votes(line(**{field: 58}))[0].record.rater == "58"
    assert votes(line(**{field: None}))[0].record.rater is None


def test_one_rater_told_twice() -> None:
    vote = votes(line(judge="j", worker="j"))[0].record
    assert (vote.rater, vote.extra) == ("j", "{}")


def test_keys_come_from_ids_or_from_the_file_and_the_record_number() -> None:
    data = b"\n" + line() + b"\n" + line() + line(id=7) + line(id="a")
    digest = hashlib.sha256(data).hexdigest()
    assert [(v.where, v.record.key) for v in votes(data)] == [
        ("line 2", f"file:{digest}:1"),
        ("line 4", f"file:{digest}:2"),
        ("line 5", "id:7"),
        ("line 6", "id:a"),
    ]


def test_an_id_cannot_pass_for_a_record_number() -> None:
    forged = line(id=f"file:{'0' * 64}:1")
    assert votes(forged)[0].record.key == f"id:file:{'0' * 64}:1"


def test_doubled_ids_name_both_lines() -> None:
    assert refused(line(id=7) + line() + line(id="7")) == ["line 3, id: '7' stands in line 1 already"]


def test_unknown_fields_are_kept_as_canonical_json() -> None:
    data = line(turn=1, anony=True, language="Français", z=None, nested={"b": [1.5], "a": ""})
    assert votes(data)[0].record.extra == (
        '{"anony":true,"language":"Français","nested":{"a":"","b":[1.5]},"turn":1,"z":null}'
    )


def test_an_answer_is_known_by_question_and_contender() -> None:
    data = b"".join(
        json.dumps({"question_id": q, "contender": c, "text": "t", "model": "m"}).encode() + b"\n"
        for q, c in [("1", "x"), ("1", "y"), ("2", "x"), (1, "x")]
    )
    with pytest.raises(BadRecords) as caught:
        answers(data)
    assert str(caught.value) == ("f, line 4, contender: an answer of 'x' to the question '1' stands in line 1 already")
    kept = answers(data[: data.rindex(b"{")])
    assert [(a.record.question_id, a.record.contender, a.record.provenance) for a in kept] == [
        ("1", "x", '{"model":"m"}'),
        ("1", "y", '{"model":"m"}'),
        ("2", "x", '{"model":"m"}'),
    ]


@pytest.mark.parametrize("missing", ["question_id", "contender", "text"])
def test_an_answer_needs_all_of_its_fields(missing: str) -> None:
    fields = {"question_id": "q", "contender": "c", "text": "t"}
    del fields[missing]
    with pytest.raises(BadRecords, match=f"line 1, {missing}: is missing or empty"):
        answers(json.dumps(fields).encode())
