"""The three packages: imports lead only downwards, and their names mean this project's."""

import ast
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("kernels", "streams", "agents")  # from the bottom
WORLD = {"asyncio", "socket", "subprocess", "time", "os", "threading", "urllib", "http", "faust", "aiokafka", "aiohttp"}
ALLOWED = {"kernels": {"numba", "numpy", "kernels"}}  # beside the standard library


def imports(layer):
    """Every imported module of a package, with the file that imports it."""
    for path in sorted((ROOT / layer).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path.name, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path} imports relatively"
                yield path.name, node.module.split(".")[0]


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_lead_downwards(layer):
    """No package knows those above it, nor the tests."""
    above = {*LAYERS[LAYERS.index(layer) + 1 :], "tests", "benchmarks"}
    assert [(name, module) for name, module in imports(layer) if module in above] == []


@pytest.mark.parametrize("layer", ["kernels", "streams"])
def test_only_agents_touch_the_world(layer):
    """No network, no processes, no clock below."""
    assert [(name, module) for name, module in imports(layer) if module in WORLD] == []


@pytest.mark.parametrize("layer", ALLOWED)
def test_kernels_need_numba_and_numpy_alone(layer):
    """Beside the standard library."""
    foreign = {module for _, module in imports(layer)} - set(sys.stdlib_module_names) - ALLOWED[layer]
    assert foreign == set()


@pytest.mark.parametrize("name", LAYERS)
def test_a_package_of_that_name_is_this_projects(name):
    """Other distributions install packages of the same names."""
    (place,) = find_spec(name).submodule_search_locations
    assert Path(place).resolve() == ROOT / name
