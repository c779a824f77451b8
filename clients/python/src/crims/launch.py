"""A daemon of one's own, for as long as it is needed."""

from __future__ import annotations

import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import time
from typing import Any

from .asking import Patience
from .connection import Connection
from .errors import LaunchError
from .keys import Path
from .simulation import Simulation

_ANY_PORT = "tcp://127.0.0.1:*"
_READY_SECONDS = 60.0


def find_executable(executable: Path | None = None) -> str:
    """Where the daemon's executable is: what is given, `CRIMS_BIN` in the environment, `crims` on the path, or what
    `make build` has made in this folder or one above it.

    Raises `LaunchError` if there is none.
    """
    given = executable or os.environ.get("CRIMS_BIN")
    if given:
        if os.path.isfile(given) and os.access(given, os.X_OK):
            return os.path.abspath(given)
        raise LaunchError(f"{os.fspath(given)} is no executable")
    found = shutil.which("crims")
    if found:
        return found
    here = pathlib.Path.cwd()
    for folder in (here, *here.parents):
        built = folder / ".build" / "release" / "crims"
        if os.access(built, os.X_OK):
            return str(built)
    raise LaunchError(
        "there is no daemon to launch: neither `crims` on the PATH, nor .build/release/crims here or above. "
        "Build it with `make build` in a checkout of CriMS, or say where it is with executable= or CRIMS_BIN."
    )


def launch(
    *arguments: object,
    executable: Path | None = None,
    models: Path | None = None,
    data: Path | None = None,
    timeout: float = 60.0,
    limit: float | None = None,
) -> Simulation:
    """Starts a daemon on free ports of this machine, and connects to it. It ends with the connection, or the process.

    - `arguments`: further ones of `crims serve`, such as `"--max-runs", "5000"`.
    - `executable`: see `find_executable`. `models`: a folder of models, besides those that it finds by itself.
    - `data`: a folder in which runs are kept; nothing is kept without it.
    - `timeout`, `limit`: as in `connect`.

    Raises `LaunchError` if it does not get ready, with what it said.
    """
    patience = Patience.of(timeout, limit)
    if models is not None and not os.path.isdir(models):
        raise LaunchError(f"there is no folder of models {os.fspath(models)!r}")
    daemon = Daemon(find_executable(executable), tuple(map(str, arguments)), models, data)
    connection = Connection(daemon.control, patience)
    connection.obituary = daemon.obituary
    try:
        simulation = Simulation(connection, daemon)
        if not simulation.models:
            raise LaunchError(
                "the daemon has found no models, neither in ./models nor beside its executable: say where they are "
                "with models=FOLDER, such as the folder `models` of a checkout of CriMS"
            )
        return simulation
    except BaseException:
        connection.close()
        daemon.end()
        raise


def _models_beside(executable: str) -> pathlib.Path | None:
    """The models of the checkout in which the daemon or this package lies; an installed daemon finds its own."""
    checkouts = [folder.parent for folder in pathlib.Path(executable).parents if folder.name == ".build"]
    checkouts += [folder for folder in pathlib.Path(__file__).parents if (folder / "clients" / "python").is_dir()]
    return next((checkout / "models" for checkout in checkouts if (checkout / "models").is_dir()), None)


class Daemon:
    """A running `crims serve`: `pid`, `control` and `events` endpoints, `http` (the address of the live map, if it was
    launched with `"--http", "127.0.0.1:0"`), and `words()`, what it has said so far."""

    def __init__(self, executable: str, arguments: tuple[str, ...], models: Path | None, data: Path | None) -> None:
        command = [executable, "serve", "--control", _ANY_PORT, "--events", _ANY_PORT, "--end-with-input"]
        command += ["--no-data"] if data is None else ["--data", os.fspath(data)]
        folder = models or _models_beside(executable)
        command += [] if folder is None else ["--models", os.fspath(folder)]
        self._log = tempfile.TemporaryFile()
        # Its standard input is a pipe that nobody writes to: it ends when this process does, however that happens. In
        # a process group of its own, so that Ctrl-C at the terminal reaches who decides what to do, and not the daemon.
        self._process = subprocess.Popen(
            [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            start_new_session=True,
        )
        self._owner = os.getpid()
        self.pid = self._process.pid
        try:
            ready = self._ready()
        except BaseException:
            self.end()
            raise
        self.control: str = ready["control"][0]
        self.events: str = ready["events"][0]
        self.http: str | None = (ready.get("http") or [None])[0]

    def _ready(self) -> dict[str, Any]:
        line, deadline = b"", time.monotonic() + _READY_SECONDS
        output = self._process.stdout
        assert output is not None
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
            byte = os.read(output.fileno(), 4096) if readable else b""
            if not byte:
                code = self._process.poll() if readable else None
                ended = f"ended with {self._process.wait(5) if code is None else code}" if readable else "is not ready"
                raise LaunchError(f"the daemon {ended}: {self.words().strip()[-2000:] or 'it has said nothing'}")
            line += byte
        return json.loads(line)

    def words(self) -> str:
        """What it has said on its standard error."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def obituary(self) -> str | None:
        """What there is to say if it has ended by itself."""
        if self.is_running():
            return None
        code = self._process.poll()
        ended = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        # Its lines of JSON are of its daily business; what went wrong is said in others.
        said = [line for line in self.words().splitlines() if not line.startswith("{")][-20:]
        return f"the daemon that was launched has ended with {ended}" + (": " + "\n".join(said) if said else "")

    def end(self) -> None:
        """Ends it in order, or by force if it hangs."""
        if self._owner != os.getpid():
            return  # a forked process: it is its parent's
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        if self.is_running():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)
        self._log.close()
