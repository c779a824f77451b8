"""An archive server, and fetches from it: the fixtures of the tests of `crims fetch`."""

import csv
import os
import subprocess

import pytest
from archive_server import MONTHS, PATH, ArchiveServer, archive, street
from conftest import CRIMS, ROOT, wait_for_binary

def lsoas(force):
    with open(ROOT / "reference" / "areas.csv") as areas, open(ROOT / "reference" / "lsoa.csv") as places:
        of_force = {row["code"] for row in csv.DictReader(areas) if row["force"] == force}
        return [row["lsoa"] for row in csv.DictReader(places) if row["msoa"] in of_force]


@pytest.fixture(scope="session")
def data():
    """An archive of two months of Merseyside, and of one of a neighbour: some 300 kB."""
    places = lsoas("merseyside")
    files = {f"{m}/{m}-merseyside-street.csv": street(m, places, 2_500) for m in MONTHS}
    files["2020-12/2020-12-cheshire-street.csv"] = street("2020-12", places[:1], 500)
    files["2020-12/2020-12-merseyside-outcomes.csv"] = "Crime ID,Month\n"
    return archive(files)


@pytest.fixture
def server(data):
    server = ArchiveServer()
    server.files[PATH] = data
    yield server
    server.end()


@pytest.fixture
def command(server, tmp_path):
    """The words of a fetch of both months into tmp_path, with short waits; later words override."""
    wait_for_binary()

    def words(*more):
        given = {"--force": "merseyside", "--from": "2020-11", "--to": "2020-12", "-o": tmp_path,
                 "--base": server.address, "--timeout": "10", "--wait": "0.05", "--retries": "3"}
        more = list(map(str, more))
        given.update(zip(more[::2], more[1::2]))
        return [CRIMS, "fetch", *(str(word) for pair in given.items() for word in pair if word != "")]

    return words


@pytest.fixture
def fetch(command):
    """Runs a fetch and returns what it did; always bounded."""

    def run(*more, timeout=20, env=(), **options):
        return subprocess.run(command(*more), cwd=ROOT, capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, env={**os.environ, **dict(env)}, **options)

    return run


@pytest.fixture
def start(command):
    """Starts fetches that end with the test."""
    running = []

    def begin(*more, **options):
        running.append(subprocess.Popen(command(*more), cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
                                        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}))
        return running[-1]

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=5)
