"""A shop as people would find it: events with pictures, half sold, for photographs."""

import io
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from tests.browser.shop import Shop
from tests.contract.client import Json, after

SEED = 7
SEATS = 1_200
SOLD = 120
HELD = 30
PARTY_MAX = 6
PRICES = {
    "premium": {"amount": 9_500, "currency": "EUR"},
    "standard": {"amount": 5_900, "currency": "EUR"},
    "economy": {"amount": 3_400, "currency": "EUR"},
    "standing": {"amount": 2_900, "currency": "EUR"},
}
FEES = {"per_ticket": 150}
TYPES = {
    "reduced": {
        "name": "Reduced",
        "prices": {"premium": {"amount": 7_500, "currency": "EUR"}},
    }
}
CODE = "LONGNIGHT"
ZONE = "Europe/Berlin"
WORDS = (
    "Four hours, three orchestras and one piano: the summer's long evening of film"
    " music, with an interval under the stars.\n\nDoors open an hour before."
)
COLOURS = (
    ((20, 32, 74), (88, 44, 120), (222, 92, 84), (252, 196, 110)),
    ((10, 60, 66), (18, 112, 104), (120, 180, 120), (240, 226, 150)),
    ((50, 20, 60), (130, 30, 80), (200, 70, 90), (250, 180, 160)),
)
BANDS = 60


@dataclass(frozen=True)
class Stage:
    """The shop, and the events in it."""

    shop: Shop
    gala: str
    """Half sold, with a map, paid at the gateway."""
    tour: str
    """Of 40 places without seats, for nothing."""
    later: str
    """Not on sale yet."""
    email: str = "reader@example.org"
    password: str = "four plain words here"
    """Whose account there is."""

    async def new_code(self) -> str:
        """Sell a ticket of the gala; return what its QR holds."""
        who = await self.shop.api.guest()
        async with await self.shop.socket(who) as socket:
            held = await socket.ok("hold_best", event=self.gala, quantity=1)
        order = await self.shop.order(self.gala, held["hold"], who)
        return str(order["tickets"][0]["code"])


async def set_stage(shop: Shop) -> Stage:
    """Make venues and events, draw their pictures, sell and hold a part."""
    usual: Json = {"timezone": ZONE, "description": WORDS, "max_per_user": 10_000}
    hall = await shop.arena(SEATS)
    gala = await shop.event(
        None,
        paid=True,
        venue=hall,
        name="The Night of Long Melodies",
        prices=PRICES,
        fees=FEES,
        types=TYPES,
        tags=["concert", "open air"],
        category="Music",
        **usual,
    )
    tour = await shop.event(
        None, capacity=40, name="Behind the Curtain: a Walk", category="Tour", **usual
    )
    later = await shop.event(
        None,
        venue=hall,
        name="Winter Circus",
        prices=PRICES,
        on_sale_at=after(days=3),
        **usual,
    )
    for number, event in enumerate((gala, tour, later)):
        await _show(shop, event, poster(number))
    await shop.promotion(gala, CODE, name="Friends of the house", percent_ppm=100_000)
    await _fill(shop, gala)
    stage = Stage(shop, gala, tour, later)
    body = {"email": stage.email, "password": stage.password, "name": "Robin Reader"}
    await shop.api.good("POST", "/v1/auth/register", body)
    return stage


async def _fill(shop: Shop, event: str) -> None:
    """Sell the best places to one party after the other; a few only hold theirs."""
    dice = random.Random(SEED)
    async with await shop.socket() as socket:
        for number in range(SOLD + HELD):
            wish = {
                "quantity": dice.randint(1, PARTY_MAX),
                "category": dice.choice(("premium", "standard", "economy")),
            }
            if number < SOLD:
                await _sell(shop, event, f"party-{number}", wish)
            else:
                await socket.ask("hold_best", event=event, **wish)


async def _sell(shop: Shop, event: str, sale: str, wish: Json) -> None:
    """Sell places at the counter, where there are such."""
    path, who = f"/v1/events/{event}/counter", shop.api.admin
    asked = {"sale": sale, **wish}
    held = await shop.api.request("POST", f"{path}/hold", asked, who=who)
    if held.status != 200:
        return
    body = {"sale": sale, "hold": held.body["hold"]}
    told = await shop.api.good("POST", f"{path}/quote", body, who=who)
    paid = {"paid": "cash", "total": told["total"]}
    await shop.api.good("POST", f"{path}/sales", {**body, **paid}, who=who)


async def _show(shop: Shop, event: str, picture: bytes) -> None:
    """Upload the picture of an event."""
    head = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n'
    answer = await shop.api.request(
        "POST",
        f"/v1/events/{event}/image",
        data=head + picture + b"\r\n--b--\r\n",
        who=shop.api.admin,
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status == 200, answer.raw


def poster(number: int, size: tuple[int, int] = (1_600, 900)) -> bytes:
    """Draw a calm picture, as PNG."""
    colours = COLOURS[number % len(COLOURS)]
    dice = random.Random(number)
    image = Image.new("RGB", size, colours[0])
    draw = ImageDraw.Draw(image)
    x = size[0] * dice.uniform(0.25, 0.75)
    for band in range(BANDS):
        radius = (BANDS - band) / BANDS * size[0] * 0.75
        part, share = divmod(band / BANDS * (len(colours) - 1), 1)
        low, high = colours[int(part)], colours[int(part) + 1]
        red, green, blue = (
            round(a + (b - a) * share) for a, b in zip(low, high, strict=True)
        )
        box = (x - radius, size[1] - radius, x + radius, size[1] + radius)
        draw.ellipse(box, fill=(red, green, blue))
    file = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(4)).save(file, "PNG")
    return file.getvalue()
