"""Two torsions of many structures: each point can be chosen, both axes go once around."""

from typing import Any

from so3k_explore.app.panes.limits import Limits
from so3k_explore.app.panes.scatter import ScatterChart

TURN = (-180.0, 180.0)
TICKS = [-180, -90, 0, 90, 180]


class AnglesChart(ScatterChart):
    """A Ramachandran plot whose points are structures."""

    def _fit(self, x: Limits, y: Limits, *, from_zero: str = "") -> None:
        before = dict(self._limits)
        self._limits = {"x_range": TURN, "y_range": TURN}
        self._change_limits(before)

    def _options(self, **extra: Any) -> dict[str, Any]:
        return super()._options(xticks=TICKS, yticks=TICKS, **extra)
