"""Search for minima: problems with known answers, and other searches on the same potential.

    python -m benchmarks.search [alkanes] [unchecked] [others] [lj13] [lj38]

*Alkanes*, GFN2-xTB with one thread, mirror images merged: n-butane, n-pentane, n-hexane and n-heptane have 2, 4, 12 and
31 minima. How many are found within a budget of force calls, with how many calls all of them are, and how far the
energies are from the known ones. Starts from the library's structure, ten seeds. *Unchecked*: without Hessians,
which the searches that were recorded before did not calculate either.

*LJ13*, *LJ38*: the global minimum of Lennard-Jones clusters (-44.326801 ε, twenty seeds; -173.928427 ε, ten seeds). The
second takes hours, and is done only when it is named.

*Others*, the bundled model, 22 and 42 atoms: distinct minima of this search with 16 walkers, of torsional basin hopping
one structure after the other (the same moves, ASE's L-BFGS, kT of 1 kcal/mol) and of ASE's `MinimaHopping` with its
defaults, each for a number of force calls. All relax to 0.01 eV/Å and calculate no Hessians; what they end with is
relaxed again, at no cost to them, and counted by the same rules of identity, saddles and shoulders included. Beside
them, this search with its defaults, which relaxes to a fifth of that and calculates a Hessian for each new minimum.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.gfn2 import Gfn2
from so3k_explore import units
from so3k_explore.analysis.torsions import amide_torsions
from so3k_explore.exploration import Landscape, MinimaSearch, explore_minima
from so3k_explore.exploration.basin_hopping import TorsionMoves
from so3k_explore.exploration.choosing import STAGES
from so3k_explore.exploration.identity import Identity, KnownMinima
from so3k_explore.io.calculator import Calculator
from so3k_explore.io.molecule import Molecule
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.protocol import Potential
from so3k_explore.potentials.registry import load_potential
from so3k_explore.simulation.relaxation import relaxed
from so3k_explore.system import replicate

KNOWN = {  # kcal/mol above the lowest one
    "butane": (0.0, 0.596),
    "pentane": (0.0, 0.567, 1.164, 2.427),
    "hexane": (0.0, 0.549, 0.573, 1.083, 1.132, 1.225, 1.684, 2.331, 2.365, 2.828, 2.932, 4.386),
    "heptane": (
        *(0.0, 0.552, 0.566, 1.054, 1.095, 1.128, 1.135, 1.148, 1.204, 1.589, 1.637, 1.787, 2.186, 2.275, 2.325),
        *(2.353, 2.763, 2.794, 2.816, 2.839, 2.842, 2.871, 2.932, 3.032, 3.3, 3.437, 3.473, 4.085, 4.223, 4.791, 5.425),
    ),
}
BUDGETS = {"butane": 500, "pentane": 800, "hexane": 1500, "heptane": 20_000}
CLUSTERS = {13: (-44.326801, 20, 50_000), 38: (-173.928427, 10, 3_000_000)}  # ε, seeds, force calls
OTHERS = {"ala2": 6000, "ala3": 12_000}  # force calls
SEEDS = 10
SAME = 0.03  # kcal/mol, between a minimum and a known one
KT = 1.0 * units.KCAL_PER_MOL
TOLERANCE = 0.01  # eV/Å


@dataclass
class Found:
    """Distinct minima against force calls and time."""

    calls: list[int] = field(default_factory=list)  # at which each was found
    energies: np.ndarray = field(default_factory=lambda: np.zeros(0))  # eV, by rising energy
    total: int = 0
    seconds: float = 0.0

    @property
    def per_thousand_calls(self) -> float:
        """Distinct minima for 1000 force calls."""
        return 1000 * len(self.energies) / max(self.total, 1)

    @property
    def per_second(self) -> float:
        """Distinct minima for a second of wall time."""
        return len(self.energies) / self.seconds


def ours(potential: Potential, molecule: Molecule, settings: MinimaSearch, enough: float = -np.inf) -> Found:
    """This search, until its limits or an energy of at most `enough` (eV)."""
    with Landscape() as landscape:
        found, start = Found(), time.perf_counter()
        for state in explore_minima(potential, molecule, settings, landscape):
            found.total = state.calls
            if state.found and enough > -np.inf and landscape.minima().energies.min() <= enough:
                break
        found.seconds = time.perf_counter() - start
        minima = landscape.minima()
        found.calls, found.energies = sorted(np.asarray(minima.calls).tolist()), np.sort(minima.energies)
    return found


def recalled(energies: np.ndarray, known: tuple[float, ...]) -> tuple[int, float]:
    """How many known minima are among the found ones, and the largest difference of those, kcal/mol."""
    relative = (energies - energies.min()) / units.KCAL_PER_MOL
    free, differences = list(relative), []
    for energy in known:
        nearest = min(free, key=lambda one: abs(one - energy), default=np.inf)
        if abs(nearest - energy) < SAME:
            free.remove(nearest)
            differences.append(abs(nearest - energy))
    return len(differences), max(differences, default=0.0)


def alkanes(*, check_hessian: bool = True, seeds: int = 10) -> None:
    """Known minima found, alkane by alkane."""
    checked = "a Hessian for each new minimum" if check_hessian else "no Hessians"
    print(f"GFN2-xTB alkanes, {checked}; median (range) of {seeds} seeds")
    print("| | known minima | found | others | force calls until the last | energies within / kcal/mol | s |")
    for name, known in KNOWN.items():
        rows = []
        for seed in range(seeds):
            identity = Identity(check_hessian=check_hessian)
            settings = MinimaSearch(max_calls=BUDGETS[name], minima=len(known), seed=seed, identity=identity)
            found = ours(Gfn2(), load_molecule(name), settings)
            hits, difference = recalled(found.energies, known)
            rows.append((hits, len(found.energies) - hits, found.calls[-1], difference, found.seconds))
        hits, extra, last, difference, seconds = np.array(rows).T
        print(
            f"| {name} | {len(known)} | {spread(hits)} | {spread(extra)} | {spread(last)} | {difference.max():.3f} | "
            f"{np.median(seconds):.0f} |",
            flush=True,
        )


def cluster(atoms: int) -> None:
    """How often the global minimum of a Lennard-Jones cluster is reached."""
    lowest, seeds, budget = CLUSTERS[atoms]
    calls, seconds, hits = [], [], 0
    for seed in range(seeds):
        settings = MinimaSearch(max_calls=budget, seed=seed)
        found = ours(LennardJones(), load_molecule(f"lj{atoms}"), settings, enough=lowest + 1e-4)
        hit = found.energies[0] < lowest + 1e-4
        hits += hit
        calls.append(found.total)
        seconds.append(found.seconds)
        print(f"  LJ{atoms} {seed}: {found.energies[0]:.6f}, {found.total}, {found.seconds:.0f}", flush=True)
    print("| cluster | seeds with the global minimum | force calls until then | s |")
    print(f"| LJ{atoms} | {hits} of {seeds} | {spread(np.array(calls))} | {np.median(seconds):.0f} |", flush=True)


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


def others() -> None:
    """Distinct minima of this search and of others, with the bundled model."""
    potential = load_potential("so3k-peptide-gfn2")
    searches: dict[str, Search] = {
        "this search, 16 walkers": equally,
        "torsional basin hopping": serial(torsional_hopping),
        "ASE MinimaHopping": serial(ase_hopping),
    }
    print(f"the bundled model; median (range) of {SEEDS} seeds")
    print("| molecule | search | force calls | distinct minima | per 1000 calls | per second |")
    for name, budget in OTHERS.items():
        molecule = load_molecule(name)
        ours(potential, molecule, MinimaSearch(max_calls=1))  # compiles
        for title, search in searches.items():
            found = []
            for seed in range(SEEDS):
                ends, seconds = search(potential, name, budget, seed)
                found.append(Found(energies=distinct(potential, molecule, ends), total=budget, seconds=seconds))
            _say_other(name, title, found)
        whole = [ours(potential, molecule, MinimaSearch(max_calls=budget, seed=seed)) for seed in range(SEEDS)]
        _say_other(name, "this search, defaults", whole)


def _say_other(name: str, title: str, found: list[Found]) -> None:
    numbers = (
        *([one.total for one in found], [len(one.energies) for one in found]),
        *([one.per_thousand_calls for one in found], [one.per_second for one in found]),
    )
    print(f"| {name} | {title} | {' | '.join(spread(np.array(row)) for row in numbers)} |", flush=True)


def spread(values: np.ndarray) -> str:
    """Median and range."""
    low, middle, high = (f"{x:.0f}" if abs(x) >= 1000 else f"{x:.3g}" for x in np.percentile(values, [0, 50, 100]))
    return f"{middle} ({low}-{high})"


PARTS: dict[str, Callable[[], None]] = {
    "alkanes": alkanes,
    "unchecked": lambda: alkanes(check_hessian=False),
    "others": others,
    "lj13": lambda: cluster(13),
    "lj38": lambda: cluster(38),
}
USUAL = ("alkanes", "unchecked", "others", "lj13")


def main(parts: tuple[str, ...] = USUAL) -> None:
    """The usual parts, or those named."""
    if unknown := set(parts) - set(PARTS):
        raise SystemExit(f"Unknown parts {', '.join(sorted(unknown))}. Known: {', '.join(PARTS)}.")
    for part in parts:
        jax.config.update("jax_enable_x64", part != "others")
        PARTS[part]()


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or USUAL)
