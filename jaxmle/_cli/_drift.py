"""`jaxmle drift`: has the judge left its bounds?"""

from functools import partial

from jaxmle._cli._reading import Reading, with_reading
from jaxmle._cli._show import show


@partial(with_reading, without=("failure_rate", "weight", "calibration", "labels", "min_labels", "seed"))
def drift(reading: Reading) -> int:
    """Hold a judge against its bounds on an anchor set, judged again and labelled by humans.

    Exit status 0 no evidence that TPR or FPR has left --tpr, --fpr (or what --reference gives); 1 it has; 2
    trouble. With --by, slices and all rows together share the error (Holm). No evidence of drift is not
    evidence of no drift: the table says what would have been found. Where items belong together, as answers
    to one prompt do, --cluster keeps false alarms as rare as for independent items.
    """
    if (reading.tpr, reading.fpr) == ("0:1", "0:1") and not (reading.reference or reading.bounds):
        raise ValueError(
            "which bounds? Give --tpr and --fpr, or --reference with an earlier judging of the anchor set."
        )
    table, analysis = reading.read()
    from jaxmle._documents import drift_document
    from jaxmle._terminal import drift_table

    document = drift_document(table, analysis)
    show(document, reading.as_json, drift_table)
    return 1 if document["verdict"] == "outside" else 0
