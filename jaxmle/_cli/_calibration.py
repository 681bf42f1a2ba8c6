"""Calibration files on the command line: is it one, is it of this judge, is it old?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxmle._types import Document

if TYPE_CHECKING:
    from jaxmle._data import JudgeCalibration


def named_judge(name: str | None) -> dict[str, str | None]:
    """Name and version of NAME@VERSION."""
    if name is None:
        return {"judge": None, "judge_version": None}
    judge, at, version = name.rpartition("@")
    judge, version = (judge, version) if at else (version, "")
    if not judge.strip() or (at and not version.strip()):
        raise ValueError(f"--judge-name must be NAME or NAME@VERSION; got {name!r}.")
    return {"judge": judge, "judge_version": version or None}


def text_of_rubric(rubric: Path | None) -> bytes | None:
    """What a rubric's file holds."""
    if rubric is None:
        return None
    if not (data := rubric.read_bytes()).strip():
        raise ValueError(f"--rubric: {str(rubric)!r} is empty.")
    return data


def check_date(date: str | None) -> None:
    """Raise ``ValueError`` unless it is a day."""
    from jaxmle._data import is_date

    if date is not None and not is_date(date):
        raise ValueError(f"--date must be a day such as 2026-03-31; got {date!r}.")


def is_calibration(path: Path | None) -> bool:
    """Whether a file of bounds is a calibration: JSON that is no list of rows."""
    if path is None or path.suffix.lower() != ".json":
        return False
    with path.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"["


def calibration(
    path: Path | None, *, judge_name: str | None, rubric: Path | None, max_age: int | None, date: str | None
) -> tuple["JudgeCalibration", Document, list[str]] | None:
    """Load a calibration file and hold it against what is said of the judge.

    Returns:
        The calibration, where it comes from, for documents, and what there is to say against it; None where
        the path is of no such file.

    Raises:
        ValueError: It is damaged, of another judge or rubric; or options are given without it.
    """
    asked: dict[str, Any] = {
        "--judge-name": judge_name,
        "--rubric": rubric,
        "--max-age": max_age,
        "--date": date,
    }
    if not is_calibration(path):
        for option, value in asked.items():
            if value is not None:
                raise ValueError(
                    f"{option} is held against a calibration file: name it with --bounds FILE.json, as "
                    "`jaxmle bounds --save FILE.json` writes it."
                )
        return None
    assert path is not None
    if date is not None and max_age is None:
        raise ValueError("--date goes with --max-age.")
    check_date(date)
    from jaxmle._data import JudgeCalibration
    from jaxmle._documents import calibration_origin

    found = JudgeCalibration.load(path)
    try:
        found.check(**named_judge(judge_name), rubric=text_of_rubric(rubric))
    except ValueError as error:
        raise ValueError(f"--bounds {str(path)!r}: {error}") from None
    notes = []
    if max_age is not None and not 0 <= (age := found.age(date)) <= max_age:
        notes.append(
            f"the bounds were learnt on {found.date}, {age:,} days ago, which is more than --max-age "
            f"{max_age:,}: learn them anew with `jaxmle bounds`"
            if age > 0
            else f"the bounds were learnt on {found.date}, which is yet to come: see that clock and --date "
            "are right"
        )
    return found, calibration_origin(found, str(path)), notes
