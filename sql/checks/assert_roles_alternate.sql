-- asset: cleaned_dialogues
-- returns every dialogue in which somebody speaks twice in a row; `assistant tool+ assistant` is a call
with spoken as (
    select
        dialogue_id,
        revision,
        list_filter(list_transform(messages, lambda m: m.role), lambda r: r != 'system') as roles
    from cleaned_dialogues
)

select dialogue_id, revision, roles
from spoken
where
    len(roles) = 0
    or roles[1] != 'user'
    or roles[-1] != 'assistant'
    or len(
        list_filter(
            generate_series(2, len(roles)),
            lambda i: (roles[i] = roles[i - 1] and roles[i] != 'tool')
            or (roles[i] = 'tool' and roles[i - 1] = 'user')
        )
    ) > 0
