-- What each code brought, and what whoever made it called it.

ALTER TABLE promotion_code ADD COLUMN label text;
COMMENT ON COLUMN promotion_code.label IS
    'what those who manage the event know it by: the code itself is stored nowhere';

CREATE INDEX redemption_of_code ON redemption (promotion_id, hash);
DROP INDEX promotion_code_list;
CREATE INDEX promotion_code_list ON promotion_code (promotion_id, created_at, hash);
