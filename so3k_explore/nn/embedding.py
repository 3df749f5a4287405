"""Elements, total charge and spin as features of atoms."""

import math

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.geometry.graph import at_atoms, molecule_sums
from so3k_explore.nn.mlp import ResidualMlp


class ChargeEmbedding(nn.Module):
    r"""Shares the total charge (or the number of unpaired electrons) ψ out among the atoms.

    .. math:: h_i = \psi \frac{y_i}{\sum_j y_j} v, \qquad y_i = \mathrm{softplus}(q_{Z_i}^\top k / \sqrt{F})

    with key k and value v chosen by the sign of ψ, followed by a residual block without biases, so that ψ = 0 gives
    exactly zero (Unke et al., Nat. Commun. 12, 7273 (2021)).
    """

    features: int
    elements: int  # rows of the table, atomic number = row

    @nn.compact
    def __call__(
        self,
        numbers: Int[Array, "atoms"],
        real: Bool[Array, "atoms"],
        psi: Float[Array, "*molecules"],
        molecules: Int[Array, "atoms"] | None = None,
    ) -> Float[Array, "atoms features"]:
        sign = jnp.where(psi < 0, 1, 0)
        query = nn.Embed(self.elements, self.features, name="query")(numbers)
        rows = lambda name: jnp.atleast_2d(at_atoms(nn.Embed(2, self.features, name=name)(sign), molecules))
        key, value = rows("key"), rows("value")
        single = jnp.float32  # as the published models were trained: y moves by 1e-7 in double precision
        match = jnp.sum(query.astype(single) * key.astype(single), axis=-1) / math.sqrt(self.features)
        weights = jnp.where(real, nn.softplus(match), 0.0)
        sums = molecule_sums(weights, molecules, psi)
        sums = jnp.where(sums > 0, sums, 1.0)  # nobody to share with, as in padding
        share = at_atoms(psi, molecules) * weights.astype(query.dtype) / at_atoms(sums, molecules).astype(query.dtype)
        return ResidualMlp(use_bias=False, name="residual")(share[:, None] * value)


class AtomEmbedding(nn.Module):
    r"""First features of an atom, :math:`x_i = (e_{Z_i} + e_Q + e_S) / \sqrt{3}`; without charge and spin, e alone."""

    features: int
    elements: int
    charge_and_spin: bool

    @nn.compact
    def __call__(
        self,
        numbers: Int[Array, "atoms"],
        real: Bool[Array, "atoms"],
        charge: Float[Array, "*molecules"],
        spin: Float[Array, "*molecules"],
        molecules: Int[Array, "atoms"] | None = None,
    ) -> Float[Array, "atoms features"]:
        x = nn.Embed(self.elements, self.features, name="elements")(numbers)
        if not self.charge_and_spin:
            return x
        of_charge = ChargeEmbedding(self.features, self.elements, name="charge")(numbers, real, charge, molecules)
        of_spin = ChargeEmbedding(self.features, self.elements, name="spin")(numbers, real, spin, molecules)
        return (x + of_charge + of_spin) / math.sqrt(3)
