"""Which rank a place has, as statements ask for it.

Who came late has it in the row. An entrant has it in the order that was drawn, and in
the row only once something became of the place: a million rows are not written anew
for it. `e` is the place and `l` the line of its event.
"""

from typing import Final

RANK: Final = """
coalesce(e.rank, CASE WHEN NOT e.late AND l.taken > 0 AND l.draw = e.draw THEN (
    SELECT ('x' || encode(substring(b.ranks FROM (f.at + 3) / 4 FOR 4), 'hex'))
        ::bit(32)::integer
    FROM line_bucket b,
        LATERAL (SELECT nullif(position(e.stub IN b.stubs), 0) AS at) f
    WHERE b.event_id = e.event_id AND b.draw = e.draw
        AND b.bucket = ((get_byte(e.stub, 0) << 2) | (get_byte(e.stub, 1) >> 6))
) END)
"""
"""The rank, from when the first are taken to be fed. Stubs and ranks of a bucket stand
in the same order, 16 bytes and 4 each."""

TOLD: Final = f"""
CASE WHEN e.late OR e.draw < l.draw THEN e.rank
    ELSE (SELECT k.rank FROM (SELECT {RANK} AS rank OFFSET 0) k WHERE k.rank <= l.fed)
END
"""
"""The rank, once the event has the place; nobody is told before."""

IS_AT: Final = """
(e.rank = g.rank OR (e.rank IS NULL AND NOT e.late AND e.stub = (
    SELECT substring(s.stubs FROM 1 + 16 * (g.rank - s.first_rank) FOR 16)
    FROM line_segment s
    WHERE s.event_id = e.event_id AND s.draw = e.draw AND s.first_rank <= g.rank
    ORDER BY s.first_rank DESC LIMIT 1
)))
"""
"""Whether a place is the one of a rank of its draw, which is `g.rank`."""
