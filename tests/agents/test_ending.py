"""How a process ends: at a signal in peace, in time by force, at a second signal at once."""

import signal
import subprocess
import sys
import textwrap
import time

import pytest

PROGRAM = """
    import asyncio, sys, time
    from agents import ending

    ending.END_S = {end_s}

    async def run():
        with ending.until_signal() as end:
            print("begun", flush=True)
            {body}

    asyncio.run(run())
"""
UNTIL_TOLD = "await end.told.wait()"
UNTIL_TOLD_AND_ON = "await end.told.wait(); print('told', flush=True); time.sleep(60)"
LONG_S = 30


def begun(body, end_s=LONG_S):
    """Start a process that does this between its signals; returns when it has begun."""
    program = textwrap.dedent(PROGRAM).format(body=body, end_s=end_s)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_peace(number):
    """Both signals do, and the status is 0."""
    process = begun(UNTIL_TOLD)
    process.send_signal(number)
    assert process.communicate(timeout=LONG_S) == ("", "")
    assert process.returncode == 0


def test_what_takes_too_long_is_ended_by_force():
    """The status is still 0, for it was told to end; one sentence says that something was left."""
    process = begun(UNTIL_TOLD_AND_ON, end_s=0.5)
    process.terminate()
    assert process.communicate(timeout=LONG_S) == (
        "told\n",
        "not everything could be brought to an end within 0.5 s\n",
    )
    assert process.returncode == 0


def test_a_second_signal_ends_it_at_once():
    """With the status that shells give to a process that a signal ended."""
    process = begun(UNTIL_TOLD_AND_ON)
    process.terminate()
    assert process.stdout.readline() == "told\n"
    began_s = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(LONG_S) == 128 + signal.SIGINT
    assert time.monotonic() - began_s < LONG_S / 2


def test_a_crash_that_hangs_is_ended_by_force():
    """Without a signal the status is that of a failure."""
    process = begun("end.begin(); time.sleep(60)", end_s=0.5)
    process.communicate(timeout=LONG_S)
    assert process.returncode == 1


def test_before_there_is_anything_to_end():
    """A process that still prepares ends at once and in peace."""
    program = """
        import time
        from agents.ending import ended_by_signals
        with ended_by_signals():
            print("begun", flush=True)
            time.sleep(60)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"begun\n"
    process.terminate()
    assert process.wait(LONG_S) == 0
