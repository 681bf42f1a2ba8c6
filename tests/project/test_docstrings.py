"""What the reference says of public names: each is documented in full, and stands in it."""

import ast
import inspect
import re
import textwrap

import pytest
from cases import PROJECT

import jaxmle
from jaxmle import _results

MODULES = ("jaxmle", "baselines", "tables", "spark", "distributed")
# What draws, keeps, reads or lays out data: there is no formula in it that would have a source.
WITHOUT_SOURCE = re.compile(
    r"plot_\w+|tables\.count|.*\.(plot|save|load|check|age|of_slices|values|with_unlabeled|with_look|of_counts|as_counts"
    r"|from_labels|from_clusters|to_dict|to_frame)"
)
# What takes anything that its types allow.
WITHOUT_RAISES = re.compile(r".*\.(values|with_unlabeled|with_look|of_counts|levels|level|to_dict)")


def public():
    """Names of functions and classes, and what they are; of classes what they define themselves too."""
    yield from (("Result.to_dict", _results.Result.to_dict), ("Result.to_frame", _results.Result.to_frame))
    for module in MODULES:
        holder = jaxmle if module == "jaxmle" else getattr(jaxmle, module)
        for name in getattr(holder, "__all__", vars(holder)):
            found = getattr(holder, name)
            if name.startswith("_") or inspect.ismodule(found):
                continue
            name = name if module == "jaxmle" else f"{module}.{name}"
            yield name, found
            for member, one in vars(found).items() if isinstance(found, type) else ():
                plain = one.__func__ if isinstance(one, classmethod | staticmethod) else one
                if not member.startswith("_") and (inspect.isfunction(plain) or isinstance(one, property)):
                    yield f"{name}.{member}", plain


NAMES = dict(public())


def faults_of_class(found):
    """What is missing in the text on a class: a field, or what its constructor refuses."""
    text = "\n".join(
        inspect.getdoc(one) or "" for one in found.__mro__ if one.__module__.startswith("jaxmle")
    )
    if "Attributes:" not in text and "Raises:" not in text:
        yield "Raises:"
    for field in inspect.signature(found).parameters:
        if not field.startswith("_") and not re.search(rf"^ +{field}: ", text, re.MULTILINE):
            yield field


def faults_of_function(name, found):
    """What is missing in the text on a function: a parameter, or a section."""
    text, signature = inspect.getdoc(found), inspect.signature(found)
    for one in signature.parameters.values():
        stars = r"\*\*" if one.kind == one.VAR_KEYWORD else ""
        if one.name not in ("self", "cls") and not re.search(rf"^ +{stars}{one.name}: ", text, re.MULTILINE):
            yield one.name
    if signature.return_annotation not in (None, "None") and not text.startswith("Return "):
        yield from {"Returns:"} - set(text.split())
    needed = {"Examples:", ">>>"}
    needed |= set() if WITHOUT_RAISES.fullmatch(name) else {"Raises:"}
    needed |= set() if WITHOUT_SOURCE.fullmatch(name) else {"Source:"}
    yield from needed - set(text.split())


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_documented_in_full(name):
    found = NAMES[name]
    text = inspect.getdoc(found) or ""
    summary = text.split("\n\n")[0]
    assert summary.endswith("."), name
    assert "\n" not in summary, name
    faults = faults_of_class(found) if isinstance(found, type) else faults_of_function(name, found)
    assert isinstance(found, property) or not list(faults), name


@pytest.mark.parametrize("name", NAMES)
def test_no_public_signature_says_any(name):
    """Names of types aside: `Array` is an array of any number type, a `Document` what JSON holds."""
    found = NAMES[name]
    if inspect.isfunction(found):
        source = ast.parse(textwrap.dedent(inspect.getsource(found)))
        (function,) = source.body
        assert isinstance(function, ast.FunctionDef)
        arguments = function.args
        annotations = [
            one.annotation for one in [*arguments.args, *arguments.kwonlyargs, arguments.kwarg] if one
        ]
        annotations.append(function.returns)
        for one in filter(None, annotations):
            assert not re.search(r"\bAny\b", ast.unparse(one)), (name, ast.unparse(one))


def test_every_public_name_stands_in_the_reference():
    pages = (PROJECT / "docs" / "reference").glob("*.md")
    shown = [
        name for page in pages for name in re.findall(r"^::: jaxmle\.(\S+)$", page.read_text(), re.MULTILINE)
    ]
    of_classes = ("Result.", *(f"{name}." for name in NAMES if isinstance(NAMES[name], type)))
    assert sorted(shown) == sorted(name for name in NAMES if not name.startswith(of_classes))


def test_the_overview_names_every_function():
    """Their results are found by what makes them; modules are named too."""
    overview = set(re.findall(r"\w+", jaxmle.__doc__))
    made = {name for name in jaxmle.__all__ if not isinstance(getattr(jaxmle, name), type)}
    assert made - {"__version__"} <= overview
