"""The package: it installs, builds, is typed, says what is wrong with a set-up, and its README runs."""

import ast
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile

import crims
import pytest
from conftest import MODELS, ROOT

PACKAGE = ROOT / "clients" / "python"
SOURCES = PACKAGE / "src"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package's files, so that building leaves nothing behind in the checkout."""
    folder = tmp_path_factory.mktemp("package") / "python"
    ignore = shutil.ignore_patterns("*.egg-info", "build", "dist", ".*", "__pycache__")
    return shutil.copytree(PACKAGE, folder, ignore=ignore)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, copy):
    """A new virtual environment with the package, installed by one command; its Python."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", copy], check=True, timeout=300)
    return python


def test_one_command_installs_it_and_it_runs(fresh, tmp_path):
    code = (
        "import crims\n"
        f"with crims.launch(models={str(MODELS)!r}) as sim, sim.open('merseyside', start='2020-01-06') as run:\n"
        "    print(len(list(run.step(24).incidents)))\n"
        "    try: run.history()\n"
        "    except crims.MissingPackage as error: print(error)\n"
        "import netlogo_adapter\n"
    )
    said = subprocess.run([fresh, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    count, missing = said.stdout.splitlines()
    assert int(count) > 200 and "pip install pandas" in missing


def test_wheel_and_source_distribution(copy, tmp_path):
    subprocess.run([sys.executable, "-m", "build", "--outdir", tmp_path, copy], check=True, capture_output=True,
                   timeout=300)
    (wheel,) = tmp_path.glob("crims-*.whl")
    (source,) = tmp_path.glob("crims-*.tar.gz")
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = {file.relative_to(SOURCES).as_posix() for file in SOURCES.rglob("*.py")} | {"crims/py.typed"}
    assert files <= inside
    with tarfile.open(source) as archive:
        names = archive.getnames()
    assert all(any(name.endswith(f"/src/{file}") for name in names) for file in files)
    assert crims.__version__ in wheel.name


def test_the_versions_agree():
    text = (PACKAGE / "pyproject.toml").read_text()
    assert re.search(r'^version = "(.*)"', text, re.MULTILINE)[1] == crims.__version__


def test_it_is_fully_typed():
    said = subprocess.run([sys.executable, "-m", "mypy"], cwd=PACKAGE, capture_output=True, text=True, timeout=300)
    assert said.returncode == 0, said.stdout + said.stderr


def test_it_is_python_3_9():
    for file in sorted(SOURCES.rglob("*.py")):
        tree = ast.parse(file.read_text(), feature_version=(3, 9))
        future = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
        assert future, f"{file.name}: annotations are evaluated"


def test_what_is_public_is_documented():
    for name in crims.__all__:
        assert getattr(crims, name).__doc__, name
    text = (PACKAGE / "README.md").read_text()
    for name in ("connect", "launch", "compare", "write_parquet", "Listener", "NoDaemon", "DaemonLost", "TooLong"):
        assert name in text


def test_the_readme_runs(tmp_path):
    code, replications, twin = re.findall(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(SOURCES), "COLUMNS": "200"})
    assert said.returncode == 0, said.stderr
    assert "crime_category" in said.stdout and "baseline" in said.stdout
    code = f"import crims, asyncio\n{replications}\nprint(burglaries(1))\nasync def main():\n"
    code += "".join(f"    {line}\n" for line in twin.splitlines()) + "    print(step.seq)\nasyncio.run(main())\n"
    with crims.launch(models=MODELS) as sim:
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PYTHONPATH": str(SOURCES), "CRIMS_CONTROL": sim.control})
    assert said.returncode == 0, said.stderr
    assert said.stdout.split()[1] == "23"


def doctor(*arguments, **environment):
    command = [sys.executable, "-m", "crims.doctor", *arguments]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(SOURCES), **environment})
    return said.returncode, said.stdout


def test_the_doctor_finds_nothing(sim):
    code, words = doctor("--control", sim.control)
    assert code == 0 and "Nothing is wrong." in words and "an hour of merseyside" in words
    assert "wrong  " not in words
    assert not [run for run in sim.status() if run["run"].startswith("python-") and run["next_seq"] == 1]


def test_the_doctor_says_what_is_wrong(tmp_path):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        code, words = doctor("--control", nobody, "--timeout", "1")
    assert code == 1 and "nobody listens there" in words
    with socket.create_server(("127.0.0.1", 0)) as other:
        import threading

        def answer():
            for _ in range(8):
                taken, _ = other.accept()
                taken.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                taken.close()

        threading.Thread(target=answer, daemon=True).start()
        code, words = doctor("--control", f"tcp://127.0.0.1:{other.getsockname()[1]}", "--timeout", "0.5")
    assert code == 1 and "not ZeroMQ" in words
    code, words = doctor("--control", f"ipc://{tmp_path}/none", "--timeout", "0.5")
    assert code == 1 and "no such socket" in words
    code, words = doctor("--control", "127.0.0.1:5555")
    assert code == 1 and "no endpoint" in words
    broken = tmp_path / "crims"
    broken.write_text("#!/bin/sh\necho no >&2\nexit 3\n")
    broken.chmod(0o755)
    code, words = doctor("--control", nobody, "--timeout", "0.5", CRIMS_BIN=str(broken))
    assert code == 1 and "does not run: no" in words


def test_the_doctor_knows_a_daemon_with_keys(tmp_path):
    keys = tmp_path / "keys"
    for name, role in (("server", None), ("alice", "driver"), ("bob", "observer"), ("eve", "driver")):
        subprocess.run([crims.find_executable(), "keys", "new", name, *(["--role", role] if role else []), "-o", keys],
                       check=True, capture_output=True, timeout=20)
    clients = tmp_path / "clients"
    clients.mkdir()
    for name in ("alice", "bob"):
        (clients / f"{name}.key").write_bytes((keys / f"{name}.key").read_bytes())
    options = ("--server-key", str(keys / "server.key_secret"), "--client-keys", str(clients))
    daemon = crims.Daemon(crims.find_executable(), options, MODELS, None)
    try:
        server = ("--control", daemon.control, "--timeout", "1", "--server-key", str(keys / "server.key"))
        code, words = doctor(*server, "--client-key", str(keys / "alice.key_secret"))
        assert code == 0 and "your role is 'driver'" in words and "an hour of" in words
        code, words = doctor(*server, "--client-key", str(keys / "bob.key_secret"))
        assert code == 0 and "your role is 'observer'" in words
        code, words = doctor(*server, "--client-key", str(keys / "eve.key_secret"))
        assert code == 1 and "your key is not admitted" in words
        code, words = doctor("--control", daemon.control, "--timeout", "1")
        assert code == 1 and "it has keys" in words
        code, words = doctor("--control", daemon.control, "--timeout", "1",
                             CRIMS_CLIENT_KEY=str(keys / "alice.key_secret"), CRIMS_SERVER_KEY=str(keys / "server.key"))
        assert code == 0 and "your role is 'driver'" in words
        with crims.connect(daemon.control, client_key=keys / "bob.key_secret", server_key=keys / "server.key") as bob:
            with pytest.raises(crims.Forbidden):
                bob.open("merseyside", start="2020-01-06")
            with pytest.raises(ValueError, match="NAME.key_secret"):
                crims.connect(daemon.control, client_key=keys / "bob.key", server_key=keys / "server.key")
            with pytest.raises(FileNotFoundError, match="crims keys new"):
                crims.connect(daemon.control, client_key=pathlib.Path("none"), server_key=keys / "server.key")
    finally:
        daemon.end()


def test_the_doctor_knows_the_port_of_events(sim):
    code, words = doctor("--control", sim.endpoints["events"][0], "--timeout", "1")
    assert code == 1 and "port of its events" in words
