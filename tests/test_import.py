"""Importing the package must be quick and must not drag in the page."""

import subprocess
import sys


def test_importing_the_package_loads_neither_panel_nor_nglview_nor_dask() -> None:
    program = "import sys, so3k_explore; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=800)
    loaded = set(done.stdout.split())
    unwanted = loaded & {"panel", "bokeh", "holoviews", "nglview", "distributed", "rdkit", "sklearn", "ase.db"}
    assert not unwanted


def test_every_public_name_exists() -> None:
    import so3k_explore

    missing = [name for name in so3k_explore.__all__ if not hasattr(so3k_explore, name)]
    assert not missing
