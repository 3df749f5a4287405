"""One copy of the Material components' code in a notebook cell instead of one for each component.

On a server the components name the address of their code; in a notebook each brings all of it (1.4 MB), although the
browser keeps the first copy it meets and takes it for all components of the same bundle. So the first one that is drawn
keeps its copy, and the others go without.
"""

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
        carrier = model.children[0]
        shared = getattr(carrier, "bundle", None)
        for other in model.references() - {carrier}:
            if getattr(other, "bundle", None) == shared and shared not in SERVED:
                other.update(esm="")
        return model
