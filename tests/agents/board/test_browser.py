"""The board in a real browser, on a company that lives in memory."""

import re

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.agents.board.browser import CONTRAST, find, prefer, resize, text_of, until
from tests.agents.board.fake_company import FakeCompany, served, surveyed

pytestmark = pytest.mark.browser

NOTHING = "\N{EN DASH}"
VIEWS = ["company", "office?office=riga-1", "employee?office=riga-1&employee=anna", "calls", "health", "try", "office"]
MORE = """# HELP kqi_queue_service_level_ratio x
kqi_queue_service_level_ratio{office="riga-1",queue="sales",window="24h"} 0.75
# HELP kqi_queue_calls_offered x
kqi_queue_calls_offered{office="riga-1",queue="sales",window="24h"} 1200.0
# HELP kqi_priority_sla_resolved_ratio x
kqi_priority_sla_resolved_ratio{office="riga-1",priority="high",window="24h"} 0.5
# HELP kqi_priority_sla_resolved_due x
kqi_priority_sla_resolved_due{office="riga-1",priority="high",window="24h"} 400.0
# HELP kqi_office_requests_overdue x
kqi_office_requests_overdue{office="riga-1"} 2.0
# HELP kqi_request_objective_ratio x
kqi_request_objective_ratio{priority="high",stage="resolved"} 0.75
# HELP kqi_office_diagnosis x
kqi_office_diagnosis{office="riga-1",diagnosis="personnel",window="24h"} 1.0
# HELP kqi_worker_lag x
kqi_worker_lag{topic="kqi.presses",partition="0"} 17.0
kqi_worker_dead_letters_total{reason="not_json"} 5.0"""


@pytest.fixture
def company():
    """Return a company of two offices: one that is worse than the reference for certain, and one with two surveys."""
    company = FakeCompany({"riga-1": ["anna", "berta"], "oslo-1": ["carl"]})
    company.surveys += surveyed("riga-1", "anna", "no", "yes", "yes", "silent")
    company.surveys += surveyed("oslo-1", "carl", "yes", "yes")
    company.more = MORE
    return company


@pytest.fixture
def page(driver, company):
    """Return the browser on the board's page, when it shows something."""
    with served(company) as (address, collector):
        prefer(driver, "light")
        resize(driver, 1300, 900)
        driver.get_log("browser")
        driver.get(f"{address}/")
        driver.collector = collector
        until(driver, lambda: "oslo-1" in text_of(driver, "main"))
        yield driver
        driver.get("about:blank")


def go(page, view):
    page.execute_script("location.hash = arguments[0]", f"#/{view}")
    name = view.split("?")[0]
    until(page, lambda: find(page, "#views [aria-current]").get_attribute("data-key") == name)
    until(page, lambda: not text_of(page, "main").startswith("Asking") and shown(page, view))


def shown(page, view):
    wanted = {
        "company": ".readings",
        "calls": "[data-key='high/resolved']",
        "health": "[data-key='not_json']",
        "try": "#try",
        "office": ".choice" if view == "office" else ".crumbs",
    }
    return page.find_elements(By.CSS_SELECTOR, wanted.get(view.split("?")[0], ".crumbs"))


def row_of(page, name):
    """Return the texts of a row of a table: its name, then its cells."""
    script = """return [...document.querySelectorAll("main tbody tr")]
        .map((row) => [...row.cells].map((cell) => cell.innerText.split(/\\s+/).join(" ").trim()))"""
    return next((row for row in page.execute_script(script) if row[0].startswith(name)), None)


def tile(page, index):
    return " ".join(text_of(page, f".tile[data-index={index}]").split())


def complaints(page):
    return [entry for entry in page.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}]


def test_company(page):
    """Every value stands with its base; what is not representative is marked, with the reason to be read aloud."""
    assert row_of(page, "riga-1")[1:5] == ["0.450 of 4", NOTHING, NOTHING, "personnel"]
    assert row_of(page, "oslo-1")[1] == "0.000? of 2"
    mark = find(page, "tr[data-key=oslo-1] .doubt")
    assert mark.get_attribute("aria-label") == "not representative: too few surveys"
    assert "1 worse for certain" in tile(page, "ink_personnel")
    assert "1 not representative" in tile(page, "ink_personnel")
    assert "2 offices, 3 employees, 6 surveys" in text_of(page, ".lead")
    assert find(page, "tr[data-key=riga-1] svg.interval").accessible_name == "95 % interval 0.400 to 0.500"


def test_from_the_company_to_an_employee(page):
    """Links lead from an office to its employees, by keyboard, and back; the view takes the focus."""
    find(page, "tr[data-key=riga-1] a").send_keys(Keys.ENTER)
    until(page, lambda: row_of(page, "anna"))
    assert page.switch_to.active_element.get_attribute("id") == "view"
    assert "representative, and worse than 0.200 for certain" in tile(page, "ink_personnel")
    assert "0.450 of 4 surveys" in tile(page, "ink_personnel")
    assert "95 %: 0.400 to 0.500" in tile(page, "ink_personnel")
    assert "no value: nobody was asked" in tile(page, "iel")
    find(page, "tr[data-key=anna] a").send_keys(Keys.ENTER)
    until(page, lambda: "the office: 0.450" in tile(page, "ink_personnel"))
    assert page.title == f"Employee: anna {NOTHING} KQI"
    page.back()
    until(page, lambda: row_of(page, "anna"))
    assert [row[0] for row in [row_of(page, "anna"), row_of(page, "berta")] if row] == ["anna", "berta"]


def test_why_not(page):
    """What is not representative says so, and why, however small its value looks."""
    go(page, "office?office=oslo-1")
    assert "0.000 of 2 surveys" in tile(page, "ink_personnel")
    assert "not representative: too few surveys" in tile(page, "ink_personnel")
    assert "for certain" not in tile(page, "ink_personnel")


def test_charts(page, company):
    """A chart follows the rounds, and says in words what it shows now; in the dark it has other colours."""
    go(page, "office?office=riga-1")
    canvas = find(page, "[data-key='riga-1-ink_personnel'] .plot")
    until(page, lambda: canvas.get_attribute("aria-label") == "Chart: INK@Personnel. Now value 0.450, reference 0.200.")
    until(
        page,
        lambda: "value 0.450 (0.400 to 0.500)" in " ".join(text_of(page, "[data-key='riga-1-ink_personnel']").split()),
    )
    company.surveys += surveyed("riga-1", "berta", "no", "no", "no", "no")
    until(page, lambda: "value 0.725" in canvas.get_attribute("aria-label"))
    blue, light_blue = [31, 95, 191], [125, 178, 255]
    until(page, lambda: has_pixels(page, blue) and not has_pixels(page, light_blue))
    prefer(page, "dark")
    until(page, lambda: has_pixels(page, light_blue) and not has_pixels(page, blue))


def test_force_majeures_are_marked(page, company):
    """The time of one is shaded, with a word for it in the legend, and said to who cannot see it."""
    go(page, "office?office=riga-1")
    canvas = find(page, "[data-key='riga-1-ink_personnel'] .plot")
    until(page, lambda: "Force majeure" not in canvas.get_attribute("aria-label"))
    orange = [178, 84, 10]
    assert not has_pixels(page, orange, 30)
    company.more = MORE + (
        "\n# HELP kqi_office_force_majeure_level_ratio x\n"
        'kqi_office_force_majeure_level_ratio{office="riga-1",window="15m"} 0.5'
    )
    until(page, lambda: canvas.get_attribute("aria-label").endswith("Force majeure now."))
    assert "Force majeure at this time" in text_of(page, "[data-key='riga-1-ink_personnel'] .legend")
    until(page, lambda: has_pixels(page, orange, 30))


def test_regions(page, company):
    """Each with its figures beside the company's, where the directory names regions; its name shows its offices alone."""
    assert not page.find_elements(By.ID, "regions")
    company.more = MORE + (
        '\n# HELP kqi_office_info x\nkqi_office_info{office="riga-1",name="",region="North",time_zone="UTC"} 1'
    )
    until(page, lambda: row_of(page, "North"))
    assert row_of(page, "Company") == ["Company", "0.300", NOTHING, NOTHING, "6", "2"]
    assert row_of(page, "North") == ["North", "0.450", NOTHING, NOTHING, "4", "1"]
    find(page, "#regions a").click()
    until(page, lambda: not row_of(page, "oslo-1"))
    assert row_of(page, "riga-1")


def has_pixels(page, colour, least_alpha=200):
    """Return whether the first chart has anything of a colour, or nearly."""
    script = """const canvas = document.querySelector("main canvas");
        const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        const is = (at) => all[at + 3] > arguments[1] && arguments[0].every((part, place) => Math.abs(all[at + place] - part) < 12);
        for (let at = 0; at < all.length; at += 4) if (is(at)) return true;
        return false;"""
    return page.execute_script(script, colour, least_alpha)


def test_calls(page):
    """Requests against their targets, with what of the budget is burnt, and what is overdue."""
    go(page, "calls")
    assert row_of(page, "high, resolved")[1:] == [
        "50.0 % of 400 due",
        "75.0 %",
        "2.00 \N{MULTIPLICATION SIGN}",
        "missed for certain",
    ]
    assert row_of(page, "sales")[1] == "75.0 % of 1,200"
    assert row_of(page, "riga-1")[1] == "2"


def test_health(page, company):
    """A worker's lag and state; one that does not answer is named."""
    go(page, "health")
    worker = row_of(page, "http://127.0.0.1")
    assert (worker[1], worker[3]) == ("ready", "17")
    assert find(page, "[data-key=not_json] dd").text == "5"
    company.more = MORE.replace("kqi_worker_lag{", "kqi_worker_lag{more")
    company.metrics = lambda: "nothing of ours"
    until(page, lambda: "no answer: this is no worker" in row_of(page, "http://127.0.0.1")[1])
    assert "this is no worker" in text_of(page, "#trouble")


def test_pressing_moves_the_index(page, company):
    """A short press and a no raise the seller's index; before and now are said."""
    go(page, "try?office=riga-1&employee=anna")
    assert Select(find(page, "select[data-ask=employee]")).first_selected_option.text == "anna"
    find(page, "[data-do=short]").click()
    until(page, lambda: "s left" in text_of(page, "#countdown"))
    find(page, "[data-do=answer][data-given=no]").click()
    until(page, lambda: "0.450 of 4 → 0.560 of 5" in text_of(page, "#effect"))
    assert "The customer pressed no." in text_of(page, "#log")
    assert text_of(page, "#surveys tbody tr.mine").split()[1:5] == ["anna", "seller", "✗", "no"]

    find(page, "[data-do=review][data-target=survey][data-given=false]:not([data-id])").click()
    until(page, lambda: "0.450 of 4, unchanged" in text_of(page, "#effect"))
    assert company.calls[-1] == ("review", "riga-1", "survey", company.surveys[-1]["event_id"], False)
    until(page, lambda: "rejected" in text_of(page, "#surveys tbody tr.mine"))


def test_force_majeure(page, company):
    """A long press is listed as pending, and as confirmed when the expert says so."""
    go(page, "try")
    judge = "[data-target=force_majeure][data-given=true]:not([data-id])"
    assert not find(page, judge).is_enabled()
    find(page, "[data-do=long]").click()
    until(page, lambda: "pending" in text_of(page, "#force-majeures tbody"))
    assert company.calls[-1][-2:] == (True, None)
    find(page, judge).click()
    until(page, lambda: "confirmed" in text_of(page, "#force-majeures tbody"))


def test_choosing_whom_to_press_for(page, company):
    """Another office offers its own sellers, and presses go there."""
    go(page, "try")
    Select(find(page, "select[data-ask=office]")).select_by_visible_text("riga-1")
    until(
        page,
        lambda: [each.text for each in Select(find(page, "select[data-ask=employee]")).options] == ["anna", "berta"],
    )
    Select(find(page, "select[data-ask=employee]")).select_by_visible_text("berta")
    until(page, lambda: "employee=berta" in page.current_url)
    find(page, "[data-do=short]").click()
    until(page, lambda: company.calls and company.calls[-1][:4] == ("press", "riga-1", "board", "berta"))


def test_reviewing_in_the_list(page):
    """Any survey of the list can be rejected; the button keeps the focus and now offers the opposite."""
    go(page, "try")
    button = find(page, "#surveys tbody button")
    assert button.accessible_name.startswith("Reject the survey of carl at ")
    button.send_keys(Keys.ENTER)
    until(page, lambda: button.text == "Accept")
    assert page.switch_to.active_element == button


def test_answer_without_a_question(page):
    """An answer to no question is said to count nowhere."""
    go(page, "try")
    find(page, "[data-do=answer][data-given=yes]").click()
    until(page, lambda: "nobody had asked" in text_of(page, "#log"))


def test_windows(page, company):
    """Another window is shown when it is chosen, and stays chosen in other views."""
    company.metrics = lambda told=company.metrics: told().replace('window="15m"} 0.45\n', 'window="15m"} 0.125\n')
    find(page, "#windows input[value='15m']").send_keys(Keys.SPACE)
    until(page, lambda: row_of(page, "riga-1")[1] == "0.125 of 4")
    find(page, "tr[data-key=riga-1] a").click()
    until(page, lambda: "0.125" in tile(page, "ink_personnel"))
    assert "window=15m" in page.current_url


def test_a_window_that_there_is_not(page):
    """A link from where there are other windows shows the usual one."""
    go(page, "office?office=riga-1&window=2y")
    assert "0.450 of 4 surveys" in tile(page, "ink_personnel")
    assert find(page, "#windows :checked").get_attribute("value") == "24h"


def test_search_and_sort(page):
    """Typing searches, and the field keeps the focus and what was typed; a heading sorts, and says how."""
    field = find(page, "input[type=search]")
    field.send_keys("OSL")
    until(page, lambda: row_of(page, "riga-1") is None)
    assert row_of(page, "oslo-1") is not None
    assert page.switch_to.active_element == field
    assert field.get_attribute("value") == "OSL"
    field.send_keys(Keys.BACKSPACE * 3)
    until(page, lambda: row_of(page, "riga-1"))
    find(page, "thead a[href*='sort=office']").send_keys(Keys.ENTER)
    until(page, lambda: find(page, "thead th").get_attribute("aria-sort") == "ascending")
    first = "return document.querySelector('main tbody th').innerText"
    assert page.execute_script(first) == "oslo-1"
    find(page, "thead a[href*='sort=office']").send_keys(Keys.ENTER)
    until(page, lambda: page.execute_script(first) == "riga-1")
    assert find(page, "thead th").get_attribute("aria-sort") == "descending"


def test_five_thousand_offices(page, company):
    """The page has fifty of them at a time; the last of them is found by its name and by paging."""
    company.offices.update({f"shop-{number:04}": [] for number in range(5_000)})
    company.of_offices = lambda: ((f'office="{office}"', company.surveys[:4]) for office in company.offices)
    company.of_employees = lambda: ()
    text = company.metrics()
    company.metrics = lambda: text
    until(page, lambda: "1 to 50 of 5,002 offices" in text_of(page, ".pager"))
    rows = "return document.querySelectorAll('main tbody tr').length"
    assert page.execute_script(rows) == 50
    go(page, "company?sort=office&page=100")
    until(page, lambda: row_of(page, "shop-4999"))
    find(page, "input[type=search]").send_keys("shop-1234")
    until(page, lambda: page.execute_script(rows) == 1 and row_of(page, "shop-1234"))


def test_markup_stays_text(page, company):
    """What a rejected message or a name contains is shown, never interpreted, and cut."""
    evil = "<img src=x onerror=alert(1)>"
    reject = {"at_ms": 1, "reason": "bad_value", "topic": "kqi.presses", "partition": 3}
    company.rejects.append(reject | {"offset": 17, "excerpt": evil + "x" * 1_000})
    company.offices[evil] = []
    until(page, lambda: row_of(page, evil))
    go(page, "try")
    until(page, lambda: evil in text_of(page, "#rejects tbody"))
    assert page.find_elements(By.CSS_SELECTOR, "main img") == []
    assert len(find(page, "#rejects .excerpt").text) <= 300
    assert "kqi.presses 3 17" in text_of(page, "#rejects tbody")


def test_trouble_is_said(page, company):
    """When the board cannot answer the page says so, and it goes on by itself when it can."""
    go(page, "try")
    company.trouble = "the worker is still starting"
    until(page, lambda: "the worker is still starting" in text_of(page, "#trouble"))
    company.trouble = ""
    until(page, lambda: text_of(page, "#trouble") == "")


def test_nobody(page, company):
    """An office that no worker shows is said to be unknown, and shown when it comes."""
    page.execute_script("location.hash = '#/office?office=turku-1'")
    until(page, lambda: "turku-1: no worker shows anything of this name in the window 24h now" in text_of(page, "main"))
    company.offices["turku-1"] = ["eva"]
    until(page, lambda: page.find_elements(By.CSS_SELECTOR, ".crumbs"))


def test_nobody_because_a_worker_is_away(page, company):
    """Where somebody is gone because a worker is away, both are said."""
    go(page, "office?office=riga-1")
    company.metrics = lambda: "nothing of ours"
    until(page, lambda: "riga-1: no worker shows anything" in text_of(page, "main"))
    assert "this is no worker" in text_of(page, "#trouble")


def test_past_the_head(page):
    """The first link leads to the content of the view that is shown, not to another view."""
    go(page, "office?office=riga-1")
    address = page.current_url
    find(page, ".skip").send_keys(Keys.ENTER)
    assert page.switch_to.active_element.get_attribute("id") == "view"
    assert page.current_url == address


def test_addresses_that_lead_nowhere(page):
    """An unknown view is the company, an unknown office the first one, whatever objects have by nature."""
    go(page, "calls")
    page.execute_script("location.hash = '#/toString'")
    until(page, lambda: find(page, "#views [aria-current]").get_attribute("data-key") == "company")
    go(page, "try?office=toString&question=toString")
    for name, chosen in (("office", "oslo-1"), ("question", "Satisfied with the seller?")):
        assert Select(find(page, f"select[data-ask={name}]")).first_selected_option.text == chosen


def test_what_was_before_the_press(driver, company):
    """Who presses as soon as the page is there sees what the index was before."""
    with served(company, every_s=120) as (address, collector):
        driver.get("about:blank")
        until(driver, lambda: collector.last)
        driver.get(f"{address}/#/try")
        known = "return performance.getEntriesByType('resource').some(({name, responseEnd}) => responseEnd && name.includes('view/try?office='))"
        until(driver, lambda: driver.execute_script(known))
        find(driver, "[data-do=short]").click()
        until(driver, lambda: "0.000 of 2" in text_of(driver, "#effect"))
        driver.get("about:blank")


WORDS = """return import("/board/words.js").then((words) => arguments[0].map((value) => words[arguments[1]](value)))"""


def test_durations(page):
    """Below an hour they are told to the second."""
    told = page.execute_script(WORDS, [0.2, 119, 120, 209, 1800, 3599, 4500, 7200], "duration")
    assert told == ["200 ms", "119 s", "2 min", "3 min 29 s", "30 min", "59 min 59 s", "75 min", "2.0 h"]


DAY, TIME = r"\d{1,2} [A-Z][a-z]+", r"\d\d:\d\d(:\d\d)?"


def along(page):
    """Return which kinds of times charts have drawn since the last call."""
    drawn = page.execute_script("return window.drawn.splice(0)")
    return {kind for kind in (DAY, TIME) if any(re.fullmatch(kind, text) for text in drawn)}


def test_days(page, company):
    """A time that is not of today has its date: in the head, along a chart of more than a day, and where one points."""
    now_ms = page.execute_script("return Date.now()")
    today, before = page.execute_script(WORDS, [now_ms, now_ms - 2 * 86_400_000], "moment")
    assert re.fullmatch(r"\d\d:\d\d:\d\d", today)
    assert re.fullmatch(r"\d{1,2} [A-Z][a-z]+ \d{4}, \d\d:\d\d:\d\d", before)
    told = company.metrics
    company.metrics = lambda: re.sub("clock_timestamp_seconds .*", "clock_timestamp_seconds 1767600000", told())
    until(page, lambda: "as of 5 Jan 2026, " in text_of(page, "#fresh"))

    page.execute_script("""window.drawn = []; const draw = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) { window.drawn.push(text);
          return draw.call(this, text, ...rest); }""")
    points = page.collector.history.points
    for days, kinds in ((1.5, {DAY, TIME}), (20, {DAY}), (200, {DAY})):
        points.insert(0, points[-1]._replace(at_ms=round(points[-1].at_ms - days * 86_400_000)))
        until(page, lambda kinds=kinds: along(page) == kinds)
    plot = find(page, ".u-over")
    ActionChains(page).move_to_element_with_offset(plot, 2 - plot.size["width"] // 2, 0).perform()
    until(page, lambda: re.match(r"\d{1,2} [A-Z][a-z]+ \d{4}, ", text_of(page, ".legend .when")))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1300])
def test_readable(page, company, scheme, width):
    """In light and dark, on a phone and a desk: nothing is wider than the screen, and text stands out from its ground."""
    prefer(page, scheme)
    resize(page, width, 800)
    for view in VIEWS:
        go(page, view)
        if view == "try":
            find(page, "[data-do=short]").click()
            find(page, "[data-do=answer][data-given=no]").click()
            find(page, "[data-do=long]").click()
            until(page, lambda: "pending" in text_of(page, "#force-majeures tbody"))
        assert page.execute_script("return document.documentElement.scrollWidth") <= width, view
        found = page.execute_script(
            CONTRAST, "h1, h2, h3, p, dt, dd, th, td, a, button, label, legend, li, b, span, figcaption"
        )
        assert len(found) > 15, view
        assert [(view, what, round(contrast, 2)) for what, contrast in found if contrast < 4.5] == []
    ground = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(244, 245, 247)") == (scheme == "light")


def test_for_those_who_do_not_see(page):
    """Everything that can be operated has a name; every view has its place in the structure, and charts say what they show."""
    for view in VIEWS:
        go(page, view)
        for control in page.find_elements(By.CSS_SELECTOR, "a, button, select, input, [tabindex='0'], [role=img]"):
            hidden = not control.is_displayed() and control.find_elements(By.XPATH, "ancestor-or-self::*[@hidden]")
            assert hidden or control.accessible_name, control.get_attribute("outerHTML")
        assert len(page.find_elements(By.CSS_SELECTOR, "h1")) == len(page.find_elements(By.CSS_SELECTOR, "main")) == 1
        assert page.find_elements(By.CSS_SELECTOR, "th:not([scope])") == []
    find(page, ".skip").send_keys(Keys.ENTER)
    assert complaints(page) == []


def test_nothing_is_refused_by_the_policy(page):
    """No view needs anything that its own policy forbids, and its scripts raise nothing."""
    for view in VIEWS:
        go(page, view)
    assert complaints(page) == []
