"""A real browser without a window, and how to look at a page in it."""

import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE_S = 60  # what the slowest machine may take
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
return [...document.querySelectorAll(arguments[0])].filter((node) => node.checkVisibility({ opacityProperty: true }) && !node.disabled).map((node) => {
  const [low, high] = [light(getComputedStyle(node).color), light(ground(node))].sort((one, other) => one - other);
  return [node.tagName + "." + node.className + " " + node.textContent.slice(0, 20), (high + 0.05) / (low + 0.05)];
});
"""


@pytest.fixture(scope="session")
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
