"""The study is written once: its notebook is its page."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "study.md"
NOTEBOOK = ROOT / "notebooks" / "02-which-tiers-to-trust.ipynb"
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(?::[^\n]*\n)*(.*?)^```$", re.DOTALL | re.MULTILINE)


def written_cells():
    """Return kind and text of each cell of the page; its head is none."""
    _, _, body = PAGE.read_text(encoding="utf-8").split("---\n", 2)
    texts = CELL.split(body)  # prose and code in turn
    kinds = ["code" if place % 2 else "markdown" for place in range(len(texts))]
    return [(kind, text.strip()) for kind, text in zip(kinds, texts, strict=True) if text.strip()]


def test_the_notebook_holds_the_cells_of_the_page():
    """Whoever changes one and forgets the other is told: jupytext makes the notebook from the page."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert [(cell["cell_type"], "".join(cell["source"]).strip()) for cell in cells] == written_cells()


def test_the_notebook_is_stored_without_results():
    """What it shows is computed where it is read."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
