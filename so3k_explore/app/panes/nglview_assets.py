"""Where the NGL library lives: inside the installed nglview wheel, so the page needs no internet.

The wheel carries NGL as one JavaScript bundle for notebooks. Bokeh's server offers every folder registered in
`extension_dirs` under ``/static/extensions/``; notebooks have no such server and ask the kernel for the text.
"""

import importlib.metadata
from functools import cache
from pathlib import Path

from bokeh.embed.bundle import extension_dirs

BUNDLE = Path("nbextensions") / "nglview-js-widgets" / "index.js"
EXTENSION = "nglview"


class AssetError(RuntimeError):
    """A file that the page needs is not where the installation should have put it."""


@cache
def ngl_bundle() -> Path:
    """The bundle `index.js` of the installed nglview.

    Raises:
        AssetError: nglview is not installed, or its JavaScript is missing.
    """
    try:
        files = importlib.metadata.files("nglview") or []
    except importlib.metadata.PackageNotFoundError:
        raise AssetError("nglview is not installed, so molecules cannot be drawn. Run: pip install nglview") from None
    candidates = [Path(str(file.locate())) for file in files if file.as_posix().endswith(BUNDLE.as_posix())]
    for path in (*candidates, *_jupyter_candidates()):
        if path.is_file():
            return path.resolve()  # the server refuses links that leave the folder
    raise AssetError(
        f"nglview is installed without its JavaScript ({BUNDLE.as_posix()}). Run: pip install --force-reinstall nglview"
    )


def _jupyter_candidates() -> list[Path]:
    """Jupyter's data folders, where conda puts the bundle."""
    from jupyter_core.paths import jupyter_path

    return [Path(folder) / BUNDLE for folder in jupyter_path()]


def ngl_source() -> str:
    """Text of the bundle, for pages that have no server to fetch it from."""
    return ngl_bundle().read_text("utf-8")


def register_ngl() -> str:
    """Lets Bokeh's server offer the bundle; returns its address relative to the page, empty when there is none.

    A missing bundle is not an error here: the viewer asks again in the browser and shows the reason there.
    """
    try:
        folder = ngl_bundle().parent
    except AssetError:
        return ""
    extension_dirs[EXTENSION] = folder
    return f"static/extensions/{EXTENSION}/{BUNDLE.name}?v={importlib.metadata.version('nglview')}"


NGL_ADDRESS = register_ngl()
