"""Codes for the end of a solve, one a fit."""

import enum


class RESULTS(enum.IntEnum):
    """End of a solve: an integer, so that a batch of fits holds an array of them, with a message each."""

    message: str

    def __new__(cls, code: int, message: str):
        member = int.__new__(cls, code)
        member._value_ = code
        member.message = message
        return member

    successful = 0, ""
    max_steps_reached = 1, "The step limit was reached before an optimum: raise `max_steps`."
    stalled = 2, "No step lowers the objective though its slope is not zero: try other `starts` or another `solver`."
    not_finite = (
        3,
        "The objective is not finite at any start: the law gives NaN or infinity there, or a value not above 0 to a "
        "noise on logarithms. Check its formula, its declared ranges (`typical`) and the values held fixed, or give "
        "`starts`.",
    )
    undefined = (
        4,
        "Steps end where the law is not finite (NaN or infinity), and none short of that lowers the objective: rewrite "
        "its formula to be finite there, narrow the constraint of its parameters, or try other `starts`.",
    )
    diverged = (
        5,
        "The solver's steps only raised the objective, or left the finite numbers: use a smaller learning rate, or "
        "another `solver`.",
    )
    overflow = (
        6,
        "An amplitude, which is its term's value where the input is 1, is beyond float64: an exponent is too large for "
        "runs so far from there. Give the input in units near its own size, add runs where it differs more, or hold "
        "the exponent fixed.",
    )
    vanished = (
        7,
        "Every term of the law vanished, so nothing was fitted: the law cannot take values like these. Check the sign "
        "of the target, or use another law.",
    )
    undetermined = (
        8,
        "The objective is all but at its least value, which it nears as parameters run away: the runs do not determine "
        "them. Predictions near the runs hold; for parameters use a smaller law, hold some fixed, or add runs.",
    )
