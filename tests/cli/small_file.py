"""A small file, and commands run on it in this process."""

from jaxmle._cli import main

COLUMNS = ["--judge", "judge", "--human", "human"]


def small_file(folder):
    """Thirty rows of two topics, a third of them without a label."""
    path = folder / "in.csv"
    path.write_text("topic,human,judge\n" + "a,1,1\na,0,0\na,,1\nb,0,0\nb,1,1\nb,,0\n" * 5)
    return path


def run(capsys, *arguments):
    """Exit status, standard output and standard error of a command."""
    status = main([str(one) for one in arguments])
    return status, *capsys.readouterr()
