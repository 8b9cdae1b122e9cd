"""What checks `deploy/` where there is neither an engine nor a cluster: linters and schemas, kubectl, systemd's own tools."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VENV = Path(__file__).parent / ".venv"
PATIENCE_S = 60


def found(name):
    """Return the path of a tool, or None."""
    return shutil.which(name, path=f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}")


def run(name, *arguments):
    """Run a tool to its end; return its status, its output and what it said besides. Without it the test is skipped."""
    path = found(name)
    if path is None:
        pytest.skip(f"{name} is not installed: `make deploy-tools`, or .ci/run")
    command = [path, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return done.returncode, done.stdout, done.stderr


def judged(*command):
    """Run a tool that judges something; return its status and all that it said."""
    status, output, said = run(*command)
    return status, output + said


def output(*command):
    """Run a tool that must succeed; return its output."""
    status, output, said = run(*command)
    assert status == 0, said
    return output


def as_objects(yaml_text):
    """Return the documents of a YAML text, read by the tools' own reader."""
    read = "import json, sys, yaml; json.dump([each for each in yaml.safe_load_all(sys.stdin) if each], sys.stdout)"
    if not (VENV / "bin" / "python").exists():
        pytest.skip("the tools are not installed: `make deploy-tools`")
    done = subprocess.run(
        [VENV / "bin" / "python", "-c", read], input=yaml_text, capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)
