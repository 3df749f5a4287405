"""The molecule: NGL (Rose et al., Bioinformatics 34, 3755 (2018)) as a Panel component.

Structures travel as bytes with explicit bonds, frames in blocks that the browser asks for, live frames as messages of
which no state is kept. Playback, measuring and rotating happen in the browser; Python hears the result.
"""

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import panel as pn
import param
from jaxtyping import Float, Int
from panel.custom import JSComponent
from scipy.spatial import KDTree

from so3k_explore.app.panes.nglview_assets import NGL_ADDRESS, AssetError, ngl_source

SCRIPTS = ("ngl.js", "structure.js", "cylinders.js", "scene.js", "measure.js", "frames.js", "shell.js", "molecule.js")
BLOCK_BYTES = 4_000_000  # largest message with frames; the websocket's limit is 20 MB

STYLES = {"Ball and stick": "ball+stick", "Licorice": "licorice", "Spheres": "spacefill", "Lines": "line"}
"""Names for a menu, and the values of `MoleculePane.style`."""

Overlay = tuple[Any, str, float]
"""Positions (atoms, 3) in Å, colour such as "#E69F00", opacity in (0, 1]."""


class MoleculePane(JSComponent):
    """Draws one molecule at a time, in one WebGL context that is never rebuilt.

    `show` sets the structure, `set_frames` a trajectory to play, `push_frame` one live frame. Clicking atoms fills
    `picked`, and `measurement` says what they span. Space plays, the arrows step, Escape clears, F fills the screen.
    """

    frame = param.Integer(
        0, bounds=(0, None), label="Frame", doc="Index of the frame shown, at most four updates a second."
    )
    n_frames = param.Integer(0, bounds=(0, None), doc="Number of frames given to `set_frames`.")
    playing = param.Boolean(False, label="Play", doc="Whether the browser plays the frames.")
    fps = param.Number(24.0, bounds=(0.1, 120.0), label="Frames per second", doc="Frames shown in a second.")
    skip = param.Integer(1, bounds=(1, None), label="Every n-th frame", doc="Step between the frames shown.")
    loop = param.Boolean(True, label="Repeat", doc="Whether playback starts again at the end.")

    style = param.Selector(
        default="ball+stick", objects=list(STYLES.values()), label="Style", doc="How atoms are drawn."
    )
    hide_hydrogens = param.Boolean(False, label="Hide hydrogens", doc="Leaves out all hydrogen atoms.")
    show_cell = param.Boolean(True, label="Show the cell", doc="Draws the periodic cell, when there is one.")
    dark = param.Boolean(False, doc="Whether the page is dark.")
    background = param.String("", doc="Background colour; empty follows `dark`.")
    buttons = param.Boolean(True, doc="Whether small buttons (centre, picture, full screen) lie over the viewer.")
    page_keys = param.Boolean(True, doc="Whether keys act when nothing else on the page has the focus.")
    empty_text = param.String("Choose a molecule to see it here.", doc="Shown while there is no molecule.")

    picked = param.List(
        default=[], item_type=int, bounds=(0, 4), doc="Indices of the atoms clicked, from 0, at most 4."
    )
    measurement = param.String("", doc="What the picked atoms span, such as `C1-O3 1.43 Å`; written by the browser.")

    structure = param.Dict(default={}, doc="Sent by `show`.")
    frames_id = param.Integer(0, doc="Changes with every `set_frames`.")
    atom_colors = param.Bytes(default=b"", doc="Sent by `set_atom_colors`.")
    edges = param.Dict(default={}, doc="Sent by `set_edges`.")
    overlay_data = param.List(default=[], doc="Sent by the setter of `overlays`.")
    ngl_address = param.String("", doc="Where the browser fetches NGL; empty asks Python for it.")

    _esm: ClassVar[str | PathLike[str]] = "\n".join(
        Path(__file__).with_name(name).read_text("utf-8") for name in SCRIPTS
    )

    def __init__(self, **params: Any) -> None:
        served = pn.state.curdoc is not None and pn.state.curdoc.session_context is not None
        params.setdefault("ngl_address", NGL_ADDRESS if served else "")
        params.setdefault("sizing_mode", "stretch_both")
        params.setdefault("min_height", 240)
        super().__init__(**params)
        self._frames = np.zeros((0, 0, 3), np.float32)
        self._overlays: list[Overlay] = []

    @property
    def n_atoms(self) -> int:
        """Number of atoms shown."""
        return len(self.structure.get("numbers", b""))

    def show(  # pyright: ignore[reportIncompatibleMethodOverride]  (a molecule, not a server)
        self,
        numbers: Any,
        positions: Any,
        bonds: Any,
        *,
        cell: Any = None,
        keep_view: bool = False,
    ) -> None:
        """Replaces the structure; frames, overlays, edges, colours and picks of the old one are dropped.

        Args:
            numbers: Atomic numbers (atoms,).
            positions: (atoms, 3), Å.
            bonds: (bonds, 2) pairs of atom indices; none are guessed. Without any, near neighbours are joined by
                thin lines.
            cell: Rows are the lattice vectors in Å; its edges are drawn.
            keep_view: Keep the camera where it is instead of centring.
        """
        numbers, positions = np.asarray(numbers), np.asarray(positions, "<f4")
        bonds = np.asarray(bonds, "<u4").reshape(-1, 2)
        if numbers.ndim != 1 or positions.shape != (len(numbers), 3):
            raise ValueError(
                f"`positions` must have shape (atoms, 3) for {numbers.size} atomic numbers, got {positions.shape}."
            )
        if bonds.size and int(bonds.max()) >= len(numbers):
            raise ValueError(f"`bonds` must name atoms 0 to {len(numbers) - 1}, got {int(bonds.max())}.")
        structure = {
            "numbers": numbers.astype(np.uint8).tobytes(),
            "positions": positions.tobytes(),
            "bonds": bonds.tobytes(),
            "cell": b"" if cell is None else np.asarray(cell, "<f4").tobytes(),
            "spacing": 0.0 if bonds.size else _spacing(positions),
            "keep_view": keep_view,
            "serial": self.structure.get("serial", 0) + 1,  # showing the same structure again centres it
        }
        self._forget()  # before the new structure, which the old additions would not fit
        self.structure = structure

    def clear(self) -> None:
        """Removes the molecule; `empty_text` is shown again."""
        self._forget()
        self.structure = {}

    def _forget(self) -> None:
        """Drops frames, overlays, edges, colours and picks."""
        self._frames = np.zeros((0, 0, 3), np.float32)
        self._overlays = []
        self.param.update(
            **{"picked": [], "measurement": "", "playing": False, "frame": 0, "n_frames": 0},
            **{"atom_colors": b"", "edges": {}, "overlay_data": [], "frames_id": self.frames_id + 1},
        )

    def set_frames(self, positions: Any, *, frame: int = 0) -> None:
        """Gives the browser frames (frames, atoms, 3) to play, in Å; an empty array takes them away."""
        frames = np.ascontiguousarray(positions, "<f4")
        if frames.ndim != 3 or frames.shape[1:] != (self.n_atoms, 3):
            raise ValueError(f"`positions` must have shape (frames, {self.n_atoms}, 3), got {frames.shape}.")
        self._frames = frames
        self.param.update(n_frames=len(frames), frame=frame, playing=False, frames_id=self.frames_id + 1)

    def push_frame(self, positions: Any) -> None:
        """Shows one live frame (atoms, 3) in Å; nothing is kept, so a view opened later starts with the structure."""
        positions = np.ascontiguousarray(positions, "<f4")
        if positions.shape != (self.n_atoms, 3):
            raise ValueError(f"`positions` must have shape ({self.n_atoms}, 3), got {positions.shape}.")
        self._send_msg({"kind": "live", "positions": positions.tobytes()})

    def set_atom_colors(self, colors: Any) -> None:
        """Colours of the atoms (atoms,) as integers 0xRRGGBB; None colours by element."""
        if colors is not None and np.shape(colors) != (self.n_atoms,):
            raise ValueError(f"`colors` must have shape ({self.n_atoms},), got {np.shape(colors)}.")
        self.atom_colors = b"" if colors is None else np.asarray(colors, "<u4").tobytes()

    def set_edges(
        self,
        pairs: Any,
        radii: Any = 0.06,
        colors: Any = 0xD55E00,
        *,
        opacity: float = 0.85,
    ) -> None:
        """Cylinders between `pairs` (edges, 2) of atoms, radii in Å, colours 0xRRGGBB; None removes them."""
        if pairs is None or not len(pairs):
            self.edges = {}
            return
        pairs = np.asarray(pairs, "<u4").reshape(-1, 2)
        if int(pairs.max()) >= self.n_atoms:
            raise ValueError(f"`pairs` must name atoms 0 to {self.n_atoms - 1}, got {int(pairs.max())}.")
        self.edges = {
            "pairs": pairs.tobytes(),
            "radii": np.broadcast_to(np.asarray(radii, "<f4"), len(pairs)).tobytes(),
            "colors": np.broadcast_to(np.asarray(colors, "<u4"), len(pairs)).tobytes(),
            "opacity": float(opacity),
        }

    @property
    def overlays(self) -> list[Overlay]:
        """Further structures of the same molecule, drawn as thin sticks: (positions in Å, colour, opacity)."""
        return self._overlays

    @overlays.setter
    def overlays(self, overlays: Iterable[Overlay]) -> None:
        self._overlays = list(overlays)
        for positions, _, _ in self._overlays:
            if np.shape(positions) != (self.n_atoms, 3):
                raise ValueError(f"An overlay must have shape ({self.n_atoms}, 3), got {np.shape(positions)}.")
        self.overlay_data = [
            {"positions": np.asarray(positions, "<f4").tobytes(), "color": color, "opacity": float(opacity)}
            for positions, color, opacity in self._overlays
        ]

    def center(self) -> None:
        """Moves the camera so that the whole molecule is visible."""
        self._send_msg({"kind": "center"})

    def screenshot(self, name: str = "molecule") -> None:
        """Lets the browser download a PNG of what is shown, labels included."""
        self._send_msg({"kind": "screenshot", "name": name})

    def toggle_fullscreen(self) -> None:
        """Fills the screen with the viewer, or returns; browsers allow this only shortly after a click or key."""
        self._send_msg({"kind": "fullscreen"})

    def _handle_msg(self, data: dict[str, Any]) -> None:
        if data.get("kind") == "need_ngl":
            self._send_msg(_ngl_message())
        elif data.get("kind") == "need_block" and data.get("frames_id") == self.frames_id:
            self._send_msg(self._block(int(data["start"])))

    def _block(self, start: int) -> dict[str, Any]:
        """Frames from `start` on, as many as fit into one message."""
        frame_bytes = max(self._frames[:1].nbytes, 1)
        block = self._frames[start : start + max(1, BLOCK_BYTES // frame_bytes)]
        return {
            "kind": "block",
            "frames_id": self.frames_id,
            "start": start,
            "count": len(block),
            "data": block.tobytes(),
        }


def _ngl_message() -> dict[str, Any]:
    try:
        return {"kind": "ngl", "source": ngl_source()}
    except (AssetError, OSError) as error:
        return {"kind": "ngl", "error": str(error)}


def _spacing(positions: Float[np.ndarray, "atoms 3"]) -> float:
    """Median distance to the nearest neighbour in Å: the scale at which a cluster without bonds is drawn."""
    if len(positions) < 2:
        return 0.0
    distances, _ = KDTree(positions).query(positions, k=2)
    return float(np.median(distances[:, 1]))


def color_codes(colors: Sequence[str]) -> Int[np.ndarray, "colors"]:
    """Colours such as "#0072B2" as the integers 0xRRGGBB that the viewer takes."""
    return np.array([int(color.lstrip("#")[:6], 16) for color in colors], np.int64)
