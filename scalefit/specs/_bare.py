"""Names as people write them."""

import re


def bare(name: str) -> str:
    """A name as it is looked up: in any case, with or without dashes."""
    return re.sub(r"[\s_.\-]", "", name).lower()
