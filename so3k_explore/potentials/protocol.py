"""What every potential is, and how potentials add up."""

from typing import Protocol, runtime_checkable

from jaxtyping import Array, Float

from so3k_explore.geometry.graph import Graph
from so3k_explore.typing import Replaceable, pytree


@runtime_checkable
class Potential(Protocol):
    """Maps a graph to per-atom energies in eV; everything else follows by differentiation.

    A potential is a pytree: parameters are leaves, hyper-parameters are static. It must ignore masked pairs, give
    padding atoms (number 0) no energy, go smoothly to zero at its cutoff, and ignore listed pairs beyond it.
    """

    @property
    def cutoff(self) -> float:
        """Radius of the directed short-range pairs in Å; `math.inf` for global models."""
        ...

    @property
    def long_range_cutoff(self) -> float:
        """Radius of the unordered long-range pairs in Å; 0 when there are none, `math.inf` for all pairs."""
        ...

    @property
    def elements(self) -> frozenset[int] | None:
        """Atomic numbers the potential is made for; None: any."""
        ...

    def __call__(self, graph: Graph) -> Float[Array, "atoms"]:
        """Energy booked on each atom, eV."""
        ...


@pytree
class Sum(Replaceable):
    """Sum of potentials."""

    parts: tuple[Potential, ...]

    @property
    def cutoff(self) -> float:
        """The largest cutoff; every part ignores pairs beyond its own."""
        return max(part.cutoff for part in self.parts)

    @property
    def long_range_cutoff(self) -> float:
        """The largest long-range cutoff."""
        return max(part.long_range_cutoff for part in self.parts)

    @property
    def elements(self) -> frozenset[int] | None:
        """Elements that every part is made for."""
        known = [part.elements for part in self.parts if part.elements is not None]
        return frozenset.intersection(*known) if known else None

    def __call__(self, graph: Graph) -> Float[Array, "atoms"]:
        """Energy booked on each atom, eV."""
        return sum((part(graph) for part in self.parts[1:]), start=self.parts[0](graph))
