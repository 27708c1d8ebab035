"""Versions of data sets: what is tagged, what is refused, and who can read a tag."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import dvc.api
import pytest
import yaml
from data_versioning import cli
from data_versioning.command import capture
from data_versioning.data.datasets import fetch_dataset
from data_versioning.study import Study
from data_versioning.workflow.dataset_tags import dataset_tags

from tests.conftest import git

PEOPLE = "data/raw/people.csv"


class Desk:
    """A study at work: commands, files and commits.

    Args:
        root: The study.
        capfd: What the commands print.
    """

    def __init__(self, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capfd = capfd

    def tag(
        self, name: str, bump: str = "minor", message: str = "new", *more: str
    ) -> tuple[int, str, str]:
        """Call `data-tag`; returns status, output and errors."""
        self._capfd.readouterr()
        try:
            status = cli.main(["data-tag", name, "--bump", bump, "--message", message, *more])
        except SystemExit as usage:
            status = int(usage.code or 0)
        return status, *self._capfd.readouterr()

    def track(self, path: str, content: str | None = None, push: bool = True) -> None:
        """Make a version of some data, commit it, and send it."""
        if content is not None:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).unlink(missing_ok=True)
            (self.root / path).write_text(content)
        capture(["dvc", "add", "--quiet", path], self.root)
        self.commit(f"data: {path}")
        if push:
            capture(["dvc", "push", "--quiet"], self.root)

    def commit(self, message: str) -> None:
        """Commit everything."""
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--message", message)

    def tags(self) -> list[str]:
        """Return the names of the tags."""
        return git(self.root, "tag").split()


@pytest.fixture
def desk(science: Study, capfd: pytest.CaptureFixture[str]) -> Desk:
    """The study of the fixture `science`."""
    return Desk(science.root, capfd)


def test_versions_follow_each_other(desk: Desk) -> None:
    """The first is 1.0.0, the next as asked; people read the message, programs its end."""
    size = (desk.root / PEOPLE).stat().st_size
    status, said, errors = desk.tag("people")
    assert (status, errors) == (0, "")
    md5 = yaml.safe_load((desk.root / f"{PEOPLE}.dvc").read_text())["outs"][0]["md5"]
    assert said == (
        f"tagged people-v1.0.0\n{PEOPLE}: 1 file, {size} bytes, {md5}\n"
        "the first version\nshare it: make push\n"
    )
    for bump, number in (("minor", "1.1.0"), ("patch", "1.1.1"), ("major", "2.0.0")):
        desk.track(PEOPLE, f"name,age\nada,{len(desk.tags())}\n")
        assert desk.tag(PEOPLE, bump, f"now {number}")[1].startswith(f"tagged people-v{number}\n")
    assert git(desk.root, "cat-file", "-t", "people-v2.0.0") == "tag\n"
    text = git(desk.root, "for-each-ref", "--format=%(contents)", "refs/tags/people-v1.1.0")
    words, _, body = text.partition("\n---\n")
    assert words.startswith("people-v1.1.0: now 1.1.0\n\n" + PEOPLE)
    assert f"\nsince people-v1.0.0: {15 - size} bytes\n" in words
    said_by = {
        "dataset": PEOPLE, "version": "1.1.0", "size": 15, "files": 1, "since": "people-v1.0.0",
        "changes": {"bytes": 15 - size}, "by": "Test <test@example.org>", "message": "now 1.1.0",
        "commit": git(desk.root, "rev-parse", "people-v1.1.0^{commit}").strip(),
    }  # fmt: skip
    assert said_by.items() <= yaml.safe_load(body).items()
    assert [tag.version for tag in dataset_tags(desk.root)] == ["1.0.0", "1.1.0", "1.1.1", "2.0.0"]


def test_consumers_read_exactly_the_tagged_bytes(desk: Desk, tmp_path: Path) -> None:
    """`dvc.api`, `dvc get` and `fetch` by the tag, from another place and without the cache."""
    first = (desk.root / PEOPLE).read_text()
    desk.tag("people")
    desk.track(PEOPLE, "name,age\nnobody,1\n")
    desk.tag("people")
    there = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(desk.root), str(there))
    with dvc.api.open(PEOPLE, repo=str(there), rev="people-v1.0.0") as file:
        assert file.read() == first
    capture(["dvc", "get", "--rev=people-v1.1.0", str(there), PEOPLE, "--out=x.csv"], tmp_path)
    assert (tmp_path / "x.csv").read_text() == "name,age\nnobody,1\n"
    to = tmp_path / "fetched"
    assert fetch_dataset(PEOPLE, "people-v1.0.0", to, project_dir=there).to == str(
        to / "people.csv"
    )
    assert (to / "people.csv").read_text() == first


def test_a_folder_says_which_files_changed(desk: Desk) -> None:
    """Files added, removed and changed are counted and named; all the more in JSON."""
    (desk.root / "data/waves/sub").mkdir(parents=True)
    for name in ("a.csv", "b.csv", "sub/c.csv"):
        (desk.root / "data/waves" / name).write_text(name)
    desk.track("data/waves")
    status, said, errors = desk.tag("waves")
    assert (status, errors) == (0, "")
    assert "data/waves: 3 files, 19 bytes" in said
    (desk.root / "data/waves/a.csv").unlink()
    (desk.root / "data/waves/sub/c.csv").unlink()
    (desk.root / "data/waves/sub/c.csv").write_text("changed")
    for number in range(30):
        (desk.root / f"data/waves/new-{number:02}.csv").write_text("new")
    desk.track("data/waves")
    shutil.rmtree(desk.root / ".dvc/cache")  # the lists of files come from the remote then
    made = json.loads(desk.tag("data/waves", "minor", "wave 2", "--json")[1])
    assert made["name"] == "waves-v1.1.0"
    changes = made["changes"]
    assert (changes["added"], changes["removed"], changes["changed"]) == (30, 1, 1)
    assert changes["bytes"] == made["size"] - 19
    assert (changes["files"][0], len(changes["files"])) == ("added new-00.csv", 20)
    assert "30 added, 1 removed, 1 changed" in git(desk.root, "show", "-s", "waves-v1.1.0")


def test_an_output_of_the_pipeline_is_a_data_set_too(desk: Desk) -> None:
    """By its path or name; in JSON for machines; a dry run makes nothing."""
    status, said, _ = desk.tag("data/prepared.csv", "Major", "three of five", "--dry-run")
    assert (status, said.splitlines()[0]) == (0, "would tag prepared-v1.0.0")
    assert desk.tags() == []
    made = json.loads(desk.tag("prepared", "major", "three of five", "--json")[1])
    assert (made["name"], made["path"], made["message"]) == (
        "prepared-v1.0.0",
        "data/prepared.csv",
        "three of five",
    )
    assert desk.tags() == ["prepared-v1.0.0"]


def test_the_same_name_twice_is_told_apart(desk: Desk) -> None:
    """What was tagged keeps its name; the other is called after its path, and asked for by it."""
    desk.tag("people")
    desk.track("data/interim/people.csv", "name\nada\n")
    status, _, errors = desk.tag("people")
    assert (status, errors) == (
        1,
        "error: more than one data set is called 'people': data/interim/people.csv, "
        "data/raw/people.csv\n"
        "try: make data-tag NAME=data/interim/people.csv BUMP=minor MESSAGE='what is new'\n",
    )
    assert "tagged data-interim-people-csv-v1.0.0" in desk.tag("data/interim/people.csv")[1]
    desk.track(PEOPLE, "name,age\n")
    assert "tagged people-v1.1.0" in desk.tag(PEOPLE)[1]
    desk.track("data/raw/Größe (2).csv", "x")
    assert "tagged groe-2-v1.0.0" in desk.tag("Größe (2)")[1]


def test_a_data_set_that_was_moved_goes_on_with_its_numbers(desk: Desk) -> None:
    """The name is still its own when the path it was tagged at is gone."""
    desk.tag("people")
    git(desk.root, "rm", "--quiet", f"{PEOPLE}.dvc")
    desk.track("data/people.csv", "name,age\nada,1\n")
    assert "tagged people-v1.1.0" in desk.tag("people")[1]


AGAIN = "try: make data-tag NAME=people BUMP=minor MESSAGE='what is new'\n"
THERE = ": there are data/prepared.csv, data/raw/people.csv, models/model.json"


@pytest.mark.parametrize(
    ("name", "bump", "message", "status", "said"),
    [
        ("nobody", "minor", "x", 1, f"DVC keeps no data set 'nobody' in the last commit{THERE}"),
        ("", "major", "x", 2, "no data set is named; there are data/prepared.csv, data/raw/"),
        ("", "major", "x", 2, "try: make data-tag NAME=<name> BUMP=major MESSAGE='what is new'"),
        ("results/metrics.json", "minor", "x", 1, "DVC keeps no data set 'results/metrics.json'"),
        ("../x", "minor", "x", 1, "outside the study"),
        ("people", "", "x", 2, f"error: no bump: major, minor or patch\n{AGAIN}"),
        ("it's", "huge", "x", 2, "error: no bump: major, minor or patch, not 'huge'\ntry: make"),
        ("people", "minor", "", 2, f"no message: say what is new\n{AGAIN}"),
        ("people", "minor", " \n\x1b ", 2, "no message: say what is new"),
    ],
)
def test_what_cannot_be_tagged(
    desk: Desk, name: str, bump: str, message: str, status: int, said: str
) -> None:
    """An unknown data set, another bump, no message."""
    failed, out, errors = desk.tag(name, bump, message)
    assert (failed, out) == (status, "")
    assert said in errors
    assert desk.tags() == []


def test_the_same_bytes_are_no_new_version(desk: Desk) -> None:
    """Nor is what was not committed, be it the data or the file that names it."""
    desk.tag("people")
    assert desk.tag("people") == (
        1,
        "",
        f"error: nothing changed since people-v1.0.0: {PEOPLE}\ntry: git show people-v1.0.0\n",
    )
    (desk.root / PEOPLE).unlink()
    (desk.root / PEOPLE).write_text("name,age\nada,1\n")
    failed, _, errors = desk.tag("people")
    assert (failed, errors.splitlines()[0]) == (
        1,
        f"error: it differs from the last commit: {PEOPLE}",
    )
    capture(["dvc", "add", "--quiet", PEOPLE], desk.root)
    assert desk.tag("people") == (
        1,
        "",
        f"error: it differs from the last commit: {PEOPLE}\ntry: git commit\n",
    )
    desk.commit("data: ada is one")
    assert desk.tag("people") == (
        1,
        "",
        f"error: not in the remote 'storage', where others are to fetch it: {PEOPLE}\n"
        "try: make push, then repeat this\n",
    )
    capture(["dvc", "push", "--quiet"], desk.root)
    assert desk.tag("people")[0] == 0
    assert desk.tags() == ["people-v1.0.0", "people-v1.1.0"]


def test_other_changes_do_not_matter_nor_does_absent_data(desk: Desk) -> None:
    """Only this data set has to be committed; it need not be on this machine's disk."""
    (desk.root / "params.yaml").write_text("prepare: {rows: 1}\ntrain: {alpha: 1, name: x}\n")
    (desk.root / PEOPLE).unlink()
    shutil.rmtree(desk.root / ".dvc/cache")
    assert desk.tag("people")[0] == 0


def test_the_remote_is_asked_for_exactly_these_bytes(desk: Desk) -> None:
    """What it lost, or what never got there, is not there, whatever DVC remembers."""
    shutil.rmtree(desk.root.parent / "storage/files")
    failed, _, errors = desk.tag("people")
    assert (failed, errors.partition("\n")[0]) == (
        1,
        f"error: not in the remote 'storage', where others are to fetch it: {PEOPLE}",
    )
    capture(["dvc", "remote", "modify", "storage", "url", "../gone/storage"], desk.root)
    assert "the remote could not be asked" in desk.tag("people")[2]
    capture(["dvc", "remote", "remove", "storage"], desk.root)
    assert desk.tag("people")[2] == (
        f"error: nobody else could fetch it: DVC has no remote: {PEOPLE}\n"
        "try: dvc remote add --default storage <url> && make push\n"
    )


def test_a_hostile_message_breaks_nothing(desk: Desk) -> None:
    """Neither the mapping below it, nor a terminal."""
    message = "x\n---\ndataset: evil\nmd5: 0\n# no comment\n\x1b[2J $(touch evil) `id` 'q' \"d\": é"
    status, _, errors = desk.tag("people", "minor", message)
    assert (status, errors) == (0, "")
    (tag,) = dataset_tags(desk.root)
    assert tag.path == PEOPLE
    plain = "x --- dataset: evil md5: 0 # no comment [2J $(touch evil) `id` 'q' \"d\": é"
    assert tag.message == plain
    assert git(desk.root, "tag", "-n1").split(maxsplit=2)[2].strip() == plain
    assert not (desk.root / "evil").exists()


def test_a_version_that_only_git_s_remote_has_is_fetched_first(desk: Desk, tmp_path: Path) -> None:
    """Somebody else's 1.0.0 is not made a second time; without an answer it says so."""
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    git(desk.root, "remote", "add", "origin", "../origin.git")
    desk.tag("people")
    git(desk.root, "push", "--quiet", "origin", "people-v1.0.0")
    git(desk.root, "tag", "--delete", "people-v1.0.0")
    assert desk.tag("people") == (
        1,
        "",
        "error: origin has versions that are not here: people-v1.0.0\n"
        "try: git fetch --tags origin\n",
    )
    git(desk.root, "fetch", "--quiet", "--tags", "origin")
    assert "nothing changed since people-v1.0.0" in desk.tag("people")[2]
    git(desk.root, "remote", "set-url", "origin", "../gone.git")
    desk.track(PEOPLE, "name,age\n")
    status, _, errors = desk.tag("people")
    assert (status, errors) == (
        0,
        "note: origin did not answer; whether it has this version shows when you push\n",
    )


def test_who_tags_is_who_git_says(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tagger, who need not be the author of the commits; nobody is an error."""
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Grace")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "grace@example.org")
    assert desk.tag("people")[0] == 0
    (tag,) = dataset_tags(desk.root)
    assert tag.author == "Grace <grace@example.org>"
    assert git(desk.root, "tag", "--format=%(taggername) %(taggeremail)").strip() == tag.author
    desk.track(PEOPLE, "name,age\n")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "")
    status, _, errors = desk.tag("people")
    error, mend = errors.splitlines()
    assert status == 1
    assert error.startswith("error: git does not know who you are: ")
    assert mend.startswith("try: git config --global user.name 'You' && ")


def test_a_tag_made_by_hand_is_no_version_of_ours(desk: Desk) -> None:
    """It says nothing of what it holds; git refuses to make another of that name."""
    git(desk.root, "tag", "--annotate", "--message", "by hand", "people-v1.0.0")
    assert dataset_tags(desk.root) == []
    failed, _, errors = desk.tag("people")
    assert failed == 1
    assert "tag 'people-v1.0.0' already exists" in errors
