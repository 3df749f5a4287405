r"""Statistics of a landscape in the harmonic superposition approximation (Wales, *Energy Landscapes*, 2003).

Each minimum contributes its partition function as if it were alone:

.. math:: Z = \sum_i g_i\, Z_i^{\rm vib} Z_i^{\rm rot} e^{-E_i/kT} = \sum_i e^{-F_i/kT}

where :math:`g_i = 2` for a chiral minimum that stands for both mirror images. The symmetry number is in
:math:`Z^{\rm rot} \propto 1/\sigma_i`. Rates follow from transition state theory,

.. math:: k_{i \to j} = \sum_{\ddagger} \frac{kT}{h}\, e^{-(F_\ddagger - F_i)/kT}

over all saddles between two minima, which for classical vibrations is
:math:`(O_i / O_\ddagger) \prod \nu_i / \prod \nu_\ddagger\, e^{-\Delta E/kT}` with orders O of the point groups (and,
when rotation counts, the ratio of moments of inertia). Populations and rates obey detailed balance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore import units
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.tree import Tree
from so3k_explore.exploration.tree_building import disconnectivity_tree
from so3k_explore.exploration.vibrations import MINIMUM, SADDLE, Vibrations, vibrations
from so3k_explore.observables.thermodynamics import Thermodynamics, rigid_rotor, vibrational

if TYPE_CHECKING:
    from so3k_explore.potentials.protocol import Potential

PER_SECOND = 1e12 * units.PS  # internal time in a second


@dataclass(frozen=True)
class Superposition:
    """How partition functions of minima and saddles are made."""

    classical: bool = False  # vibrations without quanta; for clusters in reduced units
    quasi_harmonic: bool = True  # soft modes have the entropy of free rotors (Grimme 2012), and harmonic energies
    rotation: bool = True  # moments of inertia count; symmetry numbers do in any case
    mirror_images: bool = True  # points that stand for their mirror images count twice


@dataclass(frozen=True, eq=False)
class Functions:
    """Thermodynamic functions of each point at one temperature; NaN where a point is no minimum or no saddle."""

    temperature: float  # K
    free_energies: np.ndarray  # (points,) eV, with the potential energy
    internal_energies: np.ndarray  # (points,) eV, with the potential energy
    heat_capacities: np.ndarray  # (points,) eV/K


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """The whole landscape against temperature."""

    temperatures: np.ndarray  # (temperatures,) K
    populations: np.ndarray  # (temperatures, minima)
    free_energy: np.ndarray  # (temperatures,) eV
    internal_energy: np.ndarray  # (temperatures,) eV
    heat_capacity: np.ndarray  # (temperatures,) eV/K


@dataclass(frozen=True, eq=False)
class Rates:
    """Rate constants between neighbouring minima at one temperature, all saddles of a pair together."""

    temperature: float  # K
    pairs: np.ndarray  # (pairs, 2) numbers of minima, the smaller first
    forward: np.ndarray  # (pairs,) 1/s, from the first to the second
    backward: np.ndarray  # (pairs,) 1/s


def thermal_functions(
    points: Vibrations, temperature: float | int, superposition: Superposition | None = None
) -> Functions:
    """Free energies, internal energies and heat capacities of minima or saddles at a temperature in K."""
    how = superposition or Superposition()
    temperature = float(temperature)
    found = np.full((3, len(points)), np.nan)
    for point, energy in enumerate(points.energies.tolist()):
        frequencies = points.real(point)
        if frequencies is None:
            continue
        alone = vibrational(frequencies, temperature, quasi_harmonic=how.quasi_harmonic, classical=how.classical)
        alone += _turning(points, point, temperature, how)
        found[:, point] = energy + alone.free_energy, energy + alone.internal_energy, alone.heat_capacity
    return Functions(temperature, *found)


def _turning(points: Vibrations, point: int, temperature: float, how: Superposition) -> Thermodynamics:
    """Rotation with its symmetry number, and the choice between two mirror images."""
    images = 2 if how.mirror_images and points.chiral[point] else 1
    symmetry = int(points.rotations[point])
    if how.rotation:
        rotor = rigid_rotor(points.moments[point], temperature, symmetry_number=symmetry)
        return rotor + Thermodynamics(temperature, 0.0, float(units.KB * np.log(images)), 0.0)
    return Thermodynamics(temperature, 0.0, float(units.KB * np.log(images / symmetry)), 0.0)


def populations(free_energies: Any, temperature: float | int) -> np.ndarray:
    """Share of each minimum in equilibrium, from free energies in eV at a temperature in K; NaN has no share."""
    free_energies = np.asarray(free_energies, float)
    if not temperature > 0:
        raise ValueError(f"`temperature` must be positive, got {temperature} K.")
    if not np.isfinite(free_energies).any():
        return np.zeros_like(free_energies)
    weights = np.nan_to_num(np.exp(-(free_energies - np.nanmin(free_energies)) / (units.KB * temperature)))
    return weights / weights.sum()


def equilibrium(
    minima: Vibrations, temperatures: Sequence[float] | np.ndarray, superposition: Superposition | None = None
) -> Equilibrium:
    r"""Populations and functions of the whole landscape at temperatures in K.

    Its heat capacity is :math:`\langle C_i\rangle + (\langle U_i^2\rangle - \langle U_i\rangle^2)/kT^2`.
    """
    kelvin = np.asarray(temperatures, float).reshape(-1)
    shares = np.zeros((len(kelvin), len(minima)))
    free, internal, capacity = np.zeros((3, len(kelvin)))
    for k, temperature in enumerate(kelvin.tolist()):
        found = thermal_functions(minima, temperature, superposition)
        share = shares[k] = populations(found.free_energies, temperature)
        kT = units.KB * temperature
        present = share > 0
        lowest = np.nanmin(found.free_energies)
        energies = found.internal_energies[present]
        internal[k] = share[present] @ energies
        free[k] = lowest - kT * np.log(np.exp(-(found.free_energies[present] - lowest) / kT).sum())
        spread = share[present] @ (energies - internal[k]) ** 2
        capacity[k] = share[present] @ found.heat_capacities[present] + spread / (kT * temperature)
    return Equilibrium(kelvin, shares, free, internal, capacity)


def rates(minima: Functions, saddles: Functions, ids: Any, pairs: Any) -> Rates:
    """Rate constants of transition state theory.

    Saddles between mirror images or permutations of one minimum, and those that are no true saddles, are left out.

    Args:
        minima: functions of all minima.
        saddles: functions of the saddles at the same temperature.
        ids: numbers of the minima.
        pairs: (saddles, 2) numbers of the minima that each saddle joins.
    """
    if minima.temperature != saddles.temperature:
        raise ValueError(
            f"Minima and saddles must have one temperature, got {minima.temperature} K and {saddles.temperature} K."
        )
    free = dict(zip(np.asarray(ids, int).tolist(), minima.free_energies.tolist(), strict=True))
    kT = units.KB * minima.temperature
    prefactor = kT / (2 * np.pi * units.HBAR) * PER_SECOND
    found: dict[tuple[int, int], np.ndarray] = {}
    for (i, j), top in zip(np.sort(np.asarray(pairs, int), axis=-1).tolist(), saddles.free_energies, strict=True):
        both = prefactor * np.exp(-(top - np.array([free[i], free[j]])) / kT)
        if i != j and np.isfinite(both).all():
            found[i, j] = found.get((i, j), np.zeros(2)) + both
    ordered = sorted(found)
    constants = np.array([found[pair] for pair in ordered]).reshape(-1, 2)
    return Rates(minima.temperature, np.array(ordered, int).reshape(-1, 2), constants[:, 0], constants[:, 1])


def landscape_rates(
    landscape: Landscape,
    temperature: float | int,
    potential: "Potential | None" = None,
    superposition: Superposition | None = None,
) -> Rates:
    """Rate constants between all minima that saddles join; frequencies are computed where they are not stored."""
    minima, saddles = (vibrations(landscape, kind, potential) for kind in (MINIMUM, SADDLE))
    at = lambda points: thermal_functions(points, temperature, superposition)
    return rates(at(minima), at(saddles), minima.ids, landscape.saddles().pairs)


def free_energy_tree(
    landscape: Landscape,
    temperature: float | int,
    potential: "Potential | None" = None,
    superposition: Superposition | None = None,
) -> Tree:
    """Disconnectivity tree of free energies at a temperature in K (Krivov & Karplus, J. Chem. Phys. 117, 10894 (2002)).

    Structures that turn out to be no minima or no saddles are left out, and so are upper bounds of barriers.
    """
    minima, saddles = (vibrations(landscape, kind, potential) for kind in (MINIMUM, SADDLE))
    free = thermal_functions(minima, temperature, superposition).free_energies
    heights = thermal_functions(saddles, temperature, superposition).free_energies
    ids = minima.ids[np.isfinite(free)]
    pairs = landscape.saddles().pairs
    kept = np.isin(pairs, ids).all(axis=1)
    return disconnectivity_tree(ids, free[np.isfinite(free)], pairs[kept], heights[kept], saddles.ids[kept])
