"""What a step of one hour costs through mosaik: the request and reply of a lockstep hour, in turn with the daemon.

Prints one line of JSON.

The police is a simulator in this process, as mosaik's users write them; crime is one in a process of its own, as the
daemon is, and answers with recorded replies (`mosaik_crime.py`). In each of its steps the police asks the daemon as
well, so that both see the same machine at the same time. What mosaik takes is the time from the end of one step of the
police to the begin of the next: there it hands over the request, steps crime, and brings its reply.
"""

import argparse
import json
import logging
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


class Daemon:
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

    def init(self, sid, time_resolution=1.0, *, run, replies):
        self.run, self.replies = run, replies
        return self.meta

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


def measure(endpoint, steps):
    count = WARM_UP + 1 + steps
    recorded, again = Daemon(endpoint, "mosaik-a"), Daemon(endpoint, "mosaik-b")
    replies = [recorded.exchange(recorded.request(hour))[0].decode() for hour in range(count)]
    replies = [reply.replace("mosaik-a", "mosaik-b") for reply in replies]
    police = Police()
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(replies, file)
        file.flush()
        crime = [sys.executable, mosaik_crime(), file.name]
        world = mosaik.World({"Police": {"python": f"{__name__}:the_police"},
                              "Crime": {"cmd": " ".join([*crime, "%(addr)s"])}})  # fmt: skip
        try:
            globals()["the_police"] = lambda: police
            one = world.start("Police", run=again, replies=replies).Police()
            other = world.start("Crime").Crime()
            world.connect(one, other, "request")
            world.connect(other, one, "reply", time_shifted=True, initial_data={"reply": ""})
            world.run(until=count, print_progress=False)
        finally:
            world.shutdown()
    return {name: {"p50": statistics.median(times) * 1e6, "p99": statistics.quantiles(times, n=100)[98] * 1e6}
            for name, times in (("daemon_us", police.ours), ("mosaik_us", police.theirs))}  # fmt: skip


def mosaik_crime():
    return __file__.replace("mosaik_exchange.py", "mosaik_crime.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("endpoint")
    parser.add_argument("steps", type=int)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    measured = measure(options.endpoint, options.steps)
    measured["ratio"] = measured["mosaik_us"]["p50"] / measured["daemon_us"]["p50"]
    print(json.dumps({"mosaik": mosaik.__version__, "steps": options.steps, **measured}))


if __name__ == "__main__":
    main()
