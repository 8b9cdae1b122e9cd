"""`deploy/systemd`, by systemd's own judgement."""

import re

from tests.deploy.tools import DEPLOY, judged
from tests.service import END_S

UNIT = DEPLOY / "systemd" / "kqi-worker@.service"
EXPOSURE_AT_MOST = 1.2  # of 10: what is left is that it talks to a network, and kernels


def setting(name):
    """Return the values of a setting."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


def rooted(tmp_path, text):
    """Return a tree in which a unit is installed, with the command that it starts."""
    unit = tmp_path / "etc" / "systemd" / "system" / UNIT.name
    command = tmp_path / "opt" / "kqi" / "bin" / "kqi"
    for file in (unit, command):
        file.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(text)
    command.touch(mode=0o755)
    return tmp_path


def test_systemd_understands_the_unit(tmp_path):
    """It has no remark; and it has one on a setting that does not exist."""
    verify = ("systemd-analyze", "verify", "--man=no", "--recursive-errors=no")
    root = rooted(tmp_path, UNIT.read_text())
    assert judged(*verify, f"--root={root}", "kqi-worker@9464.service") == (0, "")
    rooted(tmp_path, UNIT.read_text().replace("ProtectHome=", "ProtectHomes="))
    assert "ProtectHomes" in judged(*verify, f"--root={root}", "kqi-worker@9464.service")[1]


def test_the_unit_can_do_little_but_its_work():
    """By systemd's own measure."""
    status, said = judged(
        "systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_AT_MOST * 10:g}", UNIT
    )
    assert status == 0, said


def test_workers_have_time_to_end_and_are_started_again():
    """As the documents promise."""
    assert float(*setting("TimeoutStopSec")) > END_S
    assert setting("Restart") == ["on-failure"]
    assert setting("StartLimitIntervalSec") == ["0"]


def test_kernels_are_kept_where_the_worker_may_write():
    """They are compiled at the first start alone."""
    assert setting("Environment") == [f"NUMBA_CACHE_DIR=/var/cache/{setting('CacheDirectory')[0]}"]


def test_the_user_is_made():
    """The one that the unit names."""
    assert f"u {setting('User')[0]} " in (DEPLOY / "systemd" / "kqi.sysusers").read_text()
