"""Rules of the line as a whole: opened, drawn, fed, tuned, and led by organisers.

What the system asks here it asks of itself: a refusal tells that it asked too late, or
twice, and changes nothing.
"""

from typing import Final

from msgspec import ValidationError

from inventory import limits
from inventory.changes import (
    EntrantsFixed,
    LineDrawn,
    LineFed,
    LineOpened,
    LineSet,
    LineTuned,
    PresenceNoted,
    RoundPutOff,
)
from inventory.commands import (
    DrawLine,
    FeedLine,
    FixEntrants,
    NotePresence,
    OpenLine,
    PutOffRound,
    SetLine,
    TuneLine,
)
from inventory.line import draw
from inventory.line.line import AWAY, WAITING, Line, order_key
from inventory.line.wishes import NO_WISH, told_bytes
from inventory.rejections import MANAGERS_ONLY
from inventory.replies import Ok, Refused, refuse
from inventory.rules.common import Decision, Request
from inventory.rules.line_turns import OVER, is_over
from inventory.rules.line_wishes import Classes, possible
from inventory.settings import LineSettings

FIXED_BEFORE_MS: Final = 1_000
"""The list is told so long before the round comes out, at least."""


def open_line(request: Request, command: OpenLine) -> Decision:
    """Promise the rules of a draw, or begin a line of which nothing is drawn."""
    stock = request.stock
    if not request.system:
        return None, refuse("forbidden")
    settings = stock.settings
    if settings.sale_state in OVER:
        return None, refuse("line_over")
    refused = _refuse_draw(request, command)
    if refused is not None:
        return None, refused
    rules = _rules_of(command)
    if type(rules) is Refused:
        return None, rules
    terms = settings.line
    mode = rules.mode
    if mode == "list" and terms is None and settings.waitlist:
        terms = LineSettings(mode="list")
    if terms is None or terms.mode != mode:
        return None, refuse("wrong_state", f"This event has no line of mode {mode}.")
    closes_ms = rules.closes_at_ms
    if closes_ms is not None and closes_ms <= request.now_ms:
        return None, refuse("wrong_state", "The list would be closed already.")
    change = LineOpened(
        command.draw,
        mode,
        command.rules,
        draw.rules_hash_of(rules),
        command.commitment,
        command.former_seed,
        terms.turns_per_min,
        terms.sell_out_s,
        terms.count_returns,
        terms.wish_floor,
    )
    return change, Ok()


def _refuse_draw(request: Request, command: OpenLine) -> Refused | None:
    """Refuse a draw that does not follow the former one, or throws it away."""
    line = request.stock.line
    if line is None:
        if command.draw != 1 or command.former_seed is not None:
            return refuse("wrong_state", "The first draw is number 1.")
        return None
    if command.draw != line.opened.draw + 1:
        return refuse("wrong_state", f"There is draw {line.opened.draw} already.")
    if line.turns.open:
        return refuse("wrong_state", "Somebody has a turn.")
    if line.drawn is not None:
        seed = command.former_seed
        return None if seed is None else refuse("wrong_state", "Its seed is known.")
    out_ms = round_at_ms(line)
    if line.fixed is not None or (out_ms is not None and request.now_ms >= out_ms):
        # What came out may not be thrown away.
        return refuse("wrong_state", "Its order is fixed: draw it first.")
    if not _opens(command.former_seed, line.opened.rules_hash, line.opened.commitment):
        return refuse("wrong_state", "The seed of the former draw is another one.")
    return None


def _rules_of(command: OpenLine) -> draw.Rules | Refused:
    """Read rules; refuse what cannot be kept, or is of another draw."""
    try:
        rules = draw.rules_of(command.rules.encode())
    except (ValueError, ValidationError) as error:
        return refuse("bad_field", f"rules: {error}")
    fault = draw.fault_of(rules)
    if fault is None and (rules.event, rules.draw) != (command.event, command.draw):
        fault = "they are of another draw"
    if fault is not None:
        return refuse("bad_field", f"rules: {fault}")
    told = command.seed is not None
    if told == (rules.mode == "draw"):
        # A seed that is known before the list is, is none.
        return refuse("bad_field", "seed: told where something is drawn, or not told")
    if told and not _opens(command.seed, draw.rules_hash_of(rules), command.commitment):
        return refuse("bad_field", "seed: it does not open the commitment")
    return rules


def _opens(seed: bytes | None, rules_hash: bytes, commitment: bytes) -> bool:
    return seed is not None and draw.commitment_of(seed, rules_hash) == commitment


def round_at_ms(line: Line) -> int | None:
    """Return when the round in force comes out; None where there is none."""
    beacon = line.rules.beacon
    if beacon is None or line.round is None:
        return None
    return draw.time_of(beacon, line.round)


def _line_of(request: Request, number: int) -> Line | Refused:
    """Return the line that the system asks about."""
    if not request.system:
        return refuse("forbidden")
    line = request.stock.line
    if line is None or line.opened.draw != number:
        return refuse("wrong_state", "There is another draw.")
    if is_over(request.stock, line):
        return refuse("line_over")
    return line


def put_off_round(request: Request, command: PutOffRound) -> Decision:
    """Name the round after a void one: the rules leave no choice which."""
    line = _line_of(request, command.draw)
    if type(line) is Refused:
        return None, line
    beacon, void = line.rules.beacon, line.round
    closes_ms = line.rules.closes_at_ms or 0
    if line.fixed is not None or beacon is None or void is None:
        return None, refuse("wrong_state", "The round stands.")
    if request.now_ms < closes_ms:
        return None, refuse("wrong_state", "The list is not closed yet.")
    if line.put_off >= limits.ROUNDS_PUT_OFF_MAX:
        return None, refuse("wrong_state", "It was put off too often.")
    number = draw.next_round(beacon, void, request.now_ms, line.rules.fix_within_s)
    return RoundPutOff(void, number, command.why), Ok()


def fix_entrants(request: Request, command: FixEntrants) -> Decision:
    """Fix the list of those who gathered, before its round is out."""
    line = _line_of(request, command.draw)
    if type(line) is Refused:
        return None, line
    closes_ms = line.rules.closes_at_ms
    if line.fixed is not None:
        return None, refuse("wrong_state", "The list is fixed.")
    if closes_ms is None:
        if command.entries or command.root != draw.entrants_root([]):
            return None, refuse("wrong_state", "Nobody gathers here.")
    elif not closes_ms <= command.closed_at_ms <= request.now_ms:
        return None, refuse("wrong_state", "The list is not closed yet.")
    out_ms = round_at_ms(line)
    if out_ms is not None and request.now_ms > out_ms - FIXED_BEFORE_MS:
        return None, refuse("wrong_state", "The round is void: put it off.")
    change = EntrantsFixed(
        command.entries, command.root, command.closed_at_ms, line.round, out_ms
    )
    return change, Ok()


def draw_line(request: Request, command: DrawLine) -> Decision:
    """Fix the order. Whether the signature is the beacon's was verified before."""
    line = _line_of(request, command.draw)
    if type(line) is Refused:
        return None, line
    fixed, opened = line.fixed, line.opened
    if fixed is None or line.drawn is not None:
        return None, refuse("wrong_state", "There is nothing to draw now.")
    if not _opens(command.seed, opened.rules_hash, opened.commitment):
        return None, refuse("wrong_state", "The seed does not open the commitment.")
    source = _source_of(request, line, command.signature)
    if type(source) is Refused:
        return None, source
    signature, randomness = command.signature, draw.NO_RANDOMNESS
    if signature is not None:
        randomness = draw.randomness_of(signature)
    if not fixed.entries and command.line_hash != draw.line_hash_of([]):
        return None, refuse("wrong_state", "An order of nobody has another hash.")
    change = LineDrawn(
        source,
        line.round if signature is not None else None,
        signature,
        command.seed,
        command.line_hash,
        draw.key_of(command.seed, fixed.root, randomness, opened.rules_hash),
    )
    return change, Ok()


def _source_of(request: Request, line: Line, signature: bytes | None) -> str | Refused:
    """Return what a draw's randomness comes of, where that is allowed now."""
    out_ms = round_at_ms(line)
    if line.opened.mode != "draw":
        return "none"
    if signature is not None:
        if out_ms is None or request.now_ms < out_ms:
            return refuse("wrong_state", "The round is not out yet.")
        return "beacon"
    if out_ms is None:
        return "seed_only"
    rules = line.rules
    waited = request.now_ms >= out_ms + 1_000 * rules.beacon_wait_s
    if rules.without_beacon != "seed_only" or not waited:
        return refuse("wrong_state", "The beacon is waited for.")
    return "seed_only"


def feed_line(request: Request, command: FeedLine) -> Decision:
    """Add the next places; their order is judged, as nothing else would notice."""
    line = _line_of(request, command.draw)
    if type(line) is Refused:
        return None, line
    refused = _refuse_feed(line, command)
    if refused is not None:
        return None, refused
    if not _are_in_order(line, command):
        return None, refuse("wrong_rank", "They are not in the order of the draw.")
    wishes = [possible(request.stock, one) for one in command.wishes]
    new = {one for one in wishes if one not in line.class_of}
    if told_bytes(new) > limits.LINE_WISHES_BYTES_MAX:
        return None, refuse("bad_field", "There is too much to tell of new wishes.")
    classes = Classes(line)
    numbers = [NO_WISH, *(classes.of(one) for one in wishes)]
    packed = b"".join(
        [numbers[local].to_bytes(2, "big") for local in _numbers(command.classes)]
    )
    change = LineFed(
        command.first_rank,
        tuple(command.users),
        command.stubs,
        packed,
        classes.new(),
        tuple(command.left),
        command.step,
        tuple(command.more_time),
    )
    return change, Ok()


def _refuse_feed(line: Line, command: FeedLine) -> Refused | None:
    """Refuse places that do not follow those that are fed."""
    count, first = len(command.users), command.first_rank
    if line.drawn is None or line.fixed is None:
        return refuse("wrong_state", "The line is not drawn yet.")
    if first != line.fed + 1:
        return refuse("wrong_rank", f"Rank {line.fed + 1} comes next.")
    if len(command.classes) != 2 * count:
        return refuse("bad_field", "These places do not fit together.")
    highest = max(_numbers(command.classes), default=0)
    named = [*command.left, *command.more_time]
    if (
        not count
        or len(command.stubs) != count * draw.STUB_BYTES
        or highest > len(command.wishes)
        or any(not first <= rank < first + count for rank in named)
        or command.left != sorted(set(command.left))
    ):
        return refuse("bad_field", "These places do not fit together.")
    entrants = line.fixed.entries
    if command.step is None:
        if first + count - 1 > entrants:
            return refuse("wrong_rank", f"There are {entrants} entrants.")
        return None
    if first <= entrants:
        return refuse("wrong_rank", "The entrants come first.")
    goes_on = line.step_goes_on and command.step == line.step
    if not goes_on and command.step != line.step + 1:
        return refuse("wrong_rank", f"Step {line.step + 1} comes next.")
    return None


def _numbers(packed: bytes) -> list[int]:
    """Return what pairs of bytes say, most significant first."""
    pairs = zip(packed[::2], packed[1::2], strict=True)
    return [high << 8 | low for high, low in pairs]


def _are_in_order(line: Line, command: FeedLine) -> bool:
    """Return whether places stand in the order of the draw, the former ones too."""
    if line.drawn is None:
        return False
    late = command.step is not None
    goes_on = not late or command.step == line.step
    stubs = draw.split(command.stubs)
    if goes_on and order_key(line.drawn.key, stubs[0], late=late) <= line.last_key:
        return False
    return draw.is_in_order(line.drawn.key, stubs, late=late)


def tune_line(request: Request, command: TuneLine) -> Decision:
    """Count with what turns take."""
    if not request.system:
        return None, refuse("forbidden")
    if request.stock.line is None:
        return None, refuse("wrong_state")
    change = LineTuned(
        command.mean_milli, command.variance_milli, command.returning_ppm
    )
    return change, Ok()


def note_presence(request: Request, command: NotePresence) -> Decision:
    """Note who went away and who came back, of those who wait."""
    if not request.system:
        return None, refuse("forbidden")
    line = request.stock.line
    if line is None:
        return None, refuse("wrong_state")
    away = _those(line, command.away, WAITING)
    back = _those(line, command.back, AWAY)
    if not away and not back:
        return None, Ok()
    return PresenceNoted(away, back), Ok()


def _those(line: Line, ranks: list[int], state: int) -> tuple[int, ...]:
    """Return those of some ranks that are in a state, ascending, each once."""
    known = sorted({rank for rank in ranks if rank <= line.fed})
    return tuple([rank for rank in known if line.state_of(rank) == state])


def _is_known(line: Line, now_ms: int) -> bool:
    """Return whether somebody may know an order that is not drawn yet.

    What came out is not thrown away.
    """
    if line.drawn is not None:
        return False
    out_ms = round_at_ms(line)
    return line.fixed is not None if out_ms is None else now_ms >= out_ms


def set_line(request: Request, command: SetLine) -> Decision:
    """Change how the line goes on; all of it stands in the transcript."""
    stock = request.stock
    if not request.organizer:
        return None, refuse("forbidden", MANAGERS_ONLY)
    line = stock.line
    if line is None:
        return None, refuse("line_not_open")
    if is_over(stock, line):
        done = line.closed and command.act == "close"
        return None, Ok() if done else refuse("line_over")
    act = command.act
    if act == "close" and _is_known(line, request.now_ms):
        return None, refuse("wrong_state", "Its order is known: draw it first.")
    if (act == "pause" and line.paused) or (act == "resume" and not line.paused):
        return None, Ok()
    set_ = act == "set"
    change = LineSet(
        act,
        command.message if act == "message" else None,
        command.turns_per_min if set_ else None,
        command.sell_out_s if set_ else None,
        command.turn_s if set_ else None,
        command.offer_s if set_ else None,
        command.serve_away if set_ else None,
        command.count_returns if set_ else None,
    )
    if set_ and change == LineSet("set"):
        return None, refuse("bad_field", "Nothing is set.")
    return change, Ok()
