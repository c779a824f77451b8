"""The programs in C that the daemon is measured with and against."""

import subprocess

from served import OUTPUT, ROOT

SOURCES = ROOT / "Benchmarks"
# Tables must come out with the bits of the Swift code, which never fuses a multiplication and an addition.
CFLAGS = ["-std=c11", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"]
PROGRAMS = {
    "kernel": (["kernel.c", "tables.c", "model.c"], ["-lm"]),
    "lockstep": (["lockstep.c", "bare.c", "exchange.c", "timings.c"], ["-lzmq", "-lm"]),
}


def compile_program(name, sources, libraries, flags=()):
    OUTPUT.mkdir(parents=True, exist_ok=True)
    program = OUTPUT / name
    paths = [str(SOURCES / source) for source in sources]
    subprocess.run(["gcc", *CFLAGS, *flags, *paths, "-o", str(program), *libraries], check=True)
    return program


def build():
    for name, (sources, libraries) in PROGRAMS.items():
        compile_program(name, sources, libraries)
