"""Explore potential energy surfaces with SO3krates force fields.

The public names below are all that notebooks, the page and the command line use. Each is imported when first asked for,
so that importing the package costs nothing and never loads the page's libraries.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from so3k_explore.analysis.attention import attention as attention
    from so3k_explore.analysis.attention import capture as capture
    from so3k_explore.app.main import explore as explore
    from so3k_explore.app.panes.notebook import nglview_widget as nglview_widget
    from so3k_explore.exploration import Landscape as Landscape
    from so3k_explore.exploration import MinimaSearch as MinimaSearch
    from so3k_explore.exploration import explore_minima as explore_minima
    from so3k_explore.io.calculator import Calculator as Calculator
    from so3k_explore.io.export import write_structures as write_structures
    from so3k_explore.io.structures import load_molecule as load_molecule
    from so3k_explore.io.structures import read_system as read_system
    from so3k_explore.io.trajectories import read_trajectory as read_trajectory
    from so3k_explore.jobs import Runs as Runs
    from so3k_explore.observables.forces import energy_and_forces as energy_and_forces
    from so3k_explore.observables.hessian import normal_modes as normal_modes
    from so3k_explore.observables.stress import stress as stress
    from so3k_explore.potentials.lennard_jones import LennardJones as LennardJones
    from so3k_explore.potentials.protocol import Potential as Potential
    from so3k_explore.potentials.protocol import Sum as Sum
    from so3k_explore.potentials.registry import list_models as list_models
    from so3k_explore.potentials.registry import load_potential as load_potential
    from so3k_explore.simulation import NVE as NVE
    from so3k_explore.simulation import Langevin as Langevin
    from so3k_explore.simulation import NoseHooverChain as NoseHooverChain
    from so3k_explore.simulation import initial_state as initial_state
    from so3k_explore.simulation import relax as relax
    from so3k_explore.simulation import relaxed as relaxed
    from so3k_explore.simulation import simulate as simulate
    from so3k_explore.system import System as System
    from so3k_explore.system import replicate as replicate

_HOMES = {
    "analysis.attention": ("attention", "capture"),
    "app.main": ("explore",),
    "app.panes.notebook": ("nglview_widget",),
    "exploration": ("Landscape", "MinimaSearch", "explore_minima"),
    "io.calculator": ("Calculator",),
    "io.export": ("write_structures",),
    "io.structures": ("load_molecule", "read_system"),
    "io.trajectories": ("read_trajectory",),
    "jobs": ("Runs",),
    "observables.forces": ("energy_and_forces",),
    "observables.hessian": ("normal_modes",),
    "observables.stress": ("stress",),
    "potentials.lennard_jones": ("LennardJones",),
    "potentials.protocol": ("Potential", "Sum"),
    "potentials.registry": ("list_models", "load_potential"),
    "simulation": ("NVE", "Langevin", "NoseHooverChain", "initial_state", "relax", "relaxed", "simulate"),
    "system": ("System", "replicate"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Imports a public name from its home."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}. Public names: {', '.join(__all__)}.")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
