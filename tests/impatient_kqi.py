"""`kqi`, with a consumer group that does not wait for anyone: on the embedded broker a join takes half of session_s."""

import functools

from agents import cli, run
from agents.app import GroupTimes

run.run_worker = functools.partial(run.run_worker, group_times=GroupTimes(session_s=2, heartbeat_s=0.3, rebalance_s=4))
cli.main()
