"""Page for the viewer's browser tests: one pane, and a button for every call that Python makes on it."""

import numpy as np
import panel as pn

from so3k_explore.app.panes import MoleculePane, color_codes
from tests.browser.apps.structures import ETHANOL, ETHANOL_BONDS, ETHANOL_NUMBERS, icosahedron, trajectory


def show(pane: MoleculePane, what: str) -> None:
    if what == "ethanol":
        pane.show(ETHANOL_NUMBERS, ETHANOL, ETHANOL_BONDS)
    elif what == "cluster":
        pane.show(np.full(13, 18), icosahedron(), np.zeros((0, 2), int))
    elif what == "crystal":
        cell = np.diag([8.0, 6.0, 5.0])
        pane.show(ETHANOL_NUMBERS, ETHANOL + cell.sum(0) / 2, ETHANOL_BONDS, cell=cell)
    else:
        pane.clear()


def page() -> pn.viewable.Viewable:
    pane = MoleculePane(width=640, height=440, sizing_mode="fixed", dark="dark" in pn.state.session_args)
    show(pane, pn.state.session_args.get("what", [b"ethanol"])[0].decode())
    rainbow = color_codes(["#0072B2", "#E69F00", "#009E73"] * 3)
    actions = {
        "frames": lambda: pane.set_frames(trajectory(60)),
        "many frames": lambda: pane.set_frames(trajectory(60_000)),
        "play": lambda: setattr(pane, "playing", not pane.playing),
        "push": lambda: pane.push_frame(1.2 * ETHANOL),
        "long bond": lambda: pane.push_frame(ETHANOL * np.array([3.0, 1.0, 1.0])),
        "colour": lambda: pane.set_atom_colors(rainbow),
        "element": lambda: pane.set_atom_colors(None),
        "overlay": lambda: setattr(
            pane, "overlays", [(ETHANOL + 0.4, "#E69F00", 0.6), (ETHANOL - 0.4, "#009E73", 0.6)]
        ),
        "edges": lambda: pane.set_edges(np.array([[0, 2], [3, 8]]), np.array([0.1, 0.2])),
        "licorice": lambda: setattr(pane, "style", "licorice"),
        "hydrogens": lambda: setattr(pane, "hide_hydrogens", not pane.hide_hydrogens),
        "dark": lambda: setattr(pane, "dark", not pane.dark),
        "wide": lambda: setattr(pane, "width", 800),
        "cluster": lambda: show(pane, "cluster"),
        "empty": lambda: show(pane, "empty"),
        "screenshot": lambda: pane.screenshot("ethanol"),
    }
    buttons = [pn.widgets.Button(name=name, on_click=lambda _, act=act: act()) for name, act in actions.items()]
    heard = pn.bind(
        lambda picked, text, frame: f"picked {picked} measured {text} frame {frame}",
        pane.param.picked,
        pane.param.measurement,
        pane.param.frame,
    )
    return pn.Column(pane, pn.pane.Str(heard, css_classes=["heard"]), pn.FlexBox(*buttons))


page().servable()
