"""How far the browser has got: it answers when it has drawn what was sent."""

import time
from os import PathLike
from typing import Any, ClassVar

from panel.custom import JSComponent

PATIENCE = 5.0  # s; a hidden tab draws nothing and does not answer


class Echo(JSComponent):
    """Asks the browser to answer once it has drawn everything before; keeps a slow one from falling behind.

    The browser speaks first, when it has drawn the page, as what is sent before that is lost in a notebook; and again
    until it is asked, as what it says while the connection is made is lost, too.
    """

    _esm: ClassVar[str | PathLike[str]] = """
    export function render({ model }) {
      const greeting = setInterval(() => model.send_msg({ number: 0 }), 250)
      model.on("remove", () => clearInterval(greeting))
      model.on("msg:custom", (question) => {
        clearInterval(greeting)
        requestAnimationFrame(() => model.send_msg(question))
      })
      return document.createElement("span")
    }
    """

    def __init__(self, **params: Any) -> None:
        super().__init__(width=0, height=0, margin=0, **params)
        self._asked = self._answered = 0
        self._since = 0.0
        self._drawn = False

    @property
    def heard(self) -> bool:
        """Whether the last question was answered, or has waited long enough."""
        if not self._drawn:
            return False
        return self._answered == self._asked or time.monotonic() - self._since > PATIENCE

    def ask(self) -> None:
        """Asks again, once the page is there."""
        if not self._drawn:
            return
        self._asked += 1
        self._since = time.monotonic()
        self._send_msg({"number": self._asked})

    def _handle_msg(self, data: dict[str, Any]) -> None:
        self._drawn = True
        self._answered = max(self._answered, int(data.get("number", 0)))
