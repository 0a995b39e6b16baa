"""Models of other kinds, by a tensor's name that no other kind has, so that they can be called what they are."""

from __future__ import annotations

from sdstudio.domain.model_file import ModelFile, ModelRole
from sdstudio.storage.recognise.facts import named
from sdstudio.storage.recognise.tensor_table import TensorTable

_PREFIXES = ("", "model.diffusion_model.", "diffusion_model.", "transformer.", "net.", "model.")

_EXACT: tuple[tuple[str, str], ...] = (
    ("distilled_guidance_layer.layers.0.in_layer.weight", "Chroma"),
    ("double_stream_modulation_img.lin.weight", "Flux 2"),
    ("txt_in.individual_token_refiner.blocks.0.norm1.weight", "HunyuanVideo"),
    ("double_blocks.0.img_attn.norm.query_norm.scale", "Flux"),
    ("double_blocks.0.img_attn.norm.key_norm.scale", "Flux"),
    ("double_blocks.0.img_attn.qkv.weight", "Flux"),
    ("single_transformer_blocks.0.proj_mlp.weight", "Flux"),
    ("joint_blocks.0.context_block.attn.qkv.weight", "SD 3"),
    ("head.modulation", "Wan"),
    ("clip_txt_mapper.weight", "Stable Cascade"),
    ("effnet_mapper.0.weight", "Stable Cascade"),
    ("double_layers.0.attn.w1q.weight", "AuraFlow"),
    ("mlp_t5.0.weight", "HunyuanDiT"),
    ("t_block.1.weight", "PixArt"),
    ("txt_norm.weight", "Qwen-Image"),
    ("caption_projection.0.linear.weight", "HiDream"),
    ("blocks.block0.blocks.0.block.attn.to_q.0.weight", "Cosmos"),
    ("t5_yproj.weight", "Mochi"),
    ("cap_pad_token", "Z-Image"),
    ("cap_embedder.1.weight", "Lumina 2"),
    ("genre_embedder.weight", "ACE-Step"),
    ("patchify_proj.weight", "LTX-Video"),
    ("shared.weight", "a T5 text encoder"),
    ("encoder.block.0.layer.0.SelfAttention.q.weight", "a T5 text encoder"),
    ("model.layers.0.self_attn.q_proj.weight", "a language model"),
    ("layers.0.self_attn.q_proj.weight", "a language model"),
    ("concept_embeds", "a safety checker"),
    ("prior_transformer.proj_in.weight", "an unCLIP prior"),
    ("register_tokens", "AuraFlow"),
    ("transformer_blocks.0.attn.add_k_proj.weight", "SD 3"),
)
_PARTS: tuple[tuple[str, str, ModelRole], ...] = (
    ("motion_modules.", "an AnimateDiff motion module", ModelRole.OTHER),
    ("ip_adapter.", "an IP-Adapter", ModelRole.OTHER),
    ("image_proj.", "an IP-Adapter", ModelRole.OTHER),
    ("vision_model.encoder.layers.", "an image encoder (CLIP vision)", ModelRole.OTHER),
    ("visual.transformer.resblocks.", "an image encoder (CLIP vision)", ModelRole.OTHER),
    ("add_embedding.image_norm", "Kandinsky 2", ModelRole.OTHER),
    ("pretransform.model.", "Stable Audio", ModelRole.OTHER),
    ("stylegan_decoder", "a face restorer", ModelRole.OTHER),
    ("pretrained.model.blocks.", "a depth estimator", ModelRole.OTHER),
    ("first_stage_model.quantize.", "Latent Diffusion with a VQ autoencoder", ModelRole.OTHER),
)
_ADAPTERS = ("adapter.body.0.", "body.0.block1.weight", "body.0.resnets.0.block1.weight")


def find_other(table: TensorTable) -> ModelFile | None:
    """None where no name is known."""
    for key, what in _EXACT:
        if any(prefix + key in table for prefix in _PREFIXES):
            return named(what)
    if any(table.any_with(key) for key in _ADAPTERS):
        return named("a T2I-Adapter", "not usable yet", role=ModelRole.CONTROLNET)
    for part, what, role in _PARTS:
        if table.any_having(part):
            return named(what, role=role)
    if _has_transformer(table):
        return named("a diffusion transformer")
    return None


def _has_transformer(table: TensorTable) -> bool:
    names = ("transformer_blocks.0.attn1.to_q.weight", "transformer_blocks.0.attn.to_q.weight")
    return any(prefix + name in table for prefix in _PREFIXES for name in names)


def unknown(table: TensorTable) -> ModelFile:
    """The last word: what is in it, for those who know more."""
    names = sorted(table)[:3]
    shown = ", ".join(name if len(name) <= 40 else name[:37] + "…" for name in names)
    return named("an unknown model", f"no kind that SD Studio knows ({len(table):,} tensors: {shown} …)")
