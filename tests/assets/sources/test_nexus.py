"""Notes of every version of the importer, written here in their forms."""

from datetime import UTC, datetime

from assets.sources import nexus
from lake.schemas import Unreadable

OLD = """---
nexus: nexus-ai-chat-importer
provider: chatgpt
aliases: Борщ
conversation_id: c-1
create_time: 20/08/2024 at 13:48
---
# Title: Борщ

Created: 20/08/2024 at 13:48
Last Updated: 20/08/2024 at 13:49
Chat URL: https://chatgpt.com/c/c-1


### User, on 20/08/2024 at 13:48;

> Как варить борщ?
>
> Быстро.
<!-- UID: u-1 -->
#### Assistant, on 20/08/2024 at 13:49;
>> Просто:
>>
>>> цитата
<!-- UID: u-2 -->

---
"""
V12 = """# Title: Борщ

>[!nexus_user] **User** - 08/20/2025 at 7:03 PM
> Как?
> > цитата
<!-- UID: u-1 -->


>[!nexus_agent] **Assistant** - 08/07/2025 at 7:04 PM
> [No content found]
<!-- UID: u-2 -->
"""
V16 = """---
nexus: nexus-ai-chat-importer
plugin_version: "1.6.3"
provider: perplexity
aliases: Борщ
conversation_id: c-1
models:
  - "sonar"
---

# Title: Борщ

>[!nexus_user] **User** - 04/06/2025 at 13:48:07
>>[!nexus_attachment] **план.pdf** (application/pdf) - 12 KB
>>> Файла нет в экспорте
> Что тут?
<!-- UID: u-1 -->
>[!nexus_agent] **Assistant · sonar** - 04/06/2025 at 13:49:00
> Смотри.
>>[!nexus_artifact] **Рецепт** v2
>>[!nexus_prompt] борщ, масло
<!-- UID: u-2 -->

## Related Queries

- Как варить щи?

---
"""


def test_headings_of_the_first_versions_are_messages():
    dialogue = nexus.parse(OLD)

    assert dialogue.as_chat() == [
        {"role": "user", "content": "Как варить борщ?\n\nБыстро."},
        {"role": "assistant", "content": "Просто:\n\n> цитата"},
    ]
    assert [m.message_id for m in dialogue.messages] == ["u-1", "u-2"]
    assert dialogue.messages[1].created_at == datetime(2024, 8, 20, 13, 49, tzinfo=UTC)
    assert (dialogue.title, dialogue.conversation_id) == ("Борщ", "c-1")
    assert (dialogue.annotations, dialogue.remarks) == ((), ())


def test_one_date_of_a_note_settles_the_others_and_placeholders_are_no_words():
    dialogue = nexus.parse(V12, "dmy")

    assert [m.content for m in dialogue.messages] == ["Как?\n> цитата", ""]
    assert dialogue.messages[1].created_at == datetime(2025, 8, 7, 19, 4, tzinfo=UTC)
    assert dialogue.remarks == ("Messages: 1 without content.",)


def test_attachments_are_named_and_related_queries_are_nobodys_turn():
    dialogue = nexus.parse(V16)

    assert [m.content for m in dialogue.messages] == [
        "[attachment] **план.pdf** (application/pdf) - 12 KB\n>> Файла нет в экспорте\nЧто тут?",
        "Смотри.\n[artifact] **Рецепт** v2\n[prompt] борщ, масло",
    ]
    assert dialogue.attachments == ("план.pdf",)
    assert dialogue.annotations == ("## Related Queries\n\n- Как варить щи?",)


def test_a_date_of_two_readings_is_left_out_and_told():
    open_, decided = nexus.parse(V16), nexus.parse(V16, "mdy")

    assert [m.created_at for m in open_.messages] == [None, None]
    assert "has two readings" in open_.remarks[0]
    assert decided.messages[0].created_at == datetime(2025, 4, 6, 13, 48, 7, tzinfo=UTC)
    assert decided.remarks == ()


def test_the_same_conversation_exported_later_keeps_its_id():
    later = V16.replace(
        "\n## Related",
        ">[!nexus_user] **User** - 05/06/2025\n> Ещё\n<!-- UID: u-3 -->\n\n## Related",
    )

    first, second = nexus.parse(V16), nexus.parse(later)

    assert first.conversation_id == second.conversation_id
    assert second.messages[:2] == first.messages
    assert len(second.messages) == 3


def test_a_note_in_which_nobody_speaks_is_told():
    found = nexus.parse("---\nnexus: nexus-ai-chat-importer\n---\n# Report\n")

    assert isinstance(found, Unreadable)
    assert found.reason == "no_messages"
