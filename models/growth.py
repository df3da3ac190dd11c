"""Growing an embedded base: `python -m models.growth SPEC.json FOLDER`, run as its own process.

Data-parallel over forked workers that share one flat buffer of parameters.  Each step every
worker writes the gradient of its own batch; they meet; each updates the parameters it owns from
the mean gradient; they meet again.  Dialogues are generated on the way, a new one every time.
The result is a function of the spec alone.  Progress goes to standard output, one JSON a line.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from models import primer, tokenizer
from models.base_spec import BaseSpec
from models.network import HEAD_WIDTH, IGNORED, NORM_EPSILON, ROPE_BASE, Network
from models.optimizers import AdamW, Muon
from models.primer_scores import score_primer
from models.processes import die_with_parent

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CHUNK = 2048  # dialogues generated and sorted by length at a time, by each worker
SERIES = 10_000_000  # distance between the workers' places in the primer's series
FINAL_RATE = 0.02  # share of the rate that the last step has
EMBEDDING_SCALE = 0.05  # standard deviation of the first embeddings
REPORT_EVERY = 10  # steps
ARCHITECTURES = {"qwen3": "Qwen3ForCausalLM", "llama": "LlamaForCausalLM"}

Batch = tuple[Tensor, Tensor]


class Meeting:
    """Where all workers wait for each other; a worker that dies breaks it at once."""

    def __init__(self, others: Sequence[Connection], *, is_host: bool) -> None:
        self.others = others
        self.is_host = is_host

    def wait(self) -> None:
        """Return when every worker has come; raise `EOFError` when one is gone."""
        if not self.is_host:
            self.others[0].send_bytes(b".")
            self.others[0].recv_bytes()
            return
        for other in self.others:
            other.recv_bytes()
        for other in self.others:
            other.send_bytes(b".")


@dataclass(frozen=True, slots=True)
class Shared:
    """One network in shared memory: its parameters, a gradient buffer and a loss a worker."""

    network: Network
    gradients: Tensor
    losses: Tensor

    def views(self, rank: int) -> dict[Tensor, Tensor]:
        """Return each parameter's part of a worker's gradient buffer."""
        views: dict[Tensor, Tensor] = {}
        start = 0
        for parameter in self.network.parameters():
            end = start + parameter.numel()
            views[parameter] = self.gradients[rank, start:end].view_as(parameter)
            start = end
        return views


def share(network: Network, workers: int) -> Shared:
    """Move the network's parameters into one flat shared buffer."""
    parameters = list(network.parameters())
    flat = _in_shared_memory(torch.cat([p.detach().flatten() for p in parameters]))
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.data = flat[start:end].view_as(parameter)
        start = end
    gradients = _in_shared_memory(torch.zeros(workers, flat.numel()))
    return Shared(network, gradients, _in_shared_memory(torch.zeros(workers)))


def _in_shared_memory(tensor: Tensor) -> Tensor:
    tensor.share_memory_()  # type: ignore[no-untyped-call]  # torch has no annotation for it
    return tensor


class Worker:
    """One of the processes that grow the network together."""

    def __init__(self, spec: BaseSpec, shared: Shared, rank: int, meeting: Meeting) -> None:
        self.spec, self.shared, self.rank, self.meeting = spec, shared, rank, meeting
        self.views = [shared.views(other) for other in range(spec.workers)]
        for parameter, view in self.views[rank].items():
            parameter.grad = view
        matrices, others = owned(shared.network, rank, spec.workers)
        self.muon, self.adamw = Muon(matrices), AdamW(others)
        self.mine = [*matrices, *others]

    def run(self, batches: Iterator[Batch]) -> Iterator[tuple[int, int]]:
        """Take every step of the spec; yield (step, own tokens in it)."""
        for step in range(self.spec.steps):
            tokens, targets = next(batches)
            self._gradient(tokens, targets)
            self.meeting.wait()
            self._update(rate(self.spec, step))
            self.meeting.wait()
            yield step, int((targets != IGNORED).sum())

    def _gradient(self, tokens: Tensor, targets: Tensor) -> None:
        self.shared.gradients[self.rank].zero_()
        loss = self.shared.network.loss(tokens, targets)
        torch.autograd.backward(loss)
        self.shared.losses[self.rank] = loss.detach()

    def _update(self, share_of_rate: float) -> None:
        means = {p: torch.stack([view[p] for view in self.views]).mean(0) for p in self.mine}
        self.muon.step(means, self.spec.matrix_lr * share_of_rate)
        if self.adamw.parameters:
            self.adamw.step(means, self.spec.embedding_lr * share_of_rate)


def owned(network: Network, rank: int, workers: int) -> tuple[list[Tensor], list[Tensor]]:
    """Return the matrices and the other parameters that a worker updates.

    Layers are dealt out in turn; embeddings and norms belong to the first worker.
    """
    matrices: list[list[Tensor]] = [[] for _ in range(workers)]
    for position, layer in enumerate(network.model.layers):
        matrices[position % workers] += [p for p in layer.parameters() if p.dim() == 2]
    if rank > 0:
        return matrices[rank], []
    taken = {p for part in matrices for p in part}
    return matrices[0], [p for p in network.parameters() if p not in taken]


def rate(spec: BaseSpec, step: int) -> float:
    """Return the share of the rate at a step: a short rise, a flat part, a long fall."""
    rising = (step + 1) / max(1.0, spec.warmup * spec.steps)
    falling = (spec.steps - step) / max(1.0, spec.decay * spec.steps)
    return min(1.0, rising, max(FINAL_RATE, falling))


def batches(spec: BaseSpec, codec: Tokenizer, rank: int) -> Iterator[Batch]:
    """Yield a worker's batches without end: whole dialogues of like length, padded at the end."""
    rng = random.Random(f"{spec.seed}/batches/{rank}")
    start = (rank + 1) * SERIES
    while True:
        chunk = [d.messages for d in primer.dialogues(spec.seed, CHUNK, start=start)]
        start += CHUNK
        groups = grouped(tokenizer.encode_dialogues(codec, chunk), spec.batch)
        rng.shuffle(groups)
        yield from map(padded, groups)


def grouped(rows: list[list[int]], tokens: int) -> list[list[list[int]]]:
    """Return the rows in groups of like length, each of at most `tokens` with its padding."""
    groups: list[list[list[int]]] = [[]]
    for row in sorted(rows, key=len):
        if groups[-1] and (len(groups[-1]) + 1) * len(row) > tokens:
            groups.append([])
        groups[-1].append(row)
    return groups


def padded(rows: list[list[int]]) -> Batch:
    """Return (tokens, targets) of rows: each position's target is the next token."""
    longest = len(rows[-1])
    tokens = torch.tensor([row + [tokenizer.PAD_ID] * (longest - len(row)) for row in rows])
    lengths = torch.tensor([[len(row)] for row in rows])
    targets = tokens[:, 1:].masked_fill(torch.arange(1, longest) >= lengths, IGNORED)
    return tokens[:, :-1], targets


def first_embeddings(rows: Sequence[Sequence[int]], vocabulary: int, width: int) -> Tensor:
    """Return embeddings from the positive mutual information of neighbouring tokens.

    A factorised bigram table (Levy and Goldberg 2014) starts the embeddings where training
    would arrive after some hundred steps.
    """
    line = torch.tensor([token for row in rows for token in row])
    pairs = torch.bincount(line[:-1] * vocabulary + line[1:], minlength=vocabulary**2)
    counts = pairs.view(vocabulary, vocabulary).float()
    counts = counts + counts.T
    each = counts.sum(1, keepdim=True) + 1
    information = (counts * counts.sum() / (each * each.T) + 1e-9).log().clamp(min=0)
    left, values, _ = torch.svd_lowrank(information, q=width, niter=2)
    embeddings = left * values.clamp(min=0).sqrt()
    return embeddings * (EMBEDDING_SCALE / embeddings.std())


def grow(spec: BaseSpec, folder: Path) -> None:
    """Grow the base of a spec into an existing folder, with its report."""
    torch.manual_seed(spec.seed)
    began = time.monotonic()
    first = [d.messages for d in primer.dialogues(spec.seed, spec.tokenizer_dialogues)]
    texts = [message["content"] for messages in first for message in messages]
    codec = tokenizer.make_tokenizer(texts, vocabulary=spec.vocabulary, words=spec.words)
    vocabulary = codec.get_vocab_size()
    network = Network(spec, vocabulary)
    rows = tokenizer.encode_dialogues(codec, first)
    with torch.no_grad():
        table = first_embeddings(rows, vocabulary, spec.width)
        network.model.embed_tokens.weight.copy_(table)
    figures = train(spec, share(network, spec.workers), codec)
    save(spec, network, codec, folder)
    figures["grown_seconds"] = round(time.monotonic() - began, 1)
    report = {**figures, "parameters": sum(p.numel() for p in network.parameters())}
    report["vocabulary"] = vocabulary
    report["primer"] = score_primer(folder, n=spec.scored_dialogues)
    report["cpu_seconds"] = round(_cpu_seconds(), 1)
    report["peak_memory_bytes"] = _peak_memory()
    write_json(folder / "report.json", {"spec": asdict(spec), **report})


def train(spec: BaseSpec, shared: Shared, codec: Tokenizer) -> dict[str, Any]:
    """Take all steps, with this process as the first worker; return the figures of the run."""
    helpers, meeting = _start_helpers(spec, shared, codec)
    worker = Worker(spec, shared, 0, meeting)
    began, tokens, losses = time.monotonic(), 0, []
    for step, own_tokens in worker.run(batches(spec, codec, 0)):
        tokens += own_tokens * spec.workers
        losses.append(float(shared.losses.mean()))
        if (step + 1) % REPORT_EVERY == 0 or step + 1 == spec.steps:
            recent = losses[-REPORT_EVERY:]
            speed = tokens / (time.monotonic() - began)
            _say(step + 1, spec.steps, sum(recent) / len(recent), speed)
    for helper in helpers:
        helper.join()
    last = losses[-50:]
    return {"loss": sum(last) / len(last), "tokens": tokens}


def _start_helpers(
    spec: BaseSpec, shared: Shared, codec: Tokenizer
) -> tuple[list[BaseProcess], Meeting]:
    # Forked before any thread or gradient exists: what was prepared is shared, not copied.
    context = multiprocessing.get_context("fork")
    helpers: list[BaseProcess] = []
    ends: list[Connection] = []
    for rank in range(1, spec.workers):
        ours, theirs = context.Pipe()
        helper = context.Process(
            target=_help, args=(spec, shared, codec, rank), kwargs={"mine": theirs, "host": ours}
        )
        helper.start()
        theirs.close()
        helpers.append(helper)
        ends.append(ours)
    return helpers, Meeting(ends, is_host=True)


def _help(
    spec: BaseSpec,
    shared: Shared,
    codec: Tokenizer,
    rank: int,
    *,
    mine: Connection,
    host: Connection,
) -> None:
    die_with_parent()
    host.close()
    worker = Worker(spec, shared, rank, Meeting([mine], is_host=False))
    for _ in worker.run(batches(spec, codec, rank)):
        pass


def save(spec: BaseSpec, network: Network, codec: Tokenizer, folder: Path) -> None:
    """Write the network and its tokenizer as a Hugging Face model."""
    from safetensors.torch import save_file
    from transformers import GenerationConfig

    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    write_json(folder / "config.json", hub_config(spec, codec.get_vocab_size()))
    pretrained = tokenizer.as_pretrained(codec, context=spec.context)
    pretrained.save_pretrained(str(folder), save_jinja_files=False)
    GenerationConfig(
        bos_token_id=tokenizer.BOS_ID,
        eos_token_id=tokenizer.END_ID,
        pad_token_id=tokenizer.PAD_ID,
        max_new_tokens=64,
        do_sample=False,
    ).save_pretrained(str(folder))


def hub_config(spec: BaseSpec, vocabulary: int) -> dict[str, Any]:
    """Return the `config.json` that makes transformers read the checkpoint as Qwen3 or Llama."""
    return {
        "architectures": [ARCHITECTURES[spec.shape]],
        "model_type": spec.shape,
        "hidden_size": spec.width,
        "intermediate_size": spec.inner,
        "num_hidden_layers": spec.layers,
        "num_attention_heads": spec.heads,
        "num_key_value_heads": spec.heads,
        "head_dim": HEAD_WIDTH,
        "vocab_size": vocabulary,
        "max_position_embeddings": spec.context,
        "rms_norm_eps": NORM_EPSILON,
        "rope_theta": ROPE_BASE,
        "rope_parameters": {"rope_type": "default", "rope_theta": ROPE_BASE},
        "hidden_act": "silu",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        "dtype": "float32",
        "bos_token_id": tokenizer.BOS_ID,
        "eos_token_id": tokenizer.END_ID,
        "pad_token_id": tokenizer.PAD_ID,
    }


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a readable JSON file."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _say(step: int, total: int, loss: float, speed: float) -> None:
    progress = {"step": step, "total": total, "loss": loss, "tokens_per_second": speed}
    print(json.dumps(progress), flush=True)


def _usage() -> list[resource.struct_rusage]:
    return [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]


def _cpu_seconds() -> float:
    return sum(usage.ru_utime + usage.ru_stime for usage in _usage())


def _peak_memory() -> int:
    """Return an upper bound of the workers' peak resident memory, in bytes."""
    return sum(usage.ru_maxrss for usage in _usage()) * 1024  # Linux counts in KiB


def main() -> None:
    """Grow the base that the command line names."""
    die_with_parent()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # one denormal in a product costs as much as twenty numbers
    spec_file, folder = map(Path, sys.argv[1:])
    grow(BaseSpec(**json.loads(spec_file.read_text(encoding="utf-8"))), folder)


if __name__ == "__main__":
    main()
