"""A real server in a process of its own, forked in milliseconds."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from urllib.parse import urlencode

from arena.settings import Settings
from arena.store.engine import Database, open_database

# A process that has imported everything and started no thread: servers are forked from it.
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["arena.web.app", "tests.reliability.server"])


def nothing() -> None:
    """The server as it is."""


def serve(url: str, listening: socket.socket, prepare: Callable[[], None]) -> None:
    """Run the server in this process."""
    from arena.cli.serve import run

    prepare()
    port = listening.getsockname()[1]
    settings = Settings(
        database_url=url,
        public_url=f"http://127.0.0.1:{port}",
        rate_session=1_000_000,  # these raters do not stop to read
        rate_address=1_000_000,
    )
    run(settings, open_database(url), listening)


@dataclass(frozen=True)
class Running:
    """A server that runs: where, and as which process."""

    port: int
    process: BaseProcess

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self.process.pid is not None
        return self.process.pid

    def request(self, method: str, path: str, session: str, **form: str) -> tuple[HTTPConnection, HTTPResponse]:
        """Ask as a signed-in rater's browser would; the caller closes the connection."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        origin = f"http://127.0.0.1:{self.port}"
        headers = {"Cookie": f"__Host-arena-rater={session}", "Origin": origin, "Sec-Fetch-Site": "same-origin"}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, urlencode(form) if form else None, headers)
        return connection, connection.getresponse()


def listener() -> socket.socket:
    """A socket that listens on this machine; while it is open, whoever connects waits for the next server on it."""
    return socket.create_server(("127.0.0.1", 0), backlog=100)


@contextmanager
def running(
    db: Database, *, prepare: Callable[[], None] = nothing, on: socket.socket | None = None
) -> Iterator[Running]:
    """A server on `db`, by default on a socket of its own; `prepare` is called in its process first, for a control."""
    url = db.engine.url.render_as_string(hide_password=False)
    with nullcontext(on) if on else listener() as listening:
        process = PROCESSES.Process(target=serve, args=(url, listening, prepare))
        process.start()
        try:
            yield Running(listening.getsockname()[1], process)
        finally:
            process.kill()
            process.join()
