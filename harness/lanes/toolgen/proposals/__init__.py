"""What the lane offers to a search: edits, crossover, templates, normal form, cheap checks, prompts."""
