"""Reading annotations: the type, whether None is among it, and what it is annotated with. Knows no
type by name."""

from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin


def taken_apart(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The bare type of an annotation, without None, and all that it is annotated with."""
    markers: tuple[Any, ...] = ()
    while True:
        bare = without_none(annotation)
        if get_origin(bare) is Annotated:
            bare, *more = get_args(bare)
            markers = (*markers, *more)
        if bare is annotation:
            return bare, markers
        annotation = bare


def without_none(annotation: Any) -> Any:
    """What is there beside None; the annotation itself where None is not among it."""
    if get_origin(annotation) is Annotated:
        inner, *markers = get_args(annotation)
        bare = without_none(inner)
        return annotation if bare is inner else Annotated[bare, *markers]
    if get_origin(annotation) in (Union, UnionType):
        others = [one for one in get_args(annotation) if one is not NoneType]
        if len(others) < len(get_args(annotation)):
            return reduce(or_, others)
    return annotation


def annotated(type_: Any, *markers: object) -> Any:
    """`Annotated[type_, *markers]` of a type that is known only at run time."""
    made: Any = Annotated
    return made[(type_, *markers)]
