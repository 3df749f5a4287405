"""In a notebook cell the code of the Material components is there once, in front of all who need it."""

import json
from typing import Any

import panel as pn
import panel_material_ui as pmui
from bokeh.document import Document

from so3k_explore.app.main import explore
from so3k_explore.app.panes.bundle import LaterColumn, OneBundle


def test_only_the_first_component_brings_its_code():
    pn.extension(inline=True)  # as a notebook without internet does
    cell = OneBundle(pmui.Button(label="Run"), pmui.Column(pmui.TextInput(label="Seed")))
    document = Document()
    document.add_root(cell.get_root(document))
    text = json.dumps(document.to_json(deferred=False))
    models: list[Any] = [model for model in document.models if getattr(model, "bundle", None)]
    assert len(models) == 4
    with_code = [model for model in models if model.esm]
    assert len(with_code) == 1
    first = min(models, key=lambda model: text.index(f'"{model.id}"'))
    assert with_code == [first]


def test_the_page_in_a_cell_is_small(tmp_path, monkeypatch):
    monkeypatch.setenv("SO3K_RUNS", str(tmp_path))
    document = Document()
    document.add_root(explore("lj7").get_root(document))
    assert len(json.dumps(document.to_json(deferred=False))) < 5e6


def test_what_comes_later_brings_no_code():
    pn.extension(inline=True)
    later = LaterColumn()
    document = Document()
    document.add_root(OneBundle(pn.Row(later)).get_root(document))
    later.objects = [pn.Row(pmui.Button(label="Run"))]
    models: list[Any] = [model for model in document.models if getattr(model, "bundle", None)]
    assert [bool(model.esm) for model in models].count(True) == 1
    assert len(models) == 2
    served = LaterColumn(pmui.Button(label="Run"))
    document = Document()
    document.add_root(served.get_root(document))
    models = [model for model in document.models if getattr(model, "bundle", None)]
    assert models
    assert all(model.esm for model in models)
