"""Files and vector stores, with OpenAI's own client."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import httpx
import openai
import pytest

from hybrid.serve.keys import Keys
from hybrid.serve.reading import fault_of
from hybrid.serve.replies import Refused
from hybrid.serve.uploads import Uploads, safe_name
from hybrid.settings import KeySettings, ServeSettings
from tests.serve.conftest import Running, running

FLAT = b"The deposit of the flat in Lima is 900 soles."
CAR = b"The car lease ends in May 2030."


def test_an_uploaded_file_is_asked_about_searched_and_deleted(service: Running) -> None:
    client = service.client
    flat = client.files.create(file=("flat.txt", FLAT), purpose="assistants")
    store = client.vector_stores.create(name="papers", file_ids=[flat.id], metadata={"of": "Ada"})
    car = client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("car.txt", CAR), attributes={"year": 2030}
    )
    assert car.status == "completed"
    assert client.files.content(flat.id).read() == FLAT
    reply = client.chat.completions.create(
        model=store.id, messages=[{"role": "user", "content": "How much is the deposit?"}]
    )
    assert "900 soles" in (reply.choices[0].message.content or "")
    assert (reply.choices[0].message.annotations or [])[0].model_extra["file_citation"]["file_id"] == flat.id
    found = client.vector_stores.search(
        store.id, query="lease", filters={"type": "gte", "key": "year", "value": 2030}
    ).data
    assert [one.filename for one in found] == ["car.txt"]
    client.files.delete(car.id)
    assert [one.id for one in client.vector_stores.files.list(store.id)] == [flat.id]
    assert client.vector_stores.retrieve(store.id).file_counts.total == 1
    client.vector_stores.delete(store.id)
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.retrieve(store.id)


def test_a_batch_of_files_is_read_and_told_file_by_file(service: Running) -> None:
    client = service.client
    ids = [client.files.create(file=(name, content), purpose="assistants").id for name, content in (
        ("good.txt", FLAT), ("bad.pdf", b"%PDF-1.4 nothing"), ("empty.txt", b"")
    )]  # fmt: skip
    store = client.vector_stores.create(name="mixed")
    batch = client.vector_stores.file_batches.create_and_poll(store.id, file_ids=ids)
    assert (batch.file_counts.completed, batch.file_counts.failed) == (1, 2)
    faults = {one.id: one.last_error for one in client.vector_stores.files.list(store.id)}
    assert "broken PDF" in faults[ids[1]].message  # type: ignore[union-attr]


def test_two_files_of_one_name_are_two_documents(service: Running) -> None:
    client = service.client
    ids = [client.files.create(file=("same.txt", text), purpose="assistants").id for text in (FLAT, CAR)]
    store = client.vector_stores.create(name="twins", file_ids=ids)
    names = [entry["name"] for entry in service.get(f"/v1/corpora/{store.id}/documents").json()["data"]]
    assert names == ["same (2).txt", "same.txt"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("a\x00b\n.txt", "a_b_.txt"),
        ("", "upload"),
        ("..", "upload"),
        (".gitignore", "gitignore"),
        ("about.json", "upload-about.json"),
        ("<img src=x>.html", "_img src=x_.html"),
        ("ü" * 300 + ".txt", "ü" * 93 + ".txt"),
    ],
)
def test_names_of_files_become_harmless(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_a_bomb_ends_its_reader_alone(tmp_path: Path) -> None:
    bomb = BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("word/document.xml", b"<w:document>" + b" " * 1_500_000_000)
    file = tmp_path / "bomb.docx"
    file.write_bytes(bomb.getvalue())
    assert fault_of(file, ServeSettings(reading_seconds=20, reading_mb=512))


def test_a_document_that_a_kill_left_without_its_entry_is_taken_away(tmp_path: Path) -> None:
    settings = ServeSettings(uploads=str(tmp_path))
    uploads = Uploads(settings)
    store = uploads.create("papers")
    file = uploads.add("a.txt", BytesIO(FLAT))
    uploads.attach(store.id, file.id, {})
    (uploads.documents_of(store.id) / "stray.txt").write_bytes(CAR)
    again = Uploads(settings)
    assert [path.name for path in again.documents_of(store.id).iterdir()] == ["a.txt"]


def test_a_disk_that_takes_nothing_is_told_and_costs_no_quota(tmp_path: Path) -> None:
    uploads = Uploads(ServeSettings(uploads=str(tmp_path), stores_per_key=1, files_per_key=1))
    for folder in ("files", "stores"):
        (tmp_path / folder).rmdir()
        (tmp_path / folder).write_text("in the way")
    for make in (lambda: uploads.create("papers"), lambda: uploads.add("a.txt", BytesIO(FLAT))):
        for _ in range(2):  # the first counted nothing
            with pytest.raises(Refused, match="could not be kept: Not a directory") as refused:
                make()
            assert refused.value.status_code == 507


def test_an_answer_is_given_where_its_price_cannot_be_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keys = Keys(ServeSettings(keys={"a": KeySettings(key="k" * 16)}), tmp_path / "gone")
    keys.of(f"Bearer {'k' * 16}").charge(0.5)
    assert "What keys have spent today is not on the disk" in caplog.text


def test_the_text_of_a_deleted_store_is_in_no_index_any_more(service: Running) -> None:
    client = service.client
    secret = b"The password of the safe is Periwinkle-77."
    file = client.files.create(file=("secret.txt", secret), purpose="assistants")
    store = client.vector_stores.create(name="secret", file_ids=[file.id])
    reply = client.chat.completions.create(
        model=store.id, messages=[{"role": "user", "content": "What is the password of the safe?"}]
    )
    assert "Periwinkle-77" in (reply.choices[0].message.content or "")
    client.vector_stores.delete(store.id)
    client.files.delete(file.id)
    left = [path for path in service.home.rglob("*") if path.is_file() and b"Periwinkle" in path.read_bytes()]
    assert left == []


def test_the_text_of_a_file_taken_out_of_a_store_is_in_no_index_any_more(service: Running) -> None:
    client = service.client
    kept, secret = (
        client.files.create(file=(name, text * 300), purpose="assistants")
        for name, text in (
            ("kept.txt", b"The gate code is 4711. "),
            ("gone.txt", b"The safe opens with Aquamarine-55. "),
        )
    )
    store = client.vector_stores.create(name="both", file_ids=[kept.id, secret.id])
    client.vector_stores.search(store.id, query="What opens the safe?")
    client.files.delete(secret.id)
    found = client.vector_stores.search(store.id, query="What opens the safe?").data
    assert {one.filename for one in found} == {"kept.txt"}
    everything = {path: path.read_bytes().lower() for path in service.home.rglob("*") if path.is_file()}
    assert [path for path, data in everything.items() if b"aquamarine" in data] == []
    client.vector_stores.delete(store.id)


def test_a_key_keeps_no_more_than_it_may_and_others_keep_theirs(tmp_path: Path) -> None:
    keys = "\n".join(f'[serve.keys.{name}]\nkey = "the key of {name * 4}"' for name in ("ada", "bob"))
    limits = "[serve]\nfiles_per_key = 3\nstores_per_key = 1\nuploads_mb_per_key = 0.01\n"
    (tmp_path / "hybrid.toml").write_text(limits + keys)

    def send(service: Running, size: int, name: str = "ada") -> httpx.Response:
        bearer = {"authorization": f"Bearer the key of {name * 4}"}
        return service.post("/v1/files", files={"file": ("a.txt", b"x" * size)}, headers=bearer)

    bearer = {"authorization": "Bearer the key of adaadaadaada"}
    with running(tmp_path) as service:
        kept = send(service, 6000).json()["id"]
        large = send(service, 6000)
        assert large.status_code == 403
        assert large.json()["error"]["message"].startswith("This key keeps 0.0 MiB of 0.0 MiB")
        assert service.post("/v1/vector_stores", json={}, headers=bearer).status_code == 200
        store = service.post("/v1/vector_stores", json={}, headers=bearer)
        assert (store.status_code, store.json()["error"]["code"]) == (403, "quota_exceeded")
        assert "1 vector stores of 1" in store.json()["error"]["message"]
    with running(tmp_path) as service:  # what is kept is counted anew
        assert [send(service, 10).status_code for _ in range(3)] == [200, 200, 403]
        assert "3 files of 3" in send(service, 10).json()["error"]["message"]
        assert send(service, 6000, "bob").status_code == 200
        assert httpx.delete(f"{service.url}/v1/files/{kept}", headers=bearer).status_code == 200
        assert send(service, 6000).status_code == 200
        assert len(list((tmp_path / "uploads" / "files").iterdir())) == 4


def test_an_upload_that_fails_does_not_count(tmp_path: Path) -> None:
    uploads = Uploads(ServeSettings(uploads=str(tmp_path), files_per_key=1))
    (tmp_path / "files").rename(tmp_path / "away")
    with pytest.raises(Refused, match="No such file"):
        uploads.add("a.txt", BytesIO(FLAT))
    (tmp_path / "away").rename(tmp_path / "files")
    uploads.add("a.txt", BytesIO(FLAT))


def test_a_folder_may_be_named_like_a_vector_store(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(CAR)
    with running(tmp_path, "vs_mine=a.txt") as service:
        found = service.post("/v1/vector_stores/vs_mine/search", json={"query": "lease"}).json()["data"]
        assert [one["filename"] for one in found] == ["a.txt"]
        assert service.get("/v1/corpora").json()["data"][0]["uploads"] is False
