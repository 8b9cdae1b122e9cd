"""Grafana boards as code: five boards out of the configuration, each linking to the next.

    for name, text in boards(configuration).items(): ...

*Company* leads to *Office*, *Office* to *Employee*; *Calls and SLA* leads to *Office*; *Service health* is for who runs it. A board asks
Prometheus for metrics of workers alone, and no query gives a series for each employee, or office, of the whole company.
"""

from agents.boards.assembly import as_json, assemble
from agents.boards.calls import calls
from agents.boards.company import company
from agents.boards.employee import employee
from agents.boards.office import office
from agents.boards.service import service
from streams.configuration import Configuration

BOARDS = (company, office, employee, calls, service)


def boards(configuration: Configuration) -> dict[str, str]:
    """The boards as JSON, by the names of their files."""
    built = [assemble(make(configuration)) for make in BOARDS]
    return {f"{each.uid}.json": as_json(each) for each in built}
