"""Track a great many files: what finding them costs on top of `dvc add`."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.samples import COMPARISONS, Comparison, table
from benchmarks.workplace import ROOT, Workplace, interleave

FILES = 100_000
BYTES = 200
FOLDER = "data/raw/shards"
AT_MOST = 1  # repetitions, after one unmeasured: each copies a hundred thousand files twice


def many_files(place: Workplace) -> str:
    """`auto_track_large_files` over a folder of many files, against `dvc add` of that folder."""

    def track(study: Path) -> float:
        program = (
            "from data_versioning import auto_track_large_files as track; print(track('data'))"
        )
        environment = {"PYTHONPATH": str(ROOT / "template/src")}
        seconds = place.timed(study, "python", "-c", program, environment=environment)
        return _checked(study, seconds)

    def add(study: Path) -> float:
        return _checked(study, place.timed(study, "dvc", "add", FOLDER))

    ours, other = interleave(
        min(place.repeat, AT_MOST), lambda: track(_study(place)), lambda: add(_study(place))
    )
    row = Comparison(f"`auto_track_large_files` over {FILES:,} files", ours, "`dvc add`", other)
    text = (
        f"A folder of {FILES:,} untracked files of {BYTES} bytes, which is tracked as the folder. "
        "The other is told the folder by name."
    )
    return f"## Track many files\n\n{text}\n\n{table(COMPARISONS, [row.row()])}"


def _study(place: Workplace) -> Path:
    study = place.new("study")
    study.mkdir()
    (study / FOLDER).parent.mkdir(parents=True)
    (study / FOLDER).with_name("README.md").write_text("Where the data comes from.\n")
    (study / "study.yaml").write_text("large_file_mb: 10\n")
    place.run(study, "git", "init", "--quiet")
    place.run(study, "dvc", "init", "--quiet")
    place.run(study, "dvc", "config", "core.analytics", "false")
    place.run(study, "git", "add", "--all")
    place.run(study, "git", "commit", "--quiet", "--message", "start")
    for number in range(FILES):
        path = study / FOLDER / f"{number // 1000}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n".ljust(BYTES, "x"))
    return study


def _checked(study: Path, seconds: float) -> float:
    """Return the time, if what was timed is what was meant, and free the disk."""
    assert (study / f"{FOLDER}.dvc").is_file()
    assert f"nfiles: {FILES}" in (study / f"{FOLDER}.dvc").read_text()
    shutil.rmtree(study)
    return seconds
