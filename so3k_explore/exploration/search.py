"""The search for minima: walkers that share one history, several strategies, one stream of states."""

from collections.abc import Callable, Iterator

from so3k_explore.exploration.engine import Engine
from so3k_explore.exploration.identity_record import keep_identity
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.model_record import claim
from so3k_explore.exploration.settings import MinimaSearch
from so3k_explore.exploration.state import SearchState
from so3k_explore.exploration.walker_state import Walkers
from so3k_explore.io.molecule import Molecule
from so3k_explore.potentials.protocol import Potential


def explore_minima(
    potential: Potential,
    molecule: Molecule,
    settings: MinimaSearch | None = None,
    landscape: Landscape | None = None,
    state: SearchState | None = None,
    watch: Callable[[Walkers], None] | None = None,
    model: str = "",
) -> Iterator[SearchState]:
    """Yields a state after every block of force calls, until a limit of `settings` is reached or the caller stops.

    Minima appear in `landscape` as they are found. A landscape that already has minima is continued: they count as
    known. With `state`, a search goes on where it was; if it stopped without warning, what it had written after that
    state is found again, not twice.

    Args:
        potential: gives the forces.
        molecule: where to start; need not be relaxed. Without bonds it is taken for a cluster of atoms.
        settings: see `MinimaSearch`; `temperature` and `walkers` may differ from those of `state`.
        landscape: where minima go; None for one in a temporary file.
        state: of an earlier call with the same molecule and landscape.
        watch: called with the walkers every few force calls, to show them.
        model: name of the potential, kept in the landscape.

    Raises:
        ValueError: the molecule has a single atom, a cell, or elements that the potential does not know.
        LandscapeError: the landscape belongs to another molecule, or was made with another model or chirality.
        SearchError: no walker finds any minimum, or the energies of the landscape are those of another potential.
    """
    check_molecule(potential, molecule)
    landscape = Landscape() if landscape is None else landscape
    landscape.bind(molecule)
    settings = settings or MinimaSearch()
    claim(landscape, potential, model)
    keep_identity(landscape, settings.identity)
    engine = Engine(potential, molecule, settings, landscape, watch)
    if state is None:
        engine.start()
    else:
        engine.restore(state)
    yield from engine.run()


def initial_search(
    potential: Potential,
    molecule: Molecule,
    settings: MinimaSearch | None = None,
    landscape: Landscape | None = None,
) -> SearchState:
    """State before the first force call; `load_checkpoint(path, like=initial_search(...))` reads a saved one.

    With the landscape that is going to be searched, a search that begins here and stops without warning can begin here
    again: it then knows what was in the landscape, and finds again what it wrote itself.
    """
    check_molecule(potential, molecule)
    with Landscape() as nowhere:
        state = Engine(potential, molecule, settings or MinimaSearch(), nowhere).snapshot()
    return state if landscape is None else state.replace(first_call=landscape.calls)


def check_molecule(potential: Potential, molecule: Molecule) -> None:
    """Refuses what a search for minima cannot work on.

    Raises:
        ValueError: with the reason and what to do.
    """
    if molecule.system.n_atoms < 2:
        raise ValueError(
            f"A search needs at least 2 atoms, got {molecule.system.n_atoms}: a single atom has no minima."
        )
    if molecule.system.periodic:
        raise ValueError("A search for minima needs a molecule or cluster without a cell, got a periodic system.")
    if potential.elements is not None:
        from ase.data import chemical_symbols

        unknown = sorted({int(z) for z in molecule.numbers} - set(potential.elements))
        if unknown:
            names = lambda numbers: ", ".join(chemical_symbols[z] for z in sorted(numbers))
            raise ValueError(
                f"The potential knows the elements {names(potential.elements)}; {molecule.name} has {names(unknown)}. "
                "Choose a model for these elements."
            )
