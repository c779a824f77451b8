"""Incidents as files that any statistics package reads."""

from __future__ import annotations

import os
from typing import Any

from .incidents import Incidents, needs
from .keys import Path
from .simulation import Run
from .step import Step
from .tables import arrow, geo


def write_parquet(path: Path, what: Run | Step | Incidents, boundaries: Any = None) -> int:
    """Writes incidents as Parquet, or as GeoParquet if boundaries are given, and returns how many there are.

    - `what`: a run (all its steps so far), a step, or incidents.
    - `boundaries`: as in `Incidents.geo`; each incident then has its area's shape.

    The file's metadata has the model and its digest; of a run also its name, start and step. The same incidents give
    the same file. A file that is there is replaced when the new one is whole.
    """
    if not isinstance(what, (Run, Step, Incidents)):
        raise TypeError(
            f"a run, a step or incidents are written, not {type(what).__name__}; of asyncio, await run.incidents()"
        )
    metadata: dict[str, str] = {}
    if isinstance(what, Run):
        metadata = {"crims:run": what.name, "crims:start": what.start.isoformat(), "crims:step": what.step_length}
        what = what.incidents()
    elif isinstance(what, Step):
        what = what.incidents
    metadata = {"crims:model": what.model.name, "crims:digest": what.model.digest, **metadata}
    unfinished = f"{os.fspath(path)}.{os.getpid()}.part"
    try:
        if boundaries is None:
            table = arrow(what)
            table = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
            needs("pyarrow.parquet", "frame").write_table(table, unfinished)
        else:
            geo(what, boundaries).to_parquet(unfinished, index=False)
            _add_metadata(unfinished, metadata)
        os.replace(unfinished, path)
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)
    return len(what)


def _add_metadata(path: str, metadata: dict[str, str]) -> None:
    """To a file that another library has written."""
    parquet = needs("pyarrow.parquet", "geo")
    table = parquet.read_table(path)
    parquet.write_table(table.replace_schema_metadata({**table.schema.metadata, **metadata}), path)
