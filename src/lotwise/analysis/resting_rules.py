"""The rules behind :mod:`lotwise.analysis.resting`: one event after the other, in constant memory.

State is flat lists of whole numbers: so many places a level, so many a side. A row is a price of the window;
its bid level is number ``2 * row``, its ask level ``2 * row + 1``. A time of 0 is none.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from typing import Final, NamedTuple

from lotwise.rule import rule

State = MutableSequence[int]

SHOWN: Final = 0
"""Lots that the book shows."""
HIT: Final = 1
"""Lots traded since the book last told of this level."""
HIT_NS: Final = 2
BEGAN: Final = 3
"""First trade of the fight for this level; 0 without one."""
TOTAL: Final = 4
"""Lots traded in that fight."""
ADDS: Final = 5
"""How often lots were added soon after a trade."""
NEXT: Final = 6
"""Which of the sizes is given up first."""
TOLD_NS: Final = 7
"""When an iceberg was told of here, or its size came back after that; 0 if none was."""
CLIPS: Final = 8
"""Here begin the sizes that were added."""
CLIP_COUNT: Final = 12
CLIP: Final = 0
EARNED: Final = 1
"""How often the size came back after at least as much had traded."""
AMISS: Final = 2
"""How often it came or went without that."""
SINCE: Final = 3
"""Lots traded since it last came back."""
CAME_NS: Final = 4
"""When it last came back."""
ADDS_THEN: Final = 5
"""Additions to the level before it came first."""
RENEWED: Final = 6
"""Lots that came back so."""
TOTAL_THEN: Final = 7
"""Lots traded in the fight before it came first."""
CLIP_PLACES: Final = 8
BIG: Final = 104
"""Lots of a large order seen to arrive; 0 without one."""
BIG_NS: Final = 105
BIG_HIT: Final = 106
LEVEL: Final = 107
"""Places of a level."""

TAKEN: Final = 0
"""Lots taken from this side by market orders so far."""
SIEGE_ROW: Final = 1
"""Row under attack; -1 without one."""
SIEGE_NS: Final = 2
SIEGE_LOTS: Final = 3
SIEGE_SHOWN: Final = 4
"""Most lots the book showed there during the attack."""
SIEGE_OTHER: Final = 5
"""What had been taken from the other side when it began."""
SIEGE_MET: Final = 6
"""When the attack was large enough; 0 not yet, -1 already told."""
WALL_ROW: Final = 7
"""Row of a large order that was hit and holds; -1 without one."""
WALL_NS: Final = 8
SIDE: Final = 9
"""Places of a side."""
LAST_ROW: Final = 2 * SIDE
"""Row of the last trade."""
ADDED: Final = LAST_ROW + 1
"""How often lots were added anywhere soon after a trade there."""
SIZES: Final = ADDED + 1
"""Here begins how often of each size; sizes beyond the last begin anew."""
SIZE_COUNT: Final = 1024
SIDES: Final = SIZES + SIZE_COUNT
"""Places of all that is not of one level."""

ICEBERG: Final = 1
ABSORBED: Final = 2
DEFENDED: Final = 3
PULLED: Final = 4
FINDING: Final = 8
"""Places of a finding: kind, found, began, is bid, row, lots, size, count."""
MOST_AT_ONCE: Final = 6
"""Findings of one event: a siege and a wall of each side, and two of the level it is about."""
MULTIPLES: Final = 3
"""Refills that one message of the book may hold."""
PER_CENT: Final = 100


class Terms(NamedTuple):
    """When a detector speaks; lots are in the contract's lots, times in nanoseconds."""

    soon_ns: int = 100_000_000
    """A refill is told of at most so long after a trade; no less than the venue's pause between messages."""
    quiet_ns: int = 5_000_000_000
    """A level that is not hit for so long is at peace; what comes later is another fight."""
    refills: int = 5
    """Refills of one size, each after at least as much had traded, that make an iceberg."""
    unusual: int = 8
    """How many times more often than that size is added anywhere; a half after one refill more, and so on."""
    doubt: int = 2
    """How often a size counts as added elsewhere although it was not yet: at first little is known."""
    renewed_share: int = 15
    """Least part of what traded at the level since the first of them that they made up for, in per cent."""
    amiss_share: int = 50
    """Most additions and withdrawals of that size at other times, in per cent of the refills."""
    least_clip_lots: int = 3
    """Smallest size of a refill."""
    siege_ns: int = 3_000_000_000
    """An attack gathers its lots within so long."""
    siege_lots: int = 1_000
    """Lots that make an attack: several times what usually trades in that time."""
    shown_share: int = 200
    """Least lots of an attack, in per cent of the most the book showed at the level."""
    other_share: int = 50
    """Most lots that market orders of the other direction took meanwhile, in per cent of the attack's."""
    band_rows: int = 0
    """An attack also counts what trades so many rows nearer to the middle."""
    hold_ns: int = 2_000_000_000
    """The level holds so long after the attack was large enough, or the large order was hit."""
    large_lots: int = 2_000
    """Lots arriving at once that make a large order."""
    hit_share: int = 20
    """Least share of a large order that traded before it counts as defended, in per cent."""
    near_rows: int = 20
    """A large order is pulled if the last trade was at most so many rows away."""


@rule
def tell(
    out: State,
    number: int,
    kind: int,
    time_ns: int,
    began_ns: int,
    is_bid: int,
    row: int,
    lots: int,
    size: int,
    count: int,
) -> int:
    """Write down a finding; how many there are then."""
    at = number * FINDING
    out[at], out[at + 1], out[at + 2], out[at + 3] = kind, time_ns, began_ns, is_bid
    out[at + 4], out[at + 5], out[at + 6], out[at + 7] = row, lots, size, count
    return number + 1


@rule
def settle(sides: State, levels: State, terms: Terms, time_ns: int, out: State, number: int) -> int:
    """Tell of attacks and large orders that have held long enough by now."""
    for side in range(2):
        at = side * SIDE
        if sides[at + SIEGE_MET] > 0 and time_ns >= sides[at + SIEGE_MET] + terms.hold_ns:
            number = tell(
                out,
                number,
                ABSORBED,
                time_ns=time_ns,
                began_ns=sides[at + SIEGE_NS],
                is_bid=1 - side,
                row=sides[at + SIEGE_ROW],
                lots=sides[at + SIEGE_LOTS],
                size=sides[at + SIEGE_SHOWN],
                count=sides[(1 - side) * SIDE + TAKEN] - sides[at + SIEGE_OTHER],
            )
            sides[at + SIEGE_MET] = -1
        if sides[at + WALL_ROW] >= 0 and time_ns >= sides[at + WALL_NS] + terms.hold_ns:
            level = (2 * sides[at + WALL_ROW] + side) * LEVEL
            number = tell(
                out,
                number,
                DEFENDED,
                time_ns=time_ns,
                began_ns=levels[level + BIG_NS],
                is_bid=1 - side,
                row=sides[at + WALL_ROW],
                lots=levels[level + BIG_HIT],
                size=levels[level + BIG],
                count=1,
            )
            sides[at + WALL_ROW] = -1
            levels[level + BIG] = 0
    return number


@rule
def besiege(sides: State, terms: Terms, side: int, time_ns: int, row: int, lots: int, shown: int) -> None:
    """Add a trade to the attack on a side: a row deeper breaks the level, a row nearer may not count."""
    at, other = side * SIDE, (1 - side) * SIDE
    deeper = row - sides[at + SIEGE_ROW] if side == 1 else sides[at + SIEGE_ROW] - row
    if sides[at + SIEGE_ROW] >= 0:
        late = time_ns - sides[at + SIEGE_NS] > terms.siege_ns
        if deeper > 0 or (sides[at + SIEGE_MET] <= 0 and (late or deeper < -terms.band_rows)):
            sides[at + SIEGE_ROW] = -1
    if sides[at + SIEGE_ROW] < 0:
        sides[at + SIEGE_ROW], sides[at + SIEGE_NS], sides[at + SIEGE_LOTS] = row, time_ns, 0
        sides[at + SIEGE_SHOWN], sides[at + SIEGE_OTHER], sides[at + SIEGE_MET] = (
            shown,
            sides[other + TAKEN],
            0,
        )
        deeper = 0
    if deeper >= -terms.band_rows:
        sides[at + SIEGE_LOTS] += lots
    taken, against = sides[at + SIEGE_LOTS], sides[other + TAKEN] - sides[at + SIEGE_OTHER]
    large = taken >= terms.siege_lots and taken * PER_CENT >= sides[at + SIEGE_SHOWN] * terms.shown_share
    if sides[at + SIEGE_MET] == 0 and large and against * PER_CENT <= taken * terms.other_share:
        sides[at + SIEGE_MET] = time_ns


@rule
def see_trade(
    levels: State, sides: State, terms: Terms, side: int, time_ns: int, row: int, lots: int
) -> None:
    """A market order takes lots of a level: side 0 is the bid, 1 the ask."""
    level, at = (2 * row + side) * LEVEL, side * SIDE
    if levels[level + BEGAN] == 0 or time_ns - levels[level + HIT_NS] > terms.quiet_ns:
        levels[level + BEGAN], levels[level + TOTAL] = time_ns, 0
        levels[level + ADDS], levels[level + NEXT] = 0, 0
        for place in range(level + CLIPS, level + CLIPS + CLIP_PLACES * CLIP_COUNT):
            levels[place] = 0
    sides[at + TAKEN] += lots
    shown = max(0, levels[level + SHOWN] - levels[level + HIT])
    besiege(sides, terms, side, time_ns=time_ns, row=row, lots=lots, shown=shown)
    levels[level + HIT] += lots
    levels[level + HIT_NS] = time_ns
    levels[level + TOTAL] += lots
    for clip in range(CLIP_COUNT):
        levels[level + CLIPS + CLIP_PLACES * clip + SINCE] += lots
    sides[LAST_ROW] = row
    wall = sides[at + WALL_ROW]
    if wall >= 0 and ((row > wall) if side == 1 else (row < wall)):
        sides[at + WALL_ROW] = -1
    if levels[level + BIG] > 0:
        levels[level + BIG_HIT] += lots
        met = levels[level + BIG_HIT] * PER_CENT >= levels[level + BIG] * terms.hit_share
        if met and sides[at + WALL_ROW] < 0:
            sides[at + WALL_ROW], sides[at + WALL_NS] = row, time_ns


@rule
def clip_of(levels: State, level: int, size_lots: int) -> int:
    """Where a size is kept, or else one that it is twice or three times; -1 if none is.

    Of several the one that came back most often, and twice at least: a message may hold several refills.
    """
    found, most = -1, 1
    for clip in range(CLIP_COUNT):
        place = level + CLIPS + CLIP_PLACES * clip
        held = levels[place + CLIP]
        if held == size_lots:
            return place
        if held > 0 and levels[place + EARNED] > most:
            for times in range(2, MULTIPLES + 1):
                if held * times == size_lots:
                    found, most = place, levels[place + EARNED]
    return found


@rule
def clip_for(levels: State, level: int) -> int:
    """Where a new size is kept: in the place of the one that came back least; of several they take turns."""
    least = levels[level + CLIPS + EARNED]
    for clip in range(1, CLIP_COUNT):
        least = min(least, levels[level + CLIPS + CLIP_PLACES * clip + EARNED])
    clip = levels[level + NEXT]
    while levels[level + CLIPS + CLIP_PLACES * clip + EARNED] != least:
        clip = (clip + 1) % CLIP_COUNT
    levels[level + NEXT] = (clip + 1) % CLIP_COUNT
    return level + CLIPS + CLIP_PLACES * clip


@rule
def is_iceberg(levels: State, sides: State, terms: Terms, level: int, place: int) -> bool:
    """Whether a size came back often enough, and unusually often: each refill more asks for less of that."""
    earned, adds = levels[place + EARNED], levels[level + ADDS] - levels[place + ADDS_THEN]
    usual = max(0, sides[SIZES + levels[place + CLIP] % SIZE_COUNT] - earned) + terms.doubt
    weight = earned * (earned - terms.refills + 1)
    often = earned >= terms.refills and weight * sides[ADDED] >= adds * usual * terms.unusual
    traded = levels[level + TOTAL] - levels[place + TOTAL_THEN]
    much = levels[place + RENEWED] * PER_CENT >= traded * terms.renewed_share
    return often and much and levels[place + AMISS] * PER_CENT <= earned * terms.amiss_share


@rule
def note_change(
    levels: State, sides: State, terms: Terms, level: int, change_lots: int, time_ns: int, prompt: bool
) -> int:
    """Weigh what a level gained or lost; the place of a size that is only now an iceberg's, or -1.

    A refill counts if it comes soon after a trade and at least as much traded since the last one. A size that
    did not come back for a while begins anew.
    """
    place = clip_of(levels, level, abs(change_lots))
    if change_lots <= 0 or not prompt:
        if place >= 0:
            levels[place + AMISS] += 1
        return -1
    levels[level + ADDS] += 1
    sides[ADDED] += 1
    sides[SIZES + change_lots % SIZE_COUNT] += 1
    if place >= 0 and time_ns - levels[place + CAME_NS] <= terms.quiet_ns:
        if levels[place + SINCE] < change_lots:
            levels[place + AMISS] += 1
            return -1
        levels[place + EARNED] += 1
    elif place >= 0 or (change_lots >= terms.least_clip_lots and levels[level + TOTAL] >= change_lots):
        if place < 0:
            place = clip_for(levels, level)
            levels[place + CLIP] = change_lots
        levels[place + EARNED], levels[place + AMISS] = 1, 0
        levels[place + ADDS_THEN] = levels[level + ADDS] - 1
    else:
        return -1
    if levels[place + EARNED] == 1:
        levels[place + RENEWED], levels[place + TOTAL_THEN] = 0, levels[level + TOTAL]
    else:
        levels[place + RENEWED] += change_lots
    levels[place + SINCE], levels[place + CAME_NS] = 0, time_ns
    if not is_iceberg(levels, sides, terms, level=level, place=place):
        return -1
    known = levels[level + TOLD_NS] > 0 and time_ns - levels[level + TOLD_NS] <= terms.quiet_ns
    levels[level + TOLD_NS] = time_ns
    return -1 if known else place


@rule
def see_level(
    levels: State,
    sides: State,
    terms: Terms,
    side: int,
    time_ns: int,
    row: int,
    lots: int,
    out: State,
    number: int,
) -> int:
    """The book tells what rests at a level now; how many findings there are then."""
    level, at = (2 * row + side) * LEVEL, side * SIDE
    change = lots - (levels[level + SHOWN] - levels[level + HIT])
    since = time_ns - levels[level + HIT_NS]
    if since > terms.quiet_ns:
        levels[level + BEGAN] = 0
    if levels[level + BEGAN] > 0 and change != 0:
        place = note_change(
            levels,
            sides,
            terms,
            level=level,
            change_lots=change,
            time_ns=time_ns,
            prompt=since <= terms.soon_ns,
        )
        if place >= 0:
            number = tell(
                out,
                number,
                ICEBERG,
                time_ns=time_ns,
                began_ns=levels[level + BEGAN],
                is_bid=1 - side,
                row=row,
                lots=levels[level + TOTAL],
                size=levels[place + CLIP],
                count=levels[place + EARNED],
            )
    if row == sides[at + SIEGE_ROW] and sides[at + SIEGE_MET] == 0:
        sides[at + SIEGE_SHOWN] = max(sides[at + SIEGE_SHOWN], lots)
    big = levels[level + BIG]
    if big == 0 and change >= terms.large_lots:
        levels[level + BIG], levels[level + BIG_NS], levels[level + BIG_HIT] = change, time_ns, 0
    elif big > 0 and 2 * lots < big:
        near = abs(row - sides[LAST_ROW]) <= terms.near_rows
        if near and 2 * levels[level + BIG_HIT] < big - lots:
            number = tell(
                out,
                number,
                PULLED,
                time_ns=time_ns,
                began_ns=levels[level + BIG_NS],
                is_bid=1 - side,
                row=row,
                lots=levels[level + BIG_HIT],
                size=big,
                count=1,
            )
        levels[level + BIG] = 0
        if sides[at + WALL_ROW] == row:
            sides[at + WALL_ROW] = -1
    levels[level + HIT], levels[level + SHOWN] = 0, lots
    return number


@rule
def see(
    levels: State,
    sides: State,
    terms: Terms,
    is_trade: bool,
    is_bid: bool,
    time_ns: int,
    row: int,
    lots: int,
    out: State,
    number: int,
) -> int:
    """One event: a trade against a side, or what rests at a level now; how many findings there are then."""
    number = settle(sides, levels, terms, time_ns=time_ns, out=out, number=number)
    side = 0 if is_bid else 1
    if is_trade:
        see_trade(levels, sides, terms, side, time_ns=time_ns, row=row, lots=lots)
        return number
    return see_level(levels, sides, terms, side, time_ns=time_ns, row=row, lots=lots, out=out, number=number)


@rule
def see_all(
    levels: State,
    sides: State,
    terms: Terms,
    is_trade: Sequence[bool],
    is_bid: Sequence[bool],
    times_ns: Sequence[int],
    rows: Sequence[int],
    lots: Sequence[int],
    first: int,
    out: State,
) -> tuple[int, int]:
    """Events from the first on, until they end or there is no room: the next event, and how many findings."""
    number, room = 0, len(out) // FINDING - MOST_AT_ONCE
    for i in range(first, len(rows)):
        if number > room:
            return i, number
        number = see(
            levels,
            sides,
            terms,
            is_trade=is_trade[i],
            is_bid=is_bid[i],
            time_ns=times_ns[i],
            row=rows[i],
            lots=lots[i],
            out=out,
            number=number,
        )
    return len(rows), number
