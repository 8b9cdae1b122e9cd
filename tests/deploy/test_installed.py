"""KQI installed as its users install it, with nothing of the tree in reach: by pip, in files that nobody can write to."""

import ctypes.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.caching import UserProvidedCacheLocator

from tests.deploy.tools import DEPLOY, ROOT, output
from tests.service import END_S, Service, Worker, compile_kernels, environment, kqi_inside

EXAMPLE = ROOT / "docs" / "examples" / "counter.ndjson"
PACKAGES = ("kernels", "streams", "agents")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder in which pip has installed KQI, without what it depends on: `bin/kqi`, and the packages."""
    source = tmp_path_factory.mktemp("source")
    home = tmp_path_factory.mktemp("home")
    tracked = output("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in tracked:
        if name in ("pyproject.toml", "README.md") or name.startswith(tuple(f"{each}/" for each in PACKAGES)):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", "install", *options, f"--target={home}", source], check=True)
    return home


@pytest.fixture(scope="module")
def compiled(home, tmp_path_factory):
    """Return a folder with the kernels of that home, compiled, as numba keeps them."""
    compile_kernels()
    place = Path(UserProvidedCacheLocator.get_suitable_cache_subpath(str(home / "kernels" / "pairing.py")))
    folder = tmp_path_factory.mktemp("compiled")
    (folder / place).mkdir()
    ours = Path(os.environ.get("NUMBA_CACHE_DIR") or ROOT / "kernels" / "__pycache__")
    for pattern in ("*.nbi", "*.nbc"):
        for file in ours.glob(pattern):
            shutil.copy(file, folder / place)
    return folder


@pytest.fixture
def read_only(home, compiled):
    """Let nobody write to either of them."""
    folders = [folder for root in (home, compiled) for folder in (root, *root.rglob("*")) if folder.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    yield
    for folder in folders:
        folder.chmod(0o755)


def installed(home, folder, settings=(), **variables):
    """Return the environment of a command of that home, whose user has an empty folder."""
    path = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    kept = environment(**dict(settings)) | {"PYTHONPATH": str(home), "PYTHONSAFEPATH": "1", "HOME": str(folder)}
    return kept | {"PATH": path} | {name: str(value) for name, value in variables.items()}


def test_pip_installs_all_of_it(home):
    """Every module and every file of the board, and nothing that stands beside them."""
    there = {str(file.relative_to(home)) for file in home.rglob("*") if file.is_file()}
    there = {name for name in there if name.startswith(PACKAGES) and "__pycache__" not in name}
    kept = output("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES).split()
    assert there == set(kept)


def test_the_command_needs_nothing_of_the_tree(home, compiled, tmp_path):
    """It says from another folder what it says here."""
    command = ["replay", "--strict", "--format", "json", EXAMPLE]
    done = subprocess.run(
        [home / "bin" / "kqi", *command],
        cwd=tmp_path,
        env=installed(home, tmp_path, NUMBA_CACHE_DIR=compiled),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == kqi_inside(*command).stdout_bytes != b""


def health(port):
    """Return the status of the image's health check, for a worker on a port."""
    command = json.loads(re.search(r"HEALTHCHECK .*\\\n\s+CMD (.*)", (DEPLOY / "Dockerfile").read_text())[1])
    variables = os.environ | {"KQI_METRICS_PORT": port}
    return subprocess.run(
        [sys.executable, *command[1:]], env=variables, stderr=subprocess.DEVNULL, check=False
    ).returncode


@pytest.mark.kafka
@pytest.mark.skipif(sys.platform != "linux", reason="rights and filters of Linux")
@pytest.mark.usefixtures("read_only")
def test_a_worker_starts_where_it_can_write_nothing(home, compiled, apache_kafka, tmp_path):
    """As in the image and under the unit: no right to write, no capability, no other system calls; and it compiles nothing."""
    for name in ("setpriv", "systemd-analyze"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
    if ctypes.util.find_library("seccomp") is None and not list(Path("/usr/lib").glob("*/libseccomp.so.2")):
        pytest.skip("libseccomp is not installed")
    service = Service(apache_kafka).create_topics()
    cache = tmp_path / "cache"
    command = [
        *("setpriv", "--inh-caps=-all", "--no-new-privs"),
        *(["--bounding-set=-all"] if os.geteuid() == 0 else []),
        *(sys.executable, Path(__file__).with_name("confined.py"), DEPLOY / "systemd" / "kqi-worker@.service"),
        *(DEPLOY / "entrypoint.sh", "worker", "--metrics-port", "0"),
    ]
    variables = installed(home, tmp_path, service.settings, KERNELS=compiled, NUMBA_CACHE_DIR=cache)
    with Worker(list(map(str, command)), variables) as worker:
        worker.wait_until_ready()
        assert "compiling" not in worker.output
        assert health(worker.address.rpartition(":")[2]) == 0
        assert health("1") == 1, "where nobody listens"
        assert worker.stop() == 0, f"not within {END_S} s"
    kept = [file for file in cache.rglob("*") if not file.is_dir() or file.is_symlink()]
    assert len(kept) > 100
    assert [file.name for file in kept if not file.is_symlink()] == []
