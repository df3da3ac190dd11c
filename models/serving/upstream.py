"""What decodes for the gateway: vLLM or the embedded server, asked over HTTP in vLLM's words.

The gateway holds no weights.  An upstream that does not answer is `UpstreamDown`, and its watch
brings it back: one that we started is started anew, another is waited for; either way every
adapter that is served is loaded again before it counts as up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.errors import DeploymentError
from models.serving.probing import PROBED, by_text

if TYPE_CHECKING:
    import aiohttp

logger = logging.getLogger(__name__)

TOKEN_VARIABLE = "STEPPE_UPSTREAM_TOKEN"  # noqa: S105  its name, not a secret
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 600.0
HEALTH_SECONDS = 5.0
"""An upstream that is silent for so long hangs: `/health` computes nothing."""
LOOK_EVERY_SECONDS = 0.25
START_SECONDS = 120.0
CONNECTIONS = 512

Event = dict[str, Any]


class UpstreamDown(DeploymentError):
    """Nothing decodes at the moment; it is being brought back."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="ask again in a moment; `steppe doctor` looks at the server")


class UpstreamRefused(DeploymentError):
    """The upstream answered with an error: its status and its words."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint or "see the upstream's log under `serving/`")
        self.status = status


@dataclass
class Upstream:
    """One server that decodes: `base` is its name of the base model.

    `launch` starts the process where it is ours; `served` says which adapters must be loaded:
    their names, and their folders.
    """

    url: str
    token: str = ""
    base: str = "base"
    launch: Callable[[], subprocess.Popen[bytes]] | None = None
    served: Callable[[], Mapping[str, Path]] = dict
    process: subprocess.Popen[bytes] | None = None
    is_up: bool = False
    restarts: int = 0
    _reads: int | None = field(default=None, repr=False)
    _session: aiohttp.ClientSession | None = field(default=None, repr=False)

    # --- answers ------------------------------------------------------------------------------

    async def whole(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the whole answer to a request in OpenAI's form."""
        return await self._post("/v1/chat/completions", body)

    async def stream(self, body: Mapping[str, Any]) -> AsyncIterator[list[Event]]:
        """Yield the events of a streamed answer, those together that came together.

        `UpstreamDown` if it breaks off in the middle.
        """
        import aiohttp

        try:
            async with self._open().post(
                f"{self.url}/v1/chat/completions", json={**body, "stream": True}
            ) as answer:
                if answer.status >= 400:
                    raise _refused(answer.status, await answer.read())
                rest = b""
                async for some in answer.content.iter_any():
                    *lines, rest = (rest + some).split(b"\n")
                    found = [json.loads(line[6:]) for line in lines if _is_event(line)]
                    if sound := list(takewhile(lambda event: "error" not in event, found)):
                        yield sound
                    for event in found[len(sound) :]:
                        raise UpstreamRefused(500, str(event["error"].get("message", "failed")))
                    if any(line.startswith(b"data: [DONE]") for line in lines):
                        return
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self.is_up = False
            raise UpstreamDown(f"The model's server broke off: {_words(error)}.") from None
        self.is_up = False
        raise UpstreamDown("The model's server broke off before the answer's end.")

    async def reads(self) -> int:
        """Return how many tokens the model reads, 0 where its server does not tell."""
        if self._reads is None:
            told = await self._request("GET", "/v1/models")
            lengths = [int(model.get("max_model_len") or 0) for model in told["data"]]
            self._reads = max(lengths, default=0)
        return self._reads

    async def count(
        self, messages: list[dict[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> tuple[int, int]:
        """Return how many tokens a conversation and its tools have, and how many are read."""
        more = {"tools": list(tools)} if tools else {}
        told = await self._post("/tokenize", {"model": self.base, "messages": messages, **more})
        return int(told["count"]), int(told["max_model_len"])

    async def first_token(self, name: str, messages: list[dict[str, Any]]) -> dict[str, float]:
        """Return the log-probabilities of the likeliest first tokens of a greedy answer."""
        body = {
            "model": name,
            "messages": messages,
            "max_tokens": 1,
            "temperature": 0.0,
            "logprobs": True,
            "top_logprobs": PROBED,
        }
        told = await self.whole(body)
        listed = told["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        return by_text((entry["token"], float(entry["logprob"])) for entry in listed)

    # --- adapters -----------------------------------------------------------------------------

    async def models(self) -> list[str]:
        """Return the names that answer."""
        told = await self._request("GET", "/v1/models")
        return [str(model["id"]) for model in told["data"]]

    async def load(self, name: str, folder: Path) -> None:
        """Load an adapter under a name that never means other weights; a loaded one stays."""
        if name in await self.models():
            return
        await self._post("/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})

    async def unload(self, name: str) -> None:
        """Drop an adapter; raise `UpstreamRefused` while somebody is answered with it."""
        await self._post("/v1/unload_lora_adapter", {"lora_name": name})

    # --- being there --------------------------------------------------------------------------

    async def watch(self) -> None:
        """Look after the upstream for ever; run as a task beside the answers."""
        told = ""
        while True:
            try:
                self.is_up = await self._is_healthy() and (self.is_up or await self._restore())
                if not self.is_up:
                    await self._bring_back()
            except Exception as error:
                if str(error) != told:  # once, not four times a second
                    logger.exception("the upstream could not be brought back; it is tried again")
                told = str(error)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _is_healthy(self) -> bool:
        with contextlib.suppress(DeploymentError):
            await self._request("GET", "/health", anew=True, seconds=HEALTH_SECONDS)
            return True
        return False

    async def _restore(self) -> bool:
        for name, folder in self.served().items():
            await self.load(name, folder)
        return True

    async def _bring_back(self) -> None:
        if self.launch is None:
            return
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()  # it is there and does not answer
            await asyncio.to_thread(self.process.wait)
            self.restarts += 1
        self.process = await asyncio.to_thread(self.launch)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            if await self._is_healthy():
                return
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def close(self) -> None:
        """Let go of the connections, and end the process where it is ours."""
        if self._session is not None:
            await self._session.close()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                await asyncio.to_thread(self.process.wait, 10)
            except subprocess.TimeoutExpired:
                self.process.kill()

    # --- HTTP ---------------------------------------------------------------------------------

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {self.token}"} if self.token else {},
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS),
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                read_bufsize=1 << 20,
            )
        return self._session

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._request("POST", path, body)

    async def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        anew: bool = False,
        seconds: float = ANSWER_SECONDS,
    ) -> dict[str, Any]:
        import aiohttp

        try:
            headers = {"Connection": "close"} if anew else {}
            limit = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
            async with self._open().request(
                method, self.url + path, json=body, headers=headers, timeout=limit
            ) as answer:
                found = await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self.is_up = False
            raise UpstreamDown(f"The model's server does not answer: {_words(error)}.") from None
        if answer.status >= 400:
            raise _refused(answer.status, found)
        with contextlib.suppress(ValueError, TypeError):
            return dict(json.loads(found))
        return {}  # vLLM answers some addresses in plain words


def _is_event(line: bytes) -> bool:
    return line.startswith(b"data: {")


def _refused(status: int, body: bytes) -> UpstreamRefused:
    try:
        error = json.loads(body)["error"]
        return UpstreamRefused(status, str(error["message"]), str(error.get("hint") or ""))
    except (ValueError, KeyError, TypeError):
        return UpstreamRefused(status, f"The model's server answered {status}.")


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
