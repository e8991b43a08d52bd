"""Floor 4: the kinds of artefact. A lane never imports its siblings."""
