"""`arena answers scan`, `arena import answers --from` and `arena study show --answers` as a shell sees them."""

from __future__ import annotations

import json

import pytest

from tests.cli.material import jsonl, load
from tests.cli.running import Shell

HOSTILE = "As Claude\u202e, I am \x7f ChatGPT."


def test_answers_that_name_their_system_are_said_at_import_and_found_by_a_scan(shell: Shell) -> None:
    load(shell)
    rows = [{"question_id": "q0", "contender": "delta", "text": "I am ChatGPT. Rest."}]
    done = shell.ok("import", "answers", shell.write("more.jsonl", jsonl(rows)), "--study", "s")
    assert done.lines[-1] == "answers that name their system: delta 1; see arena answers scan --study s --list"
    assert "name" not in shell.ok("import", "answers", "more.jsonl", "--study", "s").said
    table = shell.ok("answers", "scan", "--study", "s").out
    assert "delta            1       1" in table
    assert "1 of 19 answers name a system or its maker.\nNot for clinical use." in table
    found = json.loads(shell.ok("answers", "scan", "--study", "s", "--format", "json", "--list").out)
    assert (found["study"], found["answers"], found["naming"]) == ("s", 19, 1)
    assert found["contenders"][-1] == {"contender": "gamma", "answers": 6, "naming": 0}
    assert found["places"] == [
        {"question": "q0", "contender": "delta", "words": "ChatGPT", "before": "I am ", "after": ". Rest."}
    ]


def test_the_context_of_a_name_cannot_act_on_the_terminal(shell: Shell) -> None:
    load(shell)
    rows = [{"question_id": "q0", "contender": "delta", "text": HOSTILE}]
    shell.ok("import", "answers", shell.write("more.jsonl", jsonl(rows)), "--study", "s")
    listed = shell.ok("answers", "scan", "--study", "s", "--list").out
    assert "[ChatGPT]" in listed
    assert "\\u202e" in listed
    assert not set("\u202e\x7f") & set(listed)


def test_answers_of_another_program_are_imported_whole_or_not_at_all(shell: Shell) -> None:
    load(shell)
    outputs = [{"instruction": f"Question {n}?", "output": f"Text {n}.", "generator": "gpt4"} for n in range(6)]
    broken = json.dumps([*outputs[:5], {**outputs[5], "instruction": "Another?"}])
    said = shell.fails(2, "import", "answers", shell.write("o.json", broken), "-s", "s", "--from", "alpaca-eval")
    assert "o.json, item 6: the study has no question of exactly this text: 'Another?'" in said
    assert "3 contenders, 18 answers" in shell.ok("study", "show", "s").out
    file = shell.write("outputs.json", json.dumps(outputs))
    assert "imported 6 answers" in shell.ok("import", "answers", file, "-s", "s", "--from", "alpaca-eval").said
    assert "already: nothing changed" in shell.ok("import", "answers", file, "-s", "s", "--from", "alpaca-eval").said
    bench = [{"question_id": "q1", "model_id": "m", "choices": [{"turns": ["One.", "Two."]}]}]
    run = ("import", "answers", "-", "-s", "s", "--from", "mt-bench", "--contender", "delta")
    shell.ok(*run, stdin=jsonl(bench).encode())
    unknown = shell.fails(2, *run, stdin=jsonl([bench[0] | {"question_id": 81}]).encode())
    assert "standard input, line 1, question_id: the study has no question '81'" in unknown
    shown = shell.ok("study", "show", "s", "--answers").out.splitlines()
    assert [line.split() for line in shown if line.startswith(("delta", "gpt4"))] == [
        ["delta", "imported", "m", "–", "1", "0", "0"],
        ["gpt4", "imported", "gpt4", "–", "6", "0", "0"],
    ]
    assert shown[-1] == "Not for clinical use."


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_recorded_answers_come_back_from_every_export_as_what_they_were(shell: Shell, ending: str) -> None:
    load(shell)
    sample = {
        "doc_id": 0,
        "doc": {"question": "Question 0?", "note": "„é\n", "parts": {"x": [1, None]}},
        "arguments": {"gen_args_0": {"arg_0": "Q: Question 0?", "arg_1": {"until": []}}},
        "resps": [["Ünsafe."]],
        "filtered_resps": ["Ünsafe."],
        "acc": 0.5,
        "none": None,
    }
    run = ("import", "answers", "-", "-s", "s", "--from", "lm-eval", "--contender", "delta", "--match", "text")
    shell.ok(*run, stdin=jsonl([sample]).encode())
    shell.ok("export", "answers", "--study", "s", "--output", f"a.{ending}")
    said = shell.ok("import", "answers", f"a.{ending}", "--study", "s").said
    assert "has these 19 answers already" in said


def test_options_that_do_not_belong_together_are_refused(shell: Shell) -> None:
    load(shell)
    file = shell.write("a.jsonl", "{}\n")
    for wrong in (
        ("--contender", "x"),
        ("--match", "id"),
        ("--from", "mt-bench", "--format", "jsonl"),
        ("--from", "mt-bench", "--match", "text"),
        ("--from", "lm-eval"),
        ("--from", "other"),
    ):
        shell.fails(2, "import", "answers", file, "--study", "s", *wrong)
    assert "gone.json: cannot be read" in shell.fails(
        2, "import", "answers", "gone.json", "-s", "s", "--from", "alpaca-eval"
    )
    shell.fails(2, "answers", "scan", "--study", "none")
