"""What is installed works from where it is installed; the systemd unit and the Containerfile are in order.

No container engine is needed: the Containerfile is held against what it copies, builds and installs. Nor is a running
systemd: its own tool checks the unit, and what the daemon does is held against what the unit allows.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request

import pytest
from conftest import ANY_PORT, CRIMS, ROOT, read_line, wait_for_binary

UNIT = ROOT / "packaging" / "crims.service"
CONTAINERFILE = (ROOT / "packaging" / "Containerfile").read_text()


def run(*command, timeout=60, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout, **options)


def installed(*variables):
    wait_for_binary()
    done = run("make", "-C", ROOT, "install", f"crims={CRIMS}", *variables)
    assert done.returncode == 0, done.stderr


def needs(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    return pytest.mark.skipif(bool(missing), reason=f"not here: {', '.join(missing)}")


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    installed(f"PREFIX={folder}")
    return folder


def test_what_is_installed_finds_its_model_from_anywhere(prefix, crims):
    command = ("run", "--model", "merseyside", "--start", "2020-01-06", "--end", "2020-01-07", "--seed", "7")
    done = run(prefix / "bin" / "crims", *command, cwd="/", env={"HOME": "/nowhere"})
    assert done.returncode == 0, done.stderr
    assert done.stdout == crims(*command).stdout != ""


def test_what_is_installed_needs_nothing_of_the_toolchain(prefix):
    libraries = run("ldd", prefix / "bin" / "crims").stdout
    assert "libzmq" in libraries and "swift" not in libraries


def test_all_of_the_model_is_installed_and_can_be_read_by_all(prefix):
    there = prefix / "share" / "crims" / "models" / "merseyside"
    assert sorted(os.listdir(there)) == sorted(os.listdir(ROOT / "models" / "merseyside"))
    assert all(file.stat().st_mode & 0o777 == 0o644 for file in there.iterdir())
    page = prefix / "share" / "crims" / "page"
    assert sorted(os.listdir(page)) == sorted(path.name for path in (ROOT / "Sources" / "Web" / "Page").glob("[!.]*"))
    assert (prefix / "bin" / "crims").stat().st_mode & 0o777 == 0o755


def test_packagers_install_into_a_folder_that_paths_do_not_name(tmp_path):
    installed(f"DESTDIR={tmp_path}", "PREFIX=/usr")
    assert (tmp_path / "usr" / "bin" / "crims").exists()
    unit = (tmp_path / "usr" / "lib" / "systemd" / "system" / "crims.service").read_text()
    assert "\nExecStart=/usr/bin/crims serve" in unit and str(tmp_path) not in unit


def test_what_is_not_built_is_not_installed(tmp_path):
    done = run("make", "-C", ROOT, "install", f"crims={tmp_path}/crims", f"PREFIX={tmp_path}/there")
    assert done.returncode != 0 and "make build makes it" in done.stderr
    assert not (tmp_path / "there").exists()


# The unit


@pytest.fixture(scope="module")
def unit(prefix):
    return prefix / "lib" / "systemd" / "system" / "crims.service"


@needs("systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_unit(unit):
    done = run("systemd-analyze", "verify", "--man=no", unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs("systemd-analyze")
def test_the_unit_leaves_little_open_and_the_manual_says_how_little(unit):
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    score = float(re.search(r"Overall exposure level for crims.service: ([\d.]+)", done.stdout)[1])
    assert score <= 1.5, done.stdout
    told = re.search(r"([\d.]+) out of 10", (ROOT / "docs" / "operations.md").read_text())[1]
    assert float(told) == score


def setting(name):
    """The unit's values of a setting, all words of all lines."""
    return [word for line in re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE) for word in line.split()]


def system_calls(group):
    """The names that a group of system calls comes to, groups within it included."""
    listed = run("systemd-analyze", "syscall-filter", group).stdout.splitlines()[1:]
    names = {line.strip() for line in listed if not line.strip().startswith("#")} - {""}
    return {name for name in names if name[0] != "@"}.union(*(system_calls(name) for name in names if name[0] == "@"))


def trace(folder):
    """Serves a step and ends, traced; what the daemon asked of the system."""
    wait_for_binary()
    log = folder / "trace"
    command = ["strace", "-f", "-qq", "-o", log, CRIMS, "serve", "--control", ANY_PORT, "--events", ANY_PORT]
    command += ["--http", "127.0.0.1:*", "--data", folder / "data"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, bufsize=0, start_new_session=True)  # fmt: skip
    try:
        line = read_line(process.stdout, 20)
        assert (control := re.search(rb"tcp://[\d.:]+", line)), "not ready"
        connect = ("--connect", control[0].decode())
        for words in (("open", "--model", "merseyside", "--start", "2020-01-06", "--run", "r"), ("step", "r")):
            assert run(CRIMS, *words, *connect).returncode == 0
        (url,) = json.loads(line)["http"]
        for path in ("/metrics", "/api/v1/runs/r/steps"):
            assert urllib.request.urlopen(url + path, timeout=20).status == 200
        daemon = int(log.read_text().split(maxsplit=1)[0])
        os.kill(daemon, signal.SIGTERM)
        process.wait(10)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()
    return log.read_text()


@needs("systemd-analyze", "strace")
def test_the_daemon_asks_nothing_of_the_system_that_the_unit_forbids(tmp_path):
    done = trace(tmp_path)
    # SQLite gives its files to the database's owner where it is root, which it is not under the unit.
    asked = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", done, re.MULTILINE)) - {"fchown"}
    assert {"sched_setscheduler", "fdatasync", "sendto"} & asked
    assert setting("SystemCallFilter") == ["@system-service", "~@privileged"]
    assert asked - (system_calls("@system-service") - system_calls("@privileged")) == set()
    families = set(re.findall(r" socket\((AF_\w+)", done))
    assert families and families <= set(setting("RestrictAddressFamilies"))
    written = set(re.findall(r'openat\(AT_FDCWD, "([^"]+)", O_(?:WRONLY|RDWR)', done))
    assert written and all(path.startswith((str(tmp_path / "data"), "/dev/null")) for path in written), written


# The Containerfile


def copied():
    """What the build takes from the checkout: paths, as they are named."""
    lines = re.findall(r"^COPY (?!--from)(.*)$", CONTAINERFILE, re.MULTILINE)
    return [path for line in lines for path in line.split()[:-1]]


def test_all_that_is_copied_into_the_build_is_there():
    assert len(copied()) >= 6
    assert [path for path in copied() if not (ROOT / path).exists()] == []


def test_all_that_the_build_makes_can_be_made():
    targets = re.findall(r"^RUN make ([a-z-]+)", CONTAINERFILE, re.MULTILINE)
    assert targets == ["system-packages", "build", "install"]
    for target in targets:
        # That target's own recipe, whatever it stands on.
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target


@needs("swift")
def test_what_is_copied_into_the_build_is_a_whole_package(tmp_path):
    for path in copied():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / path).is_dir() else shutil.copy)(ROOT / path, tmp_path / path)
    done = run("swift", "package", "describe", "--type", "json", cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr


@needs("ldd", "dpkg-query")
def test_the_image_has_the_libraries_that_the_daemon_needs():
    wait_for_binary()
    (line,) = re.findall(r"apt-get install[^\n]*\\\n +(.*) \\", CONTAINERFILE)
    image = set(line.split())
    # ldd writes direct needs and theirs; what a package needs, apt brings along.
    linked = run("readelf", "-d", CRIMS).stdout if shutil.which("readelf") else run("ldd", CRIMS).stdout
    ours = r"\b(lib(?:archive|curl|geos_c|microhttpd|sodium|sqlite3|zmq|stdc\+\+)[\w.+-]*\.so[\d.]*)"
    needed = set(re.findall(ours, linked))
    assert len(needed) >= 6
    paths = dict(re.findall(r"(\S+) => (\S+)", run("ldd", CRIMS).stdout))
    for library in needed:
        packages = run("dpkg-query", "--search", "*/" + os.path.basename(os.path.realpath(paths[library]))).stdout
        assert {name.split(":")[0] for name in packages.splitlines()} & image, f"{library}: {packages}"


def test_the_image_has_a_library_for_each_that_is_built_with():
    (packages,) = re.findall(r"^packages := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for package in re.findall(r"lib(\w+?)\d*(?:-\w+)?-dev", packages):
        assert re.search(rf"\blib{package}", CONTAINERFILE), package


def test_the_image_runs_as_nobody_in_particular_with_its_data_in_a_volume():
    last = CONTAINERFILE[CONTAINERFILE.rindex("FROM "):]
    user = re.search(r"^USER (\d+)$", last, re.MULTILINE)[1]
    assert int(user) > 0 and f"--uid {user}" in last
    (volume,) = re.findall(r"^VOLUME (\S+)$", last, re.MULTILINE)
    assert f'"--data", "{volume}"' in last
    assert last.index(f"install -d -o crims -g crims -m 0700 {volume}") < last.index("VOLUME")


def test_the_health_check_says_how_a_daemon_is(start_daemon, crims):
    check = re.search(r"^HEALTHCHECK .* CMD \[(.*)\]$", CONTAINERFILE, re.MULTILINE)[1]
    words = re.findall(r'"([^"]+)"', check)
    assert words == ["/usr/local/bin/crims", "status"]
    daemon = start_daemon()
    assert crims("status", "--connect", daemon.control).returncode == 0
    daemon.process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    assert crims("status", "--connect", daemon.control, timeout=20).returncode == 1
    within = int(re.search(r"--timeout=(\d+)s", CONTAINERFILE)[1])
    assert time.monotonic() - begun < within - 2
    daemon.process.send_signal(signal.SIGCONT)
