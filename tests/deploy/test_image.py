"""The image: its recipe by a linter, and what no linter knows."""

import re
import tomllib

from tests.deploy.tools import DEPLOY, ROOT, judged

RECIPE = (DEPLOY / "Dockerfile").read_text()
BUILD, FINAL = RECIPE.split("\nFROM ")[1:]


def versions(file):
    """Return the locked packages of a file, with the version and where it is for."""
    return set(re.findall(r"^([\w.-]+==[^\\\n]+)", file.read_text(), re.MULTILINE))


def test_the_linter_has_nothing_to_say(tmp_path):
    """And it does where there is something."""
    assert judged("hadolint", "--failure-threshold=style", DEPLOY / "Dockerfile") == (0, "")
    worse = tmp_path / "Dockerfile"
    worse.write_text(RECIPE.replace("USER 10001:10001", "USER root"))
    assert judged("hadolint", "--failure-threshold=style", worse)[0] != 0


def test_the_image_has_what_is_tested():
    """Every package in it has the version and the place of the lock that tests run with, and no other is in it."""
    assert versions(DEPLOY / "requirements.txt") <= versions(ROOT / "requirements.txt")
    assert "--require-hashes --only-binary :all:" in BUILD


def test_the_image_has_all_that_is_needed():
    """Every dependency of the project is in its lock: `make lock` writes both."""
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    locked = {version.split("==")[0] for version in versions(DEPLOY / "requirements.txt")}
    assert {re.split(r"[\[=<>~! ;]", each)[0] for each in needed} <= locked


def test_nobody_runs_as_root():
    """The last word on the user is a number that is not 0, which a cluster can check."""
    assert re.findall(r"^USER (.*)$", FINAL, re.MULTILINE) == ["10001:10001"]


def test_kernels_are_for_the_processor_that_they_were_compiled_for():
    """Numba is told of the same one when it compiles and when it loads: else it would compile at each start."""
    for name, variable in (("KERNELS_CPU", "NUMBA_CPU_NAME"), ("KERNELS_CPU_FEATURES", "NUMBA_CPU_FEATURES")):
        assert f'{variable}="${{{name}}}"' in BUILD
        assert f"{variable}=${{{name}}}" in FINAL
        assert f"ARG {name}\n" in BUILD
        assert f"ARG {name}\n" in FINAL
    assert "NUMBA_CACHE_DIR=/opt/kqi/kernels" in BUILD
    assert "KERNELS=/opt/kqi/kernels" in FINAL


def test_what_is_copied_is_sent_to_the_builder():
    """The list of what is left out lets all of it through."""
    sent = re.findall(r"^!(.*)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    copied = [line.split()[1:-1] for line in RECIPE.splitlines() if line.startswith("COPY ") and "--from" not in line]
    assert {name for names in copied for name in names if not name.startswith("--")} == set(sent)
    assert all((ROOT / name).exists() for name in sent)
