"""Functions that are called like their modules stay functions, whatever is imported first."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from valuetier import evaluate

SAME = ("concentration", "drift", "holdout", "migration", "profile", "stability")
FIRST = {
    "module": "import valuetier.evaluate.{name}",
    "package": "import valuetier as vt; vt.evaluate; import valuetier.evaluate.{name}",
    "importlib": "import importlib; importlib.import_module('valuetier.evaluate.{name}')",
    "neighbour": "import valuetier.evaluate._refits, valuetier.evaluate.{name}",
}


@pytest.mark.parametrize("first", FIRST.values(), ids=FIRST)
def test_importing_a_module_does_not_hide_its_function(first):
    """In a fresh interpreter each name is the function of the package, before and after."""
    lines = [first.format(name=name) for name in SAME]
    lines += ["import valuetier as vt"]
    lines += [
        f"assert vt.evaluate.{name}.__name__ == {name!r} and callable(vt.evaluate.{name})" for name in SAME
    ]
    found = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("name", SAME)
def test_functions_travel_to_other_processes(name):
    """Pickled by module and name, they come back as themselves."""
    function = getattr(evaluate, name)
    assert pickle.loads(pickle.dumps(function)) is function
