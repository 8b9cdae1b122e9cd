"""What every test shares: a skip is a failure where KQI_TEST_SKIPS_FAIL is set (CI); what else runs on the machine decides nothing."""

import os

import pytest
from hypothesis import settings

from tests.service import compile_kernels

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

pytest_plugins = ["tests.apache_kafka"]  # the brokers: fixtures kafka, apache_kafka, embedded_kafka


def pytest_sessionstart(session):
    """Compile once what several processes would all compile at the same time."""
    config = session.config
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        compile_kernels()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("KQI_TEST_SKIPS_FAIL"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr[2] if report.longrepr else ''}"
