from ._card import write_card as write_card
from ._html import page_html as page_html
from ._markdown import page_markdown as page_markdown
from ._sections import report_page as report_page
from ._verdict import certificate_page as certificate_page
