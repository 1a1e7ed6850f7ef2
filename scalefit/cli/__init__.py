"""The command line: parses, calls the library's verbs, prints."""

from . import _start
from ._main import main as main

_start.done()
