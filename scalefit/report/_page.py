"""Elements of a page, built as a tree: words go in as text, so that nothing in them can be markup.

The page asks for nothing: its style and pictures are in it, it has no script, and it forbids the rest to the browser.
"""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, tostring

from .._core import visible

Block = Element
"""A part of a section."""
ALONE = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What a browser may load: what is in the page."""

LONG = 40
"""Characters from which a fact has a line of its own."""


class Section(NamedTuple):
    """A part of the page under a heading.

    **Arguments:**

    - `title`: The heading.
    - `blocks`: What stands under it; a section without any is left out.
    """

    title: str
    blocks: Sequence[Block]


def page(title: str, under: Sequence[Block], sections: Iterable[Section], end: str) -> str:
    """The page as text.

    **Arguments:**

    - `title`: Its name.
    - `under`: What stands below that.
    - `sections`: Its parts.
    - `end`: A last line.
    """
    shown = [one for one in sections if one.blocks]
    places = {one.title: re.sub(r"\W+", "-", one.title.lower()).strip("-") for one in shown}
    style = Element("style")
    style.text = (Path(__file__).parent / "style.css").read_text("utf-8")
    head = _of(
        "head",
        Element("meta", charset="utf-8"),
        Element("meta", {"http-equiv": "Content-Security-Policy", "content": ALONE}),
        Element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _of("title", title),
        style,
    )
    # Below that, each heading is a link away.
    contents = _of("nav", *(_of("a", name, href=f"#{place}") for name, place in places.items()), aria_label="Contents")
    parts = [_of("section", _of("h2", one.title), *one.blocks, id=places[one.title]) for one in shown]
    body = _of("body", _of("header", _of("h1", title), *under, contents), _of("main", *parts), _of("footer", end))
    return "<!DOCTYPE html>\n" + tostring(_of("html", head, body, lang="en"), "unicode", method="html") + "\n"


def lines(said: Iterable[str], kind: str = "p") -> list[Block]:
    """Sentences, each by itself."""
    return [_of(kind, one) for one in said]


def facts(known: Mapping[str, str]) -> list[Block]:
    """Names and what they are; those without a word are left out."""
    pairs = [_of("div", _of("dt", name), _of("dd", said), **{"class": "long" if len(said) > LONG else ""})
             for name, said in known.items() if said]  # fmt: skip
    return [_of("dl", *pairs)] if pairs else []


def table(
    caption: str, headers: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()
) -> list[Block]:
    """A table with a caption, which scrolls by itself where it is too wide; nothing where it has no rows.

    **Arguments:**

    - `caption`: What it is of.
    - `headers`: Of the columns; the first column says what a row is of.
    - `rows`: Cells as text.
    - `numbers`: Headers of the columns that hold numbers.
    """
    kinds = ["number" if header in numbers else "" for header in headers]
    body = [
        _of("tr", *(_of("td" if k else "th", cell, **({"class": kind} if k else {"scope": "row"}))
                    for k, (cell, kind) in enumerate(zip(row, kinds, strict=True))))
        for row in rows
    ]  # fmt: skip
    if not body:
        return []
    tops = [_of("th", header, scope="col", **{"class": kind}) for header, kind in zip(headers, kinds, strict=True)]
    made = _of("table", _of("caption", _of("span", caption)), _of("thead", _of("tr", *tops)), _of("tbody", *body))
    # What scrolls can be reached by keys.
    return [_of("div", made, **{"class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption})]


def picture(png: bytes, said: str) -> Block:
    """A picture in the page, with what it shows."""
    source = "data:image/png;base64," + base64.b64encode(png).decode()
    return _of("figure", Element("img", src=source, alt=said), _of("figcaption", said))


def code(text: str) -> Block:
    """What is to be typed."""
    return _of("pre", _of("code", text), tabindex="0")


def findings(found: Iterable[Mapping[str, Any]]) -> list[Block]:
    """Findings of checks: how grave, which, what, and what to do."""
    each = []
    for one in found:
        remedy = one["remedy"][:1].upper() + one["remedy"][1:]
        each.append(
            _of("li", _of("strong", one["severity"], **{"class": one["severity"]}), " ", _of("code", one["check"]), " ",
                *_typed(f"{one['says']}."), *([" ", _of("em", *_typed(f"{remedy}."))] if remedy else []))
        )  # fmt: skip
    return [_of("ul", *each, **{"class": "findings"})] if each else []


def _typed(said: str) -> list[Block | str]:
    """Words, of which those between backticks are to be typed."""
    return [_of("code", part) if k % 2 else part for k, part in enumerate(said.split("`"))]


def _of(tag: str, *parts: Block | str, **attributes: str) -> Block:
    """An element with what it holds; control characters of its words show as escapes."""
    made = Element(tag, {name.replace("_", "-"): visible(value) for name, value in attributes.items() if value})
    for part in parts:
        if not isinstance(part, str):
            made.append(part)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + visible(part, keep="\n")
        else:
            made.text = (made.text or "") + visible(part, keep="\n")
    return made
