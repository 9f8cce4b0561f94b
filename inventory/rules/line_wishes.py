"""Rules of what is wished: what can be, and which class of equal wishes it is."""

from msgspec.structs import replace

from inventory import limits
from inventory.changes import WishesRecast, WishSet
from inventory.commands import RecastWishes, SetWish
from inventory.line.line import ALIVE, LEFT, TURN, Line
from inventory.line.wishes import NO_WISH, Wish, told_bytes
from inventory.replies import Ok, Refused, refuse
from inventory.rules.common import Decision, Request
from inventory.state import Stock


def possible(stock: Stock, wish: Wish) -> Wish:
    """Return a wish as it can be here: the same one, or the nearest to it.

    Of categories that there are not, and of none that are left any will do; nobody is
    given more than one booking may have.
    """
    settings = stock.settings
    most = min(settings.max_per_booking, settings.max_per_user)
    used = stock.venue.areas_of
    categories = tuple([one for one in dict.fromkeys(wish.categories) if one in used])
    if wish.quantity <= most and categories == wish.categories:
        return wish
    return replace(wish, quantity=min(wish.quantity, most), categories=categories)


class Classes:
    """Numbers of classes for wishes, some of them new."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._new: dict[Wish, int] = {}
        self._told_bytes = 0

    def of(self, wish: Wish | None) -> int:
        """Return the class of a wish; the nearest where there are too many.

        Too many there are in the line, or to tell of in one change.
        """
        if wish is None:
            return NO_WISH
        number = self._line.class_of.get(wish) or self._new.get(wish)
        if number is not None:
            return number
        number = len(self._line.wishes) + len(self._new) + 1
        size = self._told_bytes + told_bytes([wish])
        if number > limits.WISH_CLASSES_MAX or size > limits.LINE_WISHES_BYTES_MAX:
            return self._line.class_of[nearest(self._line.wishes, wish)]
        self._new[wish] = number
        self._told_bytes = size
        return number

    def is_full_for(self, wish: Wish) -> bool:
        """Return whether a wish would be put with another one."""
        full = len(self._line.wishes) >= limits.WISH_CLASSES_MAX
        return full and wish not in self._line.class_of

    def new(self) -> tuple[Wish, ...]:
        """Return the wishes that are new, by number."""
        return tuple(self._new)


def nearest(wishes: list[Wish], wish: Wish) -> Wish:
    """Return which of some wishes is most like another one: the first of those."""

    def unlike(one: Wish) -> tuple[bool, int, bool, int]:
        return (
            one.accessible != wish.accessible,
            abs(one.quantity - wish.quantity),
            one.together != wish.together,
            len(set(one.categories) ^ set(wish.categories)),
        )

    return min(wishes, key=unlike)


def own_place(request: Request, rank: int) -> Line | Refused:
    """Find a place of the caller; the system's are all."""
    line = request.stock.line
    if line is None:
        return refuse("line_not_open")
    user = line.user_of(rank)
    if user is None or not (request.system or user == request.user):
        return refuse("place_not_found")
    if line.state_of(rank) == LEFT:
        return refuse("place_not_found", "You have left the line.")
    return line


def set_wish(request: Request, command: SetWish) -> Decision:
    """Wish for something else, and keep the place."""
    rank, wish = command.rank, command.wish
    line = own_place(request, rank)
    if type(line) is Refused:
        return None, line
    classes = Classes(line)
    if wish is not None:
        nearer = possible(request.stock, wish)
        if nearer != wish or classes.is_full_for(wish):
            return None, refuse("bad_wish")
    if line.state_of(rank) not in ALIVE:
        if line.state_of(rank) == TURN:
            return None, refuse("wrong_state", "It is your turn: choose now.")
        return None, refuse("turn_over")
    if wish is None and not line.gated:
        return None, refuse("bad_wish", "Here everybody wishes for something.")
    same = line.wish_of(rank) == wish
    if same and command.more_time == (rank in line.more_time):
        return None, Ok()
    number = classes.of(wish)
    return WishSet(rank, number, classes.new(), command.more_time), Ok()


def impossible(stock: Stock, line: Line) -> list[int]:
    """Return the classes of wishes that cannot be any more."""
    return [
        number
        for number, wish in enumerate(line.wishes, 1)
        if possible(stock, wish) != wish
    ]


def recast_wishes(request: Request, command: RecastWishes) -> Decision:
    """Put wishes that cannot be any more with the nearest that can."""
    stock, line = request.stock, request.stock.line
    if not request.system:
        return None, refuse("forbidden")
    if line is None:
        return None, refuse("wrong_state")
    classes = Classes(line)
    waiting = {
        number
        for number, state in zip(line.classes, line.states, strict=True)
        if state in ALIVE
    }
    pairs = tuple(
        [
            (number, classes.of(possible(stock, line.wishes[number - 1])))
            for number in impossible(stock, line)
            if number in waiting
        ]
    )
    if not pairs:
        return None, refuse("wrong_state", "All wishes can be.")
    return WishesRecast(pairs, classes.new()), Ok()
