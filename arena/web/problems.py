"""What went wrong, said as a page or, under /api, as JSON of one shape."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from arena.errors import ArenaError
from arena.web.asked import RatesHere
from arena.web.pages import Pages, sentence
from arena.web.sessions import RATER_COOKIE

_HEADINGS = {
    400: "This request cannot be understood",
    401: "Please sign in",
    403: "This is not for you to do",
    404: "There is nothing here",
    405: "This address takes no such request",
    409: "This contradicts what is already recorded",
    413: "That was too much at once",
    422: "This cannot be used as it is",
    429: "Too many requests just now",
    500: "Something went wrong",
    503: "Too much at once just now",
}
_MESSAGES = {
    404: "The link may be mistyped, used already or expired, or what it led to is not public.",
    405: "Open the page and use its own buttons.",
}


def _steps(scope: Scope, status: int) -> list[tuple[str, str]]:
    """Where one goes from a refusal. Nobody but a rater contradicts the record; any rater may ask too often."""
    rates = status == 429 and RATER_COOKIE in Request(scope).cookies
    return [("/vote", "Back to voting")] if status == 409 or rates else [("/", "Start page")]


class Problems:
    """Makes the response of a refusal, by the path it was asked at."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def __call__(
        self,
        scope: Scope,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        is_rater: bool = False,
    ) -> Response:
        """A page or JSON with `message`, which is for people. `is_rater`: what helps is to sign out as rater."""
        response: Response
        if str(scope["path"]).startswith("/api/"):
            response = JSONResponse({"error": {"status": status, "message": message}}, status_code=status)
        else:
            response = self.pages(
                "error.html",
                status,
                status=status,
                heading="One seat at a time" if is_rater else _HEADINGS.get(status, "This was refused"),
                is_rater=is_rater,
                message=sentence(message),
                next_steps=_steps(scope, status),
            )
        if status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        response.headers.update(headers or {})
        return response

    def install(self, app: FastAPI) -> None:
        """Answer the app's exceptions; what has no answer here ends in `RequestLog`."""
        app.add_exception_handler(ArenaError, self._arena)
        app.add_exception_handler(HTTPException, self._http)
        app.add_exception_handler(RequestValidationError, self._validation)

    async def _arena(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, ArenaError)
        if error.status >= 500:
            raise error
        return self(request.scope, error.status, str(error), is_rater=isinstance(error, RatesHere))

    async def _http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        message = _MESSAGES.get(error.status_code, str(error.detail))
        return self(request.scope, error.status_code, message, error.headers)

    async def _validation(self, request: Request, error: Exception) -> Response:
        # Names the fields only: what was sent in them may be a secret.
        assert isinstance(error, RequestValidationError)
        fields = [f"{'.'.join(str(part) for part in e['loc'][1:]) or 'body'}: {e['msg']}" for e in error.errors()]
        return self(request.scope, 422, "; ".join(fields))
