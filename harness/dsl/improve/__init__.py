"""Program improvement: a provider proposes revisions, and a revision is accepted only if it measures better."""
