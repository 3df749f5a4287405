"""Keeps figures and tables that are not drawn yet from being measured.

Contents of a tab exist for a moment before they are drawn. When the page is resized or data arrive in that moment,
Bokeh measures figures that have no layout, Panel scrolls tables that have no rows, and the whole pass ends with an
error (panel-material-ui, problem 548). What is not drawn is left out instead; it is measured when it is drawn.
"""

from os import PathLike
from typing import Any, ClassVar

from panel.custom import JSComponent


class LayoutGuard(JSComponent):
    """Once on a page, before its figures and tables."""

    _esm: ClassVar[str | PathLike[str]] = """
    const GUARDED = [
      ["Plot", ["_measure_layout", "_after_layout"], (view) => view.layout != null],
      ["panel.models.tabulator.DataTabulator", ["restore_scroll"], (view) => view.tabulator != null],
    ]

    function guard(prototype, step, drawn) {
      let owner = prototype
      while (!Object.hasOwn(owner, step)) owner = Object.getPrototypeOf(owner)
      const original = owner[step]
      if (original.guarded) return
      owner[step] = function (...given) { if (drawn(this)) original.apply(this, given) }
      owner[step].guarded = true
    }

    for (const [name, steps, drawn] of GUARDED) {
      const view = window.Bokeh?.Models?.get(name)?.prototype.default_view
      if (view) for (const step of steps) guard(view.prototype, step, drawn)
    }

    export function render() { return document.createElement("span") }
    """

    def __init__(self, **params: Any) -> None:
        super().__init__(width=0, height=0, margin=0, **params)
