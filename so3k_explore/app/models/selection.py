"""The one selection of a page: which minimum is in the viewer, and which are chosen together.

Every picture writes it through `choose`, `add` and `clear`, and every picture follows ``focus`` and ``selection``;
nobody needs to know who else does. Both hold keys, the numbers of minima in the landscape of the run on show, so that
they survive sorting and new minima. A key may name a minimum that has not been read yet, as when a page is opened from
its address.
"""

from collections.abc import Iterable

import param


class Selection(param.Parameterized):
    """One focus, shown in the viewer, and one set, highlighted everywhere and overlaid.

    To follow it: ``selection.param.watch(self._highlight, ["focus", "selection"])``, called once for each change.
    To set it: ``selection.choose(keys)``. Both are for the thread of the session.
    """

    focus = param.Integer(None, allow_None=True, doc="Key of the minimum in the viewer; None: it shows something else.")
    selection = param.List([], item_type=int, doc="Keys of the minima chosen together; the focus is one of them.")

    def choose(self, keys: Iterable[int], *, focus: int | None = None) -> None:
        """Selects these minima, and looks at `focus` or at the first of them; an empty list clears."""
        chosen = list(dict.fromkeys(int(key) for key in keys))
        if focus is not None:
            chosen = list(dict.fromkeys([*chosen, int(focus)]))
        if not chosen:
            self.clear()
            return
        self.param.update(focus=chosen[0] if focus is None else int(focus), selection=chosen)

    def add(self, key: int) -> None:
        """Looks at a minimum beside those chosen; one that is chosen already is taken out."""
        rest = [other for other in self.selection if other != key]
        self.choose(rest if len(rest) < len(self.selection) else [key, *rest])

    def clear(self) -> None:
        """Chooses none."""
        self.param.update(focus=None, selection=[])
