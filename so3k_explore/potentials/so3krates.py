"""So3krates, the Euclidean transformer (Frank et al., Nat. Commun. 15, 6539 (2024)): network and potential."""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from so3k_explore.geometry.graph import Graph, Pairs
from so3k_explore.nn.attention import EuclideanAttention, PairFeatures, check_widths
from so3k_explore.nn.cutoffs import polynomial_cutoff
from so3k_explore.nn.embedding import AtomEmbedding
from so3k_explore.nn.mlp import Mlp, ResidualMlp
from so3k_explore.nn.radial import RADIAL_BASES
from so3k_explore.nn.spherical import check_degrees, contract, expand, spherical_harmonics
from so3k_explore.potentials.physical import universal_repulsion
from so3k_explore.typing import Replaceable, pytree, static

ELEMENT_ROWS = 119  # rows of the tables per element; row 0 belongs to padding


@dataclass(frozen=True)
class Architecture:
    """Hyper-parameters of the network; the defaults are those of SO3LR."""

    features: int = 128
    heads: int = 4
    layers: int = 3
    degrees: tuple[int, ...] = (1, 2, 3, 4)
    cutoff: float = 4.5  # Å
    radial_functions: int = 32
    radial_basis: str = "bernstein"
    average_neighbors: float = 13.168995780096482
    charge_and_spin: bool = True  # whether total charge and unpaired electrons are embedded
    linear_filters: bool = False  # in the radial functions, instead of networks of them; see `compression`
    repulsion_range: float = 0.0  # Å, where a nuclear repulsion beside the network ends; 0: there is none

    def __post_init__(self) -> None:
        check_degrees(self.degrees)
        check_widths(self.features, self.heads, self.degrees)
        for name in ("layers", "radial_functions", "cutoff", "average_neighbors"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be positive, got {getattr(self, name)}.")
        if not 0 <= self.repulsion_range <= self.cutoff:
            raise ValueError(f"`repulsion_range` must be from 0 to the cutoff, got {self.repulsion_range} Å.")
        if self.radial_basis not in RADIAL_BASES:
            raise ValueError(f"`radial_basis` must be one of {sorted(RADIAL_BASES)}, got {self.radial_basis!r}.")


SO3LR_SIZES = Architecture()


def architecture_from_json(values: dict[str, Any]) -> Architecture:
    """Architecture from JSON values, where tuples are lists.

    Raises:
        ValueError: a value is unknown or out of range.
    """
    known = {field.name for field in fields(Architecture)}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"Unknown hyper-parameter {unknown[0]!r}; known are {', '.join(sorted(known))}.")
    if "degrees" in values:
        values = {**values, "degrees": tuple(values["degrees"])}
    return Architecture(**values)


class Exchange(nn.Module):
    r"""Lets features and Euclidean variables know of each other: one linear map of both their invariants.

    .. math:: (a, b) = W\,(x \oplus c(\epsilon)) + \beta, \qquad
              x \leftarrow x + a, \qquad \epsilon_{lm} \leftarrow (1 + b_l)\,\epsilon_{lm}
    """

    degrees: tuple[int, ...]

    @nn.compact
    def __call__(
        self, x: Float[Array, "atoms features"], euclidean: Float[Array, "atoms orders"]
    ) -> tuple[Float[Array, "atoms features"], Float[Array, "atoms orders"]]:
        features = x.shape[-1]
        both = jnp.concatenate([x, contract(euclidean, self.degrees)], axis=-1)
        update = nn.Dense(both.shape[-1], name="dense")(both)
        return x + update[:, :features], euclidean * (1 + expand(update[:, features:], self.degrees))


class Layer(nn.Module):
    """Attention, normalisation, residual network, exchange, normalisation."""

    architecture: Architecture

    @nn.compact
    def __call__(
        self, x: Float[Array, "atoms features"], euclidean: Float[Array, "atoms orders"] | None, pairs: PairFeatures
    ) -> tuple[Float[Array, "atoms features"], Float[Array, "atoms orders"]]:
        sizes = self.architecture
        attention = EuclideanAttention(
            sizes.heads, sizes.degrees, sizes.average_neighbors, sizes.linear_filters, name="attention"
        )
        x_update, update = attention(x, euclidean, pairs)
        x = nn.LayerNorm(epsilon=1e-6, name="norm_1")(x + x_update)
        euclidean = update if euclidean is None else euclidean + update
        x = ResidualMlp(name="mlp")(x)
        x, euclidean = Exchange(sizes.degrees, name="exchange")(x, euclidean)
        x = nn.LayerNorm(epsilon=1e-6, name="norm_2")(x)
        self.sow("intermediates", "features", x)  # read by `analysis.attention`
        self.sow("intermediates", "euclidean", euclidean)
        return x, euclidean


class EuclideanTransformer(nn.Module):
    """Invariant features of every atom from its surroundings."""

    architecture: Architecture

    @nn.compact
    def __call__(self, graph: Graph, pairs: Pairs) -> Float[Array, "atoms features"]:
        sizes = self.architecture
        embedding = AtomEmbedding(sizes.features, ELEMENT_ROWS, sizes.charge_and_spin, name="embedding")
        x = embedding(graph.numbers, graph.real, graph.charge, graph.spin, graph.molecules)
        seen = pair_features(pairs, sizes)
        euclidean = None  # zero; the first layer needs no array to know that
        for index in range(sizes.layers):
            x, euclidean = Layer(sizes, name=f"layer_{index}")(x, euclidean, seen)
        return x


class EnergyHead(nn.Module):
    r"""Energy of an atom from its features, :math:`\varepsilon_i = s_{Z_i} \mathrm{MLP}(x_i) + o_{Z_i}`, eV."""

    @nn.compact
    def __call__(self, x: Float[Array, "atoms features"], graph: Graph) -> Float[Array, "atoms"]:
        scale = self.param("scale", nn.initializers.ones, (ELEMENT_ROWS,))
        offset = self.param("offset", nn.initializers.zeros, (ELEMENT_ROWS,))
        values = Mlp(x.shape[-1], 1, name="mlp")(x)[:, 0]
        return jnp.where(graph.real, scale[graph.numbers] * values + offset[graph.numbers], 0.0)


def unordered_pairs(graph: Graph) -> Pairs:
    """Each short-range pair once, out of the directed pairs of the graph, receivers still sorted.

    Of the two copies that a directed list holds, the one with the smaller receiver is kept; of an atom and its own
    periodic image, the one whose displacement points to the positive side.
    """
    x, y, z = graph.displacements[:, 0], graph.displacements[:, 1], graph.displacements[:, 2]
    positive = (x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0))))
    first = (graph.receivers < graph.senders) | ((graph.receivers == graph.senders) & positive)
    edges = graph.receivers.shape[0]
    (index,) = jnp.nonzero(first & graph.mask, size=(edges + 1) // 2, fill_value=edges)
    mask = index < edges
    index = jnp.minimum(index, edges - 1)
    unit = jnp.asarray([1.0, 0.0, 0.0], graph.displacements.dtype)
    return Pairs(
        receivers=jnp.where(mask, graph.receivers[index], graph.n_atoms - 1),
        senders=jnp.where(mask, graph.senders[index], graph.n_atoms - 1),
        displacements=jnp.where(mask[:, None], graph.displacements[index], unit[None, :]),
        mask=mask,
    )


def pair_features(pairs: Pairs, sizes: Architecture) -> PairFeatures:
    """Radial functions, cutoff and spherical harmonics of pairs."""
    distances = jnp.sqrt(jnp.sum(pairs.displacements**2, axis=-1))
    basis = RADIAL_BASES[sizes.radial_basis](distances, sizes.radial_functions, sizes.cutoff)
    envelope = jnp.where(pairs.mask, polynomial_cutoff(distances, sizes.cutoff), 0.0)
    return PairFeatures(
        receivers=pairs.receivers,
        senders=pairs.senders,
        basis=basis,
        envelope=envelope,
        harmonics=spherical_harmonics(pairs.displacements / distances[:, None], sizes.degrees),
    )


class So3kratesNetwork(nn.Module):
    """Transformer and energy head, and the nuclear repulsion that keeps atoms apart where there are no data."""

    architecture: Architecture

    @nn.compact
    def __call__(self, graph: Graph) -> dict[str, Float[Array, "atoms"]]:
        sizes, pairs = self.architecture, unordered_pairs(graph)
        x = EuclideanTransformer(sizes, name="transformer")(graph, pairs)
        terms = {"so3krates": EnergyHead(name="energy")(x, graph)}
        if sizes.repulsion_range > 0:
            reach = sizes.repulsion_range
            terms["zbl"] = universal_repulsion(graph.numbers, pairs, reach=reach, cutoff=sizes.cutoff)
        return terms


class Captured(NamedTuple):
    """What can be seen inside a forward pass."""

    pairs: Pairs  # rows of the attention: these pairs, then the same with receivers and senders exchanged
    layers: dict[str, Any]  # sown by `Layer` and `EuclideanAttention`
    energies: dict[str, Float[Array, "atoms"]]  # eV, by contribution
    charges: Float[Array, "atoms"] | None = None  # e
    hirshfeld_ratios: Float[Array, "atoms"] | None = None


@pytree
class So3krates(Replaceable):
    """Energies from the Euclidean transformer alone. The dtype of the parameters decides the precision."""

    params: Any
    architecture: Architecture = static(default=SO3LR_SIZES)
    elements: frozenset[int] | None = static(default=None)

    @classmethod
    def create(cls, seed: int = 0, architecture: Architecture = SO3LR_SIZES, dtype: Any = jnp.float32) -> "So3krates":
        """An untrained network with random parameters."""
        return cls(params=random_parameters(So3kratesNetwork(architecture), seed, dtype), architecture=architecture)

    @property
    def cutoff(self) -> float:
        """Radius in which atoms attend to each other, Å."""
        return self.architecture.cutoff

    @property
    def long_range_cutoff(self) -> float:
        """No long-range pairs."""
        return 0.0

    def __call__(self, graph: Graph) -> Float[Array, "atoms"]:
        """Energy booked on each atom, eV."""
        first, *others = self.energy_terms(graph).values()
        return sum(others, start=first)

    def energy_terms(self, graph: Graph) -> dict[str, Float[Array, "atoms"]]:
        """The contributions to the energy by name, eV."""
        return apply_network(So3kratesNetwork(self.architecture), self.params, graph)

    def capture(self, graph: Graph) -> Captured:
        """The same forward pass, with what it has seen on its way."""
        energies, pairs, layers = capture_network(So3kratesNetwork(self.architecture), self.params, graph)
        return Captured(pairs=pairs, layers=layers, energies=energies)


def random_parameters(network: nn.Module, seed: int, dtype: Any) -> dict[str, Any]:
    """Untrained parameters of a network that reads graphs."""
    initialise = jax.jit(lambda key: network.init(key, _smallest_graph())["params"])
    params = initialise(jax.random.key(seed))
    return jax.tree.map(lambda leaf: leaf.astype(dtype), params)


def parameter_shapes(network: nn.Module) -> dict[str, Any]:
    """The tree of parameters with shapes in place of arrays."""
    return jax.eval_shape(lambda: network.init(jax.random.key(0), _smallest_graph()))["params"]


def apply_network(network: nn.Module, params: Any, graph: Graph) -> Any:
    """What a network makes of a graph, in the precision of its parameters.

    Products of matrices keep that precision on every device; GPUs would otherwise round single precision to 10 bits.
    """
    with jax.default_matmul_precision("highest"):
        return network.apply({"params": params}, graph.astype(jax.tree.leaves(params)[0].dtype))


def capture_network(network: nn.Module, params: Any, graph: Graph) -> tuple[Any, Pairs, dict[str, Any]]:
    """What a network makes of a graph, the pairs it goes through, and what its layers sow."""
    graph = graph.astype(jax.tree.leaves(params)[0].dtype)
    with jax.default_matmul_precision("highest"):
        made, sown = network.apply({"params": params}, graph, mutable=["intermediates"])
    return made, unordered_pairs(graph), dict(sown["intermediates"]["transformer"])


def _smallest_graph() -> Graph:
    atom = jnp.zeros(1, jnp.int32)
    far = Pairs(receivers=atom, senders=atom, displacements=jnp.ones((1, 3)), mask=jnp.zeros(1, bool))
    return Graph(
        positions=jnp.zeros((1, 3)),
        numbers=jnp.asarray(np.ones(1), jnp.int32),
        charge=jnp.zeros(()),
        spin=jnp.zeros(()),
        receivers=atom,
        senders=atom,
        displacements=far.displacements,
        mask=far.mask,
        long_range=far,
    )
