"""Prices of models that a team has set itself."""

from datetime import date

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

from nodes.pricing import CURRENCY, OwnRate

ALWAYS = date(1970, 1, 1)
_NOT_NEGATIVE = [MinValueValidator(0)]
_RATE = ("input", "output", "cached", "written", "reasoning", "per_call")
_COLUMNS = ("model", "provider", "since", "tier", "currency", *_RATE)


class OwnPriceQuerySet(models.QuerySet["OwnPrice"]):
    def rates(self) -> list[OwnRate]:
        """Return the prices as the recorder uses them. One query."""
        return [OwnRate(*row) for row in self.values_list(*_COLUMNS)]

    def for_list(self) -> "OwnPriceQuerySet":
        """Return the prices by model, the newest and the base price first."""
        return self.order_by("model", "provider", "-since", "tier")


class OwnPrice(models.Model):
    """A price of models, from a day on, for prompts of some length; see
    `nodes.pricing.own_rates.OwnRate`. Amounts are per million tokens."""

    model = models.CharField(
        max_length=200, help_text="The name that runs report; * stands for any characters."
    )
    provider = models.CharField(
        max_length=100, blank=True, help_text="As runs report it; empty for any."
    )
    since = models.DateField(
        default=ALWAYS,
        help_text="The first day (UTC) on which it holds; 1970-01-01: always.",
    )
    tier = models.PositiveIntegerField(
        "Prompts over", default=0, help_text="Tokens beyond which it holds; 0 for all prompts."
    )
    currency = models.CharField(
        max_length=3,
        default=CURRENCY,
        validators=[RegexValidator(r"^[A-Z]{3}\Z", "A currency has three letters, as USD.")],
    )
    input = models.DecimalField(max_digits=16, decimal_places=8, validators=_NOT_NEGATIVE)
    output = models.DecimalField(max_digits=16, decimal_places=8, validators=_NOT_NEGATIVE)
    cached = models.DecimalField(
        "Read from the cache", max_digits=16, decimal_places=8, null=True, blank=True,
        validators=_NOT_NEGATIVE, help_text="Empty: as input.",
    )  # fmt: skip
    written = models.DecimalField(
        "Written to the cache", max_digits=16, decimal_places=8, null=True, blank=True,
        validators=_NOT_NEGATIVE, help_text="Empty: as input.",
    )  # fmt: skip
    reasoning = models.DecimalField(
        max_digits=16, decimal_places=8, null=True, blank=True,
        validators=_NOT_NEGATIVE, help_text="Empty: as output.",
    )  # fmt: skip
    per_call = models.DecimalField(
        max_digits=16, decimal_places=8, default=0, validators=_NOT_NEGATIVE
    )

    objects = OwnPriceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "provider", "since", "tier"],
                name="own_price_once",
                violation_error_message="There is a price for this model, provider, day and tier.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}" if self.provider else self.model

    @property
    def always(self) -> bool:
        return self.since == ALWAYS
