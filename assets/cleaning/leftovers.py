"""What the way of a text leaves in it: buttons of a web page, ends and turns of chat templates.

An end at the end of a message is taken off.  A turn of somebody else inside a message means that
two speakers were taken for one: no repair knows who said what, so the dialogue is dropped.
"""

from __future__ import annotations

import re

from assets.cleaning.policy import Policy
from assets.cleaning.prose import in_prose, prose
from lake.schemas import Message

_COPY = r"(?:Copy code|Копировать код|Скопировать код)"
BUTTONS = "[Cо0-9](?:opy|пировать код| / [0-9])"
# «```pythonCopy code» and the caption on a line of its own, before or inside the fence.
_IN_FENCE = re.compile(
    rf"^([ \t]*```)[ \t]*(\S*?)[ \t]*(?:\n[ \t]*)?([\w+#.-]*?){_COPY}[ \t]*$", re.M
)
_CAPTION = re.compile(rf"^[ \t]*[\w+#.-]{{0,20}}{_COPY}[ \t]*(?:\n|\Z)", re.M)
_COUNTS = re.compile(r"Copy[0-9]+ chars / [0-9]+ words")
_WHICH_ANSWER = re.compile(r"\s*([0-9]{1,3}) / ([0-9]{1,3})[ \t]*\n")  # «2 / 3» over an answer

# Ends of a turn or a text: ChatML, Llama 2 and 3, Gemma, GPT-2, Phi.
_END_SIGNS = (
    r"<\|im_end\|>", r"<\|eot_id\|>", r"<\|end_of_text\|>", r"<\|endoftext\|>", r"<\|end\|>",
    "</s>", "<end_of_turn>",
)  # fmt: skip
_END = f"(?:{'|'.join(_END_SIGNS)})"
_BEGIN = r"(?:<s>|<\|begin_of_text\|>)"
ENDS = f"{_END}|{_BEGIN}"
# Only the first of a chain of ends may begin the match: else a long chain is tried from each.
_AFTER_NONE = "".join(f"(?<!{sign})" for sign in (r"\s", *_END_SIGNS))
_AT_THE_END = re.compile(rf"{_AFTER_NONE}\s*(?:{_END}\s*)+\Z")
_AT_THE_BEGINNING = re.compile(rf"\A\s*{_BEGIN}\s*")

# The beginning of a turn: the same templates, Vicuna's and Alpaca's `###`, Baize's `[|Human|]`.
TURN = (
    r"<\|im_start\|>|<\|start_header_id\|>|<\|(?:user|assistant|system|bot)\|>|<start_of_turn>"
    r"|\[/?INST\]|<</?SYS>>|\[\|(?:Human|AI)\|\]|### ?(?:Human|Assistant|Instruction|Response):"
)
_TURN = re.compile(TURN)

# ||…||, Telegram's and Discord's veil over a word; `a || b` and tables have blanks inside.
SPOILER = r"\|\|[^|\s]"
_SPOILER = re.compile(r"(?<![^\s(«\"])\|\|([^|\s](?:[^|\n]{0,500}[^|\s])?)\|\|(?![^\s.,!?:;)»\"])")


def buttons(text: str) -> str:
    """Captions of buttons that were copied with an answer are removed."""
    start = 0
    while (which := _WHICH_ANSWER.match(text, start)) and int(which[1]) <= int(which[2]):
        start = which.end()
    text = _IN_FENCE.sub(lambda fence: fence[1] + (fence[2] or fence[3]), text[start:])
    return _COUNTS.sub("", _CAPTION.sub("", text))


def ends(text: str) -> str:
    """Signs of a template at either end of a message are removed."""
    return _AT_THE_BEGINNING.sub("", _AT_THE_END.sub("", text))


def spoilers(text: str) -> str:
    """A veiled word is shown; code keeps its bars."""
    return in_prose(text, lambda part: _SPOILER.sub(r"\1", part))


def chat_template(message: Message, _policy: Policy) -> str | None:
    """No message holds the beginning of another turn; templates shown as code are fine."""
    return "chat_template" if _TURN.search(prose(message.content)) else None
