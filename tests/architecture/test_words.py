"""Every text of the window goes through Qt's translation. What is looked at is where texts usually enter widgets."""

from __future__ import annotations

import ast

from tests.helpers.sources import python_files, relative, tree_of

CONSTRUCTORS = {"QAction", "QCheckBox", "QGroupBox", "QLabel", "QMenu", "QPushButton", "QRadioButton", "QToolButton"}
CONSTRUCTORS |= {"Button", "FieldLabel", "FlatButton", "LinkButton", "PrimaryButton", "SectionLine", "ToggleButton"}
SETTERS = {
    *("setAccessibleDescription", "setAccessibleName", "setPlaceholderText", "setStatusTip", "setText", "setTitle"),
    *("setToolTip", "setWhatsThis", "setWindowTitle", "addAction", "addTab", "setPrefix", "setSuffix"),
}


def bare_texts(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, text) of string literals with words in them that reach a widget without tr or translate."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in CONSTRUCTORS | SETTERS:
            arguments = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in ("text", "title"))]
            found += [(node.lineno, text) for argument in arguments for text in words_in(argument)]
    return found


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def words_in(node: ast.expr) -> list[str]:
    """A literal, an f-string or one of two literals; anything else is a value that comes from elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value] if any(letter.isalpha() for letter in node.value) else []
    if isinstance(node, ast.JoinedStr):
        return [text for part in node.values for text in words_in(part)]
    if isinstance(node, ast.IfExp):
        return words_in(node.body) + words_in(node.orelse)
    if isinstance(node, ast.BinOp):
        return words_in(node.left) + words_in(node.right)
    return []


def test_window_texts_can_be_translated() -> None:
    offenders = [
        f"{relative(path)}:{line}: {text!r}"
        for path in python_files("sdstudio/ui")
        for line, text in bare_texts(tree_of(path))
    ]
    assert not offenders, "not through tr():\n" + "\n".join(offenders)


def test_the_guard_sees_bare_texts_only() -> None:
    source = 'QLabel("Seed")\nx.setToolTip(f"at {n}")\nx.setText(self.tr("Steps"))\nx.setText("×")\nx.setText(value)'
    assert bare_texts(ast.parse(source)) == [(1, "Seed"), (2, "at ")]
