"""Vibrations of Ac-Ala-NHMe with the bundled model: dynamics at 300 K against harmonic frequencies.

    python -m benchmarks spectra

Four walkers, 6 ps each, frames every 2 fs. In every band the power spectrum should hold as many degrees of freedom as
there are normal modes (equipartition; bands that mix with softer motion need not), and its centre should lie where the
harmonic lines are, up to anharmonicity: the shift of the time step is taken into account.
"""

import tempfile
from itertools import pairwise
from typing import Any

import numpy as np

from so3k_explore.analysis.spectra import Spectrum, seen_in_dynamics
from so3k_explore.io.following import power_spectrum_of
from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs import DynamicsSettings, Runs
from so3k_explore.jobs.harmonic import Harmonic, Structures, harmonic

MODEL, MOLECULE, TIMESTEP = "so3k-peptide-gfn2", "Ac-A-NHMe", 0.5  # fs
SETTINGS = DynamicsSettings(walkers=4, duration=6.0, timestep=TIMESTEP, record=("velocities",), frame_interval=2.0)
BEGIN = 1500.0  # fs; the relaxed molecule takes up heat first
RESOLUTION = 20.0  # cm⁻¹
GAP = 90.0  # cm⁻¹ without a harmonic line, between two bands
LEAST = 4000.0  # cm⁻¹, end of the last band


def bands(frequencies: np.ndarray) -> list[tuple[float, float]]:
    """Ranges of wavenumbers (cm⁻¹) with gaps between them in which there is no harmonic line."""
    edges = [0.0]
    for lower, upper in pairwise(np.sort(frequencies).tolist()):
        if upper - lower > GAP:
            edges.append((lower + upper) / 2)
    return list(pairwise([*edges, LEAST]))


def compare(spectrum: Spectrum, found: Harmonic) -> list[tuple[Any, ...]]:
    """Rows: from, to, modes, degrees of freedom, centre of the lines, centre of the spectrum, difference (cm⁻¹)."""
    rows = []
    places = seen_in_dynamics(found.frequencies, TIMESTEP)
    for low, high in bands(places):
        inside = (places >= low) & (places < high)
        here = (spectrum.wavenumbers >= low) & (spectrum.wavenumbers < high)
        weight = spectrum.density[here]
        centre = float(np.sum(spectrum.wavenumbers[here] * weight) / weight.sum())
        lines = float(places[inside].mean())
        rows.append((low, high, int(inside.sum()), spectrum.integral(low, high), lines, centre, centre - lines))
    return rows


def main() -> None:
    """Runs the dynamics, computes the Hessian, prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(folder, engine="inline")
        run = runs.submit(SETTINGS, load_molecule(MOLECULE), MODEL)
        status = run.wait(None)
        if status.state != "done":
            raise SystemExit(status.message)
        (found,) = harmonic(Structures.of(run))
        with run.trajectory() as trajectory:
            spectrum = power_spectrum_of(trajectory, begin=BEGIN, resolution=RESOLUTION)
        runs.close()
    report(spectrum, found)


def report(spectrum: Spectrum, found: Harmonic) -> None:
    """Prints the comparison as Markdown."""
    print(
        f"{spectrum.temperature:.0f} K, {spectrum.integral():.2f} degrees of freedom; lowest harmonic line "
        f"{found.frequencies[0]:.1f} cm⁻¹"
    )
    print("| band / cm⁻¹ | modes | degrees of freedom | lines | spectrum | shift |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for low, high, modes, degrees, lines, centre, shift in compare(spectrum, found):
        print(f"| {low:.0f} to {high:.0f} | {modes} | {degrees:.2f} | {lines:.0f} | {centre:.0f} | {shift:+.0f} |")


if __name__ == "__main__":
    main()
