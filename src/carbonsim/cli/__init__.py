"""The shell: one module a group of verbs; importing them registers the verbs with the app."""

from carbonsim.cli import accounts, clear, factors, studies
from carbonsim.cli.shell import app, execute, main

__all__ = ["accounts", "app", "clear", "execute", "factors", "main", "studies"]
