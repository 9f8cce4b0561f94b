-- What was done about an order is listed for who runs its event.
CREATE INDEX activity_of_order ON activity ((objects ->> 'order'), at, activity_id)
    WHERE objects ->> 'order' IS NOT NULL;

-- A letter that is sent again has a link of its own: each stays good, and the index by
-- order and time finds them.
DROP INDEX order_opening_link;
