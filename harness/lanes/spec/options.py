"""Options: the keys of a suite of spec patches."""

from __future__ import annotations

from typing import Literal

from harness.suites.suite import SuiteOptions


class SpecOptions(SuiteOptions):
    """The keys of a spec suite next to those that every suite has."""

    grammar: str
    """The grammar all patches start from."""
    samples: str | tuple[str, ...]
    """Globs of real files that are read with the patched grammar."""
    holdout: str | tuple[str, ...] = ()
    """Globs of files that the author of a patch has not seen; each component is the worse of both sets."""
    patches: str | tuple[str, ...]
    """Globs of patch files: operations (docs/lanes.md) or JSON Patch, as YAML or JSON."""
    policy: Literal["default", "classic"] = "default"
    """`default` rewards explanation; `classic` is the coverage score of the original guide."""
