"""Hours of an accelerator, and money, that a compute takes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._core import InputError, check_choice
from ._budgets import budgets_of, numbers_of

PEAK: Mapping[str, float] = MappingProxyType(
    {
        "V100": 125e12,
        "A100": 312e12,
        "H100": 989e12,
        "H100-PCIe": 756e12,
        "H200": 989e12,
        "B200": 2250e12,
        "L40S": 362e12,
        "MI250X": 383e12,
        "MI300X": 1307e12,
        "TPU-v4": 275e12,
        "TPU-v5e": 197e12,
        "TPU-v5p": 459e12,
        "TPU-v6e": 918e12,
    }
)
"""FLOP a second of one device at its peak, dense bfloat16 (float16 of V100), by its vendor's data sheet."""


class Hours(NamedTuple):
    """What computes take on a device.

    **Arguments:**

    - `device_hours`: Hours of one device; `days`: on all of them together.
    - `money`: At the price of an hour of one device, in its currency; `None` without.
    """

    device_hours: Float[np.ndarray, " budget"]
    days: Float[np.ndarray, " budget"]
    money: Float[np.ndarray, " budget"] | None


def device_hours(
    compute: ArrayLike, device: str = "H100", *, utilisation: float = 0.4, count: int = 1, price: float | None = None
) -> Hours:
    r"""Hours, days and money that computes take: $C / (3600\,u\,P)$ hours of a device with the peak P.

    The utilisation u is that of model FLOP, which plans count, and not of those that hardware does: Llama 2 of 70B
    parameters had 0.43 of A100, by its 1,720,320 hours for 2e12 tokens (arXiv 2307.09288, table 2).

    **Arguments:**

    - `compute`: One or several, in FLOP.
    - `device`: One of `V100`, `A100`, `H100`, `H100-PCIe`, `H200`, `B200`, `L40S`, `MI250X`, `MI300X`, `TPU-v4`,
        `TPU-v5e`, `TPU-v5p` and `TPU-v6e`.
    - `utilisation`: Share of the peak that a training has, above 0 and up to 1.
    - `count`: Devices that work together, for the days.
    - `price`: Of an hour of one device, in any currency.

    **Returns:** `Hours`.

    **Raises:** `InputError` for an unknown device, or numbers out of range.

    Source: peaks by the vendors' data sheets, without sparsity.
    """
    flop = budgets_of(compute, "compute", "FLOP")
    peak = PEAK[check_choice("device", device, PEAK)]
    share = numbers_of("utilisation", utilisation, "a share above 0 and up to 1", "0.4")
    if share.size != 1 or share[0] > 1.0:
        raise InputError("utilisation", utilisation, "a share above 0 and up to 1, as 0.4")
    devices = numbers_of("count", count, "a number of devices above 0", "64")
    hours = flop / (3600.0 * share[0] * peak)
    paid = None if price is None else hours * numbers_of("price", price, "a price above 0", "2.5")
    return Hours(hours, hours / (24.0 * devices), paid)
