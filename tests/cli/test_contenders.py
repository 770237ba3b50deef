"""`arena contenders` as a shell sees it: no database is needed."""

from __future__ import annotations

import shlex

from tests.cli.running import Shell


def test_the_list_is_plain_and_uncut(shell: Shell) -> None:
    lines = shell.ok("contenders", "list").out.splitlines()
    assert len(lines) == 13
    assert "Med42-v2-70B\tvllm\tm42-health/Llama3-Med42-70B\tM42 Health" in lines
    assert all(line.count("\t") == 3 for line in lines)


def test_show_says_what_matters(shell: Shell) -> None:
    shown = shell.ok("contenders", "show", "mixtral-8x7b-instruct").out
    assert "mistralai/Mixtral-8x7B-Instruct-v0.1" in shown
    assert "without a system role" in shown
    assert "retired on 2026-10-23" in shell.ok("contenders", "show", "GPT-4.0").out


def test_serve_prints_one_command_and_says_what_to_know(shell: Shell) -> None:
    done = shell.ok("contenders", "serve", "Llama3-70B-Instruct", "--gpus", "2")
    assert done.out.count("\n") == 1
    assert shlex.split(done.out)[:3] == ["vllm", "serve", "meta-llama/Meta-Llama-3-70B-Instruct"]
    assert any("quantised" in line for line in done.lines)
    assert any("gated" in line for line in done.lines)


def test_what_does_not_fit_ends_with_1_and_what_is_not_there_with_2(shell: Shell) -> None:
    assert shell.run("contenders", "serve", "Med42-v2-70B", "--gpu-memory", "16").code == 1
    assert shell.run("contenders", "serve", "Med-PaLM-2").code == 2
    assert shell.run("contenders", "show", "nobody").code in (1, 2)


def test_a_hostile_file_does_not_reach_the_terminal(shell: Shell) -> None:
    file = shell.write(
        "own.toml",
        b'name = "x\\u001b[2J"\nmaker = "m"\nreached = "recorded"\nlicence = "l"\ngives_away = ["x"]\n',
    )
    shown = shell.ok("contenders", "show", "x\x1b[2J", "--file", file).out
    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown
