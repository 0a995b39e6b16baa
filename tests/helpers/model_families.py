"""One published model of each family, as names and shapes in the original single-file layout."""

from __future__ import annotations

from tests.helpers.model_shapes import Shapes, clip_text, open_clip_text, open_clip_visual, under, unet, vae

UNET, VAE = "model.diffusion_model.", "first_stage_model."
TEXT1, TEXT2 = "cond_stage_model.transformer.", "cond_stage_model.model."
_XL = {"mult": (1, 2, 4), "depths": (0, 2, 10), "middle": 10}
_REFINER = {"width": 384, "mult": (1, 2, 4, 4), "depths": (0, 4, 4, 0), "middle": 4}
_X4 = {"width": 256, "mult": (1, 2, 2, 4), "depths": (0, 1, 1, 1), "crossed": (True, True, True, False)}


def sd1(channels: int = 4) -> Shapes:
    return {
        **under(UNET, unet(channels, 768, linear=False)),
        **under(VAE, vae()),
        **under(TEXT1, clip_text()),
        f"{TEXT1}text_model.embeddings.position_ids": (1, 77),
        "alphas_cumprod": (1000,),
    }


def small_sd(generation: int, channels: int = 4) -> Shapes:
    """A checkpoint of SD 1.x or 2.x that is narrow, so that it can really lie on a disk (3 MB in half precision)."""
    context = {1: 768, 2: 1024}[generation]
    shapes = {
        **under(UNET, unet(channels, context, width=8, linear=generation == 2)),
        **under(VAE, vae(width=8)),
    }
    text = under(TEXT1, clip_text(8, 2, 1000)) if generation == 1 else under(TEXT2, open_clip_text(8, 2, 1000))
    return {**shapes, **text}


def sd2(channels: int = 4, *, added: int = 0) -> Shapes:
    return {
        **under(UNET, unet(channels, 1024, added=added)),
        **under(VAE, vae()),
        **under(TEXT2, open_clip_text()),
    }


def depth() -> Shapes:
    return sd2(5) | {"depth_model.model.pretrained.model.cls_token": (1, 1, 768)}


def unclip(kind: str) -> Shapes:
    visual = open_clip_visual(1024, 24, 768) if kind == "L" else open_clip_visual(1280, 32, 1024)
    return {
        **sd2(added=1536 if kind == "L" else 2048),
        **under("embedder.model.", visual),
        "noise_augmentor.betas": (1000,),
    }


def x4() -> Shapes:
    return {
        **under(UNET, unet(7, 1024, classes=1000, **_X4)),
        **under(VAE, vae(mult=(1, 2, 4))),
        **under(TEXT2, open_clip_text()),
        "low_scale_model.betas": (1000,),
    }


def sdxl(channels: int = 4) -> Shapes:
    return {
        **under(UNET, unet(channels, 2048, added=2816, **_XL)),
        **under(VAE, vae()),
        **under("conditioner.embedders.0.transformer.", clip_text()),
        **under("conditioner.embedders.1.model.", open_clip_text(1280, 32)),
    }


def refiner() -> Shapes:
    return {
        **under(UNET, unet(4, 1280, added=2560, **_REFINER)),
        **under(VAE, vae()),
        **under("conditioner.embedders.0.model.", open_clip_text(1280, 32)),
    }


def control(base: Shapes) -> Shapes:
    """A ControlNet holds the first half of the UNet."""
    half = {
        name: shape
        for name, shape in base.items()
        if name.startswith(("input_blocks.", "middle_block.", "time_embed."))
    }
    return under(
        "control_model.", half | {"input_hint_block.0.weight": (16, 3, 3, 3), "zero_convs.0.0.weight": (320, 320, 1, 1)}
    )


def lora(context: int, *, rank: int = 16, kind: str = "kohya") -> Shapes:
    """The cross-attention keys of one block, as the different trainers name them."""
    stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    dotted = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"
    out = 320
    return {
        "kohya": {
            f"{stem}.lora_down.weight": (rank, context),
            f"{stem}.lora_up.weight": (out, rank),
            f"{stem}.alpha": (),
        },
        "kohya DoRA": {
            f"{stem}.lora_down.weight": (rank, context),
            f"{stem}.lora_up.weight": (out, rank),
            f"{stem}.dora_scale": (1, context),
        },
        "diffusers": {f"{dotted}.lora_A.weight": (rank, context), f"{dotted}.lora_B.weight": (out, rank)},
        "old diffusers": {
            f"{dotted.replace('attn2.to_k', 'attn2.processor.to_k_lora')}.down.weight": (rank, context),
            f"{dotted.replace('attn2.to_k', 'attn2.processor.to_k_lora')}.up.weight": (out, rank),
        },
        "LoHa": {
            f"{stem}.hada_{half}_{side}": (out, rank) if side == "a" else (rank, context)
            for half in ("w1", "w2")
            for side in "ab"
        },
        "LoKr": {
            f"{stem}.lokr_w1": (8, 16),
            f"{stem}.lokr_w2_a": (40, rank),
            f"{stem}.lokr_w2_b": (rank, context // 16),
        },
    }[kind]
