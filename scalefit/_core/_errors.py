"""The two ways in which a verb can fail."""


class InputError(ValueError):
    """What was given cannot be used; the message names what was given, what was expected and what to do."""


class NotConverged(RuntimeError):
    """A solve ended without an optimum; the message says why and what to do."""
