"""Checks of annotations at run time: as type checkers read them, so that an `int` may stand for a `float`."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
