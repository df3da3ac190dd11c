"""Batches answer as one by one; losses count the assistant's words only; HTTP is HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from lake.errors import BackendUnavailable
from models.backends import Generation
from models.backends.embedded import TransformersModel
from models.backends.openai import OpenAIModel

ASKED = [
    [{"role": "user", "content": text}]
    for text in ("Привет!", "Как зовут мою собаку, скажи мне ещё раз?", "Где ключи?")
]


@pytest.fixture(scope="module")
def model(tiny):
    return TransformersModel(tiny)


def test_a_batch_answers_as_one_by_one(model):
    alone = [model.generate([c], max_new_tokens=8)[0] for c in ASKED]

    assert alone == model.generate(ASKED, max_new_tokens=8)


def test_losses_of_a_batch_are_those_of_one_by_one(model):
    talks = [[*c, {"role": "assistant", "content": "Да. " * i}] for i, c in enumerate(ASKED, 1)]

    alone = [model.loss([talk])[0] for talk in talks]
    together = model.loss(talks)

    assert [x.tokens for x in alone] == [x.tokens for x in together]
    assert [x.sum_nats for x in alone] == pytest.approx([x.sum_nats for x in together], rel=1e-4)


def test_what_the_user_says_costs_nothing(model):
    assert [x.tokens for x in model.loss([ASKED[0]])] == [0]


def test_sampling_is_a_function_of_its_seed(model):
    def drawn(seed):
        return model.generate(ASKED, max_new_tokens=8, temperature=1.0, seed=seed)

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_an_answer_cut_by_the_limit_says_so(model):
    answer = model.generate(ASKED[:1], max_new_tokens=1)[0]

    assert (answer.finish, answer.tokens) == ("length", 1)


def test_progress_counts_every_conversation(model):
    told = []

    model.generate(ASKED, max_new_tokens=1, progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (3, 3)


def test_nothing_asked_is_nothing_answered(model):
    assert [] == model.generate([], max_new_tokens=4) == model.loss([])


def test_an_adapter_is_known_by_its_id(tiny, trained):
    from pathlib import Path

    assert trained.adapter_id == TransformersModel(tiny, Path(trained.path)).model_id


class Server(BaseHTTPRequestHandler):
    """A chat completions API that repeats what it hears."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = body["messages"][-1]["content"]
        choice = {"message": {"content": said}, "finish_reason": "stop"}
        told = {} if body["model"] == "untold" else {"usage": {"completion_tokens": 3}}
        reply = json.dumps({"choices": [choice], **told})
        self.send_response(200 if self.headers.get("Authorization") == "Bearer key" else 401)
        self.end_headers()
        self.wfile.write(reply.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def url():
    server = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_is_asked_in_order(url):
    answers = OpenAIModel(url, "steppe", "key").generate(ASKED, max_new_tokens=4)

    assert [Generation(c[0]["content"], "stop", 3) for c in ASKED] == answers


@pytest.mark.parametrize(("said", "allowed", "expected"), [("да", 50, 5), ("да" * 40, 50, 50)])
def test_a_server_that_counts_no_tokens_is_billed_by_an_upper_bound(url, said, allowed, expected):
    """A byte is the least a token can be; nothing is longer than what was asked for."""
    asked = [[{"role": "user", "content": said}]]

    answer = OpenAIModel(url, "untold", "key").generate(asked, max_new_tokens=allowed)

    assert [expected] == [one.tokens for one in answer]


def test_a_server_that_refuses_is_unavailable(url):
    with pytest.raises(BackendUnavailable, match="401"):
        OpenAIModel(url, "steppe", "wrong").generate(ASKED, max_new_tokens=4)


def test_a_chat_api_tells_no_losses(url):
    with pytest.raises(BackendUnavailable, match="no losses"):
        OpenAIModel(url, "steppe").loss([])
