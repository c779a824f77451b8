"""What adjustments in force cost a step: hourly steps of two runs of one daemon, one with and one without.

Prints a line of JSON. The adjustments are those of SamplingBench: by default each of one area and one category, a
factor of 0.4 to 0.8 or 1.2 to 1.6 that decays with a half-life of 30 to 90 days. The clock runs from sending a
request to having its reply. The runs are stepped in turn, twenty steps at a time, and the first of these is not
counted: it may wait for the step that the daemon draws ahead for the other run.
"""

import argparse
import ctypes
import datetime
import json
import random
import statistics
import time

from served import BenchmarkError, Control, daemon


def adjustments(model, scope, count, dice):
    areas = [area["code"] for area in model["areas"]]
    for _ in range(count):
        made = {
            # None is so near 1 that its effect would soon be over.
            "factor": round(dice.uniform(0.4, 0.8) + (0.8 if scope != "displacing" and dice.random() < 0.5 else 0), 3),
            "areas": dice.sample(areas, len(areas) // 2) if scope == "broad" else [dice.choice(areas)],
            "categories": [dice.choice(model["categories"])],
        }
        if scope != "lasting":
            made["half_life"] = f"{dice.randrange(30, 91)}d"
        if scope == "displacing":
            made["displacement"] = 0.5
        yield made


# Steps at a time, and so many times to warm up.
TOGETHER, WARM = 20, 5


class Stepper:
    """One run, and how long each of its steps took, in microseconds."""

    def __init__(self, control, name, model):
        self.control, self.name, self.seq, self.times = control, name, 0, []
        control.request(op="open", run=name, model=model, start="2020-01-01", step="1h", seed=1, publish=False)

    def step(self, reply_format, adjust=None, think=0):
        control = self.control
        fields = {"v": 1, "op": "step", "run": self.name, "seq": self.seq, "format": reply_format}
        request = json.dumps(fields if adjust is None else {**fields, "adjust": adjust}).encode()
        length = ctypes.c_size_t(len(request))
        if think:
            time.sleep(think / 1e6)
        begin = time.perf_counter_ns()
        control.zmq.zmq_send(control.socket, request, length, 0)
        size = control.zmq.zmq_recv(control.socket, control.buffer, ctypes.c_size_t(control.REPLY_BYTES_MAX), 0)
        self.times.append((time.perf_counter_ns() - begin) / 1000)
        reply = json.loads(ctypes.string_at(control.buffer, size))
        if not reply["ok"]:
            raise BenchmarkError(f"{request} was answered {reply}")
        self.seq += 1
        return reply


def fresh(described, seq):
    """An adjustment of one hour."""
    until = datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=seq + 1)
    area = described["areas"][seq % len(described["areas"])]["code"]
    return {"factor": 0.9, "areas": [area], "categories": described["categories"][:1], "until": until.isoformat()}


def measure(model, scope, count, steps, reply_format="none", each_step=False, think=0):
    with daemon() as served:
        control = Control(served.control)
        plain, adjusted = (Stepper(control, name, model) for name in ("plain", "adjusted"))
        described = control.request(op="describe", model=model)
        dice = random.Random(1)
        for adjustment in adjustments(described, scope, count, dice):
            control.request(op="adjust", run="adjusted", **adjustment)
        for _ in range(WARM + -(-steps // (TOGETHER - 1))):
            for number in range(TOGETHER):
                without = plain.step(reply_format, think=think)
                if number == 0:
                    plain.times.pop()
            for number in range(TOGETHER):
                adjust = [fresh(described, adjusted.seq)] if each_step else None
                with_all = adjusted.step(reply_format, adjust, think)
                if number == 0:
                    adjusted.times.pop()
        if without["in_force"] != 0 or with_all["in_force"] != count + each_step:
            raise BenchmarkError(f"{with_all['in_force']} adjustments are in force and not {count}")
        control.close()
    medians = [statistics.median(one.times[WARM * (TOGETHER - 1):]) for one in (plain, adjusted)]
    return {
        "model": model, "scope": scope, "adjustments": count, "each_step": each_step, "think_us": think,
        "format": reply_format,
        "without_us": medians[0], "with_us": medians[1], "ratio": medians[1] / medians[0],
    }


def main():
    parser = argparse.ArgumentParser(description="Measures what adjustments in force cost a step.")
    parser.add_argument("--model", default="merseyside")
    parser.add_argument("--scope", choices=["single", "broad", "displacing", "lasting"], default="single")
    parser.add_argument("--adjustments", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--format", choices=["none", "records", "columns", "counts"], default="none")
    parser.add_argument("--each-step", action="store_true", help="each step brings one more, which ends with it")
    parser.add_argument("--think", type=int, default=0, metavar="MICROSECONDS", help="asleep before each request")
    options = parser.parse_args()
    print(json.dumps(measure(
        options.model, options.scope, options.adjustments, options.steps, options.format, options.each_step,
        options.think)))


if __name__ == "__main__":
    main()
