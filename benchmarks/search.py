"""Search for minima: problems with known answers.

    python -m benchmarks.search [alkanes] [unchecked] [lj13] [lj38]

*Alkanes*, GFN2-xTB with one thread, mirror images merged: n-butane, n-pentane, n-hexane and n-heptane have 2, 4, 12 and
31 minima. How many are found within a budget of force calls, with how many calls all of them are, and how far the
energies are from the known ones. Starts from the library's structure, ten seeds. *Unchecked*: without Hessians,
which the searches that were recorded before did not calculate either.

*LJ13*, *LJ38*: the global minimum of Lennard-Jones clusters (-44.326801 ε, twenty seeds; -173.928427 ε, ten seeds). The
second takes half an hour, and is done only when it is named.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import jax
import numpy as np

from benchmarks.gfn2 import Gfn2
from so3k_explore import units
from so3k_explore.exploration import Landscape, MinimaSearch, explore_minima
from so3k_explore.exploration.identity import Identity
from so3k_explore.io.molecule import Molecule
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.protocol import Potential

KNOWN = {  # kcal/mol above the lowest one
    "butane": (0.0, 0.596),
    "pentane": (0.0, 0.567, 1.164, 2.427),
    "hexane": (0.0, 0.549, 0.573, 1.083, 1.132, 1.225, 1.684, 2.331, 2.365, 2.828, 2.932, 4.386),
    "heptane": (
        *(0.0, 0.552, 0.566, 1.054, 1.095, 1.128, 1.135, 1.148, 1.204, 1.589, 1.637, 1.787, 2.186, 2.275, 2.325),
        *(2.353, 2.763, 2.794, 2.816, 2.839, 2.842, 2.871, 2.932, 3.032, 3.3, 3.437, 3.473, 4.085, 4.223, 4.791, 5.425),
    ),
}
BUDGETS = {"butane": 500, "pentane": 800, "hexane": 3000, "heptane": 20_000}
CLUSTERS = {13: (-44.326801, 20, 50_000), 38: (-173.928427, 10, 3_000_000)}  # ε, seeds, force calls
SAME = 0.03  # kcal/mol, between a minimum and a known one


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


def spread(values: np.ndarray) -> str:
    """Median and range."""
    low, middle, high = (f"{x:.0f}" if abs(x) >= 1000 else f"{x:.3g}" for x in np.percentile(values, [0, 50, 100]))
    return f"{middle} ({low}-{high})"


PARTS: dict[str, Callable[[], None]] = {
    "alkanes": alkanes,
    "unchecked": lambda: alkanes(check_hessian=False),
    "lj13": lambda: cluster(13),
    "lj38": lambda: cluster(38),
}
USUAL = ("alkanes", "unchecked", "lj13")


def main(parts: tuple[str, ...] = USUAL) -> None:
    """The usual parts, or those named."""
    if unknown := set(parts) - set(PARTS):
        raise SystemExit(f"Unknown parts {', '.join(sorted(unknown))}. Known: {', '.join(PARTS)}.")
    jax.config.update("jax_enable_x64", True)
    for part in parts:
        PARTS[part]()


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or USUAL)
