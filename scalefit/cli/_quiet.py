"""Where the library and a user's own law are at work: what they say, and how they may end, is kept from the output."""

import contextlib
import sys
import warnings
from collections.abc import Iterator

from .._core import InputError
from ._errors import as_options, say


@contextlib.contextmanager
def quiet(json: bool) -> Iterator[None]:
    """Send what is printed meanwhile, as by a user's own law, to standard error where a document is to follow.

    Numbers that overflow show in the result, as a dash or null; warnings of arithmetic say no more and are left out.
    What the library warns of is a sentence on standard error.

    **Arguments:**

    - `json`: Whether a document is to follow.

    **Raises:** `InputError` where a law ends the program.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr) if json else contextlib.nullcontext():
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.showwarning = lambda message, *_: say(as_options(str(message)))
        try:
            yield
        except SystemExit as error:
            raise InputError(
                "The formula of the law ends the program (sys.exit); expected one number from one run. Take that out."
            ) from error
