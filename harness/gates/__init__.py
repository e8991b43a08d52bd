"""The language of `--gate`: one hard condition over all cases of a run."""
