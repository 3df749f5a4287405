r"""L-BFGS with a trust radius, for W walkers in lock step (Nocedal, Math. Comput. 35, 773 (1980)).

Every force call is one trial. A trial that raises the energy beyond the noise is rejected, the radius shrinks, and the
walker tries again from where it was; what the rejected trial says about curvature is kept. There is no line search and
no branch, so finished, fast and struggling walkers share one compiled step. The first inverse Hessian is

.. math:: H_0 = \gamma\, M^{-1}, \qquad \gamma = \frac{s\cdot y}{y\cdot M^{-1} y}

with :math:`M` a model Hessian (`simulation.model_hessian`), or the identity.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from so3k_explore.simulation.minimizer import capped, finite, longest_move
from so3k_explore.simulation.model_hessian import ModelHessian
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, pytree, static

STIFFNESS = 70.0  # eV/Å², of the identity before anything is known
SHRINK, GROW = 0.4, 1.5  # of the trust radius
NOISE = 100.0  # roundings of the energy that do not count as a rise
SMALLEST = 1e-4  # Å: a radius this small means the memory is wrong


@pytree
class LbfgsMemory(Replaceable):
    """Pairs of steps and gradient changes, oldest first; unused rows are zero."""

    steps: Float[Array, "walkers memory coordinates"]
    changes: Float[Array, "walkers memory coordinates"]
    radius: Float[Array, "walkers"]  # Å
    inverse: Float[Array, "walkers coordinates coordinates"] | None  # of the model Hessian, Å²/eV
    step: Float[Array, "walkers atoms 3"]  # Å, the next one


@pytree
class LBFGS(Replaceable):
    """Settings of L-BFGS."""

    max_step: float = 0.2  # Å, of any atom
    tolerance: float = 1e-6  # eV, energies may rise by this much (and by the rounding of the energy)
    model: ModelHessian | None = None  # of the molecule; None: the identity
    memory: int = static(default=100)  # pairs; peptides converge a seventh sooner than with 30

    def start(self, systems: System, forces: Float[Array, "walkers atoms 3"]) -> LbfgsMemory:
        """Memory before the first step, which the model Hessian alone decides."""
        walkers, atoms, _ = forces.shape
        empty = jnp.zeros((walkers, self.memory, 3 * atoms), forces.dtype)
        memory = LbfgsMemory(
            steps=empty,
            changes=empty,
            radius=jnp.full(walkers, self.max_step, forces.dtype),
            inverse=None if self.model is None else self.model.inverse(systems),
            step=jnp.zeros_like(forces),
        )
        return self._next(memory, forces)

    def learn(
        self,
        memory: LbfgsMemory,
        energy: Float[Array, "walkers"],
        forces: Float[Array, "walkers atoms 3"],
        trial_energy: Float[Array, "walkers"],
        trial_forces: Float[Array, "walkers atoms 3"],
    ) -> tuple[LbfgsMemory, Bool[Array, "walkers"]]:
        """The next step, and which walkers go where they tried."""
        known = finite(trial_energy, trial_forces)
        noise = self.tolerance + NOISE * jnp.finfo(energy.dtype).eps * jnp.abs(energy)
        accepted = known & (trial_energy <= energy + noise)
        trial_forces = jnp.where(known[:, None, None], trial_forces, forces)
        memory = _remember(memory, (forces - trial_forces).reshape(memory.steps.shape[0], -1))

        length = longest_move(memory.step)
        radius = jnp.where(
            accepted, jnp.minimum(jnp.maximum(memory.radius, GROW * length), self.max_step), SHRINK * length
        )
        lost = radius < SMALLEST
        forget = lambda rows: jnp.where(lost[:, None, None], 0.0, rows)
        memory = memory.replace(
            steps=forget(memory.steps),
            changes=forget(memory.changes),
            radius=jnp.where(lost, self.max_step / 10, radius),
        )
        return self._next(memory, jnp.where(accepted[:, None, None], trial_forces, forces)), accepted

    def _next(self, memory: LbfgsMemory, forces: Float[Array, "walkers atoms 3"]) -> LbfgsMemory:
        direction = _inverse_hessian_times(memory, forces.reshape(forces.shape[0], -1)).reshape(forces.shape)
        uphill = jnp.sum(direction * forces, axis=(1, 2)) <= 0
        direction = jnp.where(uphill[:, None, None], forces / STIFFNESS, direction)
        return memory.replace(step=capped(direction, memory.radius))


def _remember(memory: LbfgsMemory, change: Float[Array, "walkers coordinates"]) -> LbfgsMemory:
    """Adds a pair where the curvature along the step is positive; the oldest pair drops out."""
    step = memory.step.reshape(change.shape)
    curved = jnp.sum(step * change, axis=-1) > 1e-10
    push = lambda rows, row: jnp.where(
        curved[:, None, None], jnp.concatenate([rows[:, 1:], row[:, None]], axis=1), rows
    )
    return memory.replace(steps=push(memory.steps, step), changes=push(memory.changes, change))


def _inverse_hessian_times(
    memory: LbfgsMemory, forces: Float[Array, "walkers coordinates"]
) -> Float[Array, "walkers coordinates"]:
    """The two-loop recursion; empty rows have no weight."""
    dot = lambda a, b: jnp.sum(a * b, axis=-1)
    steps, changes = jnp.moveaxis(memory.steps, 1, 0), jnp.moveaxis(memory.changes, 1, 0)
    curvature = dot(steps, changes)
    weight = jnp.where(curvature > 0, 1 / jnp.where(curvature > 0, curvature, 1.0), 0.0)

    def backward(q: Any, pair: Any) -> Any:
        s, y, rho = pair
        a = rho * dot(s, q)
        return q - a[:, None] * y, a

    def forward(z: Any, pair: Any) -> Any:
        s, y, rho, a = pair
        return z + (a - rho * dot(y, z))[:, None] * s, None

    q, a = jax.lax.scan(backward, forces, (steps, changes, weight), reverse=True)
    z = _first_inverse(memory, q, curvature[-1])
    return jax.lax.scan(forward, z, (steps, changes, weight, a))[0]


def _first_inverse(
    memory: LbfgsMemory, q: Float[Array, "walkers coordinates"], curvature: Float[Array, "walkers"]
) -> Float[Array, "walkers coordinates"]:
    times = lambda x: x if memory.inverse is None else jnp.einsum("wab,wb->wa", memory.inverse, x)
    last = memory.changes[:, -1]
    norm = jnp.sum(last * times(last), axis=-1)
    unknown = 1 / STIFFNESS if memory.inverse is None else 1.0
    scale = jnp.where(curvature > 0, curvature / jnp.where(norm > 0, norm, 1.0), unknown)
    return scale[:, None] * times(q)
