import pytest

from inventory.faults import FaultyError
from inventory.venue.errors import ChartError, Faults


def test_faults_of_a_map_end_in_an_error_of_its_own():
    faults = Faults()
    faults.add("seats.1.label", "Used twice.")
    with pytest.raises(ChartError, match="Used twice") as raised:
        faults.check()
    assert isinstance(raised.value, FaultyError)
    assert raised.value.faults == [("seats.1.label", "Used twice.")]
