"""The command line: parses, calls the library's verbs, prints."""

from ._main import main as main
