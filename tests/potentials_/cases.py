"""Reference cases of SO3LR, padded to one size so that one compilation serves all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from so3k_explore.geometry.graph import build_graph
from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import neighbors_for
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.system import System
from tests.conftest import REFERENCE

FOLDER = REFERENCE / "so3lr" / "cases"
ATOMS, EDGES = 42, 992  # the largest molecule; a capacity that holds the pairs of each


@dataclass(frozen=True)
class Answers:
    """What a potential says about a molecule, without padding."""

    energy: np.ndarray
    forces: np.ndarray
    terms: dict[str, np.ndarray]
    charges: np.ndarray
    hirshfeld_ratios: np.ndarray
    dipole: np.ndarray


def case_names(pattern: str = "*") -> list[str]:
    """Names of the molecules; where the reference is absent one name remains, whose test is skipped."""
    found = sorted(path.stem for path in FOLDER.glob(f"{pattern}.npz") if not path.stem.startswith("water_512"))
    molecules = [name for name in found if not name.startswith("water_64")]
    return molecules or ["water"]


def read_case(name: str, reference: Path) -> Mapping[str, np.ndarray]:
    """Arrays of a case; needs the fixture `reference`, which skips."""
    return dict(np.load(reference / "so3lr" / "cases" / f"{name}.npz"))


def system_of(case: Mapping[str, np.ndarray], atoms: int = 0) -> System:
    """The molecule, with padding up to `atoms`."""
    extra = max(atoms - len(case["positions"]), 0)
    return System.create(
        np.concatenate([case["positions"], np.zeros((extra, 3))]),
        np.concatenate([case["atomic_numbers"], np.zeros(extra, int)]),
        charge=float(case["total_charge"]),
        spin=float(case["num_unpaired_electrons"]),
        cell=case.get("lattice"),
    )


def answers(potential: So3lr, case: Mapping[str, np.ndarray]) -> Answers:
    """Energy, forces and everything else, in one compiled call."""
    system = system_of(case, ATOMS)
    potential = potential.replace(long_range_cutoff=float(case["lr_cutoff"]))
    neighbors = neighbors_for(potential, system, skin=0.0, capacity=EDGES)
    atoms = len(case["positions"])
    energy, gradient, terms, properties, dipole = jax.tree.map(np.asarray, _everything(potential, system, neighbors))
    assert all((term[atoms:] == 0).all() for term in terms.values())
    return Answers(
        energy=energy,
        forces=-gradient[:atoms],
        terms={name: term[:atoms] for name, term in terms.items()},
        charges=properties.charges[:atoms],
        hirshfeld_ratios=properties.hirshfeld_ratios[:atoms],
        dipole=dipole,
    )


@jax.jit
def _everything(potential: So3lr, system: System, neighbors: Neighbors) -> Any:
    def energy(positions: jax.Array) -> tuple[jax.Array, Any]:
        graph = build_graph(system.replace(positions=positions), neighbors)
        terms = potential.energy_terms(graph)
        total = jnp.stack(list(terms.values())).sum()
        return total, (terms, potential.properties(graph), potential.dipole(graph))

    (value, (terms, properties, dipole)), gradient = jax.value_and_grad(energy, has_aux=True)(system.positions)
    return value, gradient, terms, properties, dipole
