"""A simulator of mosaik's, in a process of its own: gives the reply of each hour that was recorded, and does no more.

The replies are a JSON list of strings in a file; mosaik starts this with the address to connect to as last argument.
"""

import json
import sys

import mosaik_api_v3

META = {
    "api_version": "3.0",
    "type": "time-based",
    "models": {"Crime": {"public": True, "params": [], "attrs": ["request", "reply"]}},
}


class Crime(mosaik_api_v3.Simulator):
    def __init__(self, path):
        super().__init__(META)
        with open(path, encoding="utf-8") as file:
            self.replies = json.load(file)

    def init(self, sid, time_resolution=1.0):
        return self.meta

    def create(self, num, model):
        return [{"eid": "crime", "type": model}]

    def step(self, time, inputs, max_advance):
        self.hour = time
        return time + 1

    def get_data(self, outputs):
        return {"crime": {"reply": self.replies[self.hour]}}


if __name__ == "__main__":
    path = sys.argv.pop(1)
    mosaik_api_v3.start_simulation(Crime(path))
