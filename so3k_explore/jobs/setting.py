"""What a setting is, and what all settings can do: be checked, come from a file, go to a file, change during a run.

Each field carries its unit, a sentence of help, its bounds and whether it may be changed while the run is going
(`live`), so forms and command line options are made from here and nothing is written twice. Files hold the same names
one to one; an unknown name is an error that lists the known ones.
"""

import dataclasses
import math
import numbers
import types
import typing
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from so3k_explore.typing import Replaceable

Kind = TypeVar("Kind", bound="Settings")
Real = float | int  # as people write it; kept as a float


def setting(
    default: Any,
    help: str,
    *,
    unit: str = "",
    minimum: float | int | None = None,
    above: float | int | None = None,
    choices: tuple[str, ...] = (),
    live: bool = False,
) -> Any:
    """Field of a settings class.

    Args:
        default: value when nothing is said.
        help: one sentence for the user.
        unit: unit of the number as people write it, e.g. ``"fs"``.
        minimum: smallest value allowed.
        above: the value must be larger than this.
        choices: the words allowed.
        live: whether a going run accepts a new value.
    """
    limits = {"minimum": minimum, "above": above, "choices": choices}
    return dataclasses.field(default=default, metadata={"help": help, "unit": unit, "live": live, **limits})


@dataclasses.dataclass(frozen=True)
class Settings(Replaceable):
    """Base: checks the fields, and converts from and to JSON."""

    kind: ClassVar[str] = ""

    def __post_init__(self) -> None:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name, value in _checked_all(type(self), values).items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_json(cls: type[Kind], values: Mapping[str, Any]) -> Kind:
        """Settings from the content of a file.

        Raises:
            ValueError: a name is unknown, or a value is not allowed.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            names = ", ".join(f"`{name}`" for name in unknown)
            raise ValueError(f"Unknown settings for {cls.kind}: {names}. Known are: {', '.join(known)}.")
        return cls(**_checked_all(cls, values))

    def to_json(self) -> dict[str, Any]:
        """Plain values by name."""
        return dataclasses.asdict(self)

    @classmethod
    def live(cls) -> tuple[str, ...]:
        """Names that may be changed while a run is going."""
        return tuple(field.name for field in dataclasses.fields(cls) if field.metadata["live"])

    def changed(self: Kind, changes: Mapping[str, Any]) -> Kind:
        """Copy with changes that a going run accepts.

        Raises:
            ValueError: a setting is fixed once the run has started, or a value is not allowed.
        """
        fixed = sorted(set(changes) - set(self.live()))
        if fixed:
            raise ValueError(
                f"A run accepts new values of {', '.join(self.live()) or 'nothing'}, got {', '.join(fixed)}. "
                "Start a new run for other changes."
            )
        return self.replace(**_checked_all(type(self), changes))


def _checked_all(cls: type[Settings], values: Mapping[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    return {name: _checked(fields[name], hints[name], value) for name, value in values.items()}


def _checked(field: dataclasses.Field[Any], hint: Any, value: Any) -> Any:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and types.NoneType in kinds:
        return None
    kind = float if float in kinds else next(kind for kind in kinds if kind is not types.NoneType)
    value = _converted(field.name, kind, value)
    meta = field.metadata
    unit = f" {meta['unit']}" if meta["unit"] else ""
    if meta["minimum"] is not None and not value >= meta["minimum"]:
        raise ValueError(f"`{field.name}` must be at least {meta['minimum']:g}{unit}, got {value:g}{unit}.")
    if meta["above"] is not None and not value > meta["above"]:
        raise ValueError(f"`{field.name}` must be above {meta['above']:g}{unit}, got {value:g}{unit}.")
    unknown = [word for word in (value if isinstance(value, tuple) else (value,)) if word not in meta["choices"]]
    if meta["choices"] and unknown:
        raise ValueError(f"`{field.name}` must be one of {', '.join(meta['choices'])}, got {unknown[0]!r}.")
    return value


def _converted(name: str, kind: Any, given: Any) -> Any:
    number = isinstance(given, numbers.Real) and not isinstance(given, bool) and math.isfinite(float(given))
    value: Any = given
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and number and float(value).is_integer():
        return int(value)
    if kind is float and number:
        return float(value)
    if kind is str and isinstance(value, str):
        return value
    if typing.get_origin(kind) is tuple and isinstance(value, tuple | list):
        return tuple(_converted(name, typing.get_args(kind)[0], item) for item in value)
    words = {bool: "true or false", int: "a whole number", float: "a finite number", str: "a word"}
    raise ValueError(f"`{name}` must be {words.get(kind, 'a list')}, got {value!r}.")
