"""The software bill of materials, CycloneDX 1.5 as JSON, straight from the commit's `uv.lock`.

Source of the format: https://cyclonedx.org/docs/1.5/json/. Distributions are named without the
address they came from, which may be that of a mirror.
"""

from __future__ import annotations

import hashlib
import tomllib
import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from data_versioning.archive.facts import Facts

ALGORITHMS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512", "md5": "MD5"}
Package = dict[str, Any]


def document(uv_lock: bytes, pyproject: bytes, facts: Facts) -> dict[str, Any]:
    """Return the packages that `uv.lock` pins, on every platform and for every group.

    Args:
        uv_lock: The content of `uv.lock`; may be empty.
        pyproject: The content of `pyproject.toml`; may be empty.
        facts: What is known about the study.
    """
    packages: list[Package] = tomllib.loads(uv_lock.decode()).get("package", [])
    studies = [one for one in packages if _is_study(one)]
    others = [one for one in packages if one not in studies]
    study = _study(facts)
    root = study["bom-ref"]
    versions: dict[str, list[str]] = {}
    for one in others:
        versions.setdefault(one["name"], []).append(_reference(one))
    digest = hashlib.sha256(uv_lock + pyproject).hexdigest()
    depends = {_reference(one): _dependencies(one, versions) for one in others}
    depends[root] = sorted({ref for one in studies for ref in _dependencies(one, versions)})
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": facts.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **({"authors": [{"name": one.name} for one in facts.authors]} if facts.authors else {}),
            "component": study,
        },
        "components": [_component(one) for one in sorted(others, key=_reference)],
        "dependencies": [
            {"ref": ref, **({"dependsOn": needed} if needed else {})}
            for ref, needed in sorted(depends.items())
        ],
    }


def _study(facts: Facts) -> dict[str, Any]:
    version = facts.version or facts.commit
    found: dict[str, Any] = {
        "type": "application",
        "bom-ref": f"study:{quote(facts.slug)}",
        "name": facts.slug,
        "description": facts.title,
    }
    if version:
        found["version"] = version
    if facts.license:
        is_one = " " not in facts.license
        found["licenses"] = (
            [{"license": {"id": facts.license}}] if is_one else [{"expression": facts.license}]
        )
    return found


def _component(package: Package) -> dict[str, Any]:
    files = [*filter(None, [package.get("sdist")]), *package.get("wheels", [])]
    found = {
        "type": "library",
        "bom-ref": _reference(package),
        "name": package["name"],
        "purl": _reference(package),
    }
    if "version" in package:
        found["version"] = package["version"]
    distributions = sorted(_distributions(files), key=lambda one: str(one["url"]))
    return found | ({"externalReferences": distributions} if distributions else {})


def _distributions(files: Iterable[Package]) -> Iterable[dict[str, Any]]:
    for file in files:
        name = str(file.get("filename") or file.get("url") or file.get("path")).rsplit("/", 1)[-1]
        kind, _, digest = str(file.get("hash", "")).partition(":")
        hashes = [{"alg": ALGORITHMS[kind], "content": digest}] if kind in ALGORITHMS else []
        yield {"type": "distribution", "url": quote(name), **({"hashes": hashes} if hashes else {})}


def _dependencies(package: Package, versions: dict[str, list[str]]) -> list[str]:
    groups = (package.get("optional-dependencies", {}), package.get("dev-dependencies", {}))
    named = list(package.get("dependencies", []))
    named += [one for group in groups for listed in group.values() for one in listed]
    return sorted(
        {
            ref
            for one in named
            for ref in versions.get(one["name"], [])
            if "version" not in one or ref == _reference(one)
        }
    )


def _reference(package: Package) -> str:
    version = f"@{quote(package['version'])}" if "version" in package else ""
    return f"pkg:pypi/{quote(package['name'])}{version}"


def _is_study(package: Package) -> bool:
    source = package.get("source", {})
    return "." in (source.get("editable"), source.get("virtual"))
