"""`arena generate` as a shell sees it."""

from __future__ import annotations

from tests.backends.scripted import Answer, serving
from tests.cli.material import load
from tests.cli.running import Shell

NAME = "Llama3-8B-Instruct"


def drafted(shell: Shell) -> None:
    load(shell)
    shell.ok("study", "contenders", "add", "s", NAME)


def test_a_study_is_filled_and_run_again_there_is_nothing_to_do(shell: Shell) -> None:
    drafted(shell)
    with serving(models={NAME: 8192}) as there:
        done = shell.ok("generate", "--study", "s", "--base-url", there.url)
        assert done.out == ""
        assert "6 answers stored" in done.said
        assert "every answer is there" in shell.ok("generate", "-s", "s", "--base-url", there.url).said
    assert len(there.asked) == 6
    assert shell.ok("export", "answers", "--study", "s").out.count(NAME) >= 6


def test_a_dry_run_counts_and_asks_nobody(shell: Shell) -> None:
    drafted(shell)
    shell.ok("study", "plan", "set", "s", "answer_tokens=100")
    line, total = shell.ok("generate", "-s", "s", "--dry-run", "--price", "1,10").out.splitlines()
    name, answers, _, out, cost = line.split("\t")
    assert (name, answers, out) == (NAME, "6 answers", "<=600 tokens out")
    assert cost == total.split("\t")[1] == "<=0.01"


def test_contenders_named_are_added_from_the_catalogue(shell: Shell) -> None:
    load(shell)
    with serving(models={"meta-llama/Meta-Llama-3-8B-Instruct": 8192}) as there:
        shell.ok("generate", "-s", "s", "--contender", NAME.lower(), "--base-url", there.url)
    assert "4 contenders" in shell.ok("study", "show", "s").out


def test_what_is_still_missing_ends_with_1_and_is_named(shell: Shell) -> None:
    drafted(shell)
    with serving(lambda _, __: Answer(b'{"error": "\\u001b[2Jno"}', 400), models={NAME: 8192}) as there:
        done = shell.run("generate", "-s", "s", "--base-url", there.url)
    assert done.code == 1
    assert sum(line.startswith(f"given up: {NAME}, question ") for line in done.lines) == 6
    assert "6 answers given up" in done.lines[-1]
    assert "\x1b" not in done.said


def test_bad_input_ends_with_2(shell: Shell) -> None:
    drafted(shell)
    assert shell.run("generate", "-s", "s").code == 2
    assert shell.run("generate", "-s", "s", "--base-url", "nowhere").code == 2
    assert shell.run("generate", "-s", "s", "--dry-run", "--price", "x").code == 2
    done = shell.run("generate", "-s", "s", "--base-url", "http://127.0.0.1:9", ARENA_KEY_X="secret")
    assert done.code == 2
    assert "secret" not in done.said
    assert shell.run("generate", "-s", "s", "--base-url", "http://127.0.0.1:9").code == 1
    assert shell.run("study", "contenders", "add", "s", "Med-PaLM-2").code == 2


def test_a_dry_run_with_nothing_to_do_says_so(shell: Shell) -> None:
    load(shell)
    assert "nothing to ask" in shell.ok("generate", "-s", "s", "--dry-run").said
