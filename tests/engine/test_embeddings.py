"""Textual inversions: their vectors stand where their word does, as if the text encoder's table had been longer."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sdstudio.domain.additions import AddedFile
from sdstudio.domain.engine_api import TokenCount
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.events import Failed, ImageReady
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, RefinerSpec
from sdstudio.engine.chunks import CHUNK_TOKENS
from sdstudio.engine.clip_tower import ClipTower
from sdstudio.engine.conditioning import Conditioner
from sdstudio.engine.devices import choose_device
from sdstudio.engine.embeddings import learnt_words, read_embedding
from sdstudio.engine.libraries import CLIPTextModel, CLIPTokenizer
from sdstudio.engine.load import read_model
from sdstudio.engine.tokens import ModelTokenCounter
from sdstudio.engine.words import LearntWords
from tests.engine.conftest import Run
from tests.helpers.lora_files import write_embedding
from tests.helpers.one_file import make_one_file
from tests.helpers.tiny_models import make_request
from tests.helpers.xl_models import FIRST_WIDTH, SECOND_WIDTH

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WIDTH = 32
FORMS = {
    "emb_params": "word.safetensors",
    "raw": "word.safetensors",
    "A1111": "word.pt",
    "tensor": "word.pt",
    "raw .bin": "word.bin",
}


@pytest.fixture(scope="module")
def encoder(tiny_model: Path) -> CLIPTextModel:
    choose_device(1)
    return CLIPTextModel.from_pretrained(tiny_model / "text_encoder").eval()


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(tiny_model / "tokenizer")


@pytest.fixture(scope="module")
def vectors() -> torch.Tensor:
    return torch.randn(3, WIDTH, generator=torch.Generator().manual_seed(4)) * 0.5


@pytest.fixture
def conditioner(encoder: CLIPTextModel, tokenizer: CLIPTokenizer, vectors: torch.Tensor) -> Conditioner:
    made = Conditioner(tokenizer, encoder, torch.float32)
    made.learn(LearntWords({"My-Style": [vectors]}))
    return made


def encode(conditioner: Conditioner, prompt: str, skip: int = 1) -> torch.Tensor:
    with torch.inference_mode():
        return conditioner.encode(PromptSpec(positive=prompt, clip_skip=skip), False)


def longer_table(
    encoder: CLIPTextModel, tokenizer: CLIPTokenizer, vectors: torch.Tensor, parts: list[str | None]
) -> torch.Tensor:
    """The stock way: a text encoder with more rows; None stands for the learnt word."""
    longer = copy.deepcopy(encoder)
    table = longer.get_input_embeddings()
    first = table.num_embeddings
    longer.resize_token_embeddings(first + len(vectors), mean_resizing=False)
    ids = [tokenizer.bos_token_id]
    for part in parts:
        new = list(range(first, first + len(vectors)))
        ids += new if part is None else tokenizer(part, add_special_tokens=False).input_ids
    ids += [tokenizer.eos_token_id]
    ids += [tokenizer.pad_token_id] * (77 - len(ids))
    with torch.inference_mode():
        longer.get_input_embeddings().weight[first:] = vectors
        return longer(torch.tensor([ids]))[0]


CASES: dict[str, list[str | None]] = {
    "a picture in my-style, red": ["a picture in", None, ", red"],
    "MY-STYLE": [None],
    "my-style my-style": [None, None],
    "my-style,my-style": [None, ",", None],
    "amy-style my-styles my-style2": ["amy-style my-styles my-style2"],
    "nothing learnt": ["nothing learnt"],
}


@pytest.mark.parametrize("prompt", CASES)
def test_a_word_is_its_vectors(
    prompt: str, conditioner: Conditioner, encoder: CLIPTextModel, tokenizer: CLIPTokenizer, vectors: torch.Tensor
) -> None:
    expected = longer_table(encoder, tokenizer, vectors, CASES[prompt])
    assert torch.equal(encode(conditioner, prompt), expected)


@pytest.mark.parametrize("prompt", [*CASES, "a " * (CHUNK_TOKENS - 2) + "my-style b"])
def test_the_token_counter_counts_it_as_it_is_encoded(
    prompt: str, encoder: CLIPTextModel, tokenizer: CLIPTokenizer, tiny_model: Path, vectors: torch.Tensor
) -> None:
    spec = ModelSpec(name="Tiny", path=str(tiny_model))
    counted = ModelTokenCounter().count(spec, prompt, {"My-Style": len(vectors)})
    chunks = ClipTower(tokenizer, encoder).chunks(prompt, LearntWords({"My-Style": [vectors]}))
    assert counted == TokenCount(used=sum(map(len, chunks)), room=CHUNK_TOKENS * len(chunks))


def test_weights_work_as_with_all_words(
    conditioner: Conditioner, encoder: CLIPTextModel, tokenizer: CLIPTokenizer, vectors: torch.Tensor
) -> None:
    hidden = longer_table(encoder, tokenizer, vectors, ["a", None, ", red"])
    weights = torch.ones(77)
    weights[2:5] = 1.3
    scaled = hidden * weights[None, :, None]
    expected = scaled * (hidden.mean() / scaled.mean())
    assert torch.equal(encode(conditioner, "a (my-style:1.3), red"), expected)


def test_a_word_is_never_split_over_chunks(conditioner: Conditioner) -> None:
    room = CHUNK_TOKENS - 2
    filled = "a " * room
    two = encode(conditioner, f"{filled} my-style b")
    assert two.shape[1] == 2 * 77
    assert torch.equal(two[:, 77:], encode(conditioner, "my-style b"))
    assert torch.equal(two[:, :77], encode(conditioner, filled))
    assert encode(conditioner, "a " * (room - 1) + "my-style").shape[1] == 77


def test_other_prompts_are_the_same_bit_for_bit(encoder: CLIPTextModel, tokenizer: CLIPTokenizer, vectors: Any) -> None:
    plain, taught = (Conditioner(tokenizer, encoder, torch.float32) for _ in range(2))
    taught.learn(LearntWords({"my-style": [vectors], "c": [vectors]}))
    for prompt in ("", "a (red:1.2) apple on my style", "cats, concrete", "x " * 200):
        assert torch.equal(encode(plain, prompt), encode(taught, prompt))
        assert torch.equal(encode(plain, prompt, 2), encode(taught, prompt, 2))


def test_of_two_words_the_longer_one_is_meant(conditioner: Conditioner, vectors: torch.Tensor) -> None:
    conditioner.learn(LearntWords({"art": [vectors[:1]], "art deco": [vectors[1:]]}))
    deco = encode(conditioner, "art  Deco")
    conditioner.learn(LearntWords({"x": [vectors[1:]]}))
    assert torch.equal(deco, encode(conditioner, "x"))


def test_tokenizer_and_text_encoder_stay_as_they_are(
    conditioner: Conditioner, encoder: CLIPTextModel, tokenizer: CLIPTokenizer
) -> None:
    before, words = {name: value.clone() for name, value in encoder.state_dict().items()}, len(tokenizer)
    encode(conditioner, "my-style")
    assert len(tokenizer) == words
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    assert not encoder.get_input_embeddings()._forward_hooks


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(form: str, count: int, tmp_path: Path) -> None:
    path = tmp_path / FORMS[form]
    (made,) = write_embedding(path, WIDTH, count, form=form.removesuffix(" .bin"))
    (read,) = read_embedding(path, "word")
    assert torch.equal(read, made)


# -- pictures ----------------------------------------------------------------------------------------------------------


def with_words(model: Path, *files: AddedFile, **changes: Any) -> GenerationRequest:
    return replace(make_request(model, **changes), embeddings=files)


def bits(events: list[Any]) -> bytes:
    pictures = [event.image for event in events if isinstance(event, ImageReady)]
    assert len(pictures) == 1, events[-1]
    return pictures[0].rgb.tobytes()


def test_a_picture_changes_by_its_word_alone(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    write_embedding(tmp_path / "x.safetensors", WIDTH, 3)
    file = AddedFile(name="sunny", path=str(tmp_path / "x.safetensors"))
    base = bits(run(make_request(tiny_model, positive="a sunny day")))
    learnt = bits(run(with_words(tiny_model, file, positive="a sunny day")))
    assert learnt != base
    assert bits(run(with_words(tiny_model, file, positive="a day"))) == bits(
        run(make_request(tiny_model, positive="a day"))
    )
    assert bits(run(make_request(tiny_model, positive="a sunny day"))) == base
    avoided = with_words(tiny_model, file, positive="a day", negative="sunny")
    assert bits(run(avoided)) != bits(run(replace(avoided, embeddings=())))
    write_embedding(tmp_path / "x.safetensors", WIDTH, 2, seed=3)
    assert bits(run(with_words(tiny_model, file, positive="a sunny day"))) not in (base, learnt)


def test_the_same_words_are_not_read_twice(run: Run, engine: Any, tiny_model: Path, tmp_path: Path) -> None:
    write_embedding(tmp_path / "x.safetensors", WIDTH)
    request = with_words(tiny_model, AddedFile(name="sunny", path=str(tmp_path / "x.safetensors")), positive="sunny")
    run(request)
    read: list[int] = []
    encoder = engine._models.get(request.model).conditioner.encoders[0]
    handle = encoder.register_forward_hook(lambda *_: read.append(1))
    run(request)
    assert not read
    run(replace(request, embeddings=()))
    assert read
    handle.remove()


def test_both_encoders_of_sdxl_get_their_own(tmp_path: Path) -> None:
    one = make_one_file(tmp_path / "xl", ModelFamily.SDXL)
    model = read_model(ModelSpec(name="XL", path=str(one.folder)), choose_device(1))
    widths = [int(encoder.config.hidden_size) for encoder in model.conditioner.encoders]
    path = tmp_path / "word.safetensors"
    pair = write_embedding(path, widths[0], 2, form="SDXL", second=widths[1])
    model.conditioner.learn(
        learnt_words(
            [(AddedFile(name="word", path=str(path)), read_embedding(path, "word"))], model.conditioner.encoders
        )
    )
    seen: list[torch.Tensor] = []
    handles = [
        module.register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
        for encoder in model.conditioner.encoders
        for name, module in encoder.named_modules()
        if name.endswith("layers.0.layer_norm1")
    ]
    request = make_request(one.folder, positive="a word here")
    with torch.inference_mode():
        model.conditioner.condition(request, False)
    for handle in handles:
        handle.remove()
    for encoder, states, vectors in zip(model.conditioner.encoders, seen, pair, strict=True):
        (places,) = (module for name, module in encoder.named_modules() if name.endswith("position_embedding"))
        assert torch.equal(states[0, 2:4], vectors + places.weight[2:4])


def test_the_refiner_knows_the_words_too(run: Run, engine: Any, tmp_path: Path) -> None:
    base, refiner = (make_one_file(tmp_path / one.name, one) for one in (ModelFamily.SDXL, ModelFamily.SDXL_REFINER))
    path = tmp_path / "word.safetensors"
    write_embedding(path, FIRST_WIDTH, 2, form="SDXL", second=SECOND_WIDTH)
    request = with_words(base.folder, AddedFile(name="word", path=str(path)), positive="a word")
    request = replace(request, refiner=RefinerSpec(model=refiner.folder_spec, begin=0.5))
    with_word = bits(run(request))
    text = engine._models.get(request.model).conditioner, engine._second._models.get(refiner.folder_spec).conditioner

    def read(one: Any) -> torch.Tensor:
        with torch.inference_mode():
            return one.condition(request, False).embeddings

    known = [read(one) for one in text]
    assert bits(run(replace(request, embeddings=()))) != with_word
    assert not any(torch.equal(read(one), before) for one, before in zip(text, known, strict=True))


# -- what is refused ---------------------------------------------------------------------------------------------------


def refusal(run: Run, model: Path, path: Path) -> Failed:
    end = run(with_words(model, AddedFile(name="word", path=str(path))))[-1]
    assert isinstance(end, Failed), end
    assert (end.field, bool(end.hint)) == ("embedding", True)
    return end


def test_strange_files_are_refused_in_words(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    def saved(name: str, data: Any) -> Path:
        torch.save(data, tmp_path / name)
        return tmp_path / name

    write_embedding(tmp_path / "wide.safetensors", 768)
    write_embedding(tmp_path / "pair.safetensors", 32, form="SDXL", second=48)
    write_embedding(tmp_path / "many.safetensors", WIDTH, CHUNK_TOKENS + 1)
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "wide.safetensors").read_bytes()[:-9])
    uneven = {"clip_l": torch.ones(1, 32), "clip_g": torch.ones(2, 48)}
    for path, words in (
        (
            tmp_path / "wide.safetensors",
            "is for SD 1.5: its vectors have 768 numbers, this model's text encoder reads 32",
        ),
        (tmp_path / "pair.safetensors", "is for SDXL: its vectors have 32 and 48 numbers"),
        (tmp_path / "many.safetensors", "it has 76 vectors, a prompt takes 75 at once"),
        (tmp_path / "cut.safetensors", "incomplete or damaged"),
        (tmp_path / "gone.pt", "it is not at"),
        (saved("none.pt", {}), "holds no embedding"),
        (saved("two.pt", {"a": torch.ones(1, 32), "b": torch.ones(1, 32)}), "holds no embedding"),
        (saved("deep.pt", {"emb_params": torch.ones(1, 1, 32)}), "holds no embedding"),
        (saved("whole.pt", {"emb_params": torch.ones(1, 32, dtype=torch.int64)}), "holds no embedding"),
        (saved("empty.pt", {"emb_params": torch.ones(0, 32)}), "holds no embedding"),
        (saved("nan.pt", {"emb_params": torch.full((1, 32), torch.nan)}), "no numbers"),
        (saved("uneven.pt", uneven), "more vectors for one text encoder"),
        (saved("global.pt", {"x": Path("/")}), "wants to do more"),
    ):
        assert words in refusal(run, tiny_model, path).message, path.name
    assert len({bits(run(make_request(tiny_model))) for _ in range(2)}) == 1


def test_sdxls_second_encoder_alone_is_the_refiners() -> None:
    """The published widths; the refiner has no first text encoder."""

    def encoder(width: int) -> Any:
        return type("Encoder", (), {"config": type("Config", (), {"hidden_size": width})()})()

    file, pair = AddedFile(name="word", path="x"), (torch.ones(1, 768), torch.ones(1, 1280))
    assert learnt_words([(file, pair)], [encoder(1280)])
    for encoders in ([encoder(768)], [encoder(1024)]):
        with pytest.raises(InvalidRequest, match="is for SDXL"):
            learnt_words([(file, pair)], encoders)
    with pytest.raises(InvalidRequest, match=r"is for SD 2: .* reads 768 and 1280"):
        learnt_words([(file, (torch.ones(1, 1024),))], [encoder(768), encoder(1280)])
