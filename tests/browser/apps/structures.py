"""Structures that the pages of the browser tests show."""

import numpy as np

from tests import molecules

ETHANOL_NUMBERS = np.asarray(molecules.ETHANOL.numbers)
ETHANOL_BONDS = np.array([[0, 1], [1, 2], [0, 3], [0, 4], [0, 5], [1, 6], [1, 7], [2, 8]])
ETHANOL = np.asarray(molecules.ETHANOL.positions)


def icosahedron() -> np.ndarray:
    """The 13 atoms of the smallest magic cluster, nearest distance about 1.1."""
    golden = (1 + 5**0.5) / 2
    corners = [(0, a, b * golden) for a in (-1, 1) for b in (-1, 1)]
    cyclic = [np.roll(corner, shift) for corner in corners for shift in range(3)]
    return 1.1 * np.array([(0, 0, 0), *cyclic]) / np.sqrt(1 + golden**2)


def trajectory(frames: int) -> np.ndarray:
    """The molecule stretching along x and back."""
    stretch = 1 + 0.3 * np.sin(2 * np.pi * np.arange(frames) / frames)
    return ETHANOL[None] * np.stack([stretch, np.ones(frames), np.ones(frames)], axis=1)[:, None]
