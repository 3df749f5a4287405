"""Potentials by name: the bundled and the registered ones, those in the cache or in folders of the user, and any file.

Two environment variables: ``SO3K_HOME`` is the root of the cache, ``SO3K_MODELS`` lists further folders (each a model
itself or holding models). Importing this module and listing models loads no framework.
"""

import logging
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from so3k_explore.potentials.errors import CheckpointError as CheckpointError
from so3k_explore.potentials.errors import ModelNotFoundError as ModelNotFoundError
from so3k_explore.potentials.model_files import MODEL_FILES, summarise
from so3k_explore.potentials.published import NOBLE_GASES, PUBLISHED

if TYPE_CHECKING:
    from so3k_explore.potentials.protocol import Potential

logger = logging.getLogger(__name__)

LENNARD_JONES = "lennard-jones"
PRETRAINED = Path(__file__).parent / "pretrained"  # models trained by this project


@dataclass(frozen=True)
class ModelInfo:
    """What is known about a model without loading it."""

    name: str
    kind: str
    installed: bool
    path: Path | None
    elements: tuple[int, ...] | None  # None: any
    description: str
    parameters: int
    long_range_cutoff: float  # Å, unless another is asked for; 0: no long-range terms, inf: all pairs
    licence: str = ""
    ions: bool = True  # whether it knows total charges and unpaired electrons
    published: bool = False  # whether the numbers are known to be those its authors have published

    @property
    def charges(self) -> bool:
        """Whether it knows partial charges, and with them dipole moments."""
        return self.kind == "so3lr"


def load_potential(
    name_or_path: str | Path,
    precision: str = "float32",
    long_range_cutoff: float | None = None,
    *,
    exact: bool = False,
) -> "Potential":
    """A potential, ready to be asked.

    In single precision filters that depend on a distance alone are series (`potentials.compression`), which is quicker
    and about as right: forces within 5e-5 eV/Å of those in double precision, where networks are within 2e-5.

    Args:
        name_or_path: a registered name, or a checkpoint file or folder.
        precision: "float32" or "float64"; the latter switches JAX to double precision.
        long_range_cutoff: radius of electrostatics and dispersion, Å; None for all pairs.
        exact: with the networks themselves, as they were trained; double precision always has them.

    Raises:
        ModelNotFoundError: no such model, or it is not on this machine.
        CheckpointError: the model cannot be read.
    """
    if precision not in ("float32", "float64"):
        raise ValueError(f'`precision` must be "float32" or "float64", got {precision!r}.')
    if precision == "float64":
        import jax

        jax.config.update("jax_enable_x64", True)
    if str(name_or_path) == LENNARD_JONES:
        from so3k_explore.potentials.lennard_jones import LennardJones

        return LennardJones()
    path = _resolve(name_or_path)
    from so3k_explore.potentials.checkpoints import load_checkpoint

    potential = load_checkpoint(path).potential(precision, long_range_cutoff)
    if exact or precision == "float64":
        return potential
    from so3k_explore.potentials.compression import compressed

    return compressed(potential)


def list_models() -> list[ModelInfo]:
    """All registered and installed models: Lennard-Jones, the bundled ones, the published ones, and others."""
    embedded = ModelInfo(
        name=LENNARD_JONES,
        kind=LENNARD_JONES,
        installed=True,
        path=None,
        elements=None,
        description="Lennard-Jones clusters in reduced units (1 Å, 1 eV)",
        parameters=2,
        long_range_cutoff=0.0,
    )
    found = dict(_installed())
    first = [*_bundled(), *PUBLISHED]
    names = [*first, *(name for name in found if name not in first)]
    return [embedded, *(info for name in names if (info := _describe(name, found.get(name))) is not None)]


def model_info(name: str | Path) -> ModelInfo:
    """What is known about a model, given by name, file or folder.

    Raises:
        ModelNotFoundError: there is none.
    """
    known = {info.name: info for info in list_models()}
    if str(name) in known:
        return known[str(name)]
    path = _resolve(name)
    info = _describe(_name_of(path), path)
    if info is None:
        raise ModelNotFoundError(f"{path} is not a model that can be read.")
    return info


def default_model(numbers: Iterable[int], *, charge: float | int = 0.0, spin: float | int = 0.0) -> str:
    """Name of the best installed model that knows all elements, and ions and radicals where there is one.

    Raises:
        ModelNotFoundError: none does.
    """
    wanted = {int(number) for number in numbers} - {0}
    models = [info for info in list_models() if info.name != LENNARD_JONES]
    covering = [info for info in models if info.elements is None or wanted <= set(info.elements)]
    if charge or spin:
        covering = [info for info in covering if info.ions] or covering
    for info in covering:
        if info.installed:
            return info.name
    if wanted <= set(NOBLE_GASES):
        return LENNARD_JONES
    if covering:
        name = covering[0].name
        raise ModelNotFoundError(f"The model {name} knows these elements, but is not on this machine. {_advice(name)}")
    from ase.data import chemical_symbols

    symbols = ", ".join(chemical_symbols[number] for number in sorted(wanted))
    raise ModelNotFoundError(f"No model knows all of the elements {symbols}. Add one: `so3k models add FILE`.")


def fetch_model(
    name: str, *, from_file: Path | str | None = None, progress: Callable[[float, str], None] | None = None
) -> Path:
    """Brings a published model into the cache, from the internet or from a file, and converts it to our format.

    A file whose numbers are not the published ones is taken, with a warning, and says so in its description.

    Raises:
        ModelNotFoundError: no published model has this name.
        DownloadError: no connection.
        CheckpointError: the file is not what it should be.
    """
    if name not in PUBLISHED:
        raise ModelNotFoundError(f"No published model is called {name!r}; there are: {', '.join(PUBLISHED)}.")
    from so3k_explore.potentials.checkpoints import load_checkpoint, save_checkpoint

    if from_file is not None:
        checkpoint = load_checkpoint(from_file)
        if not checkpoint.metadata.get("published"):
            logger.warning("%s does not hold the published parameters of %s", from_file, name)
    else:
        from so3k_explore.potentials.downloads import download

        facts = PUBLISHED[name]
        with tempfile.TemporaryDirectory() as folder:
            file = download(facts.url, Path(folder) / Path(facts.url).name, facts.sha256, progress)
            checkpoint = load_checkpoint(file)
    return save_checkpoint(_cache() / f"{name}.npz", checkpoint)


def add_model(path: Path | str, name: str | None = None) -> ModelInfo:
    """Copies a checkpoint file or folder into the cache, in our format, under `name` or its own name.

    Raises:
        CheckpointError: it cannot be read.
        ValueError: the name belongs to a registered model.
    """
    from so3k_explore.potentials.checkpoints import load_checkpoint, save_checkpoint

    path = Path(path)
    name = _name_of(path) if name is None else name
    checkpoint = load_checkpoint(path)
    if name in (LENNARD_JONES, *_bundled()) or (name in PUBLISHED and not checkpoint.metadata.get("published")):
        raise ValueError(f"The name {name!r} belongs to another model; give a name: `add_model(path, name=...)`.")
    save_checkpoint(_cache() / f"{name}.npz", checkpoint)
    return model_info(name)


def _resolve(name_or_path: str | Path) -> Path:
    """Where a model lies: registered and installed names first, then the file system."""
    installed = dict(_installed())
    if str(name_or_path) in installed:
        return installed[str(name_or_path)]
    if str(name_or_path) in PUBLISHED:
        raise ModelNotFoundError(f"The model {name_or_path} is not on this machine. {_advice(str(name_or_path))}")
    if Path(name_or_path).exists():
        return Path(name_or_path)
    known = ", ".join(dict.fromkeys([LENNARD_JONES, *_bundled(), *PUBLISHED, *installed]))
    raise ModelNotFoundError(f"There is no model, file or folder {str(name_or_path)!r}. Known models: {known}.")


def _advice(name: str) -> str:
    return (
        f"Fetch it: `so3k models get {name}` (2 MB; without internet add `--from-file params.pkl`), "
        "or name its folder in the environment variable SO3K_MODELS."
    )


def _describe(name: str, path: Path | None) -> ModelInfo | None:
    facts = PUBLISHED.get(name)
    if path is not None:
        try:
            about = summarise(path)
        except (CheckpointError, OSError) as error:
            logger.warning("ignoring the model %s: %s", path, error)
            path = None
        else:
            return ModelInfo(
                name=name,
                kind=about.kind,
                installed=True,
                path=path,
                elements=about.elements,
                description=about.description,
                parameters=about.parameters,
                long_range_cutoff=math.inf if about.kind == "so3lr" else 0.0,
                licence=PUBLISHED[about.kind].licence if about.published and about.kind in PUBLISHED else about.licence,
                ions=about.ions,
                published=about.published,
            )
    if facts is None:
        return None
    return ModelInfo(
        name=name,
        kind=facts.kind,
        installed=False,
        path=None,
        elements=facts.elements,
        description=facts.description,
        parameters=facts.parameters,
        long_range_cutoff=math.inf,
        licence=facts.licence,
        published=True,
    )


def _cache() -> Path:
    if home := os.environ.get("SO3K_HOME"):
        return Path(home) / "models"
    from platformdirs import user_cache_path

    return user_cache_path("so3k-explore", appauthor=False) / "models"


def _installed() -> Iterator[tuple[str, Path]]:
    """Names and places of models on this machine; where names repeat, the last one counts, the bundled at the end."""
    extra = [Path(folder) for folder in os.environ.get("SO3K_MODELS", "").split(os.pathsep) if folder]
    for folder in [*extra, _cache(), PRETRAINED]:
        if not folder.is_dir():
            continue
        if _is_model(folder):
            yield folder.name, folder
            continue
        for child in sorted(folder.iterdir()):
            if _is_model(child) or (child.suffix == ".npz" and not child.name.startswith(".")):
                yield _name_of(child), child


def _bundled() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.stem for path in PRETRAINED.glob("*.npz"))


def _is_model(folder: Path) -> bool:
    return folder.is_dir() and any((folder / name).is_file() for name in MODEL_FILES)


def _name_of(path: Path) -> str:
    if path.is_dir():
        return path.resolve().name
    return path.resolve().parent.name if path.name in MODEL_FILES else path.stem
