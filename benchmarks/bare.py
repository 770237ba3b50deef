"""The least that a FastAPI application with a database can do: one route that inserts one row and commits.

It has the arena's own engine (the same settings, the same lock before SQLite) and is served in the same way, so that
the difference is what a vote costs beyond that.
"""

from __future__ import annotations

import socket
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Form
from sqlalchemy import column, insert, table

from arena.store.engine import Database, open_database
from arena.web.app import server_config


def bare_app(db: Database) -> FastAPI:
    """The application on `db`, which has a table `bare`."""
    app = FastAPI()
    rows = table("bare", column("choice"))

    @app.post("/")
    def add(choice: Annotated[str, Form()]) -> dict[str, str]:
        with db.write() as tx:
            tx.execute(insert(rows).values(choice=choice))
        return {"saved": choice}

    return app


def serve(url: str, port: int) -> None:
    """Serve it until the process is ended."""
    db = open_database(url)
    with socket.create_server(("127.0.0.1", port), backlog=2048) as sock:
        uvicorn.Server(server_config(bare_app(db), host="127.0.0.1", port=port)).run(sockets=[sock])
