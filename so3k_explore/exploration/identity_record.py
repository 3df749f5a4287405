"""What counted as one minimum when a landscape was made: kept in its file, and used by all who add to it or compare.

Thresholds may change between two searches. Whether mirror images are one minimum may not: a landscape with both
conventions would count some minima once and others twice.
"""

from dataclasses import asdict, fields
from typing import Any

from so3k_explore.exploration.identity import Identity
from so3k_explore.exploration.landscape import Landscape, LandscapeError

_KEY = "identity"  # among the metadata of a landscape


def recorded_identity(landscape: Landscape) -> Identity:
    """The identity that the landscape was last searched with; the usual one where none is written down."""
    content: dict[str, Any] = landscape.storage.metadata.get(_KEY, {})
    known = {field.name for field in fields(Identity)}
    return Identity(**{name: value for name, value in content.items() if name in known})


def keep_identity(landscape: Landscape, identity: Identity) -> None:
    """Writes down what counts as one minimum.

    Raises:
        LandscapeError: mirror images have counted otherwise so far.
    """
    metadata = landscape.storage.metadata
    before = metadata.get(_KEY)
    if len(landscape) and before is not None and before["chirality"] != identity.chirality:
        raise LandscapeError(
            f"{landscape.path.name} was made with `chirality` {before['chirality']!r}, got {identity.chirality!r}. "
            "Go on with the first one, or choose a landscape of its own for the other."
        )
    if before != asdict(identity):
        landscape.storage.metadata = {**metadata, _KEY: asdict(identity)}


def mirror_images(landscape: Landscape) -> dict[int, int]:
    """Minima whose mirror image is another minimum, with its number, as far as searches looked for them."""
    rows = landscape.storage.read(
        "SELECT minima.value, mirrors.value FROM number_key_values AS mirrors JOIN number_key_values AS minima "
        "ON mirrors.id = minima.id WHERE mirrors.key = 'mirror' AND minima.key = 'minimum'"
    )
    pairs = [(int(one), int(other)) for one, other in rows]
    return dict(pairs) | {other: one for one, other in pairs}
