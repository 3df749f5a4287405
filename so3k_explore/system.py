"""A molecule or a periodic box, or many copies of it along a leading `walkers` axis."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from so3k_explore.typing import Replaceable, pytree, take

if TYPE_CHECKING:
    from ase import Atoms


@pytree
class System(Replaceable):
    """Nuclei, cell, charge and spin. Atoms with number 0 are padding: they carry no energy and feel no force."""

    positions: Float[Array, "*walkers atoms 3"]  # Å
    numbers: Int[Array, "*walkers atoms"]
    masses: Float[Array, "*walkers atoms"]  # u
    charge: Float[Array, "*walkers"]  # total charge, e
    spin: Float[Array, "*walkers"]  # number of unpaired electrons
    cell: Float[Array, "*walkers 3 3"] | None = None  # Å, rows are the vectors; None: not periodic

    @classmethod
    def create(
        cls,
        positions: Any,
        numbers: Any,
        *,
        masses: Any = None,
        charge: float | int = 0.0,
        spin: float | int = 0.0,
        cell: Any = None,
    ) -> "System":
        """A single system from array-likes (Å, u, e), with standard atomic masses unless given.

        Raises:
            ValueError: shapes do not fit together, or a number is not finite.
        """
        positions = np.asarray(positions, float)
        numbers = np.asarray(numbers, int)
        if positions.ndim != 2 or positions.shape[1] != 3 or numbers.shape != positions.shape[:1]:
            raise ValueError(
                f"`positions` must have shape (atoms, 3) and `numbers` (atoms,), "
                f"got {positions.shape} and {numbers.shape}."
            )
        if not np.isfinite(positions).all():
            raise ValueError("`positions` must be finite, got NaN or infinity. Check the file the structure came from.")
        if masses is None:
            from ase.data import atomic_masses

            masses = atomic_masses[numbers]
        return cls(
            positions=jnp.asarray(positions),
            numbers=jnp.asarray(numbers, jnp.int32),
            masses=jnp.asarray(np.asarray(masses, float)),
            charge=jnp.asarray(float(charge)),
            spin=jnp.asarray(float(spin)),
            cell=None if cell is None else jnp.asarray(np.asarray(cell, float).reshape(3, 3)),
        )

    @classmethod
    def from_ase(cls, atoms: "Atoms") -> "System":
        """System from `ase.Atoms`: charge from ``info["charge"]``, unpaired electrons ``info["multiplicity"] - 1``.

        Raises:
            ValueError: the cell is periodic in some directions only.
        """
        if atoms.pbc.any() and not atoms.pbc.all():
            raise ValueError(
                f"Cells must be periodic in all directions or in none, got pbc={atoms.pbc.tolist()}. "
                "Add vacuum and set `atoms.pbc = True`."
            )
        return cls.create(
            atoms.get_positions(),
            atoms.get_atomic_numbers(),
            masses=atoms.get_masses(),
            charge=float(atoms.info.get("charge", 0.0)),
            spin=float(atoms.info.get("multiplicity", 1)) - 1.0,
            cell=atoms.cell.array if atoms.pbc.all() else None,
        )

    def to_ase(self) -> "Atoms":
        """`ase.Atoms` of a single system, with charge and multiplicity in ``info``."""
        from ase import Atoms

        info = {"charge": float(self.charge), "multiplicity": round(float(self.spin)) + 1}
        atoms = Atoms(
            np.asarray(self.numbers),
            np.asarray(self.positions, float),
            masses=np.asarray(self.masses, float),
            cell=None if self.cell is None else np.asarray(self.cell, float),
            pbc=self.cell is not None,
        )
        atoms.info.update(info)
        return atoms

    @property
    def n_atoms(self) -> int:
        """Number of atoms, padding included."""
        return self.numbers.shape[-1]

    @property
    def n_walkers(self) -> int:
        """Length of the walkers axis; 1 for a single system."""
        return 1 if self.positions.ndim == 2 else self.positions.shape[0]

    @property
    def periodic(self) -> bool:
        """Whether the system has a cell."""
        return self.cell is not None

    def astype(self, dtype: Any) -> "System":
        """Copy with floating-point leaves in `dtype`."""
        cast = lambda leaf: None if leaf is None else leaf.astype(dtype)
        return self.replace(
            positions=cast(self.positions),
            masses=cast(self.masses),
            charge=cast(self.charge),
            spin=cast(self.spin),
            cell=cast(self.cell),
        )


def replicate(system: System, walkers: int) -> System:
    """`walkers` copies of a single system along a new leading axis."""
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[None], (walkers, *leaf.shape)), system)


def walker(systems: System, index: int) -> System:
    """One system out of a batch."""
    return take(systems, index)
