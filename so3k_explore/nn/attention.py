r"""Euclidean attention of So3krates (Frank et al., Nat. Commun. 15, 6539 (2024)).

Atoms carry invariant features x and Euclidean variables ε (orders of spherical harmonics). Filters depend on what is
the same from both ends of a pair, the distance and the invariants of :math:`\epsilon_j - \epsilon_i`. So everything
below runs over *unordered* pairs: one filter serves both directions, which halves the work. Rows of arrays named
`coefficients` hold the pairs as seen from the receiver, then the same pairs as seen from the sender.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from so3k_explore.nn.mlp import Mlp
from so3k_explore.nn.spherical import contract, expand, parity
from so3k_explore.typing import Replaceable, pytree


@pytree
class PairFeatures(Replaceable):
    """What the layers need to know of unordered pairs; the same for all layers."""

    receivers: Int[Array, "pairs"]
    senders: Int[Array, "pairs"]
    basis: Float[Array, "pairs functions"]  # radial functions of the distance
    envelope: Float[Array, "pairs"]  # cutoff function, zero for padding
    harmonics: Float[Array, "pairs orders"]  # of the direction from receiver to sender


class PairFilter(nn.Module):
    r"""Filter of a pair, :math:`w_{ij} = \mathrm{MLP}(b(r_{ij})) + \mathrm{MLP}(g_{ij})`.

    g are the invariants of the difference of the Euclidean variables. In the first layer they vanish, and the second
    part is the same vector for all pairs. A linear filter has a matrix in place of the network of the distance.
    """

    features: int
    linear: bool = False

    @nn.compact
    def __call__(
        self, basis: Float[Array, "pairs functions"], invariants: Float[Array, "#pairs degrees"]
    ) -> Float[Array, "pairs features"]:
        if self.linear:
            radial = nn.Dense(self.features, use_bias=False, name="radial")(basis)
        else:
            radial = Mlp(self.features, self.features, name="radial")(basis)
        spherical = Mlp(self.features // 4, self.features, name="spherical")(invariants)
        return radial + jnp.broadcast_to(spherical, radial.shape)


class HeadwiseDense(nn.Module):
    r"""Linear map within each head, :math:`y_h = W_h x_h` with W stored as (head, output, input)."""

    heads: int

    @nn.compact
    def __call__(self, x: Float[Array, "atoms features"]) -> Float[Array, "atoms features"]:
        width = x.shape[-1] // self.heads
        initial = nn.initializers.lecun_normal(in_axis=-1, out_axis=-2, batch_axis=(0,))
        kernel = self.param("kernel", initial, (self.heads, width, width))
        split = x.reshape(-1, self.heads, width)
        return jnp.einsum("nhi,hoi->nho", split, kernel).reshape(x.shape)


class EuclideanAttention(nn.Module):
    r"""Updates of features and Euclidean variables by attention over the neighbours.

    .. math:: x_i^{att} = \bigoplus_h \sum_j \alpha^{(1)}_{ij,h} V_h x_{j,h}, \qquad
              \epsilon_{i,lm}^{att} = \sum_j \alpha^{(2)}_{ij,l} Y_{lm}(\hat r_{ij}), \qquad
              \alpha^{(n)}_{ij} = \frac{\phi(r_{ij})}{\bar n}\, q^{(n)\top}_i (w^{(n)}_{ij} \odot k^{(n)}_j)

    with :math:`\bar n` the average number of neighbours in the training set. There is no softmax: coefficients may be
    negative and do not add up to one. In the second branch degrees take the place of heads.
    """

    heads: int
    degrees: tuple[int, ...]
    average_neighbors: float
    linear_filters: bool = False

    @nn.compact
    def __call__(
        self, x: Float[Array, "atoms features"], euclidean: Float[Array, "atoms orders"] | None, pairs: PairFeatures
    ) -> tuple[Float[Array, "atoms features"], Float[Array, "atoms orders"]]:
        atoms, features = x.shape
        if euclidean is None:
            invariants = jnp.zeros((1, len(self.degrees)), x.dtype)
        else:
            invariants = contract(euclidean[pairs.senders] - euclidean[pairs.receivers], self.degrees)
        filter_of = lambda branch: PairFilter(features, self.linear_filters, name=f"{branch}_filter")
        filters = [filter_of(branch)(pairs.basis, invariants) for branch in BRANCHES]

        projections = (*(f"invariant_{role}" for role in ROLES), *(f"equivariant_{role}" for role in ROLES[:2]))
        heads = {"invariant": self.heads, "equivariant": len(self.degrees)}
        table = [HeadwiseDense(heads[name.split("_")[0]], name=name)(x) for name in projections]
        values_of_atoms = table[2]
        table = jnp.concatenate(table, axis=-1)  # one gather where five would do
        ours = jnp.split(table[pairs.receivers], len(projections), axis=-1)
        theirs = jnp.split(table[pairs.senders], len(projections), axis=-1)

        scale = pairs.envelope / self.average_neighbors
        invariant = _both_ways(ours[0:2], theirs[0:2], filters[0], self.heads) * _twice(scale)[:, None]
        equivariant = _both_ways(ours[3:5], theirs[3:5], filters[1], len(self.degrees)) * _twice(scale)[:, None]
        self.sow("intermediates", "invariant", invariant)  # read by `analysis.attention`
        self.sow("intermediates", "equivariant", equivariant)
        of_atoms = values_of_atoms.reshape(atoms, self.heads, -1)
        self.sow("intermediates", "values", jnp.linalg.norm(of_atoms, axis=-1))
        self.sow("intermediates", "residuals", jnp.linalg.norm(x, axis=-1))

        values = jnp.concatenate([theirs[2], ours[2]]).reshape(-1, self.heads, features // self.heads)
        weighted = (invariant[:, :, None] * values).reshape(-1, features)
        inverted = pairs.harmonics * jnp.asarray(parity(self.degrees), x.dtype)[None, :]
        directed = expand(equivariant, self.degrees) * jnp.concatenate([pairs.harmonics, inverted])
        messages = jnp.concatenate([weighted, directed], axis=-1)
        gathered = jax.ops.segment_sum(messages, jnp.concatenate([pairs.receivers, pairs.senders]), atoms)
        return gathered[:, :features], gathered[:, features:]


BRANCHES = ("invariant", "equivariant")
ROLES = ("query", "key", "value")


def _both_ways(ours: list[Array], theirs: list[Array], filters: Array, heads: int) -> Array:
    """Sums of query x filter x key within heads, as seen from the receivers, then from the senders."""
    products = jnp.concatenate([ours[0] * theirs[1] * filters, theirs[0] * ours[1] * filters])
    return products.reshape(-1, heads, products.shape[-1] // heads).sum(axis=-1)


def _twice(values: Array) -> Array:
    return jnp.concatenate([values, values])


def check_widths(features: int, heads: int, degrees: tuple[int, ...]) -> None:
    """Raises `ValueError` unless features can be shared out among heads, and among degrees."""
    if features % math.lcm(heads, len(degrees), 4):
        raise ValueError(
            f"`features` must be a multiple of `heads` = {heads}, of the number of degrees = {len(degrees)}, and of 4, "
            f"got {features}."
        )
