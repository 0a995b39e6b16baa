"""`sdstudio generate`: pictures from a prompt."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdstudio.cli.added import Additions, overridden
from sdstudio.cli.arguments import (
    COUNT,
    FOLDER,
    GUIDANCE,
    SAMPLER,
    SEED,
    SIZE,
    STEPS,
    UsageError,
    add_added,
    add_json,
)
from sdstudio.cli.console import Console
from sdstudio.cli.running import run_job
from sdstudio.cli.services import CliServices
from sdstudio.domain.edits import EditReport
from sdstudio.domain.errors import InvalidRequest, ModelError
from sdstudio.domain.events import PictureSaved
from sdstudio.domain.family_tasks import tasks_of, why_not
from sdstudio.domain.lora_prompt import lora_tags
from sdstudio.domain.model_file import FOLDER_LAYOUT
from sdstudio.domain.models import STARTER_NAME, ModelInfo, QuickPreset
from sdstudio.domain.request import RANDOM_SEED_COUNT, GenerationRequest, PromptSpec, SamplingSpec
from sdstudio.domain.samplers import SAMPLERS
from sdstudio.storage.model_refusal import why_not as why_refused

HELP = "make pictures from a prompt"
EPILOG = f"""\
What is not given comes from the model's own recommendations; without --seed it is drawn at random and printed.
In the prompt, (word:1.2) weighs a word more and (word:0.8) less, and <lora:name:0.8> adds a LoRA.

samplers: {", ".join(sampler.name for sampler in SAMPLERS)}

example: sdstudio generate "a red apple on a blue background" --seed 7 --out pictures
"""
_OTHER_WAYS = {"text": "Give it one: “sdstudio img2img PICTURE”."}
_OPTIONS = {"width": "--size", "height": "--size", "size": "--size", "guidance_scale": "--guidance"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("prompt", metavar="PROMPT", help="what to draw, in quotes; may be empty")
    add_settings(parser)


def add_settings(parser: argparse.ArgumentParser, *, sized: bool = True) -> None:
    """The arguments of every command that lets a model draw; `sized`: where the result's size can be chosen."""
    parser.add_argument("--negative", metavar="TEXT", default="", help="what not to draw")
    parser.add_argument("--steps", type=STEPS, metavar="N", help="1 to 1000; more is slower and finer")
    parser.add_argument("--guidance", type=GUIDANCE, metavar="G", help="0 to 100; how closely the prompt is followed")
    parser.add_argument("--quick", action="store_true", help="the model's own form for few steps, where it has one")
    if sized:
        parser.add_argument("--size", type=SIZE, metavar="WxH", help="in pixels, multiples of 8 from 64 to 4096")
    parser.add_argument("--seed", type=SEED, metavar="S", help="0 to 2^64 - 1; the same seed makes the same picture")
    parser.add_argument("--sampler", type=SAMPLER, metavar="NAME", help="one of those below, in any case")
    parser.add_argument("--model", metavar="NAME|PATH", default=STARTER_NAME, help="see “sdstudio models”")
    parser.add_argument("--count", type=COUNT, metavar="N", default=1, help="how many, with seeds S, S+1, S+2 …")
    add_added(parser)
    parser.add_argument(
        "--out", type=FOLDER, metavar="DIR", help="where to; made if missing (else your results folder)"
    )
    add_json(parser)


def run(args: argparse.Namespace, services: CliServices, console: Console) -> int:
    info = find_model(services, args.model)
    request = build_request(args, info, services)
    return run_request(request, args, info, services, console)


def run_request(
    request: GenerationRequest, args: argparse.Namespace, info: ModelInfo, services: CliServices, console: Console
) -> int:
    """Says what is to be known of the request beforehand, then runs it; the exit code."""
    note_additions(args, info, request, console)
    note_unknown_words(info, args.prompt, console)
    folder = args.out or services.results_folder
    return run_job(services.make_runner(), request, folder, console, describe, out_given=args.out is not None)


def find_model(services: CliServices, name: str) -> ModelInfo:
    try:
        return services.catalog.find(name)
    except ModelError as error:
        raise UsageError(f"argument --model: {_named_file(services, name) or error}") from error


def _named_file(services: CliServices, name: str) -> ModelError | None:
    """Why a file of the added folders, given by its name in the list or its own, cannot be used. None where one of that
    name can: then it is the name that does not do."""
    wanted = name.strip().casefold()
    files = services.library.scan().models
    found = [file for file in files if wanted in (file.name.casefold(), Path(file.path).name.casefold())]
    usable = any(file.loadable or (file.draws and file.layout == FOLDER_LAYOUT) for file in found)
    return why_refused(found[0]) if found and not usable else None


def note_unknown_words(info: ModelInfo, prompt: str, console: Console) -> None:
    """Says so when a small model has learnt nothing that the prompt asks for."""
    unknown = info.words.unknown(prompt) if info.words is not None else ()
    if info.words is None or not unknown or info.words.names_a_thing(prompt):
        return
    named = ", ".join(f"“{word}”" for word in unknown)
    console.note(
        f"The {info.name} model knows about {info.words.about_count:,} things and has not learnt {named}. "
        "Full-size models know far more."
    )


def note_additions(args: argparse.Namespace, info: ModelInfo, request: GenerationRequest, console: Console) -> None:
    """Says so where the prompt and an argument name the same LoRA, where the negative prompt names one, and where the
    quick form gets another number of steps than it was made for."""
    quick = info.presets.quick if args.quick else None
    note = quick.note(request.sampling.steps) if quick is not None else ""
    if note:
        console.note(note)
    for name in overridden(args, request):
        console.note(f"The LoRA “{name}” is in the prompt too; its weight there counts.")
    if lora_tags(request.prompt.negative):
        console.note("LoRA tags work in the prompt, not in the negative prompt: left out there.")


def build_request(args: argparse.Namespace, info: ModelInfo, services: CliServices, **task: Any) -> GenerationRequest:
    """The arguments, with the model's presets where none was given, and what is added to the model; `task`: further
    fields of the request. Raises UsageError, also for what the model's family cannot do."""
    presets = info.presets
    quick = _quick_form(args, info)
    usual = quick or presets
    try:
        sampling = SamplingSpec(
            steps=usual.steps if args.steps is None else args.steps,
            guidance_scale=usual.guidance_scale if args.guidance is None else args.guidance,
            sampler=args.sampler or usual.sampler,
            seed=secrets.randbelow(RANDOM_SEED_COUNT) if args.seed is None else args.seed,
            count=args.count,
        )
        prompt = PromptSpec(positive=args.prompt, negative=args.negative)
        fields: dict[str, Any] = {"size": getattr(args, "size", None) or presets.size} | task
        fields["loras"] = () if quick is None else (quick.lora,)
        if "strength" in fields and not tasks_of(info.family).strength:
            fields["strength"] = 1.0
        request = GenerationRequest(prompt=prompt, sampling=sampling, model=info.spec, **fields)
    except InvalidRequest as error:
        option = _OPTIONS.get(error.field, f"--{error.field}")
        raise UsageError(f"argument {option}: {error}") from error
    why = why_not(info.family, request.task)
    if why:
        raise UsageError(f"argument --model: {why}.", hint=_OTHER_WAYS.get(request.task, "Choose another model."))
    return Additions(args, info, services).to(request)


def _quick_form(args: argparse.Namespace, info: ModelInfo) -> QuickPreset | None:
    """None where it is not asked for. Raises UsageError."""
    if args.quick and info.presets.quick is None:
        raise UsageError(f"argument --quick: “{info.name}” has no form for few steps.", hint="Leave it out.")
    return info.presets.quick if args.quick else None


def describe(event: PictureSaved) -> tuple[Mapping[str, Any], str]:
    """The contract's picture object."""
    request, size = event.request, event.image.size
    assert isinstance(request, GenerationRequest)
    data: dict[str, Any] = {
        "image": event.path,
        "seed": request.sampling.seed,
        "seconds": round(event.seconds, 3),
        "steps": request.sampling.steps,
        "width": size.width,
        "height": size.height,
        "model": request.model.name,
        "task": request.task,
    }
    if request.image is not None:
        data["strength"] = request.strength
    words = f"{event.path}  (seed {request.sampling.seed}, {event.seconds:.1f} s)"
    if event.edit is not None:
        data |= _counted(event.edit)
        words += f"  {event.edit.changed_outside:,} of {event.edit.pixels_outside:,} pixels outside changed"
    return data, words


def _counted(edit: EditReport) -> dict[str, Any]:
    crop = edit.crop
    return {
        "crop": [crop.x, crop.y, crop.width, crop.height],
        "pixels_outside": edit.pixels_outside,
        "changed_outside": edit.changed_outside,
        "seam": round(edit.seam, 3),
    }
