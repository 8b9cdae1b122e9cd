"""The directory in TOML files."""

from collections.abc import Iterable
from pathlib import Path

from streams.directory_check import Given, Read, from_toml, read


def read_files(paths: Iterable[str]) -> Read:
    """Read a directory from files."""
    return read(entry for path in paths for entry in _entries(path))


def _entries(path: str) -> Iterable[Given | str]:
    try:
        return from_toml(Path(path).read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        return [f"{path}: {getattr(error, 'strerror', None) or 'not a text in UTF-8'}"]
