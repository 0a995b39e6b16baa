"""Each family is recognised by its header alone, as .safetensors and as .ckpt, with what the published cards say."""

# One row a model reads better than one of a dozen lines.
# ruff: noqa: E501

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from sdstudio.domain.model_file import Evidence, ModelFamily, ModelFile, ModelRole, Prediction, Verdict
from sdstudio.storage.recognise.recogniser import recognise
from tests.helpers import model_families as families
from tests.helpers.model_files import number, text, write_checkpoint, write_folder, write_safetensors
from tests.helpers.model_shapes import Shapes, under, unet, vae

F, E, V, UNKNOWN = ModelFamily, Prediction.EPSILON, Prediction.V, Prediction.UNKNOWN

# family, names and shapes, prediction, side in pixels, channels, width of the text, millions of parameters
FAMILIES: list[tuple[ModelFamily, Callable[[], Shapes], Prediction, int, int, int, int]] = [
    (F.SD1, families.sd1, E, 512, 4, 768, 1066),
    (F.SD1_INPAINTING, lambda: families.sd1(9), E, 512, 9, 768, 1066),
    (F.PIX2PIX, lambda: families.sd1(8), E, 512, 8, 768, 1066),
    (F.SD2, families.sd2, UNKNOWN, 0, 4, 1024, 1304),
    (F.SD2_INPAINTING, lambda: families.sd2(9), E, 512, 9, 1024, 1304),
    (F.SD2_DEPTH, families.depth, E, 512, 5, 1024, 1304),
    (F.X4_UPSCALER, families.x4, V, 512, 7, 1024, 883),
    (F.UNCLIP_L, lambda: families.unclip("L"), V, 768, 4, 1024, 1611),
    (F.UNCLIP_H, lambda: families.unclip("H"), V, 768, 4, 1024, 1940),
    (F.SDXL, families.sdxl, E, 1024, 4, 2048, 3469),
    (F.SDXL_INPAINTING, lambda: families.sdxl(9), E, 1024, 9, 2048, 3469),
    (F.SDXL_REFINER, families.refiner, E, 1024, 4, 1280, 3038),
]
IDS = [row[0].value for row in FAMILIES]


def test_the_shapes_are_the_published_ones() -> None:
    """Numbers of parameters from the models' cards and from diffusers' own models of their configs."""

    def count(shapes: Shapes) -> int:
        return sum(map(math.prod, shapes.values()))

    assert count(unet(4, 768, linear=False)) == 859_520_964
    assert count(unet(4, 1024)) == 865_910_724
    assert count(unet(4, 2048, added=2816, mult=(1, 2, 4), depths=(0, 2, 10), middle=10)) == 2_567_463_684
    assert count(vae()) == 83_653_863


@pytest.mark.parametrize("row", FAMILIES, ids=IDS)
@pytest.mark.parametrize("write", [write_safetensors, write_checkpoint], ids=["safetensors", "ckpt"])
def test_families(tmp_path: Path, row: tuple[ModelFamily, Callable[[], Shapes], Prediction, int, int, int, int], write: Callable[..., Path]) -> None:  # fmt: skip
    family, shapes, prediction, side, channels, context, millions = row
    suffix = ".safetensors" if write is write_safetensors else ".ckpt"
    found = recognise(write(tmp_path / f"model{suffix}", shapes()))
    assert not found.refused, found.reason
    assert (found.family, found.role, found.draws) == (family, ModelRole.CHECKPOINT, True)
    assert (found.prediction, found.resolution, found.channels, found.context_width) == (
        prediction,
        side,
        channels,
        context,
    )
    assert round(found.parameters / 10**6) == millions
    assert found.precision == "fp16" and {"unet", "vae", "text encoder"} <= set(found.parts)
    assert found.evidence is (Evidence.FAMILY if prediction is not UNKNOWN else Evidence.NONE)
    assert found.name == "model" and found.size_bytes == (tmp_path / f"model{suffix}").stat().st_size


def tiny(channels: int, context: int, **more: object) -> Shapes:
    return unet(channels, context, width=32, mult=(1, 2), depths=(1, 1), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shapes", "family"),
    [
        ({**under(families.UNET, tiny(4, 32, linear=False)), **under(families.VAE, vae(width=8))}, F.SD1),
        ({**under(families.UNET, tiny(4, 32)), **under(families.VAE, vae(width=8))}, F.SD2),
        ({**under(families.UNET, tiny(4, 32)), **under(families.TEXT1, {"text_model.x": (2,)})}, F.SD1),
        ({**under(families.UNET, tiny(9, 32)), **under(families.TEXT2, {"transformer.x": (2,)})}, F.SD2_INPAINTING),
        ({**under(families.UNET, tiny(4, 32, added=48)), **under("conditioner.embedders.1.model.transformer.", {"x": (2,)})}, F.SDXL),
        ({**under(families.UNET, tiny(4, 32, added=48)), **under("conditioner.embedders.0.model.transformer.", {"x": (2,)})}, F.SDXL_REFINER),
        ({**under(families.UNET, tiny(4, 32, added=48)), **under("noise_augmentor.", {"betas": (2,)})}, F.UNCLIP_H),
        ({**under(families.UNET, tiny(7, 32, classes=10)), **under(families.VAE, vae(width=8))}, F.X4_UPSCALER),
    ],
)  # fmt: skip
def test_models_made_small_are_told_by_their_structure(tmp_path: Path, shapes: Shapes, family: ModelFamily) -> None:
    assert recognise(write_safetensors(tmp_path / "tiny.safetensors", shapes)).family is family


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model.", "diffusion_model."])
def test_a_unet_alone_is_not_a_checkpoint(tmp_path: Path, prefix: str) -> None:
    found = recognise(write_safetensors(tmp_path / "unet.safetensors", under(prefix, unet(4, 768, linear=False))))
    assert (found.role, found.family, found.draws, found.parts) == (ModelRole.UNET, F.SD1, False, ("unet",))


def test_ema_and_precision(tmp_path: Path) -> None:
    shapes = families.sd1() | {"model_ema.diffusion_modelinput_blocks00weight": (320, 4, 3, 3)}
    for dtype, words in (("F32", "fp32"), ("BF16", "bf16"), ("F8_E4M3", "fp8")):
        found = recognise(write_safetensors(tmp_path / "ema.safetensors", shapes, dtype))
        assert (found.has_ema, found.precision) == (True, words)


# -- what a model predicts -----------------------------------------------------------------------------------------


def sd2(tmp_path: Path, metadata: dict[str, str] | None = None) -> Path:
    return write_safetensors(tmp_path / "model.safetensors", families.sd2(), metadata=metadata)


@pytest.mark.parametrize(
    ("metadata", "prediction"),
    [
        ({"modelspec.prediction_type": "v"}, V),
        ({"modelspec.prediction_type": "epsilon"}, E),
        ({"modelspec.architecture": "stable-diffusion-v2-768-v"}, V),
        ({"modelspec.architecture": "stable-diffusion-v2-512"}, E),
        ({"ss_v_parameterization": "True"}, V),
    ],
)
def test_metadata_is_evidence(tmp_path: Path, metadata: dict[str, str], prediction: Prediction) -> None:
    found = recognise(sd2(tmp_path, metadata))
    assert (found.prediction, found.evidence) == (prediction, Evidence.METADATA)
    expected = (F.SD2_V, 768) if prediction is V else (F.SD2_BASE, 512)
    assert (found.family, found.resolution) == expected


def test_a_yaml_beside_the_file_is_stronger(tmp_path: Path) -> None:
    path = sd2(tmp_path, {"modelspec.prediction_type": "epsilon"})
    beside = path.with_suffix(".yaml")
    beside.write_text('model:\n  params:\n    parameterization: "v"\n')
    assert (recognise(path).prediction, recognise(path).evidence) == (V, Evidence.SIDECAR)
    beside.write_text("model:\n  params:\n    linear_start: 0.00085\n")
    assert (recognise(path).prediction, recognise(path).evidence) == (E, Evidence.SIDECAR)
    beside.write_text("a: &a [1, 2]\nb: [*a, *a]\nmodel: {params: {parameterization: v}}")
    assert recognise(path).evidence is Evidence.METADATA


@pytest.mark.parametrize(
    "yaml",
    [
        "model: !!python/object/apply:os.mkdir [MARKER]",
        "a: &a [x]\nb: &b [*a,*a]\nmodel: {params: {<<: [*b, *b]}}",
        "[" * 5000,
        "\0",
        "model: 3",
        "x: " + "y" * 100_000,
    ],
)
def test_a_hostile_yaml_changes_nothing(tmp_path: Path, yaml: str) -> None:
    path = sd2(tmp_path)
    path.with_suffix(".yaml").write_text(yaml.replace("MARKER", str(tmp_path / "marker")))
    assert recognise(path).evidence is Evidence.NONE and not (tmp_path / "marker").exists()


def test_marker_keys_of_community_models(tmp_path: Path) -> None:
    shapes = families.sdxl() | {"v_pred": (0,), "ztsnr": (0,)}
    found = recognise(write_safetensors(tmp_path / "v.safetensors", shapes))
    assert (found.prediction, found.evidence, found.zero_snr) == (V, Evidence.KEY, True)


@pytest.mark.parametrize(("step", "prediction"), [(875_000, E), (110_000, V), (1, UNKNOWN)])
def test_the_step_of_a_published_checkpoint_tells(tmp_path: Path, step: int, prediction: Prediction) -> None:
    found = recognise(write_checkpoint(tmp_path / "a.ckpt", families.sd2(), more={"global_step": number(step)}))
    assert found.prediction is prediction
    assert found.evidence is (Evidence.NONE if prediction is UNKNOWN else Evidence.GLOBAL_STEP)


def test_old_training_checkpoints_are_harmless(tmp_path: Path) -> None:
    """Lightning kept classes as keys and numpy scalars; another loader's allow-list is pickle_globals as well."""
    scalar = (
        b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\x02f8K\x00K\x01tR"
        b"c_codecs\nencode\n(X\x01\x00\x00\x00ax\x06\x00\x00\x00latin1tRtR"
    ).replace(b"ax\x06", b"aX\x06")
    callbacks = b"}(cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n}(" + text("best") + scalar + b"uu"
    found = recognise(write_checkpoint(tmp_path / "a.ckpt", families.sd1(), more={"callbacks": callbacks}))
    assert not found.refused, found.reason
    assert found.family is F.SD1


# -- folders -------------------------------------------------------------------------------------------------------

SCHEDULERS = {E: {"prediction_type": "epsilon"}, V: {"prediction_type": "v_prediction"}}


@pytest.mark.parametrize(
    ("kind", "config", "prediction", "family"),
    [
        ("StableDiffusionPipeline", {"in_channels": 4, "cross_attention_dim": 768}, E, F.SD1),
        ("StableDiffusionPipeline", {"in_channels": 4, "cross_attention_dim": 1024}, E, F.SD2_BASE),
        ("StableDiffusionPipeline", {"in_channels": 4, "cross_attention_dim": 1024}, V, F.SD2_V),
        ("StableDiffusionInpaintPipeline", {"in_channels": 9, "cross_attention_dim": 768}, E, F.SD1_INPAINTING),
        ("StableDiffusionInpaintPipeline", {"in_channels": 9, "cross_attention_dim": 1024}, E, F.SD2_INPAINTING),
        ("StableDiffusionInstructPix2PixPipeline", {"in_channels": 8, "cross_attention_dim": 768}, E, F.PIX2PIX),
        ("StableDiffusionDepth2ImgPipeline", {"in_channels": 5, "cross_attention_dim": 1024}, E, F.SD2_DEPTH),
        ("StableDiffusionUpscalePipeline", {"in_channels": 7, "cross_attention_dim": 1024}, V, F.X4_UPSCALER),
        ("StableUnCLIPImg2ImgPipeline", {"in_channels": 4, "projection_class_embeddings_input_dim": 1536}, V, F.UNCLIP_L),
        ("StableUnCLIPImg2ImgPipeline", {"in_channels": 4, "projection_class_embeddings_input_dim": 2048}, V, F.UNCLIP_H),
        ("StableDiffusionXLPipeline", {"in_channels": 4, "cross_attention_dim": 2048, "projection_class_embeddings_input_dim": 2816}, E, F.SDXL),
        ("StableDiffusionXLInpaintPipeline", {"in_channels": 9, "cross_attention_dim": 2048, "projection_class_embeddings_input_dim": 2816}, E, F.SDXL_INPAINTING),
        ("StableDiffusionXLImg2ImgPipeline", {"in_channels": 4, "cross_attention_dim": 1280, "projection_class_embeddings_input_dim": 2560}, E, F.SDXL_REFINER),
    ],
)  # fmt: skip
def test_folders(tmp_path: Path, kind: str, config: dict[str, object], prediction: Prediction, family: ModelFamily) -> None:  # fmt: skip
    folder = write_folder(tmp_path / "mine", kind=kind, config=config, scheduler=SCHEDULERS[prediction])
    found = recognise(folder)
    assert not found.refused, found.reason
    assert (found.family, found.prediction, found.evidence) == (family, prediction, Evidence.CONFIG)
    assert (found.name, found.layout, found.role) == ("mine", "diffusers", ModelRole.CHECKPOINT)


def test_a_folder_with_a_prior_is_refused_with_what_would_do(tmp_path: Path) -> None:
    """StableUnCLIPPipeline: Karlo's prior imagines the embedding of a picture from the prompt."""
    config = {"in_channels": 4, "projection_class_embeddings_input_dim": 1536}
    prior = {"prior": ["diffusers", "PriorTransformer"], "prior_scheduler": ["diffusers", "UnCLIPScheduler"]}
    found = recognise(write_folder(tmp_path / "karlo", kind="StableUnCLIPPipeline", config=config, index=prior))
    assert found.verdict is Verdict.UNSUPPORTED and not found.draws
    assert "with a prior" in found.reason and "StableUnCLIPImg2Img" in found.reason


@pytest.mark.parametrize(
    ("kind", "part", "config"),
    [
        ("StableUnCLIPImg2ImgPipeline", "image_encoder", {"projection_class_embeddings_input_dim": 2048}),
        ("StableDiffusionDepth2ImgPipeline", "depth_estimator", {"in_channels": 5, "cross_attention_dim": 1024}),
    ],
)
def test_a_folder_that_cannot_look_at_pictures_is_incomplete(
    tmp_path: Path, kind: str, part: str, config: dict[str, object]
) -> None:
    folder = write_folder(tmp_path / "m", kind=kind, config={"in_channels": 4} | config, index={part: [None, None]})
    found = recognise(folder)
    assert found.verdict is Verdict.BROKEN and f"“{part}” is missing" in found.reason


def test_a_folder_without_a_scheduler_goes_by_its_family(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one", config={"in_channels": 4, "cross_attention_dim": 768})
    two = write_folder(tmp_path / "two", config={"in_channels": 4, "cross_attention_dim": 1024})
    assert (recognise(one).prediction, recognise(one).evidence) == (E, Evidence.FAMILY)
    assert (recognise(two).prediction, recognise(two).family) == (UNKNOWN, F.SD2)


def test_the_model_in_the_box_is_recognised() -> None:
    starter = Path(__file__).resolve().parents[3] / "resources" / "models" / "starter"
    found = recognise(starter)
    assert not found.refused, found.reason
    assert found.draws and found.prediction in (E, V) and found.parameters > 10**6


def test_a_model_file_survives_json(tmp_path: Path) -> None:
    import json

    found = recognise(sd2(tmp_path, {"modelspec.prediction_type": "v"}))
    assert ModelFile.from_dict(found.path, json.loads(json.dumps(found.to_dict()))) == found
