"""The two ways in which a verb can fail, and what it warns of by name."""


class InputError(ValueError):
    """What was given cannot be used; the message names what was given, what was expected and what to do."""


class NotConverged(RuntimeError):
    """A solve ended without an optimum; the message says why and what to do."""


class FloorWarning(UserWarning):
    """The floor of a law of pools is free, and no run on fresh samples reaches far enough to show it."""


class OptimumWarning(UserWarning):
    """Weights over pools that are not known to be the best."""


class OverfitWarning(UserWarning):
    """The error of a pool rises again with passes, and the law of pools can only fall."""
