"""Minima of a potential against minima of the reference method: do they exist, in which order, how stiff are they."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from so3k_explore.analysis.alignment import rmsd
from so3k_explore.observables.hessian import normal_modes
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation import relaxed
from so3k_explore.system import System
from so3k_explore.typing import stack
from so3k_explore.units import KCAL_PER_MOL

KEPT = 0.1  # Å; within this a minimum of the reference exists on the potential's surface, too


@dataclass(frozen=True, eq=False)
class ConformerScores:
    """Minima of one molecule, relaxed anew with a potential. Energies are relative to their own mean."""

    reference: Float[np.ndarray, "minima"]  # eV
    found: Float[np.ndarray, "minima"]  # eV
    moved: Float[np.ndarray, "minima"]  # Å, root mean square distance to the reference minimum

    @property
    def energy_mae(self) -> float:
        """Mean absolute error of relative energies, kcal/mol."""
        return float(np.abs(self.found - self.reference).mean() / KCAL_PER_MOL)

    @property
    def rank_correlation(self) -> float:
        """Spearman's coefficient of the energies; NaN for fewer than three minima."""
        return (
            float(np.corrcoef(rankdata(self.reference), rankdata(self.found))[0, 1]) if len(self.found) > 2 else np.nan
        )

    @property
    def kept(self) -> int:
        """How many minima stayed within `KEPT`."""
        return int((self.moved < KEPT).sum())


def conformer_scores(
    potential: Potential,
    minima: list[System],
    energies: Float[np.ndarray, "minima"],
    *,
    force_tolerance: float = 0.005,
    max_steps: int = 1000,
) -> ConformerScores:
    """Relaxes minima of the reference method (energies in eV) and compares.

    Args:
        potential: to be tested; double precision converges further.
        minima: structures of one molecule, in one order of atoms.
        energies: of the reference method, eV.
        force_tolerance: where relaxations end, eV/Å.
        max_steps: of each relaxation.
    """
    state = relaxed(potential, stack(minima), force_tolerance=force_tolerance, max_steps=max_steps)
    moved = [
        float(rmsd(np.asarray(start.positions), np.asarray(state.system.positions[k])))
        for k, start in enumerate(minima)
    ]
    centred = lambda values: np.asarray(values, float) - np.mean(np.asarray(values, float))
    return ConformerScores(centred(energies), centred(state.energy), np.array(moved))


def frequency_errors(
    potential: Potential, minimum: System, reference: Float[np.ndarray, "modes"]
) -> Float[np.ndarray, "modes"]:
    """Harmonic wavenumbers minus those of the reference method, cm⁻¹, at each method's own minimum, in order."""
    state = relaxed(potential, minimum, force_tolerance=0.001)
    found = normal_modes(potential, minimum.replace(positions=state.system.positions[0])).frequencies
    if found.shape != np.shape(reference):
        raise ValueError(f"`reference` must hold {len(found)} wavenumbers, got {np.size(reference)}.")
    return found - np.sort(reference)
