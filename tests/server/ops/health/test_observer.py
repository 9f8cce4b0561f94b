"""When clients are sent elsewhere, and when a server is to be started anew."""

import pytest

from persistence.data_directory import DataDirectory
from persistence.embedded.places import HOME_RECORD
from server.base.instance import Instance
from server.base.metrics import Metrics
from server.base.settings import Config
from server.ops.health import capability
from server.ops.health.database_probe import DOWN_AFTER_S, DatabaseProbe
from server.ops.health.observer import OWN_DATABASE_S_MAX, Observer
from server.transport.http.app_keys import Readiness


class House:
    """A process, the time it has, and a database that says nothing."""

    def __init__(self, folder: str, *, own_database: bool = False) -> None:
        self.now_s = 0.0
        self.readiness = Readiness(ready=True)
        instance = Instance(
            node="n",
            process="n.0",
            database_url="",
            port=0,
            own_database=own_database,
        )

        async def ask() -> object:
            return 1

        self.probe = DatabaseProbe(ask, lambda: self.now_s)
        self.observer = Observer(
            instance, [folder], self.readiness, Metrics(), self.probe
        )


def test_what_hinders_it_is_said(tmp_path):
    house = House(str(tmp_path))
    assert house.observer.hindrance is None
    assert house.observer.ready
    told: list[str | None] = [None, "The bus does not let us in."]
    house.readiness.hindrances += [lambda: told[0], lambda: told[1]]
    assert house.observer.hindrance == "The bus does not let us in."
    house.now_s = DOWN_AFTER_S
    assert house.observer.hindrance == "The database has not answered for 15 s."
    house.readiness.ready = False
    assert house.observer.hindrance == "It starts or stops."
    assert not house.observer.ready


async def test_a_database_of_ours_that_is_silent_for_too_long_is_an_ailment(tmp_path):
    house = House(str(tmp_path), own_database=True)
    house.now_s = OWN_DATABASE_S_MAX - 1
    assert house.observer.ailment is None
    house.now_s = OWN_DATABASE_S_MAX
    assert house.observer.ailment is not None
    assert "180 s" in house.observer.ailment
    await house.probe.beat()
    assert house.observer.ailment is None


def test_a_database_of_somebody_elses_is_none(tmp_path):
    house = House(str(tmp_path))
    house.now_s = 10 * OWN_DATABASE_S_MAX
    assert house.observer.ailment is None


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_disk_of_our_database_counts_wherever_it_lies(tmp_path, elsewhere):
    home = tmp_path / ("elsewhere" if elsewhere else "data")
    (home / "postgres").mkdir(parents=True)
    home.chmod(0o711)
    data = DataDirectory(tmp_path / "data")
    data.create()
    if elsewhere:
        data.write_record(HOME_RECORD, str(home))

    class Started:
        settings = Config(data_dir=str(data.path))
        instance = Instance(
            node="n", process="n.0", database_url="", port=0, own_database=True
        )

    folders = capability._folders(Started)  # type: ignore[arg-type]
    assert str(data.path) in folders
    assert str(home / "postgres") in folders
    assert str(home / "postgres" / "pg_wal") in folders
