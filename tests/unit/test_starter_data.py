"""The data side of the starter model: its tables, its composer, and the words that the window is told."""

from __future__ import annotations

import colorsys
import json
import random
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sdstudio.storage.model_words import read_words

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "packaging" / "starter"))

import make_data  # noqa: E402
from compose import LARGE, SMALL, Composer, Picture, Recipe  # noqa: E402
from drawing import draw_pattern, turn_hue  # noqa: E402
from fetch import read_sources, wanted  # noqa: E402
from more_nouns import kind_of, name_of, plural_of  # noqa: E402
from pack_sprites import pack  # noqa: E402
from scenes import draw_scene  # noqa: E402
from sprites import BEST_STYLE, SpriteBook, code_points, fit, is_symmetric  # noqa: E402
from vocabulary import (  # noqa: E402
    ALL_NOUNS,
    COLOURS,
    FIRST_NOUNS,
    GROUNDS,
    HUES,
    NOUNS,
    SCENES,
    STYLES,
    all_phrases,
    with_article,
)
from words_for_app import FIRST_SCENES, app_words  # noqa: E402

SIDE = 32
FEW = ("apple", "cat", "scissors", "cheese", "ghost", "orange", "hourglass", "flower")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> SpriteBook:
    """A pack of discs, one for each of a few nouns in every style: red ones, and blue ones in the flat style."""
    folder = tmp_path_factory.mktemp("sprites")
    pictures = []
    for style in STYLES:
        path = folder / f"{style}.png"
        image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
        colour = (40, 90, 220, 255) if style == "flat" else (220, 30, 30, 255)
        ImageDraw.Draw(image).ellipse((10, 20, 50, 60), fill=colour)
        image.save(path)
        pictures += [(noun, style, path) for noun in FEW]
    pack(pictures, folder / "pack", 48, 80)
    return SpriteBook(folder / "pack")


def compose(book: SpriteBook, recipe: Recipe, count: int) -> list[Picture]:
    composer = Composer(book, {name: NOUNS[name] for name in FEW}, recipe, SIDE)
    return [composer.compose(random.Random(f"0/{number}")) for number in range(count)]


@pytest.fixture(scope="module")
def small_pictures(book: SpriteBook) -> list[Picture]:
    return compose(book, SMALL, 400)


@pytest.fixture(scope="module")
def large_pictures(book: SpriteBook) -> list[Picture]:
    return compose(book, LARGE, 600)


def test_the_table_is_in_order() -> None:
    assert len(FIRST_NOUNS) == 40 and FIRST_NOUNS[0] == "apple" and FIRST_NOUNS[-1] == "guitar"
    tiers = [noun.tier for noun in ALL_NOUNS.values()]
    assert tiers == sorted(tiers)
    assert tiers.count(1) >= 220
    assert {noun.kind for noun in ALL_NOUNS.values()} == {"one", "mass", "plural"}
    assert all(noun.plural for noun in NOUNS.values() if noun.kind == "one")


def test_no_word_of_the_table_names_two_things() -> None:
    words = [word for name, noun in ALL_NOUNS.items() for word in (name, *noun.synonyms)]
    assert sorted(word for word in set(words) if words.count(word) > 1) == []


def test_every_picture_of_the_table_is_used_once() -> None:
    emoji = [noun.emoji for noun in ALL_NOUNS.values()]
    assert len(emoji) == len(set(emoji))


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        ("apple", "an apple"),
        ("red apple", "a red apple"),
        ("orange cat", "an orange cat"),
        ("scissors", "scissors"),
        ("small red scissors", "small red scissors"),
        ("cheese", "cheese"),
        ("box of popcorn", "a box of popcorn"),
        ("unicorn", "a unicorn"),
        ("ufo", "a ufo"),
        ("umbrella", "an umbrella"),
        ("hourglass", "an hourglass"),
    ],
)
def test_articles(words: str, phrase: str) -> None:
    assert with_article(words) == phrase


@pytest.mark.parametrize(
    ("label", "group", "name", "kind", "plural"),
    [
        ("man: beard", 1, "man with beard", "one", ""),
        ("woman: bald", 1, "bald woman", "one", "bald women"),
        ("man’s shoe", 7, "man's shoe", "one", "man's shoes"),
        ("sun with face", 5, "sun with face", "one", ""),
        ("goggles", 7, "goggles", "plural", "goggleses"),
        ("Aries", 8, "aries", "mass", "arieses"),
        ("woman golfing", 1, "woman golfing", "one", "woman golfings"),
    ],
)
def test_names_from_labels(label: str, group: int, name: str, kind: str, plural: str) -> None:
    assert (name_of(label), kind_of(name_of(label), group)) == (name, kind)
    if kind == "one" and group != 1:
        assert plural_of(name) == plural


def test_the_same_generator_gives_the_same_picture(book: SpriteBook, large_pictures: list[Picture]) -> None:
    alone = Composer(book, {name: NOUNS[name] for name in FEW}, LARGE, SIDE).compose(random.Random("0/77"))
    assert alone.caption == large_pictures[77].caption
    assert alone.image.tobytes() == large_pictures[77].image.tobytes()


def test_small_pictures_are_said_rightly(small_pictures: list[Picture]) -> None:
    assert {picture.notes["layout"] for picture in small_pictures} == {"one", "two", "small"}
    for picture in small_pictures:
        assert len(picture.nouns) == picture.notes["count"] == len(picture.notes["colours"])
        names = [(name, *NOUNS[name].synonyms) for name in picture.nouns]
        assert all(any(word in picture.caption for word in words) for words in names), picture.caption
        assert all(colour in picture.caption for colour in picture.notes["colours"])
        assert "orange orange" not in picture.caption
        assert not re.search(r"\ba [aeio]|\ban [^aeiouh]", picture.caption), picture.caption


def test_two_things_lie_as_it_is_said(large_pictures: list[Picture]) -> None:
    pairs = [
        picture for picture in large_pictures if picture.notes["layout"] == "two" and "orange" not in picture.nouns
    ]
    turned = 0
    for picture in pairs:
        first, second = ((name, *NOUNS[name].synonyms) for name in picture.nouns)
        starts = [min(picture.caption.find(w) for w in words if w in picture.caption) for words in (first, second)]
        says_second_first = "to the right of" in picture.caption or "below" in picture.caption
        turned += says_second_first
        assert (starts[0] > starts[1]) == says_second_first, picture.caption
    assert 0 < turned < len(pairs)


def test_several_things_are_as_many_as_it_is_said(large_pictures: list[Picture]) -> None:
    several = [picture for picture in large_pictures if picture.notes["layout"] == "several"]
    assert several
    for picture in several:
        number = {"two": 2, "three": 3, "four": 4}[picture.caption.split()[0]]
        assert number == len(picture.nouns) == picture.notes["count"]
        assert NOUNS[picture.nouns[0]].plural in picture.caption


def test_a_picture_without_a_style_word_is_in_the_best_style(large_pictures: list[Picture]) -> None:
    seen = set()
    for picture in large_pictures:
        if not picture.nouns:
            continue
        style = str(picture.notes["style"])
        seen.add(style)
        assert style == BEST_STYLE or any(picture.caption.endswith(words) for words in STYLES[style])
    assert seen == set(STYLES)


def test_own_colours_are_not_named_where_another_style_has_others(large_pictures: list[Picture]) -> None:
    flat = [p for p in large_pictures if p.notes["style"] == "flat" and p.nouns == ["ghost"]]
    assert flat
    assert all(picture.notes["colours"] == [""] for picture in flat)


@pytest.mark.parametrize(("recipe", "pictures"), [(SMALL, "small_pictures"), (LARGE, "large_pictures")])
def test_the_window_is_told_every_word_of_the_captions(
    recipe: Recipe, pictures: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    styles = tuple(STYLES) if recipe.rich else (BEST_STYLE,)
    table = app_words({name: NOUNS[name] for name in FEW}, recipe, recipe.scenes, styles)
    (tmp_path / "words.json").write_text(json.dumps(table), "utf-8")
    words = read_words(tmp_path)
    assert words is not None
    for picture in request.getfixturevalue(pictures):
        assert words.unknown(picture.caption) == (), picture.caption
    assert "samurai" in words.unknown("a samurai")


def test_the_window_is_not_told_words_that_no_caption_has() -> None:
    table = app_words({"apple": NOUNS["apple"]}, SMALL, SMALL.scenes, (BEST_STYLE,))
    assert table["nouns"][0]["plural"] == ""
    assert not {"two", "above", "stripes", "big"} & set(table["other"])


def test_the_shipped_table_is_of_known_nouns() -> None:
    words = read_words(ROOT / "resources/models/starter")
    assert words is not None
    assert {noun.name for noun in words.nouns} <= set(ALL_NOUNS)
    assert words.unknown("a small red apple next to a cat on a light blue background, 3d style") == ()
    assert set(FIRST_SCENES) < set(SMALL.scenes)


@pytest.mark.parametrize("colour", HUES)
def test_paint_has_the_hue_of_its_name(colour: str) -> None:
    pixels = np.full((16, 16, 4), (200, 40, 40, 255), np.uint8)
    pixels[:8] = (90, 90, 90, 255)
    painted = turn_hue(pixels, 0, COLOURS[colour])
    hue = colorsys.rgb_to_hsv(*painted[12, 12, :3] / 255)[0] * 360
    assert abs((hue - HUES[colour] + 180) % 360 - 180) <= 3
    assert (painted[:8] == pixels[:8]).all()


def test_scenes_and_patterns_fill_the_picture() -> None:
    for name in SCENES:
        image, level = draw_scene(random.Random(1), name, SIDE)
        assert image.size == (SIDE, SIDE) and 0 < level <= 1
        assert len(np.unique(np.asarray(image).reshape(-1, 3), axis=0)) > 3
    for kind in ("stripes", "dots", "checks"):
        image = draw_pattern(random.Random(1), kind, SIDE, GROUNDS["white"], GROUNDS["red"])
        share = (np.asarray(image)[..., 1] < 150).mean()
        assert 0.1 < share < 0.7


def test_pictures_are_cropped_and_their_symmetry_is_seen() -> None:
    image = Image.new("RGBA", (80, 80), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((30, 10, 49, 49), fill=(200, 20, 20, 255))
    square = fit(image, 40)
    assert square.size == (40, 40)
    assert np.asarray(square)[..., 3].any(0).nonzero()[0].tolist() == list(range(10, 30))
    assert is_symmetric(square)
    ImageDraw.Draw(square).rectangle((10, 0, 19, 39), fill=(20, 20, 200, 255))
    assert not is_symmetric(square)
    assert code_points("2764-FE0F") == code_points("02764") == "2764"


def test_data_goes_on_where_it_was_stopped(book: SpriteBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_data, "CHUNK", 3)
    monkeypatch.setattr(make_data, "_composer", [Composer(book, {name: NOUNS[name] for name in FEW}, SMALL, SIDE)])
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert list(make_data.write_all(whole, 8, SIDE, 5, 0, 1)) == [3, 6, 8]
    stopped = make_data.write_all(broken, 8, SIDE, 5, 0, 1)
    next(stopped)
    stopped.close()
    assert len(list(make_data.notes_folder(broken).glob("*.json"))) == 1
    assert list(make_data.write_all(broken, 8, SIDE, 5, 0, 1)) == [3, 6, 8]
    for out in (whole, broken):
        make_data.gather(out)
        assert make_data.is_complete(out, 8)
    assert (np.load(f"{whole}.npy") == np.load(f"{broken}.npy")).all()
    assert Path(f"{whole}.meta.json").read_text() == Path(f"{broken}.meta.json").read_text()
    with pytest.raises(ValueError, match="another number or size"):
        list(make_data.write_all(whole, 9, SIDE, 5, 0, 1))


def test_sets_that_ask_for_credit_are_fetched_only_when_asked_for() -> None:
    sources = read_sources()
    assert all(re.fullmatch(r"[0-9a-f]{128}", source.sha512) for source in sources)
    assert {source.style for source in sources if source.needs_credit} == {"simple", "cartoon", "outline"}
    assert not any(source.needs_credit for source in wanted(sources, small=False, cc_by=False))
    assert [source.package for source in wanted(sources, small=True, cc_by=False)] == [
        "@lobehub/fluent-emoji-3d",
        "emojibase-data",
    ]
    assert wanted(sources, small=False, cc_by=True) == sources


def test_the_tokenizer_is_taught_every_noun() -> None:
    phrases = set(all_phrases())
    assert set(NOUNS) <= phrases
    assert {noun.plural for noun in NOUNS.values() if noun.plural} <= phrases
