"""Small runs that repeat their data as often as a large one: the part of each domain that they are to draw from."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from ..._core import InputError, Phrase, check_number, check_type
from ._given import weights_given


@dataclasses.dataclass(frozen=True, eq=False)
class MatchedProxy:
    """What a small run is to draw from.

    **Arguments:**

    - `domains`: Their names.
    - `share`: The part of the whole of each domain to keep, the same for all: proxy tokens over target tokens.
    - `tokens`: Tokens of each domain to keep; `there`: tokens that there are.
    - `target`, `proxy`: Tokens of the large and of the small run.
    """

    domains: tuple[str, ...]
    share: float
    tokens: Float[np.ndarray, " domain"]
    there: Float[np.ndarray, " domain"]
    target: float
    proxy: float

    def passes(self, weights: Any) -> dict[str, dict[str, float]]:
        """How often each domain is seen at some weights: by the large run, the matched small one, and an unmatched one.

        **Arguments:**

        - `weights`: By domain, with a sum of 1, 0 where left out; or a mixture that was found.

        **Raises:** `InputError` for unknown domains, and weights off the simplex.
        """
        w = weights_given("weights", weights, self.domains)
        return {
            name: {"target": float(big), "matched": float(matched), "unmatched": float(plain)}
            for name, big, matched, plain in zip(
                self.domains, w * self.target / self.there, w * self.proxy / self.tokens, w * self.proxy / self.there,
                strict=True,
            )
        }  # fmt: skip

    def __repr__(self) -> str:
        lines = [
            f"MatchedProxy: {self.proxy:.4g} tokens for {self.target:.4g}, {100 * self.share:.4g} % of each domain"
        ]
        lines += [f"  {d}: {kept:.4g} of {all_:.4g} tokens"
                  for d, kept, all_ in zip(self.domains, self.tokens, self.there, strict=True)]  # fmt: skip
        return "\n".join(lines)


def matched_proxy(tokens: Mapping[str, float], *, target: float, proxy: float) -> MatchedProxy:
    r"""The part of each domain from which a small run repeats its data as often as the large run will.

    A run of D tokens, the share w of them from a domain of U, sees it $wD/U$ times. At $D'$ tokens from $U' = U\,D'/D$
    of them that is $wD'/U' = wD/U$, whatever the weights: one subsample serves every mixture that is tried. Drawn from
    whole domains instead, small runs hardly repeat, and what they find best repeats too often at scale.

    **Arguments:**

    - `tokens`: Different tokens that there are of each domain, in units of 1; `inf` where they have no end.
    - `target`: Tokens of the large run; `proxy`: of a small one, fewer than that.

    **Returns:** a `MatchedProxy`: subsample whole documents at random until the tokens to keep are reached.

    **Raises:** `InputError` for numbers that are not above 0, and a proxy that is larger than its target.

    Source: Zhou et al. 2026 (arXiv 2606.07597).
    """
    check_type("tokens", tokens, Mapping, "tokens by domain, as {'web': 1e12, 'code': 1e11}")
    if not tokens:
        raise InputError("tokens", Phrase("names no domain"), "tokens by domain, as {'web': 1e12, 'code': 1e11}")
    there = np.array([check_number(f"tokens of {d!r}", u, above=0.0, endless=True) for d, u in tokens.items()])
    large, small = check_number("target", target, above=0.0), check_number("proxy", proxy, above=0.0)
    if small > large:
        given = Phrase(f"is {small:.4g} tokens, more than the {large:.4g} of the target")
        raise InputError("proxy", given, "a smaller run")
    share = small / large
    return MatchedProxy(tuple(map(str, tokens)), share, share * there, there, large, small)
