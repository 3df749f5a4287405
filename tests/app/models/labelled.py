"""A small labelled data set made without a reference program: water with harmonic bonds."""

import numpy as np

from so3k_explore.io.datasets import Dataset, Frame, from_frames

WATER = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]])
STIFFNESS = 4.0  # eV/Å²


def labelled(frames: int = 20) -> Dataset:
    """Water whose atoms are bound to their places, at a level of theory called harmonic."""
    shifts = np.random.default_rng(0).normal(scale=0.05, size=(frames, 3, 3))
    made = [
        Frame(
            numbers=np.array([8, 1, 1]),
            positions=WATER + shift,
            energy=float(STIFFNESS / 2 * (shift**2).sum()),
            forces=-STIFFNESS * shift,
            molecule="water",
            group=k,
        )
        for k, shift in enumerate(shifts)
    ]
    return from_frames(made, "harmonic")
