"""The address of a page: it names what is on show, so that it can be kept and passed on."""

from typing import Any
from urllib.parse import urlencode

from so3k_explore.app.models.session import Session

IN_ADDRESS = 50  # chosen minima that an address names at most


def keep_address(session: Session, address: Any) -> None:
    """Writes run, tab and what is chosen into the page's address: a reload or a colleague's window shows the same."""

    def write(*_: Any) -> None:
        shown: dict[str, Any] = {"run": session.runs.shown} if session.runs.shown else {}
        chosen = session.selection
        if shown and chosen.focus is not None:
            shown["focus"] = chosen.focus
        if shown and len(chosen.selection) > 1:
            shown["selection"] = ",".join(map(str, chosen.selection[:IN_ADDRESS]))
        address.search = "?" + urlencode({**shown, "tab": session.tab}, safe=",")

    session.runs.param.watch(write, "shown")
    session.selection.param.watch(write, ["focus", "selection"])
    session.param.watch(write, "tab")
