"""How far a landscape can be trusted: its minima relaxed again with a reference method, its saddles evaluated by it.

Results are kept in a table ``rechecks`` of the landscape's file as they come, by kind, number and method; what went
well is not computed again. Energies of two methods differ by a constant, so that only differences are compared.
"""

import functools
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from so3k_explore.analysis.alignment import best_rmsd
from so3k_explore.analysis.symmetry import Symmetry
from so3k_explore.exploration.identity import Identity, KnownMinima
from so3k_explore.exploration.identity_record import recorded_identity
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.vibrations import MINIMUM, stationary_points
from so3k_explore.geometry.bonds import find_bonds
from so3k_explore.io.reference import GFN2, reference_calculator, single_threaded_pool, with_electrons
from so3k_explore.typing import Progress

if TYPE_CHECKING:
    from ase import Atoms

_TABLE = """CREATE TABLE IF NOT EXISTS rechecks (
    kind TEXT, number INTEGER, method TEXT, single_point REAL, energy REAL, rmsd REAL, steps INTEGER, problem TEXT,
    positions BLOB, PRIMARY KEY (kind, number, method))"""


@dataclass(frozen=True, eq=False)
class Recheck:
    """Minima or saddles of a landscape, seen by a reference method; NaN where it failed."""

    kind: str  # "minimum" or "saddle"
    method: str
    ids: np.ndarray  # (points,) their numbers
    model_energies: np.ndarray  # (points,) eV, as in the landscape
    single_points: np.ndarray  # (points,) eV, of the reference in the same structure
    energies: np.ndarray  # (points,) eV, of the reference after relaxation; of saddles as `single_points`
    rmsd: np.ndarray  # (points,) Å, between the two relaxed structures; zero for saddles
    steps: np.ndarray  # (points,) of the relaxation
    positions: np.ndarray  # (points, atoms, 3) Å, relaxed by the reference
    problems: tuple[str, ...]  # why a structure does not count; empty when all went well

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def fine(self) -> np.ndarray:
        """Which structures went well."""
        return np.array([not problem for problem in self.problems], bool)

    @property
    def rank_correlation(self) -> float:
        """Spearman's coefficient between energies of the model and of the reference; NaN for fewer than three."""
        from scipy.stats import rankdata

        ranks = [rankdata(energies[self.fine]) for energies in (self.model_energies, self.energies)]
        if self.fine.sum() < 3 or min(np.ptp(rank) for rank in ranks) == 0:
            return float("nan")
        return float(np.corrcoef(*ranks)[0, 1])

    @property
    def energy_errors(self) -> np.ndarray:
        """Energies of the model less those of the reference, eV, without their mean; NaN where something went wrong."""
        difference = np.where(self.fine, self.model_energies - self.energies, np.nan)
        return difference - np.nanmean(difference) if self.fine.any() else difference

    def same_as(self, landscape: Landscape, identity: Identity | None = None) -> np.ndarray:
        """Which of these each one has become for the reference, by number: its own, or that of an earlier one."""
        known = KnownMinima(landscape.numbers, landscape.bonds, identity or recorded_identity(landscape))
        found = self.ids.copy()
        for place in np.flatnonzero(self.fine):
            number, energy, positions = int(self.ids[place]), float(self.energies[place]), self.positions[place]
            other = known.find(energy, positions)
            if other is None:
                known.add(number, energy, positions)
            else:
                found[place] = other
        return found


def recheck(
    landscape: Landscape,
    numbers: Collection[int] | None = None,
    method: str = GFN2,
    *,
    kind: str = MINIMUM,
    processes: int = 1,
    force_tolerance: float = 0.01,
    max_steps: int = 500,
    progress: Progress | None = None,
) -> Recheck:
    """Relaxes minima again with a reference method; saddles, which would fall off, are only evaluated.

    Results are stored one by one: after an interruption, only what is missing or failed is computed.

    Args:
        landscape: with the structures; results are written to its file.
        numbers: of the minima or saddles; None: all.
        method: "GFN2-xTB", "GFN1-xTB", or ``package.module:Name`` that makes an ASE calculator.
        kind: "minimum" or "saddle".
        processes: that work side by side, with one thread each.
        force_tolerance: of the relaxation, eV/Å.
        max_steps: of the relaxation.
        progress: told after each structure.

    Raises:
        DatasetError: there is no such method.
        KeyError: there is no minimum or saddle of that number.
    """
    reference_calculator(method)  # refuses before any process is started
    ids, _, positions = stationary_points(landscape, kind, numbers)
    stored = stored_recheck(landscape, method, kind)
    done = set(stored.ids[stored.fine].tolist())
    todo = [place for place, number in enumerate(ids.tolist()) if number not in done]
    if todo:
        template = landscape.system(int(landscape.minima().ids[0])).to_ase()
        steps = max_steps if kind == MINIMUM else 0
        work = [_Task(template, positions[place], method, force_tolerance, steps) for place in todo]
        symmetry = Symmetry.of(landscape.numbers, landscape.bonds)
        landscape.storage.execute(_TABLE)
        with single_threaded_pool(min(processes, len(todo))) as run:
            for count, (place, found) in enumerate(zip(todo, run(_examine, work), strict=True), start=1):
                number = int(ids[place])
                _store(landscape, (kind, number, method), found, positions[place], symmetry)
                if progress is not None:
                    progress(count / len(todo), f"{kind} {number}: {found.problem or 'done'}")
    return _selected(stored_recheck(landscape, method, kind), ids)


def stored_recheck(landscape: Landscape, method: str, kind: str = MINIMUM) -> Recheck:
    """All results that the file of a landscape has for a method."""
    tables = landscape.storage.read("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'rechecks'")
    query = (
        "SELECT number, single_point, energy, rmsd, steps, problem, positions FROM rechecks "
        "WHERE kind = ? AND method = ? ORDER BY number"
    )
    rows = landscape.storage.read(query, (kind, method)) if tables else []
    _, energies, _ = stationary_points(landscape, kind, [row[0] for row in rows])
    column = lambda k: np.array([np.nan if row[k] is None else row[k] for row in rows], float)
    return Recheck(
        kind=kind,
        method=method,
        ids=np.array([row[0] for row in rows], int),
        model_energies=energies,
        single_points=column(1),
        energies=column(2),
        rmsd=column(3),
        steps=np.array([row[4] for row in rows], int),
        positions=np.array([np.frombuffer(row[6]) for row in rows]).reshape(len(rows), len(landscape.numbers), 3),
        problems=tuple(row[5] for row in rows),
    )


class _Task(NamedTuple):
    """What a process gets to do."""

    template: "Atoms"
    positions: np.ndarray  # Å
    method: str
    tolerance: float  # eV/Å
    steps: int


class _Found(NamedTuple):
    """What it found."""

    single_point: float  # eV; NaN when there is none
    energy: float  # eV
    positions: np.ndarray  # Å
    steps: int
    problem: str


_calculator = functools.lru_cache(maxsize=1)(reference_calculator)  # one a process: some are slow to make


def _examine(task: _Task) -> _Found:
    """Evaluates a structure, and relaxes it when steps are given; whatever a calculator raises becomes a sentence."""
    from ase.optimize import BFGS

    atoms = with_electrons(task.template)
    atoms.positions = task.positions
    first, problem, steps = float("nan"), "", 0
    atoms.calc = _calculator(task.method)
    try:
        atoms.calc.reset()  # the same result, whatever was computed before
        first = float(atoms.get_potential_energy())
        if task.steps:
            optimiser = BFGS(atoms, logfile=None)  # copes with negative curvature, unlike ASE's L-BFGS
            if not optimiser.run(fmax=task.tolerance, steps=task.steps):
                problem = f"not relaxed after {task.steps} steps"
            steps = int(optimiser.nsteps)
        energy = float(atoms.get_potential_energy())
        if not np.isfinite([first, energy]).all():
            raise ArithmeticError("it gave a number that is not finite")
    except Exception as error:  # calculators of others raise anything
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return _Found(first, float("nan"), task.positions, steps, f"the calculation failed: {reason[:200]}")
    return _Found(first, energy, np.array(atoms.positions), steps, problem)


def _store(
    landscape: Landscape, key: tuple[str, int, str], found: _Found, before: np.ndarray, symmetry: Symmetry
) -> None:
    """Writes down a result, with how far the structure moved."""
    rmsd, problem = None, found.problem
    if np.isfinite(found.energy):
        rmsd = best_rmsd(found.positions, before, symmetry=symmetry, enough=1e-3)
        bonds = find_bonds(landscape.numbers, found.positions, None)
        if not problem and len(landscape.bonds) and _set(bonds) != _set(landscape.bonds):
            problem = "its bonds changed"
    value = lambda number: float(number) if np.isfinite(number) else None
    values = (*key, value(found.single_point), value(found.energy), rmsd, found.steps, problem)
    blob = np.asarray(found.positions, float).tobytes()
    landscape.storage.execute("INSERT OR REPLACE INTO rechecks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*values, blob))


def _set(bonds: np.ndarray) -> set[tuple[int, ...]]:
    return set(map(tuple, np.sort(np.asarray(bonds, int).reshape(-1, 2), axis=1).tolist()))


def _selected(found: Recheck, ids: np.ndarray) -> Recheck:
    rows = np.flatnonzero(np.isin(found.ids, ids))
    arrays = {name: value[rows] for name, value in vars(found).items() if isinstance(value, np.ndarray)}
    return replace(found, **arrays, problems=tuple(found.problems[row] for row in rows))
