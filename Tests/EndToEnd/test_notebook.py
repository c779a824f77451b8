"""The notebook runs from top to bottom, in seconds, and what it says of coupling is so."""

import json
import os
import time
from importlib.util import find_spec

import pytest
from conftest import CRIMS, ROOT, wait_for_binary

NOTEBOOK = ROOT / "examples" / "policy_experiment.ipynb"
missing = [name for name in ("nbclient", "ipykernel", "matplotlib", "pandas", "scipy") if not find_spec(name)]
needs_a_kernel = pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")
PATIENCE = float(os.environ.get("CRIMS_PATIENCE", "1"))
ASIDE = """
import json
print(json.dumps({
    "rows": table.reset_index().to_dict("records"),
    "coupled": {str(key): effect["coupled"][:, -1].tolist() for key, effect in effects.items()},
}))
"""


@pytest.fixture(scope="module")
def executed():
    """The notebook with its outputs, how long it took, and what its variables hold in the end."""
    import nbclient
    import nbformat

    wait_for_binary()
    notebook = nbformat.read(NOTEBOOK, 4)
    notebook.cells.append(nbformat.v4.new_code_cell(ASIDE))
    client = nbclient.NotebookClient(
        notebook, timeout=60 * PATIENCE, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}})
    begun = time.monotonic()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CRIMS_BIN", str(CRIMS))
        client.execute()
    seconds = time.monotonic() - begun
    aside = notebook.cells.pop()
    return notebook, seconds, json.loads(aside.outputs[0].text)


@needs_a_kernel
def test_it_runs_in_seconds(executed):
    notebook, seconds, _ = executed
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type in ("error", "stream")]
    assert sum("image/png" in output.data for output in outputs) == 1
    assert seconds < 20 * PATIENCE


@needs_a_kernel
def test_coupling_saves_fifteen_times_the_replications(executed):
    rows = {row["dispersion"]: row for row in executed[2]["rows"]}
    dispersed, plain = rows[True], rows[False]
    assert dispersed["times as many worlds"] >= 15
    assert dispersed["by the formula"] >= 50  # what the README says
    assert plain["by the formula"] == pytest.approx(19)
    for row in rows.values():
        # What F with 19 and 19 degrees of freedom leaves out in one case of twenty.
        assert 1 / 2.6 < row["times as many worlds"] / row["by the formula"] < 2.6
        assert abs(row["coupled"] - row["exact"]) < 2 * row["± coupled"]
        assert abs(row["independent"] - row["exact"]) < 2 * row["± independent"]
        assert 0 < row["± coupled"] < row["± independent"] / 15**0.5


@needs_a_kernel
def test_a_coupled_policy_only_takes_away(executed):
    for differences in executed[2]["coupled"].values():
        assert len(differences) == 20 and len(set(differences)) > 5
        assert max(differences) < 0


def test_it_is_kept_without_outputs_and_can_be_read():
    notebook = json.loads(NOTEBOOK.read_text())
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["name"]) == (4, "python3")
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    lines = [line.rstrip("\n") for cell in notebook["cells"] for line in cell["source"]]
    assert max(map(len, lines)) <= 110 and len(lines) < 150
    assert all(not cell["metadata"] for cell in notebook["cells"])
