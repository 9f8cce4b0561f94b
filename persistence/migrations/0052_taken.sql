-- Entrants of a draw are fed without a row being touched: how far they are taken stands in
-- the row of the line, and which rank a place has in the order that was drawn. A row has
-- its rank from when something becomes of the place: a turn, or its end.
ALTER TABLE line ADD COLUMN taken integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN line.taken IS
    'entrants that were taken to be fed, by rank: the event has their wishes, and is told'
    ' who leaves';
UPDATE line l SET taken = (
    SELECT max(e.rank) FROM line_entry e
    WHERE e.event_id = l.event_id AND e.draw = l.draw AND e.rank IS NOT NULL
        AND NOT e.late
) WHERE EXISTS (
    SELECT FROM line_entry e
    WHERE e.event_id = l.event_id AND e.draw = l.draw AND e.rank IS NOT NULL
        AND NOT e.late
);
COMMENT ON COLUMN line_entry.rank IS
    'of a late one, set in the commit that fed it; of an entrant, once it had its turn or'
    ' is over: until then line_bucket has it';

-- How many are ahead is counted from those who are not any more.
DROP INDEX line_entry_ahead;
CREATE INDEX line_entry_done
    ON line_entry (event_id, draw, rank) WHERE rank IS NOT NULL AND over_at IS NOT NULL;

-- Stubs are hashes: nothing is gained by trying to make them smaller.
ALTER TABLE line_segment ALTER COLUMN stubs SET STORAGE EXTERNAL;
ALTER TABLE line_bucket
    ALTER COLUMN stubs SET STORAGE EXTERNAL, ALTER COLUMN ranks SET STORAGE EXTERNAL;
