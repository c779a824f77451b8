"""What `crims calibrate` is given and cannot use: a clear error, and no half-written model."""

import gzip
import os
import random
import resource
import struct
import subprocess
import zipfile
import zlib

import pytest
from conftest import CRIMS, ROOT
from street_files import HEADER, HERE, archive, name, row, rows, text, usual

FORCE = ["--force", "city-of-london"]
GOOD = name("2019-01")


@pytest.fixture
def refused(crims, tmp_path):
    """Calibrates on what cannot be used, beside a model that is there already, and returns what is said."""
    place = tmp_path / "models"
    crims("calibrate", archive(tmp_path / "good.zip", usual(3)), *FORCE, "-o", place / "city")
    before = {file: file.read_bytes() for file in place.rglob("*") if file.is_file()}
    assert place / "city" / "model.json" in before

    def run(*arguments, output=place / "city", **options):
        done = crims("calibrate", *arguments, *FORCE, "-o", output, **options)
        assert (done.returncode, done.stdout) == (1, ""), (done.returncode, done.stderr)
        assert len(done.stderr) < 3_000 and "Fatal" not in done.stderr
        assert {file: file.read_bytes() for file in place.rglob("*") if file.is_file()} == before
        assert [file.name for file in place.iterdir()] == ["city"]
        return done.stderr

    return run


def noise(count):
    """Records that do not pack well, so that a cut falls within them."""
    chance = random.Random(1)
    return [row("2019-01", id=f"{chance.getrandbits(256):064x}") for _ in range(count)]


# Archives


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95])
def test_a_truncated_zip(refused, tmp_path, share):
    path = archive(tmp_path / "cut.zip", {name(f"2019-{month:02}"): noise(500) for month in range(1, 7)})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    said = refused(path)
    assert "cut.zip" in said and "cannot be read to its end" in said


def test_a_truncated_gzip(refused, tmp_path):
    path = tmp_path / GOOD.split("/")[1]
    path = path.with_name(path.name + ".gz")
    whole = gzip.compress(text(noise(2_000)).encode())
    path.write_bytes(whole)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / path.name).write_bytes(whole[: len(whole) // 2])
    assert "cannot be read to its end" in refused(tmp_path / "cut" / path.name)


def test_a_zip_with_a_damaged_entry(refused, tmp_path):
    path = tmp_path / "damaged.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as zip:
        zip.writestr(GOOD, text(rows("2019-01")))
    path.write_bytes(path.read_bytes().replace(b"51.51", b"51.15", 1))
    assert GOOD in refused(path)


@pytest.mark.parametrize(
    "climbing",
    ["../../2019-02/2019-02-city-of-london-street.csv", "2019-02/../../x/2019-02-city-of-london-street.csv",
     "/etc/cron.d/2019-02-city-of-london-street.csv", "..\\2019-02-city-of-london-street.csv",
     "C:\\2019-02-city-of-london-street.csv", "../other.txt", "2019-02/.."],
)  # fmt: skip
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "last"])
def test_a_zip_with_a_path_that_climbs_out(refused, tmp_path, climbing, is_first):
    files = {climbing: text(rows("2019-02"))}
    files = {**files, **usual(3)} if is_first else {**usual(3), **files}
    said = refused(archive(tmp_path / "climbing.zip", files))
    # libarchive writes all strokes one way.
    assert "climbing.zip" in said and climbing in said.replace("/", "\\") + said
    assert "leads out of the archive's folder" in said


@pytest.mark.parametrize("innocent", ["..2019/" + name("2019-02"), "a..b/notes...txt", "été/x", "./x.txt"])
def test_names_with_dots_do_not_climb(crims, tmp_path, innocent):
    path = archive(tmp_path / "a.zip", {**usual(1), innocent: text(rows("2019-02"))})
    done = crims("calibrate", path, *FORCE, "--dry-run")
    assert done.returncode == 0, done.stderr


def test_an_encrypted_zip(refused, tmp_path):
    path = archive(tmp_path / "secret.zip", {GOOD: rows("2019-01")})
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    path.write_bytes(content)
    said = refused(path)
    assert "it is encrypted; unpack it first" in said and GOOD in said


@pytest.mark.parametrize("told", [2**31, 1_000], ids=["as it is", "as small"])
def test_a_zip_bomb(refused, tmp_path, told):
    # Gigabytes of lines that are no rows in an entry of a few megabytes, which tells its size or lies about it.
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = deflate.compress(text([]).encode()) + deflate.flush(zlib.Z_FULL_FLUSH)
    block = deflate.compress((b"x" * 60_000 + b"\n") * 200) + deflate.flush(zlib.Z_FULL_FLUSH)
    data = head + block * 175
    # Version, flags, deflated, no date; checksum, sizes, lengths of the name and of nothing else.
    common = struct.pack("<HHHIIIIHH", 20, 0, 8, 0, 0, len(data), told, len(GOOD), 0)
    local = b"PK\x03\x04" + common + GOOD.encode()
    directory = b"PK\x01\x02\x14\0" + common + bytes(14) + GOOD.encode()
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), len(local) + len(data), 0)
    path = tmp_path / "bomb.zip"
    path.write_bytes(local + data + directory + end)
    assert path.stat().st_size < 5_000_000
    said = refused(path, timeout=60)
    assert "larger than 1073741824 bytes unpacked" in said and GOOD in said


def test_a_zip_with_too_many_entries(refused, tmp_path):
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as zip:
        for index in range(100_001):
            zip.writestr(zipfile.ZipInfo(f"{index}.txt"), b"")
    assert "more than 100000 entries" in refused(path, timeout=60)


def test_a_zip_of_other_forces_and_an_empty_zip(refused, tmp_path):
    path = archive(tmp_path / "other.zip", {name("2019-01", force): rows("2019-01") for force in ("kent", "essex")})
    said = refused(path)
    assert "2019" not in said and '"YYYY-MM-city-of-london-street.csv"' in said and "essex, kent" in said
    assert "no file" in refused(archive(tmp_path / "empty.zip", {}))


# What is no archive


def test_paths_that_lead_to_nothing_that_can_be_read(refused, tmp_path):
    assert "No such file or directory" in refused(tmp_path / "nothing.zip")
    (tmp_path / "folder" / "deeper").mkdir(parents=True)
    (tmp_path / "folder" / "loop").symlink_to(tmp_path / "folder")
    assert "no file" in refused(tmp_path / "folder")
    os.mkfifo(tmp_path / "pipe")
    assert "neither a file nor a folder" in refused(tmp_path / "pipe")
    assert "neither a file nor a folder" in refused("/dev/zero")
    (tmp_path / "empty.zip").write_bytes(b"")
    assert "it is empty" in refused(tmp_path / "empty.zip")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(refused, tmp_path):
    path = archive(tmp_path / "a.zip", usual(1))
    path.chmod(0)
    assert "Permission denied" in refused(path)


HTML = "\n<!DOCTYPE html>\n<html><head><title>404, not found</title></head><body>Month,LSOA code</body></html>\n"
ELSEWHERE = {
    "a web page": (HTML, "a web page, saved in place of a CSV file"),
    "a web page with a mark": ("\ufeff  <html>\n", "a web page"),
    "JSON": ('{"error": "rate limit"}\n', 'no column "Month"'),
    "another country's columns": (
        "ID,Case Number,Date,Block,IUCR,Primary Type\n1,HX1,01/01/2019 12:00:00 AM,001XX N STATE,0820,THEFT\n",
        'no column "Month" in the first line, so it is not a street file of data.police.uk'),
    "semicolons": (text(rows("2019-01")).replace(",", ";"), 'no column "Month"'),
    "Scotland": (text([row("2019-01", lsoa="S01006506", lsoa_name="Aberdeen")] * 90), "another country"),
    "Northern Ireland": (text([row("2019-01", lsoa="", lsoa_name="")] * 90), "another country"),
    "another force": (text([row("2019-01", lsoa="E01006512", lsoa_name="Liverpool 031A")] * 90), "another force"),
    "a header alone": (text([]), "nothing to calibrate on: 0 rows in 1 files"),
    "nothing": ("", "it is empty"),
    "blank lines": ("\r\n\r\n", "it is empty"),
    "binary": (b"\x7fELF\x02\x01\x01" + bytes(4_000) + b"\n" + bytes(range(256)) * 40, "not a text file"),
    "one endless line": ("x" * 3_000_000, 'no column "Month"'),
    "an endless line among others": (text(rows("2019-01")) + "x" * 3_000_000 + "\n", "line 82 is longer than 65536"),
    "an endless quoted field": (text(rows("2019-01")) + '"' + "x" * 3_000_000, "line 82 is longer than 65536"),
}  # fmt: skip


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
@pytest.mark.parametrize("kind", ELSEWHERE)
def test_a_file_that_is_no_street_file_of_the_force(refused, tmp_path, kind, packed):
    content, said = ELSEWHERE[kind]
    if packed:
        path = archive(tmp_path / "a.zip", {GOOD: content})
    else:
        path = tmp_path / "street.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    words = refused(path)
    assert said in words and path.name in words or "nothing to calibrate on" in words, words
    assert said in words


@pytest.mark.parametrize("first", range(1, 5))
def test_of_several_that_are_none_the_first_is_named(refused, tmp_path, first):
    files = usual(12)
    for number in range(first, 12, 3):
        files[name(f"2019-{number + 1:02}")] = HTML
    assert name(f"2019-{first + 1:02}") in refused(archive(tmp_path / "a.zip", files))


def test_a_quote_that_is_never_closed_costs_one_row(crims, tmp_path):
    records = text(rows("2019-01")).split("\r\n")
    records[10] = '"' + records[10]
    path = archive(tmp_path / "a.zip", {GOOD: "\r\n".join(records)})
    done = crims("calibrate", path, *FORCE, "--dry-run")
    assert "80 rows in 1 files: 79 used, 1 rejected" in done.stderr and "line 11" in done.stderr, done.stderr


def test_wrong_words(refused, crims, tmp_path):
    path = archive(tmp_path / "a.zip", usual(3))
    done = crims("calibrate", path, "--force", "city-of-londn", "--dry-run")
    assert done.returncode == 1 and "city-of-london" in done.stderr
    assert "ends (2018-01) before it begins (2019-01)" in refused(path, "--from", "2019-01", "--to", "2018-01")
    assert "nothing to calibrate on" in refused(path, "--from", "2021-01")
    assert "nowhere" in refused(path, "--reference", tmp_path / "nowhere")
    assert crims("calibrate", path, *FORCE).returncode == 2
    assert crims("calibrate", "--dry-run", *FORCE).returncode == 2


# Nowhere to write


def left_behind(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


@pytest.mark.parametrize("bytes_max", [0, 500, 4_000])
def test_a_file_that_may_not_grow(crims, tmp_path, bytes_max):
    path = archive(tmp_path / "a.zip", usual(3))
    out = tmp_path / "out"
    out.mkdir()

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))

    command = [CRIMS, "calibrate", path, *FORCE, "-o", out / "deeper" / "city"]
    done = subprocess.run(command, cwd=ROOT, preexec_fn=limit, capture_output=True, timeout=20)
    assert done.returncode == 1 and b"File too large" in done.stderr and done.stdout == b""
    assert left_behind(out) == []


def test_a_full_disk(crims, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    try:
        path = archive(tmp_path / "a.zip", usual(3))
        done = crims("calibrate", path, *FORCE, "-o", disk / "models" / "city")
        assert done.returncode == 1 and "No space left on device" in done.stderr
        assert left_behind(disk) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_an_output_that_may_not_be_replaced(crims, tmp_path):
    path = archive(tmp_path / "a.zip", usual(3))
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.tex").write_text("years of it")
    for output in (tmp_path / "work", tmp_path / "work" / "thesis.tex", tmp_path / "work" / "thesis.tex" / "city"):
        done = crims("calibrate", path, *FORCE, "-o", output)
        assert done.returncode == 1 and "thesis.tex" in done.stderr or "model.json" in done.stderr, done.stderr
    assert left_behind(tmp_path / "work") == ["thesis.tex"]


def test_json_that_cannot_be_written_is_failure(tmp_path):
    path = archive(tmp_path / "a.zip", usual(3))
    with open("/dev/full", "w") as full:
        command = [CRIMS, "calibrate", path, *FORCE, "--dry-run", "--json"]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, timeout=20)
    assert done.returncode == 1 and b"No space left on device" in done.stderr


def test_header_and_place_are_as_the_other_tests_think():
    assert HEADER.index("LSOA code") == 7 and HERE.startswith("E01")
