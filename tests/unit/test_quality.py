"""Is the data what study.yaml says it is: every rule broken and kept, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas
import pytest
import yaml
from data_versioning.cli import main
from data_versioning.data.quality import DataProblem, validate_data
from data_versioning.data.tables import data_sets
from data_versioning.study import Study

from tests.conftest import git
from tests.unit.test_tracker import write

TABLE = "data/raw/people.csv"
EDIT = "$EDITOR study.yaml"


def found(study: Study, content: str | bytes, rules: str, path: str = TABLE) -> list[str]:
    """Return what is wrong with a table, each problem as its column and words."""
    file = write(study.root / path, "")
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    declared = {"data": {path: yaml.safe_load(f"{{{rules}}}")}}
    (study.root / "study.yaml").write_text(yaml.safe_dump(declared))
    problems = validate_data(study.root)
    assert {one.path for one in problems} <= {path}
    return [f"{one.column}: {one.what}" for one in problems]


AGES = "age\n36\n-4\n130\n"
MIXED = "age\n36\n4.5\nold\n"
BROKEN: list[tuple[str | bytes, str, str]] = [
    ("", "", ": cannot be read (No columns to parse from file)"),
    (
        "a,b\n1,2\n3,4,5\n",
        "",
        ": cannot be read (Error tokenizing data. C error: Expected 2 fields in line 3, saw 3)",
    ),
    (
        "a,b\n1,2,3\n3,4,5\n",
        "",
        ": cannot be read (Length of header or names does not match length of data."
        " This leads to a loss of data with index_col=False.)",
    ),
    (
        b"a\n\xff\xfe\n",
        "",
        ": cannot be read ('utf-8' codec can't decode byte 0xff in position 2: invalid start byte)",
    ),
    ("a,b\n", "", ": no rows"),
    ("a,,b\n1,2,3\n", "", ": column 2 has no name"),
    ("a,b,a\n1,2,3\n", "", "a: columns 1 and 3 have this name"),
    ("a,b\n1,\n2,NA\n", "", "b: no value in any row"),
    (AGES, "rows: {min: 4}", ": 3 rows, at least 4 are declared"),
    (AGES, "rows: {max: 2}", ": 3 rows, at most 2 are declared"),
    (AGES, "columns: {sex: {}}", "sex: no such column"),
    (
        AGES,
        "columns: {age: {min: 0}}",
        "age: below 0 in 1 of 3 rows, first in row 2: -4",
    ),
    (
        AGES,
        "columns: {age: {type: integer, max: 35}}",
        "age: above 35 in 2 of 3 rows, first in row 1: 36",
    ),
    (
        MIXED,
        "columns: {age: {type: integer}}",
        "age: not of type integer in 2 of 3 rows, first in row 2: 4.5",
    ),
    (
        MIXED,
        "columns: {age: {type: number}}",
        "age: not of type number in 1 of 3 rows, first in row 3: old",
    ),
    (
        MIXED,
        "columns: {age: {max: 50}}",
        "age: not of type number in 1 of 3 rows, first in row 3: old",
    ),
    (
        "on\n2026-02-28\n2026-02-30\n",
        "columns: {'on': {type: date}}",
        "on: not of type date in 1 of 2 rows, first in row 2: 2026-02-30",
    ),
    (
        "on\n2026-02-28\n2025-12-31\n",
        "columns: {'on': {type: date, min: 2026-01-01}}",
        "on: below 2026-01-01 in 1 of 2 rows, first in row 2: 2025-12-31",
    ),
    (
        "in\ntrue\n1\n",
        "columns: {in: {type: boolean}}",
        "in: not of type boolean in 2 of 2 rows, first in row 1: true",
    ),
    (
        "a,b\n1,\n2,x\n3,\n",
        "columns: {b: {missing: 0.5}}",
        "b: missing (allowed: 50.0%) in 2 of 3 rows, first in row 1",
    ),
    (
        "a,b\n1,x\n2,\n",
        "columns: {b: {}}",
        "b: missing (allowed: 0.0%) in 1 of 2 rows, first in row 2",
    ),
    (
        "sex\nf\nx\nm\n",
        "columns: {sex: {type: text, allowed: [f, m]}}",
        "sex: none of f, m in 1 of 3 rows, first in row 2: x",
    ),
    (
        "code\n1\n2\n3\n",
        "columns: {code: {allowed: [1, 2]}}",
        "code: none of 1, 2 in 1 of 3 rows, first in row 3: 3",
    ),
    (
        "code\n01\n1\n",
        "columns: {code: {type: text, allowed: ['01']}}",
        "code: none of 01 in 1 of 2 rows, first in row 2: 1",
    ),
    (
        "on\n2026-01-01\n2026-01-02\n",
        "columns: {'on': {type: date, allowed: [2026-01-01]}}",
        "on: none of 2026-01-01 in 1 of 2 rows, first in row 2: 2026-01-02",
    ),
    (
        "id\n7\n8\n7\n",
        "columns: {id: {unique: true}}",
        "id: a repetition in 1 of 3 rows, first in row 3: 7",
    ),
    (
        'id\n"a\nb"\n"a\nb"\n',
        "columns: {id: {unique: true}}",
        "id: a repetition in 1 of 2 rows, first in row 2: 'a\\nb'",
    ),
]


def test_each_broken_rule_is_named(study: Study) -> None:
    """Column, how many rows, the first of them and its value; one problem for one fault."""
    assert [found(study, content, rules) for content, rules, _ in BROKEN] == [
        [said] for _, _, said in BROKEN
    ]


HOLDING = [
    (
        "age,sex\n0,f\n120,m\n",
        "rows: {min: 2, max: 2}, columns: {age: {type: integer, min: 0, max: 120},"
        " sex: {type: text, allowed: [f, m]}}",
    ),
    ("age\n1.0\n2.0\n", "columns: {age: {type: integer, unique: true}}"),
    ("in\nTrue\nfalse\n", "columns: {in: {type: boolean}}"),
    ("in,a\nTrue,1\n,2\n", "columns: {in: {type: boolean, missing: 0.5}}"),
    ("a,b\n1,\n2,\n", "columns: {b: {missing: 1}}"),
    (
        "on\n2026-02-28\n2026-01-01T10:00+02:00\n",
        "columns: {'on': {type: date, min: 2026-01-01, max: 2026-03-01T12:00:00}}",
    ),
    ("code\n007\n", "columns: {code: {type: text, allowed: ['007']}}"),
    ("id,b\n,1\n,2\n1,3\n", "columns: {id: {unique: true, missing: 0.9}}"),
    ("a,b\n1,2\n1,2\n", ""),
    ("\ufeffage\n3\n", "columns: {age: {type: integer}}"),
    ("a,b\n" + "1,\n" * 29 + "1,1\n" * 71, "columns: {b: {missing: 0.29}}"),
]


def test_rules_that_hold(study: Study) -> None:
    """Bounds are inside, shares may be reached, rows may be equal; a byte order mark is no name."""
    assert [found(study, content, rules) for content, rules in HOLDING] == [[]] * len(HOLDING)


def test_every_format(study: Study) -> None:
    """TSV, JSON lines and Parquet obey the same rules; names in capitals are formats too."""
    rules = "columns: {age: {type: integer, max: 50}, name: {type: text}}"
    table = pandas.DataFrame({"name": ["ada", "mary"], "age": [36, 60]})
    said = ["age: above 50 in 1 of 2 rows, first in row 2: 60"]
    table.set_axis(["first", "second"]).to_parquet(study.root / "table.parquet")
    lines = table.to_json(orient="records", lines=True)
    assert found(study, table.to_csv(sep="\t", index=False), rules, "a.tsv") == said
    assert found(study, lines, rules, "a.JSONL") == said
    assert found(study, (study.root / "table.parquet").read_bytes(), rules, "a.parquet") == said
    assert found(study, '{"name": 1, "age": 3}\n', rules, "a.jsonl") == [
        "name: not of type text in 1 of 1 rows, first in row 1: 1"
    ]
    nested = '{"a": [1]}\n{"a": [1]}\n'
    unique = "columns: {a: {unique: true, allowed: [[1]]}}"
    assert found(study, nested, unique, "a.jsonl") == [
        "a: a repetition in 1 of 2 rows, first in row 2: [1]"
    ]
    assert found(study, "PAR1", "", "a.parquet")[0].startswith(": cannot be read (")
    assert found(study, "{]", "", "a.jsonl")[0].startswith(": cannot be read (")
    assert found(study, "{}\n\n[1]\n", "", "a.jsonl") == [": cannot be read (no object in line 3)"]


MISDECLARED = [
    ("[]", "not a mapping: study.yaml: data"),
    ("x.csv: x", "not a mapping: study.yaml: data.x.csv"),
    ("../out.csv: {}", "outside the study {root}: study.yaml: data.../out.csv"),
    ("1: {}", "put this name in quotes: 1: study.yaml: data"),
    ("x.csv: {row: 1}", "unknown key 'row' (there are rows, columns): study.yaml: data.x.csv"),
    (
        "x.csv: {rows: {min: many}}",
        "not a number of rows: many: study.yaml: data.x.csv.rows.min",
    ),
    ("x.csv: {columns: [age]}", "not a mapping: study.yaml: data.x.csv.columns"),
]
COLUMNS = [
    (
        "{mni: 0}",
        "unknown key 'mni' (there are type, min, max, allowed, missing, unique)",
        "",
    ),
    (
        "{type: int}",
        "no such type: int (there are boolean, date, integer, number, text)",
        ".type",
    ),
    ("{min: a}", "not a number: a", ".min"),
    ("{max: .inf}", "not a number: inf", ".max"),
    ("{type: date, max: 3}", "not a date: 3", ".max"),
    ("{type: text, max: 3}", "a bound of a text", ".max"),
    ("{missing: 5}", "not a share from 0 to 1: 5", ".missing"),
    ("{unique: 1}", "neither true nor false: 1", ".unique"),
    ("{allowed: []}", "not a list of values: []", ".allowed"),
    ("{type: text, allowed: [yes]}", "not a text: True; put it in quotes", ".allowed"),
]


def test_declarations_that_mean_nothing(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """The key is named, and what may stand there."""
    column = "study.yaml: data.x.csv.columns.age"
    inner = [
        (f"x.csv: {{columns: {{age: {declared}}}}}", f"{said}: {column}{key}")
        for declared, said, key in COLUMNS
    ]
    for declared, said in MISDECLARED + inner:
        (study.root / "study.yaml").write_text(f"data:\n  {declared}\n")
        assert main(["check-data"]) == 1
        said = said.replace("{root}", str(study.root))
        assert capsys.readouterr().err == f"error: {said}\ntry: {EDIT}\n"
    (study.root / "study.yaml").write_text("datasets: [out.csv]\n")
    assert main(["check-data"]) == 1
    assert "not a list of entries with a path: study.yaml: datasets" in capsys.readouterr().err


def test_which_data_is_looked_at(science: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """Data sets and raw tables without a word in study.yaml; each mend fits what made the file."""
    root = science.root
    assert main(["check-data"]) == 0
    assert capsys.readouterr().out == "the data is as it should be\n"
    (root / TABLE).chmod(0o644)
    (root / TABLE).write_text("name\n")
    (root / "data/prepared.csv").unlink()
    write(root / "data/raw/other.csv", "not tracked, and not looked at\n1,2,3\n")
    assert main(["check-data"]) == 1
    assert capsys.readouterr().out == (
        "data/prepared.csv: not here\n  try: make pull\n"
        "data/raw/people.csv: no rows\n"
        "  try: mend it, then:"
        " python -m data_versioning track-data data/raw/people.csv -m <why>\n"
    )
    with (root / "study.yaml").open("a") as file:
        file.write(
            "data: {none.csv: {}, src/prepare.py: {}, data/prepared.csv: {rows: {min: 9}}}\n"
        )
    (root / "data/prepared.csv").write_text("a\n1\n")
    mend = "mend the stage that makes it, then: make repro; or mend what is declared: $EDITOR"
    assert validate_data(root / "data") == (
        DataProblem(
            "data/prepared.csv", "", "1 rows, at least 9 are declared", f"{mend} study.yaml"
        ),
        DataProblem(
            TABLE, "", "no rows",
            "mend it, then: python -m data_versioning track-data data/raw/people.csv -m <why>",
        ),
        DataProblem("none.csv", "", "not here", EDIT),
        DataProblem(
            "src/prepare.py", "",
            "no table: its name does not end in .csv, .tsv, .jsonl, .parquet", EDIT,
        ),
    )  # fmt: skip
    git(root, "rm", "--quiet", "--cached", "dvc.lock")
    (root / "dvc.lock").unlink()
    (root / "data/prepared.csv").unlink()
    assert validate_data(root)[0].mend == "make repro"


def test_raw_data_is_what_dvc_keeps_of_it(study: Study) -> None:
    """What `*.dvc` files track, wherever; of what stages make, what is in data/raw; tables only."""
    out = "{{md5: 0123456789abcdef0123456789abcdef, path: {}}}"
    made = ", ".join(map(out.format, ("data/raw/made.csv", "data/other.csv", "data/raw/x.png")))
    (study.root / "dvc.lock").write_text(f"stages: {{collect: {{cmd: x, outs: [{made}]}}}}\n")
    for path in ("external/sites.tsv", "external/scan.png"):
        name = Path(path).name
        write(study.root / f"{path}.dvc", f"outs: [{out.format(name)}]\n")
    git(study.root, "add", "--all")
    assert data_sets(study) == {"data/raw/made.csv", "external/sites.tsv"}
    git(study.root, "commit", "--quiet", "--message", "data: sites")
    git(study.root, "rm", "--quiet", "external/sites.tsv.dvc")
    assert data_sets(study) == {"data/raw/made.csv"}
    assert data_sets(study, "HEAD") == {"data/raw/made.csv", "external/sites.tsv"}


def test_hostile_names(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of files and columns stay on their line, and quoted where a shell may read them."""
    path = "data/raw/$(touch x) 'a'.csv"
    column = "age\n\x1b[31m error: x"
    content = f'"{column}"\n"{"9" * 100}"\n'
    assert found(study, content, f"columns: {{{json.dumps(column)}: {{max: 3}}}}", path)
    assert main(["check-data"]) == 1
    out = capsys.readouterr().out
    assert out.splitlines() == [
        f"{path}: 'age\\n\\x1b[31m error: x': above 3 in 1 of 1 rows, first in row 1: {'9' * 39}…",
        "  try: mend it, then: python -m data_versioning track-data"
        " 'data/raw/$(touch x) '\"'\"'a'\"'\"'.csv' -m <why>; or mend what is declared: $EDITOR"
        " study.yaml",
    ]
    assert main(["check-data", "--json"]) == 1
    (said,) = json.loads(capsys.readouterr().out)
    assert (said["path"], said["column"]) == (path, column)
    assert not Path("x").exists()
