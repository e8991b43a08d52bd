"""Version: the numbers that mark a SQLite file as a ledger of this schema."""

from __future__ import annotations

SCHEMA_VERSION = 13  # `PRAGMA user_version`; grows with every migration

APPLICATION_ID = 0x43525543  # `PRAGMA application_id`: "CRUC"
