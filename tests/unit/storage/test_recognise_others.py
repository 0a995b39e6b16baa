"""Parts, LoRAs, embeddings, and everything else, which is called what it is; side-car files; links."""

# One row a model reads better than one of a dozen lines.
# ruff: noqa: E501

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sdstudio.domain.model_file import ModelFamily, ModelRole, Verdict
from sdstudio.storage.recognise.recogniser import recognise
from tests.helpers import model_families as families
from tests.helpers.model_files import pickled, table, tensor, write_archive, write_checkpoint, write_safetensors
from tests.helpers.model_shapes import Shapes, clip_text, open_clip_text, under, unet, vae

F, R = ModelFamily, ModelRole
KINDS = ["kohya", "kohya DoRA", "diffusers", "old diffusers", "LoHa", "LoKr"]


def written(tmp_path: Path, shapes: Shapes, **more: object) -> Path:
    return write_safetensors(tmp_path / "thing.safetensors", shapes, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("context", "family"), [(768, F.SD1), (1024, F.SD2), (2048, F.SDXL)])
def test_loras_know_what_they_are_for(tmp_path: Path, kind: str, context: int, family: ModelFamily) -> None:
    found = recognise(written(tmp_path, families.lora(context, kind=kind)))
    assert (found.role, found.family, found.refused) == (R.LORA, family, False)
    assert found.kind == {"kohya DoRA": "kohya, DoRA", "old diffusers": "diffusers"}.get(kind, kind)
    assert found.what == f"a LoRA for {family.value} ({found.kind})" and not found.draws


def test_a_lora_of_the_text_encoder_alone(tmp_path: Path) -> None:
    name = "lora_te_text_model_encoder_layers_0_self_attn_q_proj"
    shapes: Shapes = {f"{name}.lora_down.weight": (4, 768), f"{name}.lora_up.weight": (768, 4)}
    assert recognise(written(tmp_path, shapes)).family is F.SD1
    two = {key.replace("lora_te_", "lora_te2_"): shape for key, shape in shapes.items()}
    assert recognise(written(tmp_path, two)).family is F.SDXL


def test_a_lora_without_attention_is_told_by_its_metadata(tmp_path: Path) -> None:
    shapes: Shapes = {"lora_unet_x.lora_down.weight": (4, 320), "lora_unet_x.lora_up.weight": (320, 4)}
    assert recognise(written(tmp_path, shapes)).family is None
    told = {"ss_base_model_version": "sdxl_base_v1-0"}
    assert recognise(written(tmp_path, shapes, metadata=told)).family is F.SDXL
    flux = recognise(written(tmp_path, shapes, metadata={"modelspec.architecture": "Flux.1-dev/lora"}))
    assert (flux.role, flux.reason) == (R.LORA, "a LoRA for Flux: not supported")


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("lora_unet_double_blocks_0_img_attn_proj", "Flux"),
        ("transformer.single_transformer_blocks.0.attn.to_q", "Flux"),
        ("lora_unet_joint_blocks_0_x_block_attn_qkv", "SD 3"),
        ("diffusion_model.blocks.0.cross_attn.k", "Wan"),
    ],
)
def test_loras_for_other_models_are_named(tmp_path: Path, name: str, base: str) -> None:
    down, up = ("lora_down", "lora_up") if name.startswith("lora_unet") else ("lora_A", "lora_B")
    shapes: Shapes = {f"{name}.{down}.weight": (4, 64), f"{name}.{up}.weight": (64, 4)}
    found = recognise(written(tmp_path, shapes))
    assert (found.verdict, found.reason) == (Verdict.UNSUPPORTED, f"a LoRA for {base}: not supported")


@pytest.mark.parametrize(("width", "family"), [(768, F.SD1), (1024, F.SD2)])
def test_textual_inversions(tmp_path: Path, width: int, family: ModelFamily) -> None:
    new = recognise(written(tmp_path, {"emb_params": (3, width)}))
    assert (new.role, new.family, new.what) == (
        R.TEXTUAL_INVERSION,
        family,
        f"a textual inversion for {family.value} (3 vectors)",
    )
    diffusers = recognise(written(tmp_path, {"<my-cat>": (width,)}))
    assert (diffusers.role, diffusers.kind) == (R.TEXTUAL_INVERSION, "diffusers")
    assert (new.vectors, diffusers.vectors) == (3, 1)
    vector = tensor("0", 2 * width, (2, width), (width, 1), "F32")
    old = write_archive(
        tmp_path / "old.pt", pickled(table({"string_to_param": table({"*": vector})})), {"0": bytes(8 * width)}
    )
    found = recognise(old)
    assert (found.role, found.family, found.layout, found.vectors) == (R.TEXTUAL_INVERSION, family, "pickle", 2)


def test_a_textual_inversion_for_sdxl(tmp_path: Path) -> None:
    found = recognise(written(tmp_path, {"clip_l": (2, 768), "clip_g": (2, 1280)}))
    assert (found.role, found.family, found.vectors) == (R.TEXTUAL_INVERSION, F.SDXL, 2)


TAESD_DECODER: Shapes = {"1.weight": (64, 4, 3, 3), "3.conv.0.weight": (64, 64, 3, 3)}
TAESD_ENCODER: Shapes = {"0.weight": (64, 3, 3, 3), "1.conv.0.weight": (64, 64, 3, 3), "14.weight": (4, 64, 3, 3)}
UNET: Shapes = {
    "conv_in.weight": (320, 4, 3, 3),
    "time_embedding.linear_1.weight": (1280, 320),
    "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": (320, 768),
}
PARTS = [
    (vae(), R.VAE, None),
    (under("first_stage_model.", vae()), R.VAE, None),
    ({"decoder.conv_in.weight": (512, 4, 3, 3), "encoder.conv_in.weight": (128, 3, 3, 3), "decoder.up_blocks.0.x": (1,)}, R.VAE, None),
    (clip_text(), R.TEXT_ENCODER, F.SD1),
    (open_clip_text(), R.TEXT_ENCODER, F.SD2),
    (clip_text(1280, 2), R.TEXT_ENCODER, F.SDXL),
    (TAESD_DECODER, R.TAESD, None),
    (TAESD_ENCODER, R.TAESD, None),
    ({"encoder.layers.14.weight": (4, 64, 3, 3), "decoder.layers.0.weight": (64, 4, 3, 3)}, R.TAESD, None),
    (UNET, R.UNET, F.SD1),
    ({"model.0.weight": (64, 3, 3, 3), "model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)}, R.UPSCALER, None),
    ({"conv_first.weight": (64, 3, 3, 3), "body.0.rdb1.conv1.weight": (32, 64, 3, 3)}, R.UPSCALER, None),
    ({"body.0.weight": (64, 3, 3, 3), "body.1.weight": (64,)}, R.UPSCALER, None),
]  # fmt: skip


@pytest.mark.parametrize(("shapes", "role", "family"), PARTS)
def test_parts(tmp_path: Path, shapes: Shapes, role: ModelRole, family: ModelFamily | None) -> None:
    found = recognise(written(tmp_path, shapes))
    assert (found.role, found.family, found.refused, found.draws) == (role, family, False, False), found.reason


def test_the_vae_of_sdxl_has_only_its_name(tmp_path: Path) -> None:
    assert recognise(write_safetensors(tmp_path / "sdxl_vae.safetensors", vae())).family is F.SDXL


def test_an_upscaler_of_an_old_program(tmp_path: Path) -> None:
    weights = tensor("0", 1, (64, 3, 3, 3), (0, 0, 0, 0), "F32")
    state = table({"params_ema": table({"conv_first.weight": weights, "body.0.rdb1.conv1.weight": weights})})
    found = recognise(write_archive(tmp_path / "x4.pth", pickled(state), {"0": bytes(4)}))
    assert (found.role, found.kind, found.layout) == (R.UPSCALER, "ESRGAN", "pickle")


CONTROL: Shapes = {**UNET, "controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3)}


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (families.control(unet(4, 768, linear=False)), "a ControlNet for SD 1.x: not usable yet"),
        (families.control(unet(4, 1024)), "a ControlNet for SD 2.x: not usable yet"),
        (CONTROL, "a ControlNet for SD 1.x: not usable yet"),
        ({"adapter.body.0.in_conv.weight": (320, 64, 1, 1)}, "a T2I-Adapter: not usable yet"),
        ({"lora_controlnet": (1,), "input_hint_block.0.weight": (16, 3, 3, 3)}, "a ControlNet: not usable yet"),
    ],
)
def test_controlnets_are_not_usable_yet(tmp_path: Path, shapes: Shapes, words: str) -> None:
    found = recognise(written(tmp_path, shapes))
    assert (found.role, found.reason, found.verdict) == (R.CONTROLNET, words, Verdict.UNSUPPORTED)


XL_UNET = {"added": 2816, "mult": (1, 2, 4), "middle": 4}
OTHERS: list[tuple[Shapes, str]] = [
    ({"double_blocks.0.img_attn.norm.key_norm.scale": (1,)}, "Flux"),
    ({"model.diffusion_model.double_blocks.0.img_attn.norm.key_norm.scale": (1,)}, "Flux"),
    ({"distilled_guidance_layer.layers.0.in_layer.weight": (1,), "double_blocks.0.img_attn.qkv.weight": (1,)}, "Chroma"),
    ({"model.diffusion_model.joint_blocks.0.context_block.attn.qkv.weight": (1,)}, "SD 3"),
    ({"head.modulation": (1,), "blocks.0.cross_attn.k.weight": (1,)}, "Wan"),
    ({"model.diffusion_model.effnet_mapper.0.weight": (1,)}, "Stable Cascade"),
    ({"shared.weight": (1,), "encoder.block.0.layer.0.SelfAttention.q.weight": (1,)}, "a T5 text encoder"),
    ({"model.layers.0.self_attn.q_proj.weight": (1,)}, "a language model"),
    ({"vision_model.encoder.layers.0.x": (1,)}, "an image encoder (CLIP vision)"),
    ({"image_proj.proj.weight": (1,), "ip_adapter.1.to_k_ip.weight": (1,)}, "an IP-Adapter"),
    ({"down_blocks.0.motion_modules.0.x": (1,)}, "an AnimateDiff motion module"),
    ({"transformer_blocks.0.attn1.to_q.weight": (1,)}, "a diffusion transformer"),
    (vae(latents=16), "a VAE of Flux, SD 3 or another (16 channels)"),
    ({**under(families.UNET, unet(8, 1024)), "model.diffusion_model.input_blocks.1.0.time_stack.x": (1,)}, "Stable Video Diffusion"),
    (under(families.UNET, unet(8, 2048, depths=(0, 2, 10), **XL_UNET)), "SDXL instruct-pix2pix"),  # type: ignore[arg-type]
    (under(families.UNET, unet(4, 2048, depths=(0, 2, 4), **XL_UNET)), "a model with fewer layers (SSD-1B, Segmind, BK-SDM …)"),  # type: ignore[arg-type]
    ({**families.sdxl(), "edm_mean": (4,), "edm_std": (4,)}, "Playground v2.5"),
    (under(families.UNET, unet(12, 768, linear=False)), "a UNet with 12 input channels and text of width 768"),
]  # fmt: skip


@pytest.mark.parametrize(("shapes", "what"), OTHERS, ids=[what for _, what in OTHERS])
def test_everything_else_is_called_what_it_is(tmp_path: Path, shapes: Shapes, what: str) -> None:
    found = recognise(written(tmp_path, shapes))
    assert (found.what, found.reason) == (what, f"{what}: not supported")
    assert found.verdict is Verdict.UNSUPPORTED


def test_what_nobody_knows_says_what_is_in_it(tmp_path: Path) -> None:
    found = recognise(written(tmp_path, {"mystery.weight": (1,)}))
    assert "1 tensors: mystery.weight" in found.reason and found.refused


def test_a_length_that_looks_like_another_file(tmp_path: Path) -> None:
    """A header of 23,117 bytes begins with the letters MZ, as Windows programs do; 35,615 like gzip."""
    for length in (0x5A4D, 0x8B1F, 0x2123):
        text = json.dumps({"emb_params": {"dtype": "F16", "shape": [1, 768], "data_offsets": [0, 1536]}})
        path = tmp_path / f"{length}.safetensors"
        path.write_bytes(length.to_bytes(8, "little") + text.ljust(length).encode() + bytes(1536))
        assert recognise(path).role is R.TEXTUAL_INVERSION


# -- side-car files -------------------------------------------------------------------------------------------------


def test_side_car_files(tmp_path: Path) -> None:
    path = written(tmp_path, families.lora(768))
    (tmp_path / "thing.preview.png").write_bytes(b"png")
    info = {
        "model": {"name": "Fine lines"},
        "baseModel": "SD 1.5",
        "trainedWords": ["fine lines", 3],
        "description": "<p>For <b>ink</b>.</p>",
    }
    (tmp_path / "thing.civitai.info").write_text(json.dumps(info))
    beside = recognise(path).side_car
    assert beside.thumbnail == str(tmp_path / "thing.preview.png")
    assert (beside.title, beside.base, beside.words, beside.notes) == (
        "Fine lines",
        "SD 1.5",
        ("fine lines",),
        "For ink .",
    )
    (tmp_path / "thing.civitai.info").write_text("[" * 10**5)
    (tmp_path / "thing.json").write_text(
        json.dumps({"activation text": "lines", "notes": "strong", "sd version": "SD1"})
    )
    beside = recognise(path).side_car
    assert (beside.title, beside.words, beside.notes, beside.base) == ("", ("lines",), "strong", "SD1")


# -- links ----------------------------------------------------------------------------------------------------------

links = pytest.mark.skipif(sys.platform == "win32", reason="making links needs a right on Windows")


@links
def test_a_link_into_an_added_folder_is_followed(tmp_path: Path) -> None:
    real = write_safetensors(tmp_path / "disk" / "real.safetensors", families.lora(768))
    link = tmp_path / "here" / "link.safetensors"
    link.parent.mkdir()
    link.symlink_to(real)
    assert recognise(link).reason == f"a link to {real}: add the folder {real.parent}"
    assert recognise(link).verdict is Verdict.UNREACHABLE
    gone = tmp_path / "here" / "gone.safetensors"
    gone.symlink_to(tmp_path / "nowhere" / "gone.safetensors")
    assert recognise(gone).reason == f"a link to {tmp_path / 'nowhere' / 'gone.safetensors'}, which is not there"
    found = recognise(link, [tmp_path / "disk"])
    assert (found.role, found.path, found.name) == (R.LORA, str(link), "link")


@links
def test_the_hugging_face_cache_links_to_its_own_blobs(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--someone--fine-model"
    blob = write_checkpoint(repository / "blobs" / "abc123", families.lora(768))
    snapshot = repository / "snapshots" / "rev"
    snapshot.mkdir(parents=True)
    (snapshot / "lora.ckpt").symlink_to(Path("..") / ".." / "blobs" / blob.name)
    assert recognise(snapshot / "lora.ckpt").role is R.LORA
    other = write_safetensors(tmp_path / "hub" / "models--other--x" / "blobs" / "def", families.lora(768))
    (snapshot / "stolen.safetensors").symlink_to(other)
    assert "add the folder" in recognise(snapshot / "stolen.safetensors").reason
