"""Pieces of the page that draw: the molecule, its player, the charts, and nglview's own widget for notebooks.

`MoleculePane` (molecule.py) shows and measures structures and `PlayerBar` (player.py) holds its buttons; charts.py has
cards with curves, points and densities, tables.py a table; notebook.py returns nglview's widget. Importing this
package loads Panel.
"""

from so3k_explore.app.panes.charts import DensityChart as DensityChart
from so3k_explore.app.panes.charts import LineChart as LineChart
from so3k_explore.app.panes.charts import ScatterChart as ScatterChart
from so3k_explore.app.panes.charts import link_x as link_x
from so3k_explore.app.panes.molecule import STYLES as STYLES
from so3k_explore.app.panes.molecule import MoleculePane as MoleculePane
from so3k_explore.app.panes.molecule import color_codes as color_codes
from so3k_explore.app.panes.player import PlayerBar as PlayerBar
from so3k_explore.app.panes.tables import TableCard as TableCard
