"""Pictures: Axes come back, say what they show, and hold nothing that is not a number."""

import io
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest
from helpers import posed
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, PathCollection
from matplotlib.figure import Figure

import scalefit as sf
from scalefit.laws import QQT, AbstractLaw, Chinchilla, Fraction, Label, PowerLaw, Series, Weights
from scalefit.params import Param, axis, positive

LAWS = {
    "of N and D": Chinchilla(E=1.7, A=400.0, B=2000.0, alpha=0.34, beta=0.37),
    "of one input": PowerLaw(E=0.5, A=30.0, alpha=0.3),
    "of n and U": QQT(d=0.1, a=0.025, b=-0.16, tau=6.0),
}
GAUSSIAN = sf.noise.Gaussian()


def inputs_of(law):
    if isinstance(law, PowerLaw):
        return {"x": np.geomspace(1e4, 1e8, 24)}
    if isinstance(law, QQT):
        pool, passes = (a.ravel() for a in np.meshgrid([1e6, 4e6, 1.28e7], np.arange(1, 9)))
        return {"n": pool * passes, "U": pool}
    size, data = (a.ravel() for a in np.meshgrid(np.geomspace(5e7, 5e9, 6), np.geomspace(1e9, 1e11, 6)))
    return {"N": size, "D": data}


@pytest.fixture(scope="module", params=LAWS)
def study_of(request):
    """Runs of a law, its fit, and draws about it."""
    law = LAWS[request.param]
    inputs = inputs_of(law)
    rng = np.random.default_rng(0)
    value = np.array(
        [float(law(**{k: v[i] for k, v in inputs.items()})) for i in range(len(next(iter(inputs.values()))))]
    )
    target = "error" if isinstance(law, QQT) else "loss"
    named: dict[str, Any] = {"target": target, "name": "made up", **inputs}
    runs = sf.Runs(value * np.exp(3e-3 * rng.standard_normal(value.size)), **named)
    fit = sf.fit(type(law), runs, noise=GAUSSIAN)
    return runs, fit, sf.bootstrap(fit, num=60)


def everything_is_finite(ax: Axes) -> None:
    for line in ax.get_lines():
        assert np.isfinite(np.asarray(line.get_xydata(), float)).all()
    for drawn in ax.collections:
        if isinstance(drawn, FillBetweenPolyCollection):
            assert all(np.isfinite(path.vertices).all() for path in drawn.get_paths())
        if isinstance(drawn, PathCollection):
            assert np.isfinite(np.ma.filled(drawn.get_offsets(), np.nan)).all()
    for low, high in (ax.get_xlim(), ax.get_ylim()):
        assert np.isfinite([low, high]).all()
        assert low != high


def bands(ax: Axes) -> int:
    return sum(isinstance(c, FillBetweenPolyCollection) for c in ax.collections)


def points(ax: Axes) -> int:
    return sum(len(np.asarray(c.get_offsets())) for c in ax.collections if isinstance(c, PathCollection))


def test_loss(study_of, looks_like, column):
    runs, fit, draws = study_of
    ax = sf.plot.loss_against_compute(draws, column)
    assert isinstance(ax, Axes)
    everything_is_finite(ax)
    assert points(ax) == len(runs)
    assert bands(ax) >= 1
    first = next(iter(fit.law.inputs))
    assert ("FLOP" if first == "N" else first) in ax.get_xlabel()
    assert runs.target_name in ax.get_ylabel()
    assert ax.get_xscale() == "log"
    bare = sf.plot.loss_against_compute(fit)
    everything_is_finite(bare)
    # The least loss of a fit by itself has no interval; its curves have one to first order.
    assert (bands(bare) == 0) == (first == "N")
    looks_like(ax, f"loss_{len(fit.law.inputs)}_{first}")


class Level(AbstractLaw):
    """A level for each kind, and a term of a share that may be 0."""

    inputs: ClassVar[Mapping[str, Any]] = {"S": Fraction(), "kind": Label(axis="kind")}
    kind: tuple[str, ...] = axis()
    E: Param = positive(axis="kind")
    k: Param = positive()

    def __call__(self, S: Any, kind: Any) -> Any:
        """The loss."""
        return self.E[kind] + self.k * S


class Annealed(AbstractLaw):
    """A loss that falls with the sum of a schedule."""

    inputs: ClassVar[Mapping[str, Any]] = {"lr": Series()}
    A: Param = positive()
    b: Param = positive()

    def __call__(self, lr: Any) -> Any:
        """The loss."""
        return self.A * jnp.exp(-self.b * jnp.log(jnp.sum(jnp.where(lr.real, lr.values, 0.0))))


def test_laws_of_shares_labels_and_series_are_drawn():
    S = np.tile(np.linspace(0.0, 1.0, 8), 2)
    loss = np.repeat([1.0, 1.5], 8) + 0.4 * S + 0.01 * np.cos(7.0 * S)
    fit = sf.fit(Level, sf.Runs(loss, S=S).with_column("kind", np.repeat(["a", "b"], 8)), noise=GAUSSIAN)
    ax = sf.plot.loss_against_compute(fit)
    assert ax.get_legend_handles_labels()[1] == ["kind = a", "kind = b"]
    steps = np.arange(3, 19)
    runs = sf.Runs(2.0 * steps**-0.3 + 0.01 * np.cos(steps), lr=[np.ones(n) for n in steps])
    fit = sf.fit(Annealed, runs, noise=GAUSSIAN)
    ax = sf.plot.loss_against_compute(fit, held_out=runs.take(np.arange(2)))
    assert ax.get_xlabel() == "loss by the law"
    with pytest.raises(sf.InputError, match="lr"):
        sf.plot.loss_against(fit, "lr")


def test_loss_against_every_input(study_of):
    runs, fit, draws = study_of
    for name in fit.law.inputs:
        ax = sf.plot.loss_against(draws, name)
        everything_is_finite(ax)
        assert points(ax) == len(runs)
    with pytest.raises(sf.InputError, match="name is 'Q'"):
        sf.plot.loss_against(fit, "Q")


def test_residuals(study_of, looks_like):
    runs, fit, _ = study_of
    axes = sf.plot.residuals(fit)
    assert len(axes) == len(fit.law.inputs)
    for ax in axes:
        everything_is_finite(ax)
        assert points(ax) == len(runs)
        low, high = ax.get_ylim()
        assert low == -high
    assert "%" in axes[0].get_ylabel()
    shown = np.concatenate([np.asarray(c.get_offsets())[:, 1] for c in axes[0].collections])
    assert np.allclose(shown, 100 * np.expm1(fit.residuals))
    looks_like(axes, f"residuals_{len(axes)}_{runs.target_name}")


def test_corner(study_of, looks_like):
    _, fit, draws = study_of
    axes = sf.plot.corner(draws)
    size = len(fit.free)
    assert axes.shape == (size, size)
    for row in range(size):
        for column in range(size):
            assert axes[row, column].get_visible() == (column <= row)
            if column <= row:
                everything_is_finite(axes[row, column])
    assert "±" in axes[0, 0].get_title()
    looks_like(axes, f"corner_{size}_{fit.free[-1]}")


def test_labels_say_what_is_counted(study_of):
    runs, fit, _ = study_of
    axes = sf.plot.residuals(fit)
    for ax, (name, unit) in zip(axes, fit.law.inputs.items(), strict=True):
        assert ax.get_xlabel().endswith(unit if unit == name else f"({unit})")
        other = sf.Runs(runs.target, target=runs.target_name, units={name: "widgets"}, **runs.inputs)
        assert sf.plot.loss_against(posed(fit, runs=other), name).get_xlabel().endswith("(widgets)")


def test_given_axes_are_drawn_on(study_of):
    _, fit, draws = study_of
    figure = Figure()
    ax = figure.subplots()
    assert sf.plot.loss_against_compute(draws, ax=ax) is ax
    wanted = len(fit.law.inputs)
    row = Figure().subplots(1, wanted, squeeze=False)[0]
    assert sf.plot.residuals(fit, ax=row) == tuple(row)
    with pytest.raises(sf.InputError, match=f"axes are .*; expected {wanted} Axes"):
        sf.plot.residuals(fit, ax=[*row, ax])
    with pytest.raises(sf.InputError, match="Axes"):
        sf.plot.corner(draws, axes=Figure().subplots(1, 2))


def test_same_picture_every_time(study_of):
    _, _, draws = study_of
    first, second = (png(sf.plot.loss_against_compute(draws)) for _ in range(2))
    assert first == second


def png(ax: Axes) -> bytes:
    stream = io.BytesIO()
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


@pytest.fixture(scope="module")
def chinchilla():
    law = LAWS["of N and D"]
    inputs = inputs_of(law)
    value = law.E + law.A * inputs["N"] ** -law.alpha + law.B * inputs["D"] ** -law.beta
    loss = value * np.exp(3e-3 * np.random.default_rng(0).standard_normal(value.size))
    return inputs, loss


def test_frontier_is_the_least_loss(chinchilla):
    """Against the closed form, to a millionth, and each draw at its own best size."""
    inputs, loss = chinchilla
    runs = sf.Runs(loss, **inputs)
    fit = sf.fit(Chinchilla, runs, noise=GAUSSIAN)
    draws = sf.bootstrap(fit, num=60)
    ax = sf.plot.loss_against_compute(draws, level=0.9)
    (line,) = (line for line in ax.get_lines() if str(line.get_label()).startswith("least loss"))
    compute, value = np.asarray(line.get_xydata(), float).T
    E, A, B, a, b = (float(getattr(fit.law, name)) for name in ("E", "A", "B", "alpha", "beta"))
    size = (a * A / (b * B)) ** (1 / (a + b)) * (compute / 6) ** (b / (a + b))
    least = E + A * size**-a + B * (compute / 6 / size) ** -b
    assert np.allclose(value, least, rtol=1e-6)
    (band,) = (drawn for drawn in ax.collections if isinstance(drawn, FillBetweenPolyCollection))
    x, y = np.asarray(band.get_paths()[0].vertices, float).T
    low, high = (np.array([end(y[x == at]) for at in compute]) for end in (np.min, np.max))
    assert np.all(low < high)
    one = sf.predict(draws, N=size, D=compute / 6 / size, level=0.9)
    assert one.high is not None
    assert np.all(high <= one.high + 1e-9)  # at one plan for all, no draw does better than at its own


def legend(ax: Axes) -> list[str]:
    box = ax.get_legend()
    return [] if box is None else [text.get_text() for text in box.get_texts()]


def test_the_level_asked_for_is_the_level_drawn(chinchilla):
    inputs, loss = chinchilla
    runs = sf.Runs(loss, **inputs)
    draws = sf.bootstrap(sf.fit(Chinchilla, runs, noise=GAUSSIAN), num=60)
    assert "95 % interval" in legend(sf.plot.loss_against_compute(draws))
    assert "80 % interval" in legend(sf.plot.loss_against_compute(draws, level=0.8))


@pytest.mark.parametrize("scatter, insets", [(1e-4, 1), (0.03, 0)])
def test_a_narrow_band_is_enlarged(chinchilla, scatter, insets):
    """Where it could not be seen, and where nothing else is drawn."""
    inputs, loss = chinchilla
    law = LAWS["of N and D"]
    exact = law.E + law.A * inputs["N"] ** -law.alpha + law.B * inputs["D"] ** -law.beta
    runs = sf.Runs(exact * np.exp(scatter * np.random.default_rng(1).standard_normal(loss.size)), **inputs)
    draws = sf.bootstrap(sf.fit(Chinchilla, runs, noise=GAUSSIAN), num=60)
    ax = sf.plot.loss_against_compute(draws)
    assert len(ax.child_axes) == insets
    for inset in ax.child_axes:
        assert isinstance(inset, Axes)
        everything_is_finite(inset)
        assert bands(inset) == 1
        png(ax)
        box = inset.get_window_extent()
        compute = 6 * inputs["N"] * inputs["D"]
        assert not any(box.contains(x, y) for x, y in ax.transData.transform(np.stack([compute, runs.target], -1)))


def test_corner_of_runs_without_noise(chinchilla):
    """Draws that differ by rounding alone are a spike at the value."""
    inputs, _ = chinchilla
    law = LAWS["of N and D"]
    runs = sf.Runs(law.E + law.A * inputs["N"] ** -law.alpha + law.B * inputs["D"] ** -law.beta, **inputs)
    axes = sf.plot.corner(sf.bootstrap(sf.fit(Chinchilla, runs, noise=GAUSSIAN), num=60))
    for k in range(len(axes)):
        everything_is_finite(axes[k, k])
        bars = [bar.get_height() for bar in axes[k, k].patches]
        assert max(bars) == sum(bars) == 60
    assert axes[0, 0].get_title().startswith("E = 1.7 ± ")
    png(axes[0, 0])


def test_a_study_of_a_batch(chinchilla):
    inputs, loss = chinchilla
    both: dict[str, Any] = {name: np.tile(column, 2) for name, column in inputs.items()}
    both["group"] = np.repeat(["first", "second"], loss.size)
    runs = sf.Runs(np.concatenate([loss, loss + 1.0]), **both)
    fits = sf.fit(Chinchilla, runs, noise=GAUSSIAN, by="group")
    draws = sf.bootstrap(fits, num=30)
    for place, key in enumerate(("first", "second")):
        one = draws[key]
        assert one.fit.keys is None
        assert float(one.fit.law.E) == float(fits.law.E[place])
        assert one.law.alpha.shape == (30,)
        everything_is_finite(sf.plot.loss_against_compute(one))
        sf.plot.residuals(one.fit)
        sf.plot.corner(one)
    with pytest.raises(sf.InputError, match="batch of 2"):
        sf.plot.loss_against_compute(fits)


def test_residuals_of_a_law_of_shares_alone():
    """Against the law's own value, as there is no input that is not along an axis."""

    class Linear(AbstractLaw):
        inputs: ClassVar[Mapping[str, Any]] = {"w": Weights(axis="domain")}
        domain: tuple[str, ...] = axis()
        b: Param = positive(amplitude=True, typical=(0.5, 5.0), axis="domain")

        def __call__(self, w):
            return jnp.sum(w * self.b)

    share = np.linspace(0.0, 1.0, 12)
    loss = (3.0 - share) * np.exp(1e-3 * np.random.default_rng(0).standard_normal(12))
    weights: dict[str, Any] = {"w[A]": share, "w[B]": 1.0 - share}
    runs = sf.Runs(loss, **weights)
    fit = sf.fit(Linear, runs, noise=GAUSSIAN)
    (ax,) = sf.plot.residuals(fit)
    everything_is_finite(ax)
    assert ax.get_xlabel() == "loss by the law"
    (dots,) = (c for c in ax.collections if isinstance(c, PathCollection))
    np.testing.assert_allclose(np.asarray(dots.get_offsets())[:, 0], 3.0 - share, rtol=5e-3)


def test_no_pyplot():
    """Nothing global: pictures are drawn in any thread, without a display."""
    script = "import sys, scalefit.plot; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    "value, said", [(7e10, "70B"), (1.4e12, "1.4T"), (346.0, "346"), (12.8e6, "12.8M"), (999.9e3, "1M"), (2e21, "2e21")]
)
def test_sizes_as_people_say_them(value, said):
    rng = np.random.default_rng(0)
    N, D = np.full(20, value), np.geomspace(1e9, 1e11, 20)
    N[:4] *= np.geomspace(0.01, 100.0, 4)
    law = LAWS["of N and D"]
    loss = law.E + law.A * N**-law.alpha + law.B * D**-law.beta
    runs = sf.Runs(loss * np.exp(1e-3 * rng.standard_normal(20)), N=N, D=D)
    ax = sf.plot.loss_against(sf.fit(law, runs, noise=GAUSSIAN, fixed=("alpha", "A", "E")), "D")
    assert any(said in words.split() for words in legend(ax)), legend(ax)


def test_a_figure_is_pyplots_where_pyplot_is_in_use(monkeypatch, study_of):
    """So that `plt.savefig` after a plot saves that plot; importing the package does not bring pyplot in."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    _, fit, _ = study_of
    plt.close("all")
    axes = sf.plot.residuals(fit)
    assert plt.gcf() is axes[0].figure
    plt.close("all")
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot")
    sf.plot.residuals(fit)
    assert plt.get_fignums() == []
