"""The families of conformers by name: what is in each, and what it is called."""

from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from so3k_explore.app import theme
from so3k_explore.app.models.display import counted
from so3k_explore.app.models.session import Session
from so3k_explore.app.views.part import Part, tall

MOST = 24  # families that have a button


class FamiliesCard(Part):
    """A button for each family, which chooses its members; name and colour of the one that is looked at."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._model = model = session.families
        self._buttons = pn.FlexBox(margin=0, sizing_mode="stretch_width")
        listed = pn.Column(self._buttons, scroll="y-auto", height=128, margin=(0, 8), sizing_mode="stretch_width")
        self._summary = pmui.Typography("", variant="caption", color="text.secondary", margin=(2, 12))
        self._name = pmui.TextInput(label="", placeholder="Name of the family", size="small", width=150, margin=(6, 4))
        self._color = pmui.ColorPicker(label="", size="small", width=112, margin=(6, 4))
        self._keep = pmui.Button(
            label="Keep", size="small", variant="outlined", margin=(8, 4), on_click=lambda _: model.keep()
        )
        self._edit = pn.FlexBox(self._name, self._color, self._keep, margin=(0, 6), sizing_mode="stretch_width")
        self._quiet = False
        self._name.param.watch(self._renamed, "value")
        self._color.param.watch(self._recolored, "value")
        content = pn.Column(self._summary, listed, self._edit, sizing_mode="stretch_width", margin=0)
        self._layout = theme.card("Families", content, enlarge=False, **tall(310))
        model.param.watch(lambda *_: self._draw(), ["picture", "family"])
        session.display.param.watch(lambda *_: self._draw(), "energy_unit")
        self._draw()

    def _draw(self) -> None:
        picture = self._model.picture
        found = picture is not None and len(picture.labelling) > 0
        self._edit.visible = self._buttons.visible = found
        if picture is None or not found:
            self._summary.object = "Appear when there are minima enough to be sorted."
            return
        count = len(picture.labelling)
        alone = int((picture.clusters < 0).sum())
        silhouette = picture.labelling.settings.get("silhouette")
        words = [
            "1 family" if count == 1 else f"{count} families",
            f"{counted(alone, 'minimum')} in none (grey)" if alone else "",
            f"silhouette {silhouette:.2f}" if silhouette is not None else "",
            f"kept as “{picture.labelling.name}”" if picture.wish.stored else "",
            f"the first {MOST} are listed" if count > MOST else "",
        ]
        self._summary.object = " · ".join(word for word in words if word)
        self._buttons.objects = [self._button(picture, cluster) for cluster in range(min(count, MOST))]
        self._fill(picture)

    def _button(self, picture: Any, cluster: int) -> pmui.Button:
        places = np.flatnonzero(picture.clusters == cluster)
        lowest = picture.minima.energies[places].min() if len(places) else 0.0
        said = f"{counted(len(places), 'minimum')}, from ΔE {self.session.display.energy_text(float(lowest))}"
        chosen = cluster == self._model.family
        button = pmui.Button(
            label=f"{picture.labelling.name_of(cluster)} · {len(places)}",
            description=said,
            **{"size": "small", "variant": "outlined", "margin": (3, 3)},
            sx={
                "color": "text.primary",
                "textTransform": "none",
                "borderColor": picture.labelling.color_of(cluster),
                "borderLeftWidth": "10px",
                "backgroundColor": "action.selected" if chosen else "transparent",
                "fontWeight": 700 if chosen else 400,
                "py": 0,
            },
        )
        button.on_click(lambda _: self._model.choose(cluster))
        return button

    def _fill(self, picture: Any) -> None:
        """Name and colour of the family that is looked at."""
        family, known = self._model.family, self._model.family >= 0
        self._name.disabled = self._color.disabled = not known
        self._quiet = True
        try:
            self._name.value = picture.labelling.name_of(family) if known else ""
            self._color.value = picture.labelling.color_of(family) if known else theme.NOISE
        finally:
            self._quiet = False

    def _renamed(self, event: Any) -> None:
        if not self._quiet and self._model.family >= 0:
            self._model.rename(event.new)

    def _recolored(self, event: Any) -> None:
        if not self._quiet and self._model.family >= 0 and event.new:
            self._model.recolor(event.new)
