"""What a search knows between two blocks of force calls: enough to go on to the bit, and to draw it live."""

import jax
import numpy as np

from so3k_explore import units
from so3k_explore.exploration.settings import MinimaSearch
from so3k_explore.exploration.tempering import NOBODY, Replicas, first_replicas
from so3k_explore.exploration.walker_state import Phase, Walkers
from so3k_explore.typing import Replaceable, pytree, static

REMEMBERED = 128  # proposals that new ones are compared with
NOT_BEGUN = -1  # force calls of earlier searches, before anybody looked


class SearchError(RuntimeError):
    """A search cannot start or go on; the message says what to do."""


@pytree
class Ledger(Replaceable):
    """The host's notes about each walker and each strategy. Minima are named by number; 0 is none."""

    strategy: np.ndarray  # (walkers,) index of the strategy it follows
    start: np.ndarray  # (walkers,) minimum that the present task left
    current: np.ndarray  # (walkers,) minimum that the walker has accepted
    stage: np.ndarray  # (walkers,) of the relaxation: 0 coarse, then finer
    pushes: np.ndarray  # (walkers,) how often this task was pushed off a saddle
    barren: np.ndarray  # (walkers,) tasks since it last found a new minimum
    failures: np.ndarray  # (walkers,) tasks in a row that found no minimum at all
    temperature: np.ndarray  # (walkers,) K
    window: np.ndarray  # (walkers,) eV
    timestep: np.ndarray  # (walkers,) internal time
    strategy_calls: np.ndarray  # (strategies,) discounted force calls
    strategy_tasks: np.ndarray  # (strategies,) discounted tasks
    strategy_found: np.ndarray  # (strategies,) discounted new minima, by their worth
    proposed: np.ndarray  # (latest proposals, distances) descriptions of the latest starts (`novelty`); NaN: none
    tasks: int  # given out so far; number of the next one's random stream
    calls: int  # force calls
    hops: int
    accepted: int
    first_temperature: float  # K
    replicas: Replicas | None = None  # where parallel tempering is among the strategies

    def copy(self) -> "Ledger":
        """Ledger with arrays of its own."""
        return jax.tree.map(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf, self)

    def moved_to(self, fresh: "Ledger", *, same_strategies: bool) -> "Ledger":
        """This ledger with another number of walkers or other strategies: those of a `fresh` one."""
        keep = min(len(self.current), len(fresh.current))
        for name in ("current", "temperature", "window", "timestep"):
            getattr(fresh, name)[:keep] = getattr(self, name)[:keep]
        names = ("tasks", "calls", "hops", "accepted", "first_temperature", "proposed")
        names += ("strategy_calls", "strategy_tasks", "strategy_found") if same_strategies else ()
        replicas = fresh.replicas
        kept = self.replicas
        if replicas is not None and kept is not None and len(kept.carrier) == len(replicas.carrier):
            replicas = kept.replace(carrier=np.full_like(kept.carrier, NOBODY))
        return fresh.replace(replicas=replicas, **{name: getattr(self, name) for name in names})


def first_ledger(settings: MinimaSearch, strategies: tuple[str, ...], atoms: int, distances: int) -> Ledger:
    """Ledger before the first task; `distances` describe a structure."""
    walkers, hopping = settings.walkers, settings.hopping
    names = ("strategy", "start", "current", "stage", "pushes", "barren", "failures")
    return Ledger(
        **{name: np.zeros(walkers, int) for name in names},
        temperature=np.full(walkers, float(settings.temperature)),
        window=np.full(walkers, float(hopping.window)),
        timestep=np.full(walkers, hopping.timestep * units.FS),
        strategy_calls=np.zeros(len(strategies)),
        strategy_tasks=np.zeros(len(strategies)),
        strategy_found=np.zeros(len(strategies)),
        proposed=np.full((REMEMBERED, distances), np.nan, np.float32),
        **dict.fromkeys(("tasks", "calls", "hops", "accepted"), 0),
        first_temperature=float(settings.temperature),
        replicas=first_replicas(walkers, settings.temperature, atoms) if "tempering" in strategies else None,
    )


@pytree
class SearchState(Replaceable):
    """A search after a block of force calls. A pytree: `io.checkpoints` saves it."""

    walkers: Walkers
    ledger: Ledger
    first_call: int  # force calls of earlier searches in the same landscape, or `NOT_BEGUN`
    n_minima: int
    fill: float  # share of the walkers that worked, over the last block
    found: tuple[int, ...] = static(default=())  # minima new since the last state
    set_aside: tuple[str, ...] = static(default=())  # reasons of structures set aside since the last state
    strategies: tuple[str, ...] = static(default=())
    seconds: float = static(default=0.0)  # spent on searching so far; who saves the state keeps this beside it
    finished: str | None = static(default=None)  # why the search ended, in words; None: it goes on

    @property
    def calls(self) -> int:
        """Force calls of this search."""
        return self.ledger.calls

    @property
    def positions(self) -> np.ndarray:
        """Where the walkers are, (walkers, atoms, 3) in Å."""
        return np.asarray(self.walkers.system.positions)

    @property
    def energies(self) -> np.ndarray:
        """Potential energies (walkers,), eV."""
        return np.asarray(self.walkers.energy)

    @property
    def temperatures(self) -> np.ndarray:
        """Temperatures (walkers,) of the flights, K."""
        return self.ledger.temperature

    @property
    def acceptance(self) -> float:
        """Share of the hops that were accepted; NaN before the first."""
        return self.ledger.accepted / self.ledger.hops if self.ledger.hops else float("nan")

    @property
    def phases(self) -> tuple[str, ...]:
        """What each walker does, in a word."""
        return tuple(Phase(int(p)).name.lower() for p in np.asarray(self.walkers.phase))

    @property
    def walker_strategies(self) -> tuple[str, ...]:
        """Which strategy each walker follows."""
        return tuple(self.strategies[int(s)] for s in self.ledger.strategy)
