"""A dashed line across charts at what is shown now, and clicks that ask for another place."""

from collections.abc import Callable
from functools import partial
from typing import Any

from bokeh.events import Tap
from bokeh.models import Span

from so3k_explore.app.panes.chart import MARK


class Cursor:
    """The cursor of one chart, in every drawing of it.

    Args:
        write: changes a Bokeh model, as `Chart` does.
        on_tap: hears the x value where the user clicks.
    """

    def __init__(
        self, write: Callable[[Any, Callable[[], Any]], None], on_tap: Callable[[float], None] | None = None
    ) -> None:
        self.x: float | None = None
        self.spans: list[Span] = []
        self._write = write
        self._on_tap = on_tap

    def move(self, x: float | None) -> None:
        """Moves the dashed line to `x`; None hides it."""
        self.x = x
        for span in self.spans:
            self._write(span, partial(span.update, **self._place))

    def draw(self, figure: Any) -> None:
        """Adds the line to a figure, and listens to clicks in it."""
        span = Span(dimension="height", line_color=MARK, line_width=1.5, line_dash="dashed", level="overlay")
        span.update(**self._place)
        figure.add_layout(span)
        self.spans.append(span)
        if self._on_tap is not None:
            figure.on_event(Tap, self._tapped)

    @property
    def _place(self) -> dict[str, Any]:
        return {"location": 0.0 if self.x is None else self.x, "visible": self.x is not None}

    def _tapped(self, event: Any) -> None:
        if self._on_tap is not None and event.x is not None:
            self._on_tap(float(event.x))
