"""A proxy that loses, doubles, delays and reorders one message in five, each way; clients that ask again.

    python Tests/Torture/retries.py           # 2,000 requests
    python Tests/Torture/retries.py --long    # 100,000 requests

What is held: each step is taken once, each adjustment made once, and every reply has the bytes that it has without the
proxy. The clients keep their sockets, so that late replies reach them; they are told by their `id`.
"""

import argparse
import collections
import heapq
import json
import pathlib
import random
import tempfile
import threading
import time

import zmq
from surviving import MODEL, Service, Steady, same_answer, trail, verify, write_small_model

CLIENTS = 10
TIMEOUT = 0.05
FAULTS = ("dropped", "doubled", "delayed", "reordered")
# Less and more than the clients' patience.
DELAY = 0.15


class Proxy(threading.Thread):
    """ROUTER in front, and behind it a DEALER for each client, as if it were the client's own connection."""

    def __init__(self, front, back, seed):
        super().__init__(daemon=True)
        self.chosen, self.back = random.Random(seed), back
        self.front = zmq.Context.instance().socket(zmq.ROUTER)
        self.front.linger = 0
        self.front.bind(front)
        self.poller = zmq.Poller()
        self.poller.register(self.front, zmq.POLLIN)
        self.behind, self.client_of = {}, {}
        self.late, self.order, self.held = [], 0, {}
        self.tally, self.ended = collections.Counter(), threading.Event()

    def dealer(self, client):
        if client not in self.behind:
            socket = zmq.Context.instance().socket(zmq.DEALER)
            socket.linger = 0
            socket.connect(self.back)
            self.poller.register(socket, zmq.POLLIN)
            self.behind[client], self.client_of[socket] = socket, client
        return self.behind[client]

    def deliver(self, way, client, frames):
        if way == "request":
            self.dealer(client).send_multipart(frames)
        else:
            self.front.send_multipart([client, *frames])

    def take(self, way, client, frames):
        """Delivers a message, or does something to it."""
        self.tally[f"at the proxy: each {way}"] += 1
        fault = self.chosen.choice(FAULTS) if self.chosen.random() < 0.2 else None
        # What was held back comes after this one.
        held = self.held.pop((way, client), None)
        if fault:
            self.tally[f"at the proxy: {way} {fault}"] += 1
        if fault == "delayed":
            self.order += 1
            due = time.monotonic() + self.chosen.random() * DELAY
            heapq.heappush(self.late, (due, self.order, way, client, frames))
        elif fault == "reordered":
            self.held[way, client] = frames
        elif fault != "dropped":
            for _ in range(1 + (fault == "doubled")):
                self.deliver(way, client, frames)
        if held:
            self.deliver(way, client, held)

    def run(self):
        while not self.ended.is_set():
            wait = min(max(self.late[0][0] - time.monotonic(), 0), 0.1) if self.late else 0.1
            for socket, _ in self.poller.poll(wait * 1000):
                # A few at a time, so that nobody has to wait for the others.
                for _ in range(20):
                    try:
                        frames = socket.recv_multipart(zmq.NOBLOCK)
                    except zmq.Again:
                        break
                    if socket is self.front:
                        self.take("request", frames[0], frames[1:])
                    else:
                        self.take("reply", self.client_of[socket], frames)
            while self.late and self.late[0][0] <= time.monotonic():
                _, _, way, client, frames = heapq.heappop(self.late)
                self.deliver(way, client, frames)
        for socket in (self.front, *self.behind.values()):
            socket.close()


def requests(client, wanted):
    """So many requests of one client: its run, with feedback each way, and a fork of it."""
    run = f"c{client}"
    asked = [{"op": "open", "run": run, "model": MODEL, "start": "2020-01-06", "seed": client}]
    seq = adjusted = 0
    while len(asked) < wanted - 4:
        within = []
        if seq % 4 == 1:
            within = [{"factor": 0.9, "categories": ["burglary"], "half_life": "1d", "key": f"w{seq}"}]
            adjusted += 1
        asked.append({"op": "step", "run": run, "seq": seq, "adjust": within})
        if seq % 7 == 3:
            asked.append({"op": "adjust", "run": run, "factor": 1.2, "half_life": "1d", "key": f"k{seq}"})
            adjusted += 1
        if seq % 21 == 10:
            asked.append({"op": "retract", "run": run, "adjustment": f"a{adjusted}"})
        seq += 1
    asked.append({"op": "fork", "run": run, "seq": seq, "as": f"{run}-fork"})
    asked.append({"op": "step", "run": f"{run}-fork", "seq": seq, "count": 5})
    asked.append({"op": "adjustments", "run": run})
    asked.append({"op": "close", "run": run})
    return asked


def converse(endpoint, client, wanted, expected, result, **options):
    """One client's requests; into `result`, what they were answered, or the first thing wrong."""
    steady = Steady(endpoint, prefix=f"{client}-", **options)
    replies = []
    try:
        for request in requests(client, wanted):
            frames, asked = steady.ask(request)
            # What was asked once may have been doubled on its way.
            if expected and not same_answer(request, frames, 2, expected[len(replies)]):
                raise AssertionError(f"{request}, asked {asked} times, was answered {frames[0][:600]} and not "
                                     f"{expected[len(replies)][0][:600]}")
            if not expected and not json.loads(frames[0])["ok"]:
                raise AssertionError(f"{request} was refused: {frames[0]}")
            replies.append(frames)
        result[client] = (replies, steady.repeated, steady.stale)
    except Exception as error:
        result[client] = error
    finally:
        steady.close()


def converse_all(endpoint, wanted, expected=None, **options):
    """All clients at once."""
    result = {}
    threads = [threading.Thread(target=converse, args=(endpoint, client, wanted // CLIENTS,
                                                       expected and expected[client][0], result), kwargs=options)
               for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for value in result.values():
        if isinstance(value, Exception):
            raise value
    return result


def trails(service):
    """Each run's records. Their numbers depend on which run was quicker."""
    runs = [name for client in range(CLIENTS) for name in (f"c{client}", f"c{client}-fork")]
    return {run: trail(service.data, service.folder.parent / "models", "--run", run, but=("record",)) for run in runs}


def play(wanted, seed=1):
    """So many requests without the proxy and with it; returns counts of what went on."""
    with tempfile.TemporaryDirectory(prefix="crims-retries-") as name:
        folder = pathlib.Path(name)
        models = write_small_model(folder / "models")
        straight = Service(folder / "straight", models).start()
        through = Service(folder / "through", models).start()
        try:
            expected = converse_all(straight.control, wanted, timeout=30)
            front = f"ipc://{folder}/proxy"
            proxy = Proxy(front, through.control, seed)
            proxy.start()
            result = converse_all(front, wanted, expected, timeout=TIMEOUT, reopen=False)
            proxy.ended.set()
            proxy.join()
        finally:
            straight.kill()
            through.kill()
        verify(through.data, models)
        kept, undisturbed = trails(through), trails(straight)
        for run, records in undisturbed.items():
            assert kept[run] == records, f"the records of {run} are others than without the proxy"
        taken = sum(row["event"] == "step" for rows in kept.values() for row in rows)
        asked = sum(len(replies) for replies, _, _ in result.values())
        return {"requests": asked, "step requests kept": taken,
                "asked again": sum(repeated for _, repeated, _ in result.values()),
                "late replies told by id": sum(stale for _, _, stale in result.values()),
                **dict(sorted(proxy.tally.items()))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="100,000 requests and not 2,000")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    began = time.monotonic()
    for what, count in play(100_000 if chosen.long else 2_000, chosen.seed).items():
        print(f"{count:>8,} {what}")
    print(f"replies and records as without the proxy ({time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    main()
