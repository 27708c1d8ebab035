"""DVC's configuration: what git keeps of it, at any revision, and what it does not."""

from __future__ import annotations

import io
import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.tools import dvc

CONFIG = ".dvc/config"
# A password can hold `@`; a port, and a path with `@`, are none.
_USER = re.compile(r"://(?:[^/@\s]*:(?!\d+/)\S*@|[^/@\s]*@)")


@dataclass(frozen=True)
class Config:
    """The remotes that a `.dvc/config` names.

    Args:
        default: The name of the default remote; empty if there is none.
        urls: Where each remote is, by its name; without user names and passwords; of a folder,
            as the study sees it, and empty if it is one of this machine.
        secrets: Remote and option of each password, token or key in it.
    """

    default: str
    urls: dict[str, str]
    secrets: tuple[tuple[str, str], ...]


def parse(content: bytes) -> Config:
    """Return what the content of a `.dvc/config` says about remotes.

    Raises:
        StudyError: It is not what DVC writes.
    """
    import configobj

    from data_versioning.tools.dvc_state import secret_options

    try:
        lines = io.StringIO(content.decode())
        said: dict[str, Any] = configobj.ConfigObj(lines, interpolation=False, list_values=False)
    except (configobj.ConfigObjError, UnicodeDecodeError):
        raise StudyError("not what DVC writes", CONFIG, f"$EDITOR {CONFIG}") from None
    core = said.get("core")
    urls = {
        section.removeprefix("remote").strip(" '\""): _address(str(options.get("url", "")))
        for section, options in said.items()
        if section.strip("'").startswith("remote ") and isinstance(options, dict)
    }
    default = str(core.get("remote", "")) if isinstance(core, dict) else ""
    return Config(default, urls, tuple(secret_options(said)))


def cache_dir(root: Path) -> Path:
    """Return the folder of DVC's cache; without starting DVC, where nothing is configured."""
    import configobj
    from dvc.dirs import global_config_dir, system_config_dir

    files = [Path(system_config_dir(), "config"), Path(global_config_dir(), "config")]
    files += [root / CONFIG, root / f"{CONFIG}.local"]
    try:
        found = [
            configobj.ConfigObj(str(file), interpolation=False, list_values=False)
            for file in files
            if file.is_file()
        ]
    except configobj.ConfigObjError:
        return dvc.cache_dir(root)  # which says what is wrong
    if any("dir" in config.get("cache", {}) for config in found):
        return dvc.cache_dir(root)
    return root / ".dvc/cache"


def write_local(
    root: Path, default: str | None, remotes: Mapping[str, Mapping[str, str]], **core: str
) -> None:
    """Give a study of one's own remotes and a new cache by its `.dvc/config.local`.

    Nobody else can read the file: options can be passwords.

    Args:
        root: The study; it has no such file yet.
        default: The name of the default remote, if there is one.
        remotes: The options of each remote, by its name.
        **core: Further options of the section `core`.
    """
    import configobj

    config = configobj.ConfigObj(interpolation=False, list_values=False)
    for name, options in remotes.items():
        config[f'remote "{name}"'] = dict(options)
    if core := core | ({"remote": default} if default else {}):
        config["core"] = core
    config["cache"] = {"dir": str(root / ".dvc/cache")}
    local = root / f"{CONFIG}.local"
    with os.fdopen(os.open(local, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        config.write(file)


def _address(url: str) -> str:
    """Return an address without user name and password; of a folder, as the study sees it."""
    if "://" in url:
        return _USER.sub("://", url)
    if not url or posixpath.isabs(url):
        return ""  # a folder of one machine
    return posixpath.normpath(posixpath.join(posixpath.dirname(CONFIG), url))
