"""Answers recorded by other programs: taken as they stand, with all else kept, and refused where they are not whole."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from arena.domain.records import AnswerRecord
from arena.errors import BadInput, BadRecords
from arena.services.files import Limits, parse_answers
from arena.services.recorded import Origin, matched_by, read_recorded

Row = dict[str, Any]
TEXTS = {"Is it safe?": {"q1"}, "A case.\n\nIs it safe?": {"q1"}, "Twice?": {"q2", "q3"}}


def harness(doc_id: int = 0, answer: str = "Yes.", **more: object) -> Row:
    """A line as lm-evaluation-harness 0.4 writes it for a task that generates text."""
    return {
        "doc_id": doc_id,
        "doc": {"question": "Is it safe?", "gold": "Yes"},
        "target": "Yes",
        "arguments": {"gen_args_0": {"arg_0": "Question: Is it safe?\nAnswer:", "arg_1": {"until": ["\n\n"]}}},
        "resps": [[answer]],
        "filtered_resps": [answer],
        "filter": "none",
        "metrics": ["exact_match"],
        "doc_hash": "aa",
        "prompt_hash": "bb",
        "target_hash": "cc",
        "exact_match": 0.5,
        **more,
    }


def alpaca(**more: object) -> Row:
    return {"dataset": "k", "instruction": "Is it safe?", "output": "Yes.", "generator": "gpt4", **more}


def bench(**more: object) -> Row:
    choices = [{"index": 0, "turns": ["Yes.", "No."]}]
    return {"question_id": 81, "answer_id": "x", "model_id": "vicuna-13b", "choices": choices, "tstamp": 1.5, **more}


def batch(text: str | None = "Yes.", **more: object) -> Row:
    choice = {"index": 0, "message": {"role": "assistant", "content": text, "refusal": None}, "finish_reason": "length"}
    body = {"id": "chatcmpl-1", "model": "gpt-4o-2024-05-13", "choices": [choice], "usage": {"total_tokens": 9}}
    response = {"status_code": 200, "request_id": "r", "body": body}
    return {"id": "batch_req_1", "custom_id": "q1", "response": response, "error": None, **more}


ROWS: dict[Origin, Row] = {"lm-eval": harness(), "alpaca-eval": alpaca(), "mt-bench": bench(), "openai-batch": batch()}


def read(
    origin: Origin, *rows: object, contender: str | None = "me", texts: dict[str, set[str]] | None = None
) -> list[AnswerRecord]:
    if origin == "alpaca-eval":
        data, texts = json.dumps(rows), TEXTS
    else:
        data = "".join(json.dumps(row) + "\n" for row in rows)
    found = read_recorded(io.BytesIO(data.encode()), name="f", origin=origin, texts=texts, contender=contender)
    with found as records:
        return [located.record for located in parse_answers(records, name="f")]


def refused(origin: Origin, *rows: object, **how: Any) -> str:
    with pytest.raises(BadInput) as caught:
        read(origin, *rows, **how)
    return str(caught.value)


def test_a_sample_of_the_harness_is_an_answer_as_the_model_gave_it() -> None:
    (found,) = read("lm-eval", harness(7, "  Yes, it is.\n", filtered_resps=["yes"]))
    assert (found.question_id, found.contender, found.text) == ("7", "me", "  Yes, it is.\n")
    kept = json.loads(found.provenance)
    assert (kept["recorded_as"], kept["doc_id"], kept["exact_match"], kept["target"]) == ("lm-eval", 7, 0.5, "Yes")
    assert json.loads(kept["arguments"])["gen_args_0"]["arg_1"] == {"until": ["\n\n"]}


def test_a_sample_of_the_harness_is_found_by_a_text_of_its_document_or_its_prompt() -> None:
    assert [one.question_id for one in read("lm-eval", harness(), texts=TEXTS)] == ["q1"]
    prompted = harness(doc={}, arguments=[["A case.\n\nIs it safe?", {"until": []}]])
    assert [one.question_id for one in read("lm-eval", prompted, texts=TEXTS)] == ["q1"]
    assert "no question of exactly this text" in refused("lm-eval", harness(doc={}), texts=TEXTS)


def test_a_document_that_stands_once_for_each_filter_is_one_answer() -> None:
    twice = [
        harness(0, filter="strict"),
        harness(1, "No."),
        harness(0, filter="flexible"),
        harness(1, "No.", filter="b"),
    ]
    assert [(one.question_id, one.text) for one in read("lm-eval", *twice)] == [("0", "Yes."), ("1", "No.")]
    assert "stands in line 1 already" in refused("lm-eval", harness(0), harness(0))
    assert "stands in line 1 already" in refused("lm-eval", harness(0), harness(0, "Other.", filter="b"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"resps": [[["-1.5", "False"]]]},  # log-likelihoods
        {"resps": [["a"], ["b"]]},  # a request for each choice
        {"resps": [["a", "b"]]},  # repeats
        {"resps": "Yes."},
        {"resps": [["  "]]},
        {"arguments": {"gen_args_0": {"arg_0": "x", "arg_1": " Yes"}}},  # log-likelihoods again
        {"arguments": {"gen_args_0": {"arg_0": "x"}}},  # rolling
        {"doc_id": None},
        {"doc_id": True},
    ],
)
def test_what_is_no_generated_text_of_the_harness_is_refused(wrong: Row) -> None:
    assert refused("lm-eval", harness(), harness(1) | wrong).startswith("f, line 2, ")


def test_an_output_of_alpacaeval_is_found_by_its_instruction() -> None:
    (found,) = read("alpaca-eval", alpaca(text="more"), contender=None)
    assert (found.question_id, found.contender, found.text) == ("q1", "gpt4", "Yes.")
    kept = json.loads(found.provenance)
    assert kept == {"dataset": "k", "generator": "gpt4", "recorded_as": "alpaca-eval", "recorded_text": "more"}
    (renamed,) = read("alpaca-eval", alpaca())
    assert (renamed.contender, json.loads(renamed.provenance)["generator"]) == ("me", "gpt4")


def test_a_text_that_is_not_exactly_that_of_one_question_is_refused_by_item() -> None:
    said = refused("alpaca-eval", alpaca(), alpaca(instruction="Is it safe? "), alpaca(instruction="Twice?"))
    assert "f, item 2: the study has no question of exactly this text: 'Is it safe? '" in said
    assert "f, item 3: the study has 2 questions that this text may be: 'Twice?'" in said


@pytest.mark.parametrize("data", [b"{}", b"[", b"1", b"[]", b"\xff", b"[{}]", b"[1]", b'[{"output": "\\u0000"}]'])
def test_a_file_that_is_no_array_of_outputs_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput), read_recorded(io.BytesIO(data), name="f", origin="alpaca-eval", texts=TEXTS) as found:
        parse_answers(found, name="f")


def test_an_array_keeps_to_the_limits_of_files() -> None:
    data = io.BytesIO(json.dumps([alpaca(), alpaca()]).encode())
    for limits in (Limits(rows=1), Limits(file_bytes=50), Limits(field_chars=5), Limits(depth=0)):
        data.seek(0)
        with pytest.raises(BadInput):
            parse_answers(read_recorded(data, name="f", origin="alpaca-eval", texts=TEXTS, limits=limits), name="f")


def test_an_answer_of_mt_bench_is_its_first_turn() -> None:
    (found,) = read("mt-bench", bench(), contender=None)
    assert (found.question_id, found.contender, found.text) == ("81", "vicuna-13b", "Yes.")
    kept = json.loads(found.provenance)
    assert (kept["answer_id"], kept["tstamp"]) == ("x", 1.5)
    assert json.loads(kept["choice"]) == {"index": 0, "turns": ["No."]}


@pytest.mark.parametrize(
    "choices", [[], None, [{"turns": []}], [{"turns": [""]}], [{"turns": [1]}], [{"turns": ["a"]}] * 2, ["a"]]
)
def test_an_answer_of_mt_bench_without_one_first_turn_is_refused(choices: object) -> None:
    assert refused("mt-bench", bench(choices=choices)).startswith("f, line 1, choices: ")


def test_a_result_of_openai_s_batches_is_an_answer_to_its_custom_id() -> None:
    (found,) = read("openai-batch", batch(), contender=None)
    assert (found.question_id, found.contender, found.text) == ("q1", "gpt-4o-2024-05-13", "Yes.")
    kept = json.loads(found.provenance)
    assert (kept["id"], kept["model"], kept["is_cut"]) == ("batch_req_1", "gpt-4o-2024-05-13", True)
    assert json.loads(kept["response"])["usage"] == {"total_tokens": 9}
    assert "Yes." not in found.provenance


FAILED: list[Row] = [
    {"response": None, "error": {"code": "batch_expired", "message": "It took too long."}},
    {"response": {"status_code": 429, "request_id": "r", "body": {"error": {"message": "It took too long."}}}},
    {"response": {"status_code": 400, "request_id": "r", "body": None}, "error": "It took too long."},
    {
        "response": {"status_code": 400, "request_id": "r", "body": None},
        "error": {"error": {"message": "It took too long.", "type": "BadRequestError", "code": 400}},
    },
    {"response": {"status_code": 200, "body": {}}, "error": {"object": "error", "message": "It took too long."}},
]


@pytest.mark.parametrize("failed", FAILED)
def test_a_failed_request_and_an_empty_answer_are_named_by_line(failed: Row) -> None:
    """As OpenAI writes errors, and as vLLM does: an object, one within another, or a plain text."""
    said = refused("openai-batch", batch(), batch(custom_id="q2", **failed), batch("", custom_id="q3"))
    assert "f, line 2, " in said
    assert "It took too long." in said
    assert "f, line 3, response: is empty" in said


@pytest.mark.parametrize("origin", ROWS)
def test_another_format_s_file_is_refused_and_not_guessed_at(origin: Origin) -> None:
    assert read(origin, ROWS[origin])
    for other, row in ROWS.items():
        if other != origin:
            assert refused(origin, row)
    assert refused(origin, {})
    assert refused(origin, 1)


def test_the_harness_needs_a_contender_and_formats_without_ids_a_text() -> None:
    assert "--contender" in refused("lm-eval", harness(), contender=None)
    assert [matched_by(origin, None) for origin in ROWS] == ["id", "text", "id", "id"]
    assert matched_by("lm-eval", "text") == "text"
    for origin, match in (("alpaca-eval", "id"), ("mt-bench", "text"), ("openai-batch", "text")):
        with pytest.raises(BadInput):
            matched_by(origin, match)  # type: ignore[arg-type]


def test_problems_are_told_up_to_the_tenth() -> None:
    with pytest.raises(BadRecords) as caught:
        read("mt-bench", *(bench(choices=[]) for _ in range(30)))
    assert len(caught.value.problems) == 10
