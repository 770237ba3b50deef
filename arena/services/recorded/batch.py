"""A line of a batch's results, as OpenAI writes it and as `vllm run-batch` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arena.domain.text import printable
from arena.services.files.raw import MAX_NAME_CHARS, BadField
from arena.services.recorded.shapes import said

_REASON_CHARS = 300


@dataclass(frozen=True)
class Result:
    """What came of one request: the body of a reply, or why there is none."""

    custom_id: str
    body: Mapping[str, Any] | None
    failure: str | None


def result(fields: Mapping[str, object]) -> Result:
    """The result on one line. Raises BadField where it is not of that form.

    `error` is null, a text, or an object, with an object `error` within or not (vLLM); `response.body` is null or an
    error's own where `status_code` is not 200.
    """
    custom_id = said(fields, "custom_id")
    if len(custom_id) > MAX_NAME_CHARS:
        raise BadField("custom_id", f"has {len(custom_id):,} characters; at most {MAX_NAME_CHARS} are allowed")
    response = fields.get("response")
    if "response" not in fields or not isinstance(response, dict | None):
        raise BadField("response", "must be a JSON object or null")
    body = response.get("body") if response else None
    status = response.get("status_code") if response else None
    error = fields.get("error")
    if error or status != 200 or not isinstance(body, dict):
        within = body.get("error", body) if isinstance(body, dict) and status != 200 else None
        return Result(custom_id, None, _reason(status, error or within))
    return Result(custom_id, body, None)


def _reason(status: object, error: object) -> str:
    """In words what an error says, as one line that is safe to read."""
    if isinstance(error, dict) and isinstance(error.get("error"), dict | str):
        error = error["error"]
    if isinstance(error, dict):
        error = error.get("message") or error.get("code")
    text = printable(" ".join(str(error or "").split()))[:_REASON_CHARS] or "nothing more was said"
    known = isinstance(status, int) and not isinstance(status, bool) and status != 200
    return f"HTTP {status}: {text}" if known else text
