-- Version 4 knew no provisioned capacity. A wider CHECK changes no row, so the words of the schema are changed in place.
-- SQLite, "Making Other Kinds Of Table Schema Changes", read 2026-11-30.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''on_demand'')', '''on_demand'', ''provisioned'')')
    WHERE type = 'table' AND name = 'attempt';
PRAGMA writable_schema = RESET;
