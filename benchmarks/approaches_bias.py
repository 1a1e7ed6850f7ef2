"""What isoFLOP parabolas, isoFLOP splines and a fitted surface make of noise-free runs whose optima are known.

By how much N* at the largest budget and the exponent a of N* ∝ C^a are off. About ten seconds.
"""

import warnings
from collections.abc import Callable

import numpy as np
from _report import Report, options

import scalefit as sf
from scalefit.laws import Chinchilla

SURFACES = {"symmetric": (0.31, 0.31), "3:1": (0.465, 0.155)}
DESIGNS = {
    "within 2x of the best size": (2.0, 1.0, 1.0),
    "within 8x": (8.0, 1.0, 1.0),
    "within 8x, off centre 3x": (8.0, 3.0, 3.0),
    "within 8x, off centre 3x below to 3x above": (8.0, 1 / 3.0, 3.0),
}
"""How far sizes reach either way, and by how much their centre is off at the least and at the largest budget."""
C = np.geomspace(1e18, 1e21, 7)


def surface(alpha: float, beta: float) -> Chinchilla:
    return Chinchilla(E=1.69, A=406.4, B=410.7, alpha=alpha, beta=beta)


def best(law: Chinchilla) -> np.ndarray:
    """N* at each budget."""
    return sf.allocate(law, budget=C).N.value


def runs_of(law: Chinchilla, reach: float, first: float, last: float) -> sf.Runs:
    """Fifteen sizes at each budget."""
    N = (best(law) * np.geomspace(first, last, len(C)))[:, None] * np.geomspace(1 / reach, reach, 15)
    D = C[:, None] / 6 / N
    loss = law.E + law.A * N**-law.alpha + law.B * D**-law.beta
    return sf.Runs(loss.ravel(), N=N.ravel(), D=D.ravel(), C=np.repeat(C, 15))


def optima(method: str) -> Callable[[sf.Runs], np.ndarray]:
    def found(runs: sf.Runs) -> np.ndarray:
        if method == "fitted surface":
            return best(sf.fit(Chinchilla, runs).law)
        return sf.isoflop(runs, method=method, noise=0.0).N  # pyright: ignore[reportArgumentType]

    return found


def main() -> None:
    warnings.simplefilter("ignore", UserWarning)  # of surfaces that no model has
    methods = ("parabola", "spline", "fitted surface")
    columns = ("surface", "sizes", *(f"{what}, {method}" for method in methods for what in ("N* %", "a")))
    claim = "Parabolas err where the optimum is lopsided or the sizes are off its centre; a fitted surface does not."
    report = Report("approaches_bias", claim, columns, options(__doc__))
    for name, exponents in SURFACES.items():
        law = surface(*exponents)
        for design, (reach, first, last) in DESIGNS.items():
            runs, cells = runs_of(law, reach, first, last), []
            for method in methods:
                off = np.log(optima(method)(runs) / best(law))
                some = np.isfinite(off)
                slope = np.polyfit(np.log(C[some]), off[some], 1)[0]
                # Beyond these digits it is the arithmetic that is off; + 0.0 makes -0 a 0.
                cells += [round(100 * float(np.expm1(off[some][-1])), 1) + 0.0, round(float(slope), 4) + 0.0]
            report.add(name, design, *cells)
    report.finish()


if __name__ == "__main__":
    main()
