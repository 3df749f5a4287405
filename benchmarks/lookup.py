"""A search that knows 100 000 minima: memory of the process, and CPU time to ask whether a structure is known.

The minima are not real ones: random conformers of Ac-Ala3-NHMe (42 atoms) with distorted copies, and energies from a
normal distribution with a standard deviation of 3 kcal/mol, so that about a thousand lie in the window of energy that
is looked through. Half of the questions are known structures, turned at random; the others are new. Asked for: less
than 2 GiB and 5 ms.
"""

import resource
import time

import numpy as np
from scipy.spatial.transform import Rotation

from so3k_explore import units
from so3k_explore.exploration.basin_hopping import TorsionMoves
from so3k_explore.exploration.history import History
from so3k_explore.exploration.identity import Identity
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.io.structures import load_molecule

MINIMA, CONFORMERS, DISTORTION = 100_000, 2000, 0.3  # Å
SPREAD = 3.0 * units.KCAL_PER_MOL
QUESTIONS = 200


def main() -> None:
    """Prints sizes and times."""
    molecule, rng = load_molecule("ala3"), np.random.default_rng(0)
    moves = TorsionMoves(molecule.numbers, molecule.bonds, molecule.torsions)
    conformers = [moves.all(np.asarray(molecule.positions, float), rng) for _ in range(CONFORMERS)]
    some = lambda k: conformers[k % CONFORMERS] + rng.normal(scale=DISTORTION, size=conformers[0].shape)
    before = peak()
    with Landscape() as landscape:
        history, start = History(molecule, Identity(), landscape), time.process_time()
        for number in range(MINIMA):
            history.store(rng.normal(scale=SPREAD), some(number), call=number)
        stored = time.process_time() - start
        print(f"{MINIMA} minima stored, {1000 * stored / MINIMA:.2f} ms of CPU time each")
        print(f"peak memory {peak():.2f} GiB, of which {peak() - before:.2f} came with the minima")
        known = rng.choice(history.known.ids, QUESTIONS // 2)
        turned = [history.known.positions(int(k)) @ Rotation.random(rng=rng).as_matrix().T for k in known]
        old = [(history.known.energy(int(k)), at) for k, at in zip(known, turned, strict=True)]
        new = [(rng.normal(scale=SPREAD), some(k)) for k in range(QUESTIONS // 2)]
        for name, questions, expected in (("known", old, QUESTIONS // 2), ("new", new, 0)):
            times, found = [], 0
            for energy, positions in questions:
                start = time.process_time()
                found += history.known.find(energy, positions) is not None
                times.append(1000 * (time.process_time() - start))
            p50, p95 = np.percentile(times, [50, 95])
            print(
                f"{name}: {found} of {expected} recognised; p50 {p50:.2f}, p95 {p95:.2f} ms of CPU time a lookup",
                flush=True,
            )
        start = time.process_time()
        for _ in range(10):
            history.elsewhere(rng)
        print(f"choosing where to go on: {100 * (time.process_time() - start):.1f} ms of CPU time")


def peak() -> float:
    """Largest resident memory of this process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
