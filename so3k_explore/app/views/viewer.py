"""The middle of the page: one viewer that is never rebuilt, what it shows, and the player below it."""

import numpy as np
import panel as pn
import panel_material_ui as pmui

from so3k_explore.app import theme
from so3k_explore.app.models.display import MINUS, simulated, typeset
from so3k_explore.app.models.scene import Scene
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.molecule import STYLES, MoleculePane, color_codes
from so3k_explore.app.panes.player import PlayerBar
from so3k_explore.app.views.bookmarks import BookmarkBar
from so3k_explore.app.views.part import ONE_LINE, Part

POSITIVE, NEGATIVE = theme.diverging_colors(np.array([1.0, -1.0]))
THINNEST, THICKER, OPACITY = 0.02, 0.13, 0.7  # radius of cylinders in Å, its growth to the strongest, their opacity


class ViewerView(Part):
    """The scene of a session on a `MoleculePane`."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._scene = scene = self.session.scene
        self.pane = MoleculePane(sizing_mode="stretch_both", min_height=300, empty_text="The molecule appears here.")
        self._numbers = np.zeros(0, int)
        self._look = Look(self.pane, scene, BookmarkBar(session))
        self._heading = Heading(self.pane, scene)
        self._player = PlayerBar(self.pane)
        self._measurement = pmui.Typography("", variant="body2", margin=(4, 12), height=22, sx=ONE_LINE)
        self._layout = pmui.Paper(
            *(
                self._heading,
                self.pane,
                self._measurement,
                self._player,
                self._look,
            ),
            variant="outlined",
            elevation=0,
            margin=theme.CARD_MARGIN,
            sizing_mode="stretch_both",
        )
        scene.param.watch(lambda *_: self._show(), "structure")
        scene.param.watch(lambda *_: self._play(), "frames")
        scene.param.watch(lambda *_: self._step(), "frame")
        scene.param.watch(lambda *_: self._push(), "live")
        scene.param.watch(lambda *_: self._overlay(), ["overlay", "show_overlay"])
        scene.param.watch(lambda *_: self._join(), "edges")
        self.session.display.param.watch(lambda event: self.pane.param.update(dark=event.new), "dark")
        self.pane.param.watch(
            lambda *events: scene.param.update(**{event.name: event.new for event in events}), ["frame", "playing"]
        )
        scene.param.watch(lambda event: self.pane.param.update(playing=event.new), "playing")
        self.pane.param.watch(lambda event: scene.param.update(picked=event.new), "picked")
        scene.param.watch(lambda event: self.pane.param.update(picked=event.new), "picked")
        self.pane.param.watch(lambda *_: self._say_picked(), "measurement")
        scene.param.watch(lambda *_: self._say_picked(), ["picked", "charges", "no_charges"])
        self._show()

    def _show(self) -> None:
        structure = self._scene.structure
        if structure is None:
            self.pane.clear()
            return
        same = np.array_equal(self._numbers, structure.numbers)
        self._numbers = structure.numbers
        self.pane.show(structure.numbers, structure.positions, structure.bonds, cell=structure.cell, keep_view=same)
        self._look.offer()
        self._join()

    def _join(self) -> None:
        join(self.pane, self._scene.edges)

    def _play(self) -> None:
        frames = self._scene.frames
        if frames is not None and len(frames):
            self._player.suit(conformers=self._scene.times is None)
            self.pane.set_frames(frames, frame=min(self._scene.frame, len(frames) - 1))

    def _step(self) -> None:
        if self.pane.frame != self._scene.frame < self.pane.n_frames:
            self.pane.frame = self._scene.frame

    def _push(self) -> None:
        if self._scene.live is not None:
            self.pane.push_frame(self._scene.live)

    def _say_picked(self) -> None:
        """Names the atom that was clicked, or says what several span."""
        self._measurement.object = self._scene.atom_text() or self.pane.measurement

    def _overlay(self) -> None:
        shown = self._scene.overlay if self._scene.show_overlay else []
        self.pane.overlays = [(p, theme.family_color(k + 1), 0.8) for k, p in enumerate(shown)]


def join(pane: MoleculePane, edges: list[tuple[int, int, float]]) -> None:
    """Cylinders whose radius grows with what joins two atoms, blue where it is positive, red where negative."""
    if not edges:
        pane.set_edges(None)
        return
    weights = np.array([weight for *_, weight in edges])
    colors = color_codes([POSITIVE if weight > 0 else NEGATIVE for weight in weights])
    pane.set_edges([pair[:2] for pair in edges], THINNEST + THICKER * np.abs(weights), colors, opacity=OPACITY)


class Heading(Part):
    """One line: what is shown, of which walker, at what time."""

    def __init__(self, pane: MoleculePane, scene: Scene) -> None:
        super().__init__()
        self._pane, self._scene = pane, scene
        self._title = pmui.Typography("", variant="subtitle2", margin=(9, 4, 8, 12), sx=ONE_LINE)
        self._detail = pmui.Typography("", variant="body2", color="text.secondary", margin=(8, 6), sx=ONE_LINE)
        self._walker = pmui.Select(size="small", width=140, margin=(4, 8), visible=False)
        self._walker.param.watch(lambda event: scene.param.update(walker=event.new or 0), "value")
        self._follow = pmui.Switch.from_param(
            scene.param.follow, size="small", description="", margin=(10, 8), width=90, visible=False
        )
        self._layout = pn.Row(
            *(self._title, self._detail, pn.Spacer(sizing_mode="stretch_width"), self._walker, self._follow),
            margin=0,
            height=44,
            sizing_mode="stretch_width",
        )
        scene.param.watch(lambda *_: self._words(), ["title", "detail", "times"])
        scene.param.watch(lambda *_: self._choices(), "walkers")
        scene.param.watch(lambda event: self._follow.param.update(visible=event.new), "going")
        pane.param.watch(lambda *_: self._words(), ["frame", "n_frames"])
        self._words()

    def _words(self) -> None:
        times, frame = self._scene.times, self._pane.frame
        self._title.object, self._detail.object = self._scene.title, self._scene.detail
        if times is not None and frame < min(self._pane.n_frames, len(times)):
            self._detail.object = simulated(float(times[frame]))

    def _choices(self) -> None:
        walkers = self._scene.walkers
        self._walker.param.update(
            options={f"Walker {k + 1} / {walkers}": k for k in range(walkers)},
            value=min(self._scene.walker, walkers - 1),
            visible=walkers > 1,
        )


class Look(Part):
    """How the molecule is drawn, and the bookmarks."""

    def __init__(self, pane: MoleculePane, scene: Scene, bookmarks: BookmarkBar) -> None:
        super().__init__()
        self._pane, self._scene = pane, scene
        self._colour = pmui.Select.from_param(
            scene.param.color, description="", size="small", width=120, margin=(8, 8), css_classes=["colour"]
        )
        scene.param.watch(lambda *_: self.offer(), ["color", "charges", "no_charges", "attention"])
        style = pmui.Select(label="Style", options=STYLES, value=pane.style, size="small", width=140, margin=(8, 8))
        style.param.watch(lambda event: pane.param.update(style=event.new), "value")
        overlay = pmui.Checkbox.from_param(scene.param.show_overlay, size="small", description="", margin=(6, 0, 0, 4))
        hydrogens = pmui.Checkbox.from_param(
            pane.param.hide_hydrogens, size="small", description="", margin=(6, 0, 0, 4)
        )
        self._legend = pmui.Typography("", variant="caption", margin=(0, 8), height=20, sx=ONE_LINE)
        controls = pn.FlexBox(
            *(self._colour, style, overlay, hydrogens, bookmarks), sizing_mode="stretch_width", margin=0
        )
        self._layout = pn.Column(controls, self._legend, sizing_mode="stretch_width", margin=(0, 4))

    def offer(self) -> None:
        """Offers the colours that are known, and paints the atoms; says why there are no charges."""
        scene = self._scene
        missing = scene.charges is None and scene.color != "charge"  # stays chosen, and shows when they come
        self._colour.disabled_options = ["charge"] if missing else []
        values = {"charge": scene.charges, "attention": scene.attention}.get(scene.color)
        if values is None or len(values) != self._pane.n_atoms:
            self._pane.set_atom_colors(None)
            self._legend.object = scene.no_charges if scene.charges is None and scene.color != "attention" else ""
            return
        if scene.color == "attention":
            self._pane.set_atom_colors(color_codes(theme.sequential_colors(values)))
            low, high = (typeset(float(value), 2) for value in (values.min(), values.max()))
            self._legend.object = f"how much others listen to an atom: dark {low}, bright {high}"
            return
        largest = typeset(float(np.abs(values).max()), 2)
        self._pane.set_atom_colors(color_codes(theme.diverging_colors(values)))
        self._legend.object = f"red {MINUS}{largest} e, blue +{largest} e"
