"""Where templates, judges and migrations lie: inside the wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

from arena.errors import Incomplete

_PACKAGE = Path(__file__).parent


def path(name: str) -> Path:
    """The directory `name` ("templates", "judges", "migrations"). Raises Incomplete where the install lacks it."""
    for candidate in (_PACKAGE / "_assets" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise Incomplete(f"this installation of Clinical Arena lacks its '{name}'; install it anew")
