import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.exploration.tempering import LADDER, NOBODY, RUNGS, first_replicas

START = np.zeros((3, 3))


def test_the_ladder_is_geometric_and_all_replicas_rest():
    replicas = first_replicas(2, 800.0, 3)
    assert replicas.temperature[[0, -1]] == pytest.approx([800 * LADDER[0], 800 * LADDER[1]])
    np.testing.assert_allclose(np.diff(np.log(replicas.temperature)), np.log(LADDER[1] / LADDER[0]) / (RUNGS - 1))
    assert (replicas.carrier == NOBODY).all()


def test_there_is_a_replica_for_every_walker():
    assert len(first_replicas(40, 800.0, 3).carrier) == 40


def test_replicas_take_turns_and_none_is_carried_twice():
    replicas = first_replicas(2, 800.0, 3)
    carried = [replicas.pick(walker) for walker in range(RUNGS)]
    assert sorted(carried) == list(range(RUNGS))
    assert [replicas.carried_by(walker) for walker in range(RUNGS)] == carried
    replicas.lose(carried[2])
    assert replicas.carried_by(2) is None
    assert replicas.pick(99) == carried[2]


def test_a_replica_stays_where_it_was_when_a_stretch_goes_wrong():
    replicas = first_replicas(2, 800.0, 3)
    replica, rng = replicas.pick(0), np.random.default_rng(0)
    replicas.land(replica, START + 1, -2.0, rng)
    replicas.carrier[replica] = 4
    replicas.lose(replica)
    assert replicas.energy[replica] == -2.0
    np.testing.assert_array_equal(replicas.positions[replica], START + 1)
    assert replicas.carrier[replica] == NOBODY


def test_two_replicas_exchange_so_that_each_temperature_keeps_its_distribution():
    """Energies drawn from exponential distributions at two temperatures stay distributed so after exchanges."""
    rng, kT = np.random.default_rng(0), np.array([0.03, 0.06])
    cold = []
    for _ in range(4000):
        replicas = first_replicas(2, 1.0, 3)
        replicas = replicas.replace(
            **{
                name: getattr(replicas, name)[:2]
                for name in ("positions", "energy", "temperature", "carrier", "stretches")
            }
        )
        replicas.temperature[:] = kT / units.KB
        replicas.energy[:] = rng.exponential(kT)
        replicas.carrier[0] = 5
        replicas.land(0, START, float(replicas.energy[0]), rng)
        cold.append(replicas.energy[np.argmin(replicas.temperature)])
    assert np.mean(cold) == pytest.approx(kT[0], rel=0.05)


def test_exchanges_are_counted_and_need_a_neighbour_at_rest():
    replicas, rng = first_replicas(2, 800.0, 3), np.random.default_rng(1)
    first, second = replicas.pick(0), replicas.pick(1)
    replicas.land(first, START, -1.0, rng)
    assert replicas.exchanges.tolist() == [0, 0]  # the neighbours have no energy yet
    replicas.land(second, START, -1.0, rng)
    for _ in range(20):
        replica = replicas.pick(0)
        replicas.land(replica, START, -1.0, rng)
    tried, made = replicas.exchanges
    assert tried == made > 0  # equal energies always exchange
    assert sorted(replicas.temperature) == pytest.approx(sorted(first_replicas(2, 800.0, 3).temperature))
