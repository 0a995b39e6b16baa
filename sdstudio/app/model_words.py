"""Words for model files: their badge, why one is refused, and all that is known of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from sdstudio.app import messages
from sdstudio.domain.family_presets import FAMILY_PRESETS
from sdstudio.domain.model_file import (
    FOLDER_LAYOUT,
    LOADABLE_FAMILIES,
    WHOLE,
    Evidence,
    ModelFamily,
    ModelFile,
    ModelRole,
    Prediction,
    Verdict,
)
from sdstudio.domain.models_found import FoundModel, ModelState

DOT = " · "
_LINK = re.compile(r"((?P<part>[^:]+): )?a link (?P<rest>.*)", re.DOTALL)


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelWords", text)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a file cannot be used: what happened, and what that means and what to do."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the details: its name and its value."""

    name: str
    value: str


def file_size(count: int) -> str:
    """In powers of ten, as shops and other programs count files: `2.1 GB`, `144 MB`."""
    if count >= 10**9:
        return _tr("{size} GB").format(size=f"{count / 10**9:.1f}")
    if count >= 10**6:
        return _tr("{size} MB").format(size=round(count / 10**6))
    return _tr("{size} kB").format(size=max(1, round(count / 1000))) if count else _tr("empty")


def how_large(file: ModelFile) -> str:
    """“link” for one that was not followed; "" for what could not be looked at."""
    if file.verdict is Verdict.UNREACHABLE:
        return _tr("link") if file.reason.startswith("a link") else ""
    return file_size(file.size_bytes)


def _is_single(file: ModelFile) -> bool:
    """A file, which is called without its suffix, unlike a folder."""
    path = Path(file.path)
    return bool(path.suffix) and path.name == file.name + path.suffix


def title(model: FoundModel) -> str:
    """The name that it has in the menu, on the command line and in pictures; of what cannot be used, its file's."""
    return file_name(model.file) if model.state in (ModelState.REFUSED, ModelState.LATER) else model.name


def file_name(file: ModelFile) -> str:
    """Of a folder what it is called: in the Hugging Face cache that is not its own name."""
    return Path(file.path).name if _is_single(file) else file.name


def role(file: ModelFile) -> str:
    """What sort of thing it is; "" for a checkpoint."""
    return {
        ModelRole.UNET: _tr("UNet alone"),
        ModelRole.VAE: _tr("VAE"),
        ModelRole.TEXT_ENCODER: _tr("Text encoder"),
        ModelRole.LORA: _tr("LoRA"),
        ModelRole.TEXTUAL_INVERSION: _tr("Embedding"),
        ModelRole.CONTROLNET: _tr("ControlNet"),
        ModelRole.UPSCALER: _tr("Upscaler"),
        ModelRole.TAESD: _tr("Preview decoder"),
    }.get(file.role, "")


def family(file: ModelFile) -> str:
    return FAMILY_PRESETS[file.family].badge if file.family is not None else ""


def badge(model: FoundModel) -> str:
    """`SD 1.5 · 4 channels · fp16 · 2.1 GB`; of a part of a model first what it is. "" where nothing was recognised."""
    file = model.file
    if _in_the_box(model):
        side = _tr("{side} px").format(side=file.resolution) if file.resolution else ""
        return _joined(_tr("Small model"), side, file.precision, _size(file))
    if file.refused and file.verdict is not Verdict.UNSUPPORTED:
        return ""
    briefly = _predicts_briefly(file)
    # What “SD 2 v” says is said in a word of its own here.
    parts = [role(file), _tr("SD 2") if briefly and file.family is ModelFamily.SD2_V else family(file)]
    if not any(parts):
        return ""
    if file.role is ModelRole.CHECKPOINT:
        parts.append(briefly or _channels(file))
    elif file.role is ModelRole.LORA:
        parts.append(file.kind)
    return _joined(*parts, file.precision, _size(file))


def _in_the_box(model: FoundModel) -> bool:
    """Built like Stable Diffusion 1, and nothing that is made for that fits it."""
    return model.info is not None and model.info.built_in


def _joined(*parts: str) -> str:
    return DOT.join(filter(None, parts))


def _size(file: ModelFile) -> str:
    return file_size(file.size_bytes) if file.size_bytes else ""


def _channels(file: ModelFile) -> str:
    return _tr("{count} channels").format(count=file.channels) if file.channels else ""


def _predicts_briefly(file: ModelFile) -> str:
    told = file.prediction is Prediction.V and file.family in (ModelFamily.SD1, ModelFamily.SD2_V, ModelFamily.SDXL)
    return _tr("v-prediction") if told else ""


# -- why not ----------------------------------------------------------------------------------------------------------


def reason(model: FoundModel) -> Reason | None:
    """None for what can be used, alone or with another."""
    file = model.file
    if model.state is ModelState.LATER:
        return _not_yet(file)
    if model.state is not ModelState.REFUSED:
        return None
    return {Verdict.UNSAFE: _unsafe, Verdict.UNREACHABLE: _unreachable}.get(file.verdict, _broken)(file)


def pickle_names(file: ModelFile) -> str:
    """What a refused pickle asks for: `os.system, builtins.eval`; "" where that is not the reason."""
    found = re.match(r"a pickle that wants (.*?)(?:: refused)?$", file.reason)
    return found[1] if found is not None and file.verdict is Verdict.UNSAFE else ""


def _unsafe(file: ModelFile) -> Reason:
    names = pickle_names(file)
    if names:
        text = _tr(
            "It asks for {names}. Nothing in it was run. Get the same model as a .safetensors file, which cannot hold "
            "programs."
        )
        return Reason(_tr("Refused: this file would run a program when opened."), text.format(names=names))
    text = _tr("Its table of contents is not what a program for models writes: {reason}. Nothing in it was run.")
    return Reason(_tr("Refused: this file is not safe to read."), text.format(reason=file.reason))


def _broken(file: ModelFile) -> Reason:
    why = file.reason
    rest = why.partition(": ")[2]
    if why.startswith("truncated"):
        text = _tr("Only a part is there: {part}. Copy or download it once more.")
        return Reason(_tr("Refused: the file is not complete."), text.format(part=rest))
    if why.startswith("an LFS pointer"):
        text = _tr("{rest}. Download the model's own file.").format(rest=rest[:1].upper() + rest[1:])
        return Reason(_tr("Refused: this is a placeholder, not the model."), text)
    if why.startswith(("an HTML page", "an XML page")):
        text = _tr("The download was answered with a page, for a log-in or an error. Download it once more.")
        return Reason(_tr("Refused: this is a web page, not a model."), text)
    text = _tr("It cannot be read as a model: {reason}. Get the file once more.")
    return Reason(_tr("Refused: the file is damaged or no model."), text.format(reason=why))


def _unreachable(file: ModelFile) -> Reason:
    link = _LINK.fullmatch(file.reason)
    if link is not None:
        return _link(link["part"] or "", link["rest"])
    text = _tr("{reason}. Look whether you may read it, and whether its disk is connected.")
    return Reason(_tr("This file cannot be read."), text.format(reason=file.reason[:1].upper() + file.reason[1:]))


def _link(part: str, rest: str) -> Reason:
    """`part`: which one of a folder, "" for a file; `rest` goes on after “a link”."""
    gone = re.fullmatch(r"to (.*), which is not there", rest, re.DOTALL)
    if gone is not None and part:
        text = _tr(
            "Perhaps the download is not complete: get it once more. {part} leads to {target}, which is not there."
        )
        return Reason(_tr("A part of it is a link that leads nowhere."), text.format(part=part, target=gone[1]))
    if gone is not None:
        text = _tr("{target} is not there. Look whether it was moved, and whether its disk is connected.")
        return Reason(_tr("This link leads nowhere."), text.format(target=gone[1]))
    outside = re.fullmatch(r"to (.*): add the folder (.*)", rest, re.DOTALL)
    if outside is not None:
        head = _tr("Not followed: this is a link to elsewhere.")
        if part:
            head = _tr("Not followed: a part of it is a link to elsewhere.")
        text = _tr("It leads to {target}, out of the folders in this list. To use it, add the folder {folder}.")
        return Reason(head, text.format(target=Path(outside[1]).name, folder=outside[2]))
    head = _tr("A part of it is a link that leads in a circle.") if part else _tr("This link leads in a circle.")
    return Reason(head, _tr("It leads to itself, by way of other links or at once. Make it anew, or take it away."))


def _not_yet(file: ModelFile) -> Reason:
    """Sound, but of no use here (yet)."""
    if file.refused:
        # What was recognised, with its article: “a ControlNet for SD 1.x”, “Flux”.
        what = file.what or file.reason
        words = _tr("Not usable yet: {what}.") if file.role is not ModelRole.OTHER else _tr("Not usable here: {what}.")
        text = _tr("The file is sound. SD Studio works with Stable Diffusion 1, 2 and XL.")
        return Reason(words.format(what=what), text)
    missing = [part for part in WHOLE if part not in file.parts]
    if file.layout != FOLDER_LAYOUT and missing and file.family in LOADABLE_FAMILIES:
        text = _tr("Parts are missing: {parts}. Get a checkpoint that holds all of them.")
        return Reason(_tr("Not usable alone."), text.format(parts=", ".join(missing)))
    text = _tr("The file is sound, but SD Studio cannot make pictures with models of this kind yet.")
    return Reason(_tr("Not usable yet: {what}.").format(what=file.what), text)


# -- details ----------------------------------------------------------------------------------------------------------


def predicts(file: ModelFile) -> str:
    """What the network predicts and how that is known."""
    words = {
        Prediction.EPSILON: _tr("noise (epsilon)"),
        Prediction.V: _tr("v-prediction"),
        Prediction.SAMPLE: _tr("the picture itself"),
        Prediction.UNKNOWN: _tr("not known; the first picture finds it out"),
    }[file.prediction]
    known = {
        Evidence.CHOSEN: _tr("chosen by you"),
        Evidence.SIDECAR: _tr("the .yaml beside it says so"),
        Evidence.CONFIG: _tr("its configuration says so"),
        Evidence.METADATA: _tr("its metadata says so"),
        Evidence.KEY: _tr("a mark in the file says so"),
        Evidence.GLOBAL_STEP: _tr("by how long it was trained"),
        Evidence.PROBE: _tr("found out by trying"),
        Evidence.FAMILY: _tr("usual for its family"),
    }.get(file.evidence, "")
    zero = _tr("zero terminal SNR") if file.zero_snr else ""
    return DOT.join(filter(None, (words, known, zero)))


def facts(model: FoundModel) -> list[Fact]:
    """What is known of it, line by line; what is not known is left out."""
    file = model.file
    precise = DOT.join(filter(None, (file.precision, _parameters(file), _tr("with EMA") if file.has_ema else "")))
    trained = _tr("{side} × {side} pixels").format(side=file.resolution) if file.resolution else ""
    is_model = file.role in (ModelRole.CHECKPOINT, ModelRole.UNET) and not file.refused
    what = _tr("{family} checkpoint").format(family=file.what) if file.role is ModelRole.CHECKPOINT else file.what
    sort = file.kind if file.kind not in what else ""
    kind = _joined(what or role(file), sort, _channels(file))
    if _in_the_box(model):
        kind = _joined(_tr("Small model that comes with SD Studio"), _channels(file))
    lines = (
        (_tr("Title"), file.side_car.title),
        (_tr("Kind"), kind),
        (_tr("Predicts"), predicts(file) if is_model and file.family is not None else ""),
        (_tr("Weights"), precise),
        (_tr("Trained at"), trained if is_model else ""),
        (_tr("Holds"), ", ".join(file.parts) if is_model else ""),
        (_tr("Asks for"), pickle_names(file)),
        (_tr("Reason"), file.reason if model.state is ModelState.REFUSED and not pickle_names(file) else ""),
        (_tr("Wakes to"), ", ".join(file.side_car.words)),
        (_tr("Made for"), file.side_car.base),
        (_tr("Notes"), file.side_car.notes),
        (_tr("Size"), _size(file)),
        (_tr("Hash"), hash_words(file)),
        (_tr("File"), file.path),
    )
    return [Fact(name, value) for name, value in lines if value]


def hash_words(file: ModelFile) -> str:
    """The short hashes by which pictures name it, and the whole; "" while they are not known."""
    if file.hashes is None:
        return ""
    return DOT.join(filter(None, (file.hashes.short, file.hashes.old, f"sha256 {file.hashes.sha256}")))


def _parameters(file: ModelFile) -> str:
    if not file.parameters:
        return ""
    if file.parameters < 10**6:
        return _tr("{count} parameters").format(count=messages.number(file.parameters))
    millions = file.parameters / 10**6
    shown = messages.number(round(millions)) if millions >= 10 else f"{millions:.1f}"
    return _tr("{millions} million parameters").format(millions=shown)


def copy_text(model: FoundModel) -> str:
    """All of it as plain text, for a message to somebody."""
    why = reason(model)
    head = [title(model), *((why.title, why.text) if why is not None else ())]
    return "\n".join((*head, *(f"{fact.name}: {fact.value}" for fact in facts(model))))
