"""A study's plan, shown and set by commands."""

from __future__ import annotations

import json
import tomllib

import pytest

from tests.cli.material import load
from tests.cli.running import Shell


def plan(shell: Shell, study: str = "s") -> dict[str, object]:
    return tomllib.loads(shell.ok("study", "plan", "show", study).out)


def test_settings_are_set_in_a_draft_and_the_others_stay(shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    before = plan(shell)
    assert (before["raters_per_pairing"], before["reveal"], before["pair_policy"]) == (1, "never", "balanced")
    shell.ok("study", "plan", "set", "s", "raters_per_pairing=3", "reveal=when_published", 'system_prompt="Be brief."')
    shell.ok("study", "plan", "set", "s", 'choices=["a_better","b_better"]')
    assert plan(shell) == {
        **before,
        "raters_per_pairing": 3,
        "reveal": "when_published",
        "system_prompt": "Be brief.",
        "choices": ["a_better", "b_better"],
    }


def test_what_is_shown_is_a_plan_file(shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    shell.ok("study", "plan", "set", "s", 'consent="Line one.\\nLine \\"two\\", é."', "claim_minutes=5")
    file = shell.write("plan.toml", shell.ok("study", "plan", "show", "s").data)
    shell.ok("study", "create", "t", "--title", "T", "--plan", file)
    assert plan(shell, "t") == plan(shell)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("raters_per_pairing=0", "raters_per_pairing: must be a whole number from 1 to 1000, not 0"),
        ("raters_per_pairing=many", "raters_per_pairing: must be a whole number from 1 to 1000, not 'many'"),
        ("raters_per_pairing=true", "raters_per_pairing: must be a whole number from 1 to 1000, not True"),
        ("reveal=always", "reveal: must be one of never, when_published, not 'always'"),
        ("choices=a_better", "choices: must be a list of choices"),
        ('choices=["a_best"]', "choices: must be one of "),
        ("nothing=1", "the plan has no setting 'nothing'; its settings are "),
        ("raters_per_pairing", "'raters_per_pairing' is not of the form KEY=VALUE"),
        ("\x1b[31m=1", "the plan has no setting '\\x1b[31m'"),
        ("consent=", "consent: must be a text of 1 to 20,000 characters"),
    ],
)
def test_a_wrong_setting_is_told_and_nothing_changes(setting: str, told: str, shell: Shell) -> None:
    shell.ok("study", "create", "s", "--title", "S")
    before = plan(shell)
    assert told in shell.fails(2, "study", "plan", "set", "s", "claim_minutes=7", setting)
    assert plan(shell) == before


def test_an_open_studys_plan_changes_with_a_reason_that_the_ledger_keeps(shell: Shell) -> None:
    load(shell)
    shell.ok("study", "open", "s")
    shell.fails(2, "study", "plan", "set", "s", "raters_per_pairing=2", "--reason", "  ")
    shell.ok("study", "plan", "set", "s", "raters_per_pairing=2", "--reason", "Too few\x1b[31m raters agree.")
    assert plan(shell)["raters_per_pairing"] == 2
    entries = [json.loads(line) for line in shell.ok("export", "ledger", "--study", "s").out.splitlines()[1:]]
    last = entries[-1]["entry"]
    assert (last["kind"], last["payload"]["plan"]["raters_per_pairing"]) == ("plan", 2)
    assert last["payload"]["reason"] == "Too few\x1b[31m raters agree."
    shell.ok("audit", "--study", "s")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"raters_per_pairing = 0\n", "plan.toml: raters_per_pairing: must be a whole number"),
        (b"raters_per_pairing = \n", "plan.toml: the plan is not valid TOML: Invalid value (at line 1"),
        (b"nonsense = 1\n", "plan.toml: the plan has no setting 'nonsense'"),
        (b'consent = "\xff"\n', "plan.toml: is not UTF-8 text (byte 11)"),
    ],
)
def test_a_wrong_plan_file_is_named_and_no_study_is_made(content: bytes, told: str, shell: Shell) -> None:
    shell.write("plan.toml", content)
    assert told in shell.fails(2, "study", "create", "s", "--title", "S", "--plan", "plan.toml")
    assert shell.ok("study", "list").out == ""


def test_a_plan_file_that_cannot_be_read(shell: Shell) -> None:
    said = shell.fails(2, "study", "create", "s", "--title", "S", "--plan", "nowhere.toml")
    assert said == "error: nowhere.toml: cannot be read: No such file or directory\n"
    said = shell.fails(2, "study", "create", "s", "--title", "S", "--plan", ".")
    assert said == "error: .: cannot be read: Is a directory\n"
