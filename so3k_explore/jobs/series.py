"""Numbers against time: a table that one process appends to and any number of others follow.

A series is a folder of segments. A segment is a file with one line of JSON naming its columns and how many walkers each
row holds, then rows of float64; another number of walkers starts another segment. Rows are only ever appended, so a
reader takes what is whole and later continues from there.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

Table = dict[str, np.ndarray]


class SeriesWriter:
    """Appends rows to a series.

    Args:
        folder: where the segments are.
        keep_until: rows with a larger `step` are dropped first, e.g. those after the checkpoint a run continues from.
    """

    def __init__(self, folder: Path, keep_until: int | None = None) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        if keep_until is not None:
            _truncate(folder, keep_until)
        self._shape: tuple[list[str], int] | None = None
        self._rows: list[np.ndarray] = []
        self._path = folder

    def append(self, step: int, time_fs: float, **columns: Any) -> None:
        """Adds a row; each column has one number per walker. Rows reach the disk with `flush`."""
        values = [np.atleast_1d(np.asarray(column, float)) for column in columns.values()]
        walkers = len(values[0])
        if self._shape != (list(columns), walkers):
            self._begin(list(columns), walkers)
        self._rows.append(np.concatenate([[step, time_fs], *values]))

    def flush(self) -> None:
        """Writes the rows gathered so far."""
        if self._rows:
            with self._path.open("ab") as stream:
                stream.write(np.stack(self._rows).tobytes())
            self._rows = []

    def _begin(self, columns: list[str], walkers: int) -> None:
        self.flush()
        self._shape = (columns, walkers)
        self._path = self.folder / f"{len(list(self.folder.glob('*.bin'))):04d}.bin"
        self._path.write_bytes(json.dumps({"columns": columns, "walkers": walkers}).encode() + b"\n")


class SeriesReader:
    """Follows a series, reading only what is new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._segments: dict[str, tuple[int, np.ndarray]] = {}  # bytes read, rows

    def read(self) -> Table:
        """All rows: ``step`` and ``time_fs`` (frames,), other columns (frames, walkers).

        Where the number of walkers changed, or a column came later, missing numbers are NaN.
        """
        parts = []
        for path in sorted(self.folder.glob("*.bin")):
            header = _header(path)
            if header is not None:
                parts.append((header, self._rows(path, header)))
        return _join(parts)

    def _rows(self, path: Path, header: "_Header") -> np.ndarray:
        offset, rows = self._segments.get(path.name, (header.size, np.zeros((0, header.width))))
        try:
            length = path.stat().st_size
            if length < offset or rows.shape[1] != header.width:  # rewritten by a run that went back to a checkpoint
                offset, rows = header.size, np.zeros((0, header.width))
            new = _read_rows(path, offset, header.width)
        except OSError:
            return rows
        if len(new):
            rows = np.concatenate([rows, new])
        self._segments[path.name] = (offset + new.nbytes, rows)
        return rows


class _Header:
    def __init__(self, size: int, columns: list[str], walkers: int) -> None:
        self.size, self.columns, self.walkers = size, columns, walkers
        self.width = 2 + len(columns) * walkers


def _header(path: Path) -> _Header | None:
    try:
        with path.open("rb") as stream:
            line = stream.readline(65536)
        content = json.loads(line)
        return _Header(len(line), [str(name) for name in content["columns"]], int(content["walkers"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read_rows(path: Path, offset: int, width: int) -> np.ndarray:
    with path.open("rb") as stream:
        stream.seek(offset)
        content = stream.read()
    whole = len(content) // (8 * width) * 8 * width
    return np.frombuffer(content[:whole]).reshape(-1, width)


def _truncate(folder: Path, keep_until: int) -> None:
    for path in sorted(folder.glob("*.bin")):
        header = _header(path)
        if header is None:
            path.unlink()
            continue
        rows = _read_rows(path, header.size, header.width)
        keep = int((rows[:, 0] <= keep_until).sum())
        with path.open("r+b") as stream:
            stream.truncate(header.size + keep * 8 * header.width)


def _join(parts: list[tuple[_Header, np.ndarray]]) -> Table:
    walkers = max((header.walkers for header, _ in parts), default=0)
    names = list(dict.fromkeys(name for header, _ in parts for name in header.columns))
    frames = sum(len(rows) for _, rows in parts)
    table: Table = {"step": np.zeros(frames), "time_fs": np.zeros(frames)}
    table |= {name: np.full((frames, walkers), np.nan) for name in names}
    start = 0
    for header, rows in parts:
        here = slice(start, start + len(rows))
        table["step"][here], table["time_fs"][here] = rows[:, 0], rows[:, 1]
        values = rows[:, 2:].reshape(len(rows), len(header.columns), header.walkers)
        for k, name in enumerate(header.columns):
            table[name][here, : header.walkers] = values[:, k]
        start += len(rows)
    return table
