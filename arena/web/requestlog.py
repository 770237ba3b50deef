"""One log line a request, and the last resort for what nobody expected."""

from __future__ import annotations

import secrets
import time
import traceback

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arena.errors import Busy
from arena.web.guards import SAFE_METHODS, Refuse

RETRY_AFTER = "5"
"""Seconds after which a busy database may be asked again."""


class RequestLog:
    """Logs one line a request (no path, which may hold a secret; no address) and answers what nobody expected."""

    def __init__(self, app: ASGIApp, *, refuse: Refuse) -> None:
        self.app = app
        self.refuse = refuse
        self.log = structlog.get_logger("arena.web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app; turn an unexpected exception into a page with an id that is also in the log."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 0
        began = time.perf_counter()

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        except Busy as error:
            self.log.warning("busy", method=_method(scope), route=_route(scope))
            if status:
                raise
            response = self.refuse(scope, error.status, str(error))
            response.headers["Retry-After"] = RETRY_AFTER
            await response(scope, receive, note_status)
        except Exception:
            incident = secrets.token_hex(4)
            # Formatted here: a renderer that shows local variables would show what a request held.
            self.log.error(
                "unexpected",
                incident=incident,
                method=_method(scope),
                route=_route(scope),
                exception=traceback.format_exc(),
            )
            if status:
                raise
            message = f"Something went wrong on our side; what was not confirmed does not count. Reference {incident}."
            await self.refuse(scope, 500, message)(scope, receive, note_status)
        finally:
            duration = round(1000 * (time.perf_counter() - began), 1)
            self.log.info("request", method=_method(scope), route=_route(scope), status=status, ms=duration)


def _route(scope: Scope) -> str:
    """The template of the matched route; the path itself may hold a secret."""
    return str(getattr(scope.get("route"), "path", "-"))


def _method(scope: Scope) -> str:
    """The method where it is a usual one: a client may send any bytes there."""
    method = str(scope["method"])
    return method if method in SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"} else "OTHER"
