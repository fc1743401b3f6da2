"""Where fetched files are kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    r"""Return the folder for files that can be fetched again; it need not exist.

    ``$XDG_CACHE_HOME/huggins`` where that variable holds an absolute path; otherwise the
    platform's own place: ``~/.cache/huggins``, ``~/Library/Caches/huggins`` on macOS,
    ``%LOCALAPPDATA%\huggins\Cache`` on Windows.
    """
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    if Path(chosen).is_absolute():
        return Path(chosen) / "huggins"
    home = Path("~").expanduser()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else home / "AppData" / "Local") / "huggins" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "huggins"
    return home / ".cache" / "huggins"
