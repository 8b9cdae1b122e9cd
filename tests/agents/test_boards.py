"""Boards as files: what is committed is what is made, and the rules of Grafana's dashboard linter hold.

The rules are those that grafana/dashboard-linter documents. Not looked at here: whether PromQL is valid (`target-promql-rule`,
`template-label-promql-rule`), since a real Prometheus is asked elsewhere; the two rules of LogQL, which no board uses. Of
`template-instance-rule` and `target-instance-rule` the file `.lint` says where they are left out, and why.
"""

import json
import re

import pytest

from agents.boards import boards
from streams.configuration import Configuration, configure
from streams.trust import DIAGNOSES
from tests.agents.drawn_boards import BUILT_IN, FOLDER, Drawn, selectors, used
from tests.documents import code, section, table
from tests.service import kqi_inside

BOARDS = {name: Drawn(text) for name, text in boards(Configuration()).items()}
UNITS = {
    "short",
    "none",
    "percentunit",
    "s",
    "bytes",
    "Bps",
    "ops",
    "locale",
    "string",
    "bool_yes_no",
    "dateTimeFromNow",
}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
UIDS = {"kqi-company", "kqi-office", "kqi-employee", "kqi-calls", "kqi-service"}
RATES = {"rate", "irate", "increase"}
WIDTH = 24
LONGEST = 8000  # characters of a query: a browser may send so much even where it must use GET


@pytest.fixture(params=BOARDS)
def drawn(request):
    """Return each board in turn."""
    return BOARDS[request.param]


def with_settings(**settings):
    """Return the boards of another configuration."""
    return {name: Drawn(text) for name, text in boards(configure(("the test", settings))).items()}


def test_what_is_committed_is_what_is_made(tmp_path):
    """`kqi boards` writes, byte for byte, the files that are committed, and no others."""
    done = kqi_inside("boards", tmp_path)
    assert done.exit_code == 0, done.output
    made = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    committed = {each.name: each.read_bytes() for each in FOLDER.glob("*.json")}
    assert made.keys() == committed.keys()
    different = [name for name in made if made[name] != committed[name]]
    assert not different, f"make them anew: kqi boards {FOLDER.relative_to(FOLDER.parents[2])}"


def test_a_folder_that_cannot_be_written_to(tmp_path):
    """The fault is one sentence."""
    (tmp_path / "file").write_text("")
    done = kqi_inside("boards", tmp_path / "file")
    assert (done.exit_code, done.stderr) == (1, f"kqi: {tmp_path}/file: File exists\n")


def test_the_five_boards():
    """Others link to them by these names."""
    assert {each.uid for each in BOARDS.values()} == UIDS
    assert {name.removesuffix(".json") for name in BOARDS} == UIDS


# The rules of grafana/dashboard-linter ------------------------------------------------------------------------------


def test_template_datasource_rule(drawn):
    """A data source can be picked."""
    variable = drawn.variables["datasource"]
    assert (variable["type"], variable["query"], variable["label"]) == ("datasource", "prometheus", "Data source")


def test_template_job_rule(drawn):
    """Jobs can be picked, by default all."""
    variable = drawn.variables["job"]
    assert (variable["type"], variable["label"]) == ("query", "Job")
    assert (variable["datasource"], variable["multi"], variable["allValue"]) == (DATASOURCE, True, ".+")


def test_template_instance_rule():
    """Workers can be picked where health is shown; elsewhere an office would vanish when it moves."""
    with_instance = {drawn.uid for drawn in BOARDS.values() if "instance" in drawn.variables}
    assert with_instance == {"kqi-service"}
    variable = BOARDS["kqi-service.json"].variables["instance"]
    assert (variable["label"], variable["multi"], variable["allValue"]) == ("Instance", True, ".+")
    excluded = re.findall(r"dashboard: (.*)", (FOLDER / ".lint").read_text())
    assert set(excluded) == {drawn.title for drawn in BOARDS.values()} - {"KQI / Service health"}


def test_template_on_time_change_reload_rule(drawn):
    """Choices follow the time that is looked at."""
    assert {each["refresh"] for each in drawn.variables.values() if each["type"] == "query"} == {2}


def test_panel_datasource_rule(drawn):
    """Every panel and query asks the data source that was picked."""
    assert all(panel["datasource"] == DATASOURCE for panel in drawn.panels)
    assert all(target["datasource"] == DATASOURCE for panel in drawn.panels for target in panel["targets"])
    assert all(mark["datasource"] == DATASOURCE for mark in drawn.marks)


def test_panel_title_description_rule(drawn):
    """Every panel has a title of its own, and a description that is a sentence."""
    titles = [panel["title"] for panel in drawn.panels]
    assert len(set(titles)) == len(titles)
    assert [each["title"] for each in drawn.panels if not re.fullmatch(r"(?s)\S.{20,}\.", each["description"])] == []


def test_panel_units_rule(drawn):
    """Every panel has a unit that Grafana knows."""
    units = [panel["fieldConfig"]["defaults"]["unit"] for panel in drawn.panels]
    units += [
        each["value"]
        for panel in drawn.panels
        for override in panel["fieldConfig"].get("overrides", [])
        for each in override["properties"]
        if each["id"] == "unit"
    ]
    assert set(units) <= UNITS


def test_panel_no_targets_rule(drawn):
    """Every panel asks something; every query has a letter of its own."""
    for panel in drawn.panels:
        letters = [target["refId"] for target in panel["targets"]]
        assert letters
        assert len(set(letters)) == len(letters)


def test_target_job_rule(drawn):
    """Every selector of every query and of every variable is of the jobs that were picked."""
    texts = [query.expr for query in drawn.queries]
    texts += [each["query"] for each in drawn.variables.values() if each["type"] == "query" and "{" in each["query"]]
    for text in texts:
        found = selectors(text)
        assert found, text
        assert all('job=~"$job"' in matchers for _, matchers, _ in found), text


def test_target_instance_rule():
    """Where workers can be picked every selector is of them, and nowhere else."""
    for drawn in BOARDS.values():
        matched = {
            'instance=~"$instance"' in matchers for query in drawn.queries for _, matchers, _ in selectors(query.expr)
        }
        assert matched == {drawn.uid == "kqi-service"}


def test_target_rate_interval_rule(drawn):
    """Ranges are as long as Grafana says."""
    for query in drawn.queries:
        assert set(re.findall(r"\[([^\]]*)\]", query.expr)) <= {"$__rate_interval"}


def test_target_counter_agg_rule(drawn):
    """Counters, and buckets of histograms, are looked at as rates; nothing else is."""
    for query in drawn.queries:
        counters = [ranged for metric, _, ranged in selectors(query.expr) if metric.endswith(("_total", "_bucket"))]
        gauges = [ranged for metric, _, ranged in selectors(query.expr) if not metric.endswith(("_total", "_bucket"))]
        assert all(counters), query.expr
        assert not any(gauges), query.expr
        assert query.expr.count("rate(") == len(counters)


def test_uneditable_rule(drawn):
    """A change by hand would be lost."""
    assert drawn.board["editable"] is False


# What else makes a board usable -------------------------------------------------------------------------------------


def test_every_variable_exists_and_is_used(drawn):
    """Queries and links refer to variables of the board, and each of those serves somebody."""
    texts = [query.expr for query in drawn.queries] + [each.get("query", "") for each in drawn.variables.values()]
    wanted = set().union(*(used(text) for text in texts if isinstance(text, str))) - BUILT_IN
    assert wanted == drawn.variables.keys() - {"datasource"}
    assert set().union(*map(used, drawn.links)) - BUILT_IN <= drawn.variables.keys()


def test_links_lead_down_and_take_along_what_was_picked():
    """Company and calls lead to an office, an office to its employees; every board leads to all others."""
    leads = {drawn.uid: {link.split("?")[0] for link in drawn.links} for drawn in BOARDS.values()}
    assert leads == {
        "kqi-company": {"/d/kqi-office"},
        "kqi-office": {"/d/kqi-employee"},
        "kqi-employee": set(),
        "kqi-calls": {"/d/kqi-office"},
        "kqi-service": set(),
    }
    for drawn in BOARDS.values():
        for link in drawn.links:
            target = BOARDS[link.split("?")[0].removeprefix("/d/") + ".json"]
            assert set(re.findall(r"var-(\w+)=", link)) <= target.variables.keys()
            assert {"datasource", "job", "window", "__url_time_range"} <= used(link)
            assert "var-office=" in link
        assert [(each["type"], each["tags"], each["keepTime"]) for each in drawn.board["links"]] == [
            ("dashboards", ["kqi"], True)
        ]
        assert drawn.board["tags"] == ["kqi"]


def test_employees_are_asked_of_one_office_at_a_time(drawn):
    """No query touches the series of employees of all offices."""
    for query in drawn.queries:
        for metric, matchers, _ in selectors(query.expr):
            if metric.startswith(("kqi_employee", "kqi_leader")):
                assert 'office="$office"' in matchers, query.expr


def test_every_series_has_a_name(drawn):
    """A query that gives several series says how to call each, or what it gives alone."""
    for panel in drawn.panels:
        if panel["type"] != "table":
            assert all(target.get("legendFormat") for target in panel["targets"]), panel["title"]


def test_panels_lie_beside_each_other_not_on_each_other(drawn):
    """On the grid of 24 columns every panel has its own place, and every one its own number."""
    places = {}
    for panel in drawn.board["panels"]:
        at = panel["gridPos"]
        for cell in ((at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])):
            assert cell[0] < WIDTH
            assert cell not in places, f"{panel['title']} lies on {places[cell]}"
            places[cell] = panel["title"]
    numbers = [panel["id"] for panel in drawn.board["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_queries_are_short_enough_to_send(drawn):
    """Also where a data source must use addresses."""
    assert max(len(query.expr) for query in drawn.queries) < LONGEST


# From the configuration ---------------------------------------------------------------------------------------------


def steps(drawn, title):
    """Return where the colour of a panel changes."""
    (panel,) = [each for each in drawn.panels if each["title"] == title]
    return [each["value"] for each in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]]


def test_limits_are_those_of_the_configuration():
    """References, limits and critical points are where colours change."""
    made = with_settings(
        reference={"ink_personnel": 0.11, "ink_office": 0.12, "iel": 0.13},
        force_majeure_level_max=0.14,
        representative_by="coverage",
        coverage_limits=[0.15, 0.9],
        conversion_limits=[0.16, 0.8],
        comparison={"critical_points": {"ink_personnel": 0.17}},
        checkpoint_interval_s=7,
    )
    company, office = made["kqi-company.json"], made["kqi-office.json"]
    assert [steps(company, f"{name} of the company") for name in ("INK@Personnel", "INK@Office", "IEL")] == [
        [0.11],
        [0.12],
        [0.13],
    ]
    assert steps(office, "INK@Office and its interval") == [0.12]
    assert steps(office, "Force majeure") == [0.14]
    assert steps(office, "Coverage") == [0.15, 0.9]
    assert steps(office, "Conversion") == []  # it decides nothing
    by_conversion = with_settings(representative_by="conversion", conversion_limits=[0.16, 0.8])["kqi-office.json"]
    assert (steps(by_conversion, "Conversion"), steps(by_conversion, "Coverage")) == ([0.16, 0.8], [])
    assert steps(made["kqi-employee.json"], "INK@Personnel and its interval") == [0.17]
    assert steps(made["kqi-service.json"], "Age of the oldest checkpoints") == [70]


def test_windows_are_those_of_the_configuration():
    """They can be picked; boards open with the longest of a week at most, and mark force majeures by the shortest."""
    office = with_settings(windows=["30d", "10m", "2d"])["kqi-office.json"]
    variable = office.variables["window"]
    assert [each["value"] for each in variable["options"]] == ["30d", "10m", "2d"]
    assert variable["current"]["value"] == "2d"
    assert 'window="10m"' in office.marks[0]["expr"]
    only_long = with_settings(windows=["30d", "60d"])["kqi-office.json"]
    assert only_long.variables["window"]["current"]["value"] == "30d"


def test_who_compares_nobody_sees_no_comparison():
    """Deviations that no worker shows are not asked for."""
    employee = with_settings(comparison={"indices": []})["kqi-employee.json"]
    assert not [query for query in employee.queries if re.search("_rank|_z{", query.expr)]
    assert not [
        query for query in with_settings(comparison={"indices": []})["kqi-office.json"].queries if "_rank" in query.expr
    ]
    compared = with_settings(comparison={"indices": ["average_speed_of_answer_s"]})["kqi-employee.json"]
    assert [query for query in compared.queries if "kqi_employee_average_speed_of_answer_office_z{" in query.expr]


# In words ------------------------------------------------------------------------------------------------------------


def test_the_document_has_every_board_and_variable():
    """With its address, and on which boards what can be picked."""
    described = table(section("boards", "The boards"), "board", "address", "shows", "leads to")
    titles = {drawn.title.removeprefix("KQI / "): drawn for drawn in BOARDS.values()}
    assert {row["board"]: code(row["address"])[0] for row in described} == {
        title: f"/d/{drawn.uid}" for title, drawn in titles.items()
    }
    leads = {f"/d/{titles[row['leads to']].uid}" if row["leads to"] else None for row in described}
    assert leads - {None} == {link.split("?")[0] for drawn in BOARDS.values() for link in drawn.links}
    picked = {}
    for row in table(section("boards", "The boards"), "name", "of", "meaning"):
        where = (
            set(titles) - {row["of"].removeprefix("all but ")}
            if row["of"].startswith("all")
            else set(row["of"].split(", "))
        )
        picked |= dict.fromkeys(row["name"].split(", "), where)
    shown = {}
    for title, drawn in titles.items():
        for variable in drawn.variables.values():
            shown.setdefault(
                variable["label"].removesuffix("s") if variable["name"] == "office" else variable["label"], set()
            ).add(title)
    assert picked == shown


def test_words_of_diagnoses_exist():
    """What a query leaves out by name is a name that workers use."""
    texts = [query.expr for drawn in BOARDS.values() for query in drawn.queries]
    named = {
        word for text in texts for found in re.findall(r'diagnosis!?=?~"([^"]*)"', text) for word in found.split("|")
    }
    assert named == {"well", "not_enough_data"}
    assert named < set(DIAGNOSES)


# Provisioning -------------------------------------------------------------------------------------------------------


def test_the_made_json_is_what_grafana_reads(drawn):
    """Of a schema that Grafana 10.1 and later ones know, with no number of its own: it is known by its uid."""
    assert drawn.board["schemaVersion"] >= 36
    assert "id" not in drawn.board
    assert json.loads((FOLDER / f"{drawn.uid}.json").read_text()) == drawn.board
