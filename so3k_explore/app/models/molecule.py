"""The molecule that the next run starts from: how it was named, what was read, what is wrong with it."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import param

from so3k_explore.app.models.background import Background
from so3k_explore.app.models.display import MINUS, counted

if TYPE_CHECKING:
    from so3k_explore.io.checks import Problem
    from so3k_explore.io.structures import Molecule


class MoleculeModel(param.Parameterized):
    """Reads what a person types, pastes or uploads; says in a sentence why it could not."""

    text = param.String(
        "",
        label="Name, SMILES or sequence",
        doc="A name from the library (ala3, aspirin, lj13), SMILES (CCO), or a capped peptide (Ac-AAA-NHMe).",
    )
    charge = param.Integer(None, allow_None=True, label="Charge / e", doc="Total charge; empty: as the molecule says.")
    multiplicity = param.Integer(
        None,
        allow_None=True,
        bounds=(1, 12),
        label="Multiplicity",
        doc="Unpaired electrons plus one; empty: as the molecule says.",
    )
    frame = param.Integer(None, allow_None=True, doc="Which structure of a file that has several, from 0.")
    frames = param.List([], item_type=str, doc="One line for each structure of such a file.")
    molecule = param.Parameter(None, doc="The `Molecule`, once read.")
    problems = param.List([], doc="What is wrong with it, as `Problem`s.")
    error = param.String("", doc="Why the last input could not be read.")

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._read: Callable[..., Molecule] | None = None
        self._check: tuple[Any, str, bool] = (None, "cpu", True)

    def open_text(self, text: str) -> None:
        """Reads a name, SMILES string, sequence or path."""
        if text.strip():
            self._open(partial(_from_text, text.strip()), f"building {text.strip()[:40]}", text.strip())

    def open_file(self, content: bytes, filename: str) -> None:
        """Reads an uploaded or pasted file."""
        self._open(partial(_from_file, content, filename), f"reading {filename}", "")

    def show(self, molecule: "Molecule", text: str = "") -> None:
        """Takes a molecule that is there already."""
        self._read = lambda **_: molecule
        with param.parameterized.discard_events(self):
            self.param.update(frame=None, charge=None, multiplicity=None)
        self.param.update(molecule=molecule, text=text, frames=[], error="", problems=[])

    def check(self, elements: Any, device: str, *, ions: bool = True) -> None:
        """Looks for problems on this device, with a model for these elements (None: any), and for ions or not."""
        self._check = (elements, device, ions)
        if self.molecule is not None:
            self.problems = _problems(self.molecule, elements, device, ions=ions)

    @property
    def obstacle(self) -> str:
        """Why no run can start from this molecule; empty if one can."""
        if self.molecule is None:
            return self.error or "Choose a molecule first."
        return next((problem.message for problem in self.problems if problem.severity == "error"), "")

    @property
    def summary(self) -> str:
        """One line: `42 atoms · C₁₂H₂₂N₄O₄ · charge 0 · 8 torsions`."""
        molecule = self.molecule
        return "" if molecule is None else summary(molecule)

    @param.depends("charge", "multiplicity", "frame", watch=True)
    def _reread(self) -> None:
        if self._read is not None:
            self._start("reading the molecule")

    def _open(self, read: "Callable[..., Molecule]", label: str, text: str) -> None:
        self._read = None
        self.param.update(text=text, frame=None, frames=[], charge=None, multiplicity=None, error="")
        self._read = read
        self._start(label)

    def _start(self, label: str) -> None:
        read, (elements, device, ions) = self._read, self._check
        wanted = {"charge": self.charge, "multiplicity": self.multiplicity, "frame": self.frame}

        def work() -> "tuple[Molecule, list[Problem]]":
            molecule = read(**wanted)  # pyright: ignore[reportOptionalCall]
            return molecule, _problems(molecule, elements, device, ions=ions)

        self._background.start("molecule", label, work, self._take, self._fail)

    def _take(self, result: "tuple[Molecule, list[Problem]]") -> None:
        molecule, problems = result
        self.param.update(molecule=molecule, problems=problems, error="")

    def _fail(self, error: Exception) -> None:
        from so3k_explore.io.structures import SeveralFramesError

        if isinstance(error, SeveralFramesError):
            self.frames = [f"{number + 1}: {line}" for number, line in enumerate(error.summaries)]
            self.frame = 0
        else:
            self.error = str(error)


def summary(molecule: "Molecule") -> str:
    """Size, formula, charge and torsions in one line."""
    charge = round(molecule.charge)
    parts = [
        counted(molecule.n_atoms, "atom"),
        molecule.formula_text,
        f"charge {MINUS if charge < 0 else '+' if charge > 0 else ''}{abs(charge)}",
    ]
    if molecule.multiplicity > 1:
        parts.append(f"multiplicity {molecule.multiplicity}")
    parts.append(counted(len(molecule.torsions), "torsion") if len(molecule.torsions) else "no torsions")
    return " · ".join(parts)


def _problems(molecule: "Molecule", elements: Any, device: str, *, ions: bool) -> "list[Problem]":
    from so3k_explore.io.checks import check_system

    return list(check_system(molecule, elements, device=device, ions=ions))


def _from_text(text: str, **wanted: Any) -> "Molecule":
    from so3k_explore.io.structures import load_molecule

    return load_molecule(text, **wanted)


def _from_file(content: bytes, filename: str, **wanted: Any) -> "Molecule":
    from so3k_explore.io.structures import parse_molecule

    return parse_molecule(content, filename, **wanted)
