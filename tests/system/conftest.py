"""What the tests of failures share: one cluster for all of them."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.apache_kafka import Unavailable, fetch_jars
from tests.system.cluster import Cluster

LONG = os.environ.get("KQI_TEST_FAULTS") == "long"
collect_ignore = [] if LONG else ["test_soak.py"]  # an hour


@pytest.fixture(scope="session")
def cluster():
    """Return a cluster of three nodes of Apache Kafka, of our own: it is there to be maltreated."""
    try:
        jars = fetch_jars()
    except Unavailable as missing:
        pytest.skip(f"no Apache Kafka: {missing}")
    with tempfile.TemporaryDirectory(prefix="kqi-cluster-") as folder:
        started = Cluster(jars, Path(folder))
        try:
            started.start()
            yield started
        finally:
            started.stop()
