"""A real server in a process of its own, forked in milliseconds."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from multiprocessing import get_context
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
    run(Settings(database_url=url, public_url=f"http://127.0.0.1:{port}"), open_database(url), listening)


@dataclass(frozen=True)
class Running:
    """A server that runs: where, and as which process."""

    port: int
    pid: int

    def request(self, method: str, path: str, session: str, **form: str) -> tuple[HTTPConnection, HTTPResponse]:
        """Ask as a signed-in rater's browser would; the caller closes the connection."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        origin = f"http://127.0.0.1:{self.port}"
        headers = {"Cookie": f"__Host-arena-rater={session}", "Origin": origin, "Sec-Fetch-Site": "same-origin"}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, urlencode(form) if form else None, headers)
        return connection, connection.getresponse()


@contextmanager
def running(db: Database, *, prepare: Callable[[], None] = nothing) -> Iterator[Running]:
    """A server on `db`; `prepare` is called in its process first, to make a control of it."""
    url = db.engine.url.render_as_string(hide_password=False)
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:
        process = PROCESSES.Process(target=serve, args=(url, listening, prepare))
        process.start()
        assert process.pid is not None
        try:
            yield Running(listening.getsockname()[1], process.pid)
        finally:
            process.kill()
            process.join()
