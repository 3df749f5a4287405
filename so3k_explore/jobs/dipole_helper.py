"""Dipole moments of conformers for a page, computed in a process of its own, as single points are."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from so3k_explore.io.molecule import Molecule
from so3k_explore.jobs.single_point import Helper, Question, SinglePointError, answer_questions, known_potential


@dataclass(frozen=True)
class DipoleQuestion:
    """Which conformers of a molecule are asked about."""

    structure: Question  # the molecule, and the model
    positions: list[list[list[float]]]  # (conformers, atoms, 3), Å

    @classmethod
    def about(cls, molecule: Molecule, model: str, positions: np.ndarray, **options: Any) -> "DipoleQuestion":
        """About conformers of a molecule; `options` are those of `Question`."""
        return cls(Question.about(molecule, model, **options), np.asarray(positions, float).round(6).tolist())


def evaluate(question: DipoleQuestion) -> np.ndarray:
    """Magnitudes in debye (conformers,), about the centre of mass; computed in this process.

    Raises:
        ValueError: the model has no charges, or the molecule lies in a cell.
    """
    from so3k_explore.analysis.dipoles import dipole_moments, in_debye

    with known_potential(question.structure) as (potential, system):
        return in_debye(dipole_moments(potential, system, np.asarray(question.positions)))


def _answer(line: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
        return {"debye": evaluate(DipoleQuestion(Question(**content["structure"]), content["positions"])).tolist()}
    except Exception as error:  # whatever it is, the page says it and goes on
        return {"error": str(error) or type(error).__name__}


def _parsed(answer: str) -> np.ndarray:
    content = json.loads(answer)
    if "error" in content:
        raise SinglePointError(content["error"])
    return np.asarray(content["debye"], float)


dipole_answers = Helper("so3k_explore.jobs.dipole_helper", _parsed, kept=1)
"""The helper of this process."""


if __name__ == "__main__":
    answer_questions(_answer)
