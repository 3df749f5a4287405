"""The charts, each a card whose data change in place.

Curves: lines.py. Points that can be chosen: scatter.py. Densities: density.py. Points joined by lines: linked.py, with
trees in tree.py, networks and profiles in network.py. Grids: heat.py. Spectra: spectrum.py. Their common part:
chart.py.
"""

from so3k_explore.app.panes.chart import Chart as Chart
from so3k_explore.app.panes.chart import link_x as link_x
from so3k_explore.app.panes.density import DensityChart as DensityChart
from so3k_explore.app.panes.lines import BandChart as BandChart
from so3k_explore.app.panes.lines import LineChart as LineChart
from so3k_explore.app.panes.network import NetworkChart as NetworkChart
from so3k_explore.app.panes.network import ProfileChart as ProfileChart
from so3k_explore.app.panes.scatter import ScatterChart as ScatterChart
from so3k_explore.app.panes.tree import TreeChart as TreeChart
