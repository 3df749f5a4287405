"""Harmonic vibrations of structures, with infrared intensities where the model knows charges.

`harmonic` works in this process. A page asks `harmonic_apart`: a Hessian takes seconds and is compiled first, which
would hold up the threads of the page, so a process of its own does it, at low priority, and ends with the answer. The
process reads the question and writes the answer as JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

TOLERANCE = 0.002  # eV/Å, largest force at a stationary point
STEPS = 2000


class HarmonicError(RuntimeError):
    """Vibrations could not be computed; the message is for the user."""


@dataclass(frozen=True)
class Structures:
    """What is to vibrate, and in which model."""

    model: str
    long_range_cutoff: float | None  # Å; None: all pairs
    positions: list[list[list[float]]]  # (structures, atoms, 3), Å
    numbers: list[int]
    masses: list[float] | None = None  # u; None: those of the elements
    charge: float = 0.0  # e
    spin: float = 0.0
    relax: bool = True  # to the nearest minimum first

    @classmethod
    def of(cls, run: Any, positions: Sequence[Any] | np.ndarray | None = None, *, relax: bool = True) -> "Structures":
        """Of a run: its molecule, or other positions (structures, atoms, 3), in its model."""
        return cls.about(run.molecule, run.model, run.long_range_cutoff, positions, relax=relax)

    @classmethod
    def about(
        cls,
        molecule: Any,
        model: str,
        long_range_cutoff: float | None = None,
        positions: Sequence[Any] | np.ndarray | None = None,
        *,
        relax: bool = True,
    ) -> "Structures":
        """Of a molecule, or of it at other positions (structures, atoms, 3), in a model.

        Raises:
            ValueError: it is periodic.
        """
        if molecule.system.cell is not None:
            raise ValueError("Harmonic vibrations are for molecules; this structure is periodic.")
        at = np.asarray([molecule.positions] if positions is None else positions, float)
        return cls(
            model=model,
            long_range_cutoff=long_range_cutoff,
            positions=at.tolist(),
            numbers=molecule.numbers.tolist(),
            charge=molecule.charge,
            spin=float(molecule.system.spin),
            relax=relax,
        )


@dataclass(frozen=True, eq=False)
class Harmonic:
    """Vibrations of one structure, from the lowest to the highest."""

    energy: float  # eV
    max_force: float  # eV/Å, largest on any atom
    positions: np.ndarray  # (atoms, 3), Å, where the vibrations are about
    frequencies: np.ndarray  # (modes,), cm⁻¹; negative: imaginary
    modes: np.ndarray  # (modes, atoms, 3), displacements of unit length
    reduced_masses: np.ndarray  # (modes,), u
    intensities: np.ndarray | None  # (modes,), km/mol; None: the model has no charges

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: each.tolist() if isinstance(each, np.ndarray) else each for name, each in self.__dict__.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Harmonic":
        """From `to_json`."""
        made: dict[str, Any] = {n: np.asarray(each) if isinstance(each, list) else each for n, each in values.items()}
        return cls(**made)


def harmonic(asked: Structures) -> list[Harmonic]:
    """Vibrations of all structures in double precision, computed here.

    Raises:
        ValueError: the model does not know an element.
    """
    import jax
    import jax.numpy as jnp

    from so3k_explore.observables.forces import energy_and_forces, forces_norm, neighbors_for
    from so3k_explore.observables.hessian import normal_modes
    from so3k_explore.observables.infrared import has_dipole, infrared_intensities
    from so3k_explore.potentials.registry import load_potential
    from so3k_explore.simulation import relaxed
    from so3k_explore.system import System
    from so3k_explore.typing import take

    found = []
    with jax.enable_x64(True):
        potential = load_potential(asked.model, precision="float64", long_range_cutoff=asked.long_range_cutoff)
        for positions in asked.positions:
            about = {"masses": asked.masses, "charge": asked.charge, "spin": asked.spin}
            system = System.create(positions, asked.numbers, **about).astype(jnp.float64)
            if asked.relax:
                system = take(relaxed(potential, system, force_tolerance=TOLERANCE, max_steps=STEPS).system, 0)
            neighbors = neighbors_for(potential, system, skin=0.0)
            energy, forces = energy_and_forces(potential, system, neighbors)
            modes = normal_modes(potential, system, neighbors)
            strength = infrared_intensities(potential, system, modes, neighbors) if has_dipole(potential) else None
            found.append(
                Harmonic(
                    float(energy),
                    float(forces_norm(forces)),
                    np.asarray(system.positions, float),
                    modes.frequencies,
                    modes.modes,
                    modes.reduced_masses,
                    strength,
                )
            )
    return found


def harmonic_apart(asked: Structures) -> list[Harmonic]:
    """Vibrations of all structures, computed in a process of its own; waits for it.

    Raises:
        HarmonicError: the model cannot be loaded or does not fit, or the process has died.
    """
    package = str(Path(__file__).parents[2])
    paths = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "so3k_explore.jobs.harmonic"],
        input=json.dumps(asdict(asked)),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": paths},
    )
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise HarmonicError("The vibrations could not be computed: the process that does it has died.") from None
    if "error" in answer:
        raise HarmonicError(answer["error"])
    return [Harmonic.from_json(each) for each in answer["found"]]


def main() -> None:
    """Answers the question on standard input."""
    from so3k_explore.jobs.preload import make_way, use_compilation_cache

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing that a library prints is taken for the answer
    make_way()
    use_compilation_cache()
    try:
        answer: dict[str, Any] = {"found": [each.to_json() for each in harmonic(Structures(**json.load(sys.stdin)))]}
    except Exception as error:  # whatever it is, the page says it and goes on
        answer = {"error": str(error) or type(error).__name__}
    answers.write(json.dumps(answer))
    answers.close()


if __name__ == "__main__":
    main()
