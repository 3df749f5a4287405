r"""Motion of a molecule as seen from itself: without overall translation and rotation.

Each frame is turned so that it lies best, with masses as weights, on a reference. Vibrations about the reference then
fulfil Eckart's conditions, :math:`\sum_i m_i\, r_i^0 \times r_i = 0` (Eckart, Phys. Rev. 47, 552 (1935)), so that no
rotation is mixed into a dipole that they move.
"""

import numpy as np
from jaxtyping import Float

from so3k_explore.analysis.alignment import rotation_onto

LINEAR = 1e-6  # moment of inertia, relative to the largest, below which a rotation moves nothing


def turns(
    positions: Float[np.ndarray, "frames atoms 3"],
    reference: Float[np.ndarray, "atoms 3"],
    masses: Float[np.ndarray, "atoms"],
) -> Float[np.ndarray, "frames 3 3"]:
    """Rotations that lay frames onto a reference, both in Å."""
    root = np.sqrt(masses)[:, None]
    aim = root * _centred(reference, masses)
    return rotation_onto(root * _centred(positions, masses), np.broadcast_to(aim, positions.shape))


def internal_velocities(
    positions: Float[np.ndarray, "frames atoms 3"],
    velocities: Float[np.ndarray, "frames atoms 3"],
    masses: Float[np.ndarray, "atoms"],
    reference: Float[np.ndarray, "atoms 3"],
) -> Float[np.ndarray, "frames atoms 3"]:
    """Velocities (Å/fs) without overall translation and rotation, turned as each frame turns onto `reference`."""
    arms, inner = _centred(positions, masses), _centred(velocities, masses)
    momentum = np.einsum("a,fax->fx", masses, np.cross(arms, inner))
    spin = np.einsum("fxy,fy->fx", np.linalg.pinv(_inertia(arms, masses), rcond=LINEAR, hermitian=True), momentum)
    inner = inner - np.cross(spin[:, None], arms)
    return np.einsum("fxy,fay->fax", turns(positions, reference, masses), inner)


def rigid_motions(positions: Float[np.ndarray, "atoms 3"], masses: Float[np.ndarray, "atoms"]) -> int:
    """Overall motions of a molecule: 6, of a linear one 5, of an atom 3."""
    moments = np.linalg.eigvalsh(_inertia(_centred(positions, masses), masses))
    return 3 + int((moments > LINEAR * max(float(moments[-1]), 1e-300)).sum())


def _centred(vectors: np.ndarray, masses: np.ndarray) -> np.ndarray:
    mean = np.einsum("a,...ax->...x", masses / masses.sum(), vectors)
    return vectors - mean[..., None, :]


def _inertia(arms: np.ndarray, masses: np.ndarray) -> np.ndarray:
    second = np.einsum("a,...ax,...ay->...xy", masses, arms, arms)
    return np.trace(second, axis1=-2, axis2=-1)[..., None, None] * np.eye(3) - second
