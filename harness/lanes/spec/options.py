"""Options: the keys a suite of spec patches has."""

from __future__ import annotations

from typing import Literal

from harness.suites.suite import SuiteOptions


class SpecOptions(SuiteOptions):
    """A suite of spec patches."""

    grammar: str
    """The grammar all patches start from."""
    samples: str | tuple[str, ...]
    """Globs of real files the patched grammar is read over."""
    holdout: str | tuple[str, ...] = ()
    """Globs of files the author of a patch has not seen; they decide: components are the worse of both sets."""
    patches: str | tuple[str, ...]
    """Globs of patch files: operations of ours, or JSON Patch; as YAML or JSON."""
    policy: Literal["default", "classic"] = "default"
    """`default` rewards explanation; `classic` is the coverage score of the original guide."""
