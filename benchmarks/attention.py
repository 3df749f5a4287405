"""What a model attends to on a landscape: does it say what matters, and do families of attention agree with others?

    python -m benchmarks.attention LANDSCAPE [MODEL]

LANDSCAPE is a file landscape.db, best with 500 minima or more; MODEL is the bundled model by default. Printed are

* *speed*: maps of 10 000 structures (minima, displaced by 0.05 Å), seconds, CPU seconds and peak memory;
* *faithfulness*: rank correlations with masked pairs and mixed Hessian blocks, means over ten minima, for all pairs
  within the cutoff, at fixed distance, and for contacts (more than three bonds apart) at fixed distance;
* *agreement* of families of attention with torsions, hydrogen bonds and kinetic basins: adjusted Rand index and the
  p-value of 999 permutations;
* *along a path*: families, attention and energy of the images of one relaxed elastic band.

`python -m benchmarks attention` searches for a few minima of Ac-Ala-NHMe first, which shows only that it works.
"""

import resource
import sys
import time
from collections.abc import Sequence

import jax
import numpy as np
from scipy.spatial.distance import cdist

from so3k_explore import units
from so3k_explore.analysis.attention import attention_maps
from so3k_explore.analysis.attention_coefficients import Channel
from so3k_explore.analysis.attention_faithfulness import faithfulness
from so3k_explore.analysis.attention_families import METHODS
from so3k_explore.analysis.attention_verdict import averaged, verdict
from so3k_explore.analysis.descriptors import torsion_features
from so3k_explore.exploration import Landscape, MinimaSearch, explore_minima
from so3k_explore.exploration.attention import (
    LandscapeAttention,
    agreements,
    attention_along,
    batch,
    landscape_attention,
)
from so3k_explore.exploration.band import ElasticBand, relax_bands
from so3k_explore.exploration.paths import PathGuesses
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.protocol import Potential
from so3k_explore.potentials.registry import load_potential
from so3k_explore.simulation.model_hessian import model_hessian

MANY = 10_000
JUDGED = 10  # minima whose faithfulness is averaged
CHANNELS = (Channel("magnitude"), Channel("signed"), Channel("contribution"), Channel("weighted rollout"))
IMAGES = 11


def main() -> None:
    """With a small landscape of its own."""
    run()


def run(arguments: Sequence[str] = ()) -> None:
    """Prints all tables."""
    file, model = (*arguments, "", "")[:2]
    name = model or "so3k-peptide-gfn2"
    potential = load_potential(name, "float32")
    with Landscape.open(file, create=False) if file else _small(potential) as landscape:
        print(f"{landscape.name}, {len(landscape)} minima, {name}")
        _speed(potential, landscape)
        _faithful(load_potential(name, "float64"), landscape)
        seen = _agreement(potential, landscape)
        _path(potential, landscape, seen)


def _small(potential: Potential) -> Landscape:
    landscape = Landscape()
    for _ in explore_minima(potential, load_molecule("Ac-A-NHMe"), MinimaSearch(minima=6, seed=1), landscape):
        pass
    return landscape


def _speed(potential: Potential, landscape: Landscape) -> None:
    minima = landscape.minima()
    rng = np.random.default_rng(0)
    chosen = minima.positions[rng.integers(len(minima), size=MANY)]
    positions = chosen + 0.05 * rng.normal(size=chosen.shape)
    system = landscape.system(int(minima.ids[0])).astype("float32")
    start, before = time.perf_counter(), time.process_time()
    maps = attention_maps(potential, batch(system, positions), Channel("magnitude"))
    seconds, busy = time.perf_counter() - start, time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    words = f"{seconds:.1f} s ({busy:.1f} s of CPU time) with compiling, peak memory {memory:.2f} GiB"
    print(f"{len(maps)} maps of {maps.shape[1]} atoms in {words}")


def _faithful(potential: Potential, landscape: Landscape) -> None:
    minima = landscape.minima()
    lowest = np.argsort(minima.energies)[np.linspace(0, len(minima) - 1, min(JUDGED, len(minima))).astype(int)]
    with jax.enable_x64():
        systems = [landscape.system(int(minima.ids[k])) for k in lowest]
        table = averaged([faithfulness(potential, system, landscape.bonds).table for system in systems])
    print(f"\nfaithfulness, means over {len(systems)} minima, {table[0].pairs} pairs")
    print("| measure | against | all pairs | fixed distance | contacts, fixed distance | grade |")
    print("| --- | --- | ---: | ---: | ---: | --- |")
    for row in table:
        numbers = f"{row.rho:.2f} | {row.partial:.2f} | {row.contacts:.2f}"
        print(f"| {row.measure} | {row.reference} | {numbers} | {row.grade} |")
    print(verdict(table, "magnitude"))


def _agreement(potential: Potential, landscape: Landscape) -> LandscapeAttention:
    """Of all channels and methods; returns the families of the first one."""
    first = None
    print("\n| matrices | method | families | sizes | other clusters | Rand index | p |")
    print("| --- | --- | ---: | --- | --- | ---: | ---: |")
    for channel in CHANNELS:
        for method in METHODS:
            seen = landscape_attention(landscape, potential, channel=channel, method=method)
            first = first or seen
            sizes = np.bincount(seen.labels + 1)  # noise first
            counts = f"{' '.join(map(str, sizes[1:]))}; noise {sizes[0]}"
            shown = f"{channel.quantity} | {method} | {len(sizes) - 1} | {counts}"
            for name, compared in agreements(landscape, seen, permutations=999).items():
                print(f"| {shown} | {name} | {compared.rand:.3f} | {compared.p_value:.3f} |")
    assert first is not None
    return first


def _path(potential: Potential, landscape: Landscape, seen: LandscapeAttention) -> None:
    """Attention along one band between the two minima of the two largest families whose torsions are most alike."""
    minima, bonds = landscape.minima(), landscape.bonds
    first, second = (np.flatnonzero(seen.labels == family) for family in (0, 1))
    torsions = torsion_features(minima.positions, landscape.numbers, bonds)
    apart = cdist(torsions[first], torsions[second])
    near = np.unravel_index(apart.argmin(), apart.shape)
    ends = [int(first[near[0]]), int(second[near[1]])]
    system = landscape.system(int(minima.ids[ends[0]])).astype("float32")
    guess = PathGuesses(landscape.numbers, bonds)
    path = guess.path(minima.positions[ends[0]], minima.positions[ends[1]], IMAGES, 0, np.random.default_rng(0))
    model = model_hessian(system, bonds)
    *_, state = relax_bands(potential, system, path[None], minima.energies[ends][None], ElasticBand(), model=model)
    positions, energies = state.profile(0)
    maps = attention_along(potential, system, positions, bonds, seen.channel, seen.blocks)
    families, scores = seen.space.family_of(maps), seen.space.project(maps)
    i, j = seen.separates(0, 1).strongest(1)[0]
    pair = f"{seen.blocks.names[i]} to {seen.blocks.names[j]}"
    names = " and ".join(str(minima.ids[end]) for end in ends)
    print(f"\nband between minima {names}, largest force {state.max_force[0]:.3f} eV/Å")
    print(f"| image | kcal/mol | family | PC 1 | PC 2 | {pair} |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for k, energy in enumerate((energies - energies.min()) / units.KCAL_PER_MOL):
        where = f"{families[k] + 1} | {scores[k, 0]:.3f} | {scores[k, 1]:.3f}"
        print(f"| {k} | {energy:.2f} | {where} | {maps[k, i, j]:.4f} |")


if __name__ == "__main__":
    run(sys.argv[1:])
