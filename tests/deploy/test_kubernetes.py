"""`deploy/kubernetes`: built by kustomize, held against the schemas of Kubernetes and of the operators, without a cluster."""

import functools
import os
import subprocess

import pytest

from deploy.kubernetes.rule import production, rule
from streams.configuration import Configuration, configure, from_toml
from tests.deploy.tools import DEPLOY, VENV, as_objects, found, judged, output
from tests.service import END_S, kqi_inside

FOLDER = DEPLOY / "kubernetes"
KINDS = {"Deployment", "Service", "ConfigMap", "PodDisruptionBudget", "NetworkPolicy"}
CUSTOM = {"ServiceMonitor", "PrometheusRule", "ScaledObject"}


@functools.cache
def built(name):
    """Return the YAML of a folder."""
    if os.environ.get("KQI_TEST_WITHOUT_KUSTOMIZE"):
        pytest.xfail("neither kustomize nor what could make it is on this machine")  # as .ci/run said
    command = ["kustomize", "build"] if found("kustomize") else ["kubectl", "kustomize"]
    return output(*command, FOLDER / name)


@functools.cache
def objects(name="production"):
    """Return the objects of a folder by their kinds."""
    found = {each["kind"]: each for each in as_objects(built(name))}
    assert len(found) == len(as_objects(built(name)))
    return found


def pod(kind="Deployment"):
    return objects()[kind]["spec"]["template"]["spec"]


def worker():
    (container,) = pod()["containers"]
    return container


@pytest.mark.parametrize(("name", "kinds"), [("base", KINDS), ("production", KINDS | CUSTOM | {"Namespace", "Job"})])
def test_objects_are_as_their_schemas_say(name, kinds, tmp_path):
    """Those of Kubernetes by its own schemas, with no field that it does not know."""
    assert set(objects(name)) == kinds
    file = tmp_path / "built.yaml"
    file.write_text(built(name))
    status, said = judged("kubernetes-validate", "--strict", file)
    assert status == 0, said
    assert said.count(" passed ") == len(kinds - CUSTOM), said


def test_the_schemas_find_faults(tmp_path):
    """A field that does not exist is found."""
    file = tmp_path / "built.yaml"
    file.write_text(built("base").replace("terminationGracePeriodSeconds", "terminationGraceSeconds"))
    assert judged("kubernetes-validate", "--strict", file)[0] != 0


def custom_resources(text):
    """Return what is said of the objects of operators."""
    return subprocess.run(
        [VENV / "bin" / "python", "tests/deploy/custom_resources.py"],
        cwd=DEPLOY.parent,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def test_objects_of_operators_are_as_their_definitions_say():
    """And with a field that does not exist, they are not."""
    wrong = built("production").replace("pollingInterval", "pollInterval")
    said = custom_resources(f"{built('production')}---\n{wrong}")
    kinds = ["PrometheusRule", "PrometheusRule", "ScaledObject", "ServiceMonitor", "ServiceMonitor"]
    assert sorted(line for line in said.splitlines() if ": right" in line) == [f"{kind}: right" for kind in kinds]
    assert "pollInterval" in said


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_containers_can_do_nothing_but_their_work(kind):
    """As the strictest of the pod security standards asks, and with files that they cannot write to."""
    assert objects()["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    (container,) = pod(kind)["containers"]
    assert pod(kind)["securityContext"]["runAsNonRoot"] is True
    assert pod(kind)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(kind)["automountServiceAccountToken"] is False
    assert pod(kind)["enableServiceLinks"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")] == ["/tmp"]


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_the_user_is_the_image_s(kind):
    """What runs in a cluster is what was tried."""
    user = pod(kind)["securityContext"]
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}" in (DEPLOY / "Dockerfile").read_text()


def test_the_job_is_no_worker():
    """Nothing that looks for workers finds it; it has their image and configuration, and a command that exists."""
    labels = objects()["Job"]["spec"]["template"].get("metadata", {}).get("labels", {})
    (container,) = pod("Job")["containers"]
    assert "app.kubernetes.io/name" not in labels
    assert container["image"] == worker()["image"]
    assert container["args"][1:3] == worker()["args"][1:3]
    assert kqi_inside(container["args"][0], *container["args"][3:], "--help").exit_code == 0


def test_probes_ask_for_the_right_pages():
    """Liveness does not depend on brokers; readiness does; a start has time to compile kernels."""
    pages = {name: worker()[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert pages == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert {worker()[name]["httpGet"]["port"] for name in pages} == {"metrics"}
    assert worker()["ports"] == [{"name": "metrics", "containerPort": Configuration().metrics_port}]
    assert worker()["startupProbe"]["periodSeconds"] * worker()["startupProbe"]["failureThreshold"] >= 300


def test_workers_have_time_to_end():
    """Longer than they take."""
    assert pod()["terminationGracePeriodSeconds"] > END_S


def test_workers_never_differ():
    """All stop before the first of another version or configuration starts; a changed configuration has another name."""
    assert objects()["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    assert objects()["ConfigMap"]["metadata"]["name"] != objects("base")["ConfigMap"]["metadata"]["name"]


@pytest.mark.parametrize("name", ["base", "production"])
def test_the_configuration_is_right(name):
    """`kqi` takes it, and it is where the worker looks for it."""
    configure(from_toml(objects(name)["ConfigMap"]["data"]["kqi.toml"], name))
    assert worker()["args"] == ["worker", "--config", "/etc/kqi/kqi.toml"]


def test_scaling_ends_at_the_partitions():
    """KEDA looks at the same group on the same brokers, and starts no worker that would have nothing to do."""
    configuration = configure(from_toml(objects()["ConfigMap"]["data"]["kqi.toml"], "production"))
    scaled = objects()["ScaledObject"]["spec"]
    (trigger,) = scaled["triggers"]
    assert scaled["scaleTargetRef"]["name"] == objects()["Deployment"]["metadata"]["name"]
    assert scaled["maxReplicaCount"] == configuration.partitions
    assert trigger["metadata"]["bootstrapServers"] == configuration.kafka.bootstrap
    assert trigger["metadata"]["consumerGroup"] == configuration.kafka.group
    assert "replicas" not in objects()["Deployment"]["spec"]


def test_what_is_not_committed_yet_is_no_backlog():
    """Between two checkpoints a worker reads up to 400,000 messages a second that count as lag of the group."""
    (trigger,) = objects()["ScaledObject"]["spec"]["triggers"]
    assert int(trigger["metadata"]["lagThreshold"]) >= 400_000 * Configuration().checkpoint_interval_s


def test_prometheus_finds_the_workers():
    """Labels and ports meet; the job has the name that alerts ask for, and no label tells pods apart but `instance`."""
    monitor, service = objects()["ServiceMonitor"]["spec"], objects()["Service"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert service["metadata"]["labels"][monitor["jobLabel"]] == "kqi"
    assert [each["port"] for each in monitor["endpoints"]] == [each["name"] for each in service["spec"]["ports"]]
    (dropped,) = [each for each in monitor["endpoints"][0]["relabelings"] if each["action"] == "labeldrop"]
    assert "pod" in dropped["regex"].split("|")
    assert service["spec"]["publishNotReadyAddresses"] is True


def test_the_rule_is_made_of_the_productions_configuration():
    """`make deploy-rule` would change nothing; links go where the configuration says, and there are as many partitions."""
    text = (FOLDER / "production" / "prometheusrule.yaml").read_text()
    assert text == rule(production())
    (made,) = as_objects(text)
    alerts = {each["alert"]: each for group in made["spec"]["groups"] for each in group["rules"] if "alert" in each}
    assert {each["annotations"]["runbook_url"].split("#")[0] for each in alerts.values()} == {
        production().alerting.runbook_url
    }
    assert alerts["KqiPartitionsWithoutWorker"]["expr"].endswith(f"< {production().partitions}")
