"""Names and shapes of the published models' tensors, made from their published configs; no weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Shapes = dict[str, tuple[int, ...]]


def _both(name: str, *shape: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def _transformer(name: str, width: int, context: int, depth: int, *, linear: bool, crossed: bool = False) -> Shapes:
    side = () if linear else (1, 1)
    shapes: Shapes = {**dict(_both(f"{name}.norm", width)), **dict(_both(f"{name}.proj_in", width, width, *side))}
    for number in range(depth):
        block = f"{name}.transformer_blocks.{number}"
        for attention, source in (("attn1", context if crossed else width), ("attn2", context)):
            shapes[f"{block}.{attention}.to_q.weight"] = (width, width)
            shapes[f"{block}.{attention}.to_k.weight"] = (width, source)
            shapes[f"{block}.{attention}.to_v.weight"] = (width, source)
            shapes |= _both(f"{block}.{attention}.to_out.0", width, width)
        shapes |= _both(f"{block}.ff.net.0.proj", 8 * width, width)
        shapes |= _both(f"{block}.ff.net.2", width, 4 * width)
        for norm in ("norm1", "norm2", "norm3"):
            shapes |= _both(f"{block}.{norm}", width)
    return shapes | dict(_both(f"{name}.proj_out", width, width, *side))


def _res_block(name: str, source: int, width: int, time: int) -> Shapes:
    shapes: Shapes = {
        **dict(_both(f"{name}.in_layers.0", source)),
        **dict(_both(f"{name}.in_layers.2", width, source, 3, 3)),
        **dict(_both(f"{name}.emb_layers.1", width, time)),
        **dict(_both(f"{name}.out_layers.0", width)),
        **dict(_both(f"{name}.out_layers.3", width, width, 3, 3)),
    }
    if source != width:
        shapes |= _both(f"{name}.skip_connection", width, source, 1, 1)
    return shapes


def unet(
    channels: int,
    context: int,
    *,
    width: int = 320,
    mult: Sequence[int] = (1, 2, 4, 4),
    depths: Sequence[int] = (1, 1, 1, 0),
    middle: int = 1,
    linear: bool = True,
    added: int = 0,
    classes: int = 0,
    crossed: Sequence[bool] = (False,) * 4,
) -> Shapes:
    """In the original layout without prefix. `depths`: transformer blocks of each level; `added`: input of label_emb;
    `crossed`: levels without self-attention."""
    time = 4 * width
    shapes: Shapes = {**dict(_both("time_embed.0", time, width)), **dict(_both("time_embed.2", time, time))}
    if added:
        shapes |= {**dict(_both("label_emb.0.0", time, added)), **dict(_both("label_emb.0.2", time, time))}
    if classes:
        shapes["label_emb.weight"] = (classes, time)
    shapes |= _both("input_blocks.0.0", width, channels, 3, 3)
    sides, number, source = [width], 1, width

    for level, factor in enumerate(mult):
        for _ in range(2):
            shapes |= _res_block(f"input_blocks.{number}.0", source, factor * width, time)
            source = factor * width
            if depths[level]:
                shapes |= _transformer(
                    f"input_blocks.{number}.1", source, context, depths[level], linear=linear, crossed=crossed[level]
                )
            sides.append(source)
            number += 1
        if level < len(mult) - 1:
            shapes |= _both(f"input_blocks.{number}.0.op", source, source, 3, 3)
            sides.append(source)
            number += 1
    shapes |= _res_block("middle_block.0", source, source, time)
    shapes |= _transformer("middle_block.1", source, context, middle, linear=linear)
    shapes |= _res_block("middle_block.2", source, source, time)
    number = 0
    for level in reversed(range(len(mult))):
        for turn in range(3):
            shapes |= _res_block(f"output_blocks.{number}.0", source + sides.pop(), mult[level] * width, time)
            source = mult[level] * width
            if depths[level]:
                shapes |= _transformer(
                    f"output_blocks.{number}.1", source, context, depths[level], linear=linear, crossed=crossed[level]
                )
            if level and turn == 2:
                place = 2 if depths[level] else 1
                shapes |= _both(f"output_blocks.{number}.{place}.conv", source, source, 3, 3)
            number += 1
    return shapes | {**dict(_both("out.0", width)), **dict(_both("out.2", 4, width, 3, 3))}


def vae(*, width: int = 128, mult: Sequence[int] = (1, 2, 4, 4), latents: int = 4) -> Shapes:
    """AutoencoderKL in the original layout without prefix."""
    top = width * mult[-1]
    shapes: Shapes = {
        **dict(_both("encoder.conv_in", width, 3, 3, 3)),
        **dict(_both("decoder.conv_in", top, latents, 3, 3)),
    }
    source = width
    for level, factor in enumerate(mult):
        for number in range(2):
            shapes |= _vae_block(f"encoder.down.{level}.block.{number}", source, factor * width)
            source = factor * width
        if level < len(mult) - 1:
            shapes |= _both(f"encoder.down.{level}.downsample.conv", source, source, 3, 3)
    for half in ("encoder", "decoder"):
        shapes |= _vae_block(f"{half}.mid.block_1", top, top) | _vae_block(f"{half}.mid.block_2", top, top)
        shapes |= _both(f"{half}.mid.attn_1.norm", top)
        for name in ("q", "k", "v", "proj_out"):
            shapes |= _both(f"{half}.mid.attn_1.{name}", top, top, 1, 1)
    source = top
    for level in reversed(range(len(mult))):
        for number in range(3):
            shapes |= _vae_block(f"decoder.up.{level}.block.{number}", source, mult[level] * width)
            source = mult[level] * width
        if level:
            shapes |= _both(f"decoder.up.{level}.upsample.conv", source, source, 3, 3)
    shapes |= {**dict(_both("encoder.norm_out", top)), **dict(_both("encoder.conv_out", 2 * latents, top, 3, 3))}
    shapes |= {**dict(_both("decoder.norm_out", width)), **dict(_both("decoder.conv_out", 3, width, 3, 3))}
    shapes |= _both("quant_conv", 2 * latents, 2 * latents, 1, 1)
    return shapes | dict(_both("post_quant_conv", latents, latents, 1, 1))


def _vae_block(name: str, source: int, width: int) -> Shapes:
    shapes: Shapes = {
        **dict(_both(f"{name}.norm1", source)),
        **dict(_both(f"{name}.conv1", width, source, 3, 3)),
        **dict(_both(f"{name}.norm2", width)),
        **dict(_both(f"{name}.conv2", width, width, 3, 3)),
    }
    return shapes | dict(_both(f"{name}.nin_shortcut", width, source, 1, 1)) if source != width else shapes


def clip_text(width: int = 768, layers: int = 12, tokens: int = 49408) -> Shapes:
    """CLIPTextModel of transformers, as it was saved until version 5."""
    shapes: Shapes = {
        "text_model.embeddings.token_embedding.weight": (tokens, width),
        "text_model.embeddings.position_embedding.weight": (77, width),
        **dict(_both("text_model.final_layer_norm", width)),
    }
    for number in range(layers):
        layer = f"text_model.encoder.layers.{number}"
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= _both(f"{layer}.self_attn.{name}", width, width)
        shapes |= {
            **dict(_both(f"{layer}.mlp.fc1", 4 * width, width)),
            **dict(_both(f"{layer}.mlp.fc2", width, 4 * width)),
        }
        shapes |= {**dict(_both(f"{layer}.layer_norm1", width)), **dict(_both(f"{layer}.layer_norm2", width))}
    return shapes


def open_clip_text(width: int = 1024, layers: int = 24, tokens: int = 49408) -> Shapes:
    shapes: Shapes = {
        "positional_embedding": (77, width),
        "text_projection": (width, width),
        "logit_scale": (),
        "token_embedding.weight": (tokens, width),
        **dict(_both("ln_final", width)),
    }
    return shapes | _open_clip_layers("transformer", width, layers)


def _open_clip_layers(name: str, width: int, layers: int) -> Shapes:
    shapes: Shapes = {}
    for number in range(layers):
        block = f"{name}.resblocks.{number}"
        shapes |= {f"{block}.attn.in_proj_weight": (3 * width, width), f"{block}.attn.in_proj_bias": (3 * width,)}
        shapes |= _both(f"{block}.attn.out_proj", width, width)
        shapes |= {**dict(_both(f"{block}.ln_1", width)), **dict(_both(f"{block}.ln_2", width))}
        shapes |= {
            **dict(_both(f"{block}.mlp.c_fc", 4 * width, width)),
            **dict(_both(f"{block}.mlp.c_proj", width, 4 * width)),
        }
    return shapes


def open_clip_visual(width: int, layers: int, out: int) -> Shapes:
    shapes: Shapes = {
        "visual.class_embedding": (width,),
        "visual.positional_embedding": (257, width),
        "visual.proj": (width, out),
        "visual.conv1.weight": (width, 3, 14, 14),
        **dict(_both("visual.ln_pre", width)),
        **dict(_both("visual.ln_post", width)),
    }
    return shapes | _open_clip_layers("visual.transformer", width, layers)


def under(prefix: str, shapes: Shapes) -> Shapes:
    return {prefix + name: shape for name, shape in shapes.items()}
