"""What follows from a service, in systems other than the panels: sales, scores, service requests, opinions of colleagues."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from streams.simulation.company import DAY_MS, HOUR_MS, MINUTE_MS, Event, Office, Seller

if TYPE_CHECKING:
    import random

    from streams.simulation.post import Outbox

REFUNDS: Final = 0.02
KNOWN_CLIENTS: Final = 0.3
UNKNOWN_SELLERS: Final = 0.02
"""Share of sales that the till does not attribute to anyone."""
CATEGORIES: Final = ("goods", "service", "insurance", "accessory")

RATINGS: Final = 0.02
METRICS: Final = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
LEAVING: Final = 0.04
TOGETHER: Final = 0.1
"""Share of ratings that concern two employees."""
COMMENTS: Final = {True: "Quick and friendly.", False: "I had to wait too long."}

REQUESTS: Final = 0.01
PRIORITIES: Final = {"critical": 2, "high": 8, "normal": 24, "low": 48}
"""Mean hours until a request is resolved."""
ON_SITE: Final = 0.4
CANCELLED: Final = 0.06

PEER_RATINGS_A_DAY: Final = 0.1
DEPARTMENTS: Final = ("front", "back_office", "support", "delivery")
CRITERIA: Final = ("speed", "quality", "courtesy")


class Aftermath:
    """Draws it for one office on one day."""

    def __init__(self, outbox: Outbox, office: Office) -> None:
        self.outbox = outbox
        self.office = office
        self._requests = itertools.count(1)

    def follow(self, at_ms: int, seller: Seller, felt: str | None) -> None:
        """Draw what follows from a service that ended at a time."""
        chance = self.outbox.chance
        if chance.random() < self.office.kind.sale_share * seller.sells:
            self._sale(at_ms, seller)
        if chance.random() < RATINGS:
            self._rating(at_ms, seller, content=felt != "no")
        if chance.random() < REQUESTS:
            self._request(at_ms, seller)

    def _sale(self, at_ms: int, seller: Seller) -> None:
        """Sell something; now and then it comes back."""
        chance = self.outbox.chance
        amount = max(50, round(chance.lognormvariate(-0.3, 0.8) * self.office.kind.ticket_minor))
        share = chance.uniform(0.08, 0.35)
        fields: Event = {} if chance.random() < UNKNOWN_SELLERS else {"employee_id": seller.employee_id}
        if chance.random() < KNOWN_CLIENTS:
            fields["client_id"] = client(chance)
        fields |= {"positions": 1 + int(chance.expovariate(0.8)), "category": chance.choice(CATEGORIES)}
        for sign in (1, -1) if chance.random() < REFUNDS else (1,):
            money = {"amount_minor": sign * amount, "currency": "EUR", "margin_minor": sign * round(share * amount)}
            self.outbox.upstream(self.outbox.event("sale", at_ms, **money, **fields), 20)
            at_ms += 10 * MINUTE_MS + round(chance.expovariate(1 / DAY_MS))

    def _rating(self, at_ms: int, seller: Seller, *, content: bool) -> None:
        """Let a customer give a score, within two days."""
        chance = self.outbox.chance
        metric = chance.choice(tuple(METRICS))
        lowest, highest = METRICS[metric]
        # Effort counts the other way round: little is good.
        high = content == (metric != "ces")
        score = round(chance.triangular(lowest, highest, highest if high else lowest))
        who = [seller.employee_id]
        if chance.random() < TOGETHER:
            who = sorted({seller.employee_id, chance.choice(self.office.sellers).employee_id})
        fields: Event = {"client_id": client(chance), "employee_ids": who}
        fields["occasion"] = "leaving" if chance.random() < LEAVING else "regular"
        if chance.random() < 1 / 5:
            fields["comment"] = COMMENTS[content]
        later_ms = min(2 * DAY_MS, chance.expovariate(1 / (3 * HOUR_MS)))
        self.outbox.upstream(self.outbox.event("rating", at_ms + later_ms, metric=metric, score=score, **fields), 60)

    def _request(self, at_ms: int, seller: Seller) -> None:
        """Open a service request and carry it through its stages."""
        chance = self.outbox.chance
        priority = chance.choices(tuple(PRIORITIES), (1, 3, 8, 4))[0]
        fields: Event = {"request_id": f"r{self.outbox.day}-{next(self._requests)}", "priority": priority}
        fields |= {"employee_id": seller.employee_id, "client_id": client(chance)}
        lasts_ms = HOUR_MS * chance.expovariate(1 / PRIORITIES[priority])
        stages = [("opened", 0.0), ("first_response", chance.uniform(0.02, 0.3))]
        if chance.random() < ON_SITE:
            stages.append(("on_site", chance.uniform(0.4, 0.8)))
        stages.append(("cancelled" if chance.random() < CANCELLED else "resolved", 1.0))
        for stage, share in stages:
            self.outbox.upstream(self.outbox.event("request", at_ms + share * lasts_ms, **fields, stage=stage), 10)

    def colleagues(self, morning_ms: int) -> None:
        """Let the departments rate one another now and then, anonymously."""
        chance = self.outbox.chance
        if chance.random() >= PEER_RATINGS_A_DAY:
            return
        at_ms = morning_ms + chance.uniform(5, 14) * HOUR_MS
        self.outbox.mute_outside(at_ms)
        rated, other = chance.sample(DEPARTMENTS, 2)
        ids = [seller.employee_id for seller in self.office.sellers]
        fields: Event = {"from_department": other, "to_department": rated}
        fields |= {"scores": {criterion: round(chance.triangular(1, 10, 8)) for criterion in CRITERIA}}
        fields |= {"vote_employee_ids": chance.sample(ids, min(len(ids), chance.randint(0, 5)))}
        self.outbox.upstream(self.outbox.event("peer_rating", at_ms, **fields), 60)


def client(chance: random.Random) -> str:
    """Draw one of the company's clients."""
    return f"c{round(chance.triangular(1, 40_000, 1))}"
