"""What laws over weights of domains alone have in common, and a doubt about domains of which too few runs tell."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..._core import RareDomainWarning, listed
from ...params import axis
from .._abstract import AbstractLaw, Doubt
from .._inputs import SHARE


class OfWeights(AbstractLaw):
    """A law over weights of domains alone, convex in them, with a number for each."""

    inputs: ClassVar[Mapping[str, str]] = {"w[domain]": SHARE}
    domain: tuple[str, ...] = axis()
    convex_in: ClassVar[tuple[str, ...]] = ("w",)

    def doubts(
        self, inputs: Mapping[str, Any], target: np.ndarray, study: np.ndarray, free: Sequence[str]
    ) -> Iterator[Doubt]:
        """Domains that a single run of a study drew from: the law meets that run, scatter and all."""
        del target
        if not any(name.endswith("]") for name in free):
            return
        drew = np.zeros((study.max() + 1, len(self.domain)), int)
        np.add.at(drew, study, np.asarray(inputs["w"]) > 0.0)
        studies: dict[tuple[int, ...], list[int]] = {}
        for s, alone in enumerate(drew == 1):
            studies.setdefault(tuple(np.flatnonzero(alone).tolist()), []).append(s)
        for alone, some in studies.items():
            names = listed(self.domain[i] for i in alone)
            said = (
                f"has a single run that drew from {'each of ' if len(alone) > 1 else ''}{names}, and the law meets it, "
                "scatter and all: train more that draw from there, or trust no mixture that does."
            )
            if alone:
                yield Doubt(some[0], len(some) - 1, said, RareDomainWarning)
