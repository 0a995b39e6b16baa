"""The names in LoRA files, taken apart: which network, which of its layers, and which tensor of the layer's change.

Trainers: kohya-ss/sd-scripts (`lora_unet_…`), LyCORIS (the same, other endings), diffusers and PEFT (`unet.….lora_A`),
diffusers before PEFT (`….processor.to_q_lora.down`), and the original code's layer names with either.
"""

from __future__ import annotations

from dataclasses import dataclass

UNET, TEXT, TEXT_2 = "unet", "text encoder", "text encoder 2"
TEXTS = (TEXT, TEXT_2)
"""In the order in which a model has them."""

DOWN, UP, MID, ALPHA, DORA, DORA_OUT = "down", "up", "mid", "alpha", "dora", "dora_out"
DIFF, DIFF_BIAS, IA3, ON_INPUT = "diff", "diff_b", "ia3", "on_input"

_ROLES: dict[str, str] = {
    ".lora_down": DOWN,
    ".lora_A": DOWN,
    ".lora.down": DOWN,
    "_lora.down": DOWN,
    ".lora_linear_layer.down": DOWN,
    ".lora_up": UP,
    ".lora_B": UP,
    ".lora.up": UP,
    "_lora.up": UP,
    ".lora_linear_layer.up": UP,
    ".lora_mid": MID,
    "_lora.alpha": ALPHA,
    ".alpha": ALPHA,
    ".dora_scale": DORA,
    ".lora_magnitude_vector": DORA_OUT,
    ".diff": DIFF,
    ".w_norm": DIFF,
    ".diff_b": DIFF_BIAS,
    ".b_norm": DIFF_BIAS,
    ".on_input": ON_INPUT,
    **{f".{name}": name for name in ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2")},
    **{f".lokr_{name}": f"lokr_{name}" for name in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b", "t2")},
}
_REFUSED: dict[str, str] = {
    ".oft_blocks": "OFT",
    ".oft_diag": "OFT",
    ".oft_r": "OFT",
    ".oft_R": "OFT",
    ".boft_R": "BOFT",
    ".boft_s": "BOFT",
    ".a1": "GLoRA",
    ".a2": "GLoRA",
    ".b1": "GLoRA",
    ".b2": "GLoRA",
    ".vera_lambda_b": "VeRA",
    ".vera_lambda_d": "VeRA",
    ".lora_embedding_A": "LoRA of a vocabulary",
    ".lora_embedding_B": "LoRA of a vocabulary",
    ".set_weight": "replaced weights",
    ".reshape_weight": "LoRA with widened layers",
}
_PREFIXES: tuple[tuple[str, str], ...] = (
    ("lora_unet_", UNET),
    ("lora_te1_", TEXT),
    ("lora_te2_", TEXT_2),
    ("lora_te_", TEXT),
    ("model.diffusion_model.", UNET),
    ("diffusion_model.", UNET),
    ("unet.", UNET),
    ("text_encoder_2.", TEXT_2),
    ("text_encoder.", TEXT),
)
_WRAPPED = "base_model.model."
_BARE = ("down_blocks.", "mid_block.", "up_blocks.", "conv_in", "conv_out", "time_embedding.", "add_embedding.")


@dataclass(frozen=True, slots=True)
class Key:
    """`layer` is the layer's name with "_" for every "."; `role` is one of the constants above, or LyCORIS's name."""

    part: str
    layer: str
    role: str


def take_apart(name: str) -> Key | None:
    """None for a name that says nothing known."""
    stem, role = _role(name)
    if not role:
        return None
    stem = stem.removeprefix(_WRAPPED)
    part, layer = next(
        ((part, stem.removeprefix(front)) for front, part in _PREFIXES if stem.startswith(front)), ("", stem)
    )
    if not part and stem.startswith(_BARE):
        part = UNET
    return Key(part, plain_name(layer), role) if part else None


def plain_name(path: str) -> str:
    """A layer's path in the one form in which all namings are compared. Attention's last projection is the first of a
    list, which diffusers before PEFT did not say."""
    name = path.replace(".processor.", ".").replace(".", "_")
    return name.removesuffix("_0") if name.endswith("_to_out_0") else name


def refused_kind(name: str) -> str:
    """What a LoRA that has such a tensor is called, of those kinds that are not worked with; "" for others."""
    stem = _bare(name)
    return next((kind for ending, kind in _REFUSED.items() if stem.endswith(ending)), "")


def _role(name: str) -> tuple[str, str]:
    stem = _bare(name)
    for ending, role in _ROLES.items():
        if stem.endswith(ending):
            return stem.removesuffix(ending), role
    # IA3 calls its one vector “weight”, which is nothing that could be cut off; only kohya's names have it.
    return (stem, IA3) if name.endswith(".weight") and name.startswith("lora_") else (stem, "")


def _bare(name: str) -> str:
    return name.removesuffix(".weight").removesuffix(".default")
