"""The package passes the suite that any client is held against."""

import pathlib
import subprocess
import sys

from conftest import ROOT

DRIVER = pathlib.Path(__file__).with_name("conformance_driver.py")


def test_the_package_passes_as_a_client():
    check = [sys.executable, ROOT / "clients" / "conformance" / "check.py", "client", "--", sys.executable, DRIVER]
    said = subprocess.run(check, capture_output=True, text=True, timeout=300)
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.strip().endswith("0 failed")
