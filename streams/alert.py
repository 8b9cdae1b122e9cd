"""What an alert is: a rule that tells somebody something, with its numbers and where to look."""

from typing import Any, Final, Literal, NamedTuple

from streams.alerting import Severity

Team = Literal["operations", "quality"]


# An office that moves is on no worker for a while, which must end no alert. Rules of figures are evaluated every 5 min, others more often.
KEPT: Final = {"operations": "5m", "quality": "15m"}


class Alert(NamedTuple):
    """An alert; ``hold`` is for how long it must be so."""

    name: str
    expr: str
    hold: str
    severity: Severity
    team: Team
    board: str  # path on the boards' server
    summary: str
    description: str
    labels: dict[str, str]

    def rule(self, board_url: str, runbook_url: str) -> dict[str, Any]:
        """The alert as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.hold,
            **({} if "office" in self.labels else {"keep_firing_for": KEPT[self.team]}),
            "labels": {"severity": self.severity, "team": self.team} | self.labels,
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "dashboard_url": board_url.rstrip("/") + self.board,
                "runbook_url": f"{runbook_url}#{self.name.lower()}",
            },
        }
