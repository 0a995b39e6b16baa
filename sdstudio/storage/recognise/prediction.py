"""What a model predicts, by the strongest evidence that its files hold."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sdstudio.domain.model_file import Evidence, ModelFamily, Prediction
from sdstudio.storage.recognise.tensor_table import TensorTable

_USUAL = {
    ModelFamily.SD1: Prediction.EPSILON,
    ModelFamily.SD1_INPAINTING: Prediction.EPSILON,
    ModelFamily.PIX2PIX: Prediction.EPSILON,
    ModelFamily.SD2_INPAINTING: Prediction.EPSILON,
    ModelFamily.SD2_DEPTH: Prediction.EPSILON,
    ModelFamily.X4_UPSCALER: Prediction.V,
    ModelFamily.UNCLIP_L: Prediction.V,
    ModelFamily.UNCLIP_H: Prediction.V,
    ModelFamily.SDXL: Prediction.EPSILON,
    ModelFamily.SDXL_REFINER: Prediction.EPSILON,
    ModelFamily.SDXL_INPAINTING: Prediction.EPSILON,
}
"""After the published configs. SD 2.x itself is not among them: base and 768-v differ in this alone."""

_STEPS = {"875000": Prediction.EPSILON, "110000": Prediction.V}
"""`global_step` of the published SD 2.1 base and SD 2.1 768-v."""

WORDS = {
    "epsilon": Prediction.EPSILON,
    "eps": Prediction.EPSILON,
    "v": Prediction.V,
    "v_prediction": Prediction.V,
    "v-prediction": Prediction.V,
    "vpred": Prediction.V,
    "sample": Prediction.SAMPLE,
    "x0": Prediction.SAMPLE,
}


def decide(family: ModelFamily, table: TensorTable, side_car: Prediction | None) -> tuple[Prediction, Evidence]:
    """In the order of evidence: side-car, metadata, marker keys, global_step, the family's custom; else unknown."""
    if side_car is not None:
        return side_car, Evidence.SIDECAR
    told = of_metadata(table.texts)
    if told is not None:
        return told, Evidence.METADATA
    if "v_pred" in table or "edm_vpred" in table:
        return Prediction.V, Evidence.KEY
    step = _STEPS.get(table.texts.get("global_step", "")) if family is ModelFamily.SD2 else None
    if step is not None:
        return step, Evidence.GLOBAL_STEP
    return usual(family)


def usual(family: ModelFamily) -> tuple[Prediction, Evidence]:
    found = _USUAL.get(family)
    return (found, Evidence.FAMILY) if found is not None else (Prediction.UNKNOWN, Evidence.NONE)


def of_metadata(texts: Mapping[str, str]) -> Prediction | None:
    for key in ("modelspec.prediction_type", "prediction_type"):
        found = WORDS.get(texts.get(key, "").strip().lower())
        if found is not None:
            return found
    if texts.get("ss_v_parameterization", "").lower() == "true" or texts.get("ss_v2", "") == "v":
        return Prediction.V
    architecture = texts.get("modelspec.architecture", "").lower()
    if re.match(r"stable-diffusion-v2-(768-v|.*-v)\b", architecture):
        return Prediction.V
    return Prediction.EPSILON if architecture.startswith("stable-diffusion-v2-512") else None


def narrowed(family: ModelFamily, prediction: Prediction) -> ModelFamily:
    """SD 2.x is base or 768-v as soon as its prediction is known."""
    if family is not ModelFamily.SD2:
        return family
    return {Prediction.EPSILON: ModelFamily.SD2_BASE, Prediction.V: ModelFamily.SD2_V}.get(prediction, family)


def zero_snr(table: TensorTable) -> bool:
    """Whether the noise schedule ends in noise alone (Lin et al. 2023): the marker key of community models."""
    return "ztsnr" in table or table.texts.get("ss_zero_terminal_snr", "").lower() == "true"
