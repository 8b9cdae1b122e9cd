"""Which value is asked about: the question as it was put, checked against what there is, and what has to be read for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from streams.catalogue import catalogue
from streams.comparison import Comparing
from streams.configuration import Configuration, window_minutes
from streams.departments import PEER_INDICES
from streams.explanation import topics_of
from streams.index import Index
from streams.judgement import JUDGED
from streams.names import Entity
from streams.peer_explanation import Deviation, deviations
from streams.request_evidence import NOW
from streams.results import REQUESTED_NOW
from streams.times import instant_ms
from streams.trust import MAIN

# The options by which a scope is named; an office needs none.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "employee": ("employee",),
    "queue": ("queue",),
    "priority": ("priority",),
    "category": ("category",),
    "leader": ("leader",),
    "department": ("department",),
    "pair": ("from_department", "to_department"),
}
_BESIDE: Final = {
    "leader_office": ("leader",),
    "criterion": ("department", "pair"),
}  # options beside those, and of which scopes
WHOSE: Final = (*(option for options in _NAMES.values() for option in options), *_BESIDE)
_SCORED: Final = "peer_score"

Kind = Literal["index", "deviation", "leader", "department", "now"]


@dataclass(frozen=True)
class Question:
    """Which value is asked about."""

    office: str
    index: str
    window: str | None
    at: str | None = None  # epoch ms or RFC 3339
    whose: Mapping[str, str] = field(default_factory=dict)  # by WHOSE; of the office itself where there is none


@dataclass(frozen=True)
class Asked:
    """A question that can be answered."""

    kind: Kind
    scope: str
    office: str
    whose: Mapping[str, str]
    index: Index
    window: str | None  # none for what tells of now
    at_ms: int | None
    configuration: Configuration  # in force
    deviation: Deviation | None = None

    @property
    def entity(self) -> Entity:
        """Whose it is, as names have it; no names have leaders and departments."""
        scope: Any = self.scope
        return scope, self.office, "" if scope == "office" else next(iter(self.whose.values()))

    @property
    def named(self) -> dict[str, Any]:
        """Whose it is, as a row of a replay says it."""
        employee = self.whose.get("employee", self.whose.get("leader"))
        labels = {name: value for name, value in self.whose.items() if name not in ("employee", "leader")}
        return {"scope": self.scope, "office_id": self.office, "employee_id": employee, **labels}

    @property
    def narrowed(self) -> Configuration:
        """The configuration with the window asked for and no other, which keeps less.

        Where it matters when questions were last asked, as much is kept as by a worker; and departments are hidden by all windows.
        """
        if self.kind == "department" or self.window is None:
            return self.configuration
        others = self.configuration.windows if self.is_judged else ()
        return msgspec.structs.replace(self.configuration, windows=tuple(dict.fromkeys((self.window, *others))))

    @property
    def windows(self) -> tuple[str, ...]:
        """The windows that have to be known."""
        if self.window is None or self.kind == "department":
            return self.configuration.windows
        return (self.window,)

    @property
    def is_judged(self) -> bool:
        """Whether it matters when questions were last asked."""
        compared = self._compared
        return self.index.kind in JUDGED or (compared is not None and compared.name in MAIN)

    @property
    def read_office(self) -> str | None:
        """The office from whose events it follows; None for all offices."""
        follows_from_all = self.deviation is not None and self.deviation.group == "company"
        return None if follows_from_all else self.office

    @property
    def topics(self) -> set[str]:
        """The topics whose events decide it."""
        if self.kind == "department":
            return {"peer-ratings"}
        if self.kind == "now":
            return {"requests"}
        compared = self._compared
        if compared is None:
            return topics_of(self.index)
        return topics_of(compared) | ({"presses", "verdicts", "visits", "sales"} if compared.name in MAIN else set())

    @property
    def _compared(self) -> Index | None:
        if self.deviation is None:
            return None
        return Comparing(self.configuration).compared[self.deviation.compared]


def understand(question: Question, configuration: Configuration) -> Asked:
    """Check a question.

    Raises
    ------
    ValueError
        With a sentence on what is wrong with it.
    """
    scope, whose = _scope_of(question)
    indices = {index.name: index for index in (*catalogue(configuration), *PEER_INDICES)}
    deviating = deviations(Comparing(configuration))
    kind: Kind = "index"
    if question.index in NOW:
        kind = "now"
        index = Index(question.index, "count", REQUESTED_NOW, NOW[question.index], {}, {}, divides=False)
    elif question.index in deviating:
        kind, index = "deviation", deviating[question.index].row
    elif question.index in indices:
        index = indices[question.index]
    else:
        known = ", ".join((*indices, *deviating, *NOW))
        raise ValueError(f"`{question.index}` is no index: expected one of {known}")
    if scope not in index.scopes:
        raise ValueError(f"`{index.name}` is no index of {_with_article(scope)}: it has {', '.join(index.scopes)}")
    if index in PEER_INDICES:
        kind = "department"
    elif scope == "leader":
        kind = "leader"
    _check_beside(index, scope, whose)
    window = None if kind == "now" else _window(question.window, configuration if kind == "department" else None)
    at_ms = None if question.at is None else instant_ms(question.at)
    if scope == "leader":
        whose = {"leader": whose["leader"], "leader_office": whose.get("leader_office", question.office)}
    return Asked(
        kind, scope, question.office, whose, index, window, at_ms, configuration, deviating.get(question.index)
    )


def _scope_of(question: Question) -> tuple[str, dict[str, str]]:
    given = question.whose
    scopes = [scope for scope, options in _NAMES.items() if any(option in given for option in options)]
    if len(scopes) > 1:
        raise ValueError(f"{_with_article(scopes[0])} and {_with_article(scopes[1])} at once: ask for one of them")
    scope = scopes[0] if scopes else "office"
    for option in _NAMES.get(scope, ()):
        if option not in given:
            raise ValueError(f"a {scope} of departments needs both from_department and to_department")
    for option, scopes_of in _BESIDE.items():
        if option in given and scope not in scopes_of:
            raise ValueError(f"`{option}` goes with {_one_of(scopes_of)}")
    return scope, {option: given[option] for option in WHOSE if option in given}


def _check_beside(index: Index, scope: str, whose: Mapping[str, str]) -> None:
    if scope in _BESIDE["criterion"] and (index.name == _SCORED) != ("criterion" in whose):
        needs = "needs a criterion" if index.name == _SCORED else "has no criterion"
        raise ValueError(f"`{index.name}` {needs}")


def _window(window: str | None, among: Configuration | None) -> str:
    if window is None:
        raise ValueError("the window is missing")
    window_minutes(window)
    if among is not None and window not in among.windows:
        # Windows of one's own would tell what the difference of two of them hides.
        raise ValueError(f"`{window}` is no window of departments: expected one of {', '.join(among.windows)}")
    return window


def _with_article(scope: str) -> str:
    return f"{'an' if scope[0] in 'aeiou' else 'a'} {scope}"


def _one_of(scopes: Iterable[str]) -> str:
    return " or ".join(map(_with_article, scopes))
