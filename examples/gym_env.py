"""Where should patrols go? A Gymnasium environment on the crime model, and two policies that play.

Each step is a shift of 8 hours. An action sends 6 patrols to some of the 24 areas where most
robbery and violence is expected, several to the same one if it likes. A patrol makes both 0.8 times
as likely there, half of that is gone after a shift, and 30 % of what it removes moves next door. So
patrols in one place add less and less, and what is best now depends on where they were. An agent
sees the week's incidents by area, how much of earlier patrols is left, and the time of the week.

The reward is the severity (ONS weights, days of imprisonment) that patrols have prevented, less
what they have displaced, in this very world: each shift is also taken by a run without patrols, of
which this one is a fork. Both share every other incident, so that only the prevented ones vary.
With reward="expected" it is the mean of that over all worlds, without any noise, as the daemon
works it out. But it does not know that an area is worse than usual this month, which is what an
agent could learn from its incidents: good for debugging, and blind to what makes a policy clever.

The numbers are for illustration; nobody should be policed by them. To see two policies play:
python gym_env.py --episodes 4
"""

import argparse
from contextlib import ExitStack
from datetime import datetime, timedelta

import crims
import gymnasium
import numpy as np
import pandas
from gymnasium import spaces

AREAS, PATROLS, WEEK = 24, 6, 21  # shifts of a week
TARGETS = ["robbery", "violence and sexual offences"]
LEFT = 0.5  # of a patrol's effect, after a shift


class PatrolEnv(gymnasium.Env):
    """Takes patrols to areas for some weeks; on a daemon of its own unless it is given one."""

    metadata = {"render_modes": []}

    def __init__(self, simulation=None, weeks=4, reward="prevented", start="2020-01-06T06:00"):
        if reward not in ("prevented", "expected"):
            raise ValueError(f"reward is 'prevented' or 'expected', not {reward!r}")
        self.reward, self.shifts, self.start = reward, weeks * WEEK, datetime.fromisoformat(start)
        self.own = ExitStack()  # the daemon, if it is
        self.runs = ExitStack()  # have no name, and go away when the next episode begins
        self.sim = simulation or self.own.enter_context(crims.launch())
        model = self.model = self.sim.describe("merseyside")
        self.severity = np.array([crime.severity for crime in model.crimes])
        self.is_target = np.array([crime.category in TARGETS for crime in model.crimes])
        rates = self.sim.rates(model.name, self.start, self.start + timedelta(weeks=1),
                               by=["area", "category"])
        rates = rates[rates["category"].isin(TARGETS)].groupby("area", sort=False)["expected"].sum()
        self.areas = list(rates.nlargest(AREAS).index)
        places = {area.code: place for place, area in enumerate(model.areas)}
        self.places = np.array([places[area] for area in self.areas])
        self.action_space = spaces.MultiDiscrete([AREAS] * PATROLS)
        self.observation_space = spaces.Dict({
            "incidents": spaces.Box(0, 1e4, (AREAS,), np.float32),  # robbery, violence; last week
            "patrolled": spaces.Box(0, PATROLS / (1 - LEFT), (AREAS,), np.float32),
            "shift": spaces.Discrete(WEEK),  # of the week, from Monday, 6:00
        })

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.runs.close()
        self.without = self.runs.enter_context(self.sim.open(
            self.model.name, start=self.start - timedelta(weeks=1), step="8h", publish=False,
            seed=int(self.np_random.integers(2**53))))
        self.recent = [self.count(self.without.step().incidents) for _ in range(WEEK)]
        self.run = self.runs.enter_context(self.without.fork())
        self.patrolled, self.shift = np.zeros(AREAS), 0
        return self.observation(), {}

    def step(self, action):
        sent = np.bincount(action, minlength=AREAS)
        patrols = [
            crims.adjustment(0.8 ** int(n), area=area, categories=TARGETS, half_life="8h",
                             displacement=0.3, source="gym_env.py", reason=f"{n} patrols")
            for area, n in zip(self.areas, sent) if n
        ]
        before, after = self.without.step().incidents, self.run.step(adjust=patrols).incidents
        self.recent = [*self.recent[1:], self.count(after)]
        self.patrolled, self.shift = LEFT * (self.patrolled + sent), self.shift + 1
        info = {"prevented": self.only_in(before, after) - self.only_in(after, before)}
        if self.reward == "expected":
            info["expected"] = self.expected()
        is_over = self.shift == self.shifts
        return self.observation(), info[self.reward], False, is_over, info

    def close(self):
        self.runs.close()
        self.own.close()

    def count(self, incidents):
        """Incidents of robbery and violence by area."""
        targets = incidents.array("MSOA")[self.is_target[incidents.array("crime")]]
        return np.bincount(targets, minlength=len(self.model.areas))[self.places]

    def only_in(self, incidents, others):
        """The severity of what did not happen in the other run."""
        only = ~np.isin(incidents.array("id"), others.array("id"))
        return float(self.severity[incidents.array("crime")[only]].sum())

    def expected(self):
        """What patrols prevent in the shift just taken, in the mean over all worlds."""
        rates = self.run.rates("code", self.run.time - timedelta(hours=8), self.run.time)
        weights = rates["code"].map({crime.code: crime.severity for crime in self.model.crimes})
        return float(((rates["baseline"] - rates["expected"]) * weights).sum())

    def observation(self):
        return {"incidents": np.sum(self.recent, axis=0, dtype=np.float32),
                "patrolled": self.patrolled.astype(np.float32),
                "shift": np.int64(self.shift % WEEK)}


def play(env, policy, seed):
    """An episode; severity prevented, in this world and in the mean."""
    observation, _ = env.reset(seed=seed)
    env.action_space.seed(seed)
    total, is_over = np.zeros(2), False
    while not is_over:
        observation, _, _, is_over, info = env.step(policy(env, observation))
        total += info["prevented"], info["expected"]
    return total


def at_random(env, observation):
    return env.action_space.sample()


def greedy(env, observation):
    """One after the other to where most happens, less what the patrols there have done."""
    worth, action = observation["incidents"] * 0.8 ** observation["patrolled"], []
    for _ in range(PATROLS):
        action.append(int(worth.argmax()))
        worth[action[-1]] *= 0.8
    return np.array(action)


def main():
    with crims.connect(args.control) if args.control else crims.launch() as sim:
        env, rows = PatrolEnv(sim, args.weeks, reward="expected"), []
        for name, policy in (("random", at_random), ("greedy", greedy)):
            seeds = range(args.seed, args.seed + args.episodes)
            results = np.array([play(env, policy, seed) for seed in seeds])
            rows.append([name, *results.mean(axis=0).round(), *results.std(axis=0, ddof=1).round()])
        env.close()
    columns = ["policy", "prevented", "expected", "sd", "sd of expected"]
    print(f"Severity prevented in {args.weeks} weeks, mean of {args.episodes} episodes")
    print(pandas.DataFrame(rows, columns=columns).to_string(index=False))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--control", help="where a daemon serves; without it, one is started")
    parser.add_argument("--episodes", type=int, default=4)
    parser.add_argument("--weeks", type=int, default=4, help="of each episode")
    parser.add_argument("--seed", type=int, default=1, help="of the first episode")
    args = parser.parse_args()
    try:
        main()
    except crims.CrimsError as error:
        raise SystemExit(str(error)) from None
