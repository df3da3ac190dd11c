"""Any server that speaks the chat completions API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lake.errors import BackendUnavailable
from models.backends import Conversations, Generation, Loss, Progress


@dataclass(frozen=True)
class OpenAIModel:
    """Any server with `POST <url>/v1/chat/completions`; it generates, losses it cannot tell.

    A server that sends no `usage` is billed by an upper bound, so that a budget of tokens holds: no
    token is shorter than a byte of UTF-8, one more ends the answer, and none is beyond what was
    asked for.
    """

    url: str
    model: str
    api_key: str = ""
    timeout_seconds: float = 120.0

    @property
    def model_id(self) -> str:
        """Return the served model's name."""
        return self.model

    def generate(
        self,
        conversations: Conversations,
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[Generation]:
        options = {"temperature": temperature, "top_p": top_p, "seed": seed}
        answers: list[Generation] = []
        for done, conversation in enumerate(conversations, start=1):
            body = {"messages": [dict(m) for m in conversation], "max_tokens": max_new_tokens}
            answers.append(self._ask({**body, **options, "model": self.model}))
            if progress:
                progress(done, len(conversations))
        return answers

    def _ask(self, body: Mapping[str, Any]) -> Generation:
        import httpx

        misread = (
            *(httpx.HTTPError, httpx.InvalidURL),
            *(ValueError, KeyError, IndexError, TypeError, AttributeError),
        )
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        address = f"{self.url.rstrip('/')}/v1/chat/completions"
        started = time.monotonic()
        try:
            reply = httpx.post(address, json=body, headers=headers, timeout=self.timeout_seconds)
            reply.raise_for_status()
            told = reply.json()
            choice, usage = told["choices"][0], told.get("usage") or {}
            text, finish = choice["message"]["content"] or "", choice["finish_reason"] or "stop"
            at_most = min(len(str(text).encode()) + 1, body["max_tokens"])
            used = int(usage.get("completion_tokens") or at_most)
            return Generation(str(text), str(finish), used, time.monotonic() - started)
        except misread as error:
            raise BackendUnavailable(
                f"`{self.model}` at {address} did not answer: {error!r}.",
                hint="is the server up, and the address in the settings right?  `steppe serve` "
                "starts our own",
            ) from error

    def loss(self, _conversations: Conversations, /) -> list[Loss]:
        """Raise `BackendUnavailable`: a chat API gives no likelihood of given words."""
        raise BackendUnavailable(
            f"`{self.model}` is behind a chat API, which tells no losses.",
            hint="evaluate with the weights at hand: `TransformersModel`",
        )
