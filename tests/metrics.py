"""What /metrics shows, by the names that the contract gives: samples, and rows of a replay as the samples that show them."""

from prometheus_client.parser import text_string_to_metric_families

SUFFIXES = {
    "_ratio": "ink_personnel ink_office iel precise_conversion visitor_coverage force_majeure_level silent_share"
    " response_share service_level abandonment",
    "_seconds": "average_speed_of_answer_s average_handle_time_s talk_s",
    "": "calls_offered calls_answered calls_missed sales revenue average_ticket",
}
NAME_OF = {index: index.removesuffix("_s") + suffix for suffix, names in SUFFIXES.items() for index in names.split()}
SURVEY_FAMILIES = ("kqi_office_surveys", "kqi_employee_surveys")


def sample_of(row):
    """Return what names the sample that shows a row of a replay."""
    labels = {"office": row["office_id"], "window": row["window"]}
    if row["scope"] != "office":
        labels[row["scope"]] = row["employee_id" if row["scope"] == "employee" else "queue"]
    return f"kqi_{row['scope']}_{NAME_OF[row['index']]}", frozenset(labels.items())


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

    def __call__(self, name, **labels):
        """Return the value of one sample, None where there is none."""
        return self.samples.get((name, frozenset(labels.items())))

    def total(self, name, **labels):
        """Return the sum of all samples of a name with these labels among theirs."""
        wanted = labels.items()
        return sum(value for (each, given), value in self.samples.items() if each == name and wanted <= given)

    @property
    def indices(self):
        """The samples of indices: all but counts of surveys, the weight in force and a worker's own health."""
        others = (*SURVEY_FAMILIES, "kqi_silent_weight")
        return {
            (name, labels): value
            for (name, labels), value in self.samples.items()
            if name not in others and not name.startswith("kqi_worker_")
        }
