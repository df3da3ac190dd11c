"""An adapter is named by its content and is what its manifest says."""

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


def test_publishing_the_same_content_twice_keeps_the_first(folder, tmp_path):
    draft = Path(shutil.copytree(folder, tmp_path / "draft"))

    published = adapters.publish(draft, tmp_path, folder.name)

    assert folder == published
    assert not draft.exists()
