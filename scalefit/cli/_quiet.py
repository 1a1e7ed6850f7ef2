"""Standard output kept for the one document of `--json`."""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet(json: bool) -> Iterator[None]:
    """Send what is printed meanwhile, as by a user's own law, to standard error where a document is to follow.

    **Arguments:**

    - `json`: Whether it is.
    """
    with contextlib.redirect_stdout(sys.stderr) if json else contextlib.nullcontext():
        yield
