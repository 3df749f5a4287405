"""Partial charges, dipole moment and contributions to the energy, for potentials that know them."""

import functools
from typing import Any

import jax
from jaxtyping import Array, Float

from so3k_explore.geometry.graph import build_graph
from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import neighbors_for
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System


def charges(potential: Potential, system: System, neighbors: Neighbors | None = None) -> Float[Array, "atoms"]:
    """Partial charges of one system, e.

    Raises:
        TypeError: the potential has no charges.
    """
    return _ask(potential, "charges", system, neighbors)


def dipole(potential: Potential, system: System, neighbors: Neighbors | None = None) -> Float[Array, "3"]:
    """Dipole moment about the origin, e·Å; for ions it depends on the origin, in a box it means nothing.

    Raises:
        TypeError: the potential has no charges.
    """
    return _ask(potential, "dipole", system, neighbors)


def hirshfeld_ratios(potential: Potential, system: System, neighbors: Neighbors | None = None) -> Float[Array, "atoms"]:
    """Volume of each atom in the molecule relative to the free atom.

    Raises:
        TypeError: the potential has none.
    """
    return _ask(potential, "hirshfeld_ratios", system, neighbors)


def energy_terms(
    potential: Potential, system: System, neighbors: Neighbors | None = None
) -> dict[str, Float[Array, "atoms"]]:
    """Contributions to the energy by name, booked on each atom, eV; one term for potentials that have no parts."""
    if not hasattr(potential, "energy_terms"):
        return {"energy": _ask(potential, "__call__", system, neighbors)}
    return _ask(potential, "energy_terms", system, neighbors)


def has_charges(potential: Potential) -> bool:
    """Whether `charges` and `dipole` can be asked for."""
    return hasattr(potential, "charges")


def _ask(potential: Potential, name: str, system: System, neighbors: Neighbors | None) -> Any:
    if not hasattr(potential, name):
        raise TypeError(f"{type(potential).__name__} has no `{name}`; use a potential that has, such as SO3LR.")
    if neighbors is None:
        neighbors = neighbors_for(potential, system, skin=0.0)
    return _compiled(name, potential, system, neighbors)


@functools.partial(jax.jit, static_argnums=0)
def _compiled(name: str, potential: Potential, system: System, neighbors: Neighbors) -> Any:
    return getattr(potential, name)(build_graph(system, neighbors))
