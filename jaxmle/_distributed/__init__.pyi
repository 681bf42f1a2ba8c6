from ._map_slices import map_slices as map_slices
from ._spark import bootstrap as bootstrap
from ._spark import certify as certify
from ._spark import estimate as estimate
