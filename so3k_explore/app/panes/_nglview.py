"""The one place that imports nglview, because version 4.0.1 needs a correction before it is imported.

Its wheel asks JupyterLab for a front end of version 4.0 but brings version 3.1.5, so nothing would be drawn ("not
registered, however 3.1.5 is"). Asking for any version lets the installed one draw.
"""

import importlib.metadata
import sys
import types

BROKEN = "4.0.1"

if importlib.metadata.version("nglview") == BROKEN and "nglview" not in sys.modules:
    frontend = types.ModuleType("nglview._frontend")
    frontend.__dict__["__frontend_version__"] = "*"
    sys.modules["nglview._frontend"] = frontend

import nglview as nglview  # noqa: E402
