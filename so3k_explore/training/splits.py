"""Dividing labelled data so that a test says something, and looking at them before they are learned from.

Frames of one trajectory resemble each other: a random choice of frames tests memory. Whole groups (trajectories,
relaxations) or whole molecules are set aside instead.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from so3k_explore.io.datasets import Dataset, DatasetError, Frame

FORCE_LIMIT = 30.0  # eV/Å; beyond it a structure is rather an accident than a sample
MISMATCH_LIMIT = 0.2  # relative
SAME = 0.01  # Å, root mean square, between structures that are copies


class Split(NamedTuple):
    """Indices of frames."""

    training: Int[np.ndarray, "frames"]
    validation: Int[np.ndarray, "frames"]
    test: Int[np.ndarray, "frames"]
    unseen: Int[np.ndarray, "frames"]  # of molecules held out


def split(
    dataset: Dataset,
    *,
    validation: float = 0.05,
    test: float = 0.05,
    held_out: Collection[str] = (),
    seed: int = 0,
    generations: Int[np.ndarray, "frames"] | None = None,
) -> Split:
    """Sets whole groups aside, of every molecule about these fractions of its frames, and whole molecules.

    Args:
        dataset: labelled structures.
        validation: fraction.
        test: fraction.
        held_out: names of molecules.
        seed: of the choice.
        generations: numbers of the frames, where data came one after the other. Each generation is divided on its own,
            so that what an earlier model learned from is not what a later one is tested with.

    Raises:
        DatasetError: a held-out molecule does not occur, or nothing is left to train with.
    """
    names = dataset.molecules.astype(str)
    unknown = sorted(set(held_out) - set(names))
    if unknown:
        raise DatasetError(f"No frame belongs to {', '.join(unknown)}, which was to be held out.")
    parts: list[list[int]] = [[], [], []]
    unseen = np.flatnonzero(np.isin(names, list(held_out)))
    born = np.zeros(len(names), int) if generations is None else generations
    for name, generation in sorted({*zip(names.tolist(), born.tolist(), strict=True)}):
        if name in held_out:
            continue
        frames = np.flatnonzero((names == name) & (born == generation))
        stream = [seed, *name.encode(), *([generation] if generation else [])]
        rng = np.random.default_rng(stream)  # so that other molecules and generations do not matter
        groups = rng.permutation(np.unique(dataset.groups[frames]))
        wanted = [validation * len(frames), test * len(frames)]
        for group in groups:
            members = frames[dataset.groups[frames] == group].tolist()
            for place in (0, 1):
                if wanted[place] >= len(members) / 2:
                    wanted[place] -= len(members)
                    parts[place + 1] += members
                    break
            else:
                parts[0] += members
    if not parts[0]:
        raise DatasetError("Nothing is left to train with. Set fewer molecules or smaller fractions aside.")
    training, valid, tested = (np.array(sorted(part), int) for part in parts)
    return Split(training, valid, tested, unseen)


def reasonable(dataset: Dataset, limit: float = FORCE_LIMIT) -> Int[np.ndarray, "frames"]:
    """Frames without a force beyond `limit` (eV/Å)."""
    norms = np.linalg.norm(dataset.forces, axis=-1)
    return np.flatnonzero(np.maximum.reduceat(norms, dataset.offsets[:-1]) < limit)


def distinct(dataset: Dataset, tolerance: float = SAME) -> Int[np.ndarray, "frames"]:
    """Frames that are no copies of one before: their distances differ by `tolerance` (Å) or more, root mean square."""
    kept: list[int] = []
    known: dict[tuple[str, int], list[np.ndarray]] = {}
    for index in range(len(dataset)):
        frame = dataset[index]
        rows, columns = np.triu_indices(len(frame.numbers), 1)
        here = np.linalg.norm(frame.positions[rows] - frame.positions[columns], axis=-1)
        here = np.concatenate([here, _box(frame)])
        others = known.setdefault((frame.molecule, len(here)), [])
        if others and np.sqrt(((np.stack(others) - here) ** 2).sum(axis=1).min() / max(len(here), 1)) < tolerance:
            continue
        others.append(here)
        kept.append(index)
    return np.array(kept, int)


def _box(frame: Frame) -> Float[np.ndarray, "lengths"]:
    """Cell vectors one after the other, Å; nothing for a molecule."""
    return np.zeros(0) if frame.cell is None else np.ravel(frame.cell)


def force_consistency(dataset: Dataset) -> float:
    r"""Slope of energy differences against work of the forces between frames that follow each other closely.

    .. math:: E_{k+1} - E_k \approx -\tfrac12 (F_k + F_{k+1}) \cdot (r_{k+1} - r_k)

    One for consistent data, minus one for forces of the wrong sign, another number for wrong units.

    Raises:
        DatasetError: no two frames are close enough to tell.
    """
    work, gain = [], []
    for k in range(len(dataset) - 1):
        one, two = dataset[k], dataset[k + 1]
        if one.molecule != two.molecule or one.group != two.group or len(one.numbers) != len(two.numbers):
            continue
        step = two.positions - one.positions
        if np.abs(step).max() < 0.1 and np.array_equal(_box(one), _box(two)):
            work.append(-float(((one.forces + two.forces) / 2 * step).sum()))
            gain.append(two.energy - one.energy)
    if len(work) < 2 or not np.any(work):
        raise DatasetError("No two frames are within 0.1 Å of each other, so forces cannot be compared with energies.")
    return float(np.dot(work, gain) / np.dot(work, work))


def check_forces(dataset: Dataset) -> None:
    """Raises `DatasetError` when forces are not the negative slope of the energies, as far as the data can tell."""
    try:
        slope = force_consistency(dataset)
    except DatasetError:
        return
    if slope < 0:
        raise DatasetError(
            f"Energies change against the forces (slope {slope:.2f}, expected 1). "
            "The file holds gradients: change the sign of its forces."
        )
    if abs(slope - 1) > MISMATCH_LIMIT:
        raise DatasetError(
            f"Energies and forces do not belong together (slope {slope:.3f}, expected 1). Check their units."
        )
