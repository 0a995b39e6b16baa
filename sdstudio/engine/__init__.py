"""The engine. This file imports no library: it only sets what they look at when they are loaded."""

import os
import warnings

os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    DISABLE_TELEMETRY="1",
    DO_NOT_TRACK="1",
    HF_HUB_DISABLE_XET="1",
    HF_HUB_DISABLE_PROGRESS_BARS="1",
    HF_HUB_DISABLE_IMPLICIT_TOKEN="1",
    DIFFUSERS_VERBOSITY="error",
    TRANSFORMERS_VERBOSITY="error",
    # Its threads would only fight with the window's; a prompt is a few hundred bytes.
    TOKENIZERS_PARALLELISM="false",
)
# OpenMP's threads wait for the next layer by spinning, and spin long unless told otherwise. Two cores, a picture of the
# model in the box: as it comes 1.0 s idle, but 4 s and up to over 40 s beside other busy programs; without spinning
# 2.1 s idle, because waking a thread is slow; with 20,000 turns 1.2 to 1.4 s idle and 3 s beside two busy programs.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
# torch tells these on the terminal, as warnings about its own source; `cards` has words for people instead.
for _about in ("CUDA initialization", "Can't initialize NVML", r"\s*Found GPU\d", r"\s*.* with CUDA capability sm_"):
    warnings.filterwarnings("ignore", message=_about, category=UserWarning)
