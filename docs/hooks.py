"""Hooks of MkDocs: pages that are made, links as the site has them, formulas as MathML, which needs no script."""

import html
import re
import sys
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

import reference

FORMULA = re.compile(r'<(span|div) class="arithmatex">(.*?)</\1>', flags=re.DOTALL)


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add the pages that are made from other things."""
    for place, text in reference.pages().items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links of pages that leave this folder lead to pages of the site."""
    place = page.file.src_uri
    return markdown if page.file.generated_by else reference.linked(markdown, f"docs/{place}", place)


def on_page_content(html_of_page: str, **_: Any) -> str:
    """Formulas in MathML, which browsers draw by themselves."""
    return FORMULA.sub(_mathml, html_of_page)


def _mathml(found: re.Match[str]) -> str:
    formula = html.unescape(found[2]).strip()
    display = "block" if formula.startswith(r"\[") else "inline"
    return convert(formula[2:-2].strip(), display=display)
