"""Random documents for a random schema.

The documents are not validated: an executor must also agree on those that a validator would
refuse, such as fields that do not exist or arguments that are missing.
"""

from __future__ import annotations

from random import Random
from typing import Any

from graphql import GraphQLSchema, is_abstract_type, is_leaf_type

from .worlds import inner_type

HEAD = (
    "($i: Int, $s: [String!], $o: In, $b: Boolean!, $n: Boolean = true, $e: Int! = 4, $d: Color) "
)
NO_PROPAGATION = "@experimental_disableErrorPropagation"

LITERALS = {
    "a": ("2", "null", "$i", "$e", '"x"'),
    "b": ('["p", "q"]', '"one"', "$s", "null", '["p", $d]'),
    "c": ("{n: 3}", '{n: $e, tags: ["t"]}', "$o", "{}", "{n: $i}"),
    "d": ("GREEN", "$d", "null", "BLUE"),
    "e": ("5", "$e", "$i"),
}


def variables(random: Random) -> dict[str, Any]:
    """Return values of the variables of `HEAD`; some are absent, some are null."""
    values: dict[str, Any] = {"b": random.random() < 0.5}
    for name, choices in (
        ("i", (1, None)),
        ("s", (["v"], [], None)),
        ("o", ({"n": 2}, None)),
        ("n", (True, False, None)),
        ("e", (8,)),
        ("d", ("GREEN", None)),
    ):
        if random.random() < 0.6:
            values[name] = random.choice(choices)
    return values


class Writer:
    """Writes one document."""

    def __init__(self, schema: GraphQLSchema, random: Random) -> None:
        self.schema = schema
        self.random = random
        self.fragments: list[str] = []
        self.names = 0
        self.budget = 40

    def document(self, operation: str) -> str:
        root = self.schema.type_map[operation.capitalize()]
        body = self.selection(root, 3)
        pad = " " * len(NO_PROPAGATION)
        return "\n".join([f"{operation} Q{HEAD}{pad} {body}", *self.fragments])

    def selection(self, type_: Any, depth: int) -> str:
        parts = [self.part(type_, depth) for _ in range(self.random.randint(1, 4))]
        return "{ " + "\n ".join(parts) + " }"

    def part(self, type_: Any, depth: int) -> str:
        kind = self.random.random()
        self.budget -= 1
        if self.budget > 0 and kind < 0.12:
            target = self.narrow(type_)
            condition = f" on {target.name}" if self.random.random() < 0.7 else ""
            inner = self.selection(target if condition else type_, depth)
            return f"...{condition}{self.directives()} {inner}"
        if self.budget > 0 and kind < 0.24:
            self.names += 1
            name = f"F{self.names}"
            target = self.narrow(type_)
            self.fragments.append(
                f"fragment {name} on {target.name} {self.selection(target, depth)}"
            )
            spread = f"...{name}{self.directives()}"
            return f"{spread} ...{name}" if self.random.random() < 0.2 else spread
        return self.field(type_, depth)

    def narrow(self, type_: Any) -> Any:
        """Return the type or one that may be the type of the same object."""
        if is_abstract_type(type_):
            return self.random.choice([type_, *self.schema.get_possible_types(type_)])
        return self.random.choice([type_, *type_.interfaces])

    def field(self, type_: Any, depth: int) -> str:
        fields = getattr(type_, "fields", {})
        usable = [
            name
            for name, field in fields.items()
            if is_leaf_type(inner_type(field.type)) or (depth and self.budget > 0)
        ]
        if not usable or self.random.random() < 0.08:
            return self.random.choice(("__typename", "kind: __typename", "missing"))
        name = self.random.choice(usable)
        field = fields[name]
        alias = ""
        if field.args or self.random.random() < 0.15:
            self.names += 1
            alias = f"x{self.names}: "
        arguments = [
            f"{argument}: {self.random.choice(LITERALS[argument])}"
            for argument in field.args
            if self.random.random() < (0.95 if argument == "e" else 0.6)
        ]
        text = alias + name
        if arguments:
            text += "(" + ", ".join(arguments) + ")"
        text += self.directives()
        inner = inner_type(field.type)
        return text if is_leaf_type(inner) else f"{text} {self.selection(inner, depth - 1)}"

    def directives(self) -> str:
        if self.random.random() < 0.8:
            return ""
        name = self.random.choice(("skip", "include"))
        return f" @{name}(if: {self.random.choice(('$b', '$n', 'true', 'false', '$b'))})"
