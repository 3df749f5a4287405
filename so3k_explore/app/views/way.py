"""The way between two chosen minima: profile, barrier in words, and the button that plays it."""

import numpy as np
import panel as pn
import panel_material_ui as pmui

from so3k_explore.app import theme
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.charts import ProfileChart
from so3k_explore.app.views.part import Part, tall

COLORS = {"minimum": theme.PRIMARY, "saddle": theme.FAMILIES[1], "bound": theme.NOISE}
WORDS = {"minimum": "minimum", "saddle": "saddle", "bound": "upper bound from a hop"}


class WayCard(Part):
    """Energy along the way; a click on a minimum looks at it, elsewhere at that frame of the film."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._model = session.way
        self._profile = ProfileChart(
            "Barrier between two minima", on_tap=self._model.go, empty=self._model.sentence, **tall(270)
        )
        self._play = pmui.Button(
            label="Play the way", icon="play_arrow", size="small", variant="outlined", margin=(2, 10), visible=False
        )
        self._play.on_click(lambda _: self._start())
        self._sentence = pmui.Typography("", variant="caption", margin=(6, 4), sizing_mode="stretch_width")
        foot = pn.Row(self._play, self._sentence, sizing_mode="stretch_width", margin=0)
        self._layout = pn.Column(self._profile, foot, sizing_mode="stretch_width", margin=0)
        self._model.param.watch(lambda *_: self._draw(), ["way", "sentence"])
        self._model.param.watch(lambda event: self._profile.set_cursor(event.new), "frame")
        session.display.param.watch(lambda *_: self._draw(), "energy_unit")
        self._draw()

    def _start(self) -> None:
        self._model.play()
        self.session.scene.playing = True

    def _draw(self) -> None:
        way, display = self._model.way, self.session.display
        self._play.visible = way is not None
        self._profile.empty = self._model.sentence
        self._sentence.object = self._model.sentence if way is not None else ""
        self._profile.relabel("way", f"ΔE / {display.energy_unit}")
        if way is None:
            self._profile.clear()
            return
        heights = [stop.energy - min(other.energy for other in way.stops) for stop in way.stops]
        labels = [
            f"{WORDS[stop.kind]} {self._name(stop.kind, stop.number)}: ΔE {display.energy_text(height)}"
            for stop, height in zip(way.stops, heights, strict=True)
        ]
        kinds = [stop.kind for stop in way.stops]
        frames = [stop.frame for stop in way.stops]
        self._profile.draw(frames, display.energies(np.array(heights)), kinds, [COLORS[kind] for kind in kinds], labels)

    def _name(self, kind: str, number: int) -> str:
        rank = self.session.minima.rank(number) if kind == "minimum" else None
        return str(rank + 1) if rank is not None else str(number) if number else ""
