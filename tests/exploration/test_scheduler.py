import numpy as np

from so3k_explore.exploration.scheduler import STRATEGIES, USUAL, Scheduler, applicable


def test_strategies_fit_the_molecule():
    assert applicable(USUAL, bonds=0, torsions=0) == ("hopping", "kicks", "seeds")
    assert applicable(USUAL, bonds=21, torsions=2) == ("hopping", "torsions", "seeds")
    assert applicable(USUAL, bonds=18, torsions=0) == ("hopping",)  # cyclohexane
    assert applicable(STRATEGIES, bonds=18, torsions=0) == ("hopping", "metadynamics", "tempering")
    assert applicable(("torsions",), bonds=18, torsions=0) == ("hopping",)


def test_the_strategy_that_finds_more_gets_the_larger_share_and_no_one_is_forgotten():
    scheduler = Scheduler(STRATEGIES[:3], *np.zeros((3, 3)))
    np.testing.assert_allclose(scheduler.shares, 1 / 3)
    for _ in range(50):
        scheduler.report(0, calls=100, found=0.0)
        scheduler.report(1, calls=100, found=1.0)
    assert scheduler.shares[1] > 0.5
    assert scheduler.shares.min() >= 0.05
    np.testing.assert_allclose(scheduler.shares.sum(), 1)


def test_the_past_is_forgotten_slowly():
    scheduler = Scheduler(("hopping", "seeds"), *np.zeros((3, 2)))
    for _ in range(50):
        scheduler.report(0, calls=100, found=1.0)
    for _ in range(300):
        scheduler.report(0, calls=100, found=0.0)
        scheduler.report(1, calls=100, found=1.0)
    assert scheduler.shares[1] > 0.8


def test_short_tasks_are_given_more_often_so_that_shares_are_of_force_calls():
    calls, tasks = np.array([5000.0, 5000.0]), np.array([25.0, 250.0])
    scheduler = Scheduler(("hopping", "seeds"), calls, tasks, np.array([10.0, 10.0]))
    np.testing.assert_allclose(scheduler.shares, 0.5)
    assert scheduler.chances[1] > 0.85  # each of them is ten times shorter
    rng = np.random.default_rng(0)
    chosen = [scheduler.choose(rng) for _ in range(500)]
    assert abs(np.mean(chosen) - scheduler.chances[1]) < 0.06
