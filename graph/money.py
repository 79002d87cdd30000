"""Money as clients see and send it."""

from typing import Annotated

import strawberry

from core import money
from graph.columns import computed
from graph.scalars import CurrencyCode, Decimal


@strawberry.type(description="An amount of money. Amounts are exact and never converted.")
class Money:
    minor: strawberry.Private[int]

    amount: Decimal = computed(
        lambda amounts: money.decimals_of([(one.minor, one.currency) for one in amounts]),
        description="The amount in the currency's major unit, with its ISO 4217 digits.",
    )
    currency: CurrencyCode = strawberry.field(description="The currency of the amount.")

    @strawberry.field(description="The amount for people, such as `$116.50`.")
    def formatted(
        self,
        locale: Annotated[
            str | None,
            strawberry.argument(description="Language and region (BCP 47), `en-US` when left out."),
        ] = None,
    ) -> str:
        return money.Money(self.minor, self.currency).formatted(locale)

    @classmethod
    def of(cls, minor: int, currency: str) -> "Money":
        """The amount of minor units in a currency."""
        return cls(minor=minor, currency=currency)  # type: ignore[arg-type]  # a NewType is a call


@strawberry.input(description="An amount of money as clients send it.")
class MoneyInput:
    amount: Decimal = strawberry.field(
        description="A decimal string with at most the currency's ISO 4217 digits."
    )
    currency: CurrencyCode = strawberry.field(description="The currency of the amount.")

    def parse(self, *path: str) -> money.Money:
        """The amount in minor units. Raises InvalidInput that names the argument."""
        return money.parse_amount(self.amount, self.currency, ["input", *path, "amount"])
