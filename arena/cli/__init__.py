"""The command `arena`: `main` is its entry point."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Its libraries take a moment to load, and Ctrl-C shows no traceback then either."""
    try:
        from arena.cli import app
    except KeyboardInterrupt:
        sys.exit(130)
    app.main()
