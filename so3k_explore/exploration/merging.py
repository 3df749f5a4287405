"""Two landscapes of one molecule become one: what is in both is kept once, everything else gets a new number."""

from dataclasses import dataclass

import numpy as np

from so3k_explore.exploration.identity import Identity, KnownMinima
from so3k_explore.exploration.identity_record import keep_identity, mirror_images, recorded_identity
from so3k_explore.exploration.labels import take_labellings
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.model_record import take_record
from so3k_explore.exploration.records import Attempt, Hop, Saddles
from so3k_explore.exploration.vibrations import MINIMUM, SADDLE, store_vibrations, stored_frequencies
from so3k_explore.io.molecule import Molecule


@dataclass(frozen=True)
class Merged:
    """What became of the minima and saddles that came in: their numbers there and here."""

    minima: dict[int, int]
    saddles: dict[int, int]
    new_minima: int
    new_saddles: int


def molecule_of(landscape: Landscape) -> Molecule:
    """The molecule of a landscape, in its lowest minimum.

    Raises:
        LandscapeError: there is no minimum.
    """
    minima = landscape.minima()
    if not len(minima):
        raise LandscapeError(f"{landscape.path.name} has no minimum. Run a search first, or import structures.")
    system = landscape.system(int(minima.ids[np.argmin(minima.energies)]))
    return Molecule(landscape.name, system, landscape.bonds, landscape.path.name)


def merge_landscapes(target: Landscape, source: Landscape, identity: Identity | None = None) -> Merged:
    """Takes everything of `source` into `target`; nothing at all after an error.

    Minima and saddles that `target` knows by `identity` are not stored again. Force calls of `source` count on from
    those of `target`, so that the growth curve goes on; no walker of `target` has found it, so that a search of
    `target` that is resumed leaves it alone.

    Raises:
        LandscapeError: they belong to different molecules, were made with different models, or are the same file.
    """
    if target.path.resolve() == source.path.resolve():
        raise LandscapeError(f"{target.path.name} cannot be merged with itself. Give another landscape.")
    identity = identity or recorded_identity(target if len(target) else source)
    later = target.calls
    with target.transaction():
        target.bind(molecule_of(source))
        take_record(target, source)
        keep_identity(target, identity)
        before = len(target), len(target.saddles())
        minima = _take_minima(target, source, identity, later)
        saddles = _take_saddles(target, source, identity, later, minima)
        _take_notes(target, source, later, minima, saddles)
        for kind, numbers in ((MINIMUM, minima), (SADDLE, saddles)):
            _take_frequencies(target, source, kind, numbers)
        take_labellings(target, source, minima)
        after = len(target), len(target.saddles())
    return Merged(minima, saddles, after[0] - before[0], after[1] - before[1])


def _take_minima(target: Landscape, source: Landscape, identity: Identity, later: int) -> dict[int, int]:
    known = KnownMinima(target.numbers, target.bonds, identity)
    mine, found = target.minima(), source.minima()
    for number, energy, positions in zip(mine.ids.tolist(), mine.energies.tolist(), mine.positions, strict=True):
        known.add(number, energy, positions)
    labels = dict(zip(mine.ids.tolist(), mine.labels, strict=True))
    numbers: dict[int, int] = {}
    images, twins = mirror_images(source), dict[int, int]()  # numbers there; there to here
    for k, (number, energy, positions) in enumerate(
        zip(found.ids.tolist(), found.energies.tolist(), found.positions, strict=True)
    ):
        here = known.find(energy, positions)
        if here is None:
            origin = {"strategy": found.strategies[k], "label": found.labels[k], "mirror": twins.get(number)}
            here = target.add(energy, positions, call=int(found.calls[k]) + later, **origin)
            known.add(here, energy, positions)
        elif found.labels[k] and not labels.get(here):
            target.label(here, found.labels[k])
        numbers[number] = here
        if number in images:
            twins[images[number]] = here
    return numbers


def _take_saddles(
    target: Landscape, source: Landscape, identity: Identity, later: int, minima: dict[int, int]
) -> dict[int, int]:
    known: dict[tuple[int, int], KnownMinima] = {}
    of = lambda pair: known.setdefault(pair, KnownMinima(target.numbers, target.bonds, identity))
    for number, pair, energy, positions in _each(target.saddles()):
        of(pair).add(number, energy, positions)
    found = source.saddles()
    numbers: dict[int, int] = {}
    for k, (number, ends, energy, positions) in enumerate(_each(found)):
        first, second = sorted(minima[end] for end in ends)
        here = of((first, second)).find(energy, positions)
        if here is None:
            origin = {"call": int(found.calls[k]) + later, "method": found.methods[k]}
            here = target.add_saddle(first, second, energy, positions, frequency=float(found.frequencies[k]), **origin)
            of((first, second)).add(here, energy, positions)
        numbers[number] = here
    return numbers


def _each(saddles: Saddles) -> list[tuple[int, tuple[int, int], float, np.ndarray]]:
    pairs = [(first, second) for first, second in saddles.pairs.tolist()]
    return list(zip(saddles.ids.tolist(), pairs, saddles.energies.tolist(), saddles.positions, strict=True))


def _take_notes(
    target: Landscape, source: Landscape, later: int, minima: dict[int, int], saddles: dict[int, int]
) -> None:
    """Hops, attempts and structures set aside."""
    for hop in source.hops():
        start = None if hop.start is None else minima[hop.start]
        finish, call = minima[hop.finish], hop.call + later
        target.add_hop(Hop(start, finish, call, -1, hop.strategy, hop.barrier, accepted=hop.accepted))
    for attempt in source.attempts():
        second = None if attempt.second is None else minima[attempt.second]
        saddle = None if attempt.saddle is None else saddles[attempt.saddle]
        first, call = minima[attempt.first], attempt.call + later
        target.add_attempt(Attempt(first, second, call, attempt.method, saddle, attempt.reason))
    for one in source.set_aside_structures():
        target.set_aside(one.reason, one.energy, one.positions, call=one.call + later, strategy=one.strategy)


def _take_frequencies(target: Landscape, source: Landscape, kind: str, numbers: dict[int, int]) -> None:
    mine, theirs = stored_frequencies(target, kind), stored_frequencies(source, kind)
    new = {numbers[number]: found for number, found in theirs.items() if number in numbers}
    new = {number: found for number, found in new.items() if number not in mine}
    if new:
        store_vibrations(target, kind, list(new), list(new.values()))
