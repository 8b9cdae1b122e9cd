"""A member in a process of its own, to be killed: it says when it has handled a batch of each partition that it holds."""

import asyncio
import sys

from tests.agents.members import Member
from tests.apache_kafka import Address


async def live(bootstrap, kind, topic):
    """Be a member until killed."""
    said = None
    async with Member(Address(bootstrap, is_embedded=kind == "embedded"), topic, [topic]) as member:
        while True:
            held = {
                each.partition for each in member.assigned or () if member.periods[each] and member.periods[each][-1]
            }
            if held and held == {each.partition for each in member.assigned} and held != said:
                said = held
                print(*sorted(held), flush=True)  # noqa: T201 - what the test waits for
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(live(*sys.argv[1:]))
