from ._answers import Answers as Answers
from ._answers import Queue as Queue
from ._answers import agreed as agreed
from ._answers import raters as raters
from ._app import Labeler as Labeler
from ._interval import interval_now as interval_now
from ._interval import source_of as source_of
from ._page import label_page as label_page
