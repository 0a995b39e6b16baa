"""`sdstudio models`: what there is to choose from."""

from __future__ import annotations

import argparse

from sdstudio.cli.arguments import add_json
from sdstudio.cli.console import Console
from sdstudio.cli.running import DONE
from sdstudio.cli.services import CliServices
from sdstudio.domain.models import ModelInfo

HELP = "list the models"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(_args: argparse.Namespace, services: CliServices, console: Console) -> int:
    for info in services.catalog.models():
        text = f"{info.name}  ({info.badge}, {info.spec.hash or 'no hash'})\n  {info.spec.path}"
        console.result(_to_dict(info), text)
    return DONE


def _to_dict(info: ModelInfo) -> dict[str, object]:
    presets = info.presets
    return {
        "name": info.name,
        "path": info.spec.path,
        "hash": info.spec.hash,
        "badge": info.badge,
        "built_in": info.built_in,
        "steps": presets.steps,
        "guidance_scale": presets.guidance_scale,
        "sampler": presets.sampler,
        "width": presets.size.width,
        "height": presets.size.height,
    }
