"""What a step of one hour costs through mosaik: the request and reply of a lockstep hour, in turn with the daemon.

Prints one line of JSON.

Crime is a simulator in a process of its own, as the daemon is, and answers with recorded replies (`mosaik_crime.py`).
The police is one in the process of the scenario, where it has to be written in Python, or in one of its own, as those
in other languages are. In each of its steps the police asks the daemon as well, so that both see the same machine at
the same time. What mosaik takes is the time from the end of one step of the police to the begin of the next: there it
hands over the request, steps crime, and brings its reply.
"""

import argparse
import json
import logging
import pathlib
import statistics
import sys
import tempfile
import time

import mosaik
import mosaik_api_v3
import zmq

WARM_UP = 50
META = {
    "api_version": "3.0",
    "type": "time-based",
    "models": {"Police": {"public": True, "params": [], "attrs": ["request", "reply"]}},
}


class Run:
    """A run of the daemon's, stepped by requests as a client sends them."""

    def __init__(self, endpoint, run):
        self.run, self.context = run, zmq.Context.instance()
        self.socket = self.context.socket(zmq.REQ)
        self.socket.rcvtimeo, self.socket.linger = 3000, 0
        self.socket.connect(endpoint)
        self.ask({"op": "open", "run": run, "model": "merseyside", "start": "2020-01-01", "seed": 1, "publish": False})

    def ask(self, fields):
        self.socket.send(json.dumps({"v": 1, **fields}).encode())
        reply = self.socket.recv()
        assert b'"ok":true' in reply, reply
        return reply

    def request(self, hour):
        return json.dumps({"v": 1, "op": "step", "run": self.run, "seq": hour, "format": "records"})

    def exchange(self, request):
        """A reply, and the seconds until it had come."""
        begin = time.perf_counter()
        self.socket.send_string(request)
        reply = self.socket.recv()
        return reply, time.perf_counter() - begin


class Police(mosaik_api_v3.Simulator):
    def __init__(self):
        super().__init__(META)
        self.ended, self.theirs, self.ours = None, [], []

    def init(self, sid, time_resolution=1.0, *, endpoint, replies, results):
        self.run, self.replies, self.results = Run(endpoint, "mosaik-b"), json.loads(read(replies)), results
        return self.meta

    def finalize(self):
        pathlib.Path(self.results).write_text(json.dumps({"daemon_us": self.ours, "mosaik_us": self.theirs}))

    def create(self, num, model):
        return [{"eid": "police", "type": model}]

    def step(self, time_of_step, inputs, max_advance):
        begun = time.perf_counter()
        reply, seconds = self.run.exchange(self.run.request(time_of_step))
        # What comes is of the hour before, as mosaik passes feedback on with the next step.
        (brought,) = inputs["police"]["reply"].values()
        if time_of_step > 0 and brought != self.replies[time_of_step - 1]:
            raise SystemExit("mosaik_exchange.py: mosaik brought another reply than the recorded one")
        if reply.decode() != self.replies[time_of_step]:
            raise SystemExit("mosaik_exchange.py: the daemon gave another reply than the recorded one")
        if time_of_step > WARM_UP:
            self.theirs.append(begun - self.ended)
            self.ours.append(seconds)
        self.ended = time.perf_counter()
        return time_of_step + 1

    def get_data(self, outputs):
        return {"police": {"request": self.run.request(0)}}


def read(path):
    return pathlib.Path(path).read_text(encoding="utf-8")


def measure(endpoint, steps, apart):
    count = WARM_UP + 1 + steps
    recorded = Run(endpoint, "mosaik-a")
    texts = [recorded.exchange(recorded.request(hour))[0].decode() for hour in range(count)]
    here = pathlib.Path(__file__).resolve()
    with tempfile.TemporaryDirectory(prefix="crims-bench-") as folder:
        replies, results = (str(pathlib.Path(folder) / name) for name in ("replies.json", "results.json"))
        pathlib.Path(replies).write_text(json.dumps([text.replace("mosaik-a", "mosaik-b") for text in texts]))
        crime = {"cmd": f"{sys.executable} {here.with_name('mosaik_crime.py')} {replies} %(addr)s"}
        police = {"cmd": f"{sys.executable} {here} %(addr)s"} if apart else {"python": "__main__:Police"}
        world = mosaik.World({"Police": police, "Crime": crime})
        try:
            one = world.start("Police", endpoint=endpoint, replies=replies, results=results).Police()
            other = world.start("Crime").Crime()
            world.connect(one, other, "request")
            world.connect(other, one, "reply", time_shifted=True, initial_data={"reply": ""})
            world.run(until=count, print_progress=False)
        finally:
            world.shutdown()
        measured = json.loads(read(results))
    return {name: {"p50": statistics.median(times) * 1e6, "p99": statistics.quantiles(times, n=100)[98] * 1e6}
            for name, times in measured.items()}  # fmt: skip


def main():
    if len(sys.argv) == 2:
        return mosaik_api_v3.start_simulation(Police())
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("endpoint")
    parser.add_argument("steps", type=int)
    parser.add_argument("--apart", action="store_true", help="the police in a process of its own")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    measured = measure(options.endpoint, options.steps, options.apart)
    measured["ratio"] = measured["mosaik_us"]["p50"] / measured["daemon_us"]["p50"]
    print(json.dumps({"mosaik": mosaik.__version__, "steps": options.steps, **measured}))


if __name__ == "__main__":
    main()
