"""Where walkers start from: moves that fit the molecule, random structures, and directions to fly into.

Conformers are proposed as MMFF94 relaxes them, which saves most of the force calls of a relaxation with the potential;
some are only rid of their clashes, so that minima which the force field does not have are found as well. What resembles
a known minimum, or a proposal before it, is drawn again a few times.
"""

from collections.abc import Callable

import numpy as np

from so3k_explore.analysis.torsions import amide_torsions
from so3k_explore.exploration.basin_hopping import TorsionMoves, kick, neighbor_distance
from so3k_explore.exploration.novelty import Novelty
from so3k_explore.exploration.seeds import random_cluster
from so3k_explore.exploration.walkers import DISPLACEMENT
from so3k_explore.io.force_field import ForceField
from so3k_explore.io.molecule import Molecule

SHAKE = 0.05  # Å, of a start that cannot be varied otherwise
DRAWS = 8  # proposals of which the one least like the others is taken, unless one is new
NEW = 0.15  # Å from anything known: a proposal that is relaxed counts as new
NEW_RAW = 0.5  # Å, one that is not
RELAXED, TIDIED = 200, 20  # iterations of the force field
TIDY = 0.25  # share of the proposals that are only rid of clashes


class Proposals:
    """Starting points for the walkers of one molecule. Positions are (atoms, 3) in Å.

    With `mirrored`, the mirror image of a structure is no news; without, proposals are not compared at all, as the
    descriptions of mirror images are equal. With `amides`, they are turned between trans and cis.
    """

    def __init__(self, molecule: Molecule, *, mirrored: bool = True, amides: bool = True) -> None:
        self._start = np.asarray(molecule.positions, float)
        self._cluster = not len(molecule.bonds)
        turned = amide_torsions(molecule.numbers, molecule.bonds) if amides else ()
        self._torsions = TorsionMoves(molecule.numbers, molecule.bonds, molecule.torsions, turned)
        self._field = ForceField.of(molecule) if len(self._torsions.torsions) else None
        self.novelty = Novelty(molecule.numbers, molecule.bonds if mirrored else ())

    @property
    def start(self) -> np.ndarray:
        """The structure that was given."""
        return self._start

    def seed(self, known: np.ndarray | None, near: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A random structure, unlike those with the descriptions `near`.

        `known` is a relaxed one to take bond lengths from, if there is any yet.
        """
        model = self._start if known is None else known
        if self._cluster:
            return random_cluster(len(model), neighbor_distance(model), rng)
        if len(self._torsions.torsions):
            return self._unlike(near, lambda: self._torsions.all(model, rng), rng)
        return model + rng.normal(scale=SHAKE, size=model.shape)

    def move(self, strategy: str, positions: np.ndarray, near: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What the strategy makes of a minimum, unlike structures with the descriptions `near`."""
        if strategy == "torsions":
            return self._unlike(near, lambda: self._torsions.some(positions, rng), rng)
        if strategy == "kicks":
            return kick(positions, rng)
        return self.seed(positions, near, rng)

    def _unlike(self, near: np.ndarray, draw: Callable[[], np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """The first proposal that is new, or the one farthest from what is near."""
        steps = TIDIED if rng.random() < TIDY else RELAXED
        enough = NEW_RAW if self._field is None else NEW
        best, farthest = self._start, -1.0
        for _ in range(DRAWS):
            proposal = draw()
            if self._field is not None:
                proposal = self._field.relax(proposal, steps)
            apart = self.novelty.distance(proposal, near)
            if apart > farthest:
                best, farthest = proposal, apart
            if apart > enough:
                break
        return best

    @staticmethod
    def direction(positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Random displacement without translation and rotation, as long as softening wants it."""
        arms = positions - positions.mean(axis=0)
        motion = rng.normal(size=positions.shape)
        motion -= motion.mean(axis=0)
        inertia = np.sum(arms**2) * np.eye(3) - arms.T @ arms
        motion -= np.cross(np.linalg.pinv(inertia, rcond=1e-6) @ np.cross(arms, motion).sum(axis=0), arms)
        return motion * DISPLACEMENT / np.linalg.norm(motion)
