"""A piece of the page that is drawn by one layout, made in its constructor."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.panes.bundle import LaterColumn

PATIENCE = 2000  # ms
ONE_LINE = {"whiteSpace": "nowrap", "overflow": "hidden", "textOverflow": "ellipsis"}


TIGHT = {
    "& .MuiAccordionSummary-root": {"minHeight": "38px", "padding": "0 12px"},
    "& .MuiAccordionSummary-content": {"margin": "4px 0"},
    "& .MuiAccordionDetails-root": {"padding": "0 6px 6px 6px"},
}


class Part(pn.viewable.Viewer):
    """Base of the views: `_layout` is what is shown."""

    _layout: Any

    def __panel__(self) -> Any:
        return self._layout


def pictures(*charts: Any, wide: tuple[Any, ...] = ()) -> pmui.Grid:
    """Cards two by two where the page is wide, else one below the other; those in `wide` take the whole width."""
    cell = lambda chart, half: pmui.Grid(
        chart, size={"xs": 12, "lg": 6 if half else 12}, sizing_mode="stretch_both", min_height=250
    )
    cells = [*(cell(chart, True) for chart in charts), *(cell(chart, False) for chart in wide)]
    return pmui.Grid(*cells, container=True, spacing=0, sizing_mode="stretch_both")


def tall(height: int) -> dict[str, Any]:
    """Layout of a card of so many pixels, for tabs that are scrolled."""
    return {"height": height, "sizing_mode": "stretch_width"}


class Lazy(Part):
    """Makes its content when it is first opened, so that a page need not wait for what nobody has looked at."""

    def __init__(self, make: Callable[[], Any], **layout: Any) -> None:
        super().__init__()
        self._make: Callable[[], Any] | None = make
        self._layout = LaterColumn(**{"sizing_mode": "stretch_both", "margin": 0, **layout})

    def open(self) -> None:
        """Makes the content unless it is there."""
        if self._make is not None:
            make, self._make = self._make, None
            self._layout.objects = [make()]


def folded(title: str, content: Callable[[], Any]) -> pmui.Accordion:
    """Content that is made when its title is clicked for the first time."""
    room = Lazy(content, sizing_mode="stretch_width")
    part = pmui.Accordion(
        (title, room),
        elevation=0,
        disable_gutters=True,
        title_variant="body2",
        margin=0,
        sizing_mode="stretch_width",
        sx={
            **TIGHT,
            "&::before, & .MuiAccordion-root::before": {"display": "none"},
            "& .MuiAccordionDetails-root": {"padding": "0 0 4px 0"},
        },
    )
    part.param.watch(lambda event: room.open() if event.new else None, "active")
    return part


def in_a_row(*parts: Any) -> pn.FlexBox:
    """Parts beside each other, as many as there is room for."""
    return pn.FlexBox(*parts, margin=0, sizing_mode="stretch_width")


def filled_when_opened(dialog: Any, content: Callable[[], Any]) -> Any:
    """A dialog or drawer whose content is made when it is opened for the first time."""
    room = Lazy(content, sizing_mode="stretch_width")
    dialog.append(room)
    dialog.param.watch(lambda event: room.open() if event.new else None, "open")
    return dialog


def in_turns(first: Any, cards: Sequence[tuple[Any, int]]) -> list[Lazy]:
    """Cards that are drawn one after the other as soon as the first chart has its data, which come sooner that way.

    Where there is no server, as in a notebook, all are drawn at once; also on a page that is itself being loaded, whose
    browser would be told of parts that it does not have yet.

    Args:
        first: chart with a parameter `filled`; one without data is waited for `PATIENCE` milliseconds.
        cards: what is to be drawn after it, and pixels kept free for each, so that nothing jumps.
    """
    waiting = [Lazy(partial(_itself, card), sizing_mode="stretch_width", min_height=height) for card, height in cards]
    document = pn.state.curdoc
    if document is None or document.session_context is None or not pn.state.loaded:
        for part in waiting:
            part.open()
        return waiting
    rest = iter(waiting)

    def draw_next() -> None:
        part = next(rest, None)
        if part is not None:
            part.open()
            document.add_next_tick_callback(draw_next)

    if first.filled:
        document.add_next_tick_callback(draw_next)
        return waiting

    def begin() -> None:
        first.param.unwatch(watcher)
        document.add_next_tick_callback(draw_next)

    watcher = first.param.watch(lambda *_: begin(), "filled")
    document.add_timeout_callback(draw_next, PATIENCE)
    return waiting


def _itself(card: Any) -> Any:
    return card
