"""Molecular dynamics and relaxation of W walkers in one compiled call: *init, step, a generator of states*.

* `initial_state`, `simulate`, `advance`: dynamics with `NVE`, `Langevin` or `NoseHooverChain`.
* `relax`, `relaxed`: relaxation with `LBFGS` or `FIRE`.
* `make_guard`: when a walker must stop; `Status` says why it did.
* `repartition_hydrogen`: heavier hydrogen, for longer timesteps.
"""

from so3k_explore.simulation.fire import FIRE as FIRE
from so3k_explore.simulation.freedom import Freedom as Freedom
from so3k_explore.simulation.freedom import make_freedom as make_freedom
from so3k_explore.simulation.freedom import remove_overall as remove_overall
from so3k_explore.simulation.freedom import repartition_hydrogen as repartition_hydrogen
from so3k_explore.simulation.freedom import thermal_momenta as thermal_momenta
from so3k_explore.simulation.guards import Guard as Guard
from so3k_explore.simulation.guards import make_guard as make_guard
from so3k_explore.simulation.integrators import NVE as NVE
from so3k_explore.simulation.integrators import Integrator as Integrator
from so3k_explore.simulation.integrators import Langevin as Langevin
from so3k_explore.simulation.integrators import NoseHooverChain as NoseHooverChain
from so3k_explore.simulation.lbfgs import LBFGS as LBFGS
from so3k_explore.simulation.relaxation import RelaxState as RelaxState
from so3k_explore.simulation.relaxation import initial_relaxation as initial_relaxation
from so3k_explore.simulation.relaxation import relax as relax
from so3k_explore.simulation.relaxation import relaxed as relaxed
from so3k_explore.simulation.run import advance as advance
from so3k_explore.simulation.run import simulate as simulate
from so3k_explore.simulation.state import MDState as MDState
from so3k_explore.simulation.state import SimulationError as SimulationError
from so3k_explore.simulation.state import Status as Status
from so3k_explore.simulation.state import initial_state as initial_state
from so3k_explore.simulation.state import thermal_state as thermal_state
