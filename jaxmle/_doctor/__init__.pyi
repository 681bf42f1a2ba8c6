from ._commands import DoctorOptions as DoctorOptions
from ._doctor import doctor_document as doctor_document
