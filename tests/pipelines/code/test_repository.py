"""What is read of a codebase: folders, installed packages, repositories that are cloned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hybrid.pipelines.code import repository as repository_module
from hybrid.pipelines.code.repository import open_repository

from hybrid.errors import CorpusError, InputError
from tests.installed import install
from tests.pipelines.code.shop import git


class TestWhatIsRead:
    def test_files_and_reasons(self, shop: Path) -> None:
        found = open_repository(shop)
        names = {source.name for source in found.corpus.sources}
        assert {"src/shop/core.py", "web/load.ts", "web/build/build.ts", "go/a.go", "pyproject.toml"} <= names
        reasons = dict(found.left_out)
        assert reasons == {
            "third_party/y.c": "vendored",  # node_modules is passed over by every corpus
            "dist/bundle.js": "build output",
            "poetry.lock": "lock file",
            "api_pb2.py": "generated, by its name",
            "web/app.min.js": "generated, by its name",
            "web/client.go": "generated, as its head says",
            "tests/test_core.py": "tests and documentation",
        }
        assert not names & set(reasons)
        assert [count for _, count, _ in found.reasons()] == [2, 1, 1, 1, 1, 1]

    def test_all_of_it(self, shop: Path) -> None:
        found = open_repository(shop, with_tests=True, with_generated=True)
        assert found.left_out == ()
        assert {"tests/test_core.py", "api_pb2.py"} <= {source.name for source in found.corpus.sources}
        assert found.corpus.key != open_repository(shop).corpus.key  # other files, so another index

    def test_one_endless_line_is_named_and_the_rest_is_read(self, shop: Path) -> None:
        (shop / "web" / "big.js").write_text("x=1;" * 1_250_000)
        found = open_repository(shop)
        assert dict(found.left_out)["web/big.js"].startswith("generated: its lines have more than 1,000 characters")
        assert "web/load.ts" in {source.name for source in found.corpus.sources}

    def test_the_commit_and_whether_files_changed(self, shop: Path, commit: str) -> None:
        found = open_repository(shop / "src")  # part of a larger repository
        assert (found.commit, found.dirty, found.state) == (commit, False, commit[:10])
        assert {source.name for source in found.corpus.sources} == {
            f"shop/{n}.py" for n in ("__init__", "app", "core", "money")
        }
        (shop / "src" / "shop" / "new.py").write_text("x = 1\n")
        assert open_repository(shop / "src").state == f"{commit[:10]}, dirty"
        assert open_repository(shop, subtree="web").dirty is False

    def test_a_repository_without_commits(self, shop: Path) -> None:
        git(shop, "init", "--quiet")
        found = open_repository(shop)
        assert found.commit is None
        assert found.notes == ("The repository has no commits yet, so citations name none.",)

    def test_without_git(self, shop: Path, commit: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        found = open_repository(shop)
        assert (found.commit, found.notes) == (None, ("The commit is not known (Git is not installed).",))
        with pytest.raises(InputError, match=r"cannot be cloned: Git is not installed\."):
            open_repository("https://example.org/x.git")

    def test_a_submodule_that_is_not_there(self, shop: Path, commit: str, tmp_path: Path) -> None:
        (shop / ".gitmodules").write_text('[submodule "lib"]\n\tpath = extern\n\turl = https://example.org/lib.git\n')
        (shop / "extern").mkdir()
        (note,) = open_repository(shop).notes
        assert note == "The submodule extern is not checked out: git submodule update --init extern"

    def test_an_ignored_folder_has_no_commit(self, shop: Path, commit: str) -> None:
        (shop / ".gitignore").write_text("env/\n")
        (shop / "env").mkdir()
        (shop / "env" / "a.py").write_text("x = 1\n")
        assert open_repository(shop / "env").commit is None

    def test_an_installed_package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        install(tmp_path, monkeypatch)
        found = open_repository("turnstile")
        assert found.root.name == "turnstile"
        assert found.state == "version 3.1.0"
        assert open_repository("turnstile.old").root.name == "old"
        names = {source.name for source in open_repository("facade").corpus.sources}
        assert {"facade/__init__.py", "_facade/fixtures.py"} <= names  # the one is only the other's face
        assert open_repository("facade", subtree="mark").root.name == "mark"
        assert open_repository("_facade").root.name == "_facade"
        assert open_repository("single_module").corpus.sources[0].name == "single_module.py"
        assert open_repository("turnstile-locks").root.name == "turnstile"  # a distribution's name

    @pytest.mark.parametrize(
        ("what", "message"),
        [
            ("no/such/folder", "There is no file or folder 'no/such/folder'"),
            ("no_such_package_at_all", "no package of that name is installed"),
            ("sys", "has no source in Python"),
            (
                "ftp://u:secret@example.org/x.git",
                r"The URL ftp://example\.org/x\.git cannot be cloned: use https",
            ),
        ],
    )
    def test_what_is_not_there(self, what: str, message: str) -> None:
        with pytest.raises(InputError, match=message):
            open_repository(what)

    def test_nothing_left(self, shop: Path) -> None:
        with pytest.raises(InputError, match=r"There is no '\.\./tests' in .*Name a folder of it with --subtree\."):
            open_repository(shop / "src", subtree="../tests")
        (shop / "only").mkdir()
        (shop / "only" / "a_pb2.py").write_text("x = 1\n")
        with pytest.raises(CorpusError, match=r"Nothing of the 1 files .* is left to read.*--with-generated"):
            open_repository(shop / "only")

    def test_a_loop_of_links(self, shop: Path) -> None:
        (shop / "src" / "again").symlink_to(shop / "src", target_is_directory=True)
        names = [source.name for source in open_repository(shop).corpus.sources]
        assert names.count("src/shop/core.py") == 1
        assert not any("again" in name for name in names)


class TestClone:
    def test_a_url_is_cloned_once_and_followed(self, shop: Path, commit: str) -> None:
        url = shop.as_uri()
        found = open_repository(url)
        assert (found.commit, found.dirty) == (commit, False)
        assert found.root != shop
        (shop / "src" / "shop" / "new.py").write_text("def new(): ...\n")
        git(shop, "add", "--all", "--force")
        git(shop, "commit", "--quiet", "-m", "second")
        again = open_repository(url, subtree="src")
        assert again.root == found.root / "src"
        assert again.commit == git(shop, "rev-parse", "HEAD")
        assert "shop/new.py" in {source.name for source in again.corpus.sources}
        shop.rename(shop.with_name("gone"))
        kept = open_repository(url)
        assert kept.commit == again.commit
        assert "could not be brought up to date" in kept.notes[0]

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            ("warning: x\nfatal: repository 'https://a:b@c/d' not found\n", "repository 'https://c/d' not found"),
            ("ssh: no such host\r\nfatal: Could not read.\n\nPlease make sure\nit exists.\n", "ssh: no such host"),
            ("nothing known.\n", "nothing known"),
            ("", "no reason given"),
        ],
    )
    def test_what_git_says_is_one_reason(self, said: str, told: str) -> None:
        assert repository_module._error(said) == told

    def test_links_to_outside_are_not_followed(self, shop: Path, tmp_path: Path) -> None:
        (tmp_path / "secret.txt").write_text("the password is swordfish\n")
        (shop / "leak.txt").symlink_to(tmp_path / "secret.txt")
        git(shop, "init", "--quiet")
        git(shop, "add", "--all", "--force")
        git(shop, "commit", "--quiet", "-m", "first")
        (leak,) = [source for source in open_repository(shop.as_uri()).corpus.sources if source.name == "leak.txt"]
        assert leak.load().endswith(b"secret.txt")

    @pytest.mark.parametrize("url", ["https://me:secret@127.0.0.1:9/x.git", "file:///no/such/repository"])
    def test_what_does_not_answer_is_one_sentence_without_a_password(self, url: str) -> None:
        shown = re.escape(url.replace("me:secret@", ""))
        with pytest.raises(InputError, match=rf"^The repository {shown} cannot be cloned: .+\.$") as caught:
            open_repository(url)
        assert "\n" not in str(caught.value)
        assert "secret" not in str(caught.value)

    def test_commands_are_no_urls(self) -> None:
        with pytest.raises(InputError, match="There is no file or folder"):
            open_repository("ext::sh -c true")
        assert repository_module._URL.match("--upload-pack=x") is None
