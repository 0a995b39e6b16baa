"""MiDaS' depth network at tiny size, under the names of its original code, and those names at real size.

Names and shapes: github.com/isl-org/MiDaS (dpt_depth.py, vit.py, blocks.py) and timm's vit_base_resnet50_384, as the
checkpoint of Stable Diffusion 2's depth model holds them below `depth_model.model.`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import DPTConfig, DPTForDepthEstimation

from sdstudio.engine.layouts import CONFIGS, LAYOUTS
from tests.helpers.ldm_export import extend_checkpoint
from tests.helpers.model_shapes import Shapes

if TYPE_CHECKING:
    from tests.helpers.one_file import OneFile

PREFIX = "depth_model.model."
State = dict[str, torch.Tensor]
PART, PROCESSOR = "depth_estimator", "feature_extractor/preprocessor_config.json"
SHIPPED = Path(__file__).resolve().parents[2] / "resources" / CONFIGS / "sd2-depth"


def midas_shapes(
    *, width: int = 768, layers: int = 12, stages: tuple[int, ...] = (3, 4, 9), fused: int = 256, grid: int = 24
) -> Shapes:
    """Of the published network, written down from its code alone."""
    model = "pretrained.model"
    shapes: Shapes = {
        f"{model}.cls_token": (1, 1, width),
        f"{model}.pos_embed": (1, grid * grid + 1, width),
        f"{model}.patch_embed.backbone.stem.conv.weight": (64, 3, 7, 7),
        **_pair(f"{model}.patch_embed.backbone.stem.norm", 64),
        **_pair(f"{model}.patch_embed.proj", width, 1024, 1, 1),
        **_pair(f"{model}.norm", width),
        **_pair(f"{model}.head", 1000, width),
    }
    source = 64
    for stage, depth in enumerate(stages):
        wide = 256 * 2**stage
        for block in range(depth):
            name = f"{model}.patch_embed.backbone.stages.{stage}.blocks.{block}"
            if block == 0:
                shapes[f"{name}.downsample.conv.weight"] = (wide, source, 1, 1)
                shapes |= _pair(f"{name}.downsample.norm", wide)
            shapes[f"{name}.conv1.weight"] = (wide // 4, source, 1, 1)
            shapes[f"{name}.conv2.weight"] = (wide // 4, wide // 4, 3, 3)
            shapes[f"{name}.conv3.weight"] = (wide, wide // 4, 1, 1)
            for number, size in ((1, wide // 4), (2, wide // 4), (3, wide)):
                shapes |= _pair(f"{name}.norm{number}", size)
            source = wide
    for layer in range(layers):
        name = f"{model}.blocks.{layer}"
        shapes |= {**_pair(f"{name}.norm1", width), **_pair(f"{name}.norm2", width)}
        shapes |= {**_pair(f"{name}.attn.qkv", 3 * width, width), **_pair(f"{name}.attn.proj", width, width)}
        shapes |= {**_pair(f"{name}.mlp.fc1", 4 * width, width), **_pair(f"{name}.mlp.fc2", width, 4 * width)}
    for number in (3, 4):
        name = f"pretrained.act_postprocess{number}"
        shapes |= {**_pair(f"{name}.0.project.0", width, 2 * width), **_pair(f"{name}.3", width, width, 1, 1)}
    shapes |= _pair("pretrained.act_postprocess4.4", width, width, 3, 3)
    for number, size in enumerate((256, 512, width, width), 1):
        shapes[f"scratch.layer{number}_rn.weight"] = (fused, size, 3, 3)
        name = f"scratch.refinenet{number}"
        shapes |= _pair(f"{name}.out_conv", fused, fused, 1, 1)
        for unit in (1, 2):
            for conv in (1, 2):
                shapes |= _pair(f"{name}.resConfUnit{unit}.conv{conv}", fused, fused, 3, 3)
    shapes |= _pair("scratch.output_conv.0", fused // 2, fused, 3, 3)
    shapes |= {**_pair("scratch.output_conv.2", 32, fused // 2, 3, 3), **_pair("scratch.output_conv.4", 1, 32, 1, 1)}
    return shapes


def _pair(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def tiny_depth_config() -> dict[str, Any]:
    """The shipped one, narrower: pictures of 32 pixels, patches of 16. The head's last layers have a fixed width."""
    config: dict[str, Any] = json.loads((SHIPPED / PART / "config.json").read_text())
    backbone = config["backbone_config"] | {
        "embedding_size": 8,
        "hidden_sizes": [8, 16, 32, 64],
        "depths": [1, 2, 1],
        "num_groups": 2,
    }
    return config | {
        "backbone_config": backbone,
        "backbone_featmap_shape": [1, 32, 2, 2],
        "backbone_out_indices": [0, 0, 1, 2],
        "num_hidden_layers": 3,
        "hidden_size": 16,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "image_size": 32,
        "neck_hidden_sizes": [8, 16, 16, 16],
        "fusion_hidden_size": 8,
        # The taps stay where they are, in the ninth and the twelfth layer.
    }


def tiny_depth_estimator() -> Any:
    """Random weights, those that a fresh network leaves at zero among them."""
    network = DPTForDepthEstimation(DPTConfig(**tiny_depth_config()))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
        # Else the last step, which lets nothing negative through, may leave a plain wall.
        network.head.head[4].bias.fill_(5.0)
    return network.eval()


def add_depth_parts(one: OneFile, *, half: bool = False) -> None:
    """The depth network in the file and in the folder, and what brings pictures to its size."""
    described = one.resources / CONFIGS / LAYOUTS[one.family].folder
    network = tiny_depth_estimator()
    if half:
        network.half()
    network.save_pretrained(one.folder / PART)
    _write(described / PART / "config.json", tiny_depth_config())
    processor = json.loads((SHIPPED / PROCESSOR).read_text()) | {"size": 32}
    _write(described / PROCESSOR, processor)
    _write(one.folder / PROCESSOR, processor)
    extend_checkpoint(one.path, {PREFIX + name: value for name, value in original_names(network).items()})


def _write(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


_BLOCK = {
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "attention.output.dense": "attn.proj",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
}


def original_names(network: Any) -> State:
    """The weights as MiDaS' own code holds them, the classifier among them that nobody asks."""
    state = dict(network.state_dict())
    result: State = {}
    for layer in range(int(network.config.num_hidden_layers)):
        for kind in ("weight", "bias"):
            place = f"dpt.encoder.layer.{layer}.attention.attention"
            rows = [state.pop(f"{place}.{part}.{kind}") for part in ("query", "key", "value")]
            result[f"pretrained.model.blocks.{layer}.attn.qkv.{kind}"] = torch.cat(rows)
    result |= {_original(name): value for name, value in state.items()}
    width = int(network.config.hidden_size)
    result["pretrained.model.head.weight"], result["pretrained.model.head.bias"] = torch.ones(10, width), torch.ones(10)
    return result


def _original(name: str) -> str:
    words = name.split(".")
    match words:
        case ["dpt", "embeddings", "cls_token"]:
            return "pretrained.model.cls_token"
        case ["dpt", "embeddings", "position_embeddings"]:
            return "pretrained.model.pos_embed"
        case ["dpt", "embeddings", "projection", kind]:
            return f"pretrained.model.patch_embed.proj.{kind}"
        case ["dpt", "embeddings", "backbone", "bit", "embedder", what, kind]:
            return f"pretrained.model.patch_embed.backbone.stem.{'norm' if what == 'norm' else 'conv'}.{kind}"
        case ["dpt", "embeddings", "backbone", "bit", "encoder", "stages", stage, "layers", layer, *rest]:
            return f"pretrained.model.patch_embed.backbone.stages.{stage}.blocks.{layer}.{'.'.join(rest)}"
        case ["dpt", "encoder", "layer", layer, *inner, kind]:
            return f"pretrained.model.blocks.{layer}.{_BLOCK['.'.join(inner)]}.{kind}"
        case ["dpt", "layernorm", kind]:
            return f"pretrained.model.norm.{kind}"
        case ["neck", "reassemble_stage", "readout_projects", number, "0", kind]:
            return f"pretrained.act_postprocess{int(number) + 1}.0.project.0.{kind}"
        case ["neck", "reassemble_stage", "layers", number, what, kind]:
            return f"pretrained.act_postprocess{int(number) + 1}.{3 if what == 'projection' else 4}.{kind}"
        case ["neck", "convs", number, kind]:
            return f"scratch.layer{int(number) + 1}_rn.{kind}"
        case ["neck", "fusion_stage", "layers", number, "projection", kind]:
            return f"scratch.refinenet{4 - int(number)}.out_conv.{kind}"
        case ["neck", "fusion_stage", "layers", number, unit, conv, kind]:
            return f"scratch.refinenet{4 - int(number)}.resConfUnit{unit[-1]}.conv{conv[-1]}.{kind}"
        case ["head", "head", number, kind]:
            return f"scratch.output_conv.{number}.{kind}"
    raise AssertionError(name)
