"""Keys, persons, scopes and rates, over real HTTP and alone."""

import json

import httpx
import pytest

from lake.errors import SettingsError
from models.serving import access
from models.serving.problems import Problem
from models.serving.rates import Bucket

HELLO = {"model": "base", "max_tokens": 2, "messages": [{"role": "user", "content": "Привет!"}]}


def ask(served, key: str = "", body: dict | bytes = HELLO, path: str = "/v1/chat/completions"):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers["Content-Type"] = "application/json"
    return httpx.post(served.url + path, content=content, headers=headers, timeout=60)


def test_without_keys_whoever_asks_on_loopback_is_the_owner(served) -> None:
    assert 200 == ask(served).status_code


def test_with_keys_a_request_must_carry_one(served) -> None:
    key = access.add(served.gateway.access.path, "vera", ["chat"])

    refused, wrong, answered = ask(served), ask(served, "sk-steppe-x"), ask(served, key)

    assert [401, 401, 200] == [refused.status_code, wrong.status_code, answered.status_code]
    assert "steppe keys add" in refused.json()["error"]["hint"]


def test_a_key_says_who_asks_whatever_the_request_says(served) -> None:
    key = access.add(served.gateway.access.path, "vera", ["chat"])
    ask(served, key, {**HELLO, "user": "ivan"})

    (line, *_) = next(served.inbox.rglob("gateway.jsonl")).read_text("utf-8").splitlines()
    assert "vera" == json.loads(line)["user"]


def test_a_key_opens_what_its_scopes_say(served) -> None:
    key = access.add(served.gateway.access.path, "vera", ["feedback"])

    refused = ask(served, key)

    assert 403 == refused.status_code
    assert "--scope chat" in refused.json()["error"]["hint"]


def test_too_many_requests_are_told_when_to_come_back(served) -> None:
    key = access.add(served.gateway.access.path, "vera", ["chat"], per_minute=2)

    answers = [ask(served, key) for _ in range(3)]

    assert [200, 200, 429] == [a.status_code for a in answers]
    assert int(answers[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize("limits", [(1, 3), (3, 1), (1, 0), (0, 1)])
def test_of_two_keys_of_a_person_each_has_its_own_limit(tmp_path, limits: tuple[int, int]) -> None:
    path, usual = tmp_path / "keys.json", 5
    asked = access.Access(path, "owner", str, per_minute=usual)
    people = [asked.person(access.add(path, "vera", ["chat"], n)) for n in limits]

    def admitted(person: access.Person) -> int:
        for n in range(10):
            try:
                asked.admit(person, now=0.0)
            except Problem:
                return n
        return 10

    assert [limit or usual for limit in limits] == [admitted(person) for person in people]


@pytest.mark.parametrize("declared", [True, False])
def test_a_request_that_is_too_large_is_refused(served, declared: bool) -> None:
    large = json.dumps({**HELLO, "x": "а" * 2_000_000}).encode()

    def pieces():
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    answer = httpx.post(
        f"{served.url}/v1/chat/completions",
        content=large if declared else pieces(),
        headers={"Content-Type": "application/json"},
    )

    assert 413 == answer.status_code
    assert "max_request_bytes" in answer.json()["error"]["hint"]


def test_a_revoked_key_opens_nothing(served) -> None:
    path = served.gateway.access.path
    key, other = (access.add(path, name, ["chat"]) for name in ("vera", "ivan"))

    assert 1 == access.revoke(path, access.digest(key)[:12])
    assert [401, 200] == [ask(served, k).status_code for k in (key, other)]


def test_a_key_is_kept_as_its_hash_for_its_owner_alone(tmp_path) -> None:
    path = tmp_path / "serving" / "keys.json"
    key = access.add(path, "vera", ["chat", "memory"])

    assert key not in path.read_text()
    assert 0o600 == path.stat().st_mode & 0o777


def test_a_file_of_keys_that_cannot_be_read_opens_nothing(tmp_path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("{")

    with pytest.raises(SettingsError, match=r"keys\.json"):
        access.read(path)


def test_after_the_last_key_is_revoked_nobody_is_let_in(served) -> None:
    path = served.gateway.access.path
    key = access.add(path, "vera", ["chat"])
    access.revoke(path, access.digest(key))

    assert [401, 401] == [ask(served, k).status_code for k in ("", key)]


@pytest.mark.parametrize("torn", ["", "{", "[1]", "[]", '{"a": 1}', '{"a": {"person": "vera"}}'])
def test_a_torn_file_of_keys_lets_nobody_in_and_says_so(served, torn: str) -> None:
    path = served.gateway.access.path
    key = access.add(path, "vera", ["chat"])
    whole = path.read_text()
    path.write_text(torn)

    answers = [ask(served, k) for k in ("", key, key)]

    assert [503, 503, 503] == [a.status_code for a in answers]
    assert "delete" not in answers[0].json()["error"]["hint"]
    path.write_text(whole)
    assert 200 == ask(served, key).status_code


def test_a_bucket_fills_again_with_time() -> None:
    bucket = Bucket(60, 1, 0.0)

    assert [0.0, 1.0, 0.0] == [bucket.take(0.0), round(bucket.take(0.0), 6), bucket.take(1.0)]


def test_a_key_of_many_names_its_own_people_and_nobody_else(served) -> None:
    path = served.gateway.access.path
    access.add(path, "vera", ["chat"])
    key = access.add(path, "team", ["chat", access.PEOPLE])

    ask(served, key, {**HELLO, "user": "vera"})

    (line, *_) = next(served.inbox.rglob("gateway.jsonl")).read_text("utf-8").splitlines()
    assert "team/vera" == json.loads(line)["user"]


def test_every_person_of_a_key_of_many_has_a_rate_of_their_own(served) -> None:
    path = served.gateway.access.path
    key = access.add(path, "team", ["chat", access.PEOPLE], per_minute=1)

    answers = [ask(served, key, {**HELLO, "user": name}) for name in ("vera", "vera", "ivan")]

    assert [200, 429, 200] == [a.status_code for a in answers]


def test_no_key_is_made_for_a_name_of_another_keys_people(tmp_path) -> None:
    with pytest.raises(SettingsError, match="slash"):
        access.add(tmp_path / "keys.json", "team/vera", ["chat"])


def test_the_owners_token_is_the_owner_with_keys_and_makes_none_needed(tmp_path) -> None:
    path = tmp_path / "keys.json"
    gate = access.Access(path, "owner", lambda name: name, per_minute=5, owners_token="of the home")
    assert "vera" == gate.person("", "vera").name
    access.add(path, "vera", ["chat"])

    assert "owner" == gate.person("Bearer of the home").name
    with pytest.raises(Problem, match="needs a key"):
        gate.person("Bearer something else")
