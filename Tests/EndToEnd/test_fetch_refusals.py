"""`crims fetch` against servers that stall, refuse and send the wrong thing, and disks that are full."""

import email.utils
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest
from archive_server import NAME, PATH, ArchiveServer, Fault, names, part_of, paths, ranges

pytest_plugins = "fetching"


@pytest.mark.parametrize("fault", [Fault(stall=100_000, seconds=30), Fault(stall=0, seconds=30),
                                   Fault(drip=100_000, seconds=0.1)], ids=["stalls", "says nothing", "drips"])
def test_what_stalls_is_broken_off_and_tried_again(fetch, server, data, tmp_path, fault):
    server.faults = [fault]
    begun = time.monotonic()
    done = fetch("--timeout", 0.5)
    assert done.returncode == 0, done.stderr
    assert "nothing came for 0.5 s" in done.stderr
    assert time.monotonic() - begun < 8
    assert (tmp_path / NAME).read_bytes() == data


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("kind", ["seconds", "date"])
def test_a_server_that_asks_for_time_gets_it(fetch, server, status, kind):
    asked = "2" if kind == "seconds" else email.utils.formatdate(time.time() + 3, usegmt=True)
    server.faults = [Fault(status=status, headers={"Retry-After": asked})]
    begun = time.monotonic()
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert 1.5 < time.monotonic() - begun < 10
    assert f"HTTP {status}" in done.stderr and len(server.asked) == 2


def test_a_server_that_asks_for_an_hour_is_left_alone(fetch, server, data, tmp_path):
    part_of(tmp_path, server, data, 100_000)
    server.faults = [Fault(status=429, headers={"Retry-After": "3600"})]
    done = fetch()
    assert done.returncode == 1 and len(server.asked) == 1
    assert "come back in 1 h" in done.stderr and "100 kB are kept" in done.stderr


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_tried_again_later_and_later(fetch, server, status):
    server.always = Fault(status=status)
    begun = time.monotonic()
    done = fetch("--wait", 0.2, "--retries", 3)
    assert done.returncode == 1 and len(server.asked) == 4
    assert time.monotonic() - begun > 0.2 + 0.4 + 0.8
    assert "given up after 4 tries" in done.stderr and f"HTTP {status}" in done.stderr
    assert "in 0.2 s (1 of 3)" in done.stderr and "in 0.8 s (3 of 3)" in done.stderr


def test_what_is_not_published_is_told_at_once(fetch, server, tmp_path):
    done = fetch("--to", "2021-01", "--base", server.address + "/data/archive")
    assert (done.returncode, done.stdout) == (1, "")
    assert paths(server) == ["/data/archive/2021-01.zip"]
    assert f"{server.address}/data/archive/2021-01.zip" in done.stderr and "404" in done.stderr
    assert "data.police.uk/data/archive/" in done.stderr and "--to" in done.stderr
    assert names(tmp_path) == []


@pytest.mark.parametrize("status", [400, 401, 403, 405, 451])
def test_what_is_refused_is_not_asked_for_again(fetch, server, status):
    server.always = Fault(status=status)
    done = fetch()
    assert done.returncode == 1 and len(server.asked) == 1
    assert f"HTTP {status}" in done.stderr


def test_a_page_is_no_archive_and_does_not_cost_what_is_there(fetch, server, data, tmp_path):
    part_of(tmp_path, server, data, 100_000)
    page = b"<!DOCTYPE html><title>Closed</title>"
    server.faults = [Fault(status=200, headers={"Content-Type": "text/html"}, body=page)]
    done = fetch()
    assert (done.returncode, done.stdout) == (1, "") and len(server.asked) == 1
    assert "no zip archive" in done.stderr and "text/html" in done.stderr and "<!DOCTYPE" in done.stderr
    assert fetch().returncode == 0
    assert ranges(server) == ["bytes=100000-"] * 2 and (tmp_path / NAME).read_bytes() == data


@pytest.mark.parametrize("body", [b"", b"PK\3", b"<a>"])
def test_next_to_nothing_is_no_archive(fetch, server, body):
    server.always = Fault(status=200, body=body)
    done = fetch()
    assert done.returncode == 1 and "no zip archive" in done.stderr


def damaged(data):
    """As long as it should be, ends as it should, and has a wrong byte within a street file."""
    middle = len(data) // 4
    return data[:middle] + bytes([data[middle] ^ 0x55]) + data[middle + 1:]


@pytest.mark.parametrize("damage", [damaged, lambda data: data[:-100], lambda data: data[:-4] + b"junk"],
                         ids=["checksum", "cut", "end"])
def test_a_damaged_archive_is_fetched_anew_once(fetch, server, data, tmp_path, damage):
    server.faults = [Fault(status=200, body=damage(data))]
    done = fetch()
    assert done.returncode == 0 and "damaged" in done.stderr
    assert len(server.asked) == 2 and (tmp_path / NAME).read_bytes() == data
    (tmp_path / NAME).unlink()
    server.files[PATH], server.asked = damage(data), []
    done = fetch()
    assert (done.returncode, done.stdout) == (1, "") and len(server.asked) == 2
    assert "damaged" in done.stderr and not (tmp_path / NAME).exists()


# No way to the server, no room on the disk.


def test_nobody_at_the_address_is_told_at_once(fetch, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        begun = time.monotonic()
        done = fetch("--base", address)
    assert done.returncode == 1 and address in done.stderr and "no way to the server" in done.stderr
    assert time.monotonic() - begun < 5 and names(tmp_path) == []


def test_a_name_that_nobody_has_is_told(fetch):
    done = fetch("--base", "http://" + "a" * 64 + ".invalid/")
    assert done.returncode == 1 and "resolve" in done.stderr and "given up" not in done.stderr


def test_a_server_that_goes_away_in_the_middle_is_waited_for(start, server, data, tmp_path):
    server.faults = [Fault(cut=100_000)]
    process = start("--wait", 0.2, "--retries", 8)
    server.wait_for(1)
    server.end()
    lines = [process.stderr.readline() for _ in range(4)]
    assert "broke off" in lines[1] and "connect" in lines[3] and "trying again" in lines[3]
    back = ArchiveServer(server.server_address[1])
    back.files[PATH] = data
    try:
        _, err = process.communicate(timeout=15)
    finally:
        back.end()
    assert process.returncode == 0, err
    assert ranges(back) == ["bytes=100000-"] and (tmp_path / NAME).read_bytes() == data


def test_a_disk_that_is_full_is_told_and_what_there_is_kept(fetch, server, data, tmp_path):
    def small():
        # Writing beyond this fails as it does on a full disk, and the signal for it is not wanted.
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = fetch(preexec_fn=small)
    assert (done.returncode, done.stdout) == (1, "") and len(server.asked) == 1
    assert NAME + ".part" in done.stderr and "150 kB are kept" in done.stderr
    assert fetch().returncode == 0
    assert ranges(server) == [None, "bytes=150000-"] and (tmp_path / NAME).read_bytes() == data


def test_a_folder_that_cannot_be_made_is_told(fetch, server, tmp_path):
    (tmp_path / "file").write_text("")
    done = fetch("-o", tmp_path / "file" / "archives")
    assert done.returncode == 1 and "file" in done.stderr and server.asked == []


# Redirects, proxies, certificates.


def test_redirects_are_followed(fetch, server, data, tmp_path):
    server.files = {"/elsewhere": data}
    server.faults = [Fault(status=302, headers={"Location": "/elsewhere"}, body=b"moved"), Fault(cut=100_000),
                     Fault(status=302, headers={"Location": "/elsewhere"}, body=b"moved")]
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert paths(server) == [PATH, "/elsewhere"] * 2 and ranges(server)[-1] == "bytes=100000-"
    assert (tmp_path / NAME).read_bytes() == data


@pytest.mark.parametrize("target, said", [("ftp://127.0.0.1/x", "rotocol"), ("file:///etc/passwd", "rotocol"),
                                          (PATH, "redirects")])
def test_redirects_to_nowhere_are_not(fetch, server, tmp_path, target, said):
    server.always = Fault(status=302, headers={"Location": target})
    done = fetch()
    assert done.returncode == 1 and len(server.asked) <= 6
    assert said in done.stderr and "given up" not in done.stderr and names(tmp_path) == []


def test_no_proxy_is_asked_the_way_to_this_machine(fetch, server):
    proxy = {name: "http://127.0.0.1:9" for name in ("http_proxy", "all_proxy", "ALL_PROXY")}
    assert fetch(env=proxy).returncode == 0


@pytest.fixture
def secure(data, tmp_path):
    """A server over TLS, and the certificate that it vouches for itself with."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True, timeout=60)  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ArchiveServer()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.files[PATH] = data
    yield server, certificate
    server.end()


def test_a_certificate_that_nobody_vouches_for_is_refused(fetch, secure, data, tmp_path):
    server, certificate = secure
    base, folder = server.address.replace("http:", "https:"), tmp_path / "archives"
    done = fetch("--base", base, "-o", folder)
    assert done.returncode == 1 and "certificate" in done.stderr and "given up" not in done.stderr
    assert server.asked == []
    done = fetch("--base", base, "-o", folder, env={"SSL_CERT_FILE": str(certificate)})
    assert done.returncode == 0 and (folder / NAME).read_bytes() == data


def test_a_redirect_does_not_lead_out_of_https(fetch, server, secure):
    safe, certificate = secure
    safe.always = Fault(status=302, headers={"Location": server.address + PATH})
    base = safe.address.replace("http:", "https:")
    done = fetch("--base", base, env={"SSL_CERT_FILE": str(certificate)})
    assert done.returncode == 1 and "rotocol" in done.stderr
    assert len(safe.asked) == 1 and server.asked == []
