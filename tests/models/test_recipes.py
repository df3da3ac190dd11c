"""Recipes are typed, complete, and named by their content."""

import pytest

from lake.errors import RecipeError
from models import recipes


@pytest.mark.parametrize("name", recipes.names())
def test_every_shipped_recipe_loads_and_survives_a_round_trip(name):
    recipe = recipes.load(name)

    assert recipe == recipes.parse(recipe.model_dump(mode="json"))


def test_a_name_is_no_part_of_the_id(tmp_path):
    copy = tmp_path / "another.toml"
    copy.write_bytes((recipes.FOLDER / "quick.toml").read_bytes())

    assert recipes.load("quick").recipe_id == recipes.load(copy).recipe_id


def test_a_changed_value_is_another_recipe(tmp_path):
    changed = tmp_path / "quick.toml"
    changed.write_text((recipes.FOLDER / "quick.toml").read_text() + "[quantization]\nkind='none'")

    assert recipes.load("quick").recipe_id != recipes.load(changed).recipe_id


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[lora]\nrank = 3", "unknown key `rank`"),
        ("[optimiser]\nlr = 1e-3", "Did you mean `optimizer`?"),
        ("[optimizer]\nlr = -1.0", "`optimizer.lr` = -1.0"),
        ("lora = 3", "must be a table"),
        ("seed = [", "is not TOML"),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(tmp_path, text, told):
    path = tmp_path / "mine.toml"
    path.write_text(text)

    with pytest.raises(RecipeError) as caught:
        recipes.load(path)

    assert told in str(caught.value)
    assert caught.value.hint


def test_an_unknown_recipe_brings_the_nearest_name():
    with pytest.raises(RecipeError, match="Did you mean `embedded`"):
        recipes.load("embeded")


def test_guanaco_is_the_published_one():
    """artidoro/qlora, scripts/finetune_guanaco_7b.sh."""
    recipe = recipes.load("guanaco_7b")

    assert (recipe.lora.r, recipe.lora.alpha, recipe.lora.dropout) == (64, 16, 0.1)
    assert (recipe.optimizer.lr, recipe.training.max_steps) == (2e-4, 1875)
    assert recipe.training.batch * recipe.training.accumulation == 16


def test_a_share_of_any_source_can_be_asked_for(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[mixture.sources]\nsharegpt = 0.5\noasst = 1\n")

    assert {"sharegpt": 0.5, "oasst": 1.0} == recipes.load(path).mixture.sources


def test_a_share_is_no_count(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[mixture.sources]\nsharegpt = 30\n")

    with pytest.raises(RecipeError, match=r"`mixture.sources.sharegpt` = 30"):
        recipes.load(path)


def test_a_budget_is_part_of_the_id(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[budget]\nmax_depth = 1\n")
    plain = tmp_path / "plain.toml"
    plain.write_text("")

    assert recipes.load(path).recipe_id != recipes.load(plain).recipe_id
