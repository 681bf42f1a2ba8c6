"""Labels of several raters, each in a file of their own."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard

from jaxmle._tables._checks import check_column, shown
from jaxmle._tables._designed import labels_of, rater_of
from jaxmle._tables._open import open_source
from jaxmle._tables._table import Table

Item = tuple[Any, ...]


def by_rater(
    human_source: object, humans: tuple[str, ...], id: Sequence[str], human_where: str | None = None
) -> tuple[Any, tuple[str, ...]]:
    """Where labels are and which columns hold them, files of several raters as one table with a column each.

    Args:
        human_source: As in `count`; several paths are files of as many raters.
        humans: Columns of labels; of several files the one that each of them has.
        id: Columns that name an item.
        human_where: Condition on the rows of one such file.

    Returns:
        The source and the columns: as they were, but where there are several files a table with a row an
        item and a column a rater, named as the files are.

    Raises:
        ValueError: Of several files: there are no ids, several columns, or a condition; one cannot be read,
            lacks a column, holds no label, or two of an item; or two are the same file.
    """
    if not _are_paths(human_source):
        return human_source, humans
    if len(human_source) == 1:
        return human_source[0], humans
    if not id:
        raise ValueError("`human_source` and `id` (--human-file and --id) go together: give both or none.")
    if human_where is not None:
        raise ValueError(
            "`human_where` (--human-where) is of one file of labels: keep in the files only what is meant."
        )
    if len(humans) != 1:
        raise ValueError(
            "several `human_source` (--human-file) are of a rater each: name the one column of labels that "
            f"all of them have with `human` (--human); got {', '.join(humans) or 'none'}."
        )
    names = _names([os.fspath(one) for one in human_source])
    ids = {column.casefold() for column in id}
    if taken := [name for name in names if name.casefold() in ids]:
        raise ValueError(
            f"`human_source` (--human-file): {taken[0]!r} is the name of an id: rename the file."
        )
    merged: dict[Item, dict[str, Any]] = {}
    for name, file in zip(names, human_source, strict=True):
        for item, label in _labels(os.fspath(file), id, humans[0]).items():
            empty = dict(zip(id, item, strict=True)) | dict.fromkeys(names)
            merged.setdefault(item, empty)[name] = label
    files = ", ".join(os.fspath(one) for one in human_source)
    return Table(list(merged.values())).call(files), names


def _are_paths(source: object) -> TypeGuard[Sequence[str | os.PathLike[str]]]:
    return (
        isinstance(source, list | tuple)
        and len(source) > 0
        and all(isinstance(one, str | os.PathLike) for one in source)
    )


def _names(files: Sequence[str]) -> tuple[str, ...]:
    """A name of each file that no other has: the rater's, that of the file, or the whole path."""
    real = [os.path.realpath(one) for one in files]
    twice = next((one for i, one in enumerate(files) if real[i] in real[:i]), None)
    if twice is not None:
        raise ValueError(f"`human_source` (--human-file) names {twice!r} twice: one file is one rater.")
    short = [rater_of(Path(one)) or Path(one).stem for one in files]
    # Names of columns that differ in case alone are one name.
    folded = [name.casefold() for name in short]
    names = tuple(
        name if folded.count(one) == 1 else file for name, one, file in zip(short, folded, files, strict=True)
    )
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError(
            "`human_source` (--human-file): names of files must differ by more than case: rename one."
        )
    return names


def _labels(file: str, id: Sequence[str], label: str) -> dict[Item, Any]:
    """Label of each item that has one in a file."""
    source = open_source(file)
    for column in (*id, label):
        check_column(source, column)
    found: dict[Item, Any] = {}
    for *names, word in labels_of(source, id, label):
        item = tuple(names)
        if None in item:
            continue
        if item in found:
            named = ", ".join(f"{column} {name!r}" for column, name in zip(id, item, strict=True))
            raise ValueError(
                f"{source.name} holds two labels of {named}, {shown(str(found[item]))} and "
                f"{shown(str(word))}: keep one row an item; a file is of one rater."
            )
        found[item] = word
    if not found:
        raise ValueError(f"column {label!r} of {source.name} holds no label beside any {' and '.join(id)}.")
    return found
