r"""What training makes small, and how well a potential does.

.. math:: L = w_E \Big\langle \Big(\frac{\Delta E_m}{N_m}\Big)^2 \Big\rangle_m
              + \frac{w_F}{3} \big\langle h(|\Delta F_i|) \big\rangle_i
              + \frac{w_\mu}{3} \Big\langle \frac{|\Delta\mu_m|^2}{N_m^2} \Big\rangle_m
              + w_q \langle \Delta q_i^2 \rangle_i
              + \frac{w_\sigma}{9} \big\langle |\Delta\sigma_m|^2 \big\rangle_m

with h the square up to `huber`, and a straight line beyond, so that a few violent frames do not rule the fit.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from so3k_explore.potentials.protocol import Potential
from so3k_explore.training.batches import Batch

LABELS = ("energy", "forces", "dipole", "charges", "stress")


@dataclass(frozen=True)
class Loss:
    """Weights of the errors: of energies an atom in eV, forces in eV/Å, dipoles an atom in e·Å, and so on."""

    energy: float = 10.0
    forces: float = 1.0
    dipole: float = 0.0
    charges: float = 0.0  # e
    stress: float = 0.0  # eV/Å³, of periodic structures; stresses are small numbers, 1000 is a start
    huber: float | None = None  # eV/Å, beyond which errors of forces count linearly

    def __post_init__(self) -> None:
        for name in LABELS:
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must not be negative, got {getattr(self, name)}.")
        if sum(getattr(self, name) for name in LABELS) == 0:
            raise ValueError("At least one weight of the loss must be positive.")
        if self.huber is not None and not self.huber > 0:
            raise ValueError(f"`huber` must be positive or None, got {self.huber}.")

    def __call__(self, potential: Potential, batch: Batch) -> tuple[Float[Array, ""], "Errors"]:
        """Loss of one batch, and its errors for people."""
        predicted = predict(potential, batch, charges=self.dipole + self.charges > 0, stress=self.stress > 0)
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
        if self.stress > 0 and batch.volumes is not None:
            boxes = jnp.maximum((batch.volumes > 0).sum(), 1)
            value += self.stress * (errors.stress**2).sum() / (9 * boxes)
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
    stress: Float[Array, "molecules 3 3"] | None = None  # eV/Å³; zero without a box


class Errors(NamedTuple):
    """Prediction minus label; zero for padding. What is not compared is empty."""

    energy: Float[Array, "molecules"]  # eV
    forces: Float[Array, "atoms 3"]  # eV/Å
    dipole: Float[Array, "molecules #3"]  # e·Å
    charges: Float[Array, "#atoms"]  # e
    stress: Float[Array, "molecules #3 #3"]  # eV/Å³


def predict(potential: Potential, batch: Batch, *, charges: bool = False, stress: bool = False) -> Predicted:
    """Energies and forces of all molecules of a batch in one pass, and charges and stress where they are known."""
    boxes = batch.volumes if stress else None

    def total(
        positions: Float[Array, "atoms 3"], strain: Float[Array, "molecules 3 3"] | None
    ) -> tuple[Float[Array, ""], Float[Array, "molecules"]]:
        symmetric = None if strain is None else (strain + jnp.swapaxes(strain, 1, 2)) / 2
        atomic = potential(batch.graph(positions, symmetric))
        return atomic.sum(), jax.ops.segment_sum(atomic, batch.molecules, batch.sizes.shape[0])

    strain = None if boxes is None else jnp.zeros((*boxes.shape, 3, 3), batch.positions.dtype)
    by = jax.value_and_grad(total, argnums=0 if boxes is None else (0, 1), has_aux=True)
    (_, energies), slopes = by(batch.positions, strain)
    gradient, stress_found = slopes, None
    if boxes is not None:
        gradient, virial = slopes
        stress_found = virial / jnp.where(boxes > 0, boxes, jnp.inf)[:, None, None]
    known: Any = potential
    found_charges = known.charges(batch.graph(batch.positions)) if charges else None
    return Predicted(energies, -gradient, found_charges, stress_found)


def compare(predicted: Predicted, batch: Batch) -> Errors:
    """Errors of a prediction."""
    energy = jnp.where(batch.sizes > 0, predicted.energies - batch.energies, 0.0)
    forces = jnp.where((batch.numbers > 0)[:, None], predicted.forces - batch.forces, 0.0)
    stress = jnp.zeros((energy.shape[0], 1, 1), energy.dtype)
    if predicted.stress is not None and batch.stresses is not None:
        stress = predicted.stress - batch.stresses
    return Errors(energy, forces, *_electrostatic(predicted, batch), stress)


def _electrostatic(predicted: Predicted, batch: Batch) -> tuple[Float[Array, "molecules #3"], Float[Array, "#atoms"]]:
    """Errors of dipoles and charges."""
    dtype = predicted.energies.dtype
    dipole, charges = jnp.zeros((batch.sizes.shape[0], 1), dtype), jnp.zeros(1, dtype)
    if predicted.charges is not None and batch.charges is not None:
        charges = jnp.where(batch.numbers > 0, predicted.charges - batch.charges, 0.0)
    if predicted.charges is not None and batch.dipoles is not None:
        made = jax.ops.segment_sum(predicted.charges[:, None] * batch.positions, batch.molecules, batch.sizes.shape[0])
        dipole = jnp.where((batch.sizes > 0)[:, None], made - batch.dipoles, 0.0)
    return dipole, charges
