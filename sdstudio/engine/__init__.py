"""The engine. This file imports nothing: it only sets what libraries read from the environment when they are loaded."""

import os

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
# OpenMP's threads wait for the next layer by spinning, for milliseconds unless told otherwise. With another busy
# program on the same two cores a picture of 1 s then took over 15 s; without any spinning, waking them doubles the
# time of a picture on an idle machine. 20,000 turns are some 0.1 ms: 1.2 s idle, 3 s beside two busy programs.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
