"""The patrol-allocation environment: what Gymnasium expects of it, and what its docstring promises."""

import copy
import json
import subprocess
import sys
import warnings
from importlib.util import find_spec

import pytest
from conftest import ROOT

missing = [name for name in ("gymnasium", "numpy", "pandas") if not find_spec(name)]
if missing:
    pytest.skip(f"not installed: {', '.join(missing)}", allow_module_level=True)

import crims as package  # noqa: E402
import numpy  # noqa: E402
from gymnasium.utils.env_checker import check_env  # noqa: E402

sys.path.insert(0, str(ROOT / "examples"))
import gym_env  # noqa: E402


@pytest.fixture
def sim(daemon):
    with package.connect(daemon.control) as sim:
        yield sim


@pytest.fixture
def make(sim):
    """Makes environments that close with the test."""
    made = []

    def make(**options):
        made.append(gym_env.PatrolEnv(sim, **{"weeks": 1, **options}))
        return made[-1]

    yield make
    for env in made:
        env.close()


def episode(env, seed, policy=gym_env.at_random):
    """All that an agent gets to see, as text to the last bit."""
    observation, info = env.reset(seed=seed)
    env.action_space.seed(seed)
    seen, is_over = [(observation, info)], False
    while not is_over:
        *result, info = env.step(policy(env, seen[-1][0]))
        seen.append((*result, info))
        is_over = result[2] or result[3]
    return seen


def text(seen):
    return json.dumps(seen, default=lambda array: array.tolist())


@pytest.mark.parametrize("reward", ["prevented", "expected"])
def test_gymnasium_finds_nothing_wrong(make, reward):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make(reward=reward), skip_render_check=True)


def test_same_seed_and_actions_give_the_same_episode_to_the_bit(make, daemon):
    first, again = episode(make(), seed=5), episode(make(), seed=5)
    assert text(first) == text(again)
    assert text(first) != text(episode(make(), seed=6))
    with package.connect(daemon.control) as other:
        env = gym_env.PatrolEnv(other, weeks=1)
        episode(env, seed=7)
        assert text(episode(env, seed=5)) == text(first), "it does not matter what was played before"
        env.close()


def test_episodes_without_a_seed_go_on_from_the_one_that_had_one(make):
    env, again = make(), make()
    for one in (env, again):
        one.reset(seed=3)
    second, as_well = env.reset()[0], again.reset()[0]
    assert text(second) == text(as_well)
    assert text(second) != text(env.reset()[0])


def test_an_episode_is_of_the_weeks_asked_for_and_begins_with_a_weeks_incidents(make):
    seen = episode(make(weeks=2), seed=1)
    assert len(seen) == 1 + 2 * 21
    assert [over for _, _, _, over, _ in seen[1:]] == [False] * 41 + [True]
    assert not any(terminated for _, _, terminated, _, _ in seen[1:])
    assert [int(step[0]["shift"]) for step in seen] == [*range(21), *range(21), 0]
    assert seen[0][0]["incidents"].sum() > 100
    assert seen[0][0]["patrolled"].sum() == 0


def test_reward_is_the_severity_of_what_the_fork_does_not_have(make, sim):
    """Counted again from the runs, area by area, and only robbery and violence moves."""
    env = make()
    rewards = [step[1] for step in episode(env, seed=2, policy=gym_env.greedy)[1:]]
    without, run = env.without.incidents(21), env.run.incidents(21)
    before, after = ({incident.id: incident for incident in incidents} for incidents in (without, run))
    gone = [before[key] for key in before.keys() - after.keys()]
    come = [after[key] for key in after.keys() - before.keys()]
    assert gone and come
    assert {incident.crime_category for incident in gone + come} <= set(gym_env.TARGETS)
    severity = sum(incident.severity for incident in gone) - sum(incident.severity for incident in come)
    assert sum(rewards) == pytest.approx(severity)
    assert {incident.MSOA for incident in gone} <= set(env.areas)


def test_without_an_effect_there_is_no_reward(make, monkeypatch):
    """The control: a fork that is not patrolled is the other run."""
    neutral = package.adjustment
    monkeypatch.setattr(package, "adjustment", lambda factor, **scope: neutral(1, **scope))
    env = make(reward="expected")
    assert all(step[1] == 0 == step[4]["prevented"] for step in episode(env, seed=2)[1:])


def test_expected_is_the_mean_of_what_is_prevented(make):
    """Over 40 worlds, within four standard errors."""
    def episodes(seeds, **options):
        env, action = make(**options), numpy.array([0, 0, 1, 2, 3, 4])
        return [sum(step[1] for step in episode(env, seed, lambda *_: action)[1:]) for seed in seeds]

    first, second = episodes([1, 2], reward="expected")
    assert first == second, "the same patrols are worth the same in every world"
    prevented = episodes(range(40))
    error = numpy.std(prevented, ddof=1) / len(prevented) ** 0.5
    assert 0 < error < numpy.mean(prevented) / 5
    assert abs(numpy.mean(prevented) - first) < 4 * error


@pytest.mark.parametrize("category", [None, "robbery"])
def test_expected_weighs_what_the_daemon_expects_less_by_severity(make, category):
    """With a severity of 1 and 0 it counts incidents, and so does the daemon."""
    env = make(reward="expected")
    env.model = copy.copy(env.model)
    env.model.crimes = [
        crime._replace(severity=float(category in (None, crime.category))) for crime in env.model.crimes
    ]
    rewards = [step[1] for step in episode(env, seed=2)[1:]]
    counts = [env.run.read(seq, format="none", categories=category) for seq in range(21, 42)]
    assert rewards == pytest.approx([count.baseline - count.expected for count in counts], abs=1e-5)
    assert max(rewards) > 0.01


def test_runs_go_away(sim, make):
    def runs():
        return {run["run"] for run in sim.status()}

    others = runs()
    env = make()
    for seed in range(3):
        env.reset(seed=seed)
        env.step(env.action_space.sample())
        assert len(runs() - others) == 2
    env.close()
    assert runs() == others


def test_a_wrong_reward_is_refused(make):
    with pytest.raises(ValueError, match="reward is 'prevented' or 'expected', not 'fun'"):
        make(reward="fun")


def test_it_plays_two_policies_and_prints_a_table(daemon):
    command = [sys.executable, ROOT / "examples" / "gym_env.py", "--control", daemon.control]
    command += ["--episodes", "2", "--weeks", "1"]
    played = [subprocess.run(command, capture_output=True, text=True, timeout=60) for _ in range(2)]
    assert all((one.returncode, one.stderr) == (0, "") for one in played)
    assert played[0].stdout == played[1].stdout
    rows = {line.split()[0]: [float(word) for word in line.split()[1:]] for line in played[0].stdout.splitlines()[2:]}
    assert rows.keys() == {"random", "greedy"}
    assert rows["greedy"][1] > 1.2 * rows["random"][1] > 0


def test_it_starts_a_daemon_of_its_own(monkeypatch):
    monkeypatch.chdir(ROOT)  # where the models are
    env = gym_env.PatrolEnv(weeks=1)
    daemon = env.sim.daemon
    env.reset(seed=1)
    assert daemon.is_running()
    env.close()
    assert not daemon.is_running()
