"""What may happen to a company: each a function that is given a `Company` under load, and how often it is to strike.

Where the fault allows it, each requires that the service answers again within 20 s. Whether anything was lost is asked
afterwards, by who called.
"""

from tests.system.cluster import ClusterNode
from tests.system.company import ANSWER_S
from tests.system.network import Condition

STORM_S = 3.0  # between two changes of the group
MOST_WORKERS = 4
FREEZE_S = 30.0  # longer than any client or controller waits for an answer
DISTURBED_S = 5.0  # longer than the session of a worker that is as impatient as these


def kill(company, times):
    """Kill -9 a worker at a random moment; another takes its place."""
    for _ in range(times):
        company.wait_for(company.chance.randrange(50, 800))
        company.kill(company.chance.choice(company.workers))
        company.start_worker()
        company.require_answer()


def stop(company, times):
    """Ask a worker to end in the middle of its work, some of them while they still read the log."""
    for number in range(times):
        company.wait_for(company.chance.randrange(50, 800))
        company.stop(company.chance.choice(company.workers))
        worker = company.start_worker()
        if number % 2:
            company.wait_for(company.chance.randrange(300))
            company.stop(worker)
            company.start_worker()
        company.require_answer()


def freeze_worker(company, times):
    """Have a worker stand still until its session has expired; it finds others in its place, and joins again."""
    for _ in range(times):
        company.wait_for(300)
        worker = company.chance.choice(company.workers)
        worker.freeze()
        company.wait_s(DISTURBED_S)
        worker.thaw()
        company.require_answer()


def storm(company, times):
    """Let one to four workers be at work, one joining or leaving every 3 s, by turns politely or not."""
    for number in range(times):
        leaves = len(company.workers) == MOST_WORKERS or (len(company.workers) > 1 and company.chance.random() < 0.5)
        if not leaves:
            company.start_worker()
        elif number % 2:
            company.stop(company.chance.choice(company.workers))
        else:
            company.kill(company.chance.choice(company.workers))
        company.wait_s(STORM_S)
    company.require_answer()


def kill_broker(company, times):
    """Kill -9 one broker of three; the service goes on without it, and with it when it is back."""
    _lose_broker(company, times, ClusterNode.kill)


def fill_disk(company, times):
    """Let the disk of one broker of three be full; the service goes on without it, and with it when there is room again."""
    _lose_broker(company, times, ClusterNode.fill_disk)


def _lose_broker(company, times, lose):
    for _ in range(times):
        company.wait_for(300)
        node = company.chance.choice(company.cluster.nodes)
        lose(node)
        company.require_answer(2 * ANSWER_S)  # the brokers themselves need a while to notice
        node.kill()
        company.cluster.launch([node])
        company.require_answer()


def restart_brokers(company, times):
    """Kill all three brokers, and start them again."""
    for _ in range(times):
        company.wait_for(300)
        for node in company.cluster.nodes:
            node.kill()
        company.cluster.launch(company.cluster.nodes)
        company.require_answer()


def freeze_broker(company, times):
    """Have one broker of three stand still for half a minute, its connections open."""
    for _ in range(times):
        company.wait_for(300)
        node = company.chance.choice(company.cluster.nodes)
        node.freeze()
        company.wait_s(FREEZE_S)
        node.thaw()
        company.cluster.wait_until_in_step()
        company.require_answer()


def disturb(condition):
    """Return the fault of a network that is in a condition for a while."""

    def disturb_network(company, times):
        for _ in range(times):
            company.wait_for(300)
            company.cluster.network.condition = condition
            company.wait_s(DISTURBED_S)
            if condition is Condition.DELAYED:
                company.require_answer()
            company.cluster.network.condition = Condition.WHOLE
            company.require_answer()

    disturb_network.__name__ = condition.name.lower()
    return disturb_network
