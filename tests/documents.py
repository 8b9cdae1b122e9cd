"""The documents of `docs/` as tests read them: sections, tables, blocks of code, links."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
WRITTEN = (
    *("method", "events", "directory", "operations", "reliability", "explain"),
    *("installation", "runbook", "boards"),
)

Row = dict[str, str]


class Table(NamedTuple):
    """A table, and the command that the last block of code before it begins with."""

    head: tuple[str, ...]
    rows: list[Row]
    command: list[str]


def text(name):
    """Return the text of a document."""
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def section(name, title):
    """Return what stands below a heading, up to the next heading of its rank or a higher one."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,6}} |\Z)", text(name), re.MULTILINE | re.DOTALL)
    assert found, f"{name}.md has no section {title}"
    return found[2]


def tables(markdown):
    """Return the tables of a text."""
    found = []
    command: list[str] = []
    lines = markdown.splitlines()
    at = 0
    while at < len(lines):
        if lines[at].startswith("    ") and lines[at].strip().startswith("kqi "):
            command = shlex.split(lines[at])
        if lines[at].startswith("|") and at + 1 < len(lines) and re.fullmatch(r"[|\s-]+", lines[at + 1]):
            head = _cells(lines[at])
            rows = []
            at += 2
            while at < len(lines) and lines[at].startswith("|"):
                rows.append(dict(zip(head, _cells(lines[at]), strict=True)))
                at += 1
            found.append(Table(head, rows, command))
        at += 1
    return found


def _cells(line):
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def table(markdown, *head):
    """Return the rows of all tables that begin with these columns."""
    rows = [row for each in tables(markdown) if each.head[: len(head)] == head for row in each.rows]
    assert rows, f"no table of {', '.join(head)}"
    return rows


def code(cell):
    """Return the names in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def blocks(markdown, language):
    """Return the fenced blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)


def spread(pattern):
    """Return the names that a pattern with braces stands for."""
    found = re.fullmatch(r"(.*)\{([^}]*)\}(.*)", pattern)
    return {found[1] + each + found[3] for each in found[2].split(",")} if found else {pattern}


def anchors(markdown):
    """Return the names by which the headings of a text can be linked to."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(markdown):
    """Return the targets of the links to files of the project and to headings."""
    return [target for target in re.findall(r"\]\(([^)]+)\)", markdown) if "://" not in target]
