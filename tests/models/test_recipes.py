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


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('method = "dpo"\npacking = true', "are for dialogues"),
        ('method = "dpo"\n[preference]\nloss = "kto"', "`dpo` knows the losses sigmoid"),
        ('method = "sft"\n[tuner]\nkind = "ia3"\nstack = true', "only LoRA adapters"),
        ('method = "kto"\n[preference]\nsft = 0.5', "is for dpo"),
        ('method = "kto"\n[training]\nbatch = 1', "must be 2 or more"),
        ('method = "kto"\n[tuner]\nkind = "ia3"', "preferences are for LoRA"),
        ('method = "dpo"\n[tuner]\nstack = true', "cannot be its own reference"),
        ('[lora]\ninit = "pissa"', "needs a float base"),
        ('[lora]\ninit = "olora"\n[tuner]\nstack = true', "are not stacked"),
        ('method = "dpo"\n[lora]\ninit = "olora"', "`olora` is for sft and cpt"),
        (
            '[tuner]\nkind = "adaption_prompt"\n[training]\ngradient_checkpointing = true',
            "must be off",
        ),
    ],
)
def test_what_cannot_go_together_is_said(tmp_path, change, told):
    path = tmp_path / "mine.toml"
    path.write_text(change)

    with pytest.raises(RecipeError) as caught:
        recipes.load(path)

    assert told in str(caught.value)
    assert str(caught.value).startswith("Recipe `mine`: ")


@pytest.mark.parametrize(
    ("size", "dropout", "lr"),
    [("7b", 0.1, 2e-4), ("13b", 0.1, 2e-4), ("33b", 0.05, 1e-4), ("65b", 0.05, 1e-4)],
)
def test_guanaco_is_the_published_one(size, dropout, lr):
    """artidoro/qlora, scripts/finetune_guanaco_*.sh; dropout by the paper's appendix B."""
    recipe = recipes.load(f"guanaco_{size}")

    assert (recipe.lora.r, recipe.lora.alpha, recipe.lora.dropout) == (64, 16, dropout)
    assert (recipe.optimizer.lr, recipe.training.max_steps) == (lr, 1875)
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


@pytest.mark.parametrize(
    ("name", "lora", "lr", "rows_a_step", "max_length"),
    [
        ("saiga_7b", (16, 16, 0.05), 3e-4, 128, 2000),
        ("saiga_mistral_7b", (16, 16, 0.05), 3e-4, 128, 4096),
        ("saiga2_70b", (16, 16, 0.05), 3e-4, 128, 2048),
        ("saiga_llama3_8b", (32, 16, 0.0), 4e-4, 128, 8192),
        ("saiga_kto", (64, 16, 0.0), 6e-5, 64, 8192),
    ],
)
def test_saiga_is_the_published_one(name, lora, lr, rows_a_step, max_length):
    """IlyaGusev/rulm, self_instruct/configs; IlyaGusev/saiga, configs/models."""
    recipe = recipes.load(name)

    assert lora == (recipe.lora.r, recipe.lora.alpha, recipe.lora.dropout)
    assert (lr, max_length) == (recipe.optimizer.lr, recipe.max_length)
    assert rows_a_step == recipe.training.batch * recipe.training.accumulation


def test_every_recipe_says_where_its_values_come_from():
    for name in recipes.names():
        assert (recipes.FOLDER / f"{name}.toml").read_text().startswith("# "), name


def test_preferences_may_continue_what_the_default_recipe_trained():
    shapes = {recipes.load(n).lora for n in ("embedded", "embedded_dpo", "embedded_kto")}

    assert 1 == len(shapes)
