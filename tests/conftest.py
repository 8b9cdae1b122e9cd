"""What every test shares: a skip is a failure where KQI_TEST_SKIPS_FAIL is set (CI)."""

import os

import pytest

pytest_plugins = ["tests.apache_kafka"]  # the brokers: fixtures kafka, apache_kafka, embedded_kafka


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("KQI_TEST_SKIPS_FAIL"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr[2] if report.longrepr else ''}"
