"""The page: rail, viewer, pictures, status line. `create_app` serves it, `explore` puts it into a notebook cell."""

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from so3k_explore.app import appearance, theme
from so3k_explore.app.address import keep_address
from so3k_explore.app.models.display import counted
from so3k_explore.app.models.session import TABS, Session
from so3k_explore.app.panes.bundle import OneBundle
from so3k_explore.app.views.attention import AttentionTab
from so3k_explore.app.views.conformers import ConformersTab
from so3k_explore.app.views.dynamics import DynamicsTab
from so3k_explore.app.views.echo import Echo
from so3k_explore.app.views.keyboard import Keyboard, keys_dialog
from so3k_explore.app.views.landscape import LandscapeTab
from so3k_explore.app.views.layout_guard import LayoutGuard
from so3k_explore.app.views.minima import MinimaTab
from so3k_explore.app.views.molecule import MoleculeTab
from so3k_explore.app.views.part import Lazy, filled_when_opened
from so3k_explore.app.views.rail import cards
from so3k_explore.app.views.runs import RunList
from so3k_explore.app.views.spectra import SpectraTab
from so3k_explore.app.views.status import StatusLine
from so3k_explore.app.views.training import TrainingTab
from so3k_explore.app.views.viewer import ViewerView

if TYPE_CHECKING:
    from so3k_explore.jobs import Runs

TICK = 100  # ms
ON_HEADER = {
    "color": "#ffffff",
    "borderColor": "rgba(255, 255, 255, 0.7)",
    "& .MuiInputBase-root, & .MuiSvgIcon-root, & .MuiIcon-root": {"color": "#ffffff"},
    "& .MuiOutlinedInput-notchedOutline": {"borderColor": "rgba(255, 255, 255, 0.7)"},
}
TITLES = {
    "molecule": "Molecule",
    "dynamics": "Dynamics",
    "minima": "Minima",
    "conformers": "Conformers",
    "landscape": "Landscape",
    "attention": "Attention",
    "spectra": "Spectra",
    "training": "Training",
}
VIEWS = {
    "molecule": MoleculeTab,
    "dynamics": DynamicsTab,
    "minima": MinimaTab,
    "conformers": ConformersTab,
    "landscape": LandscapeTab,
    "attention": AttentionTab,
    "spectra": SpectraTab,
    "training": TrainingTab,
}
WIDE = "@media (min-width: 900px)"
SHARES = {"training": (4, 8)}  # of viewer and pictures, in twelfths of the width
USUAL_SHARES = (5, 7)
NARROW = {"& .MuiTab-root": {"minWidth": 0, "padding": "6px 8px", "textTransform": "none", "fontSize": "0.84rem"}}


class Components:
    """The pieces of the page for one session; `create_app` and `explore` arrange them."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.viewer = ViewerView(session)
        self.status = StatusLine(session)
        self._contents = {tab: Lazy(partial(VIEWS[tab], session)) for tab in TABS}
        self.tabs = pmui.Tabs(
            *((TITLES[tab], self._contents[tab]) for tab in TABS),
            active=TABS.index(session.tab),
            sx=NARROW,
            sizing_mode="stretch_both",
        )
        self.tabs.param.watch(lambda event: session.param.update(tab=TABS[event.new]), "active")
        session.param.watch(lambda *_: self._open_tab(), "tab")
        halves = [
            pmui.Grid(part, size={"xs": 12, "md": 6}, sizing_mode="stretch_both") for part in (self.viewer, self.tabs)
        ]
        self._columns = pmui.Grid(*halves, container=True, spacing=0, sizing_mode="stretch_both")
        self.cards = cards(session)
        title = pmui.Typography("Runs", variant="h6", margin=(12, 12))
        self.drawer = filled_when_opened(
            pmui.Drawer(title, anchor="right", size=420), lambda: RunList(session.runs, full=True)
        )
        self.keys = keys_dialog()
        self.echo = Echo()
        self.guard = LayoutGuard()
        self.keyboard = Keyboard(
            {
                "[": lambda: self._walk(-1),
                "]": lambda: self._walk(1),
                "?": lambda: setattr(self.keys, "open", True),
                "B": session.bookmarks.toggle,
                "Escape": self._escape,
            }
        )

        self._open_tab()

    def _walk(self, by: int) -> None:
        """Looks at the minimum above or below."""
        self.session.tab = "minima"
        self.session.minima.step(by)

    def _escape(self) -> None:
        """Closes the drawer, also when nothing in it has the focus, such as after a run was deleted."""
        if self.drawer.open:
            self.drawer.open = False
        else:
            self.session.selection.clear()

    def _open_tab(self) -> None:
        self._contents[self.session.tab].open()
        self.tabs.active = TABS.index(self.session.tab)
        self._columns.sx = shared_out(SHARES.get(self.session.tab, USUAL_SHARES))
        self.echo.ask()

    @property
    def body(self) -> pn.Column:
        """Viewer beside the pictures, over the status line."""
        unseen = (self.drawer, self.keys, self.keyboard, self.echo)
        return pn.Column(self.guard, self._columns, self.status, *unseen, sizing_mode="stretch_both", margin=0)


def shared_out(shares: tuple[int, int]) -> dict[str, Any]:
    """Style of a grid with two parts that have these shares of a wide page, in twelfths.

    The sizes of the parts themselves are looked at only when the grid is drawn, this whenever it changes.
    """
    width = lambda number, share: {f"& > .MuiGrid-root:nth-of-type({number})": {"width": f"{100 * share / 12:.4f}%"}}
    return {WIDE: {**width(1, shares[0]), **width(2, shares[1])}}


def create_app(runs: "Runs | None" = None) -> pmui.Page:
    """The page of one reader. Its address may name a run with a tab and chosen minima, or a molecule.

    As ``?run=20261121-lj13&tab=landscape&focus=4&selection=4,9``, or ``?molecule=lj13&tab=dynamics``.

    Args:
        runs: the runs to show and to start; those of `SO3K_RUNS` unless given.
    """
    pn.extension("tabulator")
    appearance.follow_the_system()
    address = pn.state.location
    query = dict(address.query_params) if address is not None else {}
    first = str(query["molecule"]) if query.get("molecule") else None
    session = Session((lambda: runs) if runs is not None else shared_runs, first)
    session.tab = str(query.get("tab", TABS[0])) if query.get("tab") in TABS else TABS[0]
    components = Components(session)
    page = pmui.Page(
        title="so3k explore",
        sidebar=[components.cards],
        sidebar_width=theme.RAIL_WIDTH,
        header=[header(session, components)],
        main=[components.body],
        theme_config=theme.THEME_CONFIG,
        template=appearance.TEMPLATE,
        busy_indicator=None,
    )
    keep_quiet(page)
    page.param.watch(lambda event: session.display.param.update(dark=event.new), "dark_theme")
    session.display.dark = page.dark_theme
    if address is not None:
        keep_address(session, address)
    session.open(**{name: str(query.get(name, "")) for name in ("run", "tab", "focus", "selection")})
    # Only a page that is drawn hears of changes: what arrives while it is being drawn could be lost.
    pn.state.onload(partial(start_clock, components))
    return page


def explore(molecule: Any = None, runs: "Runs | None" = None) -> pn.viewable.Viewable:
    """The page in a notebook cell.

    Args:
        molecule: `ase.Atoms`, a `Molecule`, or text as on the page (name, SMILES, sequence, path); None: a default.
        runs: the runs to show and to start; those of `SO3K_RUNS` unless given.
    """
    pn.extension("tabulator", inline=True)
    session = Session((lambda: runs) if runs is not None else shared_runs, as_molecule(molecule))
    components = Components(session)
    session.open()
    start_clock(components)
    rail = pn.Column(components.cards, width=theme.RAIL_WIDTH, scroll=True)
    return OneBundle(
        pn.Row(rail, components.body, height=760, sizing_mode="stretch_width"), sizing_mode="stretch_width"
    )


def keep_quiet(page: pmui.Page) -> None:
    """Unties the page from the server's busy state: every change of it would walk through all models of the page."""
    with param.edit_constant(page):
        page.busy = False


def start_clock(components: Components) -> None:
    """Lets a session tick as long as its page is open, and never faster than the browser follows what is new."""

    def tick() -> None:
        if components.echo.heard and components.session.tick():
            components.echo.ask()

    pn.state.add_periodic_callback(tick, TICK)


@cache
def shared_runs() -> "Runs":
    """The runs of this process, opened when they are first needed."""
    from so3k_explore.jobs import Runs

    return Runs()


def as_molecule(molecule: Any) -> Any:
    """`ase.Atoms` and systems become molecules; text and None stay."""
    if molecule is None or isinstance(molecule, str):
        return molecule
    from so3k_explore.io.structures import Molecule
    from so3k_explore.system import System

    if isinstance(molecule, Molecule):
        return molecule
    system = molecule if isinstance(molecule, System) else System.from_ase(molecule)
    return Molecule.from_system(system, "molecule", "this notebook")


def header(session: Session, components: Components) -> pn.Row:
    """Unit of energy, all runs, and help."""
    unit = pmui.Select.from_param(
        session.display.param.energy_unit, label="", size="small", width=115, margin=(13, 8), sx=ON_HEADER
    )
    count = pmui.Button(label="Runs", icon="list", variant="outlined", size="small", margin=(16, 8), sx=ON_HEADER)
    count.on_click(lambda _: setattr(components.drawer, "open", True))
    session.runs.param.watch(
        lambda event: count.param.update(label=counted(len(event.new), "run") if event.new else "Runs"), "entries"
    )
    keys = pmui.IconButton(icon="keyboard", description="Keys (?)", margin=(12, 4), sx=ON_HEADER)
    keys.on_click(lambda _: setattr(components.keys, "open", True))
    return pn.Row(pn.Spacer(sizing_mode="stretch_width"), unit, count, keys, sizing_mode="stretch_width", margin=0)
