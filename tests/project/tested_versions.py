"""The versions that this release was tested with, and those that a study resolves to."""

from __future__ import annotations

from pathlib import Path

from packaging.requirements import Requirement

from tests.project.conftest import run

PYTHONS = ("3.11", "3.12", "3.13")
MACHINE = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}
HEADER = """\
# What a fresh study ({answers} answers) installs on Linux. A version for some Pythons only
# names them. Written by
# UPDATE_SNAPSHOTS=1 .venv/bin/pytest tests/project/test_versions.py -k fresh
"""

Versions = dict[str, dict[str, str]]  # Python: package: version


def resolved(study: Path) -> Versions:
    """Resolve a study's dependencies and return the versions on each Python."""
    run(study, "uv", "lock", "--quiet")
    options = ["--no-hashes", "--no-header", "--no-annotate", "--no-emit-project", "--quiet"]
    lines = run(study, "uv", "export", "--frozen", *options).stdout.splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    found: Versions = {}
    for python in PYTHONS:
        machine = MACHINE | {"python_version": python, "python_full_version": f"{python}.9"}
        found[python] = {
            one.name: str(one.specifier).removeprefix("==")
            for one in requirements
            if one.marker is None or one.marker.evaluate(machine)
        }
    return found


def committed(answers: str) -> Path:
    """Return the file with the versions that were tested with an answer set."""
    suffix = "" if answers == "minimal" else f"-{answers}"
    return Path(__file__).with_name(f"tested-versions{suffix}.txt")


def known(answers: str = "minimal") -> Versions:
    """Return the committed versions on each Python."""
    versions: Versions = {python: {} for python in PYTHONS}
    for line in committed(answers).read_text(encoding="utf-8").splitlines():
        package, _, pythons = line.partition("#")
        if package:
            name, _, version = package.strip().partition("==")
            for python in pythons.split() or PYTHONS:
                versions[python][name] = version
    return versions


def write(answers: str, versions: Versions) -> None:
    """Write the committed file anew."""
    pythons: dict[str, list[str]] = {}
    for python, packages in versions.items():
        for name, version in packages.items():
            pythons.setdefault(f"{name}=={version}", []).append(python)
    lines = [
        package if len(found) == len(versions) else f"{package}  # {' '.join(found)}"
        for package, found in sorted(pythons.items())
    ]
    text = HEADER.format(answers=answers) + "\n".join(lines) + "\n"
    committed(answers).write_text(text, encoding="utf-8")
