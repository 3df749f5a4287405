"""Saddles with known answers: seven Lennard-Jones atoms, and alanine dipeptide at GFN2-xTB.

    python -m benchmarks saddles

*LJ7*: 4 minima and 12 saddles of index one are known; how many are found, against force calls (a column of a Hessian
counts as one). The twelfth, an atom inside a trigonal antiprism at -12.549 ε, lies above the energy of dissociation.

*Alanine dipeptide*, GFN2-xTB with one thread and four minima to start from (re-relaxed here): the saddles C7eq-C5 at
2.202 and C7eq-C7ax at 6.870 kcal/mol were found before by other programs. Second derivatives are differences of forces.
"""

import time
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.gfn2 import Gfn2
from so3k_explore import units
from so3k_explore.analysis.torsions import dihedrals
from so3k_explore.exploration import Landscape, MinimaSearch, SaddleSearch, explore_minima, find_saddles
from so3k_explore.io.molecule import Molecule
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.protocol import Potential

KNOWN = {"C7eq-C5": 2.202, "C7eq-C7ax": 6.870}  # kcal/mol
NAMES = {"C7eq": (-81.6, 73.9), "C7ax": (72.1, -62.3), "C5": (-141.5, 162.5), "alpha'": (-170.2, -51.4)}


def lennard_jones(seeds: Sequence[int] = (0, 1, 2), kicks: int = 250) -> None:
    """Saddles of seven atoms, by seed."""
    molecule = load_molecule("lj7")
    print("LJ7: saddles found of 12, seed by seed, against force calls")
    for seed in seeds:
        with Landscape() as landscape:
            for _ in explore_minima(LennardJones(), molecule, MinimaSearch(walkers=8, max_calls=3000), landscape):
                pass
            settings = SaddleSearch(walkers=32, pairs=8, modes=15, kicks=kicks, seed=seed)
            start = time.perf_counter()
            for state in find_saddles(LennardJones(), molecule, landscape, settings):
                if state.found:
                    print(f"  {seed}: {state.n_saddles:2} after {state.calls:7} calls, {state.strategy}")
            saddles = landscape.saddles()
            energies = np.sort(saddles.energies).round(4).tolist()
            print(f"  {seed}: {len(saddles)} in {time.perf_counter() - start:.0f} s: {energies}")


def alanine_dipeptide(max_calls: int | None = None) -> None:
    """Saddles between the four trans minima at GFN2-xTB."""
    molecule, potential = load_molecule("ala2"), Gfn2()
    with Landscape() as landscape:
        landscape.bind(molecule)
        lowest = _relaxed_minima(potential, molecule, landscape)
        settings = SaddleSearch(
            pairs=3, walkers=3, strategies=("nearest", "components", "paths"), neighbors=3, max_calls=max_calls
        )
        start = time.perf_counter()
        for state in find_saddles(potential, molecule, landscape, settings):
            if state.found or state.failures or state.finished:
                spent = time.perf_counter() - start
                print(f"  {spent:6.0f} s {state.calls:6} calls: {state.found} {state.failures} {state.finished or ''}")
        _print_saddles(landscape, molecule, lowest)


def _relaxed_minima(potential: Potential, molecule: Molecule, landscape: Landscape) -> float:
    """Relaxes structures with the torsions of the known minima, and stores them; returns the lowest energy."""
    from so3k_explore.analysis.torsions import set_torsion
    from so3k_explore.simulation.relaxation import relaxed
    from so3k_explore.system import replicate

    (residue,) = [residue for residue in molecule.residues if residue.phi is not None and residue.psi is not None]
    starts = []
    for phi, psi in NAMES.values():
        positions = set_torsion(np.asarray(molecule.positions, float), molecule.bonds, residue.phi, phi)
        starts.append(set_torsion(positions, molecule.bonds, residue.psi, psi))
    systems = replicate(molecule.system, len(starts)).replace(positions=jnp.asarray(np.array(starts)))
    state = relaxed(potential, systems, force_tolerance=5e-4)
    for energy, positions in zip(state.energy, state.system.positions, strict=True):
        landscape.add(float(energy), np.asarray(positions))
    return float(state.energy.min())


def _print_saddles(landscape: Landscape, molecule: Molecule, lowest: float) -> None:
    (residue,) = [residue for residue in molecule.residues if residue.phi is not None and residue.psi is not None]
    quads = np.array([residue.phi, residue.psi])
    words = lambda positions: ", ".join(f"{angle:6.1f}" for angle in dihedrals(positions, quads))
    kcal = lambda energy: (energy - lowest) / units.KCAL_PER_MOL
    minima, saddles = landscape.minima(), landscape.saddles()
    for number, energy, positions in zip(minima.ids, minima.energies, minima.positions, strict=True):
        print(f"  minimum {number}: {kcal(energy):6.3f} kcal/mol, phi, psi {words(positions)}")
    for row in np.argsort(saddles.energies):
        print(
            f"  saddle {saddles.pairs[row].tolist()}: {kcal(saddles.energies[row]):6.3f} kcal/mol, "
            f"{saddles.frequencies[row]:.0f} cm⁻¹, phi, psi {words(saddles.positions[row])}"
        )
    print(f"  known: {KNOWN}")


def main() -> None:
    """Both."""
    jax.config.update("jax_enable_x64", True)
    lennard_jones()
    alanine_dipeptide()


if __name__ == "__main__":
    main()
