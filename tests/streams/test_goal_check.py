"""Plans and matrices that are refused: one sentence each."""

import pytest

from streams.directory_check import from_message, from_toml, read, to_message
from tests.streams.test_directory import OFFICE, PERSON, faults

PLAN = '[[plans]]\noffice = "riga-1"\nperiod = "2026-11"\nrevenue_minor = 1000\n'
IN_PLAN = "plan 1 in x.toml: "
IN_MATRIX = "matrix `m` in x.toml: "


def matrix(*lines, more=""):
    """A matrix of lines (index, weight, base, goal)."""
    written = ", ".join(
        f"{{ index = {index!r}, weight = {weight}, base = {base}, goal = {goal}{rest} }}"
        for index, weight, base, goal, *others in lines
        for rest in ["".join(others)]
    )
    return f'[[matrices]]\nid = "m"\n{more}\nlines = [{written}]\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (PLAN, IN_PLAN + "`office`: there is no office `riga-1` in the directory"),
        (OFFICE + PLAN.replace("11", "13"), IN_PLAN + "`period`: `2026-13` is no period; expected one such as 2026-11, 2026-Q4, 2026 or 2026-11-02/2026-11-15"),
        (OFFICE + PLAN.replace("1000", "0"), IN_PLAN + "`revenue_minor`: expected a whole number >= 1"),
        (OFFICE + PLAN.replace("revenue_minor = 1000", ""), IN_PLAN + "neither `revenue_minor` nor `margin_minor` is given"),
        (OFFICE + PLAN + 'employee = "ann"', IN_PLAN + "`employee`: there is no employee `ann` of office `riga-1` in the directory"),
        (OFFICE + PERSON + PLAN + 'employee = "ann"\ncategory = "tea"', IN_PLAN + "`category` is for plans of an office, not of an employee"),
        (OFFICE + PLAN + PLAN, "plan 2 in x.toml: it stands in the directory already, as plan 1 in x.toml"),
        (OFFICE + PLAN + PLAN.replace("-11", "-Q4"), "plan 1 in x.toml: `period`: 2026-11 overlaps with 2026-Q4, which plans `revenue_minor` as well"),
        (
            OFFICE + PLAN.replace("-11", "-11-30/2026-12-30") + PLAN.replace("2026-11", "2026") + PLAN.replace("-11", "-12-31/2027-01-01"),
            ["plan 1 in x.toml: `period`: 2026-11-30/2026-12-30 overlaps with 2026, which plans `revenue_minor` as well",
             "plan 3 in x.toml: `period`: 2026-12-31/2027-01-01 overlaps with 2026, which plans `revenue_minor` as well"],
        ),
        (matrix(("nps", 0.5, 0, 1), ("csat", 0.4, 0, 1)), IN_MATRIX + "the weights of its lines sum to 0.9, not to 1"),
        (matrix(("nps", 0.5, 0, 1), ("csat", 0.500001, 0, 1)), IN_MATRIX + "the weights of its lines sum to 1.000001, not to 1"),
        (matrix(("nsp", 1, 0, 1)), IN_MATRIX + "`index`: `nsp` is no index of employees that can be a fact; did you mean `nps`?"),
        (matrix(("visitor_coverage", 1, 0, 1)), IN_MATRIX + "`index`: `visitor_coverage` is no index of employees that can be a fact"),
        (matrix(("kpi_score", 1, 0, 1)), IN_MATRIX + "`index`: `kpi_score` is no index of employees that can be a fact"),
        (matrix(("ink_personnel_representative", 1, 0, 1)), IN_MATRIX + "`index`: `ink_personnel_representative` is no index of employees that can be a fact; did you mean `ink_personnel_upper`?"),
        (matrix(("nps", 0.5, 0, 1), ("nps", 0.5, 0, 1)), IN_MATRIX + "`index`: nps stands in two lines"),
        (matrix(("nps", 1, 0.5, 0.5)), IN_MATRIX + "`base` and `goal` of nps are the same: there is no way from one to the other"),
        (matrix(("nps", 1, 0, "inf")), IN_MATRIX + "`base` and `goal` of nps must be finite"),
        (matrix(("nps", 1, 0, 1, ", clip = [1, 0]")), IN_MATRIX + "`clip` of nps: expected two numbers, the lower first"),
        (matrix(("nps", 1, 0, 1), more='window = "1x"'), IN_MATRIX + "`window`: `1x` is no window: expected a whole number with m, h or d, such as 15m, 8h or 30d"),
        ('[[matrices]]\nid = "m"\nlines = []', IN_MATRIX + "`lines`: expected a list of length >= 1"),
        ('defaults = { matrix = "m" }', "defaults in x.toml: `matrix`: there is no matrix `m` in the directory"),
        (OFFICE + 'matrix = "m"', "office `riga-1` in x.toml: `matrix`: there is no matrix `m` in the directory"),
        (OFFICE + PERSON + 'matrix = "m"', "employee `ann` in x.toml: `matrix`: there is no matrix `m` in the directory"),
    ],
)  # fmt: skip
def test_faults(text, sentence):
    """Each fault is one sentence with file and place."""
    assert faults(text) == ([sentence] if isinstance(sentence, str) else sentence)


@pytest.mark.parametrize(
    "text",
    [
        OFFICE + PLAN + PLAN.replace("11", "12"),
        OFFICE + PLAN + PLAN.replace("-11", "-Q4").replace("revenue", "margin"),
        OFFICE + PERSON + PLAN + PLAN + 'employee = "ann"\n' + PLAN + 'category = "tea"',
        matrix(*((index, 0.1, 0, 1) for index in ("nps", "csat", "ces", "sales", "revenue", "margin", "churn", "iel"))
               , ("plan_attainment", 0.1, 0, 1), ("margin_plan_attainment", 0.1, 1, 0)),
        matrix(("ink_personnel_upper", 1, 0.4, 0.1), more='window = "30d"') + OFFICE + 'matrix = "m"',
    ],
)  # fmt: skip
def test_what_is_right(text):
    """Neighbouring periods, other amounts, other people; ten times a tenth is one."""
    assert faults(text) == []


def test_messages_say_the_same():
    """Plans and matrices read from messages are those that they were made of."""
    text = OFFICE + PERSON + PLAN + 'employee = "ann"\n' + matrix(("nps", 1, 0, 1))
    directory = read(from_toml(text, "x.toml")).directory
    messages = [to_message(entry) for entry in directory.entries.values()]
    assert {key for key, _ in messages} >= {b'["plan","riga-1","ann","","2026-11"]', b'["matrix","m"]'}
    assert read(from_message(key, value, "the topic") for key, value in messages).directory == directory
