"""Random structures to start from, far from anything known."""

import numpy as np

PACKING = 0.5  # fraction of the sphere that atoms fill; dense liquids have 0.5
CLOSEST = 0.75  # of the distance between neighbours


def random_cluster(atoms: int, spacing: float, rng: np.random.Generator) -> np.ndarray:
    """Atoms at random in a sphere, none closer than three quarters of `spacing` (Å); positions (atoms, 3) in Å."""
    radius = 0.5 * spacing * (atoms / PACKING) ** (1 / 3)
    closest = CLOSEST * spacing
    placed = np.zeros((0, 3))
    misses = 0
    while len(placed) < atoms:
        point = rng.uniform(-radius, radius, 3)
        inside = point @ point < radius**2
        if inside and (np.sum((placed - point) ** 2, axis=1) >= closest**2).all():
            placed = np.vstack([placed, point])
            continue
        misses += inside
        if misses > 200:  # jammed: start over in a little more room
            radius, placed, misses = 1.05 * radius, np.zeros((0, 3)), 0
    return placed
