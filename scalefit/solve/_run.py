"""Solve any number of fits: split over cores or devices, padded so that few shapes are ever compiled."""

import dataclasses
import functools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Float, Int

from .._core import InputError
from ._compiled import lane_width, polish
from ._driver import Driver, Job
from ._host import polish_on_host
from ._moments import objective
from ._newton import Solutions
from ._problem import Curve, Data, Noise, lanes
from ._programs import lengths_of

Solver = Any
"""`"newton"`, the project's own; or an Optax optimiser, or an Optimistix minimiser or least-squares solver."""

Precision = Literal["float64", "float32", "mixed"]
"""In what the passes run: `"mixed"` searches in float32 and ends in float64."""

ENOUGH = 3 << 21
"""Passes times runs from which steps are worth compiling."""
PASSES = 12
"""Passes of a fit, before it is known how many it takes."""
LEAST = 4096
"""Runs that a pass counts for at least: as many take the host as long as its calls do."""
SMALL = 4096
"""Fits times runs below which a second core is not worth waking."""
SPREAD = 1 << 16
"""Fits times runs below which the host's driver has one thread: its steps hold Python's lock, its programs do not."""
CHUNK = 16384
"""Fits that one call takes at most, so that memory does not grow with the batch."""
_TOLERANCE = {"float64": 1e-12, "float32": 1e-7}


def cores() -> int:
    """The cores this process may use: no more than the environment's `SCALEFIT_CORES`, where several share them."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    most = os.environ.get("SCALEFIT_CORES", "")
    return min(there, max(int(most), 1)) if most.isdecimal() else there


def refuse_solver(solver: Any, precision: Any) -> None:
    """Refuse what `solve` does not take; solvers are known by the functions that Optax's and Optimistix's have.

    **Raises:** `InputError` for what is no solver or no precision, and for a precision that the solver does not have.
    """
    own = isinstance(solver, str) and solver == "newton"
    optax = all(hasattr(solver, name) for name in ("init", "update"))
    if not (own or optax or all(hasattr(solver, name) for name in ("init", "step", "terminate"))):
        raise InputError("solver", solver, "'newton', an Optax optimiser (optax.lbfgs()), or one of Optimistix")
    if precision not in get_args(Precision):
        raise InputError("precision", precision, "'float64', 'float32' or 'mixed'")
    if not own and precision != "float64":
        expected = "float64, as solvers of other libraries have no other"
        raise InputError("precision", precision, expected, "leave it out, or use solver='newton'")


def bucket(count: int) -> int:
    """The next power of two, so that calls of similar size share one compilation."""
    return 1 << max(count - 1, 0).bit_length()


def solve(
    curve: Curve,
    noise: Noise,
    data: Data,
    start: Float[np.ndarray, "fit free"],
    study: Int[np.ndarray, " fit"],
    resample: Int[np.ndarray, " fit"],
    floor: Float[np.ndarray, " study"],
    *,
    solver: Solver = "newton",
    max_steps: int = 200,
    precision: Precision = "float64",
    workers: int | None = None,
    driver: Driver = "auto",
    whole: int = 0,
) -> Solutions:
    """Optimise fits from their starts, on every core or device; the arguments are those of `polish`.

    There are two drivers (see `driver`); accelerators and several devices run the compiled one.

    XLA does not spread one such program over cores: on one CPU device each core runs its own share of the queue in a
    thread; over accelerators, or CPU devices that exist already, the shares are mapped by `shard_map`. Each fit is
    computed by itself: neither the number of shares nor the other fits change it. Other libraries' solvers run in the
    caller's thread alone.

    **Arguments:**

    - `precision`: In what the passes of `"newton"` run, others being of float64 only; objectives are float64 always.
    - `workers`: Threads, where there is one CPU device; by default one a core.
    - `driver`: Where the steps of `"newton"` run.
    - `whole`: Fits of the job of which these are a part, by which the driver is chosen.

    **Raises:** `InputError` for what the host's driver cannot do: another library's solver, or another precision.
    """
    refuse_solver(solver, precision)
    able = solver == "newton" and precision == "float64"
    if driver == "host" and not able:
        raise InputError("driver", driver, "solver='newton' in float64 with it", "leave it out")
    if able:
        # The host pads few runs, and takes as long over them as over more.
        fits, runs = max(len(start), whole), max(data.target.shape[1], lengths_of(data.point)[0])
        job = Job.of(driver, (noise, data), (curve, bucket(len(start))), PASSES * fits * runs, ENOUGH)
        if job.here:
            found = _on_host(curve, noise, data, start, study, resample, floor, max_steps, workers or cores())
            steps = found.steps.astype(float)
            job.did(max(steps.sum() * runs, steps.max(initial=0.0) * LEAST))
            return found
    problem = _Problem(curve, noise, data, floor, solver, max_steps)
    if precision == "float64":
        return problem.run(start, study, resample, "float64", workers)
    rough = problem.run(start, study, resample, "float32", workers)
    theta = np.where(np.isfinite(rough.theta), rough.theta, start).astype(np.float64)
    if precision == "float32":
        return rough._replace(theta=theta, objective=problem.objective(theta, study, resample))
    fine = problem.run(theta, study, resample, "float64", workers)
    return fine._replace(steps=fine.steps + rough.steps)


def _on_host(
    curve: Curve, noise: Noise, data: Data, start: np.ndarray, study: np.ndarray, resample: np.ndarray,
    floor: np.ndarray, max_steps: int, workers: int,
) -> Solutions:  # fmt: skip
    """Every fit, in one part a core where there are many."""
    noise, data = jax.tree.map(np.asarray, (noise, data))
    start = start.astype(np.float64)

    def part(some: slice) -> Solutions:
        rows = start[some], study[some], resample[some]
        return polish_on_host(curve, noise, data, *rows, floor, max_steps, tolerance=_TOLERANCE["float64"])

    fits = len(start)
    shares = workers if fits * data.target.shape[1] >= SPREAD else 1
    share = -(-fits // min(shares, max(fits, 1)))
    queue = [slice(low, low + share) for low in range(0, fits, share)]
    if len(queue) == 1:
        return part(queue[0])
    with ThreadPoolExecutor(len(queue)) as pool:
        parts = list(pool.map(part, queue))
    return Solutions(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


@dataclasses.dataclass(frozen=True)
class _Problem:
    curve: Curve
    noise: Noise
    data: Data
    floor: Float[np.ndarray, " study"]
    solver: Solver
    max_steps: int

    def run(
        self, start: np.ndarray, study: np.ndarray, resample: np.ndarray, precision: str, workers: int | None
    ) -> Solutions:
        """Every fit, in parts of equal size."""
        fits = len(start)
        devices = jax.local_devices()
        # Other libraries' solvers run where JAX puts them.
        many = self.solver == "newton" and (len(devices) > 1 or devices[0].platform != "cpu")
        work = fits * self.data.target.shape[1]
        # Other libraries factorise by LAPACK: two programs may wait for each other in its pool of threads, for ever.
        alone = self.solver != "newton" or work < SMALL
        shares = len(devices) if many else 1 if alone else min(workers or cores(), fits)
        share = -(-fits // max(shares, -(-fits // CHUNK)))
        size = bucket(share)
        with jax.enable_x64(True):
            common = jax.tree.map(lambda a: _cast(a, precision), (self.noise, self.data, _floor(self.floor, precision)))
        start = start.astype(np.float32 if precision == "float32" else np.float64)
        queue: list[Any] = []
        for low in range(0, fits, share):
            part = (_padded(a[low : low + share], size) for a in (start, study, resample))
            queue.append((*part, min(share, fits - low)))
        if many:
            rounds = [queue[k : k + shares] for k in range(0, len(queue), shares)]
            parts = [part for r in rounds for part in self._mapped(common, r, size, devices)]
        elif len(queue) == 1 or shares == 1:
            parts = [self._one(common, job, size) for job in queue]
        else:
            with ThreadPoolExecutor(shares) as pool:
                parts = list(pool.map(lambda job: self._one(common, job, size), queue))
        counts = [job[3] for job in queue]
        return Solutions(*(np.concatenate([p[i][:c] for p, c in zip(parts, counts, strict=True)]) for i in range(4)))

    def _width(self, size: int) -> int:
        return lane_width(size, self.data.target.shape[1], jax.default_backend())

    def _one(self, common: Any, job: Any, size: int) -> list[np.ndarray]:
        noise, data, floor = common
        start, study, resample, count = job
        # A worker thread does not inherit the context.
        with jax.enable_x64(True):
            problem = (self.curve, noise, data, start, study, resample, floor)
            if self.solver == "newton":
                tolerance = _TOLERANCE[str(start.dtype)]
                # Numbers of the host: to make them here would be programs of their own, one a thread.
                most, number = np.int32(self.max_steps), np.int32(count)
                out = polish(*problem, most, count=number, width=self._width(size), tolerance=tolerance)
            else:
                from ._descend import ByIdentity, descend  # few calls need it, and fewer the libraries that it needs

                solver = self.solver if _hashes(self.solver) else ByIdentity(self.solver)
                out = descend(*problem, optimiser=solver, most=self.max_steps)
            return [np.asarray(a) for a in out]

    def _mapped(self, common: Any, jobs: list[Any], size: int, devices: list[Any]) -> list[list[np.ndarray]]:
        noise, data, floor = common
        given = len(jobs)
        # A device without a share is given one of no fits, and its part is left out below.
        jobs = jobs + [(*jobs[0][:3], 0)] * (len(devices) - given)
        start, study, resample = (np.concatenate([job[i] for job in jobs]) for i in range(3))
        count = np.array([job[3] for job in jobs], np.int32)
        with jax.enable_x64(True):
            out = _over_devices(
                self.curve, noise, data, start, study, resample, floor, np.int32(self.max_steps), count,
                mesh=Mesh(np.array(devices), ("share",)), width=self._width(size),
                tolerance=_TOLERANCE[str(start.dtype)],
            )  # fmt: skip
            arrays = [np.asarray(a) for a in out]
        return [[a[k * size : (k + 1) * size] for a in arrays] for k in range(given)]

    def objective(self, theta: np.ndarray, study: np.ndarray, resample: np.ndarray) -> Float[np.ndarray, " fit"]:
        """The objectives in float64."""
        size = min(bucket(len(theta)), 256)
        parts = []
        with jax.enable_x64(True):
            for low in range(0, len(theta), size):
                at, which, again = (_padded(a[low : low + size], size) for a in (theta, study, resample))
                parts.append(np.asarray(_objective(self.curve, self.noise, self.data, at, which, again)))
        return np.concatenate(parts)[: len(theta)]


@functools.partial(jax.jit, static_argnames=("curve",))
def _objective(curve: Curve, noise: Noise, data: Data, theta: Any, study: Any, resample: Any) -> Any:
    return objective(curve, noise, theta, lanes(data, study, resample))


@functools.partial(jax.jit, static_argnames=("curve", "mesh", "width", "tolerance"))
def _over_devices(
    curve: Curve, noise: Noise, data: Data, start: Any, study: Any, resample: Any, floor: Any, max_steps: Any,
    count: Any, *, mesh: Mesh, width: int, tolerance: float,
) -> Solutions:  # fmt: skip
    def share(
        start: Any, study: Any, resample: Any, count: Any, noise: Noise, data: Data, floor: Any, most: Any
    ) -> Any:
        return polish(
            curve, noise, data, start, study, resample, floor, most, count=count[0], width=width, tolerance=tolerance
        )

    by_share, whole = PartitionSpec("share"), PartitionSpec()
    mapped = jax.shard_map(
        share, mesh=mesh, in_specs=(by_share,) * 4 + (whole,) * 4, out_specs=by_share, check_vma=False
    )
    return mapped(start, study, resample, count, noise, data, floor, max_steps)


def _hashes(solver: Any) -> bool:
    try:
        hash(solver)
    except TypeError:
        return False
    return True


def _padded(a: np.ndarray, size: int) -> np.ndarray:
    a = a if a.dtype.kind == "f" else a.astype(np.int32)
    return np.pad(a, ((0, size - len(a)),) + ((0, 0),) * (a.ndim - 1), mode="edge")


def _cast(a: Any, precision: str) -> Any:
    if a.dtype.kind != "f":
        return jnp.asarray(a)
    return jnp.asarray(a, jnp.float32 if precision == "float32" else jnp.float64)


def _floor(floor: np.ndarray, precision: str) -> np.ndarray:
    ratio = float(np.finfo(np.float32).eps / np.finfo(np.float64).eps)
    return floor * ratio**2 if precision == "float32" else floor
