-- asset: cleaned_dialogues
-- returns every message that follows one of the same role, system and tool messages aside
with spoken as (
    select
        dialogue_id,
        revision,
        list_filter(list_transform(messages, lambda m: m.role), lambda r: r in ('user', 'assistant')) as roles
    from cleaned_dialogues
)

select dialogue_id, revision, roles
from spoken
where
    len(roles) = 0
    or roles[1] != 'user'
    or roles[-1] != 'assistant'
    or len(list_filter(generate_series(2, len(roles)), lambda i: roles[i] = roles[i - 1])) > 0
