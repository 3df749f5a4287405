"""Fitting a potential to labels: a generator of states, like dynamics.

Adam or Muon with warm-up and cosine decay, gradients clipped by their norm, and an exponential moving average of the
parameters, which is what is validated and kept. All that a step depends on is in the state, so a fit
that was saved and resumed ends with the same bits.
"""

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from so3k_explore.io.datasets import Dataset
from so3k_explore.potentials.protocol import Potential
from so3k_explore.training.batches import Batch, Batches, stacked
from so3k_explore.training.loss import Errors, Loss
from so3k_explore.training.optimisers import make_optimiser
from so3k_explore.typing import Replaceable, ScalarLike, pytree, take

STEPS_AT_ONCE = 10  # that are compiled into one call


@dataclass(frozen=True)
class Fit(Replaceable):
    """How to fit."""

    steps: int = 20_000
    molecules: int = 8  # of a batch at most
    optimiser: str = "adam"  # or "muon"
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-6
    warmup: int = 500  # steps
    clip: float = 10.0  # largest norm of the gradient
    averaging: float = 0.999  # decay of the moving average of the parameters, per step
    validate_every: int = 500  # steps
    patience: int | None = None  # validations without improvement before it ends; None: no early end
    seed: int = 0
    loss: Loss = field(default_factory=Loss)

    def __post_init__(self) -> None:
        for name in ("steps", "molecules", "validate_every", "learning_rate", "final_learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be positive, got {getattr(self, name)}.")
        if not 0 <= self.averaging < 1:
            raise ValueError(f"`averaging` must be in [0, 1), got {self.averaging}.")
        self.transformation()

    def schedule(self) -> optax.Schedule:
        """Learning rate against the step."""
        warmup = min(self.warmup, self.steps // 2)
        return optax.warmup_cosine_decay_schedule(
            0.0, self.learning_rate, warmup, self.steps, end_value=self.final_learning_rate
        )

    def transformation(self) -> optax.GradientTransformation:
        """How gradients become updates."""
        return make_optimiser(self.optimiser, self.schedule(), self.clip)


@pytree
class FitState(Replaceable):
    """Where a fit stands. Errors are mean absolute ones; NaN before the first of their kind."""

    potential: Any  # as stepped
    average: Any  # moving average, the model to use
    best: Any  # average with the least validation loss
    optimiser: Any
    step: Int[Array, ""]
    epoch: Int[Array, ""]
    batch: Int[Array, ""]  # next one of this epoch
    loss: Float[Array, ""]  # of training, mean since the last state
    energy_error: Float[Array, ""]  # of training, eV an atom
    force_error: Float[Array, ""]  # of training, eV/Å
    validation_loss: Float[Array, ""]
    validation_energy_error: Float[Array, ""]  # eV an atom
    validation_force_error: Float[Array, ""]  # eV/Å
    best_loss: Float[Array, ""]
    since_best: Int[Array, ""]  # validations


class FitError(RuntimeError):
    """A fit went astray."""


def initial_fit(settings: Fit, potential: Potential) -> FitState:
    """The state before the first step."""
    nothing, zero = jnp.asarray(jnp.nan, jnp.float32), jnp.asarray(0, jnp.int32)
    return FitState(
        potential=potential,
        average=potential,
        best=potential,
        optimiser=settings.transformation().init(potential),  # pyright: ignore[reportArgumentType] - a pytree
        step=zero,
        epoch=zero,
        batch=zero,
        loss=nothing,
        energy_error=nothing,
        force_error=nothing,
        validation_loss=nothing,
        validation_energy_error=nothing,
        validation_force_error=nothing,
        best_loss=jnp.asarray(jnp.inf, jnp.float32),
        since_best=zero,
    )


def fit(
    settings: Fit, state: FitState, training: Batches, validation: Batches, steps_per_state: int = 50
) -> Iterator[FitState]:
    """Yields a state every `steps_per_state` steps, until the steps are done or patience has run out.

    With several GPUs each takes a batch of its own at every step, and gradients are averaged.

    Raises:
        FitError: the loss is not finite.
    """
    feed = _feed(settings, training, int(state.epoch), int(state.batch))
    step = int(state.step)
    at_once = min(steps_per_state, STEPS_AT_ONCE)
    ending = ""
    while step < settings.steps and not ending:
        validation_at = min(settings.steps, step - step % settings.validate_every + settings.validate_every)
        until = min(step + steps_per_state, validation_at)
        sums = np.zeros(3)
        for start in range(step, until, at_once):
            state, numbers = _fed(settings, state, feed, min(at_once, until - start), at_once)
            sums = sums + numbers
        state = _with_training_errors(state, sums / (until - step))
        step = until
        if step == validation_at:
            state = validated(settings, state, validation)
            if settings.patience is not None and int(state.since_best) >= settings.patience:
                ending = "no improvement"
        yield state


def validated(settings: Fit, state: FitState, validation: Batches) -> FitState:
    """The state with its errors on the validation set, and with the best average so far."""
    loss, energy, forces = mean_errors(settings.loss, state.average, validation)
    number = lambda value: jnp.asarray(value, jnp.float32)
    better = bool(number(loss) < state.best_loss)  # as stored: a loss that stays the same is no better
    return state.replace(
        validation_loss=number(loss),
        validation_energy_error=number(energy),
        validation_force_error=number(forces),
        best=state.average if better else state.best,
        best_loss=number(loss) if better else state.best_loss,
        since_best=jnp.asarray(0 if better else int(state.since_best) + 1, jnp.int32),
    )


def mean_errors(loss: Loss, potential: Potential, data: Batches) -> tuple[float, float, float]:
    """Mean loss, and mean absolute errors of energies (eV an atom) and forces (eV/Å)."""
    total, weights = np.zeros(3), np.zeros(3)
    for frames in data.in_order():
        numbers, counts = _evaluate(loss, potential, data.collate(frames))
        total, weights = total + np.asarray(numbers) * np.asarray(counts), weights + np.asarray(counts)
    mean = total / weights
    return float(mean[0]), float(mean[1]), float(mean[2])


def energy_shifts(dataset: Dataset) -> Float[np.ndarray, "numbers"]:
    """Energies of elements (eV, by atomic number) that add up to the energies of the molecules as well as they can.

    A linear regression with a touch of regularisation, for elements that always occur together.
    """
    composition = np.zeros((len(dataset), 119))
    np.add.at(composition, (np.repeat(np.arange(len(dataset)), dataset.sizes), dataset.numbers), 1.0)
    seen = composition.any(axis=0)
    counts = composition[:, seen]
    start = np.linalg.lstsq(counts, dataset.energies, rcond=1e-6)[0]
    shifts = np.zeros(119)
    shifts[seen] = start
    return shifts


def average_neighbors(data: Batches) -> float:
    """Mean number of atoms within the cutoff of an atom."""
    return sum(pairs.shape[1] for pairs in data.edges) / len(data.dataset.numbers)


def _feed(settings: Fit, training: Batches, epoch: int, batch: int) -> Iterator[tuple[tuple[int, int], Batch]]:
    """Batches from a place on, with the place after them."""
    devices = len(parallel_devices())
    while True:
        order = training.epoch(settings.seed, epoch)
        if len(order) < devices:
            raise FitError(f"{devices} devices need as many batches an epoch, got {len(order)}. Make them smaller.")
        while batch + devices <= len(order):
            parts = [training.collate(frames) for frames in order[batch : batch + devices]]
            batch += devices
            yield (epoch, batch), parts[0] if devices == 1 else stacked(parts)
        epoch, batch = epoch + 1, 0


def parallel_devices() -> list[Any]:
    """Devices that take a batch each. The cores of a CPU count as one: how a fit goes must not depend on them."""
    return jax.devices()[:1] if jax.default_backend() == "cpu" else jax.devices()


def _fed(
    settings: Fit, state: FitState, feed: Iterator[tuple[tuple[int, int], Batch]], count: int, room: int
) -> tuple[FitState, Float[np.ndarray, "3"]]:
    """The state after `count` steps, and sums of loss and errors over them; `room` is the number compiled for."""
    places, batches = zip(*itertools.islice(feed, count), strict=True)
    sequence = stacked([*batches, *batches[-1:] * (room - count)])
    devices = parallel_devices()
    if len(devices) > 1:
        mesh = jax.sharding.Mesh(np.asarray(devices), ("devices",))
        sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(None, "devices"))
        sequence = jax.device_put(sequence, sharding)
    state, sums = advance(settings, state, sequence, count)
    epoch, batch = (jnp.asarray(number, jnp.int32) for number in places[-1])
    return state.replace(epoch=epoch, batch=batch), np.asarray(sums)


@functools.partial(jax.jit, static_argnums=0)
def advance(settings: Fit, state: FitState, batches: Batch, count: ScalarLike) -> tuple[FitState, Float[Array, "3"]]:
    """A step with each of the first `count` batches of a sequence; and the sums of loss and errors over the steps.

    Many steps in one call share their working memory, which the system would otherwise clear page by page each time.
    """

    def step(index: Array, carried: tuple[FitState, Array]) -> tuple[FitState, Array]:
        after, numbers = _step(settings, carried[0], take(batches, index))
        return after, carried[1] + numbers

    return jax.lax.fori_loop(0, count, step, (state, jnp.zeros(3, batches.energies.dtype)))


def _step(settings: Fit, state: FitState, batch: Batch) -> tuple[FitState, Float[Array, "3"]]:
    def objective(potential: Potential) -> tuple[Float[Array, ""], Float[Array, "3"]]:
        one = lambda part: _numbers(*settings.loss(potential, part), part)
        if batch.positions.ndim == 2:
            value, numbers = one(batch)
            return value, numbers
        values, numbers = jax.vmap(one)(batch)
        return values.mean(), numbers.mean(axis=0)

    (_, numbers), gradient = jax.value_and_grad(objective, has_aux=True)(state.potential)
    updates, optimiser = settings.transformation().update(gradient, state.optimiser, state.potential)
    potential = optax.apply_updates(state.potential, updates)
    step = state.step + 1
    decay = jnp.minimum(settings.averaging, (1 + step) / (10 + step))
    average = jax.tree.map(
        lambda mean, new: (mean + (1 - decay) * (new - mean)).astype(new.dtype), state.average, potential
    )
    return state.replace(potential=potential, average=average, optimiser=optimiser, step=step), numbers


def _numbers(value: Float[Array, ""], errors: Errors, batch: Batch) -> tuple[Float[Array, ""], Float[Array, "3"]]:
    return value, jnp.stack([value, *_absolute(errors, batch)])


def _absolute(errors: Errors, batch: Batch) -> tuple[Float[Array, ""], Float[Array, ""]]:
    real = batch.sizes > 0
    each = jnp.where(real, jnp.abs(errors.energy) / jnp.maximum(batch.sizes, 1), 0.0)
    energy = each.sum() / jnp.maximum(real.sum(), 1)
    forces = jnp.abs(errors.forces).sum() / (3 * jnp.maximum((batch.numbers > 0).sum(), 1))
    return energy, forces


@functools.partial(jax.jit, static_argnums=0)
def _evaluate(loss: Loss, potential: Potential, batch: Batch) -> tuple[Float[Array, "3"], Float[Array, "3"]]:
    value, errors = loss(potential, batch)
    molecules, atoms = (batch.sizes > 0).sum(), (batch.numbers > 0).sum()
    return jnp.stack([value, *_absolute(errors, batch)]), jnp.stack([molecules, molecules, atoms]).astype(value.dtype)


def _with_training_errors(state: FitState, mean: Float[np.ndarray, "3"]) -> FitState:
    if not np.isfinite(mean[0]):
        raise FitError(
            f"The loss became {mean[0]} at step {int(state.step)}. Lower `learning_rate` or `clip`, and look for "
            "frames with extreme forces; the last checkpoint is untouched."
        )
    loss, energy, forces = (jnp.asarray(value, jnp.float32) for value in mean)
    return state.replace(loss=loss, energy_error=energy, force_error=forces)
