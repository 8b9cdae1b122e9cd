"""`kqi topics`: the topics made as they must be, and those that exist checked."""

import asyncio

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from agents.cluster import TopicState, check_topics, faults, plan
from streams.configuration import configure
from tests.service import PARTITIONS, PATIENCE_S, Service, until

INPUTS = ["presses", "verdicts", "calls", "sales", "visits", "ratings", "requests", "shifts", "peer-ratings"]
OUTPUTS = ["surveys", "indices", "dead-letters", "checkpoints"]
COUNTS = dict.fromkeys((*INPUTS, *OUTPUTS), PARTITIONS) | {"directory": 1, "peers": 1}
DAY_MS = 86_400_000


@pytest.fixture
def service(kafka):
    """Return a service without topics."""
    return Service(kafka)


@pytest.fixture
def admin(kafka):
    """Return another client's administration of the cluster."""
    return AdminClient({"bootstrap.servers": str(kafka)})


def make(admin, service, partitions=PARTITIONS, names=(*INPUTS, *OUTPUTS), **settings):
    """Make topics of a service by hand."""
    settings = {key.replace("_", "."): value for key, value in settings.items()}
    topics = [NewTopic(service.prefix + name, partitions, 1, config=settings) for name in names]
    for made in admin.create_topics(topics).values():
        made.result(PATIENCE_S)
    until(lambda: set(names) <= topics_of(admin, service).keys(), "topics to be seen")


def topics_of(admin, service):
    """Return the topics of a service with how many partitions each has."""
    found = admin.list_topics(timeout=PATIENCE_S).topics.values()
    return {
        each.topic.removeprefix(service.prefix): len(each.partitions)
        for each in found
        if each.topic.startswith(service.prefix)
    }


def settings_of(admin, topic):
    """Return the settings of a topic."""
    ((_, answer),) = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]).items()
    return {name: entry.value for name, entry in answer.result(PATIENCE_S).items()}


def told(done):
    """Return what a command that failed with status 1 said, a sentence each."""
    assert (done.exit_code, done.stdout) == (1, "")
    sentences = done.stderr.splitlines()
    assert all(sentence.startswith("kqi: ") for sentence in sentences)
    return [sentence.removeprefix("kqi: ") for sentence in sentences]


def test_creates(service, admin):
    """All topics of the contract are made, with equal numbers of partitions; a second time they are checked."""
    done = service.kqi_inside("topics")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "".join(f"created {service.prefix}{name}\n" for name in COUNTS)
    assert topics_of(admin, service) == COUNTS
    done = service.kqi_inside("topics")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "".join(f"exists  {service.prefix}{name}\n" for name in COUNTS)


@pytest.mark.kafka
def test_settings(apache_kafka):
    """Inputs get the broker's time and are kept for the longest window and their horizon; indices are compacted."""
    service = Service(apache_kafka, windows=["1h", "10d"]).create_topics()
    admin = AdminClient({"bootstrap.servers": str(apache_kafka)})
    least_days = dict.fromkeys(INPUTS, 10 + 7) | {"presses": 10 + 1, "verdicts": 10 + 10}
    for name, days in least_days.items():
        settings = settings_of(admin, service.prefix + name)
        assert settings["message.timestamp.type"] == "LogAppendTime"
        assert days * DAY_MS <= int(settings["retention.ms"]) <= (days + 1) * DAY_MS
    policies = {name: settings_of(admin, service.prefix + name)["cleanup.policy"] for name in OUTPUTS}
    assert policies == {"surveys": "delete", "indices": "compact", "dead-letters": "delete", "checkpoints": "compact"}
    assert int(settings_of(admin, f"{service.prefix}dead-letters")["max.message.bytes"]) > 2**20


def test_creates_what_is_missing(service, admin):
    """Topics that exist and are right stay, the others are made."""
    settings = {"message_timestamp_type": "LogAppendTime", "retention_ms": "-1"}
    make(admin, service, names=["visits", "sales"], **settings)
    lines = service.kqi_inside("topics").stdout.splitlines()
    assert [line for line in lines if line.startswith("exists")] == [
        f"exists  {service.prefix}sales",
        f"exists  {service.prefix}visits",
    ]
    assert topics_of(admin, service) == COUNTS


def test_unequal_numbers_of_partitions(service, admin):
    """Unequal numbers of partitions are one sentence that names them, for every command that needs the topics."""
    make(admin, service, 3, ["visits"], message_timestamp_type="LogAppendTime", retention_ms="-1")
    rest = [name for name in INPUTS if name != "visits"]
    make(admin, service, 4, rest, message_timestamp_type="LogAppendTime", retention_ms="-1")
    compacted = ["indices", "checkpoints"]
    make(admin, service, 4, [name for name in OUTPUTS if name not in compacted])
    make(admin, service, 4, compacted, cleanup_policy="compact")
    make(admin, service, 1, ["directory", "peers"], cleanup_policy="compact")
    for command in (["topics"], ["worker"]):
        (sentence,) = told(service.kqi_inside(*command))
        assert sentence.startswith("the topics have unequal numbers of partitions (")
        assert f"{service.prefix}visits 3" in sentence
        assert f"{service.prefix}sales 4" in sentence
    (sentence,) = told(service.kqi_inside("publish", "-", stdin=b""))
    assert sentence.startswith("the topics have unequal numbers of partitions")


def test_the_directory_lies_in_one_partition(service, admin):
    """The order of its messages decides, so more than one is a fault."""
    make(admin, service, 2, ["directory"], cleanup_policy="compact")
    (sentence,) = told(service.kqi_inside("topics"))
    assert sentence == f"topic {service.prefix}directory has 2 partitions, but must have 1"


def test_another_number_of_partitions(service):
    """A configuration that says another number than the topics have is told; a worker takes what there is."""
    service.create_topics()
    (sentence,) = told(service.kqi_inside("topics", partitions=PARTITIONS + 1))
    assert sentence.startswith(f"the topics have {PARTITIONS} partitions and the configuration says {PARTITIONS + 1}")
    settings = {"partitions": PARTITIONS + 1, "topic_prefix": service.prefix, "kafka": {"bootstrap": service.bootstrap}}
    assert asyncio.run(check_topics(configure(("the test", settings)))) == PARTITIONS


@pytest.mark.kafka
def test_wrong_settings(apache_kafka):
    """Each setting that would make numbers wrong is told, with what is needed, and nothing is created beside it."""
    service = Service(apache_kafka)
    admin = AdminClient({"bootstrap.servers": str(apache_kafka)})
    make(admin, service, names=["presses"], message_timestamp_type="CreateTime", retention_ms="-1")
    make(admin, service, names=["calls"], message_timestamp_type="LogAppendTime", retention_ms=str(30 * DAY_MS))
    make(admin, service, names=["indices"], cleanup_policy="delete")
    sentences = told(service.kqi_inside("topics"))
    assert len(sentences) == 3
    for name, actual in (
        ("presses", "message.timestamp.type=CreateTime, but needs LogAppendTime"),
        ("calls", f"retention.ms={30 * DAY_MS}, but needs at least"),
        ("indices", "cleanup.policy=delete, but needs compact"),
    ):
        assert [each for each in sentences if each.startswith(f"topic {service.prefix}{name} has {actual}")], sentences
    assert topics_of(admin, service).keys() == {"presses", "calls", "indices"}
    make(admin, service, names=[name for name in (*INPUTS, *OUTPUTS) if name not in ("presses", "calls", "indices")])
    assert set(sentences) <= set(told(service.kqi_inside("worker")))


@pytest.mark.kafka
def test_what_the_brokers_refuse(apache_kafka):
    """What the brokers will not make is told, with their reason."""
    service = Service(apache_kafka)
    (sentence,) = told(service.kqi_inside("topics", "--replication-factor", "3"))
    assert sentence.startswith(f"the broker does not create {service.prefix}presses")
    assert "replication factor of 3" in sentence


def test_a_longer_retention_is_right():
    """More retention than needed, or an unlimited one, is no fault."""
    (presses, *_) = plan(configure())
    for kept in ("-1", str(100 * DAY_MS)):
        state = TopicState(4, {"message.timestamp.type": "LogAppendTime", "retention.ms": kept})
        assert faults([presses], {presses.name: state}) == []
    assert len(faults([presses], {presses.name: TopicState(4, {"retention.ms": str(DAY_MS)})})) == 1
