"""The directory as operators have it: files or a topic, changed while workers run; what is wrong does not take effect."""

import asyncio
import json
import re
from contextlib import ExitStack

import pytest

from agents.directory import Directing, changes
from streams.configuration import configure
from streams.directory_check import from_toml, read
from streams.directory_log import Change
from streams.engine import Engine
from tests.offices import WINDOWS, Office, now_ms
from tests.service import PATIENCE_S, Service, kqi_inside, until
from tests.topics import Reader, Writer

SETTINGS = {"windows": WINDOWS, "answer_window_s": 0.5, "checkpoint_interval_s": 0.1}
WRONG = '[[offices]]\nid = "riga-1"\ntime_zone = "Europe/Rga"\n'
FAULT = "`time_zone`: `Europe/Rga` is no time zone; expected a name such as Europe/Riga"


def asking(question, more=""):
    """Return a directory in which every office asks one question."""
    return f'[defaults]\nquestions = "{question}"\n{more}'


@pytest.fixture
def file(tmp_path):
    """Return the path of a directory that asks about the personnel."""
    path = tmp_path / "offices.toml"
    path.write_text(asking("personnel"))
    return path


@pytest.fixture
def service(embedded_kafka):
    """Return a service with its topics."""
    return Service(embedded_kafka, **SETTINGS).create_topics()


def is_valid(seen):
    """Say whether a worker has what is there now in force."""
    return seen("kqi_worker_directory_valid")


def last_of(reader, office, press):
    """Return the last message about a survey."""
    found = [each for each in office.records(reader.messages) if each["survey_id"] == press["event_id"]]
    return found[-1] if found else None


def test_a_changed_file_takes_effect_and_a_wrong_one_does_not(service, file):
    """Surveys that named no question follow the file, are told anew, and stay as they are while the file is wrong."""
    with service.worker(directory=str(file)) as worker, Writer(service) as writer, Reader(service, "surveys") as reader:
        worker.wait_until_ready()
        office = Office(writer, worker)
        press = office.survey("no")
        named = office.seller(now_ms() - 5000, panel="p2", question="loyalty")
        office.until("ink_personnel_ratio", 1)
        until(lambda: last_of(reader, office, press), "the survey")
        before = last_of(reader, office, press)
        assert before["question"] == "personnel"

        file.write_text(asking("office", f'[[offices]]\nid = "{office.office_id}"\nname = "Centre"\nregion = "R"\n'))
        office.until("ink_office_ratio", 1)
        assert office.values("ink_personnel_ratio") == [None] * 3
        assert office.values("ink_office_ratio", "employee") == [1] * 3
        until(lambda: last_of(reader, office, press)["question"] == "office", "the survey again")
        after = last_of(reader, office, press)
        assert after["revision"] > before["revision"]
        assert {name: value for name, value in after.items() if name not in ("question", "revision")} == {
            name: value for name, value in before.items() if name not in ("question", "revision")
        }
        until(lambda: last_of(reader, office, named), "the named one")
        assert last_of(reader, office, named)["question"] == "loyalty"
        info = {"office": office.office_id, "name": "Centre", "region": "R", "time_zone": "UTC"}
        seen = worker.scrape()
        assert seen("kqi_office_info", **info) == 1
        made_s = seen("kqi_worker_directory_timestamp_seconds")
        assert made_s == pytest.approx(file.stat().st_mtime, abs=1e-3)

        file.write_text(asking("loyalty", WRONG))
        seen = worker.until(lambda seen: is_valid(seen) == 0)
        assert seen("kqi_worker_directory_timestamp_seconds") == made_s
        assert seen("kqi_office_info", **info) == 1
        assert office.values("ink_office_ratio") == [1] * 3
        assert worker.output.count(f"office `riga-1` in {file}: {FAULT}") == 1

        file.write_text(asking("loyalty"))
        office.until("iel_ratio", -0.9)
        assert worker.scrape()("kqi_worker_directory_valid") == 1
        assert all(each not in worker.output for each in ("Centre", "Traceback"))


def test_a_file_that_is_being_written_is_not_taken(file, monkeypatch):
    """Half of it is right, too: it would have all of a month asked anew for a moment."""
    monkeypatch.setattr("agents.directory.LOOK_S", 0.1)

    async def written_slowly():
        with file.open("w") as text:
            for number in range(20):
                text.write(f'[[offices]]\nid = "o{number}"\n')
                text.flush()
                await asyncio.sleep(0.02)

    async def scenario():
        found = changes(configure(("the test", {"directory": str(file)})))
        assert (await anext(found)).directory.defaults.questions == "personnel"
        writing = asyncio.create_task(written_slowly())
        change = await asyncio.wait_for(anext(found), PATIENCE_S)
        assert len(change.directory.offices) == 20
        await writing
        await found.aclose()

    asyncio.run(scenario())


def test_a_file_that_changed_while_no_worker_ran(service, file):
    """Whoever starts from a checkpoint under another directory tells again what differs."""
    with Writer(service) as writer, Reader(service, "surveys") as reader:
        with service.worker(directory=str(file)) as worker:
            worker.wait_until_ready()
            office = Office(writer, worker)
            press = office.survey("no")
            office.until("ink_personnel_ratio", 1)
            until(lambda: last_of(reader, office, press), "the survey")
            assert worker.stop() == 0
        file.write_text(asking("office"))
        with service.worker(directory=str(file)) as worker:
            worker.wait_until_ready()
            assert re.search(r"restored [1-9]", worker.output)
            until(lambda: worker.scrape().total("kqi_office_ink_office_ratio", window="1h") == 1, "the other question")
            until(
                lambda: (
                    [each for each in map(value, reader.messages) if each["survey_id"] == press["event_id"]][-1][
                        "question"
                    ]
                    == "office"
                ),
                "the survey again",
            )


def value(message):
    """Return what a message says."""
    return json.loads(message.value())


def test_the_topic(service, tmp_path):
    """What is published takes effect in all workers of a group; what a stranger breaks does not, and is said."""
    file = tmp_path / "offices.toml"
    offices = "".join(f'[[offices]]\nid = "o{n}"\nname = "N{n}"\n' for n in range(8))
    file.write_text(asking("office", offices + '[[employees]]\nid = "ann"\noffice = "o1"\n'))
    with ExitStack() as stack:
        workers = [stack.enter_context(service.worker()) for _ in range(2)]
        writer = stack.enter_context(Writer(service))
        for worker in workers:
            worker.wait_until_ready()
        done = service.kqi_inside("directory", "publish", file)
        assert (done.exit_code, done.stderr) == (0, "kqi: 10 entries set, 0 taken out, 0 as they were\n")
        for n in range(8):
            ts_ms = now_ms() - 10_000
            press = {"ts": ts_ms, "office_id": f"o{n}", "panel_id": "p"}
            seller = {"type": "seller_press", "event_id": "s", "employee_id": "ann", "hold_ms": 1}
            writer.publish(
                "presses", seller | press, {"type": "customer_press", "event_id": "c", "answer": "no"} | press
            )

        def shown(name):
            return sum(
                worker.scrape().total(name, **({"window": "1h"} if "ratio" in name else {})) for worker in workers
            )

        until(lambda: shown("kqi_office_ink_office_ratio") == 8, lambda: workers[0].output)
        assert shown("kqi_office_info") == 8

        file.write_text(asking("loyalty", offices))
        done = service.kqi_inside("directory", "publish", file)
        assert done.stderr == "kqi: 1 entries set, 1 taken out, 8 as they were\n"
        until(lambda: shown("kqi_office_iel_ratio") == pytest.approx(-8), lambda: workers[0].output)

        writer.send("directory", b'{"id":"o1","time_zone":"Europe/Rga"}', key=b'["office","o1"]', partition=0)
        for worker in workers:
            worker.until(lambda seen: is_valid(seen) == 0)
            assert FAULT in worker.output
        assert shown("kqi_office_iel_ratio") == pytest.approx(-8)
        done = service.kqi_inside("directory")
        assert done.exit_code == 1
        assert FAULT in done.stderr
        assert "N1" in done.stdout

        assert service.kqi_inside("directory", "publish", file).exit_code == 0
        for worker in workers:
            worker.until(is_valid)


def test_who_starts_with_a_topic_that_is_not_right_takes_the_last_state_that_was(monkeypatch):
    """It is in force, and what is there now is said not to be."""
    right = read(from_toml(asking("office"), "before")).directory

    async def found(_configuration):
        yield Change(right, [FAULT], 1.5)

    monkeypatch.setattr("agents.directory.changes", found)

    async def scenario():
        engine = Engine(configure())
        directing = Directing(engine.configuration, engine)
        await directing.start()
        assert (engine.directory, directing.is_right, directing.time_s) == (right, False, 1.5)
        await directing.stop()

    asyncio.run(scenario())


def test_show(tmp_path, file):
    """Files that the configuration names are shown without a broker, as a table or as JSON."""
    file.write_text(asking("loyalty", '[[offices]]\nid = "riga-1"\nname = "Centre"\ntime_zone = "Europe/Riga"\n'))
    people = tmp_path / "people.toml"
    people.write_text('[[employees]]\nid = "ann"\noffice = "riga-1"\nfrom = 2026-01-01\n')
    files = json.dumps([str(file), str(people)])
    done = kqi_inside("directory", directory=files)
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.search(r"riga-1 +Centre +Europe/Riga +loyalty +yes +1 +0", done.stdout)
    done = kqi_inside("directory", "--format", "json", directory=files)
    assert json.loads(done.stdout) == {
        "defaults": [{"questions": "loyalty"}],
        "office": [{"id": "riga-1", "name": "Centre", "time_zone": "Europe/Riga"}],
        "employee": [{"id": "ann", "office": "riga-1", "from": "2026-01-01"}],
        "panel": [],
        "plan": [],
        "matrix": [],
    }


def test_a_wrong_directory_is_refused_everywhere(service, file):
    """`check`, `replay`, `directory`, `directory publish` and a worker that starts say what is wrong, and where."""
    file.write_text(WRONG)
    sentence = f"kqi: office `riga-1` in {file}: {FAULT}\n"
    for status, command in ((2, ["check"]), (2, ["replay", "-"]), (1, ["directory"])):
        done = kqi_inside(*command, directory=str(file))
        assert (done.exit_code, done.stderr) == (status, sentence), command
    done = service.kqi_inside("directory", "publish", file)
    assert (done.exit_code, done.stderr) == (2, sentence)
    with service.worker(directory=str(file)) as worker:
        until(lambda: worker.has_ended, lambda: worker.output, PATIENCE_S)
        assert worker.output.endswith(sentence)
    missing = kqi_inside("check", directory=str(file.with_name("none.toml")))
    assert missing.stderr == f"kqi: {file.with_name('none.toml')}: No such file or directory\n"


def test_check_says_that_it_is_right(file):
    """`kqi check` looks at the files that the configuration names."""
    done = kqi_inside("check", directory=str(file))
    assert (done.exit_code, done.stderr) == (0, f"kqi: the directory of {file}: right, 0 offices\n")
