"""GFN2-xTB as a potential of this program, through one reference calculator a molecule."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from so3k_explore.io.reference import reference_calculator
from so3k_explore.typing import Replaceable, pytree

DIFFERENCE = 0.005  # Å, half of the displacement between two forces


class _Calls:
    """Energy and forces of one molecule through an ASE calculator, remembered for the last structure."""

    def __init__(self, numbers: np.ndarray) -> None:
        from ase import Atoms

        self._numbers = numbers
        self._make = lambda: Atoms(numbers, np.zeros((len(numbers), 3)), calculator=reference_calculator())
        self._atoms = self._make()

    def __call__(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energy (eV) and forces (eV/Å); NaN where the calculation fails."""
        for _ in range(2):
            try:
                self._atoms.positions = np.asarray(positions)
                return np.asarray(self._atoms.get_potential_energy()), self._atoms.get_forces()
            except Exception:  # of any kind: calculators raise what they like
                self._atoms = self._make()  # without the density of a structure far away
        return np.asarray(np.nan), np.full((len(self._numbers), 3), np.nan)


_calls: dict[tuple[int, ...], _Calls] = {}


@pytree
class Gfn2(Replaceable):
    """GFN2-xTB as a potential, with forces as derivatives and differences of forces as second derivatives."""

    @property
    def cutoff(self) -> float:
        """No pairs are needed."""
        return 0.5

    @property
    def long_range_cutoff(self) -> float:
        """None."""
        return 0.0

    @property
    def elements(self) -> frozenset[int] | None:
        """Nearly any."""
        return None

    def __call__(self, graph: object) -> jax.Array:
        """Energy, booked on the first atom, eV."""
        positions, numbers = graph.positions, graph.numbers  # pyright: ignore[reportAttributeAccessIssue]
        return jnp.zeros(len(numbers), positions.dtype).at[0].set(_energy(positions, numbers))


def _both(positions: jax.Array, numbers: jax.Array) -> tuple[jax.Array, jax.Array]:
    def host(x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        key = tuple(np.asarray(z).tolist())
        return _calls.setdefault(key, _Calls(np.asarray(z)))(x)

    shapes = (jax.ShapeDtypeStruct((), np.float64), jax.ShapeDtypeStruct(positions.shape, np.float64))
    return jax.pure_callback(host, shapes, positions, numbers, vmap_method="sequential")


@jax.custom_jvp
def _energy(positions: jax.Array, numbers: jax.Array) -> jax.Array:
    return _both(positions, numbers)[0]


@_energy.defjvp
def _(primals: Sequence[jax.Array], tangents: Sequence[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return _energy(*primals), -jnp.sum(_forces(*primals) * tangents[0])


@jax.custom_jvp
def _forces(positions: jax.Array, numbers: jax.Array) -> jax.Array:
    return _both(positions, numbers)[1]


@_forces.defjvp
def _(primals: Sequence[jax.Array], tangents: Sequence[jax.Array]) -> tuple[jax.Array, jax.Array]:
    (positions, numbers), direction = primals, tangents[0]
    length = jnp.maximum(jnp.sqrt(jnp.sum(direction**2)), 1e-12)
    step = DIFFERENCE * direction / length
    ahead, behind = _both(positions + step, numbers)[1], _both(positions - step, numbers)[1]
    return _forces(positions, numbers), (ahead - behind) * length / (2 * DIFFERENCE)
