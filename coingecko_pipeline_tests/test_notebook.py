"""docs/analysis.ipynb answers its five questions, with a picture of each, on the demo's database."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from coingecko_pipeline_tests.cli.programs import run_program

NOTEBOOK = Path(__file__).parents[1] / "docs" / "analysis.ipynb"
MISSING = [name for name in ("ipykernel", "matplotlib", "nbclient") if find_spec(name) is None]

# In a process of its own: a kernel's libraries warn, and a warning is an error in the tests.
EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


def test_it_is_kept_without_what_it_showed() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)
    questions = re.findall(r"^## (\d)\. .+\?$", "\n".join("".join(cell["source"]) for cell in cells), re.MULTILINE)
    assert questions == list("12345")


@pytest.mark.skipif(bool(MISSING), reason=f"the dependency group notebook is not installed: {', '.join(MISSING)}")
def test_each_question_is_answered_with_a_picture_on_the_demos_database(tmp_path: Path) -> None:
    demo = run_program(tmp_path, "demo")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    shown = tmp_path / "shown.ipynb"
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{tmp_path}/data/demo/coingecko.db",
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "MPLCONFIGDIR": str(tmp_path / "matplotlib"),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(NOTEBOOK.parents[1]), os.environ.get("PYTHONPATH")))),
    }
    executed = subprocess.run(
        [sys.executable, "-c", EXECUTE, NOTEBOOK, shown],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert executed.returncode == 0, executed.stderr
    answers = [cell["outputs"] for cell in json.loads(shown.read_text(encoding="utf-8"))["cells"] if "outputs" in cell]
    for outputs in answers[1:]:
        kinds = [set(output.get("data", ())) for output in outputs]
        assert [kind for kind in kinds if "image/png" in kind], outputs
        assert [kind for kind in kinds if "text/html" in kind or "text/plain" in kind], outputs
    assert len(answers) == 6
    assert not [output for outputs in answers for output in outputs if output["output_type"] in ("error", "stream")]
