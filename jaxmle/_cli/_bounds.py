"""`jaxmle bounds`: what is known of the judge's rates in a data set that nobody has labelled yet."""

from functools import partial

from jaxmle._cli._reading import Reading, with_reading
from jaxmle._cli._show import show

_NOT_ASKED = (
    *("tpr", "fpr", "failure_rate", "bounds", "reference", "reference_by", "margin"),
    *("weight", "cluster", "calibration", "labels", "min_labels"),
)


@partial(with_reading, without=_NOT_ASKED)
def bounds(reading: Reading) -> int:
    """Learn bounds on TPR and FPR from labelled parts: models, kinds of questions or months, by --by.

    They are meant for the next part, so they allow for how far the parts differ. Each part is also left out
    in turn and held against what the others foretell. The last line is to be pasted behind another command.

    Exit status 0 done, 2 trouble.
    """
    table, analysis = reading.read()
    from jaxmle._documents import bounds_document
    from jaxmle._terminal import bounds_table

    show(bounds_document(table, analysis), reading.as_json, bounds_table)
    return 0
