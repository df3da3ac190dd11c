"""An adapter is named by its content and is what its manifest says."""

import json
import shutil
from pathlib import Path

import pytest

from lake.errors import DeploymentError
from models import adapters


@pytest.fixture
def folder(trained, tmp_path):
    return Path(shutil.copytree(trained.path, tmp_path / trained.adapter_id))


def test_the_served_name_is_the_content(trained):
    assert f"steppe@{trained.adapter_id[:12]}" == adapters.served_name(trained.adapter_id)


@pytest.mark.parametrize("name", [adapters.WEIGHTS, adapters.CONFIG])
def test_a_changed_file_is_found_out(folder, name):
    path = folder / name
    path.write_bytes(path.read_bytes() + b" ")

    with pytest.raises(DeploymentError, match="not what its manifest says"):
        adapters.verify(folder)


def test_a_folder_without_a_manifest_is_no_adapter(folder):
    (folder / adapters.MANIFEST).unlink()

    with pytest.raises(DeploymentError, match="no adapter"):
        adapters.verify(folder)


@pytest.mark.parametrize("text", ['{"adapter_id": "a', "{}", "[]", "null", "\xff"])
def test_a_manifest_that_is_cut_or_empty_is_an_error_with_a_hint(folder, text):
    (folder / adapters.MANIFEST).write_text(text, encoding="latin-1")

    with pytest.raises(DeploymentError, match="cannot be read") as error:
        adapters.read_manifest(folder)
    assert f"steppe rebuild {folder.name[:12]}" in error.value.hint
    assert not adapters.is_sound(folder)


def test_a_manifest_of_other_types_is_an_error(folder):
    content = json.loads((folder / adapters.MANIFEST).read_text())
    (folder / adapters.MANIFEST).write_text(json.dumps({**content, "files": None}))

    with pytest.raises(DeploymentError, match="`files` is no"):
        adapters.verify(folder)


@pytest.mark.parametrize("name", [adapters.WEIGHTS, adapters.CONFIG])
def test_a_lost_file_is_an_error_with_a_hint(folder, name):
    (folder / name).unlink()

    with pytest.raises(DeploymentError, match="has lost a file") as error:
        adapters.verify(folder)
    assert "steppe rebuild" in error.value.hint


def test_what_is_published_takes_the_place_of_a_damaged_one(folder, tmp_path):
    draft = Path(shutil.copytree(folder, tmp_path / "draft"))
    (folder / adapters.MANIFEST).write_text("{}")

    published = adapters.publish(draft, tmp_path, folder.name)

    assert adapters.is_sound(published)
    assert 1 == len(list(tmp_path.glob(".draft-*")))


def test_publishing_the_same_content_twice_keeps_the_first(folder, tmp_path):
    draft = Path(shutil.copytree(folder, tmp_path / "draft"))

    published = adapters.publish(draft, tmp_path, folder.name)

    assert folder == published
    assert not draft.exists()
