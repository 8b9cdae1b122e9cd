"""Boards as Grafana reads them: panels, queries, variables, links, out of the JSON alone."""

import json
import re
from typing import NamedTuple

from tests.documents import ROOT

FOLDER = ROOT / "deploy" / "grafana" / "dashboards"
BUILT_IN = {"__rate_interval", "__url_time_range", "__data", "__field", "__all"}
FOR_ALL = "$__all"
SELECTOR = re.compile(r"([\w$:]+)?\{([^{}]*)\}(\[)?")


class Query(NamedTuple):
    """One query of a panel, or of a mark."""

    board: str
    panel: str
    letter: str
    expr: str
    is_instant: bool


class Drawn:
    """A board out of its JSON."""

    def __init__(self, text):
        self.board = json.loads(text)
        self.title = self.board["title"]
        self.uid = self.board["uid"]

    @property
    def panels(self):
        """All panels but headings."""
        return [each for each in self.board["panels"] if each["type"] != "row"]

    @property
    def marks(self):
        """Annotations."""
        return self.board.get("annotations", {}).get("list", [])

    @property
    def variables(self):
        """Variables by name."""
        return {each["name"]: each for each in self.board["templating"]["list"]}

    @property
    def queries(self):
        """The queries of all panels and marks."""
        of_panels = [
            Query(self.title, panel["title"], target["refId"], target["expr"], bool(target.get("instant")))
            for panel in self.panels
            for target in panel["targets"]
        ]
        return of_panels + [
            Query(self.title, each["name"], "mark", each["expr"], is_instant=False) for each in self.marks
        ]

    @property
    def links(self):
        """The addresses of links of values."""
        return re.findall(r'"url": "([^"]*)"', json.dumps(self.board["panels"]))


def selectors(expr):
    """Return the selectors of a query: metric, matchers, and whether it is of a range."""
    return [(metric, matchers, bool(ranged)) for metric, matchers, ranged in SELECTOR.findall(expr)]


def used(text):
    """Return the names of the variables that a text refers to."""
    return {one or other for one, other in re.findall(r"\$(\w+)|\$\{(\w+)[^}]*\}", text)}


def filled(text, values):
    """Return a query with its variables filled in."""
    return re.sub(r"\$(\w+)|\$\{(\w+)\}", lambda found: values[found[1] or found[2]], text)
