"""The chart library is what its authors publish, unchanged."""

import pytest

from agents.board.site import ASSETS
from tests import npm
from tests.service import ROOT

PUBLISHED = {
    "uPlot.iife.min.js": "dist/uPlot.iife.min.js",
    "uPlot.min.css": "dist/uPlot.min.css",
    "uPlot.LICENSE": "LICENSE",
}


@pytest.mark.node
def test_the_copy_is_the_package():
    """Byte for byte, and with its licence."""
    package = npm.installed(ROOT / "tests" / "uplot") / "node_modules" / "uplot"
    copies = {path.name: path.read_bytes() for path in (ASSETS / "vendor").iterdir()}
    assert copies == {name: (package / path).read_bytes() for name, path in PUBLISHED.items()}
