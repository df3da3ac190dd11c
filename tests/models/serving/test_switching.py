"""What is served changes under load: nobody fails, and no answer is of two adapters."""

import threading
import time
from collections import Counter

import httpx
import pytest

from models.serving.served import Served, is_on_canary

PROBE = [{"role": "user", "content": "Привет!"}]
ASKED = [{"role": "user", "content": "Расскажи о степи."}]
BOTH = ("steppe@aaaaaaaaaaaa", "steppe@bbbbbbbbbbbb")


def admin(served, what: str, **body) -> httpx.Response:
    return httpx.post(
        f"{served.url}/admin/{what}",
        json={"probe": PROBE, **body},
        timeout=60,
        headers={"Authorization": "Bearer secret"},
    )


def ask(served, user: str = "") -> dict:
    body = {"model": "steppe", "messages": ASKED, "max_tokens": 12, "user": user}
    answer = httpx.post(f"{served.url}/v1/chat/completions", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def words(answer: dict) -> str:
    return answer["choices"][0]["message"]["content"]


def switched(served, times: int) -> tuple[Counter, Counter]:
    """Switch so often between two adapters while four clients ask; count answers and problems."""
    alone = {}
    for name in BOTH:
        admin(served, "deploy", name=name)
        alone[name] = words(ask(served))
    seen, wrong, stopping = Counter(), Counter(), threading.Event()

    def client() -> None:
        while not stopping.is_set():
            try:
                answer = ask(served)
            except (AssertionError, httpx.HTTPError) as error:
                wrong[repr(error)] += 1
                continue
            seen[answer["model"]] += 1
            wrong["mixed"] += words(answer) != alone[answer["model"]]

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(times):
        done = admin(served, "deploy", name=BOTH[n % 2])
        wrong[f"switch {done.status_code}"] += done.status_code != 200
    stopping.set()
    for thread in threads:
        thread.join()
    assert alone[BOTH[0]] != alone[BOTH[1]]
    return seen, +wrong


def test_thirty_switches_under_load_fail_nobody_and_mix_nothing(served) -> None:
    seen, wrong = switched(served, 30)

    assert not wrong
    assert set(BOTH) == set(seen)


@pytest.mark.slow
def test_a_thousand_switches_under_load_fail_nobody_and_mix_nothing(served) -> None:
    started = time.monotonic()
    seen, wrong = switched(served, 1000)

    print(f"{seen}, {time.monotonic() - started:.0f} s")
    assert not wrong
    assert set(BOTH) == set(seen)


def test_a_canary_answers_its_share_of_people_and_always_the_same_ones(served) -> None:
    admin(served, "deploy", name=BOTH[0])
    done = admin(served, "canary", name=BOTH[1], share=0.5).json()
    people = [f"person {n}" for n in range(12)]

    first = {user: ask(served, user)["model"] for user in people}
    again = {user: ask(served, user)["model"] for user in people}

    assert ("", 0.5) == (done["previous"], done["share"])
    assert first == again
    assert set(BOTH) == set(first.values())


def test_a_canary_that_is_ended_or_promoted_is_one_no_more(served) -> None:
    admin(served, "deploy", name=BOTH[0])
    admin(served, "canary", name=BOTH[1], share=1.0)
    everyone = ask(served)["model"]
    ended = admin(served, "canary", name="base", share=0.0).json()
    after = ask(served)["model"]
    admin(served, "canary", name=BOTH[1], share=0.1)
    admin(served, "deploy", name=BOTH[1])

    assert [BOTH[1], BOTH[1], BOTH[0]] == [everyone, ended["previous"], after]
    assert ("", BOTH[1]) == (served.gateway.served.canary, served.gateway.served.champion)


def test_a_canary_ends_with_the_champion_that_it_was_compared_with(served) -> None:
    admin(served, "deploy", name=BOTH[0])
    admin(served, "canary", name=BOTH[1], share=0.5)
    admin(served, "deploy", name="base")

    assert [] == served.gateway.served.names()
    key = {"Authorization": "Bearer inner"}
    listed = httpx.get(f"{served.gateway.upstream.url}/v1/models", headers=key).json()["data"]
    assert not set(BOTH) & {model["id"] for model in listed}


def test_an_adapter_that_is_served_otherwise_than_trained_is_refused(served) -> None:
    trained = {"<nothing>": -1.0}
    refused = admin(served, "deploy", name=BOTH[0], expected=trained)

    assert 409 == refused.status_code
    assert "from the adapter that was trained" in refused.text
    assert "" == served.gateway.served.champion


def test_an_adapter_that_is_served_otherwise_than_trained_is_tried_on_nobody(served) -> None:
    refused = admin(served, "canary", name=BOTH[0], share=0.5, expected={"<nothing>": -1.0})

    assert 409 == refused.status_code
    assert "from the adapter that was trained" in refused.text
    assert ("", 0.0) == (served.gateway.served.canary, served.gateway.served.share)


def test_the_share_is_the_share(tmp_path) -> None:
    people = [f"person {n}" for n in range(10_000)]

    on = [person for person in people if is_on_canary(person, BOTH[0], 0.1)]
    other = [person for person in people if is_on_canary(person, BOTH[1], 0.1)]

    assert 900 < len(on) < 1100
    assert set(on) != set(other)
    assert not Served(tmp_path).names()
