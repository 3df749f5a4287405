r"""RMSD between all pairs of many structures, without rotating any of them.

With centred structures a, b and :math:`M = a^\top b`, the largest root of the characteristic polynomial of Theobald's
quaternion matrix (Acta Cryst. A 61, 478 (2005)),

.. math:: \lambda^4 - 2 e_1 \lambda^2 - 8 \det(M)\, \lambda + e_1^2 - 4 e_2, \qquad
          e_1 = \operatorname{tr} M^\top M, \quad e_2 = (e_1^2 - \operatorname{tr} (M^\top M)^2) / 2,

gives :math:`\mathrm{RMSD}^2 = (|a|^2 + |b|^2 - 2 \lambda) / n`. Newton's method comes down to it from above.
"""

import numpy as np
from jaxtyping import Float, Int

from so3k_explore.analysis.canonical import canonical_positions
from so3k_explore.analysis.descriptors import shape_atoms
from so3k_explore.typing import Progress

PAIRS = 400_000  # whose polynomials are in memory at once
NEWTON_STEPS = 12


def rmsd_matrix(
    positions: Float[np.ndarray, "structures atoms 3"],
    numbers: Int[np.ndarray, "atoms"],
    bonds: Int[np.ndarray, "bonds 2"],
    *,
    hydrogens: bool = False,
    progress: Progress | None = None,
) -> Float[np.ndarray, "structures structures"]:
    """RMSD in Å of all pairs of conformers after superposition, atoms in canonical order.

    An upper bound of the RMSD over all permutations of equal atoms. With hydrogens on carbon it may be far above: the
    order of those of a methyl group is that of its surroundings, not the best one for each pair.

    Args:
        positions: Å.
        numbers: atomic numbers.
        bonds: pairs of bonded atoms.
        hydrogens: whether hydrogens on carbon count.
        progress: told after each block.

    Raises:
        ValueError: it is an atomic cluster.
    """
    if not len(bonds):
        raise ValueError(
            "RMSD of all pairs needs a molecule with bonds, whose atoms have canonical places. "
            "Use distances for an atomic cluster."
        )
    ordered = canonical_positions(positions, numbers, bonds)
    chosen = shape_atoms(numbers, bonds)
    ordered = ordered if hydrogens or chosen.sum() < 4 else ordered[:, chosen]
    centred = ordered - ordered.mean(axis=1, keepdims=True)
    structures, atoms = centred.shape[:2]
    flat = np.ascontiguousarray(centred.transpose(0, 2, 1)).reshape(-1, atoms)  # rows: x, y, z of each structure
    sizes = np.sum(centred**2, axis=(1, 2))
    made = np.zeros((structures, structures), np.float32)
    rows = max(PAIRS // max(structures, 1), 1)
    for start in range(0, structures, rows):
        stop = min(start + rows, structures)
        products = (flat[3 * start : 3 * stop] @ flat[3 * start :].T).reshape(stop - start, 3, structures - start, 3)
        total = sizes[start:stop, None] + sizes[None, start:]
        root = _largest_root(products.transpose(1, 3, 0, 2), total / 2)
        made[start:stop, start:] = np.sqrt(np.maximum(total - 2 * root, 0) / atoms)
        made[start:, start:stop] = made[start:stop, start:].T
        if progress is not None:
            progress(1 - (1 - stop / structures) ** 2, f"RMSD of {stop} of {structures} structures to all others")
    np.fill_diagonal(made, 0.0)
    return made.astype(float) if structures <= 3000 else made  # 10⁴ structures: 0.4 GB


def _largest_root(m: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Largest root of the polynomials that belong to matrices `m` (3, 3, ...), from a bound `above` it."""
    e1 = np.einsum("ij...,ij...->...", m, m)
    gram = np.einsum("ki...,kj...->ij...", m, m)
    e2 = (e1**2 - np.einsum("ij...,ij...->...", gram, gram)) / 2
    determinant = (
        m[0, 0] * (m[1, 1] * m[2, 2] - m[1, 2] * m[2, 1])
        - m[0, 1] * (m[1, 0] * m[2, 2] - m[1, 2] * m[2, 0])
        + m[0, 2] * (m[1, 0] * m[2, 1] - m[1, 1] * m[2, 0])
    )
    constant, root = e1**2 - 4 * e2, above.copy()
    for _ in range(NEWTON_STEPS):
        square = root**2
        value = (square - 2 * e1) * square - 8 * determinant * root + constant
        slope = 4 * root * (square - e1) - 8 * determinant
        root -= np.divide(value, slope, out=np.zeros_like(root), where=slope > 0)
    return root
