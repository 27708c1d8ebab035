"""What the template costs on top of the tool it wraps: Copier, DVC, MLflow."""

from __future__ import annotations

from pathlib import Path

from benchmarks.samples import COMPARISONS, Comparison, Sample, table, verdict
from benchmarks.workplace import ANSWERS, Workplace, interleave

IMPORT_MS = 50
TRACKING = Path(__file__).with_name("tracking_process.py")
RENDERING = Path(__file__).with_name("rendering_process.py")
BARE_COPIER = "_subdirectory: template\ntitle: {type: str, default: x}\n"


def render(place: Workplace) -> str:
    """Render without set-up, against a bare Copier render of as many files of the same sizes."""
    rendered = place.new("rendered")
    place.run(place.folder, *place.copier(place.template, rendered, "--skip-tasks", "--quiet"))
    bare, files = _bare_template(place, rendered)

    def command(template: Path) -> float:
        to = place.new("project")
        return place.timed(
            place.folder, *place.copier(template, to, "--skip-tasks", "--quiet", "--trust")
        )

    def in_process(template: Path) -> float:
        to = place.new("project")
        shown = place.run(place.folder, "python", RENDERING, template, to, ANSWERS)
        return float(shown)

    ours, other = interleave(place.repeat, lambda: command(place.template), lambda: command(bare))
    ours_inside, other_inside = interleave(
        place.repeat, lambda: in_process(place.template), lambda: in_process(bare)
    )
    plain = f"bare Copier, {files} plain files"
    return _section(
        "Render",
        "`copier copy --skip-tasks`. The other template has no logic: as many files, of the same "
        "sizes, under the same names. The second line leaves out the start of Python and the "
        "import of Copier.",
        Comparison("the command", ours, plain, other, 1.3),
        Comparison("rendering alone", ours_inside, plain, other_inside),
    )


def _bare_template(place: Workplace, rendered: Path) -> tuple[Path, int]:
    """Make a template of plain files as large as those of a render."""
    template = place.new("bare")
    files = [path for path in rendered.rglob("*") if path.is_file() and not path.is_symlink()]
    for path in files:
        copy = template / "template" / path.relative_to(rendered)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("x" * path.stat().st_size)
    (template / "copier.yml").write_text(BARE_COPIER)
    return place.commit_all(template), len(files)


def repro(place: Workplace) -> str:
    """`make repro` with nothing to do, against plain `dvc repro` in the same study."""
    ours, other = interleave(
        place.repeat,
        lambda: place.in_study("make", "repro"),
        lambda: place.in_study("dvc", "repro"),
    )
    return _section(
        "Reproduce when nothing changed",
        "Both in the same study of five stages, all up to date.",
        Comparison("`make repro`", ours, "`dvc repro`", other, 1.15),
    )


def tracking(place: Workplace) -> str:
    """Log one reproduction, against the bare MLflow calls that log the same."""
    ours, other = interleave(
        place.repeat,
        lambda: place.in_study(".venv/bin/python", TRACKING, "ours"),
        lambda: place.in_study(".venv/bin/python", TRACKING, "bare"),
    )
    differ = place.study_says(".venv/bin/python", TRACKING, "compare").strip()
    text = _section(
        "Track one reproduction",
        "One process each: parameters, metrics, the same artifacts, two dataset inputs, the model "
        "with signature, input example and given requirements, and as many tags, into the same "
        "SQLite store. Ours reads all of it from `study.yaml`, `dvc.lock` and git; for the bare "
        "calls it is written into the program.",
        Comparison("the process", ours, "bare MLflow calls", other, 1.2),
    )
    # The ratio means something only while both log the same.
    return f"{text}\n\n**Only one of the two logged:** {differ}." if differ else text


def commands(place: Workplace) -> str:
    """Start the command line, and import the package."""
    imported: list[float] = []
    program = (
        "import time; start = time.perf_counter(); import data_versioning;"
        "print(time.perf_counter() - start)"
    )
    ours, other = interleave(
        place.repeat,
        lambda: place.in_study(".venv/bin/python", "-m", "data_versioning", "--help"),
        lambda: place.in_study("dvc", "--version"),
    )
    for _ in range(place.repeat):
        imported.append(float(place.run(place.study, ".venv/bin/python", "-c", program)))
    sample = Sample(tuple(imported))
    text = _section(
        "Start",
        "",
        Comparison("`python -m data_versioning --help`", ours, "`dvc --version`", other, 1),
    )
    kept = verdict(sample.median * 1e3, IMPORT_MS, " ms")
    return f"{text}\n\n`import data_versioning`: {sample}; target: {kept}."


def _section(title: str, text: str, *comparisons: Comparison) -> str:
    rows = table(COMPARISONS, [comparison.row() for comparison in comparisons])
    return "\n\n".join(part for part in (f"## {title}", text, rows) if part)
