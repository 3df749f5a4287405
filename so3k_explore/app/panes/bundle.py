"""One copy of the Material components' code in a notebook cell instead of one for each component.

On a server the components name the address of their code; in a notebook each brings all of it (1.4 MB), although the
browser keeps the first copy it meets and takes it for all components of the same bundle. So the first one that is drawn
keeps its copy, and the others go without.
"""

from collections.abc import Iterable
from typing import Any

import panel as pn
import panel_material_ui as pmui

SERVED = (None, "url")  # bundles whose code is not in the cell


class OneBundle(pn.Column):
    """A column whose Material components share the code that an empty one on top of them brings along."""

    def __init__(self, *objects: Any, **layout: Any) -> None:
        carrier = pmui.Typography("", width=0, height=0, margin=0, sizing_mode="fixed")
        super().__init__(carrier, *objects, **layout)

    def _get_model(self, doc: Any, root: Any = None, parent: Any = None, comm: Any = None) -> Any:
        model: Any = super()._get_model(doc, root, parent, comm)
        _leave_out(model.children[0], model.references())
        return model


class LaterColumn(pn.Column):
    """A column whose contents, when they come later, go without the code that their cell holds already."""

    def _get_objects(self, model: Any, old_objects: list[Any], doc: Any, root: Any, comm: Any = None) -> Any:
        contents, kept = super()._get_objects(model, old_objects, doc, root, comm)
        if children := getattr(root, "children", ()):
            _leave_out(children[0], (part for content in contents for part in content.references()))
        return contents, kept


def _leave_out(carrier: Any, models: Iterable[Any]) -> None:
    """Takes the code from the models whose bundle the carrier brings along."""
    shared = getattr(carrier, "bundle", None)
    for model in models:
        if model is not carrier and shared not in SERVED and getattr(model, "bundle", None) == shared:
            model.update(esm="")
