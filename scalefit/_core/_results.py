"""How a solve ended, in one code a fit."""

import enum


class RESULTS(enum.IntEnum):
    """How a solve ended: an integer, so that a batch of fits holds an array of them, with a message each."""

    message: str

    def __new__(cls, code: int, message: str):
        member = int.__new__(cls, code)
        member._value_ = code
        member.message = message
        return member

    successful = 0, ""
    max_steps_reached = 1, "The step limit was reached before an optimum: raise `max_steps`."
    stalled = 2, "No step lowers the objective though its slope is not zero: try other `starts` or another `solver`."
    not_finite = 3, "The objective is not finite at the start: check the runs and the values held fixed."
