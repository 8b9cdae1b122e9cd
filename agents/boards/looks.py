"""How values are shown: units, limits, colours, words."""

from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

GOOD: Final = "green"
BAD: Final = "red"
PLAIN: Final = "text"

Step = tuple[float | None, str]
"""From which value on which colour holds; None for the first."""


@dataclass(frozen=True)
class Look:
    """How values are shown: their unit, where their colour changes, the range of the axis, words for single values."""

    unit: str = "short"
    steps: tuple[Step, ...] = ((None, PLAIN),)
    low: float | None = None
    high: float | None = None
    decimals: int | None = None
    words: tuple[tuple[str, str, str], ...] = ()  # value, text, colour

    @property
    def has_limit(self) -> bool:
        """Whether there is a limit to draw."""
        return len(self.steps) > 1

    @property
    def thresholds(self) -> build.ThresholdsConfig:
        """The steps as Grafana has them."""
        steps = [model.Threshold(value=value, color=colour) for value, colour in self.steps]
        return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)

    @property
    def mappings(self) -> list[model.ValueMap]:
        """The words as Grafana has them."""
        shown = {
            value: model.ValueMappingResult(text=text, color=colour, index=place)
            for place, (value, text, colour) in enumerate(self.words)
        }
        return [model.ValueMap(options=shown)] if shown else []

    @property
    def properties(self) -> list[model.DynamicConfigValue]:
        """The same for a single column of a table."""
        found = [
            model.DynamicConfigValue("unit", self.unit),
            model.DynamicConfigValue("thresholds", self.thresholds.build()),
        ]
        if self.decimals is not None:
            found.append(model.DynamicConfigValue("decimals", self.decimals))
        if self.words:
            found.append(model.DynamicConfigValue("mappings", self.mappings))
        if self.has_limit:
            found.append(model.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
        return found


def worse_above(limit: float, unit: str = "percentunit", high: float | None = None) -> Look:
    """Less is better; from the limit on it is bad."""
    return Look(unit, ((None, GOOD), (limit, BAD)), low=0, high=high)


def worse_below(limit: float, unit: str = "percentunit", low: float | None = 0, high: float | None = None) -> Look:
    """More is better; below the limit it is bad."""
    return Look(unit, ((None, BAD), (limit, GOOD)), low=low, high=high)


def good_within(limits: tuple[float, float]) -> Look:
    """Good between two shares, bad on either side."""
    least, greatest = limits
    steps: tuple[Step, ...] = ((None, BAD), (least, GOOD)) if least > 0 else ((None, GOOD),)
    return Look("percentunit", (*steps, (greatest, BAD)), low=0)


YES_NO: Final = Look("bool_yes_no", ((None, BAD), (1, GOOD)), words=(("0", "no", BAD), ("1", "yes", GOOD)))
SHARE: Final = Look("percentunit", low=0, high=1)
COUNT: Final = Look("short", low=0)
SECONDS: Final = Look("s", low=0)
MONEY: Final = Look("locale", decimals=0)
NONE_WANTED: Final = Look("short", ((None, GOOD), (1, BAD)), low=0)
"""Counts that should be nought."""
