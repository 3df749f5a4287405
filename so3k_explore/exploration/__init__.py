"""Exploration of potential energy surfaces: minima, how they were found, and how many there may be.

==========================  ==========================================================================================
`search.explore_minima`     a stream of states of W walkers that share one history
`settings.MinimaSearch`     its settings, with `minima_hopping.MinimaHopping` and `identity.Identity`
`landscape.Landscape`       minima, saddles, hops and structures set aside, in SQLite through `ase.db`
`identity`                  whether two relaxed structures are the same minimum
`walkers`                   softening, flights and relaxations of all walkers in one compiled step
`basin_hopping`, `seeds`    moves and random structures; `scheduler` chooses among the strategies
`thermal`, `tempering`      flights in a bath, with a bias or as stretches of replicas
`saddles.find_saddles`      a stream of states of a search for saddles; `saddle_settings.SaddleSearch` its settings
`band`, `following`         elastic bands between pairs of minima, and the climb along one mode, all in compiled steps
`pairing`                   which pairs of minima to join next
`coverage`                  how many minima are still missing
`tree`, `tree_building`     disconnectivity trees: barriers, paths, basins; `tree_layout` and `pictures` draw them
`thermodynamics`            free energies, populations, heat capacity and rates, from `vibrations.vibrations`
`recheck.recheck`           minima relaxed again with a reference method
`merging`, `importing`      landscapes from landscapes and from files; `export` writes them for other programs
`model_record`              which model a landscape was made with; others are refused
`families`, `labels`        minima sorted into families, and how these are kept; `kinetic`: basins of the tree
`attention`                 what a network attends to in all minima: families, and their agreement with other clusters
`dipoles`                   dipole moments of all minima
`nearest`                   how close minima come to each other
==========================  ==========================================================================================

References: Goedecker, J. Chem. Phys. 120, 9911 (2004); Schönborn et al., J. Chem. Phys. 130, 144108 (2009);
Wales & Doye, J. Phys. Chem. A 101, 5111 (1997); Becker & Karplus, J. Chem. Phys. 106, 1495 (1997); Chao, Biometrics 43,
783 (1987); Grimme, Chem. Eur. J. 18, 9955 (2012).
"""

from so3k_explore.exploration.coverage import Coverage as Coverage
from so3k_explore.exploration.coverage import coverage_below as coverage_below
from so3k_explore.exploration.coverage import estimate_coverage as estimate_coverage
from so3k_explore.exploration.dipoles import landscape_dipoles as landscape_dipoles
from so3k_explore.exploration.export import export_landscape as export_landscape
from so3k_explore.exploration.families import find_families as find_families
from so3k_explore.exploration.identity import Identity as Identity
from so3k_explore.exploration.identity_record import mirror_images as mirror_images
from so3k_explore.exploration.identity_record import recorded_identity as recorded_identity
from so3k_explore.exploration.importing import import_structures as import_structures
from so3k_explore.exploration.importing import read_structures as read_structures
from so3k_explore.exploration.labels import Labelling as Labelling
from so3k_explore.exploration.labels import list_labellings as list_labellings
from so3k_explore.exploration.labels import read_labelling as read_labelling
from so3k_explore.exploration.labels import write_labelling as write_labelling
from so3k_explore.exploration.landscape import Landscape as Landscape
from so3k_explore.exploration.landscape import LandscapeError as LandscapeError
from so3k_explore.exploration.merging import merge_landscapes as merge_landscapes
from so3k_explore.exploration.minima_hopping import MinimaHopping as MinimaHopping
from so3k_explore.exploration.model_record import recorded_model as recorded_model
from so3k_explore.exploration.nearest import nearest_neighbors as nearest_neighbors
from so3k_explore.exploration.pictures import draw_tree as draw_tree
from so3k_explore.exploration.records import Attempt as Attempt
from so3k_explore.exploration.records import Hop as Hop
from so3k_explore.exploration.records import Minima as Minima
from so3k_explore.exploration.records import Saddles as Saddles
from so3k_explore.exploration.records import SetAside as SetAside
from so3k_explore.exploration.records import Transitions as Transitions
from so3k_explore.exploration.saddle_settings import SaddleSearch as SaddleSearch
from so3k_explore.exploration.saddles import SaddleState as SaddleState
from so3k_explore.exploration.saddles import find_saddles as find_saddles
from so3k_explore.exploration.search import explore_minima as explore_minima
from so3k_explore.exploration.search import initial_search as initial_search
from so3k_explore.exploration.settings import MinimaSearch as MinimaSearch
from so3k_explore.exploration.state import SearchError as SearchError
from so3k_explore.exploration.state import SearchState as SearchState
from so3k_explore.exploration.thermodynamics import Superposition as Superposition
from so3k_explore.exploration.thermodynamics import equilibrium as equilibrium
from so3k_explore.exploration.thermodynamics import free_energy_tree as free_energy_tree
from so3k_explore.exploration.thermodynamics import landscape_rates as landscape_rates
from so3k_explore.exploration.tree import Tree as Tree
from so3k_explore.exploration.tree_building import disconnectivity_tree as disconnectivity_tree
from so3k_explore.exploration.tree_building import landscape_tree as landscape_tree
