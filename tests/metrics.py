"""What /metrics shows, by the names that the contract gives: samples, and rows of a replay as the samples that show them."""

from prometheus_client.parser import text_string_to_metric_families

from tests.reference.comparison import HIGHER, LOWER

RATIOS = [
    "ink_personnel",
    "ink_office",
    "iel",
    "precise_conversion",
    "visitor_coverage",
    "force_majeure_level",
    "silent_share",
    "response_share",
    "service_level",
    "abandonment",
    "nps",
    "csat",
    "churn",
    "sla_first_response",
    "sla_on_site",
    "sla_resolved",
    "peer_participation",
]
SUFFIXES = {
    "_ratio": [
        *(ratio + end for ratio in RATIOS for end in ("", "_lower", "_upper")),
        *("utilisation", "occupancy", "plan_attainment", "margin_plan_attainment"),
    ],
    "_seconds": ["average_speed_of_answer_s", "average_handle_time_s", "talk_s", "first_response_s", "resolution_s"],
    "": [
        "calls_offered",
        "calls_answered",
        "calls_missed",
        "sales",
        "revenue",
        "margin",
        "average_ticket",
        "ces",
        "nps_answers",
        "csat_answers",
        "ces_answers",
        "peer_votes",
        "peer_score",
        "peer_raters",
        "peer_extremes_uncommented",
        "sla_first_response_due",
        "sla_on_site_due",
        "sla_resolved_due",
        "requests_opened",
        "requests_open",
        "requests_overdue",
        "diagnosis",
        "kpi_score",
        "ink_personnel_representative",
        "ink_office_representative",
        "iel_representative",
    ],
}
NAME_OF = {index: index.removesuffix("_s") + suffix for suffix, names in SUFFIXES.items() for index in names}
DEPARTMENT_SCOPES = ("department", "pair")
DEPARTMENT_NAMES = ("department", "from_department", "to_department", "criterion")
for compared in LOWER + HIGHER:
    stem = compared.removesuffix("_s")
    unit, suffix = compared.removeprefix(stem), NAME_OF[compared].removeprefix(stem)
    for group in ("office", "company"):
        NAME_OF |= {f"{stem}_{group}_{measure}": f"{stem}_{group}_{measure}" for measure in ("z", "rank")}
        NAME_OF[f"{stem}_from_{group}_leader{unit}"] = f"{stem}_from_{group}_leader{suffix}"
    NAME_OF[f"{stem}_past_critical"] = f"{stem}_past_critical"
SIGN_FAMILIES = tuple(f"kqi_{scope}_{name}" for scope in ("office", "employee") for name in ("signs", "signs_base"))
SURVEY_FAMILIES = ("kqi_office_surveys", "kqi_employee_surveys")
ASKED_FAMILY = "kqi_office_question_last_asked_timestamp_seconds"
OF_THE_MOMENT = ("kqi_office_open", "kqi_panel_quiet_seconds", "kqi_panel_customer_presses")
BASES = tuple(
    f"kqi_office_{index}_base"
    for index in ("ink_personnel", "ink_office", "iel", "silent_share", "service_level", "churn")
)


def samples_of(row):
    """Return the samples that show a row of a replay, or of a message on the topic of indices; none where it has no value."""
    labels = {"office": row["office_id"], "window": row["window"]}
    if row["window"] is None:
        del labels["window"]
    if row["scope"] in DEPARTMENT_SCOPES:
        labels |= {name: row[name] for name in DEPARTMENT_NAMES if name in row}
    elif row["scope"] != "office":
        labels[row["scope"]] = row["employee_id" if row["scope"] in {"employee", "leader"} else row["scope"]]
    if row["scope"] == "leader":
        labels["leader_office"] = row["leader_office"]
    name, value = f"kqi_{row['scope']}_{NAME_OF[row['index']]}", row["value"]
    if row["index"] == "diagnosis":
        labels["diagnosis"], value = value, 1
    samples = {} if value is None else {(name, frozenset(labels.items())): value}
    if row["scope"] == "leader":
        samples["kqi_leader_kpi_people", frozenset(labels.items())] = row["base"]
    for reason in row.get("reasons", ()):
        judged = {"index": row["index"].removesuffix("_representative"), "reason": reason}
        samples[f"kqi_{row['scope']}_unrepresentative", frozenset((labels | judged).items())] = 1
    return samples


def samples_of_asked(asked):
    """Return the samples that show when questions were last asked: {office: {question: instant}}."""
    return {
        (ASKED_FAMILY, frozenset({"office": office, "question": question}.items())): ts_ms / 1000
        for office, questions in asked.items()
        for question, ts_ms in questions.items()
    }


def samples_of_signs(signs):
    """Return the samples that show signs: {(scope, office, employee, window, sign): (count, base)}."""
    samples = {}
    for (scope, office, who, window, sign), numbers in signs.items():
        labels = {"office": office, "window": window, "sign": sign} | ({"employee": who} if who else {})
        for name, value in zip(("signs", "signs_base"), numbers, strict=True):
            samples[f"kqi_{scope}_{name}", frozenset(labels.items())] = value
    return samples


class Scrape:
    """The samples of one answer of /metrics."""

    def __init__(self, text, parse=text_string_to_metric_families):
        self.text = text
        samples = [
            ((sample.name, frozenset(sample.labels.items())), sample.value)
            for family in parse(text)
            for sample in family.samples
        ]
        self.samples = dict(samples)
        assert len(self.samples) == len(samples), "a series is shown twice"

    def __call__(self, name, /, **labels):
        """Return the value of one sample, None where there is none."""
        return self.samples.get((name, frozenset(labels.items())))

    def total(self, name, **labels):
        """Return the sum of all samples of a name with these labels among theirs."""
        wanted = labels.items()
        return sum(value for (each, given), value in self.samples.items() if each == name and wanted <= given)

    @property
    def indices(self):
        """The samples of indices: all but counts, bases, signs and instants, the weight in force and a worker's own health."""
        others = (*SURVEY_FAMILIES, *SIGN_FAMILIES, ASKED_FAMILY, *OF_THE_MOMENT, *BASES)
        others += ("kqi_silent_weight", "kqi_request_objective_ratio", "kqi_office_info")
        return {
            (name, labels): value
            for (name, labels), value in self.samples.items()
            if name not in others and not name.startswith("kqi_worker_")
        }
