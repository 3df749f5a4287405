"""Structures of files become minima of a landscape, relaxed or as they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from so3k_explore.exploration.identity import Identity, KnownMinima
from so3k_explore.exploration.identity_record import recorded_identity
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.model_record import claim, recorded_model
from so3k_explore.exploration.verification import downhill_push
from so3k_explore.geometry.elements import formula
from so3k_explore.io.formats import format_of_name
from so3k_explore.io.molecule import Molecule, StructureError
from so3k_explore.io.structures import read_molecules
from so3k_explore.observables.forces import batched_energy_and_forces, neighbors_for
from so3k_explore.simulation.guards import make_guard
from so3k_explore.simulation.relaxation import relaxed
from so3k_explore.simulation.state import Status
from so3k_explore.system import System, replicate
from so3k_explore.typing import take

if TYPE_CHECKING:
    from so3k_explore.potentials.protocol import Potential

PORTION = 32  # structures relaxed side by side
FINE = 0.2  # of the force tolerance, to which minima are relaxed, as in a search

Labelled = tuple[Molecule, float | None]  # a structure, and its energy in eV where it is known


@dataclass(frozen=True)
class Imported:
    """What became of structures."""

    added: tuple[int, ...]  # numbers of new minima
    known: int  # how many were minima of the landscape, or equal to each other
    refused: tuple[str, ...]  # why others were not taken, in words


@dataclass(frozen=True, eq=False)
class _Candidate:
    place: int  # among those given
    energy: float  # eV
    positions: np.ndarray  # Å
    problem: str = ""


def read_structures(path: Path | str) -> list[Labelled]:
    """Structures of a file, or of all files of a folder that have the ending of a known format, in their order.

    Raises:
        StructureError: nothing is there, or a file cannot be read.
    """
    path = Path(path).expanduser()
    if not path.is_dir():
        return read_molecules(path)
    files = sorted(file for file in path.iterdir() if file.is_file() and format_of_name(file.name))
    if not files:
        raise StructureError(f"The folder `{path}` holds no file of structures, such as .xyz, .sdf or .pdb.")
    return [labelled for file in files for labelled in read_molecules(file)]


def import_structures(
    landscape: Landscape,
    structures: Sequence[Labelled],
    potential: "Potential | None" = None,
    *,
    relax: bool = True,
    identity: Identity | None = None,
    force_tolerance: float = 0.01,
    model: str = "",
) -> Imported:
    """Stores structures as minima, unless they are known already.

    Structures with other atoms, or in another order, are refused. What breaks while it relaxes, or ends on a saddle, is
    set aside with the reason.

    Args:
        landscape: grows; a fresh one becomes that of the first structure. Charge and spin are those of the landscape.
        structures: as `read_structures` reads them.
        potential: relaxes them and gives energies; without, they stay as they are and must have energies.
        relax: False: structures stay as they are.
        identity: what counts as the same minimum.
        force_tolerance: of the relaxation, eV/Å; minima are relaxed to a fifth of it, as in a search.
        model: name of the potential, kept in the landscape.

    Raises:
        ValueError: there is nothing to import, or no energy.
        LandscapeError: the landscape was made with another model, or with one while none is given.
        SearchError: that is not written down, but its energies are those of another potential.
    """
    if not structures:
        raise ValueError("There is no structure to import. Check the file or folder.")
    if potential is None and (relax or any(energy is None for _, energy in structures)):
        raise ValueError(
            "Structures are relaxed by a potential, and get energies from it. "
            "Give one, or `relax=False` and structures that have energies."
        )
    identity = identity or recorded_identity(landscape)
    if not len(landscape.numbers):
        landscape.bind(structures[0][0])
    if potential is not None:
        claim(landscape, potential, model)
    elif len(landscape) and (made_with := recorded_model(landscape)) is not None:
        raise LandscapeError(
            f"{landscape.path.name} was made with the model {made_with}, and nobody knows where the energies of these "
            "structures come from. Give that model: it calculates them again, also of structures that stay as they are."
        )
    numbers = landscape.numbers
    fitting = [k for k, (molecule, _) in enumerate(structures) if np.array_equal(molecule.numbers, numbers)]
    others = sorted(set(range(len(structures))) - set(fitting))
    refused = [_otherwise(k, structures[k][0], numbers) for k in others]
    template = landscape.system(int(landscape.minima().ids[0])) if len(landscape) else structures[0][0].system
    chosen = [structures[k] for k in fitting]
    found = _candidates(template, landscape.bonds, chosen, potential, relax, force_tolerance)
    checked = potential if relax and identity.check_hessian else None
    added, known, problems = _store(landscape, found, checked, identity, template)
    named = [f"structure {fitting[place]}: {problem}" for place, problem in problems]
    return Imported(tuple(added), known, (*refused, *named))


def _otherwise(place: int, molecule: Molecule, numbers: np.ndarray) -> str:
    theirs, mine = molecule.formula, formula(numbers)
    if theirs == mine:
        return f"structure {place}: its atoms are in another order than those of the landscape"
    return f"structure {place}: it is {theirs}, the landscape is of {mine}"


def _candidates(
    template: System,
    bonds: np.ndarray,
    structures: Sequence[Labelled],
    potential: "Potential | None",
    relax: bool,
    tolerance: float,
) -> Iterator[_Candidate]:
    if potential is None:
        for place, (molecule, energy) in enumerate(structures):
            yield _Candidate(place, float("nan") if energy is None else energy, np.asarray(molecule.positions, float))
        return
    size = min(PORTION, len(structures))
    for start in range(0, len(structures), size or 1):
        rows = np.minimum(np.arange(start, start + size), len(structures) - 1)  # always the same shape: compiled once
        given = jnp.asarray(np.stack([structures[k][0].positions for k in rows]), template.positions.dtype)
        systems = replicate(template, size).replace(positions=given)
        energies, positions, status = _evaluated(potential, systems, bonds, relax, tolerance)
        for k in range(min(size, len(structures) - start)):
            word = Status(int(status[k])).name.lower().replace("_", " ")
            problem = "" if status[k] == Status.CONVERGED else f"not relaxed: {word}"
            yield _Candidate(start + k, float(energies[k]), positions[k], problem)


def _evaluated(
    potential: "Potential", systems: System, bonds: np.ndarray, relax: bool, tolerance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies (eV), positions (Å) and how it went."""
    if not relax:
        energies, _ = batched_energy_and_forces(potential, systems, neighbors_for(potential, systems, skin=0.0))
        done = np.full(systems.n_walkers, int(Status.CONVERGED))
        return np.asarray(energies, float), np.asarray(systems.positions, float), done
    guard = make_guard(take(systems, 0), bonds)
    state = relaxed(potential, systems, force_tolerance=FINE * tolerance, guard=guard)
    near = np.asarray(state.max_force) < tolerance  # good enough where float32 stops before
    gave_up = np.asarray(state.status) == Status.MAX_STEPS
    status = np.where(near & gave_up, int(Status.CONVERGED), np.asarray(state.status))
    return np.asarray(state.energy, float), np.asarray(state.system.positions, float), status


def _store(
    landscape: Landscape,
    candidates: Iterator[_Candidate],
    potential: "Potential | None",
    identity: Identity,
    template: System,
) -> tuple[list[int], int, list[tuple[int, str]]]:
    """New minima, how many were known, and what was set aside."""
    stored = landscape.minima()
    book = KnownMinima(landscape.numbers, landscape.bonds, identity)
    for number, energy, positions in zip(stored.ids.tolist(), stored.energies.tolist(), stored.positions, strict=True):
        book.add(number, energy, positions)
    added: list[int] = []
    problems: list[tuple[int, str]] = []
    known = 0
    for one in candidates:
        problem = one.problem or ("" if np.isfinite(one.energy) else "its energy is not finite")
        if not problem and book.find(one.energy, one.positions) is not None:
            known += 1
            continue
        problem = problem or _saddle(potential, template, one.positions)
        if problem:
            problems.append((one.place, problem))
            landscape.set_aside(problem, one.energy, one.positions, strategy="import")
            continue
        number = landscape.add(one.energy, one.positions, strategy="import")
        book.add(number, one.energy, one.positions)
        added.append(number)
    return added, known, problems


def _saddle(potential: "Potential | None", template: System, positions: np.ndarray) -> str:
    """Why a relaxed structure is no minimum; empty when it is one, or when nobody asked."""
    if potential is None:
        return ""
    system = template.replace(positions=jnp.asarray(positions, template.positions.dtype))
    frequency, push, _ = downhill_push(potential, system, neighbors_for(potential, system, skin=0.0))
    return "" if push is None else f"a saddle: lowest frequency {frequency:.0f} cm⁻¹"
