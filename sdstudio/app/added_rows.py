"""Which LoRAs the panel shows, and what it says of each: a function of the session and the files that are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QCoreApplication

from sdstudio.app.added_files import AddedFiles, title
from sdstudio.app.added_request import PromptLora
from sdstudio.app.added_state import ChosenLora
from sdstudio.app.session import Session
from sdstudio.domain.added_find import names_word, nearest_name, prompt_embeddings
from sdstudio.domain.lora_prompt import lora_tags, renamed, without, without_tags
from sdstudio.domain.model_file import ModelFile, ModelRole

WORDS_MAX = 12
"""Of the words that wake a LoRA, so many are offered."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("AddedRows", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraRow:
    """What a row shows. `key` finds it again; `place` is where its file lies; `weight` None: only the prompt names it,
    and `aside` says how. `acts`: it is sent, with the weight `sent`; `fixed`: the prompt decides that. `why`: why it
    does not act, or what counts instead, in a sentence."""

    key: str
    title: str
    place: str = ""
    weight: float | None = None
    on: bool = True
    acts: bool = True
    sent: float = 1.0
    fixed: bool = False
    aside: str = ""
    why: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFault:
    """A LoRA of the prompt that cannot be: in a sentence, and the prompt with the nearest name instead ("").
    `take_out` says that all that cannot be go, and `rest` is the prompt without them."""

    words: str
    remedy: str = ""
    cured: str = ""
    take_out: str = ""
    rest: str = ""


def lora_rows(session: Session, added: AddedFiles) -> tuple[LoraRow, ...]:
    """Those of the panel in their order, then those that only the prompt names."""
    named = {row.file.path: row for row in session.prompt_loras() if row.file is not None and row.error is None}
    family = session.model.family
    rows: list[LoraRow] = []
    for chosen in session.state.loras:
        known = added.lora(chosen, family)
        by_prompt = named.pop(known.file.path, None) if known.file is not None else None
        rows.append(_chosen_row(chosen, known.file, known.why, by_prompt))
    rows += [_prompt_row(row, row.file) for row in named.values() if row.file is not None]
    return tuple(rows)


def embeddings_words(session: Session, added: AddedFiles) -> str:
    """Which embeddings the prompts name, and which of a restored picture's are not here; "" where there is none."""
    state = session.state
    text = without_tags(f"{state.positive}\n{state.negative}")
    found = prompt_embeddings(
        (state.positive, state.negative), added.all_of(ModelRole.TEXTUAL_INVERSION), session.model.family
    )
    known = {file.name.casefold() for file in found}
    gone = [name for name in session.restored_embeddings if name.casefold() not in known and names_word(text, name)]
    sentences = []
    if found:
        one = len(found) == 1
        words = _tr("The embedding {names} is in use.") if one else _tr("The embeddings {names} are in use.")
        sentences.append(words.format(names=", ".join(f"“{file.name}”" for file in found)))
    if gone and added.looked:
        words = _tr("Not on this computer, and read as plain words: {names}.")
        sentences.append(words.format(names=", ".join(f"“{name}”" for name in gone)))
    return " ".join(sentences)


def _chosen_row(chosen: ChosenLora, file: ModelFile | None, why: str, by_prompt: PromptLora | None) -> LoraRow:
    words = _tr("Left out: it {reason}.").format(reason=why) if why else ""
    if not why and chosen.on and not chosen.weight and not chosen.text_weight:
        words = _tr("At 0 it does nothing.")
    if by_prompt is not None and not why:
        words = _tr("The prompt names it with {weight}, which counts.").format(weight=_number(by_prompt.tag.weight))
    return LoraRow(
        key=chosen.key,
        title=title(file) if file is not None else chosen.name,
        place=file.path if file is not None else "",
        weight=chosen.weight,
        on=chosen.on,
        acts=not why and (chosen.on or by_prompt is not None),
        sent=chosen.weight if by_prompt is None else by_prompt.tag.weight,
        fixed=by_prompt is not None,
        why=words,
        words=trigger_words(file) if file is not None else (),
    )


def _prompt_row(row: PromptLora, file: ModelFile) -> LoraRow:
    return LoraRow(
        key=f"prompt {file.path}",
        title=title(file),
        place=file.path,
        sent=row.tag.weight,
        aside=_tr("{weight} in the prompt").format(weight=_number(row.tag.weight)),
        words=trigger_words(file),
    )


def prompt_fault(session: Session, added: AddedFiles) -> PromptFault | None:
    """The first LoRA of the prompt that stands in the way of a picture."""
    if not added.looked:
        return None
    wrong = [row for row in session.prompt_loras() if row.error is not None]
    if not wrong:
        return None
    row, fault = wrong[0], _faulty(session.state.positive, wrong)
    nearest = nearest_name(row.tag.name, added.of(ModelRole.LORA, session.model.family))
    if row.file is not None or not nearest or nearest.casefold() == row.tag.name.casefold():
        return fault
    cured = renamed(session.state.positive, row.tag, nearest)
    return replace(fault, remedy=_tr("Use “{name}”").format(name=nearest), cured=cured)


def _faulty(prompt: str, wrong: Sequence[PromptLora]) -> PromptFault:
    """One row may stand for several tags of its name."""
    unknown = {row.tag.name.casefold() for row in wrong if not row.tag.problem}
    tags = [tag for tag in lora_tags(prompt) if tag.problem or tag.name.casefold() in unknown]
    take_out = _tr("Take it out of the prompt")
    if len(wrong) == 2:
        take_out = _tr("Take both out of the prompt")
    elif len(wrong) > 2:
        take_out = _tr("Take all {count} out of the prompt").format(count=len(wrong))
    return PromptFault(words=str(wrong[0].error), take_out=take_out, rest=without(prompt, tags))


def summary(rows: tuple[LoraRow, ...]) -> str:
    """What the folded panel says: `ink 0.8, glow 0.5`."""
    parts = [f"{row.title} {_number(row.sent)}" for row in rows if row.acts]
    if parts:
        return ", ".join(parts)
    return _tr("none in use") if rows else _tr("none")


def trigger_words(file: ModelFile) -> tuple[str, ...]:
    """Side-car files give one a line, or all in one with commas."""
    words = (word.strip() for line in file.side_car.words for word in line.split(","))
    return tuple(dict.fromkeys(filter(None, words)))[:WORDS_MAX]


def used_words(prompt: str, words: tuple[str, ...]) -> frozenset[str]:
    """Which of them the prompt has."""
    return frozenset(word for word in words if names_word(prompt, word))


def with_word(prompt: str, word: str) -> str:
    """The prompt with one word more, after a comma."""
    if names_word(prompt, word):
        return prompt
    rest = prompt.rstrip()
    return f"{rest}{' ' if rest.endswith(',') else ', ' if rest else ''}{word}"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
