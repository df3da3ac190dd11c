-- asset: deployments_answers
-- returns each conversation of the gateway's log, each question and last answer in it, without its row
-- What the log says is known from `raw_records`, and of what was kept from the times of its questions
-- and the id of its last answer. A day whose log was read into `raw_records` again since waits; who was
-- forgotten has no rows of what they asked until then, nor is it asked where the time is not known.
with forgotten as (
    select user_id, max(forgotten_at) as until
    from embeddings_forgotten
    where kind = 'everything'
    group by user_id
),

judged as (
    select received.day
    from meta.partitions as received
    inner join meta.partitions as taken
        on received.day = taken.day and taken.table_name = 'deployments_answers'
    where received.table_name = 'raw_records' and coalesce(received.written_at <= taken.written_at, true)
),

logged as (
    select day, record_id, conversation_id, user_id
    from raw_records
    where
        source = 'gateway'
        and file = day || '/gateway.jsonl'
        and day in (from judged)
),

turns as (
    select
        logged.day,
        logged.record_id,
        logged.conversation_id,
        logged.user_id,
        unnest(dialogues.messages) as message,
        generate_subscripts(dialogues.messages, 1) as position
    from logged
    inner join cleaned_dialogues as dialogues
        on logged.record_id = dialogues.record_id and logged.day = dialogues.day
),

timed as (
    select
        day,
        conversation_id,
        user_id,
        message,
        max(case when message.role = 'user' then message.created_at end) over (
            partition by day, record_id
            order by position
        ) as asked_at
    from turns
),

said as (
    select day, conversation_id, message
    from timed
    where not exists (
        from forgotten
        where forgotten.user_id = timed.user_id and coalesce(timed.asked_at <= forgotten.until, true)
    )
),

wanted as (
    select day, conversation_id, 'conversation' as what, null::timestamptz as asked_at, '' as answer_id
    from logged
    where not exists (from forgotten where forgotten.user_id = logged.user_id)
    union all
    select day, conversation_id, 'question' as what, message.created_at as asked_at, '' as answer_id
    from said
    where message.role = 'user' and message.created_at is not null
    union all
    select day, conversation_id, 'answer' as what, null as asked_at, message.message_id as answer_id
    from said
    where message.role = 'assistant' and message.message_id != ''
)

select wanted.day, wanted.conversation_id, wanted.what, wanted.asked_at, wanted.answer_id
from wanted
where not exists (
    from deployments_answers as answers
    where
        answers.day = wanted.day
        and answers.conversation_id = wanted.conversation_id
        and (wanted.asked_at is null or answers.asked_at = wanted.asked_at)
        and (wanted.answer_id = '' or answers.answer_id = wanted.answer_id)
)
