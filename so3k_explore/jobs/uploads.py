"""Files that came through the page, kept beside the runs, so that a run finds its data when it is resumed."""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

UPLOADS = ".uploads"
UPLOAD_DAYS = 1.0  # that an upload may wait for its first run


def keep_upload(root: Path, content: bytes, filename: str) -> Path:
    """Where an uploaded file now is: the same content has the same place, so nothing is kept twice."""
    name = re.sub(r"[^\w.+-]+", "-", Path(filename.replace("\\", "/")).name).lstrip(".-")
    folder = root / UPLOADS / hashlib.sha256(content).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not path.is_file() or path.stat().st_size != len(content):
        path.write_bytes(content)
    os.utime(folder)  # its time to wait counts from now
    return path


def drop_unused_uploads(root: Path, older_than_days: float | int = UPLOAD_DAYS) -> None:
    """Removes uploads that no run learns from or labels, deleted runs that can still be restored among them."""
    folders = [path for path in (root / UPLOADS).glob("*") if path.is_dir()]
    if not folders:
        return
    used = {path.parent.name for path in _datasets(root)}
    for folder in folders:
        with suppress(OSError):
            if folder.name not in used and time.time() - folder.stat().st_mtime >= older_than_days * 86400:
                shutil.rmtree(folder, ignore_errors=True)


def _datasets(root: Path) -> Iterator[Path]:
    for file in (*root.glob("*/job.json"), *root.glob(".*/*/job.json")):
        with suppress(OSError, ValueError, AttributeError):
            settings = json.loads(file.read_text()).get("settings", {})
            yield from (Path(settings[name]) for name in ("dataset", "source") if settings.get(name))
