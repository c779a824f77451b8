"""Who comes as another goes, and so by the same descriptor, is not taken for that one."""

import itertools
import threading
import time

from conftest import MODEL
from crims_client import Client, Dealer, Listener

SECONDS = 4


class Busy:
    """A daemon kept busy by some of these: steps that are published, steps that are asked for ahead, and subscriptions
    that come and go."""

    def __init__(self, daemon, *kinds):
        self.daemon, self.is_over = daemon, threading.Event()
        self.threads = [threading.Thread(target=getattr(self, kind)) for kind in kinds]

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def publish(self):
        client, listener = Client(self.daemon.control), Listener(self.daemon.events, "step/busy-")
        for number in itertools.count():
            if self.is_over.is_set():
                break
            # A run has some 1.6 million hours.
            run = f"busy-{number // 500}"
            if number % 500 == 0:
                client.open(model=MODEL, start="2020-01-06", run=run)
            client.step(run=run, count=2_000, format="none")
        client.end()
        listener.end()

    def ask_ahead(self):
        dealer = Dealer(self.daemon.control)
        dealer.send("open", model=MODEL, start="2020-01-06", run="ahead")
        for _ in range(20):
            dealer.send("step", run="ahead", format="none")
        while not self.is_over.is_set():
            dealer.receive()
            dealer.send("step", run="ahead", format="none")
        dealer.end()

    def subscribe(self):
        listener = Listener(self.daemon.events)
        while not self.is_over.wait(0.003):
            for number in range(2_000):
                listener.socket.subscribe(f"nothing-{number}")
                listener.socket.unsubscribe(f"nothing-{number}")
        listener.end()


def successors(work):
    """Has clients come one after the other, four at a time, and returns what each said."""
    end, said = time.monotonic() + SECONDS, []

    def follow(number):
        while time.monotonic() < end:
            said.append(work(number))

    threads = [threading.Thread(target=follow, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def test_a_listener_after_another_is_told_of_what_it_subscribed_to(start_daemon):
    daemon = start_daemon("--no-data")
    clients = [Client(daemon.control) for _ in range(4)]

    def listen(number):
        listener, patience = Listener(daemon.events, f"run/next-{number}/"), time.monotonic() + 3
        while time.monotonic() < patience:
            # Each of these is told as 'resumed', once the subscription is there.
            clients[number].open(model=MODEL, start="2020-01-06", run=f"next-{number}")
            if listener.socket.poll(5):
                break
        heard = listener.socket.poll(0)
        listener.end()
        return bool(heard)

    with Busy(daemon, "publish", "subscribe"):
        heard = successors(listen)
    assert len(heard) > 20 and all(heard), f"{heard.count(False)} of {len(heard)} heard nothing"


def test_a_reader_after_another_is_answered(start_daemon):
    daemon = start_daemon("--no-data")
    client = Client(daemon.control)
    client.open(model=MODEL, start="2020-01-06", run="past")
    client.step(run="past", count=100, format="none")

    def read(number):
        dealer = Dealer(daemon.control)
        dealer.send("read", run="past", seq=0, count=1 + 99 * (number % 2), format="none")
        answered = dealer.socket.poll(3_000)
        dealer.end()
        return bool(answered)

    with Busy(daemon, "ask_ahead", "subscribe"):
        answered = successors(read)
    assert len(answered) > 20 and all(answered), f"{answered.count(False)} of {len(answered)} were not answered"
