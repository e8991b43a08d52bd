"""What a release is made with: locked requirements, bill of materials, audit, and a check of what would be uploaded.

    python contrib/release.py tools|lock|sbom|audit|check

`make lock`, `make sbom`, `make audit` and `make release-check` run it with the tools of the extra `release`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
HEAD = """# The packages of `make test` without torch, with the digests of their files; made by `make lock` from
# pyproject.toml and constraints.txt. Install them with: pip install --require-hashes -r requirements.lock
"""
SDIST_TESTS = ["tests/test_house.py", "tests/test_docs.py", "tests/test_face.py", "tests/core", "tests/suites"]


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    """Run a program and return what it prints; a failure ends this one with what it said."""
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def tool(name: str) -> Path:
    """A program of this environment."""
    return Path(sys.executable).parent / name


def tools() -> None:
    """Install the extra `release`, and nothing of the project, into this environment."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    run(sys.executable, "-m", "pip", "install", "--quiet", *project["optional-dependencies"]["release"])


def lock() -> None:
    """Write the digests of all files of all packages that the tests need, at the versions of constraints.txt."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "lock"
        pins = Path(folder) / "constraints"  # without the comments, which pip-compile would take for its own
        lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines(keepends=True)
        pins.write_text("".join(line for line in lines if not line.startswith("#")), encoding="utf-8")
        quiet = ["--quiet", "--strip-extras", "--no-header", "--no-annotate"]
        quiet += ["--no-emit-index-url", "--no-emit-trusted-host", "--no-emit-find-links", "--no-emit-options"]
        run(
            tool("pip-compile"), "--generate-hashes", *quiet, "-c", pins, "--extra", "dev", "-o", made, "pyproject.toml"
        )
        LOCK.write_text(HEAD + made.read_text(encoding="utf-8"), encoding="utf-8")
    print(f"{LOCK.name}: {LOCK.read_text(encoding='utf-8').count('==')} packages")


def sbom() -> None:
    """Write the bill of materials of the package with what it needs at run time: what an empty environment gets."""
    with tempfile.TemporaryDirectory() as folder:
        python = environment(Path(folder) / "venv", ROOT)
        out = ROOT / "dist" / "sbom.cdx.json"
        out.parent.mkdir(exist_ok=True)
        reproducible = ["--output-reproducible", "--spec-version", "1.6", "--pyproject", "pyproject.toml"]
        run(tool("cyclonedx-py"), "environment", *reproducible, "-o", out, python)
    components = json.loads(out.read_text(encoding="utf-8"))["components"]
    print(f"{out.relative_to(ROOT)}: {len(components)} components")


def audit() -> None:
    """Look all locked packages up in the database of known vulnerabilities.

    Ends with 1 if one is affected, and with 2 if none could be looked up: what was not audited is not known to be safe.
    """
    done = subprocess.run(
        [tool("pip-audit"), "-r", LOCK, "--disable-pip", "--progress-spinner", "off", "-f", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        why = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        not_audited(f"the database of vulnerabilities cannot be reached: {why}")
    unknown = [one["name"] for one in found if "skip_reason" in one]
    affected = [f"{one['name']} {one['version']}: {hit['id']}" for one in found for hit in one.get("vulns", ())]
    if len(unknown) == len(found):
        not_audited("the database of vulnerabilities knows none of the packages")
    print(f"{len(found) - len(unknown)} packages audited, {len(affected)} known vulnerabilities")
    if unknown:
        print(f"not audited: {', '.join(unknown)}")
    if affected:
        sys.exit("\n".join(affected))


def not_audited(why: str) -> NoReturn:
    """End with 2, and say how to audit."""
    print(f"not audited: {why}\n  fix: run `make audit` where the package index can be reached", file=sys.stderr)
    raise SystemExit(2)


def check(tests: list[str]) -> None:
    """Build twice, compare, test what was built where nothing else is installed."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        built = [build(place / str(number)) for number in (1, 2)]
        if built[0] != built[1]:
            sys.exit(f"two builds differ:\n{built[0]}\n{built[1]}")
        for name, digest in built[0].items():
            print(f"{name} {digest}, twice")
        [wheel] = (place / "1" / "dist").glob("*.whl")
        [sdist] = (place / "1" / "dist").glob("*.tar.gz")
        names = zipfile.ZipFile(wheel).namelist()
        if foreign := [name for name in names if not name.startswith(("harness/", "pytest_crucible-"))]:
            sys.exit(f"the wheel holds what is not the package: {foreign[:5]}")
        first_run(place, wheel)
        shutil.unpack_archive(sdist, place)
        source = place / sdist.name.removesuffix(".tar.gz")
        # The tests need the packages of `dev`, which this project's environment has; the code is the archive's.
        python = ROOT / ".venv" / "bin" / "python"
        said = run(
            python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, cwd=source, PYTHONPATH=str(source)
        )
        print(f"the sdist's own {' '.join(tests)}: {said.strip().splitlines()[-1]}")


def build(place: Path) -> dict[str, str]:
    """Build wheel and sdist from a copy of the files that git knows; the digest of each by name."""
    for name in run("git", "ls-files").splitlines():
        (place / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / "tree" / name)  # with new times
    moment = run("git", "log", "-1", "--format=%ct").strip()
    run(sys.executable, "-m", "hatchling", "build", "-d", place / "dist", cwd=place / "tree", SOURCE_DATE_EPOCH=moment)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((place / "dist").iterdir())}


def environment(place: Path, what: Path) -> Path:
    """The interpreter of a new environment with a package and what it needs, at the versions of constraints.txt."""
    run(sys.executable, "-m", "venv", place)
    python = place / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", what)
    return python


def first_run(place: Path, wheel: Path) -> None:
    """What a newcomer does: install, `crucible init`, `pytest`."""
    python = environment(place / "venv", wheel)
    project = place / "project"
    project.mkdir()
    run(python.with_name("crucible"), "init", cwd=project)
    said = run(python, "-m", "pytest", "-q", cwd=project)
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    print(f"`crucible init` and `pytest` with {len(needs)} dependencies and no extra: {said.strip().splitlines()[-1]}")


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["tools", "lock", "sbom", "audit", "check"])
    parser.add_argument("tests", nargs="*", help="of the sdist, for `check`; by default a quick part of them")
    options = parser.parse_args()
    if options.what == "check":
        check(options.tests or SDIST_TESTS)
    else:
        {"tools": tools, "lock": lock, "sbom": sbom, "audit": audit}[options.what]()


if __name__ == "__main__":
    main()
