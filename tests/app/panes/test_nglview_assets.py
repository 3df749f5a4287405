import importlib.metadata
from pathlib import Path

import pytest
from bokeh.embed.bundle import extension_dirs

from so3k_explore.app.panes import nglview_assets
from so3k_explore.app.panes.nglview_assets import AssetError, ngl_bundle, register_ngl


def test_the_server_offers_the_bundle_of_the_installed_nglview() -> None:
    address = register_ngl()
    assert address.startswith("static/extensions/nglview/index.js?v=")
    assert (Path(extension_dirs["nglview"]) / "index.js").is_file()


def test_a_missing_bundle_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "files", lambda _: [])
    monkeypatch.setattr(nglview_assets, "_jupyter_candidates", list)
    ngl_bundle.cache_clear()
    try:
        with pytest.raises(AssetError, match="pip install --force-reinstall nglview"):
            ngl_bundle()
        assert register_ngl() == ""
    finally:
        ngl_bundle.cache_clear()
