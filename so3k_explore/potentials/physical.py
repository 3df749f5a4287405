"""Energies of pairs of atoms in closed form: nuclear repulsion, electrostatics and dispersion.

Each function returns energies of unordered pairs in eV; `book` shares them out among atoms, half and half. Sources:
Kabylda, Frank et al., J. Am. Chem. Soc. (2025), SO3LR; and the papers named in the functions.
"""

import csv
import functools
import math
from importlib import resources

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf
from jaxtyping import Array, Float, Int

from so3k_explore.geometry.graph import Pairs
from so3k_explore.nn.cutoffs import polynomial_cutoff, smooth_switch
from so3k_explore.units import BOHR, COULOMB, FINE_STRUCTURE, HARTREE

ZBL_DECAYS, ZBL_WEIGHTS = (3.2, 0.9423, 0.4028, 0.2016), (0.1818, 0.5099, 0.2802, 0.0281)
ZBL_POWER, ZBL_SCALE = 0.23, 1 / (0.8854 * BOHR)  # of the screening, 1/Å


def distances_of(pairs: Pairs) -> Float[Array, "pairs"]:
    """Distances in Å; 1 for padding."""
    return jnp.sqrt(jnp.sum(pairs.displacements**2, axis=-1))


def book(energies: Float[Array, "pairs"], pairs: Pairs, atoms: int) -> Float[Array, "atoms"]:
    """Energies of atoms: half of each of their pairs. Padding counts nothing."""
    halves = jnp.where(pairs.mask, energies / 2, 0.0)
    ends = jnp.concatenate([pairs.receivers, pairs.senders])
    return jax.ops.segment_sum(jnp.concatenate([halves, halves]), ends, atoms)


def repulsion(
    distances: Float[Array, "pairs"],
    charges: Float[Array, "pairs"],
    screening: Float[Array, "pairs"],
    *,
    decays: Float[Array, "terms"],
    weights: Float[Array, "terms"],
    reach: float,
    cutoff: float,
) -> Float[Array, "pairs"]:
    r"""Screened repulsion of nuclei (Ziegler, Biersack, Littmark, 1985).

    .. math:: E = f(r)\,\phi(r)\, k_e \frac{Z_i Z_j}{r} \sum_k c_k e^{-a_k r / \lambda_{ij}}

    It ends smoothly at `reach`: f switches from 0 to there, φ is the cutoff function of the network.

    Args:
        distances: r, Å.
        charges: :math:`Z_i Z_j`.
        screening: :math:`1/\lambda_{ij}`, 1/Å.
        decays: a, no unit.
        weights: c, adding up to one.
        reach: where it has been switched off, Å.
        cutoff: of the network, Å.
    """
    terms = jnp.exp(-decays[None, :] * (screening * distances)[:, None]) * weights[None, :]
    switch = smooth_switch(distances, 0.0, reach) * polynomial_cutoff(distances, cutoff)
    return switch * COULOMB * charges / distances * terms.sum(axis=-1)


def universal_repulsion(
    numbers: Int[Array, "atoms"], pairs: Pairs, *, reach: float, cutoff: float
) -> Float[Array, "atoms"]:
    r"""Energies of atoms (eV) from the repulsion of nuclei with the universal screening, ended at `reach` (Å).

    .. math:: 1/\lambda_{ij} = (Z_i^{0.23} + Z_j^{0.23}) / (0.8854\,a_0)
    """
    dtype = pairs.displacements.dtype
    atomic = jnp.maximum(numbers, 1).astype(dtype)
    charge_i, charge_j = ends(atomic, pairs)
    size_i, size_j = ends(atomic**ZBL_POWER, pairs)
    energies = repulsion(
        distances_of(pairs),
        charge_i * charge_j,
        (size_i + size_j) * ZBL_SCALE,
        decays=jnp.asarray(ZBL_DECAYS, dtype),
        weights=jnp.asarray(ZBL_WEIGHTS, dtype),
        reach=reach,
        cutoff=cutoff,
    )
    return book(energies, pairs, numbers.shape[0])


def electrostatics(
    distances: Float[Array, "pairs"], products: Float[Array, "pairs"], *, smearing: float, cutoff: float
) -> Float[Array, "pairs"]:
    r"""Coulomb energy of smeared charges, :math:`E = k_e q_i q_j V(r)` with :math:`V = \mathrm{erf}(r/\lambda)/r`.

    With a finite cutoff R the potential is shifted near and force-shifted far, so energy and force end at R:

    .. math:: V \to f\,[V(r) - V(R)] + (1 - f)\,[V(r) - V(R) - V'(R)(r - R)]

    with f switching between 0.45 R and R.

    Args:
        distances: r, Å.
        products: :math:`q_i q_j`, e².
        smearing: λ, Å.
        cutoff: R, Å; `math.inf` for none.
    """
    potential = erf(distances / smearing) / distances
    if math.isinf(cutoff):
        return COULOMB * products * potential
    end = math.erf(cutoff / smearing) / cutoff
    slope = (2 / (math.sqrt(math.pi) * smearing) * math.exp(-((cutoff / smearing) ** 2)) - end) / cutoff
    far = 1 - smooth_switch(distances, 0.45 * cutoff, cutoff)
    potential = potential - end - far * slope * (distances - cutoff)
    return jnp.where(distances < cutoff, COULOMB * products * potential, 0.0)


def dispersion(
    distances: Float[Array, "pairs"],
    polarizabilities: tuple[Float[Array, "pairs"], Float[Array, "pairs"]],
    coefficients: tuple[Float[Array, "pairs"], Float[Array, "pairs"]],
    *,
    damping: float,
    cutoff: float,
    switch_width: float,
) -> Float[Array, "pairs"]:
    r"""Dispersion of quantum Drude oscillators to order :math:`r^{-10}`.

    .. math:: E = -\sum_{n=6,8,10} \frac{C_n}{r^n + p^n}, \qquad
              C_8 = 5 C_6/\gamma, \quad C_{10} = \tfrac{245}{8} C_6/\gamma^2, \quad p = 2 s \cdot 2.54\, \alpha^{1/7}

    (Khabibrakhmanov, Fedorov, Tkatchenko, J. Chem. Theory Comput. 19, 7895 (2023))
    with combined polarizability :math:`\alpha = (\alpha_i + \alpha_j)/2`, the combination rule of C6 of Tkatchenko and
    Scheffler, Phys. Rev. Lett. 102, 073005 (2009), and γ a fit in the van der Waals radius. Atomic units inside.

    Args:
        distances: r, Å.
        polarizabilities: of both ends, Bohr³.
        coefficients: C6 of both ends, Hartree·Bohr⁶.
        damping: s.
        cutoff: Å; `math.inf` for none.
        switch_width: over how many Å before the cutoff the energy is switched off.
    """
    (alpha_i, alpha_j), (c6_i, c6_j) = polarizabilities, coefficients
    alpha = (alpha_i + alpha_j) / 2
    c6 = 2 * c6_i * c6_j * alpha_i * alpha_j / (alpha_i**2 * c6_j + alpha_j**2 * c6_i)
    root = alpha ** (1 / 7)
    rho = FINE_STRUCTURE ** (-4 / 21) * root
    sigma = -0.00433008 + rho * (0.24428889 + rho * (0.04125273 - 0.00078893 * rho))
    inverse_gamma = 2 * sigma**2
    square, end = (distances / BOHR) ** 2, (2 * damping * 2.54 * root) ** 2
    energy = -HARTREE * c6 * (
        1 / (square**3 + end**3)
        + 5 * inverse_gamma / (square**4 + end**4)
        + 245 / 8 * inverse_gamma**2 / (square**5 + end**5)
    )  # fmt: skip
    if math.isinf(cutoff):
        return energy
    return energy * smooth_switch(distances, cutoff - switch_width, cutoff)


@functools.cache
def free_atoms() -> tuple[np.ndarray, np.ndarray]:
    """Polarizability in Bohr³ and C6 in Hartree·Bohr⁶ of free atoms, by atomic number up to 102; row 0 is one.

    Values as tabulated in SO3LR; those of light elements are from Tkatchenko and Scheffler (2009).
    """
    text = (resources.files("so3k_explore.potentials") / "tables" / "free_atoms.csv").read_text()
    rows = [row for row in csv.reader(text.splitlines()) if row and not row[0].startswith("#")][1:]
    values = np.array([[1.0, 1.0], *([float(row[1]), float(row[2])] for row in rows)])
    return values[:, 0], values[:, 1]


def ends(values: Float[Array, "atoms"], pairs: Pairs) -> tuple[Float[Array, "pairs"], Float[Array, "pairs"]]:
    """Values at the receivers and the senders."""
    return values[pairs.receivers], values[pairs.senders]


def table_rows(table: np.ndarray, numbers: Int[Array, "atoms"], dtype: jnp.dtype) -> Float[Array, "atoms"]:
    """Values of a table by atomic number."""
    return jnp.asarray(table, dtype)[numbers]
