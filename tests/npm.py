"""Packages of Node.js that tests compare with: locked by their hashes, installed once, outside of the tree."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest


def installed(folder):
    """Return where the packages are that a folder's package.json and package-lock.json name; skip without npm."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js and npm are not installed")
    lock = (folder / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kqi"
    home = cache / f"{folder.name}-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (home / "complete").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(folder / name, home)
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(install, check=False, cwd=home, capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.skip(f"npm could not install {folder.name}: {done.stderr.strip()[-300:]}")
        (home / "complete").touch()
    return home
