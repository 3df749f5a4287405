"""The page, for `panel serve apps/dashboard.py` and `so3k serve`."""

from so3k_explore.app.main import create_app

create_app().servable()
