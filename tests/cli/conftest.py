"""The shells, for every test of the command line."""

from tests.cli.shells import bare, make_shell, shell

__all__ = ["bare", "make_shell", "shell"]
