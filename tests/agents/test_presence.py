"""What /metrics shows of the moment."""

from agents import presence
from agents.presence import KEPT_S, KeptPresence, Presence
from tests.metrics import Scrape
from tests.streams.feeding import HOUR_MS, MINUTE_MS, Feed, caught_up_clock
from tests.streams.happenings import answer, press
from tests.streams.test_presence import DIRECTORY, at

NOW_MS = at(0, 10)


def feed():
    """Return a partition with two offices, one of which the directory knows."""
    made = Feed({"directory": DIRECTORY}, clock=caught_up_clock(NOW_MS))
    for office in ("riga-1", 'odd " one'):
        place = {"office_id": office, "panel_id": "p 1"}
        made.step([press(NOW_MS - 5 * MINUTE_MS, **place), answer(NOW_MS - 5 * MINUTE_MS + 1000, **place)])
        made.step([answer(NOW_MS - 2 * MINUTE_MS, **place), answer(NOW_MS - 2 * HOUR_MS, **place)])
    return made


def shown(feed, room=1000):
    """Return a scrape, and how many series were left out of it."""
    presence = Presence([feed.partition], feed.engine.directory, room)
    return Scrape(b"".join(presence.pieces()).decode()), presence.left_out


def test_offices_and_panels():
    """Whether an office is open where that is known, how quiet each panel is, and what its customers pressed of late."""
    scrape, left_out = shown(feed())
    assert left_out == 0
    assert scrape("kqi_office_open", office="riga-1") == 1
    assert scrape("kqi_office_open", office='odd " one') is None
    for office in ("riga-1", 'odd " one'):
        labels = {"office": office, "panel": "p 1"}
        assert scrape("kqi_panel_quiet_seconds", **labels) == 120
        roles = {
            role: scrape("kqi_panel_customer_presses", **labels, role=role) for role in ("answer", "extra", "orphan")
        }
        assert roles == {"answer": 1, "extra": 0, "orphan": 1}
    assert len(scrape.samples) == 1 + 2 * 4


def test_a_ceiling_holds():
    """Where there is no room for all of a panel it is left out with whatever comes behind, and counted."""
    made = feed()
    whole, _ = shown(made)
    for room in range(11):
        scrape, left_out = shown(made, room)
        assert scrape.samples.items() <= whole.samples.items()
        assert len(scrape.samples) == (0 if room < 1 else 1 + 4 * min(2, (room - 1) // 4))
        assert len(scrape.samples) + left_out == 9


def test_a_scrape_comes_in_pieces():
    """Others get their turn after every twenty offices, and some hundred panels."""
    made = Feed({}, clock=caught_up_clock(NOW_MS))
    made.step([press(NOW_MS - 1, office_id=f"o{n}") for n in range(1050)])
    pieces = list(Presence([made.partition], made.engine.directory, 10_000).pieces())
    assert len(pieces) > 50
    assert len(Scrape(b"".join(pieces).decode()).samples) == 4 * 1050


def test_what_was_told_is_told_again_for_a_while(monkeypatch):
    """Thousands of panels are not asked again at once; but when partitions come or go, or it is long ago, they are."""
    now_s = [1000.0]
    monkeypatch.setattr(presence.time, "monotonic", lambda: now_s[0])
    made, other = feed(), feed()
    kept = KeptPresence(1000)

    def told(*feeds):
        return b"".join(kept.pieces([each.partition for each in feeds], made.engine.directory))

    first = told(made)
    made.step([press(NOW_MS - 1000, office_id="riga-1", panel_id="p 1")])
    now_s[0] += KEPT_S - 0.1
    assert told(made) == first
    now_s[0] += 0.2
    assert told(made) != first
    assert told(made, other).count(b"kqi_office_open{") == 2
    assert told(made).count(b"kqi_office_open{") == 1
    kept = KeptPresence(4)
    told(made)
    assert kept.left_out > 0
    monkeypatch.setattr(presence, "MOST_KEPT_BYTES", 10)
    kept, before = KeptPresence(1000), told(made)
    made.step([press(NOW_MS - 500, office_id="riga-1", panel_id="p 1")])
    assert told(made) != before
