"""Text of a stranger: markup, escape codes, a script and more than a line."""

HOSTILE = "[red]markup[/red] \x1b[31mred\x07 </script><script>alert(1)</script> {{x}}\u2028\nsecond line"
