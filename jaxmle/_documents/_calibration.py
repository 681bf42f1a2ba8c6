"""Where the bounds of a document come from."""

from jaxmle._data import JudgeCalibration
from jaxmle._types import Document


def calibration_origin(calibration: JudgeCalibration, file: str) -> Document:
    """What a document says of the calibration file that its bounds are of."""
    return {
        "file": file,
        "said": calibration.origin,
        "judge": calibration.judge,
        "judge_version": calibration.judge_version,
        "rubric_sha256": calibration.rubric_sha256,
        "date": calibration.date,
        "confidence": calibration.confidence,
        "parts": len(calibration.names),
        "sha256": calibration.sha256,
    }
