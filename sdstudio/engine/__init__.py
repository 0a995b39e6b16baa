"""The engine. This file imports nothing: it only sets what libraries read from the environment when they are loaded."""

import os

os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    DISABLE_TELEMETRY="1",
    HF_HUB_DISABLE_PROGRESS_BARS="1",
    HF_HUB_DISABLE_IMPLICIT_TOKEN="1",
    DIFFUSERS_VERBOSITY="error",
    TRANSFORMERS_VERBOSITY="error",
    # Its threads would only fight with the window's; a prompt is a few hundred bytes.
    TOKENIZERS_PARALLELISM="false",
)
# OpenMP's threads wait by spinning unless told otherwise. With any other busy program on the same cores a picture
# of 1 s then takes 10 to 40 s (measured on two cores); waiting passively costs nothing measurable.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
