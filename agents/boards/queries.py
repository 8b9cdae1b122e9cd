"""PromQL as text: every selector asks for the board's job, and every vector is freed of what workers add to it.

An office moves from worker to worker; so nothing here keeps the label `instance` but the board of the service's health. What
many offices did over time is asked of recording rules: of a month of raw series Prometheus would read every sample.
"""

from typing import Final, NamedTuple

JOB: Final = 'job=~"$job"'
WINDOW: Final = 'window="$window"'
OFFICE: Final = 'office="$office"'
EMPLOYEE: Final = 'employee="$employee"'
INSTANCE: Final = 'instance=~"$instance"'

FROM_THE_SCRAPE: Final = ("up", "scrape_duration_seconds", "scrape_samples_scraped")
"""What Prometheus itself adds to each scrape: no worker shows them."""


def series(metric: str, *matchers: str) -> str:
    """The series of a metric within the board's job."""
    return metric + "{" + ",".join((JOB, *matchers)) + "}"


def by(labels: str, vector: str, how: str = "max") -> str:
    """A vector by these labels alone. Where two workers show a series at the moment it moves, `max` takes one of them."""
    return f"{how} by ({labels}) ({vector})"


def of_offices(metric: str, *matchers: str) -> str:
    """The series of all offices, for sums and means: once each, also where two workers show them at the moment they move."""
    return f"max without (instance) ({series(metric, *matchers)})"


def one(metric: str, *matchers: str) -> str:
    """A single value: the matchers leave no more than one series, whichever worker shows it."""
    return f"max({series(metric, *matchers)})"


def in_region(vector: str) -> str:
    """Offices of the region that was picked, by the directory; offices that it does not know are in every region."""
    elsewhere = series("kqi_office_info", 'region!~"$region"')
    return f"({vector} unless on (office) {elsewhere})"


def recorded(name: str, *matchers: str) -> str:
    """A figure that recording rules keep, of the company or of each region that was picked: of the level that was picked."""
    return series(f"$level:kqi_{name}", *matchers, 'region=~"$region|"')  # figures of the company have no region


def mean(values: str, weights: str, labels: str = "") -> str:
    """Mean of values, weighted, by these labels; values and weights are paired by all labels that they have."""
    grouped = f" by ({labels})" if labels else ""
    return f"sum{grouped} ({values} * {weights}) / sum{grouped} ({weights} and {values})"


class Main(NamedTuple):
    """A main index as boards show it."""

    name: str
    title: str
    question: str
    lower_is_better: bool
    short: str


MAIN: Final = (
    Main("ink_personnel", "INK@Personnel", "personnel", lower_is_better=True, short="dissatisfaction with the staff"),
    Main(
        "ink_office",
        "INK@Office",
        "office",
        lower_is_better=True,
        short="dissatisfaction with the office and processes",
    ),
    Main("iel", "IEL", "loyalty", lower_is_better=False, short="emotional loyalty"),
)
