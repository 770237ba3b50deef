"""What only a process of its own can show: streams, pipes, signals and exit statuses."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.material import answers, jsonl, load, votes
from tests.cli.running import COMMAND, Shell
from tests.cli.shells import MakeShell


@pytest.fixture
def files(make_shell: MakeShell) -> Shell:
    """A shell with a study, and a file of votes."""
    shell = make_shell("sqlite")
    load(shell)
    shell.write("votes.jsonl", jsonl(votes()))
    return shell


def through_a_shell(shell: Shell, line: str) -> subprocess.CompletedProcess[bytes]:
    """Run one line of bash in which `arena` is the command."""
    script = f'arena() {{ "{COMMAND[0]}" {COMMAND[1]} "{COMMAND[2]}" "$@"; }}; {line}'
    env = {name: value for name, value in os.environ.items() if not name.startswith("ARENA_")} | shell.env
    env["PYTHONPATH"] = str(Path(__file__).parents[2])
    return subprocess.run(["bash", "-c", script], cwd=shell.folder, env=env, capture_output=True, timeout=60)


def test_data_and_messages_go_to_their_own_stream(files: Shell) -> None:
    process = files.spawn("leaderboard", "--votes", "votes.jsonl", "--bootstrap", "20", "--format", "csv")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.startswith(b"rank,rank_low,")
    assert out.count(b"\n") == 4
    assert {line.partition(b":")[0] for line in err.splitlines()} == {b"warning"}
    process = files.spawn("leaderboard", "--votes", "nowhere.jsonl")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, b"")
    assert err == b"error: nowhere.jsonl: cannot be read: No such file or directory\n"


def test_who_reads_only_the_first_line_sees_no_complaint(files: Shell) -> None:
    rows = [{**row, "contender": "long", "text": "x" * 100_000} for row in answers(contenders=["long"])]
    files.ok("import", "answers", files.write("long.jsonl", jsonl(rows)), "--study", "s")
    done = through_a_shell(files, "arena export answers --study s | head -1")
    assert done.stderr == b""
    assert done.stdout.startswith(b'{"question_id": "q0"')
    assert done.stdout.count(b"\n") == 1


def test_standard_input_is_read_from_a_pipe(files: Shell) -> None:
    done = through_a_shell(files, "cat votes.jsonl | arena import votes - --format jsonl --study s")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr == b"imported 72 votes into 's'\n"
    done = through_a_shell(files, "arena import votes - --format jsonl --study s <&-")
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: standard input")


@pytest.mark.parametrize("command", ["study list", "export votes --study s", "export ledger --study s"])
def test_a_full_disk_behind_standard_output_is_told(command: str, files: Shell) -> None:
    files.ok("import", "votes", "votes.jsonl", "--study", "s")
    done = through_a_shell(files, f"arena {command} > /dev/full")
    assert done.returncode == 1
    assert done.stderr == b"error: standard output was not written: No space left on device\n"


def test_closed_streams_are_told_and_never_confused(files: Shell) -> None:
    done = through_a_shell(files, "arena study list >&-")
    assert (done.returncode, done.stderr) == (1, b"error: standard output is closed: there is nowhere to write to\n")
    done = through_a_shell(files, "arena leaderboard --study s 2>&-")
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_terminal_interrupt_ends_the_work_without_a_traceback(files: Shell) -> None:
    before = files.ok("export", "ledger", "--study", "s").data
    process = files.spawn("import", "votes", "-", "--format", "jsonl", "--study", "s")
    assert process.stdin
    process.stdin.write(jsonl(votes()).encode())
    process.stdin.flush()
    wait_until_it_reads(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert files.ok("export", "ledger", "--study", "s").data == before


def test_an_interrupt_while_the_libraries_load_is_as_quiet(files: Shell) -> None:
    code = (
        "import builtins, os, signal\n"
        "real = builtins.__import__\n"
        "def slow(name, *more):\n"
        "    if name == 'sqlalchemy': os.kill(os.getpid(), signal.SIGINT)\n"
        "    return real(name, *more)\n"
        "builtins.__import__ = slow\n"
        "from arena.cli import main\n"
        "main()\n"
    )
    env = {**os.environ, **files.env, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([COMMAND[0], "-c", code], cwd=files.folder, env=env, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def wait_until_it_reads(process: subprocess.Popen[bytes]) -> None:
    """Until the process has taken what was written, and waits for more."""
    path = Path(f"/proc/{process.pid}/fd/0")
    if not path.exists():
        message = "needs /proc to see what a process does"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    import fcntl
    import struct
    import termios

    assert process.stdin
    deadline = time.monotonic() + 50
    while time.monotonic() < deadline:
        waiting = fcntl.ioctl(process.stdin.fileno(), termios.FIONREAD, struct.pack("i", 0))
        if struct.unpack("i", waiting)[0] == 0:
            return
        os.sched_yield()
    pytest.fail("the process read nothing")
