"""Which model computes the forces, which are installed, and how to get the ones that are not."""

import itertools
import re
from collections.abc import Callable, Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import param

from so3k_explore.app.models.background import Background
from so3k_explore.app.models.display import counted
from so3k_explore.jobs.job import SHORTEST_LONG_RANGE

if TYPE_CHECKING:
    from so3k_explore.io.molecule import Molecule
    from so3k_explore.jobs.single_point import Question
    from so3k_explore.potentials.registry import ModelInfo


PAIR = "lennard-jones"
FETCHING = "model file"  # key of the task that brings a model here


class PotentialModel(param.Parameterized):
    """The choice of a model among those the registry knows."""

    models = param.List([], doc="Every model the registry knows, as `ModelInfo`.")
    name_ = param.Selector(default=None, objects=[None], allow_None=True, label="Model", doc="Computes the forces.")
    precision = param.Selector(
        default="float32",
        objects=["float32", "float64"],
        label="Precision",
        doc="float32 is fast and right for dynamics; float64 for references and frequencies.",
    )
    long_range_cutoff = param.Number(
        None,
        allow_None=True,
        bounds=(SHORTEST_LONG_RANGE, None),
        inclusive_bounds=(False, True),
        label="Long-range cutoff / Å",
        doc="Radius of electrostatics and dispersion. A finite one is faster for large molecules and changes energies.",
    )
    error = param.String("", doc="What went wrong while getting a model, and what to do.")

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._late: Molecule | None = None  # came while a model was being fetched
        self._proposed: str | None = None  # the latest choice that was not the user's

    def look(self, molecule: "Molecule | None" = None) -> None:
        """Lists the models anew; a new molecule gets the best installed one, unless the user's choice suits it."""
        if self._background.busy(FETCHING):
            self._late = molecule
            return
        chosen = self.name_ if self.name_ != self._proposed else None

        def work() -> "tuple[list[ModelInfo], str | None]":
            from so3k_explore.potentials import registry

            models = list(registry.list_models())
            if molecule is None or any(model.name == chosen and _suits(model, molecule) for model in models):
                return models, None
            return models, _default(molecule)

        def take(result: "tuple[list[ModelInfo], str | None]") -> None:
            self._proposed = result[1] or self._proposed
            self._take(result)

        self._background.start("models", "looking for models", work, take, self._fail)

    def get(self, name: str) -> None:
        """Downloads a model's weights into the user's cache, and chooses it."""
        self.error = ""

        def work() -> Any:
            from so3k_explore.potentials import registry

            registry.fetch_model(name, progress=self._background.report)
            return list(registry.list_models()), name

        self._background.start(FETCHING, f"getting {name}", work, self._fetched, self._fail)

    def open_file(self, content: bytes, filename: str) -> None:
        """Takes an uploaded file for the weights that are wanted, or else adds it to the user's models; chooses it."""
        self.error = ""
        wanted = None if self.wanted is None else self.wanted.name
        taken = {model.name for model in self.models}
        self._background.start(
            FETCHING,
            f"reading {filename}",
            lambda: _installed(content, filename, wanted, taken),
            self._fetched,
            self._fail,
        )

    def add(self, path: Path, name: str, done: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        """Copies a model to those of the user under a new name, and chooses it.

        `failed` hears a ValueError when the name is taken, or why the file cannot be read.
        """

        def work() -> Any:
            from so3k_explore.potentials import registry

            if name in {model.name for model in registry.list_models()}:
                raise ValueError(f"There is a model called {name} already. Choose another name.")
            registry.add_model(path, name)
            return list(registry.list_models()), name

        def take(result: Any) -> None:
            self._fetched(result)
            done()

        self._background.start(FETCHING, f"adding {name}", work, take, failed)

    @property
    def info(self) -> "ModelInfo | None":
        """The chosen model."""
        return next((model for model in self.models if model.name == self.name_), None)

    @property
    def has_long_range(self) -> bool:
        """Whether the chosen model has terms that `long_range_cutoff` ends."""
        return self.info is not None and self.info.long_range_cutoff > 0

    @property
    def cutoff(self) -> float | None:
        """The long-range cutoff that applies to the chosen model, Å; None: all pairs, or no such terms."""
        return None if self.long_range_cutoff is None or not self.has_long_range else float(self.long_range_cutoff)

    @property
    def has_network(self) -> bool:
        """Whether any model beyond the pair potential is installed."""
        return any(model.installed and model.kind != PAIR for model in self.models)

    @property
    def wanted(self) -> "ModelInfo | None":
        """The model to offer for download: the chosen one, or any network while there is none."""
        if self.info is not None and not self.info.installed:
            return self.info
        missing = [model for model in self.models if not model.installed]
        return missing[0] if missing and not self.has_network else None

    @property
    def notice(self) -> str:
        """What to know about the choice there is; empty if nothing."""
        if not self.models or self.has_network:
            return ""
        return (
            "No SO3krates model is installed yet: the page opens with Lennard-Jones clusters in reduced units "
            "(1 Å, 1 eV). Get SO3LR (2 MB), or choose its file params.pkl."
        )

    @property
    def obstacle(self) -> str:
        """Why no run can use this model; empty if one can."""
        if self.info is None:
            return "Choose a model first."
        return "" if self.info.installed else f"{self.info.name} is not installed here yet. Get it in card 2."

    def question(self, molecule: "Molecule", positions: Any = None) -> "Question":
        """What this model is asked about a molecule, at other positions (atoms, 3) in Å if these are given."""
        from so3k_explore.jobs.single_point import Question

        return Question.about(
            molecule,
            str(self.name_),
            positions=positions,
            precision=str(self.precision),
            long_range_cutoff=self.cutoff,
        )

    def label(self, model: "ModelInfo") -> str:
        """The model's line in the list of choices, with why it cannot be used."""
        return model.name if model.installed else f"{model.name} (not installed)"

    def _take(self, result: "tuple[list[ModelInfo], str | None]") -> None:
        models, name = result
        names = [model.name for model in models]
        self.param.name_.objects = [None, *names]
        chosen = name if name in names else self.name_ if self.name_ in names else None
        with param.parameterized.discard_events(self):
            self.models = []
        self.param.update(models=models, name_=chosen, error="")

    def _fetched(self, result: "tuple[list[ModelInfo], str | None]") -> None:
        self._take(result)
        if self._late is not None:
            late, self._late = self._late, None
            self.look(late)

    def _fail(self, error: Exception) -> None:
        self.error = str(error)


def _installed(
    content: bytes, filename: str, wanted: str | None, taken: Collection[str]
) -> "tuple[list[ModelInfo], str]":
    """All models and the name of the one that was in the file: `wanted`, or the file's, made different from `taken`."""
    from so3k_explore.potentials import registry

    with TemporaryDirectory() as folder:
        path = Path(folder) / Path(filename.replace("\\", "/")).name
        path.write_bytes(content)
        if wanted is not None:
            registry.fetch_model(wanted, from_file=path)
            return list(registry.list_models()), wanted
        stem = re.sub(r"[^\w.+-]+", "-", path.stem).strip(".-") or "model"
        numbered = (f"{stem}-{number}" for number in itertools.count(2))
        name = next(name for name in itertools.chain([stem], numbered) if name not in taken)
        registry.add_model(path, name)
        return list(registry.list_models()), name


def _suits(model: "ModelInfo", molecule: "Molecule") -> bool:
    """Whether a model is here, and knows the elements of a molecule and its charge and spin."""
    known = model.elements is None or set(molecule.numbers.tolist()) <= set(model.elements)
    return model.installed and model.kind != PAIR and known and (model.ions or not _charged(molecule))


def _charged(molecule: "Molecule") -> bool:
    return bool(molecule.charge) or molecule.multiplicity != 1


def _default(molecule: "Molecule") -> str | None:
    """The best installed model for a molecule, else one that could be installed."""
    from so3k_explore.potentials import registry

    numbers = set(molecule.numbers.tolist())
    try:
        return registry.default_model(numbers, charge=molecule.charge, spin=molecule.multiplicity - 1)
    except registry.ModelNotFoundError:
        models = registry.list_models()
        return next((m.name for m in models if m.elements is not None and numbers <= set(m.elements)), None)


def described(model: "ModelInfo") -> str:
    """What the model is, how large, and for which elements."""
    from ase.data import chemical_symbols

    parts = [model.description.rstrip(".") + "."] if model.description else []
    if model.parameters:
        parts.append(f"{counted(model.parameters, 'parameter')}.")
    if model.elements:
        parts.append(f"Elements: {' '.join(chemical_symbols[number] for number in model.elements)}.")
    return " ".join(parts)
