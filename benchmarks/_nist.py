"""The nonlinear models of NIST's Statistical Reference Datasets as laws, by their own formulas and declared ranges."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

import scalefit as sf
from scalefit.params import Param, Scalar, negative, nonnegative, positive, real


def rate(**more: Any) -> Any:
    """What is counted by x."""
    return positive(dims={"x": -1.0}, **more)


def place(**more: Any) -> Any:
    """A place or a width on the axis of x."""
    return positive(dims={"x": 1.0}, **more)


def height() -> Any:
    """What the law is affine in, of either sign."""
    return real(amplitude=True)


class OfX(sf.laws.AbstractLaw):
    """A law of one x above 0."""

    inputs: ClassVar[Mapping[str, Any]] = {"x": "x"}


class OfAnyX(sf.laws.AbstractLaw):
    """A law of one x, which may be 0 or below."""

    inputs: ClassVar[Mapping[str, Any]] = {"x": sf.laws.Number("x")}


class Misra1a(OfX):
    """b1 (1 - exp(-b2 x))."""

    b1: Param = nonnegative(amplitude=True)
    b2: Param = rate()

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 * -jnp.expm1(-self.b2 * x)


class Misra1b(OfX):
    """b1 (1 - (1 + b2 x/2)^-2)."""

    b1: Param = nonnegative(amplitude=True)
    b2: Param = rate()

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 * (1.0 - (1.0 + self.b2 * x / 2.0) ** -2)


class Misra1c(OfX):
    """b1 (1 - (1 + 2 b2 x)^-1/2)."""

    b1: Param = nonnegative(amplitude=True)
    b2: Param = rate()

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 * (1.0 - (1.0 + 2.0 * self.b2 * x) ** -0.5)


class Misra1d(OfX):
    """b1 b2 x/(1 + b2 x)."""

    b1: Param = nonnegative(amplitude=True)
    b2: Param = rate()

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 * self.b2 * x / (1.0 + self.b2 * x)


class DanWood(OfX):
    """b1 x^b2."""

    b1: Param = nonnegative(amplitude=True, dims={"x": lambda law: -law.b2})
    b2: Param = positive(typical=(0.5, 6.0))

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 * x**self.b2


class Chwirut(OfX):
    """exp(-b1 x)/(b2 + b3 x)."""

    b1: Param = real(dims={"x": -1.0})
    b2: Param = positive()
    b3: Param = real(dims={"x": -1.0})

    def __call__(self, x: Scalar) -> Scalar:
        return jnp.exp(-self.b1 * x) / (self.b2 + self.b3 * x)


class Lanczos(OfAnyX):
    """b1 exp(-b2 x) + b3 exp(-b4 x) + b5 exp(-b6 x)."""

    b1: Param = nonnegative(amplitude=True)
    b2: Param = positive(typical=(0.3, 10.0))
    b3: Param = nonnegative(amplitude=True)
    b4: Param = positive(typical=(0.3, 10.0))
    b5: Param = nonnegative(amplitude=True)
    b6: Param = positive(typical=(0.3, 10.0))

    def __call__(self, x: Scalar) -> Scalar:
        one, two = self.b1 * jnp.exp(-self.b2 * x), self.b3 * jnp.exp(-self.b4 * x)
        return one + two + self.b5 * jnp.exp(-self.b6 * x)


class Gauss(OfX):
    """b1 exp(-b2 x) + b3 exp(-((x - b4)/b5)^2) + b6 exp(-((x - b7)/b8)^2)."""

    b1: Param = nonnegative(amplitude=True)
    b2: Param = rate()
    b3: Param = nonnegative(amplitude=True)
    b4: Param = place()
    b5: Param = place()
    b6: Param = nonnegative(amplitude=True)
    b7: Param = place()
    b8: Param = place()

    def __call__(self, x: Scalar) -> Scalar:
        one = self.b3 * jnp.exp(-(((x - self.b4) / self.b5) ** 2))
        two = self.b6 * jnp.exp(-(((x - self.b7) / self.b8) ** 2))
        return self.b1 * jnp.exp(-self.b2 * x) + one + two


class Kirby2(OfX):
    """(b1 + b2 x + b3 x^2)/(1 + b4 x + b5 x^2)."""

    b1: Param = height()
    b2: Param = real(amplitude=True, dims={"x": -1.0})
    b3: Param = real(amplitude=True, dims={"x": -2.0})
    b4: Param = real(dims={"x": -1.0})
    b5: Param = real(dims={"x": -2.0})

    def __call__(self, x: Scalar) -> Scalar:
        return (self.b1 + x * (self.b2 + x * self.b3)) / (1.0 + x * (self.b4 + x * self.b5))


class Hahn1(OfX):
    """(b1 + b2 x + b3 x^2 + b4 x^3)/(1 + b5 x + b6 x^2 + b7 x^3)."""

    b1: Param = height()
    b2: Param = real(amplitude=True, dims={"x": -1.0})
    b3: Param = real(amplitude=True, dims={"x": -2.0})
    b4: Param = real(amplitude=True, dims={"x": -3.0})
    b5: Param = real(dims={"x": -1.0})
    b6: Param = real(dims={"x": -2.0})
    b7: Param = real(dims={"x": -3.0})

    def __call__(self, x: Scalar) -> Scalar:
        over = self.b1 + x * (self.b2 + x * (self.b3 + x * self.b4))
        return over / (1.0 + x * (self.b5 + x * (self.b6 + x * self.b7)))


class Thurber(OfAnyX):
    """As Hahn1, of a logarithm."""

    b1: Param = height()
    b2: Param = height()
    b3: Param = height()
    b4: Param = height()
    b5: Param = real()
    b6: Param = real()
    b7: Param = real()

    def __call__(self, x: Scalar) -> Scalar:
        over = self.b1 + x * (self.b2 + x * (self.b3 + x * self.b4))
        return over / (1.0 + x * (self.b5 + x * (self.b6 + x * self.b7)))


class Nelson(sf.laws.AbstractLaw):
    """b1 - b2 x1 exp(-b3 x2), of the logarithm of y."""

    inputs: ClassVar[Mapping[str, Any]] = {"x1": sf.laws.Number("weeks"), "x2": sf.laws.Number("degrees")}
    b1: Param = height()
    b2: Param = height()
    b3: Param = real(typical=(-0.1, 0.1))

    def __call__(self, x1: Scalar, x2: Scalar) -> Scalar:
        return self.b1 - self.b2 * x1 * jnp.exp(-self.b3 * x2)


class MGH17(OfAnyX):
    """b1 + b2 exp(-b4 x) + b3 exp(-b5 x)."""

    b1: Param = height()
    b2: Param = height()
    b3: Param = height()
    b4: Param = positive(typical=(1e-3, 0.1))
    b5: Param = positive(typical=(1e-3, 0.1))

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 + self.b2 * jnp.exp(-x * self.b4) + self.b3 * jnp.exp(-x * self.b5)


class Roszman1(OfAnyX):
    """b1 - b2 x - arctan(b3/(x - b4))/pi."""

    b1: Param = height()
    b2: Param = height()
    b3: Param = positive(typical=(100.0, 10000.0))
    b4: Param = real(typical=(-1000.0, 1000.0))

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 - self.b2 * x - jnp.arctan(self.b3 / (x - self.b4)) / jnp.pi


class ENSO(OfX):
    """A mean and three waves, one of 12 months."""

    b1: Param = height()
    b2: Param = height()
    b3: Param = height()
    b4: Param = positive(typical=(15.0, 80.0))
    b5: Param = height()
    b6: Param = height()
    b7: Param = positive(typical=(15.0, 80.0))
    b8: Param = height()
    b9: Param = height()

    inputs: ClassVar[Mapping[str, Any]] = {"x": sf.laws.Number("months")}

    def __call__(self, x: Scalar) -> Scalar:
        y, turn = self.b1, 2.0 * jnp.pi * x
        for period, even, odd in (
            (12.0, self.b2, self.b3),
            (self.b4, self.b5, self.b6),
            (self.b7, self.b8, self.b9),
        ):
            y = y + even * jnp.cos(turn / period) + odd * jnp.sin(turn / period)
        return y


class MGH09(OfX):
    """b1 (x^2 + x b2)/(x^2 + x b3 + b4)."""

    b1: Param = nonnegative(amplitude=True)
    b2: Param = real(dims={"x": 1.0})
    b3: Param = real(dims={"x": 1.0})
    b4: Param = positive(dims={"x": 2.0})

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 * (x**2 + x * self.b2) / (x**2 + x * self.b3 + self.b4)


class MGH10(OfX):
    """b1 exp(b2/(x + b3))."""

    b1: Param = nonnegative(amplitude=True)
    b2: Param = place()
    b3: Param = place()

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 * jnp.exp(self.b2 / (x + self.b3))


class Eckerle4(OfX):
    """b1/b2 exp(-((x - b3)/b2)^2/2)."""

    b1: Param = nonnegative(amplitude=True, dims={"x": 1.0})
    b2: Param = place(typical=(0.005, 1.0))
    b3: Param = place(typical=(0.7, 1.5))

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 / self.b2 * jnp.exp(-0.5 * ((x - self.b3) / self.b2) ** 2)


class Rat42(OfX):
    """b1/(1 + exp(b2 - b3 x))."""

    b1: Param = nonnegative(amplitude=True)
    b2: Param = real(typical=(-5.0, 5.0))
    b3: Param = rate()

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 / (1.0 + jnp.exp(self.b2 - self.b3 * x))


class Rat43(OfX):
    """b1/(1 + exp(b2 - b3 x))^(1/b4)."""

    b1: Param = nonnegative(amplitude=True)
    b2: Param = real(typical=(-5.0, 5.0))
    b3: Param = rate()
    b4: Param = positive()

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 / (1.0 + jnp.exp(self.b2 - self.b3 * x)) ** (1.0 / self.b4)


class Bennett5(OfX):
    """b1 (b2 + x)^(-1/b3)."""

    b1: Param = negative(dims={"x": lambda law: 1.0 / law.b3}, of_target=True)
    b2: Param = place()
    b3: Param = positive()

    def __call__(self, x: Scalar) -> Scalar:
        return self.b1 * (self.b2 + x) ** (-1.0 / self.b3)


MODELS: dict[str, type[sf.laws.AbstractLaw]] = {
    "Misra1a": Misra1a, "Chwirut2": Chwirut, "Chwirut1": Chwirut, "Lanczos3": Lanczos, "Gauss1": Gauss,
    "Gauss2": Gauss, "DanWood": DanWood, "Misra1b": Misra1b, "Kirby2": Kirby2, "Hahn1": Hahn1, "Nelson": Nelson,
    "MGH17": MGH17, "Lanczos1": Lanczos, "Lanczos2": Lanczos, "Gauss3": Gauss, "Misra1c": Misra1c,
    "Misra1d": Misra1d, "Roszman1": Roszman1, "ENSO": ENSO, "MGH09": MGH09, "Thurber": Thurber, "BoxBOD": Misra1a,
    "Rat42": Rat42, "MGH10": MGH10, "Eckerle4": Eckerle4, "Rat43": Rat43, "Bennett5": Bennett5,
}  # fmt: skip
"""All of them, from those that NIST finds easy to the hard ones."""
ALIKE: dict[type[sf.laws.AbstractLaw], list[tuple[int, ...]]] = {
    Lanczos: [(0, 1), (2, 3), (4, 5)],
    Gauss: [(2, 3, 4), (5, 6, 7)],
    MGH17: [(1, 3), (2, 4)],
    ENSO: [(3, 4, 5), (6, 7, 8)],
}
"""Places of the numbers of terms that may change places."""
