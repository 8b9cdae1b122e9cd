"""The board *Company*: how offices stand, which need a look and why, and how far all of it may be believed."""

from typing import Final

from agents.boards.assembly import COMPANY, OFFICE_BOARD, Board, Row, usual_window
from agents.boards.looks import COUNT, SHARE, YES_NO, Look, worse_above, worse_below
from agents.boards.panels import AnyPanel, Column, Frame, Link, Target, bars, lines, rows, stats
from agents.boards.queries import MAIN, WINDOW, Main, by, in_region, mean, of_offices, recorded, series
from agents.boards.variables import choice_variable, level_variable, region_variable, top_variable, window_variable
from streams.configuration import Configuration

BELIEVED: Final = (("Representative only", "1"), ("All offices", "0"))
TO_OFFICE: Final = (("office", "${__data.fields.office:percentencode}"),)
BY_LABEL: Final = (("office", "${__field.labels.office:percentencode}"),)
INFORMATIVE: Final = 'diagnosis!~"well|not_enough_data"'


def company(configuration: Configuration) -> Board:
    """All offices beside each other."""
    return Board(
        uid=COMPANY,
        title="KQI / Company",
        text="Offices ranked by the three main indices, where the cause of dissatisfaction lies, and how far all of it may be believed.",
        since="now-24h",
        refresh="1m",
        variables=[
            region_variable(),
            window_variable(configuration.windows, usual_window(configuration)),
            choice_variable("believed", "Rank", "Which offices the rankings show.", BELIEVED, "1"),
            top_variable(),
            level_variable(),
        ],
        rows=[
            Row("Now", _now(configuration)),
            Row("Offices ranked, the worst first", _ranked(configuration)),
            Row("Where the cause lies", _causes()),
            Row("May it be believed?", _trust(configuration)),
            Row("Over time", _course(configuration)),
        ],
    )


def index_look(configuration: Configuration, index: Main) -> Look:
    """A main index against the company's reference."""
    reference = getattr(configuration.reference, index.name)
    if index.lower_is_better:
        return worse_above(reference, high=1)
    return worse_below(reference, unit="none", low=-1, high=1)


def values(index: Main, *matchers: str) -> str:
    """A main index by office, in the region."""
    return in_region(by("office", series(f"kqi_office_{index.name}_ratio", WINDOW, *matchers)))


def _surveys(index: Main) -> str:
    """Valid surveys of the index's question, by office."""
    counted = by("office, outcome", series("kqi_office_surveys", WINDOW, f'question="{index.question}"'))
    return by("office", counted, "sum")


def _shown(name: str) -> str:
    return of_offices(f"kqi_office_{name}", WINDOW)


def _mean(index: Main) -> str:
    """A main index of the company: the mean of its offices, each by the surveys that it rests on."""
    return mean(in_region(_shown(f"{index.name}_ratio")), _shown(f"{index.name}_base"))


def ranked(index: Main) -> str:
    """The worst offices by an index, no more than the board's rows, whatever the number of offices."""
    told = by("office", series(f"kqi_office_{index.name}_representative", WINDOW))
    pick = "topk" if index.lower_is_better else "bottomk"
    return f"{pick}($top, {values(index)} and on (office) {told} >= $believed)"


def _now(configuration: Configuration) -> list[AnyPanel]:
    offices = by("office", series("kqi_office_surveys", WINDOW, 'question="personnel"', 'outcome="yes"'))
    found = [
        stats(
            Frame(
                f"{index.title} of the company",
                f"{index.title}, {index.short}: the mean of all offices, each by the surveys that it rests on. "
                + ("Less is better; " if index.lower_is_better else "More is better; ")
                + f"red is worse than the company's reference, {getattr(configuration.reference, index.name):g}. "
                "Offices that are not representative are in it, too: a sum needs no single one to be sure.",
                width=4,
                height=5,
            ),
            index_look(configuration, index),
            Target(_mean(index), index.title),
        )
        for index in MAIN
    ]
    return [
        *found,
        stats(
            Frame("Offices", "Offices with a valid survey in the window.", width=4, height=5),
            COUNT,
            Target(f"count({in_region(offices)})", "offices"),
        ),
        stats(
            Frame("Valid surveys", "Decided surveys that no expert rejected, in the window.", width=4, height=5),
            COUNT,
            Target(f"sum({in_region(_shown('surveys'))})", "surveys"),
        ),
        stats(
            Frame(
                "Weight of silence",
                "How much a silent customer counts as a dissatisfied one: part of every main index shown here.",
                width=4,
                height=5,
            ),
            Look("percentunit"),
            Target(f"max({series('kqi_silent_weight')})", "weight"),
        ),
    ]


def _ranked(configuration: Configuration) -> list[AnyPanel]:
    personnel, office, loyalty = MAIN
    worst = f"and on (office) {ranked(personnel)}"
    columns = [Column(index.title, f"{values(index)} {worst}", index_look(configuration, index)) for index in MAIN]
    columns[1:1] = [
        Column(f"{end} end", f"{by('office', series(f'kqi_office_ink_personnel_{end}_ratio', WINDOW))} {worst}", SHARE)
        for end in ("lower", "upper")
    ]
    further = [
        ("Representative", "kqi_office_ink_personnel_representative", YES_NO),
        ("Silent", "kqi_office_silent_share_ratio", SHARE),
        ("Force majeure", "kqi_office_force_majeure_level_ratio", worse_above(configuration.force_majeure_level_max)),
    ]
    columns += [Column(title, f"{by('office', series(name, WINDOW))} {worst}", look) for title, name, look in further]
    columns.append(Column("Surveys", f"{_surveys(personnel)} {worst}"))
    table = rows(
        Frame(
            "By INK@Personnel",
            "Offices with the greatest dissatisfaction with their staff. Compare intervals, not points: where those of two offices "
            "overlap, chance may have ordered them. A value that is not representative says nothing of the office. "
            "Click an office for its board.",
            width=24,
            height=10,
            link=Link("Open the office", OFFICE_BOARD, TO_OFFICE),
        ),
        "office",
        columns,
        worst=("INK@Personnel", True),
    )
    others = [
        bars(
            Frame(
                f"By {index.title}",
                f"Offices with the worst {index.title}, {index.short}; red is worse than the company's reference.",
                width=8,
                height=10,
                link=Link("Open the office", OFFICE_BOARD, BY_LABEL),
            ),
            index_look(configuration, index),
            Target(ranked(index), "{{office}}"),
        )
        for index in (office, loyalty)
    ]
    return [table, *others, _regions(configuration)]


def _regions(configuration: Configuration) -> AnyPanel:
    """INK@Personnel by region: offices are joined to what the directory says of them."""
    personnel = MAIN[0]
    known = by("office, region", series("kqi_office_info", 'region!=""'))
    joined = f"on (office) group_left (region) {known}"
    value, weight = values(personnel), by("office", _shown(f"{personnel.name}_base"))
    found = f"sum by (region) ({value} * {weight} * {joined}) / sum by (region) (({weight} and {value}) * {joined})"
    return bars(
        Frame(
            "Regions by INK@Personnel",
            "The mean of each region's offices, each by the surveys that it rests on; regions are those of the directory, and without one there are none.",
            width=8,
            height=10,
        ),
        index_look(configuration, personnel),
        Target(f"topk($top, {found})", "{{region}}"),
    )


def _causes() -> list[AnyPanel]:
    told = in_region(_shown("diagnosis"))
    wanting = in_region(by("office, diagnosis", series("kqi_office_diagnosis", WINDOW, INFORMATIVE)))
    dissatisfied = by("office", series("kqi_office_ink_office_ratio", WINDOW))
    return [
        bars(
            Frame(
                "Offices by diagnosis",
                "Where the cause of dissatisfaction lies, by the main indices together. `not_enough_data`: one of them has no value or is "
                "not representative, so that nothing can be said.",
                height=8,
                width=8,
            ),
            COUNT,
            Target(by("diagnosis", told, "count"), "{{diagnosis}}"),
        ),
        bars(
            Frame(
                "Offices with a cause to work on",
                "The cause in each office that is neither well nor without enough data, those with the greatest INK@Office first.",
                height=8,
                width=16,
                link=Link("Open the office", OFFICE_BOARD, BY_LABEL),
            ),
            SHARE,
            Target(f"topk($top, {dissatisfied} * on (office) group_right () {wanting})", "{{office}}: {{diagnosis}}"),
        ),
    ]


def _trust(configuration: Configuration) -> list[AnyPanel]:
    limit = configuration.force_majeure_level_max
    reasons = in_region(_shown("unrepresentative"))
    share = [Target(f"avg({in_region(_shown(f'{index.name}_representative'))})", index.title) for index in MAIN]
    return [
        stats(
            Frame(
                "Representative offices",
                "Share of offices whose index may be believed: enough surveys, of enough customers, not too much force majeure, asked lately.",
                width=8,
            ),
            SHARE,
            *share,
        ),
        bars(
            Frame(
                "Why not",
                f"Offices by index and reason why it is not representative. too_few_surveys: under {configuration.min_surveys}.",
                width=8,
            ),
            COUNT,
            Target(by("index, reason", reasons, "count"), "{{index}}: {{reason}}"),
        ),
        bars(
            Frame(
                "Most force majeure",
                f"Share of surveys in a standing force majeure. Above {limit:g} a period cannot be assessed: causes first, then a new audit.",
                width=8,
                link=Link("Open the office", OFFICE_BOARD, BY_LABEL),
            ),
            worse_above(limit),
            Target(
                f"topk($top, {in_region(by('office', series('kqi_office_force_majeure_level_ratio', WINDOW)))})",
                "{{office}}",
            ),
        ),
    ]


def _course(configuration: Configuration) -> list[AnyPanel]:
    found = [
        lines(
            Frame(
                f"{index.title} over time",
                f"{index.title} as of the window that ended then, all offices together. Dashed: the reference, "
                f"{getattr(configuration.reference, index.name):g}.",
                width=8,
            ),
            index_look(configuration, index),
            Target(recorded(f"{index.name}:ratio", WINDOW), f"{index.title} {{{{region}}}}"),
        )
        for index in MAIN
    ]
    return [
        *found,
        lines(
            Frame("Offices by diagnosis, over time", "How many offices had which cause.", width=24),
            COUNT,
            Target(recorded("offices:sum", WINDOW), "{{diagnosis}} {{region}}"),
            stacked=True,
        ),
    ]
