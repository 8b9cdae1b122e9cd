"""The browser is started once for all tests of the board."""

from tests.agents.board.browser import driver

__all__ = ["driver"]
