"""Database triggers that keep the ledger append-only, in both SQL dialects.

Whoever owns the database can drop a trigger, so these keep out mistakes, not intent.
"""

from __future__ import annotations

# Table to its triggers. INSERT OR REPLACE deletes rows without firing a DELETE trigger,
# hence the third one of each.
SQLITE: dict[str, tuple[str, ...]] = {
    "events": (
        """CREATE TRIGGER events_no_update BEFORE UPDATE ON events
           BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
        """CREATE TRIGGER events_no_delete BEFORE DELETE ON events
           BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
        """CREATE TRIGGER events_only_next BEFORE INSERT ON events
           WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM events)
             OR NEW.previous IS NOT coalesce(
                  (SELECT hash FROM events ORDER BY sequence DESC LIMIT 1), printf('%064d', 0))
             OR EXISTS (SELECT 1 FROM events WHERE hash = NEW.hash)
           BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    ),
    "tree_heads": (
        """CREATE TRIGGER tree_heads_no_update BEFORE UPDATE ON tree_heads
           BEGIN SELECT RAISE(ABORT, 'signed heads are append-only'); END""",
        """CREATE TRIGGER tree_heads_no_delete BEFORE DELETE ON tree_heads
           BEGIN SELECT RAISE(ABORT, 'signed heads are append-only'); END""",
        """CREATE TRIGGER tree_heads_only_at_the_end BEFORE INSERT ON tree_heads
           WHEN NEW.size IS NOT (SELECT max(sequence) FROM events)
             OR NEW.size <= (SELECT coalesce(max(size), 0) FROM tree_heads)
           BEGIN SELECT RAISE(ABORT, 'signed heads are append-only'); END""",
    ),
}

POSTGRES = (
    """CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = '23000'; END $$""",
    """CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()""",
    """CREATE TRIGGER tree_heads_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON tree_heads
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()""",
    """CREATE FUNCTION events_follow() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF NEW.sequence IS DISTINCT FROM (SELECT coalesce(max(sequence), 0) + 1 FROM events)
           OR NEW.previous IS DISTINCT FROM coalesce(
                (SELECT hash FROM events ORDER BY sequence DESC LIMIT 1), repeat('0', 64)) THEN
           RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = '23000';
         END IF;
         RETURN NEW;
       END $$""",
    """CREATE TRIGGER events_only_next BEFORE INSERT ON events
       FOR EACH ROW EXECUTE FUNCTION events_follow()""",
    """CREATE FUNCTION tree_heads_follow() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF NEW.size IS DISTINCT FROM (SELECT max(sequence) FROM events)
           OR NEW.size <= (SELECT coalesce(max(size), 0) FROM tree_heads) THEN
           RAISE EXCEPTION 'signed heads are append-only' USING ERRCODE = '23000';
         END IF;
         RETURN NEW;
       END $$""",
    """CREATE TRIGGER tree_heads_only_at_the_end BEFORE INSERT ON tree_heads
       FOR EACH ROW EXECUTE FUNCTION tree_heads_follow()""",
)
