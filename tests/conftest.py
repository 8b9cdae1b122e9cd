"""What every test shares: a skip is a failure where KQI_TEST_SKIPS_FAIL is set (CI); what else runs on the machine decides nothing."""

import os

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

pytest_plugins = ["tests.apache_kafka"]  # the brokers: fixtures kafka, apache_kafka, embedded_kafka


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("KQI_TEST_SKIPS_FAIL"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr[2] if report.longrepr else ''}"
