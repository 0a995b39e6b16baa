"""What other programs call the samplers that we have."""

from __future__ import annotations

import re

from sdstudio.domain.samplers import find_sampler

_FAMILIES = {
    "Euler": "euler",
    "Euler a": "euler_a euler_ancestral k_euler_a k_euler_ancestral eulera",
    "Heun": "heun k_heun",
    "DPM2": "dpm_2 dpm2 kdpm_2 k_dpm_2",
    "DPM2 a": "dpm_2_a dpm_2_ancestral dpm2_a dpm2_ancestral kdpm_2_a k_dpm_2_a k_dpm_2_ancestral",
    "DPM++ 2M": "dpmpp_2m k_dpmpp_2m dpm++2m",
    "DPM++ 2M SDE": "dpmpp_2m_sde k_dpmpp_2m_sde dpmpp_2m_sde_gpu",
    "DPM++ 3M SDE": "dpmpp_3m_sde dpmpp_3m_sde_gpu",
    "DPM++ 2S": "dpmpp_2s",
    "DDIM": "ddim",
    "DDPM": "ddpm",
    "PLMS": "plms pndm",
    "UniPC": "unipc uni_pc uni_pc_bh2",
    "DEIS": "deis",
    "SA-Solver": "sa_solver",
    "LCM": "lcm",
    "TCD": "tcd",
}
_OURS = {alias: name for name, aliases in _FAMILIES.items() for alias in aliases.split()}
_OURS["k_euler"] = "Euler"
_PLAIN_SCHEDULES = {"", "automatic", "normal", "native", "simple", "sgm_uniform", "ddim_uniform", "uniform"}


def our_sampler(name: str, schedule: str = "") -> str:
    """Our name where one maps, else the text as found, with its noise schedule where that has a name of its own.

    Knows A1111's names, those of ComfyUI (also Fooocus, Krita), InvokeAI (`_k` = Karras) and NovelAI (`k_`).
    """
    found = name.strip()
    plain = schedule.strip().casefold().replace(" ", "_") in _PLAIN_SCHEDULES
    suffix = "" if plain else f" {schedule.strip()}"
    base = _base_name(found)
    for candidate in (f"{base}{suffix}", f"{found}{suffix}"):
        info = find_sampler(candidate)
        if info is not None:
            return info.name
    info = find_sampler(found)
    if info is not None and found.casefold().endswith(suffix.casefold()):
        return info.name  # The schedule is named within the sampler already: “DPM++ 2M Karras”, “Karras”.
    return f"{found}{suffix}"


def _base_name(found: str) -> str:
    # Krita puts its preset first: “Euler - euler_a (20 / 7.5)”.
    inner = re.fullmatch(r".* - (\w[\w+]*)(?: \([^)]*\))?", found)
    alias = (inner[1] if inner else found).casefold().replace(" ", "_").replace("-", "_")
    if alias in _OURS:
        return _OURS[alias]
    if alias.endswith("_k") and alias[:-2] in _OURS:
        return f"{_OURS[alias[:-2]]} Karras"
    return found
