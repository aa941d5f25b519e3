"""The texts that a model wants before a sentence, by name, as sentence-transformers keeps them. Knows no file and no model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Prompts:
    """`default` is the name of the prompt that stands before every text of no named kind; empty: none does."""

    named: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    default: str = ""

    def text(self, *names: str) -> str:
        """The first of the named prompts that there is, else nothing; without a name, the default's."""
        asked = names or (self.default,)
        return next((self.named[name] for name in asked if name in self.named), "")
