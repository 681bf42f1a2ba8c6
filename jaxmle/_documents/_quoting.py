"""Commands that can be pasted into a shell, whatever the names in them."""

import shlex


def shell_line(*words: str) -> str:
    """Join the words of a command, quoted where a shell needs it.

    Control characters are written as escapes in ``$'...'``, which bash, zsh and ksh read, so that nothing in
    a name can act on the terminal that shows it.
    """
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if word.isprintable():
        easier = "'" in word and not set(word) & set('"$`\\!')
        return f'"{word}"' if easier else shlex.quote(word)
    pieces = []
    for char in word:
        if char in "\\'":
            pieces.append(f"\\{char}")
        elif char.isprintable():
            pieces.append(char)
        else:
            # Octal escapes take three digits and no more, so that a digit may follow.
            pieces += [f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape")]
    return f"$'{''.join(pieces)}'"
