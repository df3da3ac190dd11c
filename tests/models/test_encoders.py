"""Encoders: unit rows, same bits every time, and an id that changes with what decides them."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.errors import BackendUnavailable
from models.encoders import DIMENSIONS, SHIPPED_FREQUENCIES, HashedEncoder, load_encoder

SENTENCES = ["Где лежат ключи от дома?", "Ключи от дома лежат где?", "Завтра будет дождь и ветер."]


@pytest.fixture
def encoder(tmp_path):
    return load_encoder("hashed", models_dir=tmp_path)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=6))
def test_rows_are_unit_vectors_or_zero_and_do_not_depend_on_their_neighbours(texts):
    encoder = HashedEncoder.load(SHIPPED_FREQUENCIES)

    vectors = encoder.encode(texts)
    lengths = np.linalg.norm(vectors, axis=1)

    assert vectors.shape == (len(texts), DIMENSIONS)
    assert vectors.dtype == np.float32
    assert all(abs(length - 1) < 1e-5 or length == 0 for length in lengths)
    for n, text in enumerate(texts):
        assert np.array_equal(encoder.encode([text])[0], vectors[n])


def test_a_paraphrase_is_nearer_than_another_sentence(encoder):
    question, paraphrase, other = encoder.encode(SENTENCES)

    assert question @ paraphrase > 0.8 > 0.5 > question @ other


def test_what_is_saved_is_what_is_loaded(tmp_path):
    fitted = HashedEncoder.fitted(SENTENCES)
    fitted.save(tmp_path / "encoders" / SHIPPED_FREQUENCIES.name)

    loaded = load_encoder("hashed", models_dir=tmp_path)

    assert loaded == fitted
    assert loaded.encoder_id == fitted.encoder_id


def test_other_weights_are_another_encoder(encoder):
    assert encoder.encoder_id != HashedEncoder.fitted(SENTENCES).encoder_id


def test_a_common_bucket_weighs_less_than_a_rare_one():
    encoder = HashedEncoder(1000, (999, 1) + (10,) * (DIMENSIONS - 2))

    assert encoder._weights[0] < encoder._weights[2] < encoder._weights[1]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"documents": 1, "frequencies": [1]}'])
def test_a_file_that_holds_no_frequencies_is_refused_with_a_hint(tmp_path, content):
    path = tmp_path / "encoders" / SHIPPED_FREQUENCIES.name
    path.parent.mkdir()
    path.write_text(content)

    with pytest.raises(BackendUnavailable) as caught:
        load_encoder("hashed", models_dir=tmp_path)

    assert "delete the file" in caught.value.hint


def test_a_model_that_is_not_here_is_refused_with_a_hint(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    encoder = load_encoder(str(tmp_path / "no-model"), models_dir=tmp_path)

    with pytest.raises(BackendUnavailable) as caught:
        encoder.encode(["да"])

    assert "hashed" in caught.value.hint


@pytest.mark.slow
def test_the_shipped_frequencies_are_those_of_the_corpus_they_name(shared_data):
    lines = (shared_data / "koziev" / "extract_dialogues_from_anekdots.txt").read_text("utf-8")
    texts = [line[2:] for line in lines.split("\n") if line.startswith("- ")]

    assert HashedEncoder.fitted(texts) == HashedEncoder.load(SHIPPED_FREQUENCIES)


def test_the_shipped_frequencies_cover_every_bucket():
    saved = json.loads(SHIPPED_FREQUENCIES.read_text("utf-8"))

    assert saved["documents"] == 252_494
    assert min(saved["frequencies"]) > 0
