"""The adapter for NetLogo, driven as its `py` extension does: a process that runs and evaluates what it is told."""

import csv
import io
import json
import os
import pathlib
import random
import select
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta

import crims
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SOURCES = ROOT / "clients" / "python" / "src"
HEADER = "id,MSOA,crime_category,code,description,time,suspect,severity\n"
IMPORTS = "from netlogo_adapter import init_model, get_crimes, get_loading, set_loading"

# What the extension's own program does, as far as it matters here: names are kept from one text to the next, results
# and errors travel as JSON, and the model's folder is the first place to look for modules.
PROGRAM = """
import json, os, sys, traceback
sys.path.insert(0, os.getcwd())
replies, sys.stdout, names = sys.stdout, sys.stderr, {}
for line in sys.stdin:
    asked = json.loads(line)
    try:
        if asked["kind"] == "run":
            answer = exec(asked["code"], names)
        else:
            answer = eval(asked["code"], names)
        reply = json.dumps({"result": answer})
    except Exception as error:
        reply = json.dumps({"error": type(error).__name__, "message": str(error), "trace": traceback.format_exc()})
    replies.write(reply + chr(10))
    replies.flush()
"""


class PythonError(Exception):
    """What NetLogo shows in a dialogue: `kind` is the exception's class."""

    def __init__(self, reply):
        super().__init__(reply["message"])
        self.kind, self.message = reply["error"], reply["message"]


class NetLogo:
    """A model that has run `py:setup`."""

    def __init__(self, control, folder=ROOT, **environment):
        variables = {name: value for name, value in os.environ.items() if not name.startswith("CRIMS_")}
        variables.update({"PYTHONPATH": str(SOURCES), **({"CRIMS_CONTROL": control} if control else {}), **environment})
        self.process = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=folder, env=variables, bufsize=0,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.run(IMPORTS)

    def _ask(self, kind, code, within):
        self.process.stdin.write(json.dumps({"kind": kind, "code": code}).encode() + b"\n")
        line, deadline = b"", time.monotonic() + within
        while not line.endswith(b"\n"):
            if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"{code} hangs")
            piece = os.read(self.process.stdout.fileno(), 1 << 16)
            assert piece, f"{code}: Python has ended: {self.process.stderr.read().decode()}"
            line += piece
        reply = json.loads(line)
        if "error" in reply:
            raise PythonError(reply)
        return reply["result"]

    def run(self, code, within=30):
        self._ask("run", code, within)

    def result(self, code, within=30):
        return self._ask("eval", code, within)

    def setup(self, force="Merseyside", run_no=1, year=2020, month=1, loading="1.0", burn_in=1):
        self.run(f"init_model({run_no}, '{force}', {year}, {month}, {loading}, {burn_in})")
        return self

    def crimes(self, start, hours=1.0, within=30):
        end = start + timedelta(hours=hours)
        return self.result(f"get_crimes('{start:%Y-%m-%d %H:%M:%S}', '{end:%Y-%m-%d %H:%M:%S}')", within)

    def name(self):
        """Of its run."""
        return self.result("__import__('netlogo_adapter')._model._run.name")

    def quit(self):
        self.process.stdin.close()
        return self.process.wait(20)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()


BEGIN = datetime(2020, 1, 1)


def hour(number):
    return BEGIN + timedelta(hours=number)


def rows(text):
    assert text.startswith(HEADER)
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def daemon():
    with crims.launch(models=ROOT / "models", timeout=20) as simulation:
        yield simulation


@pytest.fixture
def own_daemon():
    """One that the test may harm."""
    simulation = crims.launch(models=ROOT / "models", timeout=20)
    yield simulation
    if simulation.daemon.is_running():
        os.kill(simulation.daemon.pid, signal.SIGCONT)
    simulation.close()


@pytest.fixture
def netlogo(daemon):
    """Starts NetLogos on the shared daemon, or elsewhere with `control`."""
    made = []

    def start(control=daemon.control, **options):
        made.append(NetLogo(control, **options))
        return made[-1]

    yield start
    for one in made:
        one.end()


def expected_csv(daemon, hours, seed=1, adjust=()):
    """What the daemon answers, hour by hour, to a client of the protocol."""
    with daemon.open("merseyside", start=BEGIN, seed=seed) as run:
        return [run.step(format="csv", adjust=adjust if number == 0 else ()).csv for number in range(hours)]


def test_a_model_starts_as_the_predecessor_s_does(netlogo):
    model = netlogo().setup(run_no=7)
    loading = model.result("get_loading()")
    assert len(loading) == 14 and set(loading.values()) == {1.0} and "violence and sexual offences" in loading
    text = model.crimes(BEGIN)
    first = text.splitlines()[1].split(",")
    assert text.splitlines()[0] + "\n" == HEADER
    assert int(first[0]) < 2**53 and first[1].startswith("E02") and first[2] in loading and first[5].startswith(
        "2020-01-01 00:") and first[6] in ("True", "False") and float(first[7]) >= 0


def test_a_month_hour_by_hour_is_what_the_daemon_draws(netlogo, daemon):
    model = netlogo().setup(run_no=11)
    month = [model.crimes(hour(number)) for number in range(31 * 24)]
    assert month == expected_csv(daemon, 31 * 24, seed=11)
    assert sum(len(rows(text)) for text in month) > 10_000
    # The police model takes the logarithm of the severity where there is a suspect.
    assert all(float(row["severity"]) > 0 for text in month for row in rows(text) if row["suspect"] == "True")


def test_results_follow_from_number_force_month_and_loading_alone(netlogo):
    def answers(**options):
        model = netlogo().setup(**options)
        return [model.crimes(datetime(options.get("year", 2020), options.get("month", 1), 1, number))
                for number in range(12)]

    usual = answers()
    assert answers(burn_in=3, force="MERSEYSIDE", run_no=1.0) == usual
    others = [answers(run_no=2), answers(month=2), answers(year=2021), answers(loading=0.5)]
    assert all(other != usual for other in others)
    model = netlogo().setup()
    model.run("set_loading(0.5)")
    assert [model.crimes(hour(number)) for number in range(12)] == others[-1]
    for begun in ({"year": 2021}, {"month": 2}):
        with pytest.raises(PythonError, match="there is nothing at 2020-01-01 00:00:00"):
            model.setup(**begun).crimes(BEGIN)


def test_feedback_acts_from_the_next_hour_on(netlogo, daemon):
    plain = expected_csv(daemon, 72)
    model = netlogo().setup()
    assert [model.crimes(hour(number)) for number in range(24)] == plain[:24]
    model.run("set_loading(0, 'Violence and Sexual OFFENCES')")
    without = [model.crimes(hour(number)) for number in range(24, 48)]
    assert any("violence" in text for text in plain[24:25])
    assert without == ["".join(line for line in text.splitlines(True) if ",violence and sexual offences," not in line)
                       for text in plain[24:48]]
    model.run("set_loading(1.0, 'violence and sexual offences')")
    assert [model.crimes(hour(number)) for number in range(48, 72)] == plain[48:]


def test_loading_that_is_set_again_takes_the_place_of_what_was(netlogo, daemon):
    model = netlogo().setup(loading=2)
    for factor in (0.5, 0.5, 3, 0.25):
        model.run(f"set_loading({factor})")
        model.run(f"set_loading({factor}, 'drugs')")
    assert set(model.result("get_loading()").values()) == {0.25}
    assert [model.crimes(hour(number)) for number in range(24)] == expected_csv(
        daemon, 24, adjust=[crims.adjustment(0.25)])


def rates(daemon, model, at):
    """Expected over baseline by offence, in the hour from then on."""
    found = daemon.ask("rates", run=model.name(), to=(at + timedelta(hours=1)).isoformat(), by=["code"],
                       **{"from": at.isoformat()})
    return {row["code"]: row["expected"] / row["baseline"] for row in found.fields["rows"] if row["baseline"]}


def test_what_is_said_to_be_in_force_is(netlogo, daemon):
    """Any sequence of loadings of all, of categories and of offences; held against a table of one factor for each."""
    crimes = daemon.describe("merseyside").crimes
    table = {crime.code: 1.0 for crime in crimes}
    model, chance = netlogo().setup(), random.Random(5)
    offences = ["Stalking", "Homicide", "Burglary Residential", "shoplifting", "Other theft"]
    for number in range(60):
        factor = chance.choice([0, 0.5, 0.9, 1, 1, 2.5])
        name = chance.choice([None, *chance.sample(["drugs", "burglary", "other theft", "violence and sexual offences",
                                                    "Shoplifting"], 3), *chance.sample(offences, 3)])
        model.run(f"set_loading({factor}, {name!r})" if name else f"set_loading({factor})")
        categories = {crime.category for crime in crimes}
        for crime in crimes:
            of = crime.category if name and name.lower() in categories else crime.description.lower()
            if name is None or of == name.lower():
                table[crime.code] = float(factor)
        for code, found in rates(daemon, model, hour(number)).items():
            assert found == pytest.approx(table[code], abs=1e-6), (number, code)
        for crime in crimes:
            if crime.description.lower() not in categories:
                assert model.result(f"get_loading({crime.description!r})") == table[crime.code]
        said = model.result("get_loading()")
        for crime in crimes:
            assert said.get(crime.description, said[crime.category]) == table[crime.code]
        model.crimes(hour(number))
    # A factor each, as none means the same crime as another: what was replaced is gone.
    assert daemon.status(model.name())[0]["in_force"] <= 5


def test_few_adjustments_are_in_force_and_the_trail_says_whose_they_are(netlogo, daemon):
    model = netlogo().setup(loading=0.9)
    for number in range(100):
        model.run(f"set_loading({1 + number / 100}, 'drugs')")
        model.crimes(hour(number))
    trail = daemon.run(model.name()).adjustments()
    assert [one["factor"] for one in trail if one["state"] == "in_force"] == [0.9, 1.99]
    assert {one["source"] for one in trail} == {"netlogo"}
    assert trail[0]["reason"] == "initial loading 0.9" and trail[-1]["reason"] == "set_loading(1.99, 'drugs')"
    assert trail[-1]["categories"] == ["drugs"] and {one.get("mode", "scale") for one in trail} == {"scale"}
    before = len(trail)
    model.run("set_loading(1.99, 'drugs')")
    assert len(daemon.run(model.name()).adjustments()) == before, "what is in force already was sent again"


def test_adjustments_of_others_stay_and_are_multiplied(netlogo, daemon):
    model = netlogo().setup()
    others = daemon.run(model.name())
    others.adjust(0.5, category="drugs", source="courts")
    model.run("set_loading(3, 'drugs')")
    others.adjust(0.5, category="drugs", source="courts")
    model.run("set_loading(2)")
    model.crimes(BEGIN)
    found = rates(daemon, model, hour(1))
    assert found["92A"] == pytest.approx(0.5) and found["8Q"] == pytest.approx(2)
    assert model.result("get_loading('drugs')") == 2


def test_windows_are_read_again_joined_and_cut(netlogo, daemon):
    hours = expected_csv(daemon, 240)
    every = [line for text in hours for line in text.splitlines(True)[1:]]

    def within(start, end):
        return HEADER + "".join(line for line in every if f"{start}" <= next(csv.reader([line]))[5] < f"{end}")

    model = netlogo().setup()
    assert model.crimes(hour(3), 2) == within(hour(3), hour(5)), "ahead of what was simulated"
    assert model.crimes(hour(0), 4) == within(hour(0), hour(4)), "again"
    assert model.crimes(hour(4), 30) == within(hour(4), hour(34)), "half of it again"
    assert model.crimes(hour(34.5), 0.5) == within(hour(34.5), hour(35))
    assert model.crimes(hour(34.25), 2.5) == within(hour(34.25), hour(36.75))
    assert model.crimes(hour(40), 1 / 3600) == HEADER
    assert model.crimes(hour(239)) == hours[239], "far ahead"
    assert [model.crimes(hour(number)) for number in range(240)] == hours


@pytest.mark.parametrize(("call", "words"), [
    ("get_crimes('2020-01-01', '2020-01-01 01:00:00')", "'2020-01-31 23:00:00' would be one"),
    ("get_crimes('2020-01-01 02:00:00', '2020-01-01 02:00:00')", "not before the end"),
    ("get_crimes('2019-12-31 23:00:00', '2020-01-01 00:00:00')", "init_model began at 2020-01-01 00:00:00"),
    ("set_loading(2, 'arson')", "'arson' is no category and no offence of this force. Categories are anti-social"),
    ("get_loading('arson')", "'arson' is no category"),
    ("set_loading(-1)", "a loading is a number from 0 to 1000, and 1 changes nothing; not -1"),
    ("set_loading(float('nan'))", "not nan"),
    ("set_loading('half')", "not 'half'"),
    ("init_model(1, 'Narnia', 2020, 1, 1.0, 1)", "no model of 'Narnia'. It has: merseyside. There is also TEST"),
    ("init_model(-1, 'Merseyside', 2020, 1, 1.0, 1)", "run_no is a whole number from 0"),
    ("init_model(1, 'Merseyside', 2020, 13, 1.0, 1)", "month is a whole number from 1 to 12, not 13"),
    ("init_model(1, 'Merseyside', 2020.5, 1, 1.0, 1)", "year is a whole number"),
    ("init_model(1, 'Merseyside', 2020, 1, 1.0, -1)", "burn_in is a whole number"),
])
def test_bad_input_is_a_value_error_and_changes_nothing(netlogo, daemon, call, words):
    model = netlogo().setup()
    name = model.name()
    with pytest.raises(PythonError) as raised:
        model.result(call)
    assert raised.value.kind == "ValueError" and words in raised.value.message
    assert model.name() == name and model.crimes(BEGIN) == expected_csv(daemon, 1)[0]
    assert daemon.run(name).adjustments() == []


@pytest.mark.parametrize("call", ["get_crimes('2020-01-01 00:00:00', '2020-01-01 01:00:00')", "set_loading(2)",
                                  "get_loading()"])
def test_nothing_works_before_init_model(netlogo, call):
    with pytest.raises(PythonError, match="call init_model first"):
        netlogo().result(call)


def test_forces_are_known_in_their_long_spellings():
    sys.path.insert(0, str(SOURCES))
    import netlogo_adapter

    with (ROOT / "reference" / "forces.csv").open() as file:
        forces = {row["name"]: row["force"] for row in csv.DictReader(file)}
    models = ["england-and-wales", *forces.values()]
    for name, force in forces.items():
        for spelling in (name, name.upper(), f" {name} ", force, f"{name} Police", name.replace(" and ", " & ")):
            if not spelling.endswith("Police Police"):
                assert netlogo_adapter._force(spelling, models) == force
    assert netlogo_adapter._force("England and Wales", models) == "england-and-wales"


def test_two_models_at_once_do_not_meet(netlogo, daemon):
    one, two = netlogo().setup(run_no=1), netlogo().setup(run_no=2)
    two.run("set_loading(0.5)")
    halves = expected_csv(daemon, 24, seed=2, adjust=[crims.adjustment(0.5)])
    for number, (first, second) in enumerate(zip(expected_csv(daemon, 24), halves)):
        assert (one.crimes(hour(number)), two.crimes(hour(number))) == (first, second)
    # Another one starts and ends meanwhile.
    assert netlogo().setup(run_no=3).quit() == 0
    assert one.crimes(hour(24)) and two.crimes(hour(24))


def names(daemon):
    return {run["run"] for run in daemon.status()}


@pytest.fixture
def cleared(netlogo):
    """Without what earlier tests have left."""
    netlogo().setup().quit()


def test_runs_are_taken_away_by_the_next_one_or_at_the_end(cleared, netlogo, daemon):
    before = names(daemon)
    model = netlogo().setup()
    first = model.name()
    assert names(daemon) == before | {first}
    second = model.setup(run_no=2).name()
    assert names(daemon) == before | {second} and second != first
    assert model.quit() == 0
    assert names(daemon) == before


def test_runs_of_a_python_that_was_killed_are_taken_away_by_the_next_one(cleared, netlogo, daemon):
    alive, killed = netlogo().setup(), netlogo().setup()
    place = killed.name().rsplit("-", 2)[0]
    elsewhere = f"netlogo-{'0' * 10}-{killed.process.pid}-0000"
    for name in (elsewhere, f"{place}-x", "netlogo", f"netlogo-{killed.process.pid}-00"):
        daemon.open("merseyside", start="2020-01-01", run=name)
    left = killed.name()
    killed.end()
    before = names(daemon)
    assert left in before
    latest = netlogo().setup().name()
    assert names(daemon) == before - {left} | {latest}
    assert alive.crimes(BEGIN)
    for name in (elsewhere, f"{place}-x", "netlogo", f"netlogo-{killed.process.pid}-00"):
        run = daemon.run(name)
        run.close()
        run.delete()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("call", ["get_crimes('2020-01-01 01:00:00', '2020-01-01 02:00:00')", "set_loading(0.5)",
                                  "init_model(2, 'Merseyside', 2020, 1, 1.0, 1)"])
def test_a_daemon_that_is_lost_is_an_error_in_seconds(netlogo, own_daemon, number, call):
    model = netlogo(control=own_daemon.control, CRIMS_TIMEOUT="2").setup()
    answer = model.crimes(BEGIN)
    os.kill(own_daemon.daemon.pid, number)
    begun = time.monotonic()
    with pytest.raises(PythonError) as raised:
        model.run(call)
    assert time.monotonic() - begun < 6
    assert own_daemon.control in raised.value.message and raised.value.kind in ("DaemonLost", "NoDaemon")
    if number == signal.SIGSTOP:
        os.kill(own_daemon.daemon.pid, signal.SIGCONT)
        model.run(call)
        if "init_model" not in call:
            assert model.crimes(BEGIN) == answer
        if "set_loading" in call:
            assert own_daemon.status(model.name())[0]["in_force"] == 1
    begun = time.monotonic()
    assert model.quit() == 0 and time.monotonic() - begun < 3, "it cannot end without the daemon"


def test_a_reply_that_was_lost_is_made_good(netlogo, daemon):
    """The daemon has done it, and the adapter does not know."""
    model = netlogo().setup()
    model.run("import crims, netlogo_adapter; run = netlogo_adapter._model._run")
    model.run("run.simulation.ask('step', run=run.name, seq=0, until='2020-01-01T03:00:00', format='none')")
    assert model.crimes(BEGIN) == expected_csv(daemon, 1)[0]
    for name, factor, is_set_again in (("adjust", 0.5, True), ("retract", 0.25, True), ("adjust", 0.25, False)):
        model.run(f"""
real = run.{name}
def lost(*given, **options):
    run.{name} = real
    real(*given, **options)
    raise crims.DaemonLost('lost')
run.{name} = lost
""")
        with pytest.raises(PythonError, match="lost"):
            model.run(f"set_loading({factor}, 'drugs')")
        expected = {0.75, factor}
        if is_set_again:
            model.run("set_loading(0.75)")
            expected = {0.75}
        model.crimes(hour(3), 2)
        trail = daemon.run(model.name()).adjustments()
        assert sorted(one["factor"] for one in trail if one["state"] == "in_force") == sorted(expected)
        assert set(model.result("get_loading()").values()) == expected


def test_a_refused_loading_leaves_the_one_before(netlogo, daemon):
    model = netlogo().setup(loading=0.5)
    model.run("import crims, netlogo_adapter; run = netlogo_adapter._model._run; real = run.adjust")
    model.run("""
def refuse(factor, **options):
    if factor == 2:
        raise crims.LimitExceeded('adjust', {'code': 'limit_exceeded', 'message': 'too many'})
    return real(factor, **options)
run.adjust = refuse
""")
    with pytest.raises(PythonError, match="too many"):
        model.run("set_loading(2)")
    assert model.result("get_loading('drugs')") == 0.5
    assert model.crimes(BEGIN) == expected_csv(daemon, 1, adjust=[crims.adjustment(0.5)])[0]


def test_a_run_that_is_gone_is_told(netlogo, daemon):
    model = netlogo().setup()
    run = daemon.run(model.name())
    run.close()
    run.delete()
    for call in ("get_crimes('2020-01-01 00:00:00', '2020-01-01 01:00:00')", "set_loading(2)"):
        with pytest.raises(PythonError, match="Call init_model again"):
            model.run(call)
    assert model.setup().crimes(BEGIN)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_nobody_where_the_environment_says_is_told(netlogo):
    model = netlogo(control=f"tcp://127.0.0.1:{free_port()}", CRIMS_TIMEOUT="2")
    begun = time.monotonic()
    with pytest.raises(PythonError, match="no CriMS daemon answers at tcp.*CRIMS_CONTROL.*crims serve"):
        model.setup()
    assert time.monotonic() - begun < 6
    with pytest.raises(PythonError, match="CRIMS_TIMEOUT.*not 'soon'"):
        netlogo(CRIMS_TIMEOUT="soon").setup()


def test_a_daemon_with_keys_is_reached(netlogo, tmp_path):
    executable = crims.find_executable()
    for name in (("server",), ("netlogo", "--role", "driver")):
        subprocess.run([executable, "keys", "new", *name, "-o", tmp_path], check=True, capture_output=True)
    (tmp_path / "clients").mkdir()
    (tmp_path / "netlogo.key").rename(tmp_path / "clients" / "netlogo.key")
    served = crims.Daemon(executable, ("--server-key", str(tmp_path / "server.key_secret"),
                                       "--client-keys", str(tmp_path / "clients")), ROOT / "models", None)
    try:
        model = netlogo(control=served.control, CRIMS_CLIENT_KEY=str(tmp_path / "netlogo.key_secret"),
                        CRIMS_SERVER_KEY=str(tmp_path / "server.key"))
        assert rows(model.setup().crimes(BEGIN))
    finally:
        served.end()


def test_a_daemon_at_the_usual_place_is_found(netlogo, daemon):
    model = netlogo(control=None)
    model.run(f"import netlogo_adapter; netlogo_adapter.DEFAULT_CONTROL = {daemon.control!r}")
    said = daemon.daemon.words()
    assert model.setup().name() in names(daemon)
    time.sleep(1.5)
    assert daemon.daemon.words() == said, "the daemon complains of those who look whether it is there"


def test_without_a_daemon_one_is_launched_and_ends_with_python(netlogo, daemon):
    nobody = f"tcp://127.0.0.1:{free_port()}"
    model = netlogo(control=None, CRIMS_BIN=os.environ["CRIMS_BIN"])
    model.run(f"import netlogo_adapter; netlogo_adapter.DEFAULT_CONTROL = {nobody!r}")
    assert model.setup(run_no=1).crimes(BEGIN) == expected_csv(daemon, 1)[0]
    process = model.result("netlogo_adapter._launched.daemon.pid")
    assert model.setup(run_no=2).crimes(BEGIN) == expected_csv(daemon, 1, seed=2)[0]
    assert model.result("netlogo_adapter._launched.daemon.pid") == process, "a second one for the second replication"
    os.kill(process, signal.SIGKILL)
    with pytest.raises(PythonError, match="the daemon that was launched has ended with SIGKILL"):
        model.crimes(hour(1))
    assert model.setup(run_no=2).crimes(BEGIN) == expected_csv(daemon, 1, seed=2)[0]
    process = model.result("netlogo_adapter._launched.daemon.pid")
    model.end()
    deadline = time.monotonic() + 10
    while pathlib.Path(f"/proc/{process}/cmdline").exists() and pathlib.Path(f"/proc/{process}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "the daemon outlives the Python that launched it"
        time.sleep(0.05)


def test_no_daemon_at_all_is_told(netlogo, tmp_path):
    model = netlogo(control=None, folder=tmp_path, PATH="/nowhere")
    model.run(f"import netlogo_adapter; netlogo_adapter.DEFAULT_CONTROL = 'tcp://127.0.0.1:{free_port()}'")
    with pytest.raises(PythonError, match="there is no CriMS daemon. Start one with `crims serve`.*CRIMS_CONTROL"):
        model.setup()


def test_the_predecessor_s_package_beside_the_model_is_not_in_the_way(netlogo, tmp_path, daemon):
    (tmp_path / "crims").mkdir()
    (tmp_path / "crims" / "__init__.py").write_text("raise ImportError('neworder is not installed')\n")
    assert netlogo(folder=tmp_path).setup().crimes(BEGIN) == expected_csv(daemon, 1)[0]


def test_the_force_test_needs_no_daemon_and_is_always_the_same(netlogo, daemon):
    model = netlogo(control=f"tcp://127.0.0.1:{free_port()}", PATH="/nowhere").setup("TEST", 1)
    month = [model.crimes(hour(number)) for number in range(31 * 24)]
    found = [row for text in month for row in rows(text)]
    assert len({row["id"] for row in found}) == len(found) > 600 and HEADER in month
    assert [row["time"] for row in found] == sorted(row["time"] for row in found)
    assert all(f"{hour(number):%Y-%m-%d %H:}" in row["time"] for number in range(744) for row in rows(month[number]))
    assert {row["suspect"] for row in found} == {"True", "False"}
    crimes = {(crime.category, crime.code, crime.description): crime.severity
              for crime in daemon.describe("merseyside").crimes}
    areas = {area.code for area in daemon.describe("merseyside").areas}
    for row in found:
        assert crimes[row["crime_category"], row["code"], row["description"]] == float(row["severity"])
        assert row["MSOA"] in areas and (row["suspect"] == "False" or float(row["severity"]) > 0)
    assert {row["crime_category"] for row in found} == {category for category, _, _ in crimes}
    assert {sum(float(row["severity"]) >= least for least in (100, 500, 1000)) for row in found} == {0, 1, 2, 3}
    model.run("set_loading(0); set_loading(3, 'Drugs')")
    assert set(model.result("get_loading()").values()) == {1.0} and model.result("get_loading('DRUGS')") == 1.0
    assert [netlogo().setup("test", 2).crimes(BEGIN, 744)] == [
        HEADER + "".join(text[len(HEADER):] for text in month)]
    assert model.crimes(hour(15.5), 0.5) == model.crimes(hour(15), 1) == month[15]
    assert model.crimes(hour(15), 0.5) == HEADER
    for call in ("set_loading(2, 'arson')", "get_loading('arson')", "set_loading(-1)",
                 "get_crimes('2019-12-31 23:00:00', '2020-01-01 00:00:00')"):
        with pytest.raises(PythonError):
            model.result(call)


def test_nothing_is_said_where_nobody_asked(netlogo):
    """NetLogo shows what Python prints."""
    model = netlogo().setup()
    model.crimes(BEGIN)
    model.quit()
    assert model.process.stderr.read() == b""
