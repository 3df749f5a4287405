"""``so3k spectra``: power and infrared spectra of dynamics, and harmonic frequencies."""

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.cli.options import add_folder, add_json
from so3k_explore.cli.terminal import show, show_json, table
from so3k_explore.cli.trajectory import open_run, open_trajectory

if TYPE_CHECKING:
    from so3k_explore.analysis.spectra import Spectrum
    from so3k_explore.jobs.harmonic import Harmonic

KINDS = ("power", "infrared", "harmonic")
NAMED = 20  # bands told


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """The run, the kind of spectrum, and how it is made."""
    parser.add_argument("what", help="id of a run (`latest`), its folder, or a trajectory.h5")
    parser.add_argument("--kind", choices=KINDS, default="power", help="default: power")
    parser.add_argument("--resolution", type=float, default=10.0, metavar="cm⁻¹", help="default: 10 cm⁻¹")
    explanation = "highest vibration; frames must be dense enough for it (default: 4000 cm⁻¹)"
    parser.add_argument("--highest", type=float, default=4000.0, metavar="cm⁻¹", help=explanation)
    parser.add_argument("--begin", type=float, default=0.0, metavar="ps", help="leave out what was before")
    explanation = "for `power` and `infrared` (default: that of the trajectory)"
    parser.add_argument("--temperature", type=float, metavar="K", help=explanation)
    explanation = "for `harmonic` of a search: which one (default: the lowest)"
    parser.add_argument("--minimum", type=int, metavar="N", help=explanation)
    parser.add_argument("--csv", action="store_true", help="print the curve as comma-separated values")
    add_folder(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Makes the spectrum and prints it."""
    if arguments.json and arguments.csv:
        raise ValueError("Give `--json` or `--csv`, not both.")
    if arguments.kind == "harmonic":
        _show_harmonic(_harmonic(arguments), arguments)
        return 0
    from so3k_explore.io.following import infrared_spectrum_of, power_spectrum_of

    make = power_spectrum_of if arguments.kind == "power" else infrared_spectrum_of
    with open_trajectory(arguments.what, arguments.runs)[0] as trajectory:
        options = {name: getattr(arguments, name) for name in ("temperature", "resolution", "highest")}
        found = make(trajectory, begin=1000 * arguments.begin, **options)
    _show(found, found.below(arguments.highest), arguments)
    return 0


def _harmonic(arguments: argparse.Namespace) -> "Harmonic":
    """Of the molecule of a run, relaxed, or of one of its minima, as it is."""
    from so3k_explore.jobs.harmonic import Structures, harmonic
    from so3k_explore.jobs.preload import use_compilation_cache

    use_compilation_cache()
    found = open_run(arguments.what, arguments.runs)
    landscape = found.landscape()
    if landscape is None:
        return harmonic(Structures.of(found))[0]
    with landscape:
        minima = landscape.minima()
    if not len(minima):
        raise ValueError(f"Run {found.id} has found no minimum yet.")
    number = arguments.minimum if arguments.minimum is not None else int(minima.ids[np.argmin(minima.energies)])
    if number not in minima.ids:
        raise ValueError(f"There is no minimum {number}; run {found.id} has {len(minima)}.")
    return harmonic(Structures.of(found, minima.positions[minima.ids == number]))[0]


def _show(found: "Spectrum", seen: "Spectrum", arguments: argparse.Namespace) -> None:
    names = ["wavenumber_cm-1", "density", "error", *seen.parts]
    columns = [seen.wavenumbers, seen.density, seen.error, *seen.parts.values()]
    if arguments.csv:
        show(_csv(names, columns))
    elif arguments.json:
        about = {name: getattr(found, name) for name in ("quantity", "unit", "resolution", "temperature", "interval")}
        about |= {"samples": found.samples, "errors_from": found.errors_from, "integral": found.integral()}
        curve = {name: _plain(column) for name, column in zip(names[:3], columns, strict=False)}
        show_json({**about, **curve, "parts": {name: part.tolist() for name, part in seen.parts.items()}})
    else:
        rows = [(f"{place:.0f}", f"{height:.3g}", f"{error:.1g}") for place, height, error in seen.peaks(NAMED)]
        show(
            f"{found.quantity}, {found.unit} per cm⁻¹ at {found.temperature:.0f} K; integral {found.integral():.4g} "
            f"{found.unit}; resolution {found.resolution:.3g} cm⁻¹; mean of {found.samples} samples, errors from "
            f"{found.errors_from}\n" + table(rows, ("CM⁻¹", "HEIGHT", "ERROR"))
        )


def _show_harmonic(found: "Harmonic", arguments: argparse.Namespace) -> None:
    strengths = np.full(len(found.frequencies), np.nan) if found.intensities is None else found.intensities
    names, columns = ("wavenumber_cm-1", "intensity_km/mol"), (found.frequencies, strengths)
    if arguments.csv:
        show(_csv(names, columns))
    elif arguments.json:
        show_json(found.to_json())
    else:
        said = lambda value: "unknown" if np.isnan(value) else f"{value:.1f}"
        rows = [(f"{place:.1f}", said(strength)) for place, strength in zip(*columns, strict=True)]
        show(
            f"{len(rows)} harmonic vibrations; energy {found.energy:.5f} eV, largest force {found.max_force:.2g} eV/Å\n"
            + table(rows, ("CM⁻¹", "KM/MOL"))
        )


def _csv(names: Any, columns: Any) -> str:
    rows = [",".join("" if np.isnan(value) else f"{value:.8g}" for value in row) for row in zip(*columns, strict=True)]
    return "\n".join([",".join(names), *rows])


def _plain(column: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in column]
