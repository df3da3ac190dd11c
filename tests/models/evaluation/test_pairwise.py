"""Pairs in both orders, judged by whoever: nothing is lost, and the order's pull is told."""

import json
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from assets.sources import rsg
from models.backends.embedded import TransformersModel
from models.backends.openai import OpenAIModel
from models.evaluation import Item, pairwise
from models.evaluation.judges import people
from models.evaluation.judges.openai import OpenAIJudge, read
from models.evaluation.judges.rubric import RubricJudge
from models.evaluation.pairwise import Opinion

ITEMS = [
    Item(
        f"i{n}",
        ({"role": "user", "content": f"Где {n}?"}, {"role": "assistant", "content": "Там."}),
    )
    for n in range(6)
]
ANSWERS = {
    "good": {item.item_id: "Там." for item in ITEMS},
    "bad": {item.item_id: "" for item in ITEMS},
}


class ByLength:
    judge_id = "by length"

    def judge(self, question, first, second, facts=()):
        choice = "first" if len(first) > len(second) else "second"
        return Opinion(choice if first != second else "tie", "")


class AlwaysFirst:
    judge_id = "always first"

    def judge(self, question, first, second, facts=()):
        return Opinion("first", "")


def value(result, metric):
    return next(s for s in result.scores if s.metric == metric)


def test_every_item_is_judged_in_both_orders() -> None:
    judged = pairwise.compare(ITEMS, ANSWERS, ByLength())

    assert 2 * len(ITEMS) == len(judged)
    assert {("good", "bad"), ("bad", "good")} == {(j.first, j.second) for j in judged}
    assert 1.0 == value(pairwise.win_rate(judged, "good"), "win_rate").value
    assert 0.0 == value(pairwise.win_rate(judged, "bad"), "win_rate").value


def test_a_judge_that_goes_by_the_order_is_told() -> None:
    judged = pairwise.compare(ITEMS, ANSWERS, AlwaysFirst())
    found = pairwise.bias(judged)

    assert (1.0, 0.0, 1.0) == (found.first, found.consistent, found.hard_flips)
    assert 0.5 == value(pairwise.win_rate(judged, "good"), "win_rate").value


def test_the_bias_of_the_published_judgements_comes_out(shared_data) -> None:
    """Of 4,480 judgements 13 could not be read (shared facts, §3)."""
    found = pairwise.bias(people.reviews(shared_data / "qlora" / "vicuna_pairwise"))

    shares = [found.first, found.second, found.tie, found.consistent, found.hard_flips]
    assert [0.5623, 0.3033, 0.1343, 0.6138, 0.2048] == [round(x, 4) for x in shares]
    assert 2227 == found.pairs
    assert 4467 / 4480 == found.coverage


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("Первый точнее.\nА", "first"),
        ("Вердикт: Б.", "second"),
        ("...\n\n**Поровну**\n", "tie"),
        ("[[А]]", "first"),
        ("А или Б, трудно сказать", None),
        ('{"choice": "A"}', None),
        ("A", None),
        ("", None),
        ("А\nно это не важно", None),
    ],
)
def test_a_verdict_is_the_last_line_or_none(text: str, choice: str | None) -> None:
    assert choice == read(text)


class Moody(BaseHTTPRequestHandler):
    """A server that answers rightly, in garbage, with an error, in another format, or too late."""

    asked = 0

    def do_POST(self):
        Moody.asked += 1
        mood = Moody.asked % 6
        self.rfile.read(int(self.headers["Content-Length"]))
        if mood == 1:
            self.server.waits.wait(3)
            return
        if mood == 2:
            self.send_error(500)
            return
        texts = {3: "Первый.\nА", 4: "не знаю", 5: None, 0: "Лучше второй.\nБ"}
        message = {"choices": [{"message": {"content": texts[mood]}, "finish_reason": "stop"}]}
        body = b"<html>" if mood == 5 else json.dumps(message).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def moody():
    Moody.asked = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Moody)
    server.waits = threading.Event()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.waits.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_judge_that_fails_in_every_way_loses_no_item(moody: str) -> None:
    judge = OpenAIJudge(OpenAIModel(moody, "moody", timeout_seconds=0.5))

    judged = pairwise.compare(ITEMS, ANSWERS, judge)
    rate = value(pairwise.win_rate(judged, "good"), "win_rate")

    assert 2 * len(ITEMS) == len(judged)
    assert {"first", "second", None} == {j.choice for j in judged}
    assert all(j.text for j in judged)
    assert 0 < rate.coverage < 0.9


def test_without_any_answer_the_rate_says_nothing() -> None:
    judge = OpenAIJudge(OpenAIModel("http://127.0.0.1:9", "nobody", timeout_seconds=0.2))

    judged = pairwise.compare(ITEMS[:2], ANSWERS, judge)
    rate = value(pairwise.win_rate(judged, "good"), "win_rate")

    assert all("did not answer" in j.text for j in judged)
    assert (0.0, 0.0, 1.0) == (rate.coverage, rate.low, rate.high)


def test_the_base_judges_by_likelihood(tiny) -> None:
    judge = RubricJudge(TransformersModel(tiny))

    opinion = judge.judge("Где ключи?", "На полке.", "Привет!")

    assert opinion.choice in {"first", "second", "tie"}
    assert opinion == judge.judge("Где ключи?", "На полке.", "Привет!")
    assert opinion.tokens > 0
    assert opinion.seconds > 0


def test_votes_of_people_are_read_and_bad_lines_kept(tmp_path) -> None:
    path = tmp_path / "votes.jsonl"
    vote = {"item": "i1", "first": "a", "second": "b", "worker": "w", "choice": "first"}
    path.write_text(
        "\n".join([json.dumps(vote), json.dumps({**vote, "choice": "left"}), "{", ""]), "utf-8"
    )

    found = people.votes(path)

    assert ["first", None, None] == [j.choice for j in found]
    assert ["people:w", "people:w", "people"] == [j.judge for j in found]
    assert all(j.text for j in found[1:])


def test_majority_and_ties() -> None:
    assert ["a", "", ""] == [people.majority(x) for x in (["a", "b", "a"], ["a", "b"], [])]


def test_alpha_is_the_textbooks() -> None:
    """Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", example A: .095."""
    one, two = "0100000010", "1110010000"
    given = [(n, w, x) for w, row in ((1, one), (2, two)) for n, x in enumerate(row)]

    assert 0.095 == pytest.approx(people.alpha(given), abs=1e-3)
    assert math.isnan(people.alpha([("i", "w", "a")]))


@pytest.mark.parametrize(
    ("task", "counted", "labels"),
    [
        ("PARus", 1500, {"0", "1"}),
        ("RCB", 1165, {"entailment", "contradiction", "neutral"}),
        ("RWSD", 560, {"true", "false"}),
    ],
)
def test_crowd_votes_agree_and_bad_labels_are_left_out(
    shared_data, task: str, counted: int, labels: set[str]
) -> None:
    votes = rsg.votes(shared_data / "rsg_human" / f"assign_{task}.tsv")

    assert counted == len(votes)
    assert labels == {label for _, _, label in votes}
    assert 0.1 < people.alpha(votes) < 1.0


def test_dawid_and_skene_weigh_the_workers():
    """Two who agree on all items outweigh one who says the same of each."""
    pytest.importorskip("crowdkit", reason="the extra `crowd` is not installed")
    truth = "0110100101"
    given = [(n, w, x) for w in "ab" for n, x in enumerate(truth)]
    given += [(n, "c", "1") for n in range(len(truth))]

    assert list(truth) == [people.dawid_skene(given)[n] for n in range(len(truth))]
