"""The command run within the test's own process, with its own standard streams: as a shell sees it, and fast."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from typer.main import get_command

from arena.cli import app

COMMAND = (sys.executable, "-c", "from arena.cli import main; main()")
BUILT = get_command(app.build())
"""The commands, which hold nothing between two runs: to build them all anew takes longer than most of them run."""


@dataclass(frozen=True)
class Finished:
    """What a command left: its exit status, and what it wrote to the two streams."""

    code: int
    data: bytes
    said: str

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.data.decode()

    @property
    def lines(self) -> list[str]:
        """The lines said to the person."""
        return self.said.splitlines()


@dataclass(frozen=True)
class Shell:
    """A working directory and the environment variables in which commands are run."""

    folder: Path
    env: dict[str, str]

    @property
    def url(self) -> str:
        """The database's address."""
        return self.env["ARENA_DATABASE_URL"]

    def run(self, *argv: str, stdin: bytes = b"", **env: str) -> Finished:
        """Run one command to its end, whatever comes of it."""
        out, err = _stream(), _stream()
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with (
                patch.dict(os.environ, self._environment(env), clear=True),
                patch.object(app, "build", return_value=BUILT),
                patch.multiple(sys, argv=["arena", *argv], stdin=_stream(stdin), stdout=out, stderr=err),
            ):
                code = _code()
        finally:
            os.chdir(before)
        return Finished(code, _written(out), _written(err).decode())

    def ok(self, *argv: str, stdin: bytes = b"", **env: str) -> Finished:
        """Run one command that must succeed."""
        done = self.run(*argv, stdin=stdin, **env)
        assert done.code == 0, done.said
        return done

    def fails(self, code: int, *argv: str, stdin: bytes = b"", **env: str) -> str:
        """Run one command that must fail with `code`, write no data and show no traceback; returns what it said."""
        done = self.run(*argv, stdin=stdin, **env)
        assert (done.code, done.data) == (code, b""), done
        assert "Traceback" not in done.said
        assert "something unexpected" not in done.said
        assert done.said.startswith(("error: ", "Usage: ")), done.said
        return done.said

    def spawn(self, *argv: str, **env: str) -> subprocess.Popen[bytes]:
        """Start one command as a process of its own."""
        return subprocess.Popen(
            [*COMMAND, *argv],
            cwd=self.folder,
            env=self._environment(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def write(self, name: str, content: str | bytes) -> str:
        """Write a file into the working directory; returns its name."""
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ARENA_")}
        return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **self.env, **more}


def _stream(content: bytes = b"") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", errors="backslashreplace")


def _written(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue()


def _code() -> int:
    try:
        app.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
