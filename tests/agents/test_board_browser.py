"""The board in a real browser, on a company that lives in memory."""

import asyncio
import shutil
import threading

import pytest
from aiohttp import web
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from agents.board import board_routes
from tests.agents.fake_board import FakeBoard

pytestmark = pytest.mark.browser

PATIENCE_S = 15
NOTHING = "\N{EN DASH}"
FLAGS = """--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking
    --disable-component-update --disable-default-apps --disable-sync --no-first-run"""

# The contrast of the darkest and lightest of text and ground, as WCAG 2 has it, for the elements that a selector finds.
CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
  return canvas.getImageData(0, 0, 1, 1).data; };
const light = (colour) => [...rgba(colour)].slice(0, 3).map((part) => part / 255)
  .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
  .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
const ground = (node) => { while (node && rgba(getComputedStyle(node).backgroundColor)[3] === 0) node = node.parentElement;
  return getComputedStyle(node ?? document.body).backgroundColor; };
document.getAnimations().forEach((animation) => animation.finish());
return [...document.querySelectorAll(arguments[0])].filter((node) => node.checkVisibility() && !node.disabled).map((node) => {
  const [low, high] = [light(getComputedStyle(node).color), light(ground(node))].sort((one, other) => one - other);
  return [node.tagName + "." + node.className + " " + node.textContent.slice(0, 20), (high + 0.05) / (low + 0.05)];
});
"""


@pytest.fixture(scope="module")
def driver():
    """Return a browser without a window."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and chromedriver):
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    yield driver
    driver.quit()


@pytest.fixture
def board():
    """Return a company of two offices, one survey answered no."""
    board = FakeBoard({"riga-1": ["anna", "berta"], "oslo-1": ["carl"]})
    row = {"office_id": "riga-1", "panel_id": "panel-1", "employee_id": "anna", "ts_ms": 1_767_600_000_000}
    for number, outcome in enumerate(["no", "yes", "yes", "silent"]):
        more = {"question": "personnel", "outcome": outcome, "valid": True, "force_majeure": False}
        board.surveys.append(row | more | {"event_id": f"s{number}"})
    return board


@pytest.fixture
def page(driver, board):
    """Return the browser on the board's page, when it shows something."""
    loop = asyncio.new_event_loop()
    runner = None

    async def serve():
        nonlocal runner
        app = web.Application()
        app.add_routes(board_routes(board))
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner.addresses[0][1]

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(serve(), loop).result(PATIENCE_S)
        resize(driver, 1300, 900)
        driver.get_log("browser")
        driver.get(f"http://127.0.0.1:{port}/")
        until(driver, lambda: "riga-1" in text_of(driver, "#indices table"))
        yield driver
        driver.get("about:blank")
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def resize(driver, width, height):
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def prefer(driver, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def until(driver, condition):
    WebDriverWait(driver, PATIENCE_S, 0.1).until(lambda _: condition())


def find(driver, selector):
    return driver.find_element(By.CSS_SELECTOR, selector)


def text_of(driver, selector):
    return driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)


def row_of(driver, name):
    """Return the texts of a row of the indices: its name, then the values with their bases."""
    script = """return [...document.querySelectorAll("#indices tbody tr")].filter((row) => !row.hidden)
        .map((row) => [...row.cells].map((cell) => cell.innerText.split(/\\s+/).join(" ").trim()))"""
    return next((row for row in driver.execute_script(script) if row[0] == name), None)


def marked(driver):
    script = "return [...document.querySelectorAll('#indices tr.mine > th')].map((cell) => cell.innerText.trim())"
    return driver.execute_script(script)


def test_shows_values_with_their_base(page):
    """Every value stands above its base; the first office is unfolded, the others unfold by keyboard."""
    assert row_of(page, "riga-1")[1:5] == ["0.450 of 4", NOTHING, NOTHING, "0.250 of 4"]
    assert row_of(page, "anna")[1] == "0.450 of 4"
    assert row_of(page, "carl") is None
    oslo = page.find_elements(By.CSS_SELECTOR, "#indices .toggle")[1]
    oslo.send_keys(Keys.ENTER)
    assert row_of(page, "carl") is not None
    assert oslo.get_attribute("aria-expanded") == "true"


def test_pressing_moves_the_index(page, board):
    """A short press and a no raise the seller's index; the rows are marked, and before and now are said."""
    Select(find(page, "#employee")).select_by_visible_text("anna")
    find(page, "#short").click()
    until(page, lambda: "s left" in text_of(page, "#countdown"))
    find(page, "[data-answer=no]").click()
    until(page, lambda: row_of(page, "anna")[1].endswith("0.560 of 5"))
    assert marked(page) == ["riga-1", "anna"]
    assert "0.450 of 4 → 0.560 of 5" in text_of(page, "#effect")
    assert "The customer pressed no." in text_of(page, "#log")
    assert text_of(page, "#surveys tbody tr.mine").split()[1:5] == ["anna", "seller", "✗", "no"]

    find(page, "[data-target=survey] [data-reliable=false]").click()
    until(page, lambda: row_of(page, "anna")[1].endswith("0.450 of 4"))
    assert "0.450 of 4, unchanged" in text_of(page, "#effect")
    assert board.calls[-1] == ("review", "riga-1", "survey", board.surveys[-1]["event_id"], False)
    until(page, lambda: "rejected" in text_of(page, "#surveys tbody tr.mine"))


def test_force_majeure(page, board):
    """A long press is listed as pending, and as confirmed when the expert says so."""
    assert not find(page, "[data-target=force_majeure] button").is_enabled()
    find(page, "#long").click()
    until(page, lambda: "pending" in text_of(page, "#force-majeures tbody"))
    assert board.calls[-1][-2:] == (True, None)
    find(page, "[data-target=force_majeure] [data-reliable=true]").click()
    until(page, lambda: "confirmed" in text_of(page, "#force-majeures tbody"))


def test_reviewing_in_the_list(page, board):
    """Any survey of the list can be rejected; the button keeps the focus and now offers the opposite."""
    button = find(page, "#surveys tbody button")
    assert button.accessible_name.startswith("Reject the survey of anna at ")
    button.send_keys(Keys.ENTER)
    until(page, lambda: button.text == "Accept")
    assert page.switch_to.active_element == button


def test_answer_without_a_question(page):
    """An answer to no question is said to count nowhere."""
    find(page, "[data-answer=yes]").click()
    until(page, lambda: "nobody had asked" in text_of(page, "#log"))


def test_windows(page):
    """Another window is shown when it is chosen."""
    find(page, "#windows input[value='30d']").send_keys(Keys.SPACE)
    until(page, lambda: find(page, "#windows input[value='30d']").is_selected())
    until(
        page,
        lambda: page.execute_script(
            "return performance.getEntriesByType('resource').some((e) => e.name.endsWith('window=30d'))"
        ),
    )


def test_markup_stays_text(page, board):
    """What a rejected message contains is shown, never interpreted, and cut."""
    reject = {"at_ms": 1, "reason": "bad_value", "topic": "kqi.presses", "partition": 3}
    board.rejects.append(reject | {"offset": 17, "excerpt": "<img src=x onerror=alert(1)>" + "x" * 1_000})
    until(page, lambda: "<img src=x onerror=alert(1)>" in text_of(page, "#rejects tbody"))
    assert page.find_elements(By.CSS_SELECTOR, "#rejects img") == []
    assert len(find(page, "#rejects .excerpt").text) < 300
    assert "kqi.presses 3 17" in text_of(page, "#rejects tbody")


def test_bounded(page, board):
    """The page shows no more than it can, however much it is given."""
    board.surveys.extend([board.surveys[0] | {"event_id": f"x{number}"} for number in range(500)])
    board.offices.update({f"office-{number}": [] for number in range(300)})
    until(page, lambda: "102 more offices are not shown" in text_of(page, "#legend"))
    assert len(page.find_elements(By.CSS_SELECTOR, "#surveys tbody tr")) == 30


def test_trouble_is_said(page, board):
    """When the worker cannot answer the page says so, and it goes on by itself when it can."""
    board.trouble = "the worker is still starting"
    until(page, lambda: "the worker is still starting" in text_of(page, "#trouble"))
    board.trouble = ""
    until(page, lambda: text_of(page, "#trouble") == "")
    assert row_of(page, "anna")[1] == "0.450 of 4"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1300])
def test_readable(page, board, scheme, width):
    """In light and dark, on a phone and a desk: nothing is wider than the screen, and text stands out from its ground."""
    prefer(page, scheme)
    resize(page, width, 800)
    find(page, "#short").click()
    find(page, "[data-answer=no]").click()
    find(page, "#long").click()
    until(page, lambda: "pending" in text_of(page, "#force-majeures tbody"))
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    found = page.execute_script(
        CONTRAST, "h1, h2, dt, dd, th, td, button, label, legend, select, summary, .base, .value, .move, .note, li"
    )
    assert len(found) > 50
    assert [(what, round(contrast, 2)) for what, contrast in found if contrast < 4.5] == []
    ground = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(244, 245, 247)") == (scheme == "light")


def test_nothing_is_refused_by_the_policy(page):
    """The page needs nothing that its own policy forbids, and its scripts raise nothing."""
    find(page, "#short").click()
    until(page, lambda: "asked" in text_of(page, "#log"))
    assert [entry for entry in page.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}] == []


def test_controls_have_names(page):
    """Everything that can be operated has a name for those who do not see it."""
    for control in page.find_elements(By.CSS_SELECTOR, "button, select, input, [tabindex='0']"):
        assert control.accessible_name, control.get_attribute("outerHTML")
