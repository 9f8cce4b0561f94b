"""Examples of tables, for the description of the interface."""

from typing import Any, Final

from persistence.shop.exports import ROWS
from server.shop.exports.tables import MARK
from server.transport.rest.examples import Examples

HEADS: Final[dict[str, Any]] = {
    f"export_{kind}": f"{MARK}{','.join(row.__struct_fields__)}\r\n"
    for kind, row in ROWS.items()
}

EXAMPLES: Final = Examples(answers=HEADS)
