"""What each state of a study allows, told by commands. The table here was written by hand from the study's rules."""

from __future__ import annotations

import pytest

from tests.cli.material import answers, jsonl, load, questions, votes
from tests.cli.running import Shell

WAY = {"draft": (), "open": ("open",), "closed": ("open", "close"), "published": ("open", "close", "publish")}
ACTS: dict[str, tuple[str, ...]] = {
    "import questions": ("import", "questions", "new-questions.jsonl", "--study", "{}"),
    "import answers": ("import", "answers", "new-answers.jsonl", "--study", "{}"),
    "import votes": ("import", "votes", "new-votes.jsonl", "--study", "{}"),
    "set the plan": ("study", "plan", "set", "{}", "raters_per_pairing=3"),
    "amend the plan": ("study", "plan", "set", "{}", "raters_per_pairing=3", "--reason", "more agreement"),
    "invite": ("invite", "--study", "{}", "--role", "rater", "--name", "Dr A"),
    "open": ("study", "open", "{}"),
    "close": ("study", "close", "{}"),
    "publish": ("study", "publish", "{}"),
}
ALLOWED = {
    "draft": {"import questions", "import answers", "import votes", "set the plan", "amend the plan", "invite", "open"},
    "open": {"import votes", "amend the plan", "invite", "close"},
    "closed": {"import votes", "amend the plan", "invite", "open", "publish"},
    "published": {"invite"},
}


def reach(shell: Shell, state: str, study: str) -> None:
    load(shell, study)
    for step in WAY[state]:
        shell.ok("study", step, study)


@pytest.mark.parametrize("state", WAY)
def test_every_act_in_every_state(state: str, shell: Shell) -> None:
    shell.write("new-questions.jsonl", jsonl([{"id": "new", "text": "A new one?"}]))
    shell.write("new-answers.jsonl", jsonl([{"question_id": "q0", "contender": "delta", "text": "A new one."}]))
    shell.write("new-votes.jsonl", jsonl(votes()))
    reach(shell, state, "refusing")
    before = shell.ok("export", "ledger", "--study", "refusing").data
    for number, (act, argv) in enumerate(ACTS.items()):
        if act in ALLOWED[state]:
            study = f"allowing-{number}"
            reach(shell, state, study)
            shell.ok(*(part.format(study) for part in argv))
        elif act == "set the plan" and "amend the plan" in ALLOWED[state]:
            said = shell.fails(2, *(part.format("refusing") for part in argv))
            assert f"the study 'refusing' is {state}: its plan is changed only with a reason (--reason TEXT)" in said
        else:
            said = shell.fails(1, *(part.format("refusing") for part in argv))
            assert f"the study 'refusing' is {state}; that needs " in said
    assert shell.ok("export", "ledger", "--study", "refusing").data == before


def test_a_study_with_nothing_to_compare_stays_a_draft(shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    assert "import questions and answers first" in shell.fails(1, "study", "open", "s")
    shell.ok("import", "questions", shell.write("q.jsonl", jsonl(questions())), "--study", "s")
    shell.ok("import", "answers", shell.write("a.jsonl", jsonl(answers(contenders=["one"]))), "--study", "s")
    assert "no question has answers of two contenders" in shell.fails(1, "study", "open", "s")
    assert shell.ok("study", "list").out == "s\tdraft\tS\n"


def test_a_name_taken_or_impossible(shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    assert "choose another name" in shell.fails(1, "study", "create", "s", "--title", "Another")
    for name in ("", "S", "a b", "-s", "../s", "s" * 64, "é"):
        shell.fails(2, "study", "create", "--title", "T", "--", name)
    for title in ("", " ", "x" * 201, "two\nlines", "\x1b[31mred", "\u202eback"):
        assert "1 to 200 printable characters" in shell.fails(2, "study", "create", "t", "--title", title)
    assert shell.ok("study", "list").out == "s\tdraft\tS\n"


def test_a_study_that_is_not_there(shell: Shell) -> None:
    for argv in (
        *(tuple(part.format("nope") for part in argv) for argv in ACTS.values()),
        ("study", "show", "nope"),
        ("study", "plan", "show", "nope"),
        ("leaderboard", "--study", "nope"),
        ("audit", "--study", "nope"),
        ("export", "ledger", "--study", "nope"),
        ("seat", "list", "--study", "nope"),
        ("token", "create", "--role", "analyst", "--study", "nope"),
    ):
        if argv[0] == "import":
            shell.write(argv[2], jsonl({"questions": questions, "answers": answers, "votes": votes}[argv[1]]()))
        assert shell.fails(2, *argv) == "error: there is no study 'nope'; `arena study list` shows those there are\n"
