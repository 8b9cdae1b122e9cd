"""What `kqi top` makes of pages of metrics: offices in order, workers as they are, and a sentence where there is nothing to show."""

import io
import socket
import threading

import pytest
from rich.console import Console

from agents.top import Page, TopError, Wanted, Watching, Worker, address_of, check, ranked, read, tables

WANTED = Wanted("ink_personnel", "1h")


def page(*lines, wanted=WANTED, url="http://w1:9464/metrics", now_s=100.0):
    """Return what is read of a page."""
    return read(url, [f"{line}\n" for line in lines], wanted, now_s)


def office(name, value, surveys=(1, 2), window="1h", family="ink_personnel"):
    """Return lines of an office."""
    labels = f'office="{name}",window="{window}"'
    return [
        f"kqi_office_{family}_ratio{{{labels}}} {value}",
        f"kqi_office_{family}_lower_ratio{{{labels}}} {value - 0.1}",
        f"kqi_office_{family}_upper_ratio{{{labels}}} {value + 0.1}",
        *(
            f'kqi_office_surveys{{question="personnel",outcome="o{number}",{labels}}} {count}'
            for number, count in enumerate(surveys)
        ),
        f'kqi_office_surveys{{question="office",outcome="yes",{labels}}} 1000',
    ]


def printed(*pages, before=(), wanted=WANTED, now_s=110.0):
    """Return the lines of the tables, without what stands around their cells."""
    out = io.StringIO()
    Console(file=out, width=160).print(tables(pages, before, wanted, now_s))
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_an_office():
    """It has the value, the interval, the surveys of its question, and why it is not representative, of the window wanted alone."""
    lines = office("riga-1", 0.25) + office("riga-1", 0.5, window="24h")
    labels = 'office="riga-1",window="1h"'
    lines += [f"kqi_office_ink_personnel_representative{{{labels}}} 0"]
    lines += [f'kqi_office_unrepresentative{{index="ink_personnel",reason="too_few_surveys",{labels}}} 1']
    lines += [f'kqi_office_unrepresentative{{index="iel",reason="not_asked_lately",{labels}}} 1']
    lines += ['kqi_employee_ink_personnel_ratio{office="riga-1",employee="anna",window="1h"} 0.9']
    found = page(*lines)
    assert found.offices["riga-1"] == ("riga-1", 0.25, 0.15, 0.35, 3, False, ("too_few_surveys",))
    assert found.windows == {"1h", "24h"}
    assert "1 riga-1 0.2500 0.1500 - 0.3500 3 too_few_surveys" in printed(found)


def test_names_that_begin_alike_are_told_apart():
    """An index is not taken for another one whose name goes on."""
    lines = ['kqi_office_sales{office="o",window="1h"} 7', 'kqi_office_sales_other{office="o",window="1h"} 9']
    lines += ['kqi_office_average_ticket{office="p",window="1h"} 3']
    assert page(*lines, wanted=Wanted("sales", "1h")).offices == {"o": ("o", 7, None, None, None, None, ())}
    seconds = ['kqi_office_average_speed_of_answer_seconds{office="o",window="1h"} 7.5']
    seconds += ['kqi_office_calls_answered{office="o",window="1h"} 4']
    wanted = Wanted("average_speed_of_answer_s", "1h")
    assert page(*seconds, wanted=wanted).offices["o"][:5] == ("o", 7.5, None, None, 4)


def test_order():
    """The greatest first or the least, by value, count or name; equal ones by name; an office of two workers once."""
    one = page(*office("b", 0.5), *office("a", 0.5), *office("c", 0.1, surveys=(50,)))
    two = page(*office("c", 0.2, surveys=(50,)), *office("d", 0.9), url="http://w2:9464/metrics")

    def names(**wanted):
        return "".join(each.name for each in ranked([one, two], WANTED._replace(**wanted)))

    assert names() == "dabc"
    assert names(least_first=True) == "cbad"
    assert names(order="count") == "cabd"
    assert names(order="office") == "abcd"
    assert ranked([one, two], WANTED)[-1].value == 0.2


def test_only_so_many_offices():
    """And it is told of how many."""
    lines = printed(page(*office("b", 0.5), *office("a", 0.6)), wanted=WANTED._replace(limit=1))
    assert "ink_personnel, 1h, 1 of 2 offices" in lines
    assert [line for line in lines if line.startswith(("1 ", "2 "))] == ["1 a 0.6000 0.5000 - 0.7000 3"]


WORKER = (
    "kqi_worker_ready 1",
    "kqi_worker_partitions 4",
    'kqi_worker_events_total{type="sale"} 1000',
    'kqi_worker_events_total{type="visit"} 500',
    'kqi_worker_lag{topic="kqi.sales",partition="0"} 7',
    'kqi_worker_lag{topic="kqi.visits",partition="1"} 5',
    'kqi_worker_dead_letters_total{reason="not_json"} 3',
    'kqi_worker_checkpoint_timestamp_seconds{partition="0"} 95',
    'kqi_worker_checkpoint_timestamp_seconds{partition="1"} 90',
    "kqi_worker_batch_seconds_sum 12",
)


def test_a_worker():
    """Sums over its partitions, the oldest of its checkpoints; the rate since the look before."""
    assert "http://w1:9464 ready 4 1,500 12 3 20 s ago" in printed(page(*WORKER))
    before = page(*WORKER[:2], 'kqi_worker_events_total{type="sale"} 1400', now_s=96.0)
    assert "http://w1:9464 ready 4 1,500 25.0 12 3 20 s ago" in printed(page(*WORKER), before=[before])
    started_anew = page('kqi_worker_events_total{type="sale"} 9000', now_s=96.0)
    assert "http://w1:9464 ready 4 1,500 12 3 20 s ago" in printed(page(*WORKER), before=[started_anew])
    assert "http://w1:9464 not ready 0 0 0 0" in printed(page("kqi_worker_ready 0"))


def test_one_of_several_that_does_not_answer():
    """It is shown as such, beside the others."""
    away = Page(Worker("http://w2:9464/metrics", fault="connection refused"), {}, frozenset())
    check([page(*office("a", 0.5)), away], WANTED)
    assert "http://w2:9464 no answer: connection refused" in printed(page(*WORKER), away)


def test_nothing_to_show():
    """Nobody answers, or the index is in other windows: a sentence; an index that nobody has: a note."""
    away = Page(Worker("http://w2:9464/metrics", fault="connection refused"), {}, frozenset())
    with pytest.raises(TopError, match=r"^No worker answers at http://w2:9464/metrics: connection refused\.$"):
        check([away], WANTED)
    with pytest.raises(TopError, match=r"^no office has `ink_personnel` in the window 2h, but in 1h$"):
        check([page(*office("a", 0.5))], WANTED._replace(window="2h"))
    check([page(*WORKER)], WANTED)
    assert "no office has a value of `ink_personnel` in this window" in printed(page(*WORKER))


def test_names_change_nothing_on_a_terminal():
    """Neither by control characters nor as the table's own markup."""
    lines = printed(page(*office("[red]\x1b[2Jo", 0.5)))
    assert "1 [red]?[2Jo 0.5000 0.4000 - 0.6000 3" in lines


def test_the_window_is_the_label():
    """An office's name may look like one."""
    seen = page(*office("x window=", 0.5), *office(r"y,window=\"9m\"", 0.5))
    assert set(seen.offices) == {"x window=", 'y,window="9m"'}
    assert seen.windows == {"1h"}


def test_passwords_are_not_shown():
    """Who looks over somebody's shoulder sees where a worker is, and no more."""
    url = "http://scraper:s3cret@w1:9464/metrics"
    away = Page(Worker(url, fault="connection refused"), {}, frozenset())
    with pytest.raises(TopError) as told:
        check([away], WANTED)
    shown = "\n".join([str(told.value), *printed(page(*WORKER, url=url), away)])
    assert "http://w1:9464" in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nkqi_worker_re", "incompleteread"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "ssh-2.0"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\0\xff\xff", "error -3"),
    ],
    ids=["cut", "something else", "broken"],
)
def test_answers_that_cannot_be_read(answer, fault):
    """A worker that is stopped in the middle of one, or that is none, does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=answer_once, args=(server, answer))
        answering.start()
        (seen,) = Watching([f"http://127.0.0.1:{server.getsockname()[1]}/metrics"], WANTED).look()
        answering.join()
    assert fault in seen.worker.fault


def answer_once(server, answer):
    """Answer whoever asks first."""
    connected, _ = server.accept()
    with connected:
        connected.recv(10_000)
        connected.sendall(answer)


def test_addresses():
    """A host and a port will do; pages of other kinds are refused."""
    assert address_of("w1:9464") == address_of("http://w1:9464/") == "http://w1:9464/metrics"
    assert address_of("https://w1/kqi/metrics") == "https://w1/kqi/metrics"
    for wrong in ("file:///etc/passwd", "http://", "ftp://w1", "http://w1:abc", "http://w 1"):
        with pytest.raises(ValueError, match="is no address"):
            address_of(wrong)
