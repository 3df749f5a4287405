"""Other searches for minima beside this one, on the same potential and at equal terms.

    python -m benchmarks.others [SEEDS]

The bundled model, 22 and 42 atoms: distinct minima of this search with 16 walkers, of torsional basin hopping one
structure after the other (the same moves, ASE's L-BFGS, kT of 1 kcal/mol) and of ASE's `MinimaHopping` with its
defaults, each for a number of force calls. All relax to 0.01 eV/Å and calculate no Hessians; what they end with is
relaxed again, at no cost to them, and counted by the same rules of identity, saddles and shoulders included. Beside
them, this search with its defaults, which relaxes to a fifth of that and calculates a Hessian for each new minimum.
Ten seeds (the usual number) take hours.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from benchmarks.search import Found, ours, spread
from so3k_explore import units
from so3k_explore.analysis.torsions import amide_torsions
from so3k_explore.exploration import Landscape, MinimaSearch, explore_minima
from so3k_explore.exploration.basin_hopping import TorsionMoves
from so3k_explore.exploration.choosing import STAGES
from so3k_explore.exploration.identity import Identity, KnownMinima
from so3k_explore.io.calculator import Calculator
from so3k_explore.io.molecule import Molecule
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.protocol import Potential
from so3k_explore.potentials.registry import load_potential
from so3k_explore.simulation.relaxation import relaxed
from so3k_explore.system import replicate

BUDGETS = {"ala2": 6000, "ala3": 12_000}  # force calls
SEEDS = 10
KT = 1.0 * units.KCAL_PER_MOL
TOLERANCE = 0.01  # eV/Å


class SpentError(Exception):
    """The budget of force calls is used up."""


def counted(potential: Potential, molecule: Molecule, budget: int) -> Any:
    """Atoms whose calculator gives up after a number of calls."""
    from ase import Atoms

    left = budget

    class Counting(Calculator):
        def calculate(self, *arguments: Any, **options: Any) -> None:
            nonlocal left
            if not left:
                raise SpentError
            left -= 1
            super().calculate(*arguments, **options)

    return Atoms(molecule.numbers, np.asarray(molecule.positions, float), calculator=Counting(potential))


def torsional_hopping(atoms: Any, molecule: Molecule, seed: int) -> Iterator[np.ndarray]:
    """Basin hopping over torsions, one structure after the other: where each relaxation ended, Å."""
    from ase.optimize import LBFGS

    rng = np.random.default_rng(seed)
    amides = amide_torsions(molecule.numbers, molecule.bonds)
    moves = TorsionMoves(molecule.numbers, molecule.bonds, molecule.torsions, amides)
    current, energy = np.asarray(molecule.positions, float), np.inf
    while True:
        atoms.positions = current if np.isinf(energy) else moves.some(current, rng)
        LBFGS(atoms, logfile=os.devnull).run(fmax=TOLERANCE, steps=400)
        yield atoms.positions.copy()
        new = atoms.get_potential_energy()
        if new < energy or rng.random() < np.exp((energy - new) / KT):
            current, energy = atoms.positions.copy(), new


def ase_hopping(atoms: Any, _: Molecule, seed: int) -> Iterator[np.ndarray]:
    """Minima of ASE's minima hopping with its defaults, Å."""
    from ase.io import iread
    from ase.optimize.minimahopping import MinimaHopping

    np.random.seed(seed)  # noqa: NPY002 - it draws from the global stream
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # it leaves files where it works
        with contextlib.suppress(SpentError):
            MinimaHopping(atoms)()
        found = [np.asarray(structure.positions) for structure in iread("minima.traj")]
    yield from found


Search = Callable[[Potential, str, int, int], tuple[list[np.ndarray], float]]
"""Of a potential, a molecule, a number of force calls and a seed: structures that it ends with (Å), and seconds."""


def equally(potential: Potential, name: str, budget: int, seed: int) -> tuple[list[np.ndarray], float]:
    """This search, with forces as small as the others make them and no Hessians."""
    identity = Identity(check_hessian=False)
    settings = MinimaSearch(max_calls=budget, seed=seed, force_tolerance=TOLERANCE / STAGES[-1], identity=identity)
    start = time.perf_counter()
    with Landscape() as landscape:
        for _ in explore_minima(potential, load_molecule(name), settings, landscape):
            pass
        return list(landscape.minima().positions), time.perf_counter() - start


def serial(search: Callable[[Any, Molecule, int], Iterator[np.ndarray]]) -> Search:
    """Another search within a budget of calls."""

    def run(potential: Potential, name: str, budget: int, seed: int) -> tuple[list[np.ndarray], float]:
        molecule, ends = load_molecule(name), []
        start = time.perf_counter()
        with contextlib.suppress(SpentError):
            for end in search(counted(potential, molecule, budget), molecule, seed):
                ends.append(end)  # noqa: PERF402 - those before the budget was spent are kept
        return ends, time.perf_counter() - start

    return run


def distinct(potential: Potential, molecule: Molecule, ends: list[np.ndarray]) -> np.ndarray:
    """Energies (eV) of the structures, relaxed again and told apart by our rules."""
    known = KnownMinima(molecule.numbers, molecule.bonds, Identity())
    for first in range(0, len(ends), 16):
        some = ends[first : first + 16]
        rows = np.minimum(np.arange(16), len(some) - 1)  # one shape, compiled once
        positions = jnp.asarray(np.array(some)[rows], molecule.system.positions.dtype)
        systems = replicate(molecule.system, 16).replace(positions=positions)
        state = relaxed(potential, systems, force_tolerance=TOLERANCE / 5)
        for energy, end in zip(state.energy, state.system.positions, strict=True):
            if np.isfinite(energy) and known.find(float(energy), end) is None:
                known.add(len(known) + 1, float(energy), end)
    return known.energies


def main(seeds: int = SEEDS) -> None:
    """A table of distinct minima."""
    potential = load_potential("so3k-peptide-gfn2")
    searches: dict[str, Search] = {
        "this search, 16 walkers": equally,
        "torsional basin hopping": serial(torsional_hopping),
        "ASE MinimaHopping": serial(ase_hopping),
    }
    print(f"the bundled model; median (range) of {seeds} seeds")
    print("| molecule | search | force calls | distinct minima | per 1000 calls | per second |")
    for name, budget in BUDGETS.items():
        molecule = load_molecule(name)
        ours(potential, molecule, MinimaSearch(max_calls=1))  # compiles
        for title, search in searches.items():
            found = []
            for seed in range(seeds):
                ends, seconds = search(potential, name, budget, seed)
                found.append(Found(energies=distinct(potential, molecule, ends), total=budget, seconds=seconds))
            _say_other(name, title, found)
        whole = [ours(potential, molecule, MinimaSearch(max_calls=budget, seed=seed)) for seed in range(seeds)]
        _say_other(name, "this search, defaults", whole)


def _say_other(name: str, title: str, found: list[Found]) -> None:
    numbers = (
        *([one.total for one in found], [len(one.energies) for one in found]),
        *([one.per_thousand_calls for one in found], [one.per_second for one in found]),
    )
    print(f"| {name} | {title} | {' | '.join(spread(np.array(row)) for row in numbers)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS)
