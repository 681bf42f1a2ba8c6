from ._commands import DoctorOptions as DoctorOptions
from ._doctor import doctor_document as doctor_document
from ._doctor import doctor_of_counts as doctor_of_counts
