"""A trajectory as the page needs it: thinned, measured once per frame, growing while the run goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from so3k_explore.app.models.properties import torsion_names

if TYPE_CHECKING:
    from so3k_explore.io.structures import Molecule

MAX_FRAMES = 2000
MAX_BYTES = 64_000_000


@dataclass(frozen=True, eq=False)
class Measured:
    """Frames and what was measured on them."""

    times: np.ndarray  # (frames,), fs
    positions: np.ndarray  # (frames, walkers, atoms, 3) float32, Å, laid onto the molecule the run began with
    torsions: np.ndarray  # (frames, walkers, torsions), degrees
    steps: np.ndarray  # (frames,)

    def axis(self, column: str) -> np.ndarray:
        """What a horizontal axis shows: `time_fs` or `step`."""
        return self.steps if column == "step" else self.times


def followed_torsions(molecule: "Molecule") -> np.ndarray:
    """Torsions (torsions, 4) that charts follow: φ and ψ of each residue in turn, else the rotatable ones."""
    from so3k_explore.analysis.torsions import ramachandran_quads

    phi, psi = ramachandran_quads(molecule.residues)
    return np.stack([phi, psi], axis=1).reshape(-1, 4) if len(phi) else molecule.torsions


def followed_names(molecule: "Molecule") -> list[str]:
    """Their names."""
    residues = [r for r in molecule.residues if r.phi is not None and r.psi is not None]
    if residues:
        return [f"{symbol} {residue.name} {residue.index + 1}" for residue in residues for symbol in ("φ", "ψ")]
    return torsion_names(molecule)


class Track:
    """Follows a trajectory. When it holds too many frames every second one is dropped, and from then on skipped."""

    def __init__(self, reference: np.ndarray, torsions: np.ndarray) -> None:
        self._reference, self._quads = reference, torsions
        self._stride = 1
        self._seen = 0
        self._measured: Measured | None = None

    @property
    def measured(self) -> Measured | None:
        """What has been read so far."""
        return self._measured

    def extend(self, times: np.ndarray, steps: np.ndarray, read: Callable[[slice], np.ndarray]) -> Measured | None:
        """Reads the frames that are new.

        Args:
            times: times of all frames there are now, fs.
            steps: their steps.
            read: gives the positions (frames, walkers, atoms, 3) in Å of a slice of frames.
        """
        if len(times) < self._seen:  # the run went back to its checkpoint
            self._seen, self._stride, self._measured = 0, 1, None
        wanted = np.arange(-(-self._seen // self._stride) * self._stride, len(times), self._stride)
        if not len(wanted):
            return self._measured
        positions = np.asarray(read(slice(int(wanted[0]), int(wanted[-1]) + 1, self._stride)), np.float32)
        count = len(positions)
        self._append(np.asarray(times)[wanted][:count], np.asarray(steps)[wanted][:count], positions)
        self._seen = int(wanted[-1]) + 1
        return self._measured

    def _append(self, times: np.ndarray, steps: np.ndarray, positions: np.ndarray) -> None:
        before = self._measured
        if before is not None and before.positions.shape[1:] != positions.shape[1:]:
            before = None  # another number of walkers begins anew
        new = _measure(times, steps, positions, self._reference, self._quads)
        merged = new if before is None else _joined(before, new)
        while len(merged.times) > MAX_FRAMES or merged.positions.nbytes > MAX_BYTES:
            merged = _thinned(merged)
            self._stride *= 2
        self._measured = merged


def _measure(
    times: np.ndarray, steps: np.ndarray, positions: np.ndarray, reference: np.ndarray, quads: np.ndarray
) -> Measured:
    from so3k_explore.analysis.alignment import superpose
    from so3k_explore.analysis.torsions import dihedrals

    angles = np.asarray(dihedrals(positions, quads)) if len(quads) else np.zeros((*positions.shape[:2], 0))
    laid = superpose(positions, np.broadcast_to(reference, positions.shape)).astype(np.float32)
    return Measured(times, laid, angles, steps)


def _joined(a: Measured, b: Measured) -> Measured:
    join = lambda name: np.concatenate([getattr(a, name), getattr(b, name)])
    return Measured(join("times"), join("positions"), join("torsions"), join("steps"))


def _thinned(a: Measured) -> Measured:
    return Measured(a.times[::2], a.positions[::2], a.torsions[::2], a.steps[::2])
