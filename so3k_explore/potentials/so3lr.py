"""SO3LR: So3krates with learned charges and Hirshfeld ratios, and physical pair terms on top.

Kabylda, Frank, Suárez-Dou, Khabibrakhmanov, Medrano Sandonas, Unke, Chmiela, Müller, Tkatchenko, "Molecular Simulations
with a Pretrained Neural Network and Universal Pairwise Force Fields", J. Am. Chem. Soc. (2025).
"""

import math
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from so3k_explore.geometry.graph import Graph, Pairs, at_atoms, molecule_sums
from so3k_explore.nn.mlp import Mlp
from so3k_explore.potentials import physical
from so3k_explore.potentials.published import SO3LR_ELEMENTS
from so3k_explore.potentials.so3krates import (
    SO3LR_SIZES,
    Architecture,
    Captured,
    EnergyHead,
    EuclideanTransformer,
    apply_network,
    capture_network,
    random_parameters,
    unordered_pairs,
)
from so3k_explore.typing import Replaceable, pytree, static

PROPERTY_ROWS = 100  # rows of the tables per element of the charge and Hirshfeld heads
REPULSION_RANGE = 1.5  # Å, where the nuclear repulsion has been switched off
SMEARING = 4.0  # Å, of the charges
DISPERSION_DAMPING = 1.2
SWITCH_WIDTH = 2.0  # Å, over which dispersion ends at a finite cutoff
TERMS = ("so3krates", "zbl", "electrostatic", "dispersion")


class ChargeHead(nn.Module):
    r"""Partial charges that add up to the total charge Q, e.

    .. math:: q_i = \tilde q_i + \frac{1}{N}\Big(Q - \sum_j \tilde q_j\Big), \qquad
              \tilde q_i = \mathrm{MLP}(x_i) + b_{Z_i}
    """

    @nn.compact
    def __call__(self, x: Float[Array, "atoms features"], graph: Graph) -> Float[Array, "atoms"]:
        bias = nn.Embed(PROPERTY_ROWS, 1, name="bias")(graph.numbers)
        raw = jnp.where(graph.real, (Mlp(x.shape[-1], 1, name="mlp")(x) + bias)[:, 0], 0.0)
        sums = lambda values: molecule_sums(values, graph.molecules, graph.charge)
        excess = (graph.charge - sums(raw)) / jnp.maximum(sums(graph.real.astype(raw.dtype)), 1)
        return jnp.where(graph.real, raw + at_atoms(excess, graph.molecules), 0.0)


class HirshfeldHead(nn.Module):
    r"""Ratio of the Hirshfeld volume of an atom to that of the free atom.

    .. math:: v_i = \big|\, b_{Z_i} + q_{Z_i}^\top \mathrm{MLP}(x_i) / \sqrt{d} \,\big|
    """

    @nn.compact
    def __call__(self, x: Float[Array, "atoms features"], graph: Graph) -> Float[Array, "atoms"]:
        width = x.shape[-1] // 2
        bias = nn.Embed(PROPERTY_ROWS, 1, name="bias")(graph.numbers)[:, 0]
        query = nn.Embed(PROPERTY_ROWS, width, name="query")(graph.numbers)
        key = Mlp(width, width, name="mlp")(x)
        return jnp.abs(bias + jnp.sum(query * key, axis=-1) / math.sqrt(width))


class Repulsion(nn.Module):
    r"""Nuclear repulsion with learned constants, screened over :math:`1/\lambda_{ij} = d\,(Z_i^p + Z_j^p)`.

    The constants start from those of Ziegler, Biersack and Littmark. The power is taken in single precision whatever
    the dtype, as in the published program; otherwise energies would move by 1e-8 of the repulsion.
    """

    cutoff: float  # Å

    @nn.compact
    def __call__(self, numbers: Int[Array, "atoms"], pairs: Pairs) -> Float[Array, "pairs"]:
        constant = lambda name, start: self.param(name, lambda key: jnp.asarray(start, jnp.float32))
        decays, weights = constant("decays", physical.ZBL_DECAYS), constant("weights", physical.ZBL_WEIGHTS)
        power, scale = constant("power", physical.ZBL_POWER), constant("scale", physical.ZBL_SCALE)

        atomic = jnp.maximum(numbers, 1).astype(jnp.float32)
        charge_i, charge_j = physical.ends(atomic, pairs)
        size_i, size_j = physical.ends(atomic ** power.astype(jnp.float32), pairs)
        dtype = pairs.displacements.dtype
        return physical.repulsion(
            physical.distances_of(pairs),
            (charge_i * charge_j).astype(dtype),
            (size_i + size_j).astype(dtype) * scale,
            decays=decays,
            weights=weights,
            reach=REPULSION_RANGE,
            cutoff=self.cutoff,
        )


class Properties(NamedTuple):
    """What the network says about each atom, and about short-range pairs."""

    energies: Float[Array, "atoms"]  # of So3krates, eV
    charges: Float[Array, "atoms"]  # e
    hirshfeld_ratios: Float[Array, "atoms"]
    repulsion: Float[Array, "atoms"]  # eV


class So3lrNetwork(nn.Module):
    """Transformer, the three heads that read its features, and the learned repulsion."""

    architecture: Architecture

    @nn.compact
    def __call__(self, graph: Graph) -> Properties:
        pairs = unordered_pairs(graph)
        x = EuclideanTransformer(self.architecture, name="transformer")(graph, pairs)
        repulsion = Repulsion(self.architecture.cutoff, name="repulsion")(graph.numbers, pairs)
        return Properties(
            energies=EnergyHead(name="energy")(x, graph),
            charges=ChargeHead(name="charges")(x, graph),
            hirshfeld_ratios=HirshfeldHead(name="hirshfeld")(x, graph),
            repulsion=physical.book(repulsion, pairs, graph.n_atoms),
        )


@pytree
class So3lr(Replaceable):
    """SO3LR. The dtype of the parameters decides the precision.

    A finite `long_range_cutoff` ends electrostatics and dispersion smoothly, which changes energies by up to several
    electronvolts: state it with every number.
    """

    params: Any
    architecture: Architecture = static(default=SO3LR_SIZES)
    long_range_cutoff: float = static(default=math.inf)  # Å
    elements: frozenset[int] | None = static(default=frozenset(SO3LR_ELEMENTS))

    def __post_init__(self) -> None:
        if not self.long_range_cutoff > SWITCH_WIDTH:
            raise ValueError(
                f"`long_range_cutoff` must be larger than {SWITCH_WIDTH} Å, got {self.long_range_cutoff} Å."
            )

    @classmethod
    def create(
        cls,
        seed: int = 0,
        architecture: Architecture = SO3LR_SIZES,
        long_range_cutoff: float = math.inf,
        dtype: Any = jnp.float32,
    ) -> "So3lr":
        """An untrained network with random parameters."""
        params = random_parameters(So3lrNetwork(architecture), seed, dtype)
        return cls(params=params, architecture=architecture, long_range_cutoff=long_range_cutoff)

    @property
    def cutoff(self) -> float:
        """Radius in which atoms attend to each other, Å."""
        return self.architecture.cutoff

    def __call__(self, graph: Graph) -> Float[Array, "atoms"]:
        """Energy booked on each atom, eV."""
        terms = self.energy_terms(graph)
        return sum((terms[name] for name in TERMS[1:]), start=terms[TERMS[0]])

    def energy_terms(self, graph: Graph) -> dict[str, Float[Array, "atoms"]]:
        """The contributions to the energy by name, eV; those of pairs are booked half and half."""
        return self._terms(graph, self.properties(graph))

    def _terms(self, graph: Graph, said: Properties) -> dict[str, Float[Array, "atoms"]]:
        far, distances = self._long_range(graph)
        charge_i, charge_j = physical.ends(said.charges, far)
        electrostatic = physical.electrostatics(
            distances, charge_i * charge_j, smearing=SMEARING, cutoff=self.long_range_cutoff
        )
        polarizability, c6 = (physical.table_rows(t, graph.numbers, distances.dtype) for t in physical.free_atoms())
        dispersion = physical.dispersion(
            distances,
            physical.ends(polarizability * said.hirshfeld_ratios, far),
            physical.ends(c6 * said.hirshfeld_ratios**2, far),
            damping=DISPERSION_DAMPING,
            cutoff=self.long_range_cutoff,
            switch_width=SWITCH_WIDTH,
        )
        book = lambda energies: physical.book(energies, far, graph.n_atoms)
        values = (said.energies, said.repulsion, book(electrostatic), book(dispersion))
        return dict(zip(TERMS, values, strict=True))

    def properties(self, graph: Graph) -> Properties:
        """Everything the network predicts."""
        return apply_network(So3lrNetwork(self.architecture), self.params, graph)

    def charges(self, graph: Graph) -> Float[Array, "atoms"]:
        """Partial charges, e."""
        return self.properties(graph).charges

    def hirshfeld_ratios(self, graph: Graph) -> Float[Array, "atoms"]:
        """Volume of each atom in the molecule relative to the free atom."""
        return self.properties(graph).hirshfeld_ratios

    def dipole(self, graph: Graph) -> Float[Array, "3"]:
        """Dipole moment about the origin, e·Å; for ions it depends on the origin, in a box it means nothing."""
        charges = self.charges(graph)
        return charges @ graph.positions.astype(charges.dtype)

    def capture(self, graph: Graph) -> Captured:
        """The same forward pass, with what it has seen on its way."""
        said, pairs, layers = capture_network(So3lrNetwork(self.architecture), self.params, graph)
        return Captured(pairs, layers, self._terms(graph, said), said.charges, said.hirshfeld_ratios)

    def _long_range(self, graph: Graph) -> tuple[Pairs, Float[Array, "pairs"]]:
        far = graph.long_range
        if far is None:
            raise ValueError(
                "SO3LR needs long-range pairs, got a graph without. "
                "Make the neighbours with `neighbors_for(potential, system)`."
            )
        dtype = jax.tree.leaves(self.params)[0].dtype
        far = far.replace(displacements=far.displacements.astype(dtype))
        return far, physical.distances_of(far)
