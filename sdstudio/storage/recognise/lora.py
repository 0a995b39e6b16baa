"""LoRAs and their relatives: which kind, and for which family."""

from __future__ import annotations

import re

from sdstudio.domain.model_file import ModelFamily, ModelFile, ModelRole, Prediction
from sdstudio.storage.recognise.facts import known, named
from sdstudio.storage.recognise.tensor_table import TensorTable

_KINDS: tuple[tuple[str, str], ...] = (
    (".hada_w1_a", "LoHa"),
    (".lokr_w", "LoKr"),
    (".oft_blocks", "OFT"),
    (".oft_diag", "OFT"),
    (".on_input", "IA3"),
    (".a1.weight", "GLoRA"),
    (".lora_mid.weight", "LoCon"),
)
_DOWN, _UP = (
    (".lora_down.weight", ".lora_A.weight", ".lora.down.weight", "_lora.down.weight"),
    (".lora_up.weight", ".lora_B.weight"),
)
_PREFIXES = ("lora_unet_", "lora_te", "unet.", "text_encoder", "transformer.", "diffusion_model.", "base_model.model.")
_FOREIGN: tuple[tuple[str, str], ...] = (
    (
        r"(?:lora_unet_|transformer\.|diffusion_model\.)(?:double_blocks|single_blocks|single_transformer_blocks)[._]",
        "Flux",
    ),
    (r"lora_unet_joint_blocks_|diffusion_model\.joint_blocks\.", "SD 3"),
    (r"transformer\.transformer_blocks\.\d+\.attn\.add_k_proj", "SD 3"),
    (r"(?:diffusion_model\.|lora_unet_|transformer\.)?blocks[._]\d+[._](?:cross_attn|self_attn)", "Wan"),
    (r"(?:diffusion_model\.|transformer\.)transformer_blocks\.\d+\.(?:img_mod|attn\.to_add_out)", "Qwen-Image"),
    (r"(?:diffusion_model\.|transformer\.|lora_unet_)?layers[._]\d+[._]attention", "Lumina 2 or Z-Image"),
    (r"(?:lora_prior_unet_|lora_unet_clip_txt)", "Stable Cascade"),
)
_ARCHITECTURES: tuple[tuple[str, ModelFamily | str], ...] = (
    ("stable-diffusion-xl", ModelFamily.SDXL),
    ("sdxl", ModelFamily.SDXL),
    ("stable-diffusion-v1", ModelFamily.SD1),
    ("sd_v1", ModelFamily.SD1),
    ("stable-diffusion-v2", ModelFamily.SD2),
    ("sd_v2", ModelFamily.SD2),
    ("stable-diffusion-3", "SD 3"),
    ("sd3", "SD 3"),
    ("flux", "Flux"),
)
_CONTEXTS = {768: ModelFamily.SD1, 1024: ModelFamily.SD2, 2048: ModelFamily.SDXL, 1280: ModelFamily.SDXL_REFINER}
_EMBEDDINGS = {768: ModelFamily.SD1, 1024: ModelFamily.SD2, 1280: ModelFamily.SDXL}
_EMBEDDING_TENSORS_MAX = 8
_NAME_MAX = 200
_ANY_FOREIGN = re.compile("|".join(f"({pattern})" for pattern, _ in _FOREIGN))


def find_lora(table: TensorTable) -> ModelFile | None:
    kind = _kind(table)
    if not kind:
        return None
    foreign = _foreign(table)
    base = foreign or _base(table)
    if isinstance(base, str) and not isinstance(base, ModelFamily):
        return named(f"a LoRA for {base}", role=ModelRole.LORA, kind=kind)
    if kind in ("OFT", "GLoRA"):
        return named(f"a LyCORIS {kind} for {_family_words(base)}", role=ModelRole.LORA, kind=kind, family=base)
    return known(
        ModelRole.LORA,
        f"a LoRA for {_family_words(base)} ({kind})",
        family=base,
        kind=kind,
        alias=table.texts.get("ss_output_name", "")[:_NAME_MAX],
        told_hash=_told_hash(table),
        precision=table.precision(),
        parts=_parts(table),
        prediction=Prediction.UNKNOWN,
    )


def _foreign(table: TensorTable) -> str:
    """The first of the models that any name speaks of; "" for none."""
    # One look at each name, in which the patterns are tried in their order.
    found = filter(None, map(_ANY_FOREIGN.match, table))
    first = min((match.lastindex or 0 for match in found), default=0)
    return _FOREIGN[first - 1][1] if first else ""


def _told_hash(table: TensorTable) -> str:
    """Of the weights, as kohya's trainer writes it; its older hash of 8 digits tells too little."""
    told = table.texts.get("sshs_model_hash", "").strip().lower()
    return told if re.fullmatch(r"[0-9a-f]{12,64}", told) else ""


def _family_words(family: ModelFamily | None) -> str:
    return family.value if family is not None else "an unknown model"


def _kind(table: TensorTable) -> str:
    names = [name for name in table if name.startswith(_PREFIXES)] if any(map(table.any_with, _PREFIXES)) else []
    if not names and table.any_having("lora"):
        names = [name for name in table if name.endswith(_DOWN + _UP)]
    joined = "\n".join(names)
    for part, kind in _KINDS:
        if part in joined:
            return kind
    suffix = "" if not any(name.endswith("dora_scale") for name in names) else ", DoRA"
    if any(name.endswith(_DOWN[0]) for name in names):
        return ("kohya" if any(name.startswith(("lora_unet_", "lora_te")) for name in names) else "diffusers") + suffix
    if any(name.endswith((*_DOWN, *_UP)) for name in names):
        return "diffusers" + suffix
    return "full difference" if any(name.startswith("lora_unet_") and name.endswith(".diff") for name in names) else ""


def _parts(table: TensorTable) -> tuple[str, ...]:
    unet = any("unet" in name[:16] or name.startswith("base_model.") for name in table)
    text = any("lora_te" in name[:10] or name.startswith("text_encoder") for name in table)
    return tuple(part for part, there in (("unet", unet), ("text encoder", text)) if there)


def _base(table: TensorTable) -> ModelFamily | str | None:
    """By the width of the text that its attention takes; then by what the metadata says; then by the text encoder."""
    context = _context(table)
    if context in _CONTEXTS:
        return _CONTEXTS[context]
    told = _told(table)
    if told is not None:
        return told
    if any(name.startswith(("lora_te1_", "lora_te2_", "text_encoder_2.")) for name in table):
        return ModelFamily.SDXL
    width = next((table.size(name, 1) for name in table if _is_text_query(name)), 0)
    return _EMBEDDINGS.get(width)


def _is_text_query(name: str) -> bool:
    return name.startswith(("lora_te_", "text_encoder.")) and "q_proj" in name and name.endswith(_DOWN)


def _context(table: TensorTable) -> int:
    """The input side of a cross-attention key: of the “down” half, or the product of a Kronecker product's sides."""
    for name in table:
        if "attn2" not in name or "to_k" not in name:
            continue
        if name.endswith(_DOWN) or name.endswith((".hada_w1_b", ".diff")):
            return table.size(name, 1)
        if name.endswith((".lokr_w1", ".lokr_w1_b")):
            stem = name.rpartition(".lokr_w1")[0]
            second = table.size(f"{stem}.lokr_w2", 1) or table.size(f"{stem}.lokr_w2_b", 1)
            return table.size(name, 1) * second
    return 0


def _told(table: TensorTable) -> ModelFamily | str | None:
    texts = table.texts
    told = " ".join(texts.get(key, "") for key in ("modelspec.architecture", "ss_base_model_version")).lower()
    return next((family for word, family in _ARCHITECTURES if word in told), None)


# -- textual inversion ------------------------------------------------------------------------------------------------


def find_embedding(table: TensorTable) -> ModelFile | None:
    """A few vectors as wide as a text encoder's."""
    if len(table) > _EMBEDDING_TENSORS_MAX:
        return None
    if {"clip_l", "clip_g"} <= set(table):
        return _embedding(ModelFamily.SDXL, table, "A1111", table.size("clip_g", 0))
    named_so = "emb_params" in table or table.any_with("string_to_param")
    if not named_so and len(table) != 1:
        return None
    name = "emb_params" if "emb_params" in table else next(iter(table))
    shape = table.shape(name)
    family = _EMBEDDINGS.get(shape[-1]) if shape else None
    if len(shape) not in (1, 2) or (family is None and not named_so):
        return None
    return _embedding(family, table, "A1111" if named_so else "diffusers", shape[0] if len(shape) == 2 else 1)


def _embedding(family: ModelFamily | None, table: TensorTable, kind: str, vectors: int) -> ModelFile:
    words = f"{vectors} {'vector' if vectors == 1 else 'vectors'}"
    return known(
        ModelRole.TEXTUAL_INVERSION,
        f"a textual inversion for {_family_words(family)} ({words})",
        family=family,
        kind=kind,
        precision=table.precision(),
        vectors=vectors,
    )
