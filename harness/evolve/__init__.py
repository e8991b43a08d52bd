"""Search among candidates: edits, proposers, the cascade of checks, selection, and bundles (docs/evolution.md)."""
