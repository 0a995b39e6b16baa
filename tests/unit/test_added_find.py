"""Which file a name means, and whether it fits the model."""

from __future__ import annotations

import pytest

from sdstudio.domain.added_find import (
    find_added,
    has_hash,
    misfit,
    names_word,
    nearest_name,
    prompt_embeddings,
    prompt_loras,
    usable,
)
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.model_file import FileHashes, ModelFamily, ModelFile, ModelRole, SideCar, Verdict

F, R = ModelFamily, ModelRole


def lora(name: str, family: ModelFamily | None = F.SD1, folder: str = "/loras", **more: object) -> ModelFile:
    return ModelFile(
        path=f"{folder}/{name}.safetensors",
        name=name,
        role=R.LORA,
        family=family,
        what="a LoRA",
        **more,  # type: ignore[arg-type]
    )


INK = lora(
    "ink_v2", alias="inkmaster", side_car=SideCar(title="Ink & Brush"), hashes=FileHashes("0123456789" + "ab" * 27)
)
GLOW, GLOW_XL = lora("glow"), lora("glow", F.SDXL, "/xl")
FILES = (INK, GLOW_XL, GLOW, lora("pastel", F.SD2))


@pytest.mark.parametrize(
    "name", ["ink_v2", "INK_V2", "styles/ink_v2", "a\\b\\ink_v2.safetensors", "ink & brush", "InkMaster"]
)
def test_a_lora_is_found_by_file_title_and_trained_name(name: str) -> None:
    assert find_added(name, FILES, R.LORA, F.SD1) is INK


def test_a_file_is_found_by_its_hash_first() -> None:
    assert find_added("glow", FILES, R.LORA, F.SD1, "0123456789AB") is INK
    assert find_added("glow", FILES, R.LORA, F.SD1, "ffffffffff") is GLOW
    assert has_hash(INK, "sha256:0123456789") and not has_hash(INK, "01234") and not has_hash(GLOW, "0123456789")


def test_a_lora_is_found_by_the_hash_of_its_weights_alone() -> None:
    """As A1111 writes it beside the picture; and by what the file says of itself, before anything is computed."""
    weights = lora("new name", hashes=FileHashes("ab" * 32, weights="cd" * 32))
    told = lora("other name", told_hash="ef" * 32)
    for digest, file in (("cdcdcdcdcdcd", weights), ("ababababab", weights), ("EFEFEFEFEFEF", told)):
        assert find_added("old name", (told, weights), R.LORA, F.SD1, digest) is file
    assert find_added("old name", (told, weights), R.LORA, F.SD1, "0123456789ab") is None
    assert not has_hash(told, "") and not has_hash(lora("x"), "efefefefefef")


def test_of_one_name_the_file_that_fits_is_meant() -> None:
    assert find_added("glow", FILES, R.LORA, F.SD1) is GLOW
    assert find_added("glow", FILES, R.LORA, F.SDXL_INPAINTING) is GLOW_XL
    assert find_added("glow", FILES, R.LORA, F.SD2) is GLOW_XL
    assert find_added("nothing", FILES, R.LORA, F.SD1) is None
    assert find_added("ink_v2", FILES, R.VAE, F.SD1) is None


@pytest.mark.parametrize(
    ("of", "model", "fits"),
    [
        (F.SD1, F.SD1, True),
        (F.SD1, F.SD1_INPAINTING, True),
        (F.SD1, F.PIX2PIX, True),
        (F.SD2, F.SD2_V, True),
        (F.SD2, F.UNCLIP_H, True),
        (F.SD2, F.X4_UPSCALER, False),
        (F.SDXL, F.SDXL_REFINER, False),
        (F.SDXL, F.SD1, False),
        (F.SD1, None, False),
        (None, F.SDXL, True),
        (None, None, True),
    ],
)
def test_loras_fit_their_family_and_its_relatives(
    of: ModelFamily | None, model: ModelFamily | None, fits: bool
) -> None:
    assert (misfit(lora("x", of), R.LORA, model) == "") is fits


def test_a_misfit_is_told_in_words() -> None:
    assert misfit(GLOW_XL, R.LORA, F.SD1) == "is for SDXL, and this model is SD 1.x"
    broken = lora("x", verdict=Verdict.BROKEN, reason="truncated: 3 of 5 bytes")
    assert misfit(broken, R.LORA, F.SD1) == "cannot be used: truncated: 3 of 5 bytes"
    vae = ModelFile(path="/v", name="v", role=R.VAE, what="a VAE")
    assert misfit(vae, R.LORA, F.SD1) == "is a VAE, not a LoRA"
    assert misfit(vae, R.VAE, F.SD2) == "" and misfit(vae, R.VAE, F.SDXL) == ""
    assert misfit(vae, R.VAE, F.X4_UPSCALER) and misfit(vae, R.VAE, None)


def test_embeddings_fit_the_text_encoder() -> None:
    word = ModelFile(path="/e", name="e", role=R.TEXTUAL_INVERSION, family=F.SD2, what="a textual inversion")
    assert misfit(word, R.TEXTUAL_INVERSION, F.X4_UPSCALER) == ""
    assert misfit(word, R.TEXTUAL_INVERSION, F.SD1) != ""


def test_only_what_fits_is_offered() -> None:
    assert usable(FILES, R.LORA, F.SD1) == (INK, GLOW)
    assert usable(FILES, R.LORA, None) == ()


@pytest.mark.parametrize(
    ("name", "nearest"), [("inkv2", "ink_v2"), ("glo", "glow"), ("glwo", "glow"), ("zebra", ""), ("", "")]
)
def test_the_nearest_name(name: str, nearest: str) -> None:
    assert nearest_name(name, FILES) == nearest


def test_a_prompt_names_its_loras() -> None:
    first, second = prompt_loras("<lora:glow:0.5> a cat <lora:Ink & Brush:0.2:0.8>", FILES, F.SD1)
    assert (first.name, first.path, first.weight, first.text_weight) == ("glow", GLOW.path, 0.5, None)
    assert (second.name, second.hash, second.weight, second.text_weight) == ("ink_v2", "0123456789", 0.8, 0.2)
    assert prompt_loras("a cat", FILES, F.SD1) == ()


def test_the_last_tag_of_a_lora_counts() -> None:
    (found,) = prompt_loras("<lora:ink_v2:0.5> <lora:inkmaster:0.7>", FILES, F.SD1)
    assert found.weight == 0.7


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("<lora:gloe>", "There is no LoRA “gloe”; the nearest name is “glow”."),
        ("<lora:zebra>", "There is no LoRA “zebra” for this model."),
        ("<lora:pastel>", "The LoRA “pastel” is for SD 2.x, and this model is SD 1.x. Take it out of the prompt."),
        ("<lora:glow:much>", "“much” is not a weight"),
    ],
)
def test_a_lora_that_cannot_be_is_an_error_of_the_prompt(prompt: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        prompt_loras(prompt, FILES, F.SD1)
    assert error.value.field == "prompt" and words in str(error.value)


def test_embeddings_are_words_of_either_prompt() -> None:
    def word(name: str, family: ModelFamily = F.SD1) -> ModelFile:
        return ModelFile(
            path=f"/{family.name}/{name}",
            name=name,
            role=R.TEXTUAL_INVERSION,
            family=family,
            what="a textual inversion",
        )

    files = (word("bad-hands"), word("goodlight"), word("goodlight", F.SDXL), word("hands"), INK)
    found = prompt_embeddings(("a cat, (GoodLight:1.2)", "bad-hands, blurry"), files, F.SD1)
    assert [(file.name, file.path) for file in found] == [
        ("bad-hands", "/SD1/bad-hands"),
        ("goodlight", "/SD1/goodlight"),
    ]
    assert prompt_embeddings(("goodlight",), files, F.SDXL)[0].path == "/SDXL/goodlight"
    assert prompt_embeddings(("goodlights <lora:hands:1>",), files, F.SD1) == ()


def test_a_word_stands_for_itself() -> None:
    assert names_word("a Bad-Hands.", "bad-hands") and names_word("x,(y)", "y")
    assert not names_word("bad-hands-5", "bad-hands") and not names_word("my_y", "y")
