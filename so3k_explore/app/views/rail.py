"""The left rail of the page: what a run needs, and the latest runs."""

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.session import Session
from so3k_explore.app.views.model_card import ModelCard
from so3k_explore.app.views.molecule_card import MoleculeCard
from so3k_explore.app.views.part import TIGHT
from so3k_explore.app.views.run_card import LiveFields, RunCard
from so3k_explore.app.views.runs import RunList


def cards(session: Session) -> pn.Column:
    """The left rail: three numbered cards, the latest runs."""
    from so3k_explore.io.library import LIBRARY

    run_card = RunCard(session.run, session.start)
    refresh = lambda *_: run_card.refresh()
    session.molecule.param.watch(refresh, ["molecule", "problems", "error"])
    session.potential.param.watch(refresh, ["models", "name_"])
    run_part = pn.Column(run_card, LiveFields(session), margin=0, sizing_mode="stretch_width")
    accordion = pmui.Accordion(
        ("1  Molecule", MoleculeCard(session.molecule, LIBRARY)),
        ("2  Model", ModelCard(session.potential)),
        ("3  Run", run_part),
        active=[0, 1, 2],
        title_variant="subtitle2",
        disable_gutters=True,
        sx=TIGHT,
        elevation=0,
        square=True,
        sizing_mode="stretch_width",
        margin=0,
    )
    return pn.Column(
        accordion,
        pmui.Typography("Runs", variant="subtitle2", margin=(8, 16, 2, 16)),
        RunList(session.runs),
        sizing_mode="stretch_width",
        margin=0,
    )
