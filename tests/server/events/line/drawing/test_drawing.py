"""The same in a child, as the server has it done."""

import tests.inventory.line.test_draw as vector
from inventory.line import draw
from server.events.line.drawing.drawing import Drawing


async def test_a_child_computes_list_and_order():
    drawing = Drawing()
    stubs = b"".join(sorted(vector.STUBS))
    told = await drawing.fix(stubs)
    assert told.root == vector.ROOT
    found = await drawing.order(vector.KEY, stubs)
    assert draw.split(found.stubs) == vector.STUBS
    assert found.line_hash.hex() == vector.DRAWN["line_hash"]
