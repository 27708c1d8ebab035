"""Run the commands of a page of the documentation."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.project.conftest import run

REPOSITORY = "https://github.com/copier-research/copier-research.git"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Runs a page from top to bottom: its commands in shells, its Python in one session.
DRIVER = """
import json, os, subprocess, sys
here, names = os.getcwd(), {"__name__": "page"}
for kind, block in json.load(open(sys.argv[1])):
    print(block, file=sys.stderr, flush=True)
    if kind == "python":
        exec(compile(block, "<page>", "exec"), names)
    else:
        script = f'cd "{here}"\\nset -eux\\n{block}\\npwd >"{sys.argv[1]}.pwd"'
        if subprocess.run(["bash", "-c", script]).returncode:
            sys.exit("the command failed")
        here = open(sys.argv[1] + ".pwd").read().strip()
"""


def run_page(page: Path, folder: Path, template_clone: Path) -> subprocess.CompletedProcess[str]:
    """Run every `sh` and `python` block of a page, in order, and return what they said.

    Args:
        page: The page.
        folder: Where to run them; a study, or an empty folder.
        template_clone: What the template's public address stands for.
    """
    # Nobody is here to answer the questions.
    text = re.sub(r"copier copy (?!.*--defaults)", "copier copy --defaults ", page.read_text())
    blocks, driver = folder.parent / "blocks.json", folder.parent / "driver.py"
    blocks.write_text(json.dumps(BLOCK.findall(text)))
    driver.write_text(DRIVER)
    tools = f"{folder / '.venv/bin'}{os.pathsep}{ROOT / '.venv/bin'}"
    return run(
        folder, "python3", str(driver), str(blocks),
        # The repository is fetched from the clone under test, by the address users type.
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0=f"url.{template_clone.as_uri()}.insteadOf",
        GIT_CONFIG_VALUE_0=REPOSITORY,
        UV_PYTHON=sys.executable,
        PATH=f"{tools}{os.pathsep}{os.environ['PATH']}",
    )  # fmt: skip
