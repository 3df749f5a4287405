r"""What training makes small, and how well a potential does.

.. math:: L = w_E \Big\langle \Big(\frac{\Delta E_m}{N_m}\Big)^2 \Big\rangle_m
              + \frac{w_F}{3} \big\langle h(|\Delta F_i|) \big\rangle_i
              + \frac{w_\mu}{3} \Big\langle \frac{|\Delta\mu_m|^2}{N_m^2} \Big\rangle_m
              + w_q \langle \Delta q_i^2 \rangle_i

with h the square up to `huber`, and a straight line beyond, so that a few violent frames do not rule the fit.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from so3k_explore.potentials.protocol import Potential
from so3k_explore.training.batches import Batch


@dataclass(frozen=True)
class Loss:
    """Weights of the errors; energies a atom in eV, forces in eV/Å, dipoles a atom in e·Å, charges in e."""

    energy: float = 10.0
    forces: float = 1.0
    dipole: float = 0.0
    charges: float = 0.0
    huber: float | None = None  # eV/Å, beyond which errors of forces count linearly

    def __post_init__(self) -> None:
        for name in ("energy", "forces", "dipole", "charges"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must not be negative, got {getattr(self, name)}.")
        if self.energy + self.forces + self.dipole + self.charges == 0:
            raise ValueError("At least one weight of the loss must be positive.")
        if self.huber is not None and not self.huber > 0:
            raise ValueError(f"`huber` must be positive or None, got {self.huber}.")

    def __call__(self, potential: Potential, batch: Batch) -> tuple[Float[Array, ""], "Errors"]:
        """Loss of one batch, and its errors for people."""
        predicted = predict(potential, batch, charges=self.dipole + self.charges > 0)
        errors = compare(predicted, batch)
        real = batch.sizes > 0
        count = jnp.maximum(real.sum(), 1)
        each = jnp.where(real, errors.energy / jnp.maximum(batch.sizes, 1), 0.0)
        atoms = jnp.maximum((batch.numbers > 0).sum(), 1)
        value = self.energy * (each**2).sum() / count
        value += self.forces * self._robust((errors.forces**2).sum(axis=-1)).sum() / (3 * atoms)
        if self.dipole > 0:
            value += self.dipole * (errors.dipole**2 / jnp.maximum(batch.sizes, 1)[:, None] ** 2).sum() / (3 * count)
        if self.charges > 0:
            value += self.charges * (errors.charges**2).sum() / atoms
        return value, errors

    def _robust(self, square: Float[Array, "atoms"]) -> Float[Array, "atoms"]:
        if self.huber is None:
            return square
        far = square > self.huber**2
        norm = jnp.sqrt(jnp.where(far, square, 1.0))
        return jnp.where(far, self.huber * (2 * norm - self.huber), square)


class Predicted(NamedTuple):
    """What a potential says about a batch."""

    energies: Float[Array, "molecules"]
    forces: Float[Array, "atoms 3"]
    charges: Float[Array, "atoms"] | None


class Errors(NamedTuple):
    """Prediction minus label; zero for padding. Dipoles and charges are empty where they are not compared."""

    energy: Float[Array, "molecules"]  # eV
    forces: Float[Array, "atoms 3"]  # eV/Å
    dipole: Float[Array, "molecules #3"]  # e·Å
    charges: Float[Array, "#atoms"]  # e


def predict(potential: Potential, batch: Batch, *, charges: bool = False) -> Predicted:
    """Energies and forces of all molecules of a batch in one pass, and charges where the potential knows them."""

    def total(positions: Float[Array, "atoms 3"]) -> tuple[Float[Array, ""], Float[Array, "molecules"]]:
        atomic = potential(batch.graph(positions))
        return atomic.sum(), jax.ops.segment_sum(atomic, batch.molecules, batch.sizes.shape[0])

    (_, energies), gradient = jax.value_and_grad(total, has_aux=True)(batch.positions)
    known: Any = potential
    return Predicted(energies, -gradient, known.charges(batch.graph(batch.positions)) if charges else None)


def compare(predicted: Predicted, batch: Batch) -> Errors:
    """Errors of a prediction."""
    energy = jnp.where(batch.sizes > 0, predicted.energies - batch.energies, 0.0)
    forces = jnp.where((batch.numbers > 0)[:, None], predicted.forces - batch.forces, 0.0)
    dipole, charges = jnp.zeros((energy.shape[0], 1), energy.dtype), jnp.zeros(1, energy.dtype)
    if predicted.charges is not None and batch.charges is not None:
        charges = jnp.where(batch.numbers > 0, predicted.charges - batch.charges, 0.0)
    if predicted.charges is not None and batch.dipoles is not None:
        made = jax.ops.segment_sum(predicted.charges[:, None] * batch.positions, batch.molecules, energy.shape[0])
        dipole = jnp.where((batch.sizes > 0)[:, None], made - batch.dipoles, 0.0)
    return Errors(energy, forces, dipole, charges)
