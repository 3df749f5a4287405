"""Keys that act on the page as a whole; those of the viewer are heard by the viewer."""

from collections.abc import Callable
from os import PathLike
from typing import Any, ClassVar

import panel as pn
import panel_material_ui as pmui
from panel.custom import JSComponent

from so3k_explore.app.views.part import filled_when_opened

KEYS = {
    "Space": "play or pause",
    "← →": "one frame back or on",
    "[ ]": "the minimum below or above",
    "Escape": "forget chosen atoms and minima",
    "B": "bookmark what is shown, or forget the bookmark",
    "F": "full screen",
    "?": "this list",
}


class Keyboard(JSComponent):
    """Passes keys pressed outside of text fields to Python."""

    _esm: ClassVar[str | PathLike[str]] = """
    export function render({ model }) {
      const wanted = new Set(["[", "]", "?", "b", "B", "Escape"])
      const listen = (event) => {
        const target = event.composedPath()[0]
        const typing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName || "")
        if (wanted.has(event.key) && !event.ctrlKey && !event.metaKey && !(typing && event.key !== "Escape"))
          model.send_msg({ key: event.key })
      }
      document.addEventListener("keydown", listen)
      model.on("remove", () => document.removeEventListener("keydown", listen))
      const nothing = document.createElement("span")
      nothing.dataset.ready = "true"
      return nothing
    }
    """

    def __init__(self, actions: dict[str, Callable[[], None]], **params: Any) -> None:
        super().__init__(width=0, height=0, margin=0, **params)
        self._actions = actions

    def _handle_msg(self, data: dict[str, Any]) -> None:
        action = self._actions.get(str(data.get("key")).capitalize())
        if action is not None:
            action()


def keys_dialog() -> pmui.Dialog:
    """The list of keys."""
    dialog = pmui.Dialog(title="Keys", show_close_button=True, close_on_click=True, width_option="xs")
    return filled_when_opened(dialog, _list)


def _list() -> pn.Column:
    rows = [
        pn.Row(
            pmui.Chip(label=key, size="small", variant="outlined", width=90, margin=(4, 8)),
            pmui.Typography(meaning, variant="body2", margin=(6, 8)),
            margin=0,
        )
        for key, meaning in KEYS.items()
    ]
    return pn.Column(*rows, margin=0)
