"""Structures that the pages of the browser tests show."""

import numpy as np

ETHANOL_NUMBERS = np.array([6, 6, 8, 1, 1, 1, 1, 1, 1])
ETHANOL_BONDS = np.array([[0, 1], [1, 2], [0, 3], [0, 4], [0, 5], [1, 6], [1, 7], [2, 8]])
ETHANOL = np.array(
    [
        [1.188, -0.383, 0.021],
        [-0.086, 0.447, -0.034],
        [-1.181, -0.441, 0.062],
        [1.263, -0.951, 0.953],
        [1.209, -1.113, -0.795],
        [2.071, 0.256, -0.061],
        [-0.126, 1.021, -0.974],
        [-0.112, 1.171, 0.795],
        [-1.981, 0.107, 0.011],
    ]
)


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
