"""The whole examination of a model made by a recipe: what its card reports."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from so3k_explore.io.datasets import Dataset
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.checkpoints import load_checkpoint, save_potential
from so3k_explore.potentials.registry import load_potential
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.training.cards import examination_text
from so3k_explore.training.evaluate import Predictions, predictions, report, scores
from so3k_explore.training.extrapolation import fit_extrapolation
from so3k_explore.training.molecules import samples
from so3k_explore.training.prepare import Prepared
from so3k_explore.training.recipe import Recipe, gather, prepare_recipe
from so3k_explore.training.stability import energy_drift, stability

ROOM = ("md 300 K", "md 500 K")  # where errors are promised
SURVIVORS = ("ala3", "dha", "hexane", "glucose")
TEMPERATURES = (300.0, 500.0)  # K
TESTS = ("unseen", "same molecules")  # of `molecules.PARTS`


class Verdict(NamedTuple):
    """One finished part of the examination."""

    name: str
    values: dict[str, Any]


def judge(
    double: So3krates | So3lr,
    single: So3krates | So3lr,
    prepared: Prepared,
    unseen: Dataset,
    same: Dataset,
    *,
    survivors: Sequence[str] = SURVIVORS,
    duration: float = 20.0,
    walkers: int = 6,
) -> Iterator[Verdict]:
    """Yields the parts of the examination as they are done.

    Args:
        double: the model in double precision, for errors.
        single: the same in single precision as runs load it, for dynamics.
        prepared: data and shifts of the fit.
        unseen: structures of molecules that the model never saw.
        same: new trajectories of molecules that it knows.
        survivors: molecules whose dynamics is watched.
        duration: of the dynamics, ps.
        walkers: of each molecule and temperature.
    """
    parts = {"test": prepared.part("test"), "unseen molecules": unseen, "new trajectories": same}
    for name, data in parts.items():
        found = predictions(double, data, prepared.shifts)
        yield Verdict(name, report(found) | {"warm": _warm(found)})
    yield Verdict("float32", _rounding(double, single, unseen))
    for name in survivors:
        yield Verdict(f"dynamics of {name}", _survival(single, name, duration, walkers))


def examine(
    recipe: Recipe, folder: Path | str, model: Path | str, *, duration: float = 20.0, walkers: int = 6
) -> Iterator[Verdict]:
    """Yields the parts of the examination of a finished recipe; at the end its card stands beside the model.

    The model file gets its extrapolation score, calibrated with the unseen molecules; ``.json`` and ``.md`` files of
    the same name hold what was found. Structures to test with must have been sampled into the folder.
    """
    model = Path(model)
    double: Any = load_potential(model, "float64")
    prepared, checkpoint = prepare_recipe(recipe, folder), load_checkpoint(model)
    single = checkpoint.potential()  # with the networks, as the file has them
    unseen, same = (gather(samples(part), folder) for part in TESTS)
    errors = predictions(single, unseen, prepared.shifts).force_errors
    score = fit_extrapolation(single, prepared.part("training"), unseen, errors)
    about = {name: value for name, value in checkpoint.metadata.items() if name not in ("elements", "parameters")}
    save_potential(model, single, {f"extrapolation/{k}": v for k, v in score.arrays().items()}, **about)
    found: dict[str, dict[str, Any]] = {"origin": _origin(recipe, prepared)}
    production: Any = load_potential(model)
    options: dict[str, Any] = {"survivors": SURVIVORS, "duration": duration, "walkers": walkers}
    for part in judge(double, production, prepared, unseen, same, **options):
        found[part.name] = part.values
        yield part
    model.with_suffix(".json").write_text(json.dumps(found, indent=1))
    model.with_suffix(".md").write_text(examination_text(found))


def _origin(recipe: Recipe, prepared: Prepared) -> dict[str, Any]:
    return {
        "recipe": recipe.name,
        "level": prepared.dataset.level,
        "structures": len(np.unique(prepared.dataset.energies)),  # copies have the same energy to the last bit
        "molecules": len(np.unique(prepared.dataset.molecules)),
        "steps": sum(stage.fit.steps for stage in recipe.stages),
    }


def _warm(found: Predictions) -> dict[str, Any]:
    """Errors of room-temperature and warm dynamics alone, of all molecules and of each."""
    frames = np.isin(found.dataset.sources.astype(str), ROOM)
    names = found.dataset.molecules.astype(str)
    each = {name: dict(vars(scores(found, frames & (names == name)))) for name in np.unique(names[frames]).tolist()}
    return {"all": dict(vars(scores(found, frames))), "molecules": each} if frames.any() else {}


def _rounding(double: So3krates | So3lr, single: So3krates | So3lr, data: Dataset) -> dict[str, float]:
    """Largest differences between single and double precision, eV and eV/Å."""
    one, two = predictions(double, data), predictions(single, data)
    return {
        "energy": float(np.abs(one.energies - two.energies).max()),
        "forces": float(np.abs(one.forces - two.forces).max()),
    }


def _survival(potential: So3krates | So3lr, name: str, duration: float, walkers: int) -> dict[str, Any]:
    molecule = load_molecule(name)
    made: dict[str, Any] = {"drift": energy_drift(potential, molecule, duration=min(10.0, duration))}
    for temperature in TEMPERATURES:
        found = stability(potential, molecule, temperature=temperature, duration=duration, walkers=walkers)
        made[f"{temperature:g} K"] = {
            "intact": found.fraction,
            "walkers": walkers,
            "duration": duration,
            "survived": found.survived.tolist(),
        }
    return made
