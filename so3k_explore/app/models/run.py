"""What the next run is to do: one form for each kind of run, made from its settings class."""

import dataclasses
import types
import typing
from typing import TYPE_CHECKING, Any

import param

from so3k_explore.app.models.molecule import MoleculeModel
from so3k_explore.app.models.potential import PAIR, PotentialModel

if TYPE_CHECKING:
    from so3k_explore.jobs.setting import Settings

PAIR_FACTOR = 5.0
KINDS = {"dynamics": "Dynamics", "minima": "Minima", "relax": "Relax"}
VERBS = {"dynamics": "Run dynamics", "minima": "Find minima", "relax": "Relax"}
BASICS = {
    "dynamics": ("walkers", "temperature", "duration"),
    "minima": ("walkers", "temperature", "minima"),
    "relax": ("force_tolerance", "max_steps"),
}
LABELS = {
    "minima": "Minima wanted",
    "max_calls": "Most force calls",
    "minutes": "Longest time",
    "coverage": "Share to be known",
    "window": "Known up to",
    "nve": "none (constant energy)",
    "chirality": "Mirror images",
    "merge": "one minimum",
    "same": "two minima",
    "mirror": "two, each knows the other",
    "molecules": "Batch size",
    "huber": "Huber limit",
    "validation": "Validation share",
    "test": "Test share",
    "held_out": "Held-out molecules",
    "record": "Record for spectra",
    "structures": "Most structures",
    "picks": "Picks each round",
    "frames": "Frames each walker",
    "interval": "Frame interval",
}


class Form(param.Parameterized):
    """Base of the forms: parameters with the names, defaults, bounds and help of a settings class."""

    settings_class: Any = None

    def settings(self) -> "Settings":
        """The filled form.

        Raises:
            ValueError: the values do not fit together.
        """
        names = [field.name for field in dataclasses.fields(self.settings_class)]
        values = {name: getattr(self, name) for name in names}
        return self.settings_class(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        )

    def fill(self, settings: "Settings") -> None:
        """Takes over the values of settings."""
        values = {name: getattr(settings, name) for name in self.names()}
        self.param.update(**{name: list(v) if isinstance(v, tuple) else v for name, v in values.items()})

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of all settings, in the order of the class."""
        return tuple(field.name for field in dataclasses.fields(cls.settings_class))


def form_of(settings_class: type["Settings"]) -> Form:
    """An empty form for a settings class."""
    hints = typing.get_type_hints(settings_class)
    fields = {field.name: _parameter(field, hints[field.name]) for field in dataclasses.fields(settings_class)}
    name = settings_class.__name__.replace("Settings", "Form")
    return type(name, (Form,), {"settings_class": settings_class, **fields})()


class RunModel(param.Parameterized):
    """The third card: kind of run, its form, and why it cannot start."""

    kind = param.Selector(default="dynamics", objects=list(KINDS), label="What to do", doc="Kind of the next run.")

    def __init__(self, molecule: MoleculeModel, potential: PotentialModel) -> None:
        super().__init__()
        from so3k_explore.jobs.settings import SETTINGS

        self._molecule, self._potential = molecule, potential
        self.forms = {kind: form_of(SETTINGS[kind]) for kind in KINDS if kind in SETTINGS}
        self.param.kind.objects = list(self.forms)
        if "dynamics" in self.forms:
            self.forms["dynamics"].param.watch(self._record, "record")

    def suit(self, model: str) -> None:
        """Temperatures that fit the scale of a model, unless the reader has set others.

        A Lennard-Jones cluster of well depth 1 eV melts at about 3000 K, a molecule lives at 300 K.
        """
        for form in self.forms.values():
            if "temperature" in form.names():
                usual = form.param.temperature.default
                pair = PAIR_FACTOR * usual
                wanted = pair if model == PAIR else usual
                if form.temperature in (usual, pair):  # pyright: ignore[reportAttributeAccessIssue]
                    form.param.update(temperature=wanted)

    def _record(self, event: Any) -> None:
        """Frames dense enough for spectra when something is recorded for them, unless the reader has set others."""
        from so3k_explore.jobs.settings import SPECTRAL_INTERVAL

        form, usual = event.obj, event.obj.param.frame_interval.default
        if event.new and form.frame_interval == usual:
            form.frame_interval = SPECTRAL_INTERVAL
        elif not event.new and form.frame_interval == SPECTRAL_INTERVAL:
            form.frame_interval = usual

    @property
    def form(self) -> Form:
        """The form of the chosen kind."""
        return self.forms[self.kind]

    @property
    def obstacle(self) -> str:
        """Why the run cannot start; empty if it can."""
        obstacle = self._molecule.obstacle or self._potential.obstacle
        if obstacle:
            return obstacle
        try:
            self.form.settings()
        except ValueError as error:
            return str(error)
        return ""


def more(form: Form, kind: str) -> tuple[str, ...]:
    """Names of the settings that are not basics."""
    return tuple(name for name in form.names() if name not in BASICS[kind])


def _parameter(field: "dataclasses.Field[Any]", hint: Any) -> param.Parameter:
    meta = field.metadata
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    optional = types.NoneType in kinds
    kind = float if float in kinds else next(part for part in kinds if part is not types.NoneType)
    default: Any = field.default
    common: dict[str, Any] = {"label": _label(field), "doc": f"{meta['help']}.", "allow_None": optional}
    if kind is bool:
        return param.Boolean(default, **common)
    if typing.get_origin(kind) is tuple:
        return param.ListSelector(list(default), objects=list(meta["choices"]), **common)
    if meta["choices"]:
        choices: Any = {LABELS.get(word, word.replace("-", " ").replace("_", " ")): word for word in meta["choices"]}
        return param.Selector(default=default, objects=choices, **common)
    if kind in (int, float):
        low, exclusive = (meta["above"], True) if meta["above"] is not None else (meta["minimum"], False)
        if low is not None:
            common |= {"bounds": (low, None), "inclusive_bounds": (not exclusive, True)}
        return (param.Integer if kind is int else param.Number)(default, **common)
    return param.String(default, **common)


def _label(field: "dataclasses.Field[Any]") -> str:
    name = LABELS.get(field.name, field.name.replace("_", " ").capitalize())
    unit = field.metadata["unit"]
    return f"{name} / {unit}" if unit else name
