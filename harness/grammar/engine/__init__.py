"""The engine: a linted `Grammar` and bytes become records, spans, gaps and errors; it never raises and never loops."""
