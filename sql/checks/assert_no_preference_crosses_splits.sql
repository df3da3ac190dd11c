-- asset: cleaned_preferences
-- returns every choice in another split than a dialogue of its conversation that came no later
select distinct
    cleaned_preferences.preference_id,
    cleaned_preferences.split,
    cleaned_dialogues.split as dialogue_split
from cleaned_preferences
inner join cleaned_dialogues
    on cleaned_preferences.source = cleaned_dialogues.source
    and cleaned_preferences.conversation_id = cleaned_dialogues.conversation_id
where
    cleaned_preferences.conversation_id != ''
    and cleaned_dialogues.day <= cleaned_preferences.day
    and cleaned_dialogues.split != cleaned_preferences.split
