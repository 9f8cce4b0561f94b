"""Printed by real children, kept, and never twice at once."""

import asyncio
from datetime import UTC, datetime

import pytest
from msgspec import structs

from persistence.shop.tickets.tickets import Ticket
from server.base.refusals.refusals import Refusal
from server.shop.tickets.pictures import printer as module
from server.shop.tickets.pictures.printer import TICKETS_MAX, Printer, printed_of
from tests.server.shop.tickets.scanning import read_pdf
from tests.server.shop.tickets.test_token import OF_VERSION_1

AT = datetime(2035, 12, 31, 19, 0, tzinfo=UTC)
TICKET = Ticket(
    ticket="tkt_1",
    order=None,
    line=None,
    booking="bkg_1",
    reference="K7QX2M",
    event="evt_1",
    number="K7QX2MABCD",
    generation=1,
    state="valid",
    holder="usr_1",
    holder_name="Ünal Çelik",
    buyer="usr_1",
    kind="seat",
    label="A-1",
    category="1",
    area=None,
    place=0,
    key="00000000",
    issued_at=AT,
    created_at=AT,
    revoked_at=None,
    entered_at=None,
    event_name="A concert",
    starts_at=AT,
    timezone="Europe/Berlin",
    sale_state="on_sale",
    venue_name=None,
    organisation=None,
    maker="usr_2",
)


def test_times_are_those_of_the_place():
    printed = printed_of(TICKET, "CODE")
    assert printed.when == "31 December 2035, 20:00 (Europe/Berlin)"
    assert (printed.place, printed.venue) == ("Seat A-1", "")
    place = structs.replace(TICKET, kind="place", label="Floor", area="Floor")
    assert printed_of(place, "CODE").place == "Floor"
    assert OF_VERSION_1 not in repr(TICKET)


async def test_many_who_ask_at_once_start_one_child(monkeypatch):
    printer, runs = Printer(), 0
    run = printer._workshop.run

    async def counted(job):
        nonlocal runs
        runs += 1
        return await run(job)

    monkeypatch.setattr(printer._workshop, "run", counted)
    waiting = [
        asyncio.create_task(printer.print(TICKET, OF_VERSION_1)) for _ in range(5)
    ]
    await asyncio.sleep(0)
    # Who asked first goes away, and takes nothing from the others.
    waiting[0].cancel()
    found = await asyncio.gather(*waiting[1:])
    assert len(set(found)) == runs == 1
    assert read_pdf(found[0])[1] == OF_VERSION_1
    assert await printer.print(TICKET, OF_VERSION_1) is found[0]
    assert runs == 1


async def test_the_tickets_of_an_order_are_one_file_a_page_for_each():
    printer = Printer()
    other = structs.replace(TICKET, number="AAAAAAAAAA", label="A-2")
    several = [(TICKET, OF_VERSION_1), (other, OF_VERSION_1)]
    pdf = await printer.print_all(several)
    assert pdf.count(b"/Type /Page\n") == 2
    with pytest.raises(Refusal, match="limit_reached"):
        await printer.print_all(several * TICKETS_MAX)


async def test_what_is_refused_is_told_each_time_and_not_kept():
    printer = Printer()
    strange = structs.replace(TICKET, holder_name="東京")
    for _ in range(2):
        with pytest.raises(Refusal, match="script_not_printed") as caught:
            await printer.print(strange, OF_VERSION_1)
        assert "東 (U+6771)" in caught.value.detail


async def test_more_than_may_wait_are_sent_away(monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE_MAX", 1)
    monkeypatch.setattr(module, "WAITING_MAX", 0)
    printer = Printer()
    other = structs.replace(TICKET, number="AAAAAAAAAA")
    answers = await asyncio.gather(
        printer.print(TICKET, OF_VERSION_1),
        printer.print(other, OF_VERSION_1),
        return_exceptions=True,
    )
    assert isinstance(answers[0], bytes)
    assert isinstance(answers[1], Refusal)
    assert answers[1].code == "overloaded"
