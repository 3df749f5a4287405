"""Options made from settings: the fields of the dataclasses are the only place where names and defaults are written."""

import argparse
import dataclasses
import types
import typing
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

from so3k_explore.jobs.setting import Settings

Kind = TypeVar("Kind", bound=Settings)
NONE = "none"


def add_settings(parser: argparse.ArgumentParser, cls: type[Settings], without: Collection[str] = ()) -> None:
    """One option for each setting, but those that the command asks for in another way."""
    group = parser.add_argument_group(f"settings of {cls.kind}")
    hints = typing.get_type_hints(cls)
    for field in (field for field in dataclasses.fields(cls) if field.name not in without):
        name, meta = f"--{field.name.replace('_', '-')}", field.metadata
        explanation = f"{meta['help']} (default: {_words(field.default, meta['unit'])})".replace("%", "%%")
        options: dict[str, Any] = {"help": explanation, "default": argparse.SUPPRESS, "dest": f"setting_{field.name}"}
        kind = _kind(hints[field.name])
        if kind is bool:
            parser_action: Any = argparse.BooleanOptionalAction
            group.add_argument(name, action=parser_action, **options)
            continue
        if typing.get_origin(kind) is tuple:
            options["nargs"], kind = "+", typing.get_args(kind)[0]
        word = "TEXT" if kind is str else "N"
        options |= {"choices": meta["choices"]} if meta["choices"] else {"metavar": meta["unit"] or word}
        group.add_argument(name, type=_or_none(kind) if _optional(hints[field.name]) else kind, **options)


def read_settings(arguments: argparse.Namespace, cls: type[Kind], **others: Any) -> Kind:
    """Settings from parsed options; `others` where there was no option.

    Raises:
        ValueError: a value is not allowed.
    """
    prefix = "setting_"
    given = {name.removeprefix(prefix): value for name, value in vars(arguments).items() if name.startswith(prefix)}
    return cls.from_json({**others, **given})


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Where runs are, and who works on them."""
    parser.add_argument("--runs", type=Path, metavar="DIR", help="folder of the runs (default: $SO3K_RUNS, else yours)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler that shares the disk (default: local)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """The result for machines."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def add_model(parser: argparse.ArgumentParser) -> None:
    """The model, and how exactly it is evaluated."""
    parser.add_argument("--model", help="name, file or folder (default: the best installed one for these elements)")
    parser.add_argument("--precision", choices=("float32", "float64"), default="float32", help="default: float32")
    explanation = "radius of electrostatics and dispersion, above 2 (default: all pairs)"
    parser.add_argument("--long-range-cutoff", type=float, metavar="Å", help=explanation)


def read_model(arguments: argparse.Namespace) -> dict[str, Any]:
    """Model, precision and cutoff for `Runs.submit`."""
    return {name: getattr(arguments, name) for name in ("model", "precision", "long_range_cutoff")}


def add_molecule(parser: argparse.ArgumentParser) -> None:
    """The molecule, and how to read it."""
    parser.add_argument("molecule", help="name (lj13, ala3, aspirin), file, SMILES, or sequence such as Ac-AAA-NHMe")
    parser.add_argument("--frame", type=int, metavar="N", help="which structure of a file with several, from 0")
    parser.add_argument("--charge", type=float, metavar="e", help="total charge (default: from the source, else 0)")
    parser.add_argument("--multiplicity", type=int, metavar="N", help="spin multiplicity (default: from the source)")


def read_molecule(arguments: argparse.Namespace) -> Any:
    """The molecule that was asked for."""
    from so3k_explore.io.structures import load_molecule

    return load_molecule(
        arguments.molecule, frame=arguments.frame, charge=arguments.charge, multiplicity=arguments.multiplicity
    )


def _words(value: Any, unit: str) -> str:
    if value is None or value in ((), ""):
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{text} {unit}".rstrip()


def _optional(hint: Any) -> bool:
    return types.NoneType in typing.get_args(hint)


def _or_none(kind: type) -> Callable[[str], Any]:
    """Reads `none` as nothing, which switches a setting off that is on by default."""

    def read(text: str) -> Any:
        return None if text.lower() == NONE else kind(text)

    read.__name__ = kind.__name__  # argparse names it when it refuses a text
    return read


def _kind(hint: Any) -> Any:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if float in kinds:
        return float
    return next(kind for kind in kinds if kind is not types.NoneType)
