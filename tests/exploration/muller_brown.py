"""The potential of Müller & Brown, Theor. Chim. Acta 53, 75 (1979), for one atom held near z = 0.

One unit of energy is 0.01 eV.
"""

import jax
import jax.numpy as jnp
import numpy as np

from so3k_explore.system import System
from so3k_explore.typing import Replaceable, pytree

SCALE = 0.01  # eV
HEIGHT = np.array([-200.0, -100.0, -170.0, 15.0])
A, B, C = np.array([-1, -1, -6.5, 0.7]), np.array([0, 0, 11, 0.6]), np.array([-10, -10, -6.5, 0.7])
X, Y = np.array([1, 0, -0.5, -1]), np.array([0, 0.5, 1.5, 1])
STIFFNESS = 5.0  # eV/Å², along z

MINIMA = np.array([[-0.5582236346, 1.4417258418, 0], [0.6234994049, 0.0280377585, 0], [-0.0500108230, 0.4666941049, 0]])
MINIMUM_ENERGIES = np.array([-146.699517210, -108.166724117, -80.767818130])
SADDLES = np.array([[-0.8220015587, 0.6243128028, 0], [0.2124865820, 0.2929883251, 0]])
SADDLE_ENERGIES = np.array([-40.664843509, -72.248940112])


@pytree
class MullerBrown(Replaceable):
    """One atom in an external field: no rigid motion leaves the energy as it is."""

    @property
    def cutoff(self) -> float:
        return 1.0

    @property
    def long_range_cutoff(self) -> float:
        return 0.0

    @property
    def elements(self) -> frozenset[int] | None:
        return None

    def __call__(self, graph) -> jax.Array:
        x, y, z = graph.positions[:, 0], graph.positions[:, 1], graph.positions[:, 2]
        dx, dy = x[:, None] - X[None, :], y[:, None] - Y[None, :]
        wells = HEIGHT[None, :] * jnp.exp(A[None, :] * dx**2 + B[None, :] * dx * dy + C[None, :] * dy**2)
        return SCALE * wells.sum(axis=1) + 0.5 * STIFFNESS * z**2


ATOM = System.create([[0.0, 0.0, 0.0]], [18])
