"""What a page wants to know about attention, computed in a process of its own, as single points are.

Answers hold arrays: they travel as one archive of NumPy in a line of JSON.
"""

import base64
import io
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from so3k_explore.analysis.attention_coefficients import Attention, Channel
from so3k_explore.analysis.attention_families import AttentionSpace
from so3k_explore.analysis.attention_verdict import Agreement
from so3k_explore.io.molecule import Molecule
from so3k_explore.jobs.single_point import Helper, Question, SinglePointError, answer_questions, known_potential

KEPT = 6  # answers remembered
ATTENTION, FAITHFULNESS, FAMILIES = "attention", "faithfulness", "families"
LARGEST = 150  # atoms of which second derivatives are computed for a page


@dataclass(frozen=True)
class AttentionQuestion:
    """What is asked about one structure, or about all minima of a landscape."""

    what: str  # ATTENTION, FAITHFULNESS or FAMILIES
    structure: Question  # the model, and the structure
    bonds: list[list[int]]
    landscape: str = ""  # its file, for FAMILIES
    minima: int = 0  # how many it has, so that more of them make another question
    channel: dict[str, Any] | None = None  # fields of `Channel`, for FAMILIES
    reduction: str = "heavy atoms"  # for FAMILIES

    @classmethod
    def about(
        cls, what: str, molecule: Molecule, model: str, positions: np.ndarray | None = None, **options: Any
    ) -> "AttentionQuestion":
        """About a molecule at positions (atoms, 3) in Å; `options` are those of `Question` and the other fields."""
        asked = {name: options.pop(name) for name in ("precision", "long_range_cutoff") if name in options}
        structure = Question.about(molecule, model, positions=positions, **asked)
        return cls(what, structure, molecule.bonds.tolist(), **options)


@dataclass(frozen=True, eq=False)
class Families:
    """All minima of a landscape by what is attended to."""

    ids: np.ndarray  # (minima,) numbers
    maps: np.ndarray  # (minima, blocks, blocks)
    names: tuple[str, ...]  # of the blocks
    space: AttentionSpace
    agreement: dict[str, tuple[float, float, int]]  # adjusted Rand index, p-value and clusters of other labellings


def evaluate(question: AttentionQuestion) -> "Attention | tuple[Agreement, ...] | Families":
    """The answer, computed in this process.

    Raises:
        TypeError: the model has no attention.
        ValueError: the molecule is too large for second derivatives, or there are too few minima.
    """
    from so3k_explore.analysis.attention import attention
    from so3k_explore.analysis.attention_faithfulness import faithfulness

    with known_potential(question.structure) as (potential, system):
        if question.what == ATTENTION:
            return attention(potential, system)
        if question.what == FAMILIES:
            return _families(question, potential)
        if system.n_atoms > LARGEST:
            raise ValueError(
                f"For {system.n_atoms} atoms second derivatives take too long here: the page compares attention with "
                f"them up to {LARGEST} atoms. In Python, `faithfulness(potential, system)` has no limit."
            )
        return faithfulness(potential, system, np.asarray(question.bonds, int).reshape(-1, 2)).table


def _families(question: AttentionQuestion, potential: Any) -> Families:
    from so3k_explore.exploration.attention import agreements, landscape_attention
    from so3k_explore.exploration.landscape import Landscape

    with Landscape.open(question.landscape, create=False) as landscape:
        channel = Channel(**(question.channel or {"quantity": "magnitude"}))
        seen = landscape_attention(landscape, potential, channel=channel, reduction=question.reduction)
        compared = agreements(landscape, seen)
    agreement = {name: (one.rand, one.p_value, len(one.columns)) for name, one in compared.items()}
    return Families(seen.ids, seen.maps, seen.blocks.names, seen.space, agreement)


def _answer(line: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
        found = evaluate(AttentionQuestion(**{**content, "structure": Question(**content["structure"])}))
    except Exception as error:  # whatever it is, the page says it and goes on
        return {"error": str(error) or type(error).__name__}
    if isinstance(found, Attention):
        return {"atoms": found.atoms, "degrees": found.degrees, "arrays": _packed(found.__dict__)}
    if isinstance(found, Families):
        arrays = {"ids": found.ids, "maps": found.maps, **found.space.__dict__}
        return {"names": found.names, "agreement": found.agreement, "arrays": _packed(arrays)}
    return {"table": [asdict(row) for row in found]}


def _parsed(answer: str) -> Any:
    content = json.loads(answer)
    if "error" in content:
        raise SinglePointError(content["error"])
    if "table" in content:
        return tuple(Agreement(**row) for row in content["table"])
    arrays = _unpacked(content["arrays"])
    if "names" in content:
        ids, maps = arrays.pop("ids"), arrays.pop("maps")
        agreement = {name: (row[0], row[1], row[2]) for name, row in content["agreement"].items()}
        return Families(ids, maps, tuple(content["names"]), AttentionSpace(**arrays), agreement)
    return Attention(atoms=content["atoms"], degrees=tuple(content["degrees"]), **arrays)


def _packed(fields: dict[str, Any]) -> str:
    file = io.BytesIO()
    arrays: dict[str, Any] = {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
    np.savez(file, **arrays)
    return base64.b64encode(file.getvalue()).decode()


def _unpacked(text: str) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False) as archive:
        return dict(archive)


_MODULE = "so3k_explore.jobs.attention_helper"
attention_answers = Helper(_MODULE, _parsed, kept=KEPT)
"""The helper for what is ready at once."""
slow_answers = Helper(_MODULE, _parsed, kept=KEPT)
"""Another one for faithfulness and families, which take seconds to minutes."""


if __name__ == "__main__":
    answer_questions(_answer)
