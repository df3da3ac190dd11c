"""What holds for every rule: gates are honest, repairs come to rest, nothing raises."""

import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import sources
from assets.cleaning import load_policy
from assets.cleaning.filters import DIALOGUE_RULES, MESSAGE_RULES
from assets.cleaning.greetings import OFFERS
from assets.cleaning.languages import language_of, plainly_russian
from assets.cleaning.marks import MARK_RULES
from assets.cleaning.rules import Candidate
from assets.cleaning.text import TEXT_RULES, clean_text
from lake.schemas import Dialogue, Message
from models import primer

POLICY = load_policy()
# What some rule works on, thrown together: far likelier to meet than in arbitrary text.
PIECES = st.sampled_from([
    "РџСЂРёРІРµС‚", "ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Ïðèâåò", "вЂ”", "â€™", "КПСС»", "déjà", "äöü", "Р\u0098",
    "<p>", "</p>", "<div>", "</div>", "<pre>", "</pre>", "<code>", "</code>", "<b>", "</b>", "<br>",
    "<i>да</i>", "<input>", "<![x", "&nbsp;", "&lt;", "&gt;", "&lt;b&gt;", "&amp;lt;", "&amp;",
    "&#8203;", "&#0;", "&#55357;", "&laquo;", "&unknown;", "List<int>", "html",
    "Copy code", "pythonCopy code\n", "2 / 3\n", "Копировать код", "Copy12 chars / 3 words",
    "```", "~~~", "`", "```py\n", "https://e.ru/a_b",
    "<|im_start|>", "<|im_end|>", "</s>", "<s>", "[INST]", "### Human:", "<|user|>",
    "||да||", "||", "|", "| ", "- ", "    код  x",
    "【42†L1】", "【", "】", "†", "citeturn0search1", "cited", "\ue200cite\ue202turn0\ue201",
    "\uf8ff", "ценa", "Thе", "шлифуяConsistencyи", "PDFка", "микроSD", "зовëм", "слово", "a", "е",
    "1", "~🔩13", "👩", "👩\u200d💻", "☀\ufe0f7",
    "и", "\u0306", "\u0308", "й", "\u0958", "\u2126",
    "\x00", "\x1c", "\x85", "\u2028", "\r", "\u200b", "\u200d", "\ufeff",
    "Извините, я не могу помочь", "я — ChatGPT", "как ИИ, я", "Привет!", "Чем я могу помочь?",
])  # fmt: skip
BLANKS = st.sampled_from(["", " ", "  ", "\t", "\n", "\n\n\n", "\r\n", "\u00a0"])
TEXTS = st.one_of(
    st.lists(st.one_of(PIECES, BLANKS), max_size=25).map("".join),
    st.text(max_size=40),
)
LONG = st.lists(TEXTS, min_size=1, max_size=4).flatmap(
    lambda parts: st.integers(1, 60).map(lambda n: " ".join(parts * n))
)
RULES = (*TEXT_RULES, *MARK_RULES, *MESSAGE_RULES)


def passes(gate: str, text: str) -> bool:
    return pl.Series([text]).str.contains(gate).item()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@given(text=TEXTS)
def test_a_gate_means_the_same_to_python_and_to_polars(rule, text):
    assert passes(rule.gate, text) == bool(re.search(rule.gate, text))


@pytest.mark.parametrize("rule", TEXT_RULES, ids=lambda rule: rule.name)
@given(text=TEXTS)
def test_a_gate_lets_no_repair_past(rule, text):
    assert passes(rule.gate, text) or rule.apply(text) == text


@pytest.mark.parametrize("rule", MARK_RULES, ids=lambda rule: rule.name)
@given(text=TEXTS)
def test_a_gate_lets_no_fault_past(rule, text):
    assert passes(rule.gate, text) or rule.find(text) == []


@pytest.mark.parametrize("rule", MESSAGE_RULES, ids=lambda rule: rule.name)
@given(text=st.one_of(TEXTS, LONG), role=st.sampled_from(["user", "assistant", "wizard"]))
def test_a_gate_lets_no_reason_past(rule, text, role):
    assert passes(rule.gate, text) or rule.reason(Message(role, text), POLICY) is None


@pytest.mark.parametrize("rule", DIALOGUE_RULES, ids=lambda rule: rule.name)
@given(
    said=st.lists(
        st.tuples(st.sampled_from(["system", "user", "assistant", "tool", "wizard"]), TEXTS),
        max_size=5,
    )
)
def test_a_gate_lets_no_dialogue_past(rule, said):
    candidate = candidate_of([Message(role, content) for role, content in said])
    described = pl.DataFrame([description(candidate)])

    assert described.select(rule.gate(POLICY)).item() or rule.reason(candidate, POLICY) is None


@given(TEXTS)
def test_clean_text_is_clean(text):
    cleaned = clean_text(text)

    assert clean_text(cleaned) == cleaned
    assert [rule.name for rule in TEXT_RULES if rule.apply(cleaned) != cleaned] == []


@given(TEXTS)
def test_plainly_russian_is_russian(text):
    is_plain = pl.DataFrame({"text": [text]}).select(plainly_russian("text")).item()

    assert not is_plain or language_of(text) == "ru"


def test_every_rule_has_a_name_of_its_own_and_a_source():
    rules = (*RULES, *DIALOGUE_RULES)

    assert len({rule.name for rule in rules}) == len(rules)
    assert [rule.name for rule in rules if not rule.source] == []


def test_the_shipped_sample_passes_untouched():
    folder = Path(sources.__file__).parent / "samples" / "dialogues"
    dialogues = [
        item
        for found in sources.walk([folder])
        for item in sources.read(found.path, root=found.root)
    ]

    assert len(dialogues) >= 200
    assert all(isinstance(dialogue, Dialogue) for dialogue in dialogues)
    assert [f for d in dialogues for f in faults(d.messages)] == []


def test_the_primer_passes_untouched():
    told = [
        [Message(m["role"], m["content"]) for m in dialogue.messages]
        for dialogue in primer.dialogues(seed=5, n=2_000)
    ]

    assert [fault for messages in told for fault in faults(messages)] == []


def faults(messages) -> list[str]:
    """Return what rules on texts, marks and messages object to, and `greeting` of dialogues."""
    found = [
        f"{rule.name}: {m.content}"
        for m in messages
        for rule in TEXT_RULES
        if rule.apply(m.content) != m.content
    ]
    found += [f"{r.name}: {m.content}" for m in messages for r in MARK_RULES if r.find(m.content)]
    found += [
        f"{r.name}: {m.content}" for m in messages for r in MESSAGE_RULES if r.reason(m, POLICY)
    ]
    candidate = candidate_of(messages)
    return found + [
        f"{rule.name}: {messages}"
        for rule in DIALOGUE_RULES
        if rule.name in ("greeting", "foreign_answer") and rule.reason(candidate, POLICY)
    ]


def candidate_of(messages) -> Candidate:
    said = "\n".join(m.content for m in messages if m.role != "system")
    return Candidate(tuple(messages), language_of(said), sum(len(m.content) for m in messages))


def description(candidate: Candidate) -> dict[str, object]:
    """Return the row that `DialogueRule.gate` reads."""
    roles = [m.role for m in candidate.messages]
    return {
        "characters": candidate.characters,
        "answer_characters": sum(
            len(m.content) for m in candidate.messages if m.role == "assistant"
        ),
        "messages": len(roles),
        "questions": roles.count("user"),
        "answers": roles.count("assistant"),
        "offers": sum(re.search(OFFERS, m.content) is not None for m in candidate.messages),
        "language": candidate.language,
    }
