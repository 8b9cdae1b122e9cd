"""Three nodes of Apache Kafka, each broker and controller, that keep three copies of everything: to be killed and frozen.

Each broker has a second listener, which is advertised with the address of a proxy (`tests.system.network`): clients that
begin at `Cluster.proxied` reach the brokers through the proxies and nowhere else.
"""

import base64
import re
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka.admin import AdminClient

from tests.apache_kafka import HOST, Address, Node, free_ports, new_cluster_id
from tests.service import until
from tests.system.network import Condition, Network

NODES = 3


class ClusterNode(Node):
    """A node among others; what it does not share with a node alone are its quorum, its copies and its listeners."""

    def __init__(self, jars, folder, node_id):
        folder.mkdir()
        super().__init__(jars, folder, node_id)
        self.behind_port = free_ports(1)[0]  # the listener behind the proxy
        self.proxied = None  # the proxy's address
        self.controllers = None  # host:port of all, separated by commas

    @property
    def controller(self):
        """Where the other controllers reach this one."""
        return f"{HOST}:{self._controller_port}"

    def _properties(self):
        listeners = {
            "PLAINTEXT": self.address,
            "PROXIED": f"{HOST}:{self.behind_port}",
            "CONTROLLER": self.controller,
        }
        advertised = listeners | {"PROXIED": self.proxied}
        alone = {key: value for key, value in super()._properties().items() if not key.startswith("listener.")}
        return alone | {
            "listeners": ",".join(f"{name}://{address}" for name, address in listeners.items()),
            "advertised.listeners": ",".join(f"{name}://{address}" for name, address in advertised.items()),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in listeners),
            "controller.quorum.bootstrap.servers": self.controllers,
            "default.replication.factor": NODES,
            "min.insync.replicas": 2,
            "offsets.topic.replication.factor": NODES,
            "transaction.state.log.replication.factor": NODES,
            "transaction.state.log.min.isr": 2,
            "share.coordinator.state.topic.replication.factor": NODES,
            "share.coordinator.state.topic.min.isr": 2,
            # A node that is away is noticed soon, by the others and by its group.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "replica.lag.time.max.ms": 3000,
            "group.min.session.timeout.ms": 1000,
        }

    def copy_format(self, other):
        """Take over the formatted data folder of another node, but for what is a node's own."""
        self.write_settings()
        shutil.copytree(other._folder / "data", self._folder / "data")
        path = self._folder / "data" / "meta.properties"
        text = re.sub(r"(?m)^node.id=.*$", f"node.id={self.node_id}", path.read_text())
        path.write_text(re.sub(r"(?m)^directory.id=.*$", f"directory.id={directory_id(self.node_id)}", text))


def directory_id(node_id):
    """Return the id of a node's data folder, in Kafka's form."""
    return base64.urlsafe_b64encode(uuid.UUID(int=0xA5A5 << 96 | node_id).bytes).decode().rstrip("=")


class Cluster:
    """The nodes, and the network in front of them."""

    def __init__(self, jars, folder):
        self.nodes = [ClusterNode(jars, folder / f"node-{number}", number) for number in range(1, NODES + 1)]
        self.network = Network()
        for node in self.nodes:
            node.proxied = self.network.front(HOST, node.behind_port)
            node.controllers = ",".join(each.controller for each in self.nodes)

    @property
    def address(self):
        """Where clients begin that reach the brokers directly."""
        return Address(",".join(node.address for node in self.nodes), is_embedded=False)

    @property
    def proxied(self):
        """Where clients begin that reach the brokers through the network that can be disturbed."""
        return Address(",".join(node.proxied for node in self.nodes), is_embedded=False)

    def start(self):
        """Format and start all nodes; returns when every one is a member and all of them answer."""
        voters = ",".join(f"{node.node_id}@{node.controller}:{directory_id(node.node_id)}" for node in self.nodes)
        first, *others = self.nodes
        first.format(new_cluster_id(), f"--initial-controllers={voters}")
        for node in others:
            node.copy_format(first)
        path = first._folder / "data" / "meta.properties"
        assert f"directory.id={directory_id(1)}" in path.read_text(), path.read_text()
        self.launch(self.nodes)

    def launch(self, nodes):
        """Start nodes on the data that they have; returns when they answer and all copies are in step."""
        for node in nodes:
            node.launch()
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(ClusterNode.wait_until_answering, nodes))
        self.wait_until_in_step()

    def mend(self):
        """Undo whatever was done to the nodes and to the network."""
        self.network.condition = Condition.WHOLE
        dead = [node for node in self.nodes if not node.thaw()]
        if dead:
            self.launch(dead)

    def wait_until_in_step(self):
        """Wait until all nodes are members and every partition has all of its copies in step."""
        admin = AdminClient({"bootstrap.servers": str(self.address), "socket.timeout.ms": 5000, "log_level": 2})

        def in_step():
            seen = admin.list_topics(timeout=10)
            partitions = [each for topic in seen.topics.values() for each in topic.partitions.values()]
            return len(seen.brokers) == NODES and all(set(each.isrs) == set(each.replicas) for each in partitions)

        until(in_step, "all copies in step")

    def stop(self):
        """End everything."""
        for node in self.nodes:
            node.kill()  # nobody needs their data
        self.network.stop()
