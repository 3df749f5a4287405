"""Fetches one file from the internet and checks that it is the right one."""

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from so3k_explore.potentials.errors import CheckpointError

TIMEOUT = 20.0  # s without a byte
CHUNK = 1 << 16


class DownloadError(RuntimeError):
    """A file could not be fetched."""


def download(
    url: str,
    target: Path,
    sha256: str,
    progress: Callable[[float, str], None] | None = None,
    timeout: float = TIMEOUT,
) -> Path:
    """Writes what is behind `url` to `target`, which appears only when complete and with the expected SHA-256.

    Raises:
        DownloadError: no connection, or it broke.
        CheckpointError: another file than expected.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response, partial.open("wb") as file:
            total = int(response.headers.get("Content-Length") or 0)
            done = 0
            while chunk := response.read(CHUNK):
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                if progress is not None:
                    of = f" of {total / 1e6:.1f}" if total else ""
                    progress(min(done / total, 1.0) if total else 0.0, f"{done / 1e6:.1f}{of} MB")
        check_hash(digest.hexdigest(), sha256, url)
        partial.replace(target)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise DownloadError(
            f"{url} could not be fetched ({getattr(error, 'reason', error)}). "
            "Without internet, fetch the file elsewhere and give it here: `so3k models get NAME --from-file FILE`."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def check_hash(found: str, expected: str, name: object) -> None:
    """Raises `CheckpointError` when two SHA-256 sums differ."""
    if found != expected:
        raise CheckpointError(
            f"{name} is not the published file: expected SHA-256 {expected}, got {found}. Fetch it again."
        )
