"""The tab Attention and the figure for notebooks follow their models and can be laid out without a browser."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from bokeh.document import Document

from so3k_explore.analysis.attention import attention
from so3k_explore.app.models.session import Session
from so3k_explore.app.views.attention import AttentionTab, said
from so3k_explore.app.views.attention_figure import AttentionFigure
from so3k_explore.app.views.viewer import ViewerView
from tests.app.models.test_attention import TABLE, opened, random_network
from tests.app.models.test_attention import at_rest as at_rest
from tests.app.models.test_attention import butane_run as butane_run
from tests.app.models.test_attention import session as session


def test_the_tab_shows_matrix_verdict_map_and_tables(session: Session, at_rest: Callable[[Session], None]) -> None:
    tab = AttentionTab(session)
    assert tab.__panel__().get_root(Document()) is not None
    opened(session, at_rest, "search")
    chart = tab._matrices._charts[0]
    assert chart.filled
    assert chart.names[0] == "C1"
    assert "Minimum 1 of 8" in chart.title
    assert "Rows listen to columns" in tab._matrices._note.object
    assert tab._content.visible
    session.attention.mark(1, 0)
    assert tab._matrices._note.object.startswith("C2 listens to C1")


def test_cylinders_and_colours_reach_the_viewer(session: Session, at_rest: Callable[[Session], None]) -> None:
    viewer = ViewerView(session)
    opened(session, at_rest)
    assert len(viewer.pane.edges["radii"]) == 4 * len(session.scene.edges)
    session.scene.color = "attention"
    assert len(viewer.pane.atom_colors) == 4 * 14
    assert viewer._look._legend.object.startswith("how much others listen")
    session.attention.mark(2, 1)
    assert viewer.pane.picked == [2, 1]
    session.tab = "molecule"
    session.scene.color = "element"
    at_rest(session)
    assert viewer.pane.edges == {}


def test_a_model_without_attention_gets_a_sentence_instead_of_pictures(
    session: Session, at_rest: Callable[[Session], None], butane_run: Any
) -> None:
    butane_run.model = "lennard-jones"
    tab = AttentionTab(session)
    opened(session, at_rest, "search")
    assert not tab._content.visible
    sentence: Any = tab._problem.objects[0]
    assert "has no attention" in sentence.object


def test_the_figure_of_a_notebook_links_matrix_and_molecule(butane: Any) -> None:
    figure = AttentionFigure(butane, attention(random_network(), butane.system), TABLE)
    assert figure.__panel__().get_root(Document()) is not None
    figure._choose(2, 1)
    assert figure.pane.picked == [2, 1]
    figure.pane.picked = [0, 3]
    assert figure.marked == (0, 3)
    assert figure._verdict.object.startswith("Faithfulness low")
    figure.choice.reduction = "heavy atoms"
    assert figure.matrix.names == ("C1", "C2", "C3", "C4")
    np.testing.assert_array_equal(figure._picture.matrix.shape, (4, 4))
    unjudged = AttentionFigure(butane, attention(random_network(), butane.system))
    assert "is not known" in unjudged._verdict.object
    assert said(figure._picture, None, beside=False).startswith("Rows listen")


def test_the_verdict_is_there_before_anything_is_sorted(
    session: Session, at_rest: Callable[[Session], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.attention.faithfulness, "follow", lambda *_: None)
    opened(session, at_rest, "search")
    assert session.attention_families.found is None
    assert session.attention.pictures
