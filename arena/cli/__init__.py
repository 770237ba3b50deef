"""The command `arena`: `main` is its entry point."""

from arena.cli.app import main

__all__ = ["main"]
