"""Keeps a figure that is not drawn yet from being measured.

Contents of a tab exist for a moment before they are drawn. When the page is resized in that moment, Bokeh measures
figures that have no layout and ends the whole pass with an error (panel-material-ui, problem 548). A figure without
layout is left out instead; it is measured when it is drawn.
"""

from os import PathLike
from typing import Any, ClassVar

from panel.custom import JSComponent


class LayoutGuard(JSComponent):
    """Once on a page, before its figures."""

    _esm: ClassVar[str | PathLike[str]] = """
    const STEPS = ["_measure_layout", "_after_layout"]

    function guard(prototype) {
      for (const step of STEPS) {
        let owner = prototype
        while (!Object.hasOwn(owner, step)) owner = Object.getPrototypeOf(owner)
        const original = owner[step]
        if (original.guarded) continue
        owner[step] = function () { if (this.layout != null) original.call(this) }
        owner[step].guarded = true
      }
    }

    const Plot = window.Bokeh?.Models?.get("Plot")
    if (Plot) guard(Plot.prototype.default_view.prototype)

    export function render() {
      const nothing = document.createElement("span")
      nothing.dataset.guarding = String(Boolean(Plot))
      return nothing
    }
    """

    def __init__(self, **params: Any) -> None:
        super().__init__(width=0, height=0, margin=0, **params)
