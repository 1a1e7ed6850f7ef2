"""Posterior draws of Chinchilla's law: effective draws a core-second, and whether both samplers agree.

The 240 published runs under a Student-t with 4 degrees of freedom on log loss; the plain contender is NumPyro's own
NUTS on the same model in natural parameters, as its tutorial would write it, with four chains.
"""

from typing import Any

import jax
import numpy as np
from _report import Report, alternate, options
from numpyro import deterministic
from numpyro import distributions as dist
from numpyro import sample as site
from numpyro.diagnostics import effective_sample_size
from numpyro.infer import MCMC, NUTS

import scalefit as sf

NAMES = ("E", "A", "B", "alpha", "beta")


def plain(N: np.ndarray, D: np.ndarray, log_loss: np.ndarray) -> None:
    """Chinchilla's law with weak priors on logarithms of natural parameters."""
    numbers = {name: site(f"log_{name}", dist.Normal(mid, 2.0)) for name, mid in zip(NAMES, (0, 6, 7, -1, -1))}
    E, A, B, alpha, beta = (deterministic(name, jax.numpy.exp(numbers[name])) for name in NAMES)
    scale = site("scale", dist.LogNormal(-4.0, 2.0))
    value = E + A * jax.numpy.exp(-alpha * np.log(N)) + B * jax.numpy.exp(-beta * np.log(D))
    site("loss", dist.StudentT(4.0, jax.numpy.log(value), scale), obs=log_loss)


def effective(draws: Any, asked: int) -> float:
    """The least effective number of draws of any parameter."""
    found = draws.diagnostics
    return found["efficiency"] * max(8192, 8 * asked) if found["method"] == "is" else found["ess_bulk"]


def main() -> None:
    given = options(__doc__)
    report = Report(
        "posterior_speed",
        "Chinchilla, 240 runs: at least 300 effective draws a core-second by NUTS, 30,000 by importance sampling.",
        ("sampler", "draws", "median s", "core s", "effective draws", "a core-second", "khat", "alpha", "sd"),
        given,
    )
    runs = sf.load_data("epoch-chinchilla", where="loss < 3.44")
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.StudentT(df=4.0))
    sizes = (
        {("is", 2000), ("nuts", 2000)}
        if given.quick
        else {("is", 2000), ("is", 20000), ("nuts", 2000), ("nuts", 16000)}
    )
    found: dict[str, Any] = {}

    def ours(method: Any, num: int) -> None:
        found[f"{method} {num}"] = sf.sample(fit, num=num, method=method, cluster=None)

    with jax.enable_x64(True):
        chains = MCMC(NUTS(plain), num_warmup=1000, num_samples=500 if given.quick else 1000, num_chains=4,
                      chain_method="vectorized", progress_bar=False)  # fmt: skip
        N = runs.inputs["N"]
        columns = N, runs.inputs["C"] / (6.0 * N), np.log(runs.target)

        def theirs() -> None:
            with jax.enable_x64(True):
                chains.run(jax.random.key(0), *columns)
                found["plain"] = {k: np.asarray(v) for k, v in chains.get_samples(group_by_chain=True).items()}

        theirs()
    for method, num in sizes:
        ours(method, num)
    contenders = {f"{m} {n}": (lambda m=m, n=n: ours(m, n)) for m, n in sorted(sizes)}
    times = alternate({**contenders, "plain": theirs}, 1 if given.quick else 3)
    for method, num in sorted(sizes):
        timing, draws = times[f"{method} {num}"], found[f"{method} {num}"]
        ess = effective(draws, num)
        alpha = draws.law.alpha
        report.add(
            f"scalefit, {method}", num, timing.median, timing.core_least, ess, ess / timing.core_least,
            draws.diagnostics["khat"], float(alpha.mean()), float(alpha.std()), timing=timing,
        )  # fmt: skip
    ess = min(float(effective_sample_size(found["plain"][name])) for name in NAMES)
    alpha = found["plain"]["alpha"]
    report.add(
        "NumPyro NUTS, natural parameters", alpha.size, times["plain"].median, times["plain"].core_least, ess,
        ess / times["plain"].core_least, None, float(alpha.mean()), float(alpha.std()), timing=times["plain"],
    )  # fmt: skip
    report.note(
        "effective draws: the least of the parameters, of the bulk for chains, of the weights for importance sampling, "
        "which draws eight for each that is kept; times are of whole calls, warm."
    )
    one, two = (found[max((k for k in found if k.startswith(m)), key=len)].law for m in ("is", "nuts"))
    apart = max(abs(getattr(one, n).mean() - getattr(two, n).mean()) / getattr(two, n).std() for n in NAMES)
    wide = max(abs(getattr(one, n).std() / getattr(two, n).std() - 1.0) for n in NAMES)
    report.note(f"The two samplers' means differ by at most {apart:.3f} sd, their sds by {100 * wide:.1f} %.")
    report.finish()


if __name__ == "__main__":
    main()
