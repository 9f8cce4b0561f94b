"""Whether what a page was told of the list is what the transcript says was told."""

from inventory.line.draw import fixed_bytes
from server.events.audit.receipts import PublicKey, is_signed
from server.events.line.verify.opening import Opening
from server.events.line.verify.options import Witness
from server.events.line.verify.report import Report


def judge(report: Report, witness: Witness, opening: Opening, key: PublicKey) -> None:
    """Judge a witness, in the end."""
    told = witness.frame.statement()
    try:
        signature = bytes.fromhex(witness.frame.signature)
    except ValueError:
        signature = b""
    if not report.require(
        "witness",
        witness.frame.op == "line_fixed"
        and is_signed(key, fixed_bytes(told), signature),
        "it was not signed by this key",
    ):
        return
    opened = opening.opened
    if (told.event, told.draw) != (opened.rules.event, opened.rules.draw):
        report.open("witness", "it is of another draw")
        return
    if opening.fixed is None:
        report.open("witness", "the list is not fixed yet")
        return
    report.require(
        "witness",
        told == opening.statement(),
        "another list was told than the transcript has",
    )
    due_ms = told.round_at_ms
    if due_ms is not None and witness.arrived_ms >= due_ms:
        report.weak(
            "witness",
            "told_late",
            f"it arrived {witness.arrived_ms - due_ms:,} ms after the round was out",
        )
    report.fine("witness", "the list was told as the transcript has it, and in time")
