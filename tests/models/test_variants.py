"""Variants in brackets: what they parse to, and what they say when something is off."""

from __future__ import annotations

import pytest

from netpick.errors import RequestError
from netpick.models.networks.tabular_mlp import TabularMlpSettings
from netpick.models.networks.variants import Variant, apply, parse_models, parse_recipe
from netpick.training.optimizers import following_optimizer
from netpick.training.words import require_known
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe

TABLE: Inputs = {"vector": InputSpec(form="vector", shape=(4,))}


def one(text: str) -> Variant:
    (variant,) = parse_models(text, TABLE)
    return variant


def test_families_alone_set_nothing() -> None:
    assert parse_models("mlp, transformer", TABLE) == [
        Variant(family="mlp", text="mlp"),
        Variant(family="transformer", text="transformer"),
    ]


def test_one_bracket_sets_the_architecture_and_the_recipe() -> None:
    variant = one("mlp[width=32, activation=sigmoid, residual=true, dropout=0.5, optimizer=sgd, learning_rate=1e-2]")
    assert variant.settings == {"width": 32, "activation": "sigmoid", "residual": True, "dropout": 0.5}
    assert variant.recipe == {"optimizer": "sgd", "learning_rate": 0.01}
    assert all(type(value) is not str for name, value in variant.settings.items() if name != "activation")


def test_commas_inside_brackets_do_not_split_the_list() -> None:
    texts = [variant.text for variant in parse_models("mlp[width=8,layers=1],transformer,mlp[norm=layer]", TABLE)]
    assert texts == ["mlp[width=8,layers=1]", "transformer", "mlp[norm=layer]"]


@pytest.mark.parametrize("text", ["augment=flip+shift", "augment=flip|shift", "augment= flip + shift "])
def test_lists_are_joined_by_plus_or_bar(text: str) -> None:
    assert parse_recipe(text) == {"augment": ("flip", "shift")}
    assert parse_recipe("augment=none") == {"augment": ()}


def test_a_network_may_stand_in_the_bracket() -> None:
    variant = one("layers[dense 8 relu, residual(dense 8 relu, dense 8), optimizer=sgd, batch_size=4]")
    assert variant.settings == {"spec": "dense 8 relu, residual(dense 8 relu, dense 8)"}
    assert variant.recipe == {"optimizer": "sgd", "batch_size": 4}


def test_apply_replaces_fields_and_keeps_the_rest() -> None:
    settings = apply(TabularMlpSettings(width=7), {"layers": 3})
    assert settings == TabularMlpSettings(width=7, layers=3)
    assert apply(Recipe(), one("mlp[clip=0]").recipe).clip == 0.0


def test_a_family_that_the_data_lack_is_left_to_the_candidates() -> None:
    assert one("layers").family == "layers"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mpl", "There is no model family 'mpl' (in --models mpl). Did you mean mlp? Known: "),
        ("mlp[widht=3]", "There is no setting 'widht' (in mlp[widht=3]). Did you mean width"),
        ("mlp[width=wide]", "Setting 'width' is 'wide' (in mlp[width=wide]), but: input should be a valid integer."),
        ("mlp[width=0]", "Setting 'width' is '0' (in mlp[width=0]), but: input should be greater than or equal to 1."),
        ("mlp[dropout=1]", "Setting 'dropout' is '1' (in mlp[dropout=1]), but: input should be less than 1."),
        (
            "mlp[activation=rellu]",
            "Setting 'activation' cannot be 'rellu' (in mlp[activation=rellu]). Did you mean relu",
        ),
        ("mlp[width]", "'width' (in mlp[width]) sets nothing. Write name=value, for example learning_rate=0.01."),
        ("mlp[width=3", "The brackets of 'mlp[width=3' do not match."),
        ("mlp]", "The brackets of 'mlp]' do not match."),
        ("mlp[width=3]x", "'mlp[width=3]x' opens a bracket that does not end with it."),
        (" ", "--models is empty, but needs at least one family."),
    ],
)
def test_messages_say_what_is_known(text: str, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_models(text, TABLE)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mlp[optimizer=adamm]", "Setting 'optimizer' cannot be 'adamm' (in mlp[optimizer=adamm]). Did you mean adam"),
        (
            "mlp[augment=flip+shfit]",
            "Setting 'augment' cannot be 'shfit' (in mlp[augment=flip+shfit]). Did you mean shift?",
        ),
    ],
)
def test_words_of_a_recipe_that_no_table_has_are_refused(text: str, message: str) -> None:
    (variant,) = parse_models(text, TABLE)
    with pytest.raises(RequestError) as caught:
        require_known(variant.recipe, text)
    assert str(caught.value).startswith(message)


def test_apply_is_strict() -> None:
    with pytest.raises(RequestError, match=r"There is no setting 'cell' here \(in rnn\)\. Known: activation"):
        apply(TabularMlpSettings(), {"cell": "gru"}, "rnn")
    with pytest.raises(RequestError, match="Setting 'width' is '8', but: input should be a valid integer"):
        apply(TabularMlpSettings(), {"width": "8"})


PRESET = Recipe(learning_rate=8e-3, weight_decay=0.05, schedule="onecycle", clip=0.5)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_the_optimizer_of_a_textbook_brings_no_decay_made_for_adamw(optimizer: str) -> None:
    recipe = apply(PRESET, {"optimizer": optimizer, **following_optimizer(PRESET, {"optimizer": optimizer})})
    assert recipe.weight_decay == 0.0
    assert (recipe.schedule, recipe.clip) == ("onecycle", 0.5)
    assert recipe.momentum == (0.0 if optimizer == "rmsprop" else 0.9)
    # Momentum adds up some ten gradients, so sgd's rate is no rate for rmsprop.
    assert (recipe.learning_rate > PRESET.learning_rate) == (optimizer == "sgd")


def test_muon_keeps_the_decay_of_a_step() -> None:
    following = following_optimizer(PRESET, {"optimizer": "muon"})
    before = PRESET.learning_rate * PRESET.weight_decay
    assert following["learning_rate"] * following["weight_decay"] == pytest.approx(before)


def test_a_preset_for_muon_gives_textbook_optimizers_their_own_rates() -> None:
    muon = apply(PRESET, {"optimizer": "muon", **following_optimizer(PRESET, {"optimizer": "muon"})})
    for optimizer in ("adam", "sgd", "rmsprop"):
        asked = {"optimizer": optimizer}
        assert following_optimizer(muon, asked) == pytest.approx(following_optimizer(PRESET, asked))


def test_what_was_asked_for_does_not_follow_from_the_optimizer() -> None:
    asked = {"optimizer": "rmsprop", "learning_rate": 1e-3, "momentum": 0.5, "weight_decay": 0.01}
    assert following_optimizer(PRESET, asked) == {}
    assert following_optimizer(PRESET, {"learning_rate": 1e-3}) == {}
    assert following_optimizer(PRESET, {"optimizer": "adamw"}) == {}
