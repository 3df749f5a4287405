"""What a run was asked to do, complete enough to repeat it: the content of ``job.json``."""

import hashlib
import math
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.io.molecule import Molecule
from so3k_explore.jobs.learning_settings import LabelSettings, LoopSettings, TrainSettings
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.settings import settings_from_json
from so3k_explore.system import System

if TYPE_CHECKING:
    from so3k_explore.potentials.registry import ModelInfo

FORMAT = 1
CHECKPOINT_INTERVAL = 30.0  # s
SHORTEST_LONG_RANGE = 2.0  # Å, over which `potentials.so3lr` ends its long-range terms


@dataclass(frozen=True)
class Job:
    """Settings, molecule and model of a run."""

    settings: Settings
    molecule: Molecule
    model: str  # a registered name, or the path of a file or folder; of a training run, what it begins with
    name: str
    precision: str = "float32"
    model_sha256: str | None = None  # fingerprint of the weights; None for formulas such as Lennard-Jones
    checkpoint_interval: float | int = CHECKPOINT_INTERVAL  # s
    created: float = 0.0  # seconds since 1970
    long_range_cutoff: float | None = None  # Å, of electrostatics and dispersion; None: all pairs

    @property
    def kind(self) -> str:
        """As the keys of `settings.SETTINGS`, such as ``dynamics``."""
        return self.settings.kind

    def to_json(self) -> dict[str, Any]:
        """Content of ``job.json``."""
        return {
            "format": FORMAT,
            "name": self.name,
            "kind": self.kind,
            "settings": self.settings.to_json(),
            "molecule": _molecule_to_json(self.molecule),
            "model": {
                "name": self.model,
                "sha256": self.model_sha256,
                "long_range_cutoff": self.long_range_cutoff,
            },
            "precision": self.precision,
            "checkpoint_interval": self.checkpoint_interval,
            "created": self.created or time.time(),
            "versions": versions(),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Job":
        """Job from the content of ``job.json``.

        Raises:
            ValueError: written by a newer version, or damaged.
        """
        if content.get("format") != FORMAT:
            raise ValueError(
                f"The run has format {content.get('format')}, expected {FORMAT}. Open it with a newer so3k_explore."
            )
        try:
            return cls(
                settings=settings_from_json(content["kind"], content["settings"]),
                molecule=_molecule_from_json(content["molecule"]),
                model=content["model"]["name"],
                name=content["name"],
                precision=content["precision"],
                model_sha256=content["model"]["sha256"],
                checkpoint_interval=content["checkpoint_interval"],
                created=content["created"],
                long_range_cutoff=content["model"].get("long_range_cutoff"),  # absent from older runs
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"The file job.json of the run is damaged: {error!r} is missing or wrong.") from error


def make_job(
    settings: Settings,
    molecule: Any,
    model: str | Path | None = None,
    name: str | None = None,
    precision: str = "float32",
    checkpoint_interval: float | int = CHECKPOINT_INTERVAL,
    long_range_cutoff: float | int | None = None,
) -> Job:
    """A job that can be worked on; see `Runs.submit`."""
    if isinstance(settings, TrainSettings | LabelSettings):
        given = {"molecule": molecule, "model": model, "long_range_cutoff": long_range_cutoff}
        return _job_with_data(settings, given, name, precision, checkpoint_interval)
    if molecule is None:
        raise ValueError(f"A run of the kind `{settings.kind}` needs a molecule, got none.")
    from so3k_explore.io.molecule import Molecule
    from so3k_explore.io.structures import load_molecule
    from so3k_explore.potentials.registry import default_model, model_info

    if not isinstance(molecule, Molecule):
        molecule = load_molecule(molecule)
    if precision not in ("float32", "float64"):
        raise ValueError(f'`precision` must be "float32" or "float64", got {precision!r}.')
    if model is None:
        model = default_model(molecule.numbers.tolist(), charge=molecule.charge, spin=molecule.multiplicity - 1)
    model = str(model)
    info = model_info(model)
    _check_model(info, molecule)
    return Job(
        settings=settings,
        molecule=molecule,
        model=model,
        name=name or molecule.name,
        precision=precision,
        model_sha256=fingerprint(info.path),
        checkpoint_interval=checkpoint_interval,
        created=time.time(),
        long_range_cutoff=checked_cutoff(long_range_cutoff, info),
    )


def _job_with_data(settings: TrainSettings | LabelSettings, given: dict[str, Any], *others: Any) -> Job:
    """Of the kinds of runs that have a file of structures in place of a molecule."""
    for word, value in given.items():
        if value is not None:
            instead = "`source` and `method`" if isinstance(settings, LabelSettings) else "`dataset` and `start`"
            raise ValueError(f"A run of the kind `{settings.kind}` takes no `{word}`: it has {instead}. Got {value!r}.")
    if isinstance(settings, LabelSettings):
        from so3k_explore.jobs.labelling_inputs import make_labelling_job

        return make_labelling_job(settings, *others)
    from so3k_explore.jobs.training_inputs import make_loop_job, make_training_job

    return (
        make_loop_job(settings, *others) if isinstance(settings, LoopSettings) else make_training_job(settings, *others)
    )


def _check_model(info: "ModelInfo", molecule: Molecule) -> None:
    """Raises ValueError where a model does not know the elements of a molecule, or its charge and spin."""
    missing = [] if info.elements is None else sorted(set(molecule.numbers.tolist()) - set(info.elements))
    if missing:
        from ase.data import chemical_symbols

        symbols = ", ".join(chemical_symbols[number] for number in missing)
        raise ValueError(f"The model `{info.name}` does not know {symbols}. Choose another model or molecule.")
    if not info.ions and (molecule.charge or molecule.multiplicity > 1):
        raise ValueError(
            f"The model `{info.name}` knows neutral molecules without unpaired electrons only, got charge "
            f"{molecule.charge:+g} and multiplicity {molecule.multiplicity}. Choose a model for ions, such as SO3LR."
        )


def checked_cutoff(long_range_cutoff: float | int | None, info: "ModelInfo") -> float | None:
    """The long-range cutoff in Å that a run with this model will use.

    Raises:
        ValueError: it is too short, or the model has no long-range terms.
    """
    if long_range_cutoff is None:
        return None
    if info.long_range_cutoff == 0:
        raise ValueError(
            f"The model `{info.name}` has no long-range terms, got `long_range_cutoff` {long_range_cutoff:g} Å. "
            "Leave it out, or choose a model that has, such as SO3LR."
        )
    if not SHORTEST_LONG_RANGE < long_range_cutoff < math.inf:
        raise ValueError(
            f"`long_range_cutoff` must be above {SHORTEST_LONG_RANGE:g} Å and finite, got {long_range_cutoff:g} Å. "
            "Leave it out for all pairs."
        )
    return float(long_range_cutoff)


def versions() -> dict[str, str]:
    """Versions that a run's numbers depend on."""
    packages = ("so3k-explore", "jax", "jaxlib", "numpy", "ase")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in packages}


def fingerprint(path: Path | None) -> str | None:
    """SHA-256 of a file, or of all files in a folder; None for no path."""
    if path is None:
        return None
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    for file in files:
        digest.update(file.name.encode() if path.is_dir() else b"")
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _molecule_to_json(molecule: Molecule) -> dict[str, Any]:
    system = molecule.system
    return {
        "name": molecule.name,
        "source": str(molecule.source),
        "formula": molecule.formula,
        "numbers": np.asarray(system.numbers).tolist(),
        "positions": np.asarray(system.positions, float).tolist(),
        "masses": np.asarray(system.masses, float).tolist(),
        "charge": float(system.charge),
        "spin": float(system.spin),
        "cell": None if system.cell is None else np.asarray(system.cell, float).tolist(),
        "bonds": np.asarray(molecule.bonds, int).tolist(),
    }


def _molecule_from_json(content: Mapping[str, Any]) -> Molecule:
    names = ("positions", "numbers", "masses", "charge", "spin", "cell")
    arguments = {name: content[name] for name in names}
    system = System.create(arguments.pop("positions"), arguments.pop("numbers"), **arguments)
    return Molecule(
        name=content["name"],
        system=system,
        bonds=np.asarray(content["bonds"], int).reshape(-1, 2),
        source=content["source"],
    )
