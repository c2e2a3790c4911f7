"""How the documentation is built: every page that shows code runs it, and a warning is an error."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.metadata import version as installed_version
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent

project = "valuetier"
author = "The valuetier developers"
copyright = f"2026, {author}"
release = version = installed_version("valuetier")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_nb",
]
exclude_patterns = ["_build", "jupyter_execute"]
templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_title = "valuetier"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"[!a]**": []}  # only the reference, api/, has pages below it

# Pages are executed anew in every build, in a folder of their own, and must print no warning.
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_output_stderr = "remove-warn"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
os.environ["VALUETIER_DOCS_EXAMPLES"] = str(HERE / "examples")

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = True
numpydoc_show_class_members = False

# Inherited from these, a method is explained in their own documentation.
FOREIGN = ("builtins", "pydantic", "sklearn", "typing")


def skip_foreign(_app: Any, _what: str, name: str, member: Any, skip: bool, _options: Any) -> bool | None:
    """Leave out what a class has from scikit-learn, pydantic or Python itself."""
    if isinstance(member, ModuleType):
        return True
    function = getattr(member, "fget", None) or getattr(member, "__func__", None) or member
    home = getattr(function, "__module__", None) or ""
    return True if home.split(".")[0] in FOREIGN or name.startswith("model_") else skip or None


def public_names() -> set[str]:
    """Return the names that the package and its modules declare as public."""
    package = import_module("valuetier")
    things = {name: getattr(package, name) for name in package.__all__ if not name.startswith("_")}
    modules = {name: thing for name, thing in things.items() if isinstance(thing, ModuleType)}
    names = {f"valuetier.{name}" for name in things.keys() - modules.keys()}
    for module, thing in modules.items():
        new = [name for name in getattr(thing, "__all__", ()) if name not in things]
        names |= {f"valuetier.{module}.{name}" for name in new}
    return names


def check_api_is_complete(_app: Any) -> None:
    """Raise if a public name stands nowhere in the reference."""
    text = (HERE / "api" / "index.md").read_text(encoding="utf-8")
    forgotten = sorted(public_names() - set(text.split()))
    if forgotten:
        raise ValueError(f"docs/api/index.md does not list {forgotten}. Add each where it belongs.")


def say_chinese(_app: Any, pagename: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Tell browsers which pages are in Chinese: they choose fonts by it."""
    if pagename.startswith("zh/"):
        context["language"] = "zh"


def setup(app: Any) -> None:
    """Connect the functions above."""
    app.connect("autodoc-skip-member", skip_foreign)
    app.connect("builder-inited", check_api_is_complete)
    app.connect("html-page-context", say_chinese)
