"""`deploy/compose.yaml`, as Docker Compose itself reads it."""

import functools
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from streams.configuration import Configuration, configure, from_environment, unknown_names
from streams.rule_files import ALERTS, RECORDING
from tests.apache_kafka import HERE, Node, Unavailable, _kafka_version, fetch_jars, free_ports
from tests.deploy.tools import DEPLOY, output
from tests.service import END_S

FILE = DEPLOY / "compose.yaml"
OWN = ("worker", "topics")
OTHERS = ("kafka", "prometheus", "alertmanager", "grafana")


@functools.cache
def project():
    return json.loads(output("docker-compose", "--file", FILE, "config", "--format", "json"))


def settings(service):
    return project()["services"][service].get("environment", {})


def test_all_parts_are_there():
    """Broker, workers and the three of monitoring, and nothing else."""
    assert set(project()["services"]) == {*OWN, *OTHERS}


@pytest.mark.parametrize("service", [*OWN, *OTHERS])
def test_ports_are_published_on_loopback_alone(service):
    """Nothing asks for a password, so nobody else may reach it."""
    assert {port.get("host_ip") for port in project()["services"][service].get("ports", [])} <= {"127.0.0.1"}


@pytest.mark.parametrize("service", [*OWN, *OTHERS])
def test_services_have_no_rights_that_they_do_not_need(service):
    """No capability of root, none to be had, logs that do not fill the disk."""
    said = project()["services"][service]
    assert said["cap_drop"] == ["ALL"]
    assert said["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in said
    assert "max-size" in said["logging"]["options"]
    assert said.get("read_only") is (None if service == "kafka" else True)  # which writes its settings when it starts


@pytest.mark.parametrize("service", OTHERS)
def test_images_have_versions(service):
    """No image is whatever is the latest."""
    assert re.search(r":v?\d+\.\d+\.\d+$", project()["services"][service]["image"])


@pytest.mark.parametrize("service", OWN)
def test_settings_are_right(service):
    """`kqi` takes them all, and asks the broker of this file."""
    assert unknown_names(settings(service)) == []
    configuration = configure(from_environment(settings(service)))
    assert configuration.kafka.bootstrap in settings("kafka")["KAFKA_ADVERTISED_LISTENERS"]


def test_one_service_builds_the_image():
    """Two would build it at the same time, and one of them would fail."""
    assert [name for name in OWN if "build" in project()["services"][name]] == ["worker"]
    assert {project()["services"][name]["image"] for name in OWN} == {"kqi"}


def test_links_of_messages_lead_here():
    """Addresses of containers are of no use outside."""
    for name, port in (("prometheus", 9090), ("alertmanager", 9093)):
        assert f"--web.external-url=http://127.0.0.1:{port}" in project()["services"][name]["command"]


def test_there_is_a_port_for_each_worker():
    """A free one of this machine, so that any number of them may run."""
    worker = project()["services"]["worker"]
    (port,) = worker["ports"]
    assert worker["deploy"]["replicas"] == 2
    assert port["target"] == Configuration().metrics_port
    assert "published" not in port


@pytest.mark.kafka
def test_the_broker_starts_with_its_settings(tmp_path):
    """Apache Kafka takes them: given as the image gives them, on free ports and in a folder of this machine."""
    try:
        node = ComposedNode(fetch_jars(), tmp_path)
    except Unavailable as missing:
        pytest.skip(f"no Apache Kafka: {missing}")
    try:
        node.format(settings("kafka")["CLUSTER_ID"])
        node.launch()
        node.wait_until_answering()
    finally:
        node.stop()


class ComposedNode(Node):
    """A node with the settings of compose.yaml."""

    def _properties(self):
        inside, controller, outside = free_ports(3)
        self.port = outside
        here = {":9092": inside, ":9093": controller, ":29092": outside}
        found = {}
        for name, value in settings("kafka").items():
            if name.startswith("KAFKA_"):
                moved = re.sub(r"(?:kafka|127\.0\.0\.1|(?<=//))(:\d+)", lambda at: f"127.0.0.1:{here[at[1]]}", value)
                found[name.removeprefix("KAFKA_").lower().replace("_", ".")] = moved
        return found | {"log.dirs": self._folder / "data"}


def test_the_version_of_the_broker_is_the_one_that_is_tested():
    """The image is of the Kafka of the other tests."""
    assert project()["services"]["kafka"]["image"].split(":")[1] == _kafka_version(HERE / "pom.xml")


def test_workers_have_time_to_end():
    """Longer than they take; and something before them passes signals on."""
    worker = project()["services"]["worker"]
    assert int(worker["stop_grace_period"].removesuffix("s")) > END_S
    assert worker["init"] is True
    assert worker["restart"] == "unless-stopped"
    assert worker["depends_on"]["topics"]["condition"] == "service_completed_successfully"


def test_every_mount_is_read_only_or_a_volume():
    """Files of the tree are looked at, never changed."""
    mounts = [mount for service in project()["services"].values() for mount in service.get("volumes", [])]
    assert all(mount["type"] == "volume" or mount["read_only"] for mount in mounts)
    assert all(not mount["bind"].get("create_host_path", False) for mount in mounts if mount["type"] == "bind")


PARTS = [DEPLOY / name for name in ("prometheus", "alertmanager", "grafana")]


@pytest.mark.skipif(not all(part.exists() for part in PARTS), reason="rules or boards are not in the tree")
def test_every_mounted_file_is_there():
    """A container would not start without."""
    mounts = [mount for service in project()["services"].values() for mount in service.get("volumes", [])]
    bound = [Path(mount["source"]) for mount in mounts if mount["type"] == "bind"]
    assert [path for path in bound if not path.exists()] == []
    home = Path(settings("grafana")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (DEPLOY / "grafana" / "dashboards" / home.name).exists()


def test_prometheus_takes_its_configuration(tmp_path):
    """It finds the rules where they are mounted, and misses each of the workers that is down."""
    shutil.copy(DEPLOY / "compose" / "prometheus.yml", tmp_path)
    (tmp_path / "kqi").mkdir()
    for file in DEPLOY.glob("prometheus/*"):
        shutil.copy(file, tmp_path / "kqi")
    given = (tmp_path / "prometheus.yml").read_text().replace("/etc/prometheus/kqi/", f"{tmp_path}/kqi/")
    (tmp_path / "prometheus.yml").write_text(given)
    said = output("promtool", "check", "config", tmp_path / "prometheus.yml")
    assert said.count("/kqi/") == len([RECORDING, ALERTS])
    (scraped,) = yaml.safe_load(given)["scrape_configs"]
    (group,) = scraped["static_configs"]
    workers = project()["services"]["worker"]["deploy"]["replicas"]
    assert group["targets"] == [f"{project()['name']}-worker-{number}:9464" for number in range(1, workers + 1)]
