"""Text from outside, made fit to be shown."""

import re

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")


def visible(text: str, keep: str = "") -> str:
    r"""Text whose control characters show as escapes, as `\x1b`: those that turn writing around and halves of
    characters among them.

    **Arguments:**

    - `text`: Any text.
    - `keep`: Characters that stay, as the end of a line.
    """
    return _CONTROLS.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
