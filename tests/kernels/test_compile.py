"""The cache of compiled kernels."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from kernels import compile as compile_module

LOW = "from trial.compile import kernel\n@kernel\ndef one():\n    return {}\n"
HIGH = "from trial.compile import kernel\nfrom trial.low import one\n@kernel\ndef ten():\n    return one() * 10\n"
RUN = "from trial.high import ten; print(ten(), sum(ten.stats.cache_hits.values()))"


def test_a_kernel_is_renewed_when_one_that_it_calls_changes(tmp_path):
    """A change in one file reaches the kernels of all others; without a change the cache is used."""
    package = tmp_path / "trial"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "high.py").write_text(HIGH)
    shutil.copy(Path(compile_module.__file__), package / "compile.py")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    # Python knows its own bytecode by whole seconds and size: a file written twice within one would be the first.
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    answers = []
    for value in (1, 1, 2):
        (package / "low.py").write_text(LOW.format(value))
        run = subprocess.run(
            [sys.executable, "-c", RUN], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        answers.append(run.stdout.split())
    assert answers == [["10", "0"], ["10", "1"], ["20", "0"]]
