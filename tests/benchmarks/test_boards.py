"""The benchmark of boards still runs: on an hour of two offices."""

import shutil

import pytest

from benchmarks.boards import HOUR_S, SCRAPE_S, Company, Series, feed, now, over_time, prometheus, read_boards, refresh

END_S = 1_790_000_400  # a full minute of these years


def test_every_board_has_data_made_for_it(tmp_path):
    """What is fed comes out as it went in, and no query of any board stays without an answer."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed")
    company, boards = Company(offices=2, days=1, end_s=END_S), read_boards()
    made = Series({"__name__": "made", "job": "kqi", "long": "x" * 300}, 5)
    with prometheus(tmp_path / "data") as server:
        courses = [made, *over_time(company, boards)]
        assert feed(server, courses, END_S - HOUR_S, END_S) == 60 * len(courses)
        feed(server, now(company, boards), END_S, END_S + 2 * SCRAPE_S)
        for board in boards.values():
            assert refresh(server, board, END_S + SCRAPE_S, HOUR_S)["elapsed_s"] > 0
        [shown] = server.ask("query", query="made", time=END_S - SCRAPE_S)
    assert shown["metric"] == made.labels
    assert float(shown["value"][1]) == pytest.approx(1000 * (0.05 + 5 * 7919 % 1009 / 3000), rel=0.02)
