"""``so3k show``: a molecule or a run in a few lines."""

import argparse
from pathlib import Path
from typing import Any

from so3k_explore.cli.options import add_folder, add_json, add_molecule, read_molecule
from so3k_explore.cli.terminal import describe, show, show_json


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """What to describe."""
    add_molecule(parser)
    add_folder(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Describes a run when there is one of that id, else a molecule."""
    summary = _run_summary(arguments) or _molecule_summary(arguments)
    if arguments.json:
        show_json(summary)
    else:
        show("\n".join(f"{key.replace('_', ' ')}: {_words(value)}" for key, value in summary.items()))
    return 0


def _run_summary(arguments: argparse.Namespace) -> dict[str, Any] | None:
    from so3k_explore.jobs import RunNotFoundError, Runs
    from so3k_explore.jobs.runs import default_root

    root = arguments.runs or default_root()
    if not Path(root).is_dir() or len(arguments.molecule) < 4:
        return None
    try:
        found = Runs(root).get(arguments.molecule)
    except RunNotFoundError:
        return None
    status = found.status()
    return {
        "run": found.id,
        "folder": str(found.folder),
        "kind": found.kind,
        "molecule": found.molecule.name,
        "formula": found.molecule.formula,
        "model": found.model,
        "state": describe(status),
        "message": status.message,
        "device": status.device,
        "settings": found.settings.to_json(),
        "events": [event["message"] for event in found.events() if event.get("message")][-10:],
    }


def _molecule_summary(arguments: argparse.Namespace) -> dict[str, Any]:
    from so3k_explore.io.checks import check_system

    molecule = read_molecule(arguments)
    return {
        "name": molecule.name,
        "source": molecule.source,
        "formula": molecule.formula,
        "atoms": molecule.n_atoms,
        "charge": molecule.charge,
        "multiplicity": molecule.multiplicity,
        "bonds": len(molecule.bonds),
        "rotatable_torsions": len(molecule.torsions),
        "residues": len(molecule.residues),
        "notes": list(molecule.notes),
        "problems": [problem.message for problem in check_system(molecule, None)],
    }


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items() if item is not None)
    if isinstance(value, list):
        return "\n  ".join(["", *map(str, value)]) if value else "none"
    return str(value)
