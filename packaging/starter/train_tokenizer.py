"""Trains the starter model's own CLIPTokenizer (byte-level BPE).

    python train_tokenizer.py NODE_MODULES OUT VOCABULARY CAPTIONS.json...

NODE_MODULES holds emojibase-data, whose names and keywords are learnt too, so that ordinary words stay whole.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

WORD_END = "</w>"
MARKS = ("<|startoftext|>", "<|endoftext|>")
MAX_LENGTH = 77
COMPONENT_GROUP = 9
"""The emoji group of skin tones and hair, which have no words to learn."""

WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
"""What CLIP takes for a word."""

COMMON_WORDS = (
    "the of and to in is it on with for at by from up about into over after under above below between near behind "
    "beside photo photograph picture painting drawing illustration portrait landscape detailed high quality "
    "masterpiece best beautiful colorful bright dark light vivid cute realistic digital art watercolor oil sketch "
    "minimal simple background foreground highly intricate sharp focus blurry ugly deformed low bad worst text "
    "watermark logo style very large small big tiny huge boy girl child kid baby man woman person people sitting "
    "standing running flying swimming eating holding wearing smiling happy sad angry old young morning evening "
    "summer winter spring autumn"
)
CHECKS = ("a red apple on a blue background", "A cat and a dog at night, 3d style", "a Skyscraper, Zürich!")

Merge = tuple[str, str]


def emoji_words(node_modules: Path) -> list[str]:
    """Name and keywords of every emoji, one line each."""
    entries = json.loads((node_modules / "emojibase-data/en/data.json").read_text("utf-8"))
    return [
        " ".join([entry["label"], *entry.get("tags", [])]) for entry in entries if entry.get("group") != COMPONENT_GROUP
    ]


def train_merges(texts: Sequence[str], vocabulary: int) -> list[Merge]:
    """Byte-pair merges in order of rank, from texts cut up as CLIP does it."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix=WORD_END, unk_token=MARKS[1]))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
            ByteLevel(add_prefix_space=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 256 - len(MARKS),
        end_of_word_suffix=WORD_END,
        initial_alphabet=ByteLevel.alphabet(),
        special_tokens=[],
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in merges]


def number_tokens(merges: Sequence[Merge]) -> dict[str, int]:
    """Token numbers in CLIP's order: bytes, bytes that end a word, merges, begin and end marks."""
    alphabet = sorted(ByteLevel.alphabet(), key=ord)
    tokens = [*alphabet, *(letter + WORD_END for letter in alphabet), *(left + right for left, right in merges)]
    unique = dict.fromkeys(tokens)
    unique.update(dict.fromkeys(MARKS))
    return {token: number for number, token in enumerate(unique)}


def save_tokenizer(numbers: dict[str, int], merges: list[Merge], out: Path) -> CLIPTokenizer:
    """Writes every form that readers ask for, and reads the folder back."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "vocab.json").write_text(json.dumps(numbers, ensure_ascii=False), "utf-8")
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges)]
    (out / "merges.txt").write_text("\n".join(lines) + "\n", "utf-8")
    # Given as values: vocab_file= and merges_file= silently make an empty vocabulary in transformers 5.
    CLIPTokenizer(vocab=dict(numbers), merges=merges, model_max_length=MAX_LENGTH).save_pretrained(out)
    return CLIPTokenizer.from_pretrained(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("node_modules", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("vocabulary", type=int, help="the most tokens it may have")
    parser.add_argument("captions", type=Path, nargs="+")
    options = parser.parse_args()
    captions = [caption for path in options.captions for caption in json.loads(path.read_text("utf-8"))]
    texts = captions[:4000] * 2 + emoji_words(options.node_modules) + [COMMON_WORDS] * 6
    merges = train_merges(texts, options.vocabulary)
    tokenizer = save_tokenizer(number_tokens(merges), merges, options.out)
    print(len(tokenizer), "tokens, at most", tokenizer.model_max_length, "in a prompt")
    for check in CHECKS:
        print(tokenizer.tokenize(check))
    sample = captions[:2000]
    print("mean tokens a caption:", sum(len(tokenizer(caption).input_ids) for caption in sample) / len(sample))


if __name__ == "__main__":
    main()
