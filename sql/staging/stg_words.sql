-- one row per dialogue and word that its user said: forms of a word together, function words left out
-- `day` is the day it was said, or came in where no time is known.  Forms are told by their endings
-- alone, as DuckDB has no stemmer of its own: nouns and adjectives meet, most verbs do not.
with stop_words as (
    select unnest(string_split(
        'без более больше будет будешь будто буду будут бывает был была были было быть вам вами вас ваш ваша '
        || 'ваше вашего вашей вашему ваши вашим вашими ваших вашу вдруг ведь весь весьма вместо внутри вообще '
        || 'вот впрочем все всё всегда всего всей всем всеми всему всех всю где давай даже дай дайте делаешь '
        || 'делать для должен должна должно другая другие другим другими других другого другое другой другому '
        || 'другую его едва если есть еще ещё затем зачем здесь здравствуй здравствуйте именно ими имя иногда '
        || 'каждая каждого каждое каждой каждому каждую каждые каждый как какая какие каким какими каких какого '
        || 'какое какой какому какую кем когда кого ком кому конечно которая которого которое которой которую '
        || 'которые который которых кто куда ладно либо лишь лучше любая любого любое любой любому любую любые '
        || 'любым любых меня мне много мной мог могла могу могут мое моё моего моей моему может можешь можно мои '
        || 'моим моими моих мой мою моя надо назови нам нами напиши напишите напомни нас наш наша наше нашего '
        || 'нашей нашему наши нашим нашими наших нашу него нее неё ней некоторые некоторых нельзя нему нет '
        || 'нибудь никогда ним ними них ничего нужен нужна нужно нужны объясни один одна однако одно одной около '
        || 'она они оно опиши опять ответь отчего очень перед под подскажи пожалуйста пока покажи покажите '
        || 'помоги пор после потом потому почему почти при привет приветствую придумай про просто пусть раз '
        || 'разве расскажи расскажите сам сама самая сами самим самими самих само самого самое самой самому саму '
        || 'самый свое своё своего своей своему своим своими своих свой свою своя сделай сделать себе себя '
        || 'сегодня сейчас скажи скажите сколько совсем составь спасибо так такая также такие такого такое такой '
        || 'там твоё твоего твоей твоему твои твоим твоих твой твою твоя тебе тебя тем теперь тех тобой тогда '
        || 'того тоже той только том тому тот три тут уже хорошо хоть хотя хочет хочу чём чего чей чем через что '
        || 'чтоб чтобы эта эти этим этих это этого этой этом этому этот эту '
        || 'about all also and any are but can could did does for from get give had has have hello how into its '
        || 'just let like make me more most my need not one our out please should some such tell than thanks '
        || 'that the their them then there they this use want was were what when where which who why will with '
        || 'would write you your',
        ' '
    )) as form
),

said as (
    select
        dialogue_id,
        source,
        coalesce(began_at::date, day) as day,
        unnest(list_distinct(regexp_extract_all(
            -- a placeholder of personal data is no word of theirs
            regexp_replace(
                lower(array_to_string(
                    list_transform(list_filter(messages, lambda m: m.role = 'user'), lambda m: m.content), ' '
                )),
                '\[[а-яё]+ \d+\]', ' ', 'g'
            ),
            '[а-яё]{3,}|[a-z]{3,}'
        ))) as form
    from stg_dialogues
),

forms as (
    select
        form,
        count(*) as dialogues,
        regexp_replace(
            form,
            '^(.{3,}?)(иями|ями|ами|иях|ях|ах|иям|ям|ам|ыми|ими|ого|его|ому|ему|ией|ых|их|ую|юю|ая|яя|ое|ее'
            || '|ой|ей|ый|ий|ые|ие|ом|ем|ым|им|ию|ью|ия|ья|ии|ов|ев|[аеийоуыьюя])$',
            '\1'
        ) as stem
    from said
    where form not in (from stop_words)
    group by form
),

words as (
    select form, first_value(form) over (partition by stem order by dialogues desc, form) as word
    from forms
)

select distinct
    said.dialogue_id,
    said.source,
    said.day,
    words.word
from said
inner join words on said.form = words.form
