"""Trains the starter model's own CLIPTokenizer (byte-level BPE).

    python train_tokenizer.py NODE_MODULES OUT VOCABULARY CAPTIONS.json...

Besides the captions it learns every word of the noun table, of all grounds, scenes and styles, and the names and
keywords of emojibase-data (in NODE_MODULES), so that it need not change when the model learns more of them.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from tokenizers import Regex, normalizers, pre_tokenizers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer
from vocabulary import all_phrases

WORD_END = "</w>"
MARKS = ("<|startoftext|>", "<|endoftext|>")
MAX_LENGTH = 77
LEFT_OUT_GROUPS = (None, 2, 9)
"""Letters, skin tones and flags (with their many countries): the emojibase groups whose words are not learnt."""

WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
"""What CLIP takes for a word."""

TABLE_WEIGHT = 40
"""A phrase of the tables counts as often as this; a name of emojibase-data counts once."""

CAPTIONS_READ = 4000

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
        " ".join([entry["label"], *entry.get("tags", [])])
        for entry in entries
        if entry.get("group") not in LEFT_OUT_GROUPS
    ]


def count_words(texts: Iterable[str]) -> Counter[str]:
    """The words of the texts as CLIP cuts them up, their bytes written as printable letters."""
    normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    cutter = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word, _ in cutter.pre_tokenize_str(normalizer.normalize_str(text)))
    return counts


def train_merges(counts: Counter[str], number: int) -> list[Merge]:
    """At most `number` byte-pair merges in order of rank.

    Of pairs that are equally frequent the alphabetically first is taken, so that the same texts always give the same
    merges (the trainer of the tokenizers package takes either). Pairs found once only are not merged.
    """
    words = {word: [*word[:-1], word[-1] + WORD_END] for word in counts}
    frequency: Counter[Merge] = Counter()
    places: dict[Merge, set[str]] = defaultdict(set)
    for word, parts in words.items():
        _note_pairs(frequency, places, word, parts, counts[word])
    merges: list[Merge] = []
    while len(merges) < number and frequency:
        best = min(frequency, key=lambda pair: (-frequency[pair], pair))
        if frequency[best] < 2:
            break
        merges.append(best)
        for word in sorted(places[best]):
            _note_pairs(frequency, places, word, words[word], -counts[word])
            words[word] = _join(words[word], best)
            _note_pairs(frequency, places, word, words[word], counts[word])
        frequency.pop(best, None)
    return merges


def _note_pairs(
    frequency: Counter[Merge], places: dict[Merge, set[str]], word: str, parts: list[str], count: int
) -> None:
    for pair in pairwise(parts):
        frequency[pair] += count
        if count > 0:
            places[pair].add(word)
        elif frequency[pair] <= 0:
            del frequency[pair]


def _join(parts: list[str], pair: Merge) -> list[str]:
    joined: list[str] = []
    for part in parts:
        if joined and (joined[-1], part) == pair:
            joined[-1] += part
        else:
            joined.append(part)
    return joined


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
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("node_modules", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("vocabulary", type=int, help="the most tokens it may have")
    parser.add_argument("captions", type=Path, nargs="+")
    options = parser.parse_args()
    captions = [caption for path in options.captions for caption in json.loads(path.read_text("utf-8"))]
    texts = [*captions[:CAPTIONS_READ], *all_phrases() * TABLE_WEIGHT, *emoji_words(options.node_modules)]
    counts = count_words([*texts, *[COMMON_WORDS] * 6])
    merges = train_merges(counts, options.vocabulary - 2 * 256 - len(MARKS))
    tokenizer = save_tokenizer(number_tokens(merges), merges, options.out)
    print(len(tokenizer), "tokens, at most", tokenizer.model_max_length, "in a prompt")
    for check in CHECKS:
        print(tokenizer.tokenize(check))
    table = sorted({word for phrase in all_phrases() for word in phrase.split() if word.isalpha()})
    cut = [word for word in table if len(tokenizer.tokenize(word)) > 1]
    print(len(table) - len(cut), "of", len(table), "words of the tables are one token; not:", *cut)
    sample = captions[:2000]
    print("mean tokens a caption:", sum(len(tokenizer(caption).input_ids) for caption in sample) / len(sample))


if __name__ == "__main__":
    main()
