"""Decoding for many requests at once, each with its own adapter or none.

Requests join and leave between single decoding steps (iteration-level batching: Yu et al. 2022,
"Orca"), rows are left-padded into one cache, and every row names its adapter (peft's
`adapter_names`), so an adapter can be loaded, switched and unloaded while others answer.  What a
request gets does not depend on who shares its batch: `tests/models/serving/test_engine.py` holds
it to `generate`, token by token.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

from models.adapters import require_served

logger = logging.getLogger(__name__)

BASE = "__base__"  # peft's word for "no adapter" in a mixed batch
LEAST = 1e-5  # a smaller temperature or top_p leaves one token, and vanishes in float32
REPLACEMENT = "\ufffd"  # what an unfinished UTF-8 sequence decodes to


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw tokens; temperature 0 takes the likeliest."""

    max_tokens: int = 128
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer; the last one has `finish`: stop, length, cut or failed."""

    text: str
    finish: str = ""


@dataclass(eq=False)
class Request:
    """One conversation waiting for its answer, delivered piece by piece to `sink`."""

    ids: list[int]
    adapter: str
    sampling: Sampling
    sink: Callable[[Piece], None]
    answered: list[int] = field(default_factory=list)
    sent: str = ""
    cancelled: bool = False
    generator: torch.Generator = field(default_factory=torch.Generator)

    def __post_init__(self) -> None:
        self.generator.manual_seed(self.sampling.seed)


class Engine(threading.Thread):
    """A thread that owns the model: everything that touches it runs between two steps."""

    def __init__(self, base_path: Path, *, max_batch: int = 16) -> None:
        super().__init__(name="engine", daemon=True)
        self.tokenizer = AutoTokenizer.from_pretrained(str(base_path))
        model = AutoModelForCausalLM.from_pretrained(str(base_path), dtype=torch.float32)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.base = model.to(self.device).eval()
        self.model: Any = self.base
        self.adapters: dict[str, Path] = {}
        self.max_batch = max_batch
        self.max_length: int = model.config.max_position_embeddings
        stops = model.generation_config.eos_token_id
        self._stops = set(stops if isinstance(stops, list) else [stops])
        self._inbox: queue.SimpleQueue[Request | Callable[[], None] | None] = queue.SimpleQueue()
        self._waiting: list[Request] = []
        self._rows: list[Request] = []
        self._cache: DynamicCache | None = None
        self._mask = torch.empty(0, 0, dtype=torch.long)
        self._last = torch.empty(0, dtype=torch.long)
        self._stopping = False

    # --- from other threads -------------------------------------------------------------------

    def submit(self, request: Request) -> None:
        """Queue a request; its pieces arrive at `request.sink` on the engine's thread."""
        self._inbox.put(request)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a function between two steps, when nothing else touches the model."""
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(function(*arguments))
            except Exception as error:  # noqa: BLE001  handed to whoever waits for the future
                future.set_exception(error)

        self._inbox.put(run)
        return future

    @property
    def load(self) -> tuple[int, int]:
        """Return how many requests are decoded, and how many wait."""
        return len(self._rows), len(self._waiting)

    def stop(self) -> None:
        """End the thread after the step in hand; unfinished answers are cut."""
        self._stopping = True
        self._inbox.put(None)

    # --- adapters: through `call` only --------------------------------------------------------

    def load_adapter(self, name: str, path: Path) -> None:
        """Load an adapter under a name that was never used for other weights.

        Raise `DeploymentError` for one whose rows cannot share a batch with others.
        """
        if name in self.adapters:
            return
        require_served(path)
        if isinstance(self.model, PeftModel):
            self.model.load_adapter(str(path), adapter_name=name)
        else:
            self.model = PeftModel.from_pretrained(self.base, str(path), adapter_name=name)
        self.model.to(self.device).eval()
        self.adapters[name] = path

    def unload_adapter(self, name: str) -> bool:
        """Drop an adapter's weights; false while a request still uses it."""
        if any(r.adapter == name for r in [*self._rows, *self._waiting]):
            return False
        if self.adapters.pop(name, None):
            self.model.delete_adapter(name)
            if not self.adapters:  # peft cannot run without any: back to the plain network
                self.model = self.base = self.model.unload().eval()
        return True

    def last_logits(self, ids: list[int], adapter: str) -> torch.Tensor:
        """Return the logits [vocabulary] after a prompt, with an adapter or with `BASE`."""
        tokens = torch.tensor([ids], device=self.device)
        out = self._forward(tokens, torch.ones_like(tokens), None, [adapter])
        return out.logits[0, -1].float().cpu()

    # --- the loop -----------------------------------------------------------------------------

    def run(self) -> None:
        """Take what came in, admit what fits, make one token for each row; until `stop`."""
        while not self._stopping:
            self._take(block=not self._rows and not self._waiting)
            free = self.max_batch - len(self._rows)
            admitted, self._waiting = self._waiting[:free], self._waiting[free:]
            try:
                if admitted:
                    self._admit(admitted)
                if self._rows:
                    self._step()
            except Exception:
                logger.exception("a decoding step failed; its requests are answered so")
                self._fail([*self._rows, *(r for r in admitted if r not in self._rows)])
        for request in [*self._rows, *self._waiting]:
            request.sink(Piece("", "cut"))

    def _fail(self, requests: list[Request]) -> None:
        """Answer everyone in a failed step with `failed`, and start afresh for who comes next."""
        self._rows, self._cache = [], None
        for request in requests:
            request.sink(Piece("", "failed"))

    def _take(self, *, block: bool) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._inbox.get(block=block)
                block = False
                if isinstance(item, Request):
                    self._waiting.append(item)
                elif item is not None:
                    item()

    def _forward(
        self, ids: torch.Tensor, mask: torch.Tensor, cache: DynamicCache | None, names: list[str]
    ) -> Any:
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        extra = {"adapter_names": names} if isinstance(self.model, PeftModel) else {}
        with torch.inference_mode():
            return self.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                logits_to_keep=1,
                past_key_values=cache,
                use_cache=cache is not None,
                **extra,
            )

    def _admit(self, requests: list[Request]) -> None:
        width = max(len(r.ids) for r in requests)
        ids = torch.full((len(requests), width), self.tokenizer.pad_token_id)
        mask = torch.zeros(len(requests), width, dtype=torch.long)
        for row, request in enumerate(requests):
            ids[row, width - len(request.ids) :] = torch.tensor(request.ids)
            mask[row, width - len(request.ids) :] = 1
        cache = DynamicCache()
        mask = mask.to(self.device)
        out = self._forward(ids.to(self.device), mask, cache, [r.adapter for r in requests])
        tokens = self._draw(out.logits[:, -1], requests)
        first_new = len(self._rows)
        self._join(requests, cache, mask, tokens)
        self._deliver(first_new)

    def _join(
        self, requests: list[Request], cache: DynamicCache, mask: torch.Tensor, tokens: torch.Tensor
    ) -> None:
        if not self._rows or self._cache is None:
            self._rows, self._cache, self._mask, self._last = list(requests), cache, mask, tokens
            return
        width = max(self._mask.shape[1], mask.shape[1])
        old, new = width - self._mask.shape[1], width - mask.shape[1]
        for layer, joining in zip(self._cache.layers, cache.layers, strict=True):
            layer.keys = torch.cat([_pad(layer.keys, old, 2), _pad(joining.keys, new, 2)])
            layer.values = torch.cat([_pad(layer.values, old, 2), _pad(joining.values, new, 2)])
        self._mask = torch.cat([_pad(self._mask, old, 1), _pad(mask, new, 1)])
        self._last = torch.cat([self._last, tokens])
        self._rows += requests

    def _step(self) -> None:
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(self._rows), 1)], 1)
        names = [r.adapter for r in self._rows]
        out = self._forward(self._last[:, None], self._mask, self._cache, names)
        self._last = self._draw(out.logits[:, -1], self._rows)
        self._deliver(0)

    def _draw(self, logits: torch.Tensor, requests: list[Request]) -> torch.Tensor:
        drawn = [_draw_one(row.float().cpu(), r) for row, r in zip(logits, requests, strict=True)]
        return torch.stack(drawn).to(self.device)

    def _deliver(self, first: int) -> None:
        """Send each row from `first` on its newest token, and let the finished ones leave."""
        staying = list(range(first))
        for row in range(first, len(self._rows)):
            request = self._rows[row]
            finish = self._accept(request, int(self._last[row]))
            text = self._sendable(request, finish)
            if text or finish:
                request.sink(Piece(text, finish))
            if not finish:
                staying.append(row)
        if len(staying) < len(self._rows):
            self._keep(staying)

    def _accept(self, request: Request, token: int) -> str:
        if request.cancelled:
            return "cut"
        if token in self._stops:
            return "stop"
        request.answered.append(token)
        text = self._text(request)
        if any(s in text for s in request.sampling.stop):
            return "stop"
        full = len(request.ids) + len(request.answered) >= self.max_length
        return "length" if full or len(request.answered) >= request.sampling.max_tokens else ""

    def _text(self, request: Request) -> str:
        return self.tokenizer.decode(request.answered, skip_special_tokens=True)

    def _sendable(self, request: Request, finish: str) -> str:
        """Return the new text that no later token can change, and remember it as sent."""
        text = self._text(request)
        for stop in request.sampling.stop:
            text = text.split(stop)[0]
        if not finish:
            text = text.rstrip(REPLACEMENT)
            held = max((len(s) - 1 for s in request.sampling.stop), default=0)
            text = text[: len(text) - held]
        new = text[len(request.sent) :]
        request.sent += new
        return new

    def _keep(self, rows: list[int]) -> None:
        self._rows = [self._rows[r] for r in rows]
        if not rows or self._cache is None:
            self._cache = None
            return
        index = torch.tensor(rows, device=self.device)
        self._mask, self._last = self._mask[index], self._last[index]
        common = int((self._mask.sum(0) > 0).nonzero()[0])  # columns that are padding for all
        self._mask = self._mask[:, common:]
        for layer in self._cache.layers:
            layer.keys = layer.keys[index][:, :, common:]
            layer.values = layer.values[index][:, :, common:]


def _draw_one(logits: torch.Tensor, request: Request) -> torch.Tensor:
    how = request.sampling
    if how.temperature < LEAST:
        return logits.argmax()
    chances = (logits / how.temperature).softmax(-1)
    if how.top_p >= 1:
        return torch.multinomial(chances, 1, generator=request.generator)[0]
    ordered, tokens = chances.sort(descending=True)
    ordered = ordered * (ordered.cumsum(0) - ordered < max(how.top_p, LEAST))
    return tokens[torch.multinomial(ordered, 1, generator=request.generator)[0]]


def _pad(tensor: torch.Tensor, columns: int, axis: int) -> torch.Tensor:
    """Return the tensor with zeros put before its columns."""
    if not columns:
        return tensor
    shape = list(tensor.shape)
    shape[axis] = columns
    return torch.cat([tensor.new_zeros(shape), tensor], axis)
