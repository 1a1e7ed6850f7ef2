"""Published parameters give the published numbers."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from scalefit.data import load_data, load_table
from scalefit.laws import (
    QQT,
    Chinchilla,
    DataConstrained,
    DownstreamError,
    Kaplan,
    Overtraining,
    PowerLaw,
    QQTEffective,
)
from scalefit.noise import Huber
from scalefit.params import values

POOLS = {
    "top0-10": "tmars-top0-10",
    "top10-20": "tmars-top10-20",
    "top20-30": "tmars-top20-30",
    "top30-40": "tmars-top30-40",
    "random25_of_top0-40": "tmars-random25",
}


@pytest.fixture
def printed_epoch():
    """The refit of arXiv 2404.10102 with its exponents as often quoted, to four digits."""
    return Chinchilla(E=1.81686, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)


def along(law, **columns):
    return np.asarray(jax.vmap(lambda point: law(**point))(columns))


def tokens_per_parameter(law, compute):
    """D/N of least loss at C = 6ND, in closed form."""
    _, A, B, alpha, beta = values(law)
    ratio = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    N = ratio * (compute / 6) ** (beta / (alpha + beta))
    return compute / 6 / N**2


@pytest.mark.parametrize(
    ("name", "loss"), [("hoffmann-rounded", 2.580), ("hoffmann", 2.531), ("epoch", 2.529), ("muennighoff-c4", 2.565)]
)
def test_chinchilla_loss_of_a_billion_parameters_after_twenty_billion_tokens(name, loss):
    assert float(Chinchilla.published(name)(N=1e9, D=2e10)) == pytest.approx(loss, abs=5e-4)


def test_the_quoted_refit_is_the_stored_one_rounded(printed_epoch):
    assert float(printed_epoch(N=1e9, D=2e10)) == pytest.approx(2.530, abs=5e-4)
    assert values(Chinchilla.published("epoch")) == pytest.approx(values(printed_epoch), rel=2e-4)
    assert tokens_per_parameter(printed_epoch, 5.76e23) == pytest.approx(18.4, abs=0.05)


def test_kaplan_loss_of_a_billion_parameters_after_twenty_billion_tokens():
    assert float(Kaplan.published("kaplan")(N=1e9, D=2e10)) == pytest.approx(2.374, abs=5e-4)


@pytest.mark.parametrize(("name", "scale", "exponent"), [("kaplan-N", 8.8e13, 0.076), ("kaplan-D", 5.4e13, 0.095)])
def test_kaplan_laws_of_one_input_are_powers_of_their_scale(name, scale, exponent):
    law = PowerLaw.published(name)
    assert along(law, x=np.array([scale, scale / 1e5])) == pytest.approx([1.0, 1e5**exponent], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "compute", "ratio"),
    [
        ("hoffmann-rounded", 5.76e23, 92.6),
        ("hoffmann", 5.76e23, 58.9),
        ("epoch", 5.88e23, 18.3),
        ("epoch", 1e18, 25.6),
    ],
)
def test_chinchilla_optimal_tokens_per_parameter(name, compute, ratio):
    law = Chinchilla.published(name)
    found = tokens_per_parameter(law, compute)
    assert found == pytest.approx(ratio, abs=0.05)
    along_compute = jax.grad(lambda log_n: law(N=jnp.exp(log_n), D=compute / 6 / jnp.exp(log_n)))
    assert float(along_compute(0.5 * math.log(compute / 6 / found))) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "exponent"),
    [
        ("hoffmann-rounded", 0.452),
        ("hoffmann", 0.4565),
        ("epoch", 0.513),
        ("epoch-huber", 0.5139),
        ("muennighoff-c4", 0.5),
    ],
)
def test_chinchilla_exponent_of_the_optimal_size(name, exponent):
    law = Chinchilla.published(name)
    assert float(law.beta / (law.alpha + law.beta)) == pytest.approx(exponent, abs=5e-4)


@pytest.mark.usefixtures("public_data")
@pytest.mark.parametrize(
    ("name", "where", "likelihood"),
    [
        ("hoffmann-rounded", "loss < 3.44", 562.25),
        ("hoffmann", "loss < 3.44", 837.78),
        ("epoch", "loss < 3.44", 879.7731),
        ("hoffmann-rounded", "loss > 0", 531.89),
        ("hoffmann", "loss > 0", 714.43),
    ],
)
def test_chinchilla_likelihood_of_the_digitised_runs(name, where, likelihood):
    runs = load_data("epoch-chinchilla").where(where)
    residual = np.log(runs.target) - np.log(along(Chinchilla.published(name), **runs.select(("N", "D"))[0]))
    # As arXiv 2404.10102 has it: density exp(-Huber(z)) of z = residual / sigma, at the best sigma.
    delta = 1e-3
    area = math.sqrt(2 * math.pi) * (1 - 2 * norm.sf(delta)) + 2 * math.exp(-(delta**2) / 2) / delta
    log_sigma = np.linspace(-13.0, -10.0, 6001)
    cost = np.sum(Huber(delta).rho(jnp.asarray(residual * np.exp(-log_sigma)[:, None])), axis=1)
    best = np.max(-cost - len(runs) * (log_sigma + math.log(area)))
    assert best == pytest.approx(likelihood, abs=5e-3)


@pytest.mark.usefixtures("public_data")
def test_chinchilla_objective_of_the_digitised_runs():
    runs = load_data("epoch-chinchilla").where("loss < 3.44")
    fitted = along(Chinchilla.published("epoch-huber"), **runs.select(("N", "D"))[0])
    objective = float(jnp.sum(Huber(1e-3).rho(jnp.asarray(np.log(runs.target / fitted)))))
    assert objective == pytest.approx(0.0010182740178, rel=1e-10)


@pytest.mark.parametrize(("N", "D", "loss"), [(6.34e9, 242e9, 2.2256440889984477), (8.67e9, 178e9, 2.2269634075087867)])
def test_data_constrained_losses_of_the_upstream_readme(N, D, loss):
    assert float(DataConstrained.published("c4")(N=N, D=D, U=25e9)) == pytest.approx(loss, rel=1e-13)


@pytest.mark.parametrize(
    ("U", "optimal"),
    [
        (1e8, 5098651.77),
        (4e8, 20394607.06),
        (1.5e9, 76479776.48),
        (55e9, 2804258470.95),
        (84e9, 4282867482.91),
        (178e9, 9075600142.35),
    ],
)
def test_data_constrained_size_beyond_which_parameters_count_for_less(U, optimal):
    law = DataConstrained.published("c4")
    # With R_N = 0 all parameters beyond the optimal ones are idle, and the loss tells how many count.
    capped = dataclasses.replace(law, R_N=1e-12)
    excess = float(capped(N=1e13, D=U, U=U)) - float(law.E) - float(law.B) * U ** -float(law.beta)
    assert (excess / float(law.A)) ** (-1 / float(law.alpha)) == pytest.approx(optimal, rel=2e-9)


@pytest.mark.usefixtures("public_data")
def test_data_constrained_objective_and_r_squared_of_its_runs():
    runs = load_data("datablations")
    fitted = along(DataConstrained.published("c4"), **runs.select(("N", "D", "U"))[0])
    objective = float(jnp.sum(Huber(1e-3).rho(jnp.asarray(np.log(runs.target / fitted)))))
    assert objective == pytest.approx(0.015825935258, rel=1e-10)
    explained = 1 - np.sum((runs.target - fitted) ** 2) / np.sum((runs.target - np.mean(runs.target)) ** 2)
    assert explained == pytest.approx(0.7722046084968405, rel=1e-12)


WITHOUT = 1e12
"""Of a number of repeats beyond which they are worth no less."""


@pytest.mark.usefixtures("public_data")
@pytest.mark.parametrize(
    ("R_D", "R_N", "objective", "explained"),
    [
        (WITHOUT, WITHOUT, None, 0.4451684),
        (2.9157212, WITHOUT, 0.01692235, 0.7354469),
        # The notebook's objective has B / U^beta in it and its R² has B / D^beta, of the same numbers.
        (1e-9, 713.0015, 0.02410778, None),
        (WITHOUT, 713.0015, None, 0.4487786),
    ],
    ids=["no decay", "of data", "of parameters, objective", "of parameters, R²"],
)
def test_data_constrained_variants_of_the_notebook(R_D, R_N, objective, explained):
    runs = load_data("datablations")
    law = dataclasses.replace(DataConstrained.published("c4"), R_D=R_D, R_N=R_N)
    fitted = along(law, **runs.select(("N", "D", "U"))[0])
    if objective is not None:
        found = float(jnp.sum(Huber(1e-3).rho(jnp.asarray(np.log(runs.target / fitted)))))
        assert found == pytest.approx(objective, rel=1e-6)
    if explained is not None:
        found = 1 - np.sum((runs.target - fitted) ** 2) / np.sum((runs.target - np.mean(runs.target)) ** 2)
        assert found == pytest.approx(explained, rel=1e-6)


def test_data_constrained_worth_of_a_token_by_its_pass():
    """Its own, and the mean of all so far; in the end the data are worth 16.4 and the parameters 6.3 times as many."""
    law = DataConstrained.published("c4")
    passes = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 40.0])
    N, U = np.full(6, 1e6), np.full(6, 1e9)

    def worth(D):
        data = along(law, N=N, D=D, U=U) - float(law.E) - float(law.A) * N ** -float(law.alpha)
        return (data / float(law.B)) ** (-1 / float(law.beta))

    step = 1e-4 * U
    np.testing.assert_allclose(
        (worth(passes * U + step) - worth(passes * U)) / step, [1.0, 0.94, 0.82, 0.64, 0.38, 0.08], atol=6e-3
    )
    np.testing.assert_allclose(worth(passes * U) / passes / U, [1.0, 0.98, 0.93, 0.83, 0.66, 0.38], atol=5.1e-3)
    assert worth(1e9 * U)[0] / 1e9 == pytest.approx(16.4, abs=0.05)
    assert 1 + float(law.R_N) == pytest.approx(6.3, abs=0.05)


def test_the_released_qqt_loses_its_floor():
    law = QQT(d=0.1, a=0.02, b=-0.2, tau=5.0).covering(64)
    n, U = 12.8e6 * np.array([2.0, 50.0]), np.full(2, 12.8e6)
    lost = along(law, n=n, U=U) - along(dataclasses.replace(law, floor="released"), n=n, U=U)
    np.testing.assert_allclose(lost, [0.011, 0.028], atol=6e-4)


@pytest.mark.usefixtures("public_data")
@pytest.mark.parametrize(
    ("train", "name", "larger", "loss", "error"),
    [
        ("c4_original", "c4", [(1.4e9, 1), (1.4e9, 4), (6.9e9, 1)], [0.780, 1.498, 4.295], [0.736, 9.582, 0.137]),
        ("rw_original", "refinedweb", [(1.4e9, 1), (1.4e9, 16), (6.9e9, 1)], [0.560, 0.005, 1.619],
         [0.419, 5.617, 2.939]),
    ],
)  # fmt: skip
def test_overtraining_foresees_larger_runs(train, name, larger, loss, error):
    """Relative errors of the loss on C4, in per cent, and of the error on 17 tasks through it."""
    table = load_table("gadre-overtraining", "models_c4_rw.csv")
    N, D, multiplier, seen, wrong = (
        table[k].astype(float) for k in ("params", "tokens", "chinchilla_multiplier", "loss_c4_val", "err_avg_17")
    )
    rows = [
        int(np.argmin(np.abs(np.log(N / size)) + 9.0 * (multiplier != times) + 9.0 * (table["train_dataset"] != train)))
        for size, times in larger
    ]
    foreseen = along(Overtraining.published(name), N=N[rows], D=D[rows])
    np.testing.assert_allclose(100 * np.abs(foreseen / seen[rows] - 1), loss, atol=2e-3)
    through = along(DownstreamError.published(name), x=foreseen)
    np.testing.assert_allclose(100 * np.abs(through / wrong[rows] - 1), error, atol=0.02)


@pytest.mark.usefixtures("public_data")
@pytest.mark.parametrize(
    ("make", "column"),
    [
        (QQT.published, "error_utility_d_outside"),
        (lambda name: dataclasses.replace(QQT.published(name), floor="released"), "error_utility_d_inside_product"),
        (QQTEffective.published, "error_effective_data"),
    ],
    ids=["utility", "released", "effective"],
)
@pytest.mark.parametrize("pool", POOLS)
def test_qqt_errors_of_single_pools(make, column, pool):
    table = load_table("qqt", "derived_predictions.csv")
    rows = (table["kind"] == "single") & (table["pool"] == pool)
    assert rows.sum() == 6
    n = table["samples_seen"][rows].astype(float)
    found = along(make(POOLS[pool]), n=n, U=np.full(n.shape, 12.8e6))
    np.testing.assert_allclose(found, table[column][rows].astype(float), rtol=0, atol=1e-9)
