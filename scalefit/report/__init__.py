"""One page of HTML that needs nothing else: sections of words, tables and pictures."""

from ._page import Block, Section, code, facts, findings, lines, page, picture, table

__all__ = ["Block", "Section", "code", "facts", "findings", "lines", "page", "picture", "table"]
