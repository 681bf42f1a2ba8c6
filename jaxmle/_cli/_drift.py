"""`jaxmle drift`: has the judge left its bounds?"""

from dataclasses import replace
from functools import partial

from jaxmle._cli._reading import Reading
from jaxmle._cli._show import show
from jaxmle._cli._with_reading import with_reading

_NOT_ASKED = (
    *("failure_rate", "weight", "calibration", "labels", "design", "min_labels", "seed"),
    "same_population",
)


@partial(with_reading, without=_NOT_ASKED)
def drift(reading: Reading) -> int:
    """Hold a judge against its bounds on an anchor set, judged again and labelled by humans.

    Exit status 0 no evidence that TPR or FPR has left --tpr, --fpr, or what --bounds or --reference gives; 1
    it has; 2 trouble. --reference is an earlier judging of the same items, so without --reference-by its
    limits allow for sampling alone. With --by, slices and all rows together share the error (Holm). No
    evidence of drift is not evidence of no drift: the table says what would have been found. Where items
    belong together, as answers to one prompt do, --cluster keeps false alarms as rare as for independent
    items.
    """
    if (reading.tpr, reading.fpr) == ("0:1", "0:1") and not (reading.reference or reading.bounds):
        raise ValueError(
            "which bounds? Give --tpr and --fpr, --bounds with a calibration file, or --reference with an "
            "earlier judging of the anchor set."
        )
    same = bool(reading.reference and not reading.reference_by)
    table, analysis = replace(reading, same_population=same).read()
    from jaxmle._documents import drift_document
    from jaxmle._terminal import drift_table

    document = drift_document(table, analysis)
    show(document, reading.as_json, drift_table)
    return 1 if document["verdict"] == "outside" else 0
