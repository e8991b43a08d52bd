"""SBOM: the bill of materials of a bundle, CycloneDX 1.6, the same bytes each time."""

from __future__ import annotations

import ast
import difflib
import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from uuid import UUID

from harness.core.bounded_parse import parse
from harness.core.budget import Budget
from harness.core.digest import digest_text
from harness.core.errors import MissingExtraError, UsageError
from harness.lanes.toolgen.tool_spec import Tool


@dataclass(frozen=True, slots=True)
class Materials:
    """What a bill of materials says beyond the source.

    Attributes:
        style: The declared style.
        tier: The isolation under which it was judged; empty if it was not judged.
        parent: The source that it was made from; empty if there is none.
        parents: Digests of further ancestors, as the candidate declares them.
    """

    style: str
    detected: str
    epoch: int
    budget: Budget
    tier: str = ""
    parent: str = ""
    parents: tuple[str, ...] = ()


def imports_of(source: str) -> list[str]:
    """The top-level modules that a source imports, anywhere in it, sorted."""
    found: set[str] = set()
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return sorted(found - {"__future__"})


def bill_of_materials(tool: Tool, source: str, *, license_name: str, materials: Materials) -> str:
    """The JSON text of the bill.

    Without SOURCE_DATE_EPOCH it has no time, and the serial number follows from its content, so that equal bundles are
    equal bytes.

    Raises:
        MissingExtraError: if the extra `evolve` is not installed.
        UsageError: if SOURCE_DATE_EPOCH is not an integer.
    """
    try:
        from cyclonedx.contrib.license.factories import LicenseFactory
        from cyclonedx.model import AttachedText, HashAlgorithm, HashType, Property
        from cyclonedx.model.bom import Bom
        from cyclonedx.model.component import Component, ComponentType, Diff, Patch, PatchClassification, Pedigree
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError:
        raise MissingExtraError("evolve", module="cyclonedx-python-lib") from None

    def component(name: str, digest: str, **more: Any) -> Any:
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest)]
        return Component(type=ComponentType.FILE, name=name, bom_ref=f"sha256:{digest}", hashes=hashes, **more)

    digest = digest_text(source)
    pedigree = None
    ancestors = [component("ancestor", one) for one in materials.parents if _is_digest(one)]
    if materials.parent:
        ancestors.insert(0, component("parent", digest_text(materials.parent)))
        lines = difflib.unified_diff(
            materials.parent.splitlines(True), source.splitlines(True), "parent/tool.py", "tool.py"
        )
        text = AttachedText(content="".join(lines), content_type="text/x-diff")
        patch = Patch(type=PatchClassification.UNOFFICIAL, diff=Diff(text=text))
        pedigree = Pedigree(ancestors=ancestors, patches=[patch])
    elif ancestors:
        pedigree = Pedigree(ancestors=ancestors)
    budget = materials.budget
    facts = {
        "tool_id": tool.spec.tool_id,
        "style": materials.style,
        "style_detected": materials.detected,
        "epoch": str(materials.epoch),
        "budget.time_ms": f"{budget.time_ms:g}",
        "budget.memory_mb": f"{budget.memory_mb:g}",
        "tier": materials.tier or "not judged",
        "forbidden_apis": ",".join(tool.spec.constraints.forbidden_apis or ()) or "default",
        "generator": "pytest-crucible",
    }
    root = component(
        "tool.py",
        digest,
        version=digest[:16],
        description=tool.spec.description.strip() or None,
        licenses=[LicenseFactory().make_from_string(license_name)],
        pedigree=pedigree,
        properties=[Property(name=f"crucible:{name}", value=value) for name, value in facts.items()],
    )
    bom = Bom()
    bom.metadata.component = root
    libraries = []
    for name in imports_of(source):
        origin = "standard library" if name in sys.stdlib_module_names else "third party"
        library = Component(
            type=ComponentType.LIBRARY,
            name=name,
            bom_ref=f"python:{name}",
            properties=[Property(name="crucible:origin", value=origin)],
        )
        libraries.append(library)
        bom.components.add(library)
    bom.register_dependency(root, libraries)
    bom.metadata.tools.components.add(
        Component(type=ComponentType.APPLICATION, name="pytest-crucible", version=_version())
    )
    moment = _moment()
    if moment is not None:
        bom.metadata.timestamp = moment
    content = json.loads(JsonV1Dot6(bom).output_as_string())
    if moment is None:
        del content["metadata"]["timestamp"]
    content["serialNumber"] = ""
    seed = digest_text(json.dumps(content, sort_keys=True))
    content["serialNumber"] = f"urn:uuid:{UUID(seed[:32], version=4)}"
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _moment() -> datetime | None:
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"SOURCE_DATE_EPOCH is not a time: {text!r}", fix="set it to seconds since 1970") from None


def _version() -> str:
    try:
        return version("pytest-crucible")
    except PackageNotFoundError:
        return "0"


def _is_digest(text: str) -> bool:
    return len(text) == 64 and all(mark in "0123456789abcdef" for mark in text)
