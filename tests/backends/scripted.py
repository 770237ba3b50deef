"""A server with OpenAI's routes on the loopback, which answers by a script: rightly, wrongly, late or never."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


@dataclass
class Answer:
    """What is sent back: a status, headers, and a body; `hold` is waited for before anything is sent."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


Script = Callable[[int, Body], Answer]
"""The answer to the nth request for a text (from 0)."""


@dataclass
class Scripted:
    """The running server: its address, the requests for texts so far, with their headers."""

    url: str
    asked: list[Body] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def completion(body: Body, text: str, *, finish: str = "stop", **more: object) -> Answer:
    """A right answer with this text, as vLLM writes it."""
    choice: Body = {"index": 0, "finish_reason": finish, "stop_reason": None}
    choice |= {"message": {"role": "assistant", "content": text}} if "messages" in body else {"text": text}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}
    found = {"id": "cmpl-1", "model": body["model"], "system_fingerprint": "fp", "choices": [choice], "usage": usage}
    return Answer(json.dumps(found | more).encode())


def echo(_: int, body: Body) -> Answer:
    """An answer that is made of the prompt's digits and length."""
    prompt = body.get("prompt") or json.dumps(body["messages"])
    return completion(body, f"Rest and drink. [{len(prompt)}]")


@contextmanager
def serving(
    script: Script = echo,
    *,
    models: dict[str, int | None] | None = None,
    port: int = 0,
    tokens: Callable[[Body], int] | None = None,
) -> Iterator[Scripted]:
    """Run the server. `models` are those it lists, each with its longest context; `tokens` counts for /tokenize."""
    listed = {"data": [{"id": name, "max_model_len": length} for name, length in (models or {"m": 8192}).items()]}
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = {"/v1/models": listed, "/version": {"version": "9.9"}}.get(self.path)
            self._send(Answer(json.dumps(found).encode(), 200 if found else 404))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/tokenize":
                self._send(Answer(json.dumps({"count": tokens(body)}).encode()) if tokens else Answer(b"{}", 404))
                return
            with lock:
                number = len(found.asked)
                found.asked.append(body)
                found.headers.append(dict(self.headers))
                found.paths.append(self.path)
            self._send(script(number, body))

        def _send(self, answer: Answer) -> None:
            if answer.hold is not None:
                answer.hold.wait(30)
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
            except OSError:
                self.close_connection = True  # who asked has gone

        def log_message(self, *_: object) -> None:
            pass

    class Threads(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    server = Threads(("127.0.0.1", port), Handler)
    found = Scripted(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
