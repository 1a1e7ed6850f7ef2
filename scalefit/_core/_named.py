"""Numbers for a name, so that what is drawn for a study is the same whichever others stand beside it."""

import hashlib
from typing import Any


def named(key: Any) -> list[int]:
    """Two numbers of 32 bits for the key of a study; one 0 for that of a study by itself, `None`."""
    if key is None:
        return [0]
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return [int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:], "big")]
