"""The sample study is complete, fictitious and reproducible; the published table is the one that was published."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from arena.domain.vocabulary import Winner
from arena.reports.published import published_table
from arena.sample import path, simulate
from arena.services.files import parse_answers, parse_questions, parse_votes, read_records

CONTENDERS = ("sample-terse", "sample-thorough", "sample-cautious", "sample-erratic")
TASKS = {"question answering", "record summary", "diagnosis support", "general health"}

REAL_SYSTEMS = re.compile(
    r"""(?<!\w)(
        med-?42 | llama-?\d* | mi[sx]tral | (open)?bio-?llm | jsl | medllama | clinical-?camel | (chat)?gpt[\w.-]*
        | med-?palm(-?2)? | palm-?2 | medlm | med-?gemma | gemma | gemini | bard | openai | o[134](-mini)?
        | claude | anthropic | prometheus | deepseek | qwen\d* | grok | copilot | perplexity | bing | ask-?k
        | vicuna | alpaca | falcon | meditron | biomistral | pmc-llama | huatuogpt | doctorglm | chatdoctor
        | phi-\d | command-r | cohere | ernie | baichuan | chatglm | glm-\d | kimi | yi-\d+b | openevidence
        | language\ model | ai\ (model|assistant) | as\ an\ ai | chatbot
    )(?!\w)""",
    re.VERBOSE | re.IGNORECASE,
)
OWN_NAMES = re.compile(
    r"(?<!\w)(sample-\w+|terse|thorough|thoroughly|cautious|cautiously|erratic)(?!\w)", re.IGNORECASE
)


def records(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path(name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def questions() -> list[dict[str, Any]]:
    return records("questions.jsonl")


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    return records("answers.jsonl")


@pytest.fixture(scope="module")
def votes() -> list[dict[str, Any]]:
    return records("votes.jsonl")


def test_the_importers_accept_all_files() -> None:
    found = parse_questions(read_records(path("questions.jsonl"), name="questions.jsonl"), name="questions.jsonl")
    answered = parse_answers(read_records(path("answers.jsonl"), name="answers.jsonl"), name="answers.jsonl")
    cast = read_records(path("votes.jsonl"), name="votes.jsonl")
    voted = parse_votes(cast, name="votes.jsonl", digest="0" * 64)
    assert (len(found), len(answered), len(voted)) == (20, 80, 360)
    assert all(vote.record.simulated and vote.record.rater for vote in voted)
    assert {item.record.extra for item in found} == {"{}"}
    assert sum("planted_error" in item.record.provenance for item in answered) == 7


def test_questions_cover_specialties_and_all_tasks(questions: list[dict[str, Any]]) -> None:
    assert len(questions) >= 16
    assert len({question["id"] for question in questions}) == len(questions)
    assert len({question["category"] for question in questions}) >= 5
    assert {question["task"] for question in questions} == TASKS
    for question in questions:
        assert question["text"].strip()
        assert (question["language"], question["source"]) == ("en", "Clinical Arena sample")
        assert all(statement.strip() for statement in question["must_have"])


def test_tasks_about_a_case_or_a_record_carry_it(questions: list[dict[str, Any]]) -> None:
    for question in questions:
        needs_context = question["task"] in {"record summary", "diagnosis support"}
        assert ("context" in question) == needs_context, question["id"]
        if question["task"] == "record summary":
            assert question["context"].startswith("Invented"), question["id"]


def test_every_contender_answers_every_question_once(
    questions: list[dict[str, Any]], answers: list[dict[str, Any]]
) -> None:
    given = Counter((answer["question_id"], answer["contender"]) for answer in answers)
    assert given == Counter((question["id"], contender) for question in questions for contender in CONTENDERS)
    assert all(answer["text"].strip() for answer in answers)
    assert len({answer["text"] for answer in answers}) == len(answers)


def test_answers_say_where_they_come_from(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        assert answer["origin"] == "written for the sample study"
        assert answer["fictitious"] is True


def test_only_the_erratic_contender_errs_in_about_a_third_of_its_answers(answers: list[dict[str, Any]]) -> None:
    erring = [answer["contender"] for answer in answers if answer.get("planted_error")]
    assert set(erring) == {"sample-erratic"}
    assert 0.25 <= len(erring) / (len(answers) / len(CONTENDERS)) <= 0.4


def test_styles_are_visibly_different(answers: list[dict[str, Any]]) -> None:
    texts = {name: [answer["text"] for answer in answers if answer["contender"] == name] for name in CONTENDERS}
    length = {name: median(len(text) for text in texts[name]) for name in CONTENDERS}
    assert 1.5 * length["sample-terse"] < length["sample-erratic"] < length["sample-cautious"]
    assert 1.3 * length["sample-cautious"] < length["sample-thorough"]
    headed = {name: sum(re.search(r"^## ", text, re.MULTILINE) is not None for text in texts[name]) for name in texts}
    assert headed == {"sample-terse": 0, "sample-thorough": 20, "sample-cautious": 0, "sample-erratic": 0}
    assert all("\n" not in text for text in texts["sample-terse"])


def test_no_text_names_a_real_system(questions: list[dict[str, Any]], answers: list[dict[str, Any]]) -> None:
    for record in [*questions, *answers]:
        found = REAL_SYSTEMS.search(json.dumps(record, ensure_ascii=False))
        assert found is None, f"{record}: {found}"


@pytest.mark.parametrize(
    "text", ["I am Med42.", "as GPT-4 would say", "Llama3", "(Claude)", "Mixtral-8x7B", "OpenBioLLM"]
)
def test_a_real_name_would_be_found(text: str) -> None:
    assert REAL_SYSTEMS.search(text)


@pytest.mark.parametrize("text", ["jaw claudication", "palmar erythema", "palms", "Gram-negative", "philtrum"])
def test_a_medical_word_is_no_name(text: str) -> None:
    assert REAL_SYSTEMS.search(text) is None


def test_no_answer_names_its_contender(answers: list[dict[str, Any]]) -> None:
    assert all(OWN_NAMES.search(answer["contender"]) for answer in answers)
    for answer in answers:
        assert OWN_NAMES.search(answer["text"]) is None, answer


def test_votes_are_what_the_stated_simulation_gives(tmp_path: Path) -> None:
    simulate.write(tmp_path / "votes.jsonl")
    assert (tmp_path / "votes.jsonl").read_bytes() == path("votes.jsonl").read_bytes()


def test_all_votes_are_marked_simulated_and_well_formed(votes: list[dict[str, Any]]) -> None:
    assert len({vote["id"] for vote in votes}) == len(votes)
    for vote in votes:
        assert vote["simulated"] is True
        assert vote["rater"].startswith("sim-")
        assert datetime.fromisoformat(vote["tstamp"]).utcoffset() == timedelta(0)
    assert {vote["winner"] for vote in votes} == set(Winner)


def test_each_pairing_has_three_raters_and_each_rater_an_equal_share(
    questions: list[dict[str, Any]], votes: list[dict[str, Any]]
) -> None:
    raters: dict[tuple[str, frozenset[str]], set[str]] = {}
    for vote in votes:
        raters.setdefault((vote["question_id"], frozenset((vote["model_a"], vote["model_b"]))), set()).add(
            vote["rater"]
        )
    assert set(raters) == {(row["id"], frozenset(pair)) for row in questions for pair in combinations(CONTENDERS, 2)}
    plan = tomllib.loads(path("plan.toml").read_text(encoding="utf-8"))
    assert {len(judging) for judging in raters.values()} == {plan["raters_per_pairing"]}
    assert set(Counter(vote["rater"] for vote in votes).values()) == {len(votes) // 9}
    assert len(votes) == len(raters) * plan["raters_per_pairing"]


def test_planted_errors_cost_votes(answers: list[dict[str, Any]], votes: list[dict[str, Any]]) -> None:
    """Nothing but the error tells these answers apart, so a simulation that ignores it would give equal shares."""
    erroneous = {answer["question_id"] for answer in answers if "planted_error" in answer}
    won: dict[bool, list[bool]] = {True: [], False: []}
    for vote in votes:
        for side in ("model_a", "model_b"):
            if vote[side] == "sample-erratic":
                won[vote["question_id"] in erroneous].append(vote["winner"] == side)
    assert sum(won[True]) / len(won[True]) < 0.25 < 0.4 < sum(won[False]) / len(won[False])


def test_plan_says_only_what_a_study_reads() -> None:
    plan = tomllib.loads(path("plan.toml").read_text(encoding="utf-8"))
    assert set(plan) == {"system_prompt", "raters_per_pairing"}
    assert REAL_SYSTEMS.search(plan["system_prompt"]) is None


def test_published_table_is_the_published_one() -> None:
    table = published_table()
    assert {row.model: row.rating for row in table.rows} == {
        "Med42-v2-70B": 1764,
        "Llama3-70B-Instruct": 1643,
        "GPT4-o": 1426,
        "Llama3-8B-Instruct": 1352,
        "Mixtral-8x7b-Instruct": 970,
        "Med42-v2-8B": 924,
        "OpenBioLLM-70B": 657,
        "JSL-MedLlama-3-8B-v2.0": 447,
    }
    assert sum(row.rating for row in table.rows) == 9183
    assert [row.rating for row in table.rows] == sorted((row.rating for row in table.rows), reverse=True)
    assert table.label == "published"
    assert "Med42-v2 model card" in table.source
    assert "intervals" in table.not_disclosed
