"""A client for any server with OpenAI's routes, vLLM first. It relies on `/v1/models` and the completions routes alone.

Redirects are not followed, proxies of the environment are not used, and a key goes to the one origin it is bound to.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx2

from arena.backends.base import Ask, Failed, Reply
from arena.domain.text import printable
from arena.errors import BadInput

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a reply that are read at most: no answer is that long."""
CONNECT_SECONDS = 10.0
LONGEST_WAIT = 300.0
_REASON_CHARS = 300
_SNAPSHOT = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4})")
"""What may stand behind the name of the model asked for: a date. `-mini` would be another model."""
_REFUSES_ALL = frozenset({401, 403})
_WORTH_REPEATING = frozenset({408, 409, 425, 429})


class Server:
    """One server. Open it with `async with`; it may be asked many things at once."""

    def __init__(self, base_url: str, *, keys: Mapping[str, str], timeout: float, connections: int) -> None:
        """`keys` are the keys by origin, `timeout` the seconds that one answer may take. Raises BadInput."""
        self.origin = origin(base_url)
        self._timeout, self._places = timeout, asyncio.Semaphore(connections)
        path = httpx2.URL(base_url).path.rstrip("/").removesuffix("/v1")
        headers = {"Authorization": f"Bearer {keys[self.origin]}"} if self.origin in keys else {}
        self._client = httpx2.AsyncClient(
            base_url=f"{self.origin}{path}",
            headers=headers,
            timeout=httpx2.Timeout(timeout, connect=CONNECT_SECONDS, pool=None),
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        """The server, ready to be asked."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def models(self) -> dict[str, int | None]:
        """The models that it serves, each with its longest context in tokens, where it says so. Raises Failed."""
        found = await self._call("GET", "/v1/models")
        try:
            return {str(model["id"]): _whole(model.get("max_model_len")) for model in found["data"]}
        except (KeyError, TypeError, AttributeError):
            raise Failed("its list of models cannot be read", is_final=True) from None

    async def version(self) -> str | None:
        """What the server says it is, where it does."""
        try:
            return _text((await self._call("GET", "/version")).get("version"))
        except Failed:
            return None

    async def count(self, ask: Ask) -> int | None:
        """The tokens of a prompt, where the server counts them."""
        body: dict[str, object] = {"model": ask.model}
        body |= {"messages": _turns(ask)} if ask.prompt is None else {"prompt": ask.prompt, "add_special_tokens": False}
        try:
            return _whole((await self._call("POST", "/tokenize", body)).get("count"))
        except Failed:
            return None

    async def ask(self, ask: Ask) -> Reply:
        """One text. Raises Failed, also where it is empty or of another model."""
        began = time.monotonic()
        path, body = request(ask)
        found = await self._call("POST", path, body)
        return reply_to(ask, found, time.monotonic() - began)

    async def _call(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        try:
            # The client's own limit is for each piece: a server that trickles would be waited for for ever.
            async with (
                self._places,
                asyncio.timeout(self._timeout),
                self._client.stream(method, path, json=body) as response,
            ):
                data = await _read(response)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise Failed(f"{self.origin} cannot be reached", is_unreachable=True) from error
        except (httpx2.TimeoutException, TimeoutError) as error:
            raise Failed("no answer came in time") from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise Failed(f"the connection broke ({type(error).__name__})") from error
        if response.status_code != 200:
            raise _refused(response, data)
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            raise Failed("the reply is no JSON that can be read") from None
        if not isinstance(found, dict):
            raise Failed("the reply is no JSON object")
        return found


def origin(base_url: str) -> str:
    """The scheme, host and port of a base URL. Raises BadInput for what is none, or holds a user, query or fragment."""
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL as error:
        raise BadInput(f"what was given as a server's address is none: {printable(str(error))}") from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise BadInput(
            f"'{url.scheme}://{printable(url.host)}…' cannot be asked: write a scheme and a host, such as"
            " http://127.0.0.1:8000, without user, query or fragment"
        )
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def request(ask: Ask) -> tuple[str, dict[str, object]]:
    """The route and the body with which a text is asked for."""
    body: dict[str, object] = {"model": ask.model, **ask.sampling.body()}
    if ask.prompt is None:
        return "/v1/chat/completions", body | {"messages": _turns(ask)}
    return "/v1/completions", body | {"prompt": ask.prompt, "add_special_tokens": False}


def reply_to(ask: Ask, found: Mapping[str, Any], seconds: float | None) -> Reply:
    """The text in what came back. Raises Failed, also where it is empty or of another model."""
    reply = _reply(found, seconds)
    if reply.model != ask.model and not _SNAPSHOT.fullmatch(reply.model.removeprefix(ask.model)):
        raise Failed(f"it answered as '{printable(reply.model)}' and not as '{ask.model}'", is_final=True)
    if not any(sign.isprintable() and not sign.isspace() for sign in reply.text):
        raise Failed("the answer is empty")
    return reply


def keys_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The keys in variables `ARENA_KEY_…`, each written ORIGIN KEY, by origin. Raises BadInput, never showing a key."""
    keys = {}
    for name, value in environment.items():
        if name.startswith("ARENA_KEY_"):
            place, _, key = value.strip().partition(" ")
            if not key.strip() or "://" not in place or not key.strip().isascii() or not key.strip().isprintable():
                raise BadInput(f"{name}: write the server's origin, a space and the key: https://api.example.org KEY")
            keys[origin(place)] = key.strip()
    return keys


async def _read(response: httpx2.Response) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_BODY:
            raise Failed(f"the reply is longer than {MAX_BODY:,} bytes")
        parts.append(part)
    return b"".join(parts)


def _refused(response: httpx2.Response, data: bytes) -> Failed:
    status = response.status_code
    if 300 <= status < 400:
        return Failed(f"it redirects (HTTP {status}), which is not followed", is_final=True)
    is_final = 400 <= status < 500 and status not in _WORTH_REPEATING
    reason = f"HTTP {status}: {_said(data)}"
    return Failed(reason, is_final=is_final, wait=_retry_after(response.headers), ends_all=status in _REFUSES_ALL)


def _said(data: bytes) -> str:
    """What an error's body says, as one line of what is worth reading."""
    text = data[: 8 * _REASON_CHARS].decode(errors="replace")
    try:
        found = json.loads(data)
        error = found.get("error", found)
        text = str(error.get("message", text) if isinstance(error, dict) else error)
    except (ValueError, AttributeError, RecursionError):
        pass
    return printable(" ".join(text.split()))[:_REASON_CHARS] or "nothing more was said"


def _retry_after(headers: httpx2.Headers) -> float | None:
    """The seconds of Retry-After, which holds a number or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "")
    if value.isdecimal():
        return min(float(value), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WAIT)
    except (ValueError, OverflowError):
        return None


def _turns(ask: Ask) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in ask.messages]


def _reply(found: Mapping[str, Any], seconds: float | None) -> Reply:
    try:
        choice = found["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
        usage = found.get("usage") or {}
        details = usage.get("prompt_tokens_details") or {}
        stop_reason = choice.get("stop_reason")
        model = found["model"]
        if not isinstance(text, str | None) or not isinstance(model, str):
            raise TypeError
        return Reply(
            text=text or "",
            finish=_text(choice.get("finish_reason")),
            stop_reason=stop_reason if isinstance(stop_reason, str) else _whole(stop_reason),
            request_id=_text(found.get("id")),
            model=model,
            fingerprint=_text(found.get("system_fingerprint")),
            prompt_tokens=_whole(usage.get("prompt_tokens")),
            tokens=_whole(usage.get("completion_tokens")),
            cached_tokens=_whole(details.get("cached_tokens")),
            seconds=None if seconds is None else round(seconds, 3),
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        raise Failed("the reply is not in the form of OpenAI's completions") from None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
