-- one row per pair of judges: on how many items they agree which model was better
-- All people are one judge, by majority; a judge that changes its mind with the order says a tie.
with votes as (
    select
        item_id,
        case when judge like 'people%' then 'people' else judge end as judge,
        least(first_model, second_model) as one,
        greatest(first_model, second_model) as other,
        case
            when choice = 'tie' then 0.5
            when (choice = 'first') = (first_model < second_model) then 1.0
            else 0.0
        end as points
    from evaluations_comparisons
    where choice is not null
),

opinions as (
    select judge, item_id, one, other, sign(avg(points) - 0.5) as better
    from votes
    group by judge, item_id, one, other
),

pairs as (
    select
        mine.judge,
        theirs.judge as other_judge,
        mine.better as mine,
        theirs.better as theirs
    from opinions as mine
    inner join opinions as theirs
        on mine.item_id = theirs.item_id and mine.one = theirs.one and mine.other = theirs.other
        and mine.judge < theirs.judge
)

select
    judge,
    other_judge,
    count(*) as items,
    avg((mine = theirs)::int) as agreement,
    avg((mine = -theirs and mine != 0)::int) as opposed
from pairs
group by judge, other_judge
order by judge, other_judge
