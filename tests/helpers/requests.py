"""Requests for tests, plain ones and strange ones."""

from __future__ import annotations

from hypothesis import strategies as st

from sdstudio.domain.edits import ImageInput
from sdstudio.domain.geometry import Size
from sdstudio.domain.request import GenerationRequest, JobRequest, ModelSpec, PromptSpec, SamplingSpec, UpscaleRequest
from sdstudio.domain.samplers import SAMPLERS


def generation(prompt: str = "a red apple", *, seed: int = 7, count: int = 1, steps: int = 3) -> GenerationRequest:
    return GenerationRequest(
        prompt=PromptSpec(positive=prompt),
        sampling=SamplingSpec(seed=seed, count=count, steps=steps, sampler="DDIM"),
        model=ModelSpec(name="Starter", path="/models/starter", hash="0123456789"),
        size=Size(64, 64),
    )


# Everything a person can type or paste, with the marks that the formats use as their own.
prompts = st.text(max_size=200) | st.lists(
    st.sampled_from(
        [
            "Negative prompt: ",
            "\n",
            "\r\n",
            "Steps: 20, ",
            "Sampler: x, ",
            '"',
            "\\",
            "\\n",
            ",",
            ":",
            "(a:1.2)",
            "🍎",
            "日本",
            "\x00",
            "\u2028",
            "\x85",
            "é",
            "ÿ",
            " ",
            "\t",
            "BREAK",
            "{}",
            "[]",
        ]
    ),
    max_size=12,
).map("".join)

generations = st.builds(
    GenerationRequest,
    prompt=st.builds(PromptSpec, positive=prompts, negative=prompts, clip_skip=st.integers(1, 12)),
    sampling=st.builds(
        SamplingSpec,
        steps=st.integers(1, 1000),
        guidance_scale=st.floats(0, 100),
        guidance_rescale=st.floats(0, 1),
        sampler=st.sampled_from([sampler.name for sampler in SAMPLERS]),
        seed=st.integers(0, 2**64 - 1),
        count=st.integers(1, 1000),
    ),
    model=st.builds(ModelSpec, name=prompts, path=prompts, hash=st.text("0123456789abcdef", max_size=10)),
    size=st.builds(Size, st.integers(8, 512).map(lambda n: n * 8), st.integers(8, 512).map(lambda n: n * 8)),
    threads=st.integers(0, 64),
)

upscales = st.builds(
    UpscaleRequest,
    image=st.builds(ImageInput, sha256=st.just("ab" * 32), width=st.integers(1, 4096), height=st.integers(1, 4096)),
    scale=st.sampled_from([2, 4]),
    source_name=prompts,
    threads=st.integers(0, 64),
)

job_requests: st.SearchStrategy[JobRequest] = generations | upscales
