"""What all charts share: the card, the empty state, the limits, and the way data reach the browser.

HoloViews lays a chart out once. Afterwards its Bokeh data sources are written directly, which takes a millisecond
where drawing the HoloViews object again takes fifty; limits change only when the data no longer fit, and a zoom made
by the user is left alone.
"""

import base64
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import holoviews as hv
import panel as pn
import panel_material_ui as pmui
import param
from bokeh.models import CustomJS

from so3k_explore.app.panes.limits import Limits, grown, grown_logarithmic
from so3k_explore.app.theme import CHART_HEIGHT, card, chart_hook, shown_when_filled

hv.extension("bokeh", logo=False)

OFFERS = {"Picture as SVG": "svg", "Picture as PNG": "png", "Data as CSV": "csv"}
"""Items of the menu for files → formats."""
DOWNLOAD = """
const [name, type, content] = cb_obj.tags
if (!content) return
const link = document.createElement("a")
link.href = `data:${type};base64,${content}`
link.download = name
link.click()
"""
_FILES = ThreadPoolExecutor(max_workers=1, thread_name_prefix="so3k-figures")

MARK = "#D55E00"  # rings and cursors: what is chosen or shown now
TOOLS = ("pan", "wheel_zoom", "reset", "save")
Columns = dict[str, Any]


class Chart(pn.viewable.Viewer):
    """A card with a plot. Subclasses return it from `_plot`, with `_capture(name)` among the hooks of each element."""

    title = param.String("", doc="Says what is plotted.")
    empty = param.String("Appears when a run is started.", doc="Shown while there are no data.")
    filled = param.Boolean(False, doc="Whether there are data to show.")

    _logarithmic = False  # whether the y axis is

    def __init__(self, title: str, x_label: str, y_label: str, *, empty: str | None = None, **layout: Any) -> None:
        """A chart titled `title`; axis labels are "quantity / unit"; `layout` is passed to the card."""
        super().__init__(title=title, **({} if empty is None else {"empty": empty}))
        self.x_label, self.y_label = x_label, y_label
        self._figures: list[Any] = []
        self._sources: dict[str, list[Any]] = {}
        self._columns: dict[str, Columns] = {}
        self._limits: dict[str, Limits | None] = {"x_range": None, "y_range": None}
        self._linked: list[Chart] = []
        self._postponed: dict[Any, int] = {}  # models to how many changes of theirs were put off
        self._layout = layout
        self._card: Any = None
        self._pane: pn.pane.HoloViews | None = None

    def _options(self, **extra: Any) -> dict[str, Any]:
        """HoloViews options common to all charts, for the outermost object."""
        return {
            **{"responsive": True, "min_height": CHART_HEIGHT, "axiswise": True, "shared_axes": False},
            **{"toolbar": "above", "default_tools": list(TOOLS), "show_frame": False, "title": "", "active_tools": []},
            **{"tools": [], "hooks": [chart_hook, self._adopt]},
            **{"xlabel": self.x_label, "ylabel": self.y_label, "fontsize": {"labels": 11, "ticks": 9, "legend": 9}},
            **extra,
        }

    def _send(self, name: str, columns: Columns) -> None:
        """Replaces the data of element `name` wherever it is shown."""
        self._columns[name] = columns
        for source in self._sources.get(name, []):
            self._write(source, partial(source.update, data=columns))

    def _write(self, model: Any, change: Callable[[], Any], later: int = 0) -> None:
        """Changes a Bokeh model where that is allowed: a page's models only under the document's lock.

        On a page, a change may come `later` (ms), and not at all if others of the same kind follow before.

        The change is sent by Panel, like all others: one that Bokeh sent by itself could reach the browser before the
        model that it changes, while that still stands in Panel's queue.
        """
        document = model.document
        if document is not None and document.session_context is not None:
            if later:
                self._postpone(document, model, change, later)
            else:
                document.add_next_tick_callback(partial(_send_in_order, change))
            return
        change()
        if self._pane is not None:
            pn.io.push_notebook(self._pane)  # does nothing where there is no notebook

    def _postpone(self, document: Any, model: Any, change: Callable[[], Any], later: int) -> None:
        self._postponed[model] = number = self._postponed.get(model, 0) + 1

        def last() -> None:
            if self._postponed.get(model) == number:
                _send_in_order(change)

        document.add_timeout_callback(last, later)

    def _capture(self, name: str) -> Callable[[Any, Any], None]:
        """Hook that learns the data source of element `name` when it is drawn, and fills it."""

        def hook(plot: Any, element: Any) -> None:
            source = plot.handles["source"]
            known = self._sources.setdefault(name, [])
            if not any(source is other for other in known):
                known.append(source)
                self._drawn(name, source)
                if name in self._columns:
                    source.data = self._columns[name]

        return hook

    def _drawn(self, name: str, source: Any) -> None:
        """Called once for every new data source."""

    def _adopt(self, plot: Any, element: Any) -> None:
        """Hook: a new figure gets the limits, and follows the charts it is linked with."""
        figure = plot.state
        if any(known is figure for known in self._figures):
            return
        self._figures.append(figure)
        figure.js_on_change("tags", CustomJS(code=DOWNLOAD))
        self._dress(figure)
        self._letter(figure)
        self._apply_limits(figure, {})
        for theirs in (each for other in self._linked for each in other._figures):
            for first, second in ((figure, theirs), (theirs, figure)):
                first.x_range.js_link("start", second.x_range, "start")
                first.x_range.js_link("end", second.x_range, "end")

    def relabel(self, x_label: str, y_label: str) -> None:
        """Other axis labels, such as for another unit; limits are found anew with the data that follow."""
        if (x_label, y_label) == (self.x_label, self.y_label):
            return
        self.x_label, self.y_label = x_label, y_label
        self._limits = {"x_range": None, "y_range": None}
        for figure in self._figures:
            self._letter(figure)

    def _letter(self, figure: Any) -> None:
        """Writes the labels into a figure."""
        figure.xaxis.axis_label, figure.yaxis.axis_label = self.x_label, self.y_label

    def _dress(self, figure: Any) -> None:
        """Adds what a subclass draws outside HoloViews."""

    def _fit(self, x: Limits, y: Limits, *, from_zero: str = "") -> None:
        """Grows the limits when data between these pairs no longer fit; axes named in `from_zero` start there."""
        before = dict(self._limits)
        self._limits["x_range"] = grown(before["x_range"], *x, from_zero="x" in from_zero)
        logarithmic = self._logarithmic
        self._limits["y_range"] = (
            grown_logarithmic(before["y_range"], *y)
            if logarithmic
            else grown(before["y_range"], *y, from_zero="y" in from_zero)
        )
        self._change_limits(before)

    def _change_limits(self, before: dict[str, Limits | None]) -> None:
        """Brings limits to the figures, unless they are as before."""
        if self._limits != before:
            for figure in self._figures:
                self._write(figure, partial(self._apply_limits, figure, before))

    def _apply_limits(self, figure: Any, before: dict[str, Limits | None]) -> None:
        for name, inner in self._limits.items():
            axis, limits, old = getattr(figure, name), self._around(inner), self._around(before.get(name))
            if limits is None or limits == old:
                continue
            if old is None or (axis.start, axis.end) == old:  # else the user has zoomed
                axis.update(start=limits[0], end=limits[1])
            axis.update(reset_start=limits[0], reset_end=limits[1])

    def _around(self, limits: Limits | None) -> Limits | None:
        """What an axis shows for limits of the data."""
        return limits

    def file(self, format: str) -> tuple[str, bytes]:
        """Name and content of a file: the picture as "svg" or "png", or the data as "csv".

        Raises:
            ValueError: there is no such format, or the picture was asked for before the chart was shown.
        """
        from so3k_explore.app.panes.figure_file import TYPES, picture, table

        name = f"{re.sub(r'[^a-z0-9]+', '-', self.title.lower()).strip('-')}.{format}"
        if format not in TYPES:
            raise ValueError(f"A chart is written as {', '.join(TYPES)}, got {format!r}.")
        if format == "csv":
            return name, table(self._columns)
        if not self._figures:
            raise ValueError("Show the chart first: what it shows is what is written.")
        return name, picture(self._figures[-1], format, self.title)

    def _offer(self) -> pmui.MenuButton:
        """The menu of files in the title line; the file is made in a thread, and handed to the browser."""
        menu = pmui.MenuButton(
            items=[{"label": label} for label in OFFERS],
            **{"label": "", "icon": "download", "variant": "text", "size": "small", "icon_size": "1.1em"},
            **{"description": "Save picture or data", "margin": (2, 0, 0, 0), "width": 56},
            visible=self.param.filled,
        )
        menu.on_click(self._save)
        return menu

    def _save(self, item: Any) -> None:
        _FILES.submit(self._deliver, OFFERS[item["label"]])

    def _deliver(self, format: str) -> None:
        from so3k_explore.app.panes.figure_file import TYPES

        name, content = self.file(format)
        figure = self._figures[-1]
        for tags in ([], [name, TYPES[format], base64.b64encode(content).decode()]):  # the same file twice is news
            self._write(figure, partial(figure.update, tags=tags))

    def _plot(self) -> Any:
        raise NotImplementedError

    def __panel__(self) -> pn.viewable.Viewable:
        if self._card is None:
            self._pane = pn.pane.HoloViews(
                self._plot(),
                linked_axes=False,
                sizing_mode="stretch_both",
                min_height=CHART_HEIGHT,
                margin=(0, 4, 4, 4),
            )
            actions = [*self._layout.pop("actions", ()), self._offer()]
            self._card = card(self.param.title, shown_when_filled(self, self._pane), actions=actions, **self._layout)
        return self._card


def link_x(*charts: Chart) -> None:
    """Zooming or panning one of the charts moves the x axes of the others; call before they are shown."""
    for chart in charts:
        chart._linked = [other for other in charts if other is not chart]


def _send_in_order(change: Callable[[], Any]) -> None:
    """Makes a change whose events queue behind those that Panel has not sent yet."""
    with pn.io.unlocked():
        change()
