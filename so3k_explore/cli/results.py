"""What a run found, as a JSON document and as a file of structures."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore import units
from so3k_explore.cli.terminal import say
from so3k_explore.jobs.learning_settings import LEARNING

if TYPE_CHECKING:
    from so3k_explore.jobs import Run, RunStatus

LOOP_FILES = {"model": "model.npz", "data_file": "data.npz", "report": "report.md"}
MOVING = ("walkers", "force_calls", "calls_per_second", "long_range_cutoff")


def result(run: "Run", status: "RunStatus") -> dict[str, Any]:
    """Summary of a run: what was asked, how it went, what came out."""
    seconds = max(0.0, status.updated - (status.started or status.updated))
    rate = status.speed.get("calls_per_second")
    summary: dict[str, Any] = {
        "run": run.id,
        "folder": str(run.folder),
        "kind": run.kind,
        "state": status.state,
        "message": status.message,
        "molecule": run.molecule.name,
        "formula": run.molecule.formula,
        "model": run.model,
        "precision": run.precision,
        "long_range_cutoff": run.long_range_cutoff,
        "device": status.device,
        "seed": getattr(run.settings, "seed", None),
        "walkers": status.walkers,
        "force_calls": status.calls,
        "seconds": round(seconds, 3),
        "calls_per_second": rate if rate is not None else status.calls / seconds if seconds else None,
    }
    if run.kind in LEARNING:  # steps are no force calls of walkers
        summary = {name: value for name, value in summary.items() if name not in MOVING}
    return summary | _FOUND[run.kind](run, status)


def _dynamics(run: "Run", status: "RunStatus") -> dict[str, Any]:
    series = run.series()
    half = len(series["time_fs"]) // 2
    temperature = series.get("temperature", np.zeros((0, 1)))[half:]
    return {
        "steps": status.step,
        "time_ps": status.time_fs / 1000,
        "ns_per_day": status.speed.get("ns_per_day"),
        "frames": len(series["time_fs"]),
        "mean_temperature": float(np.nanmean(temperature)) if temperature.size else None,
    }


def _relaxation(run: "Run", status: "RunStatus") -> dict[str, Any]:
    series = run.series()
    last = {name: float(series[name][-1, 0]) for name in ("energy", "max_force", "rmsd") if len(series.get(name, ()))}
    return {"steps": status.step, **last}


def _minima(run: "Run", status: "RunStatus") -> dict[str, Any]:
    from so3k_explore.exploration.coverage import estimate_coverage

    landscape = run.landscape()
    minima = None if landscape is None else landscape.minima()
    energies = np.zeros(0) if minima is None else np.sort(minima.energies)
    coverage = estimate_coverage([] if minima is None else minima.visits)
    return {
        "n_minima": len(energies),
        "estimated_minima": coverage.estimated_minima,
        "estimated_minima_95": list(coverage.interval),
        "unseen_probability": coverage.unseen_probability,
        "lowest_energy": float(energies[0]) if len(energies) else None,
        "energies": energies.tolist(),
        "relative_energies_kcal_mol": ((energies - energies[:1].sum()) / units.KCAL_PER_MOL).tolist(),
    }


def _training(run: "Run", status: "RunStatus") -> dict[str, Any]:
    left_out = ("phase", "loss", "force_error", "energy_error", "learning_rate", "since_best", "model")
    model = run.folder / "model.npz"
    return {
        "steps": status.step,
        "steps_per_second": status.speed.get("steps_per_second"),
        **{
            f"fit_{name}" if name == "seconds" else name: v
            for name, v in status.details.items()
            if name not in left_out
        },
        "model_file": str(model) if model.is_file() else None,
    }


def _labelling(run: "Run", status: "RunStatus") -> dict[str, Any]:
    from so3k_explore.io.datasets import load_dataset

    file = run.folder / "data.npz"
    data = load_dataset(file) if file.is_file() else None
    return {
        "frames": 0 if data is None else len(data),
        "atoms": 0 if data is None else len(data.numbers),
        "molecules": 0 if data is None else len(set(data.molecules.tolist())),
        **{name: status.details.get(name) for name in ("level", "failed", "problems")},
        "data_file": None if data is None else str(file),
    }


def _loop(run: "Run", status: "RunStatus") -> dict[str, Any]:
    place = lambda name: str(path) if (path := run.folder / name).is_file() else None
    told = {name: status.details.get(name, []) for name in ("rounds", "labelled", "failed", "level")}
    return {
        "steps": status.step,
        **told,
        **{name: place(file) for name, file in LOOP_FILES.items()},
    }


def _details(run: "Run", status: "RunStatus") -> dict[str, Any]:
    """What a run on the landscape of another one tells about itself."""
    return {"landscape": run.landscape_run, **status.details}


_FOUND = {
    **{"dynamics": _dynamics, "relax": _relaxation, "minima": _minima, "train": _training},
    **{"label": _labelling, "loop": _loop},
    **dict.fromkeys(("saddles", "recheck", "vibrations"), _details),
}


def write_output(run: "Run", path: Path) -> None:
    """Writes the minima by energy, the last structure of every walker, the model of a fit, or a data set.

    Raises:
        ValueError: the format cannot be told from the name.
    """
    import jax.numpy as jnp

    from so3k_explore.io.export import write_structures

    if run.kind == "label":
        _write_labels(run, path)
        return
    if run.kind in LEARNING:
        _write_model(run, path)
        return
    system = run.molecule.system
    if run.kind == "minima":
        minima = run.landscape().minima()
        order = np.argsort(minima.energies)
        positions, energies = minima.positions[order], minima.energies[order]
    else:
        live = run.live()
        if live is None or "energy" not in live.scalars:  # the run ended before its first force call
            return
        positions, energies = live.positions, live.scalars["energy"]
    dtype = system.positions.dtype
    systems = [system.replace(positions=jnp.asarray(frame, dtype)) for frame in positions]
    write_structures(path, systems, energies=energies)


def _write_labels(run: "Run", path: Path) -> None:
    from so3k_explore.cli.data import write_dataset
    from so3k_explore.io.datasets import load_dataset

    file = run.folder / "data.npz"
    if file.is_file():
        write_dataset(path, load_dataset(file))
    else:
        say("There is no data set: not one structure got a label.")


def _write_model(run: "Run", path: Path) -> None:
    from so3k_explore.potentials.checkpoints import load_checkpoint, save_checkpoint

    model = run.folder / "model.npz"
    if not model.is_file():
        when = "the first validation" if run.kind == "train" else "the first round"
        say(f"There is no model yet: {when} has not been reached.")
    else:
        save_checkpoint(path, load_checkpoint(model))
